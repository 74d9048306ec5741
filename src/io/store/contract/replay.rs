//! At most once, and for how long that is remembered.

use super::{Database, accept, id, received, stored_ids, them, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Timestamp;
use crate::io::store::{Admission, Conflict, NewReceipt, ReplayClaim, Store};

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

/// A store that accepted the given receipts, each good for 300 s, and forgot those that expire before 302 s.
async fn purged(database: &dyn Database, accepted: &[u64]) -> Box<dyn Store> {
    let store = database.open().await;
    let batch: Vec<_> = accepted.iter().map(|n| accept(*n)).collect();
    store.commit(time(0), &batch).await.unwrap();
    store.purge_replay(time(302)).await.unwrap();
    store
}

pub(in crate::io::store) async fn what_expires_before_the_watermark_is_refused(database: &dyn Database) {
    let store = purged(database, &[2, 1]).await;
    // Number 0 was never seen, and whether it was is what nobody can tell any more.
    let answers = store.commit(time(0), &[accept(0), accept(1), accept(2), accept(3)]).await.unwrap();
    let watermark = Conflict::BeforeWatermark { watermark: time(302) };
    let replayed = Conflict::Replay { accepted: received(2).digest };
    assert_eq!(answers, [Err(watermark.clone()), Err(watermark), Err(replayed), Ok(())]);
}

pub(in crate::io::store) async fn a_purge_forgets_only_what_expired(database: &dyn Database) {
    let store = database.open().await;
    store.commit(time(0), &[accept(1), accept(2), accept(3)]).await.unwrap();
    assert_eq!(store.purge_replay(time(302)).await.unwrap(), 1);
    assert_eq!(store.accepted(&them(), &id(1)).await.unwrap(), None);
    assert_eq!(store.accepted(&them(), &id(2)).await.unwrap(), Some(received(2).digest));
    assert_eq!(store.purge_replay(time(302)).await.unwrap(), 0);
}

pub(in crate::io::store) async fn a_purge_by_a_clock_that_is_ahead_refuses_no_more_than_it_forgot(
    database: &dyn Database,
) {
    const YEARS: u64 = 200_000_000;
    let store = database.open().await;
    store.purge_replay(time(YEARS)).await.unwrap();
    assert_eq!(store.replay_watermark().await.unwrap(), Timestamp::EPOCH);
    store.commit(time(0), &[accept(1), accept(5)]).await.unwrap();
    assert_eq!(store.purge_replay(time(YEARS)).await.unwrap(), 2);
    assert_eq!(store.replay_watermark().await.unwrap(), time(306));
    let answers = store.commit(time(0), &[accept(5), accept(6)]).await.unwrap();
    assert_eq!(answers, [Err(Conflict::BeforeWatermark { watermark: time(306) }), Ok(())]);
}

pub(in crate::io::store) async fn a_large_purge_leaves_nothing_behind(database: &dyn Database) {
    let store = database.open().await;
    let batch: Vec<_> = (1..=10_000).map(accept).collect();
    store.commit(time(0), &batch).await.unwrap();
    assert_eq!(store.purge_replay(time(50_000)).await.unwrap(), 10_000);
    assert_eq!(store.replay_watermark().await.unwrap(), time(10_301));
    assert_eq!(store.accepted(&them(), &id(10_000)).await.unwrap(), None);
}

pub(in crate::io::store) async fn the_watermark_stays_and_never_goes_back(database: &dyn Database) {
    let store = purged(database, &[1]).await;
    // Only a receipt that expires later gets in, so its entry alone moves the watermark.
    store.commit(time(0), &[accept(2)]).await.unwrap();
    assert_eq!(store.purge_replay(time(300)).await.unwrap(), 0);
    drop(store);
    assert_eq!(database.open().await.replay_watermark().await.unwrap(), time(302));
}
