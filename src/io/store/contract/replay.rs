//! At most once, and for how long that is remembered.

use super::{Database, accept, id, received, stored_ids, them, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Timestamp;
use crate::io::store::{Admission, Conflict, NewReceipt, ReplayClaim};

pub(in crate::io::store) async fn a_receipt_is_accepted_once(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.commit(time(0), &[accept(1)]).await.unwrap(), [Ok(())]);
    let twin = NewReceipt { digest: Digest([9; 32]), ..received(1) };
    let claim = ReplayClaim { digest: twin.digest, ..accept(1).replay.unwrap() };
    let twin = Admission { receipts: vec![twin], replay: Some(claim), ..Admission::default() };
    let again = Err(Conflict::Replay { accepted: received(1).digest });
    assert_eq!(store.commit(time(0), &[accept(1), twin]).await.unwrap(), [again.clone(), again]);
    assert_eq!(store.accepted(&them(), &id(1)).await.unwrap(), Some(received(1).digest));
    assert_eq!(store.accepted(&them(), &id(2)).await.unwrap(), None);
}

pub(in crate::io::store) async fn a_receipt_is_accepted_once_within_a_batch(database: &dyn Database) {
    let store = database.open().await;
    let answers = store.commit(time(0), &[accept(1), accept(1), accept(2)]).await.unwrap();
    assert_eq!(answers, [Ok(()), Err(Conflict::Replay { accepted: received(1).digest }), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(1), id(2)]);
}

pub(in crate::io::store) async fn two_writers_do_not_both_accept(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    for n in 1..=20 {
        let batch = [accept(n)];
        let (here, there) = tokio::join!(first.commit(time(0), &batch), second.commit(time(0), &batch));
        let kept = [here.unwrap(), there.unwrap()].concat().into_iter().filter(Result::is_ok).count();
        assert_eq!(kept, 1, "receipt {n}");
    }
}

pub(in crate::io::store) async fn what_expires_before_the_watermark_is_refused(database: &dyn Database) {
    let store = database.open().await;
    store.purge_replay(time(302)).await.unwrap();
    let watermark = time(302);
    let answers = store.commit(time(0), &[accept(1), accept(2)]).await.unwrap();
    assert_eq!(answers, [Err(Conflict::BeforeWatermark { watermark }), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(2)]);
}

pub(in crate::io::store) async fn a_purge_forgets_only_what_expired(database: &dyn Database) {
    let store = database.open().await;
    store.commit(time(0), &[accept(1), accept(2), accept(3)]).await.unwrap();
    assert_eq!(store.purge_replay(time(302)).await.unwrap(), 1);
    assert_eq!(store.accepted(&them(), &id(1)).await.unwrap(), None);
    assert_eq!(store.accepted(&them(), &id(2)).await.unwrap(), Some(received(2).digest));
    assert_eq!(store.purge_replay(time(302)).await.unwrap(), 0);
    // Forgotten, and refused all the same.
    let answers = store.commit(time(0), &[accept(1), accept(2)]).await.unwrap();
    let watermark = Conflict::BeforeWatermark { watermark: time(302) };
    assert_eq!(answers, [Err(watermark), Err(Conflict::Replay { accepted: received(2).digest })]);
}

pub(in crate::io::store) async fn the_watermark_stays_and_never_goes_back(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.replay_watermark().await.unwrap(), Timestamp::EPOCH);
    store.purge_replay(time(50)).await.unwrap();
    store.purge_replay(time(40)).await.unwrap();
    drop(store);
    assert_eq!(database.open().await.replay_watermark().await.unwrap(), time(50));
}
