//! Group commits.

use super::{Database, accept, id, in_session, item, keep, own, received, stored_ids, them, time, us};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Issuer;
use crate::io::store::{Admission, Conflict, Epoch, EpochClaim, NewFollowup, NewReceipt, OutcomeClaim};

pub(in crate::io::store) async fn what_was_committed_is_there_after_reopening(database: &dyn Database) {
    let store = database.open().await;
    let batch = [item(own(1)), accept(2), in_session(3, "s", 1)];
    assert_eq!(store.commit(time(9), &batch).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    drop(store);
    let store = database.open().await;
    assert_eq!(stored_ids(&*store).await, [id(1), id(2), id(3)]);
    assert_eq!(store.accepted(&them(), &id(2)).await.unwrap(), Some(received(2).digest));
    assert_eq!(store.session("s").await.unwrap(), 1);
    assert_eq!(store.receipt_by_id(&us(), &id(1)).await.unwrap().unwrap().at, time(9));
}

pub(in crate::io::store) async fn own_digests_wait_for_an_index_and_received_ones_do_not(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2), own(3)]).await;
    let waiting: Vec<_> = store.unsequenced(10).await.unwrap().into_iter().map(|row| row.digest).collect();
    assert_eq!(waiting, [own(1).digest, own(3).digest]);
    assert_eq!(store.unsequenced(1).await.unwrap().len(), 1);
}

pub(in crate::io::store) async fn an_empty_batch_is_answered(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.commit(time(0), &[]).await.unwrap(), []);
    assert_eq!(store.commit(time(0), &[Admission::default()]).await.unwrap(), [Ok(())]);
}

pub(in crate::io::store) async fn an_item_that_falls_leaves_nothing_and_the_others_stay(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1)]).await;
    let falls = Admission {
        receipts: vec![own(2), own(1)],
        followups: vec![NewFollowup {
            due: time(0),
            kind: "fetch_outcome".parse().unwrap(),
            subject: own(2).digest,
            peer: them(),
        }],
        blobs: vec![b"policy".to_vec()],
        epoch: Some(EpochClaim { number: 1, digest: Digest([1; 32]), previous: None, receipt: own(2).digest }),
        ..in_session(2, "s", 1)
    };
    let falls = Admission { replay: accept(9).replay, ..falls };
    let answers = store.commit(time(0), &[item(own(4)), falls, item(own(5))]).await.unwrap();
    let conflict = Conflict::DuplicateId { jti: id(1), existing: own(1).digest };
    assert_eq!(answers, [Ok(()), Err(conflict), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(1), id(4), id(5)]);
    assert_eq!(store.session("s").await.unwrap(), 0);
    assert_eq!(store.current_epoch().await.unwrap(), None);
    assert_eq!(store.accepted(&them(), &id(9)).await.unwrap(), None);
    assert_eq!(store.blob(&Digest::of(b"policy")).await.unwrap(), None);
    assert_eq!(store.take_followups(super::work::look(9, 10), 10, &[]).await.unwrap(), []);
    assert_eq!(store.unsequenced(10).await.unwrap().len(), 3);
}

pub(in crate::io::store) async fn a_receipt_id_is_used_once(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2)]).await;
    let twin = NewReceipt { digest: Digest([9; 32]), compact: "another".to_owned(), ..own(1) };
    let answers = store.commit(time(0), &[item(twin), item(received(2)), item(own(3))]).await.unwrap();
    let of_one = Conflict::DuplicateId { jti: id(1), existing: own(1).digest };
    let of_two = Conflict::DuplicateId { jti: id(2), existing: received(2).digest };
    assert_eq!(answers, [Err(of_one), Err(of_two), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(1), id(2), id(3)]);
}

pub(in crate::io::store) async fn a_receipt_id_is_used_once_within_a_batch(database: &dyn Database) {
    let store = database.open().await;
    let doubled = Admission { receipts: vec![own(2), own(2)], ..Admission::default() };
    let answers = store.commit(time(0), &[item(own(1)), item(own(1)), doubled, item(own(2))]).await.unwrap();
    let of_one = Conflict::DuplicateId { jti: id(1), existing: own(1).digest };
    let of_two = Conflict::DuplicateId { jti: id(2), existing: own(2).digest };
    assert_eq!(answers, [Ok(()), Err(of_one), Err(of_two), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(1), id(2)]);
}

pub(in crate::io::store) async fn two_issuers_may_use_one_id(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(1)]).await;
    assert_eq!(store.receipt_by_id(&us(), &id(1)).await.unwrap().unwrap().digest, own(1).digest);
    assert_eq!(store.receipt_by_id(&them(), &id(1)).await.unwrap().unwrap().digest, received(1).digest);
}

pub(in crate::io::store) async fn an_item_that_falls_does_not_take_its_ids(database: &dyn Database) {
    let store = database.open().await;
    // The first item falls for its session, so that the second one is free to use the same id.
    let answers = store.commit(time(0), &[in_session(1, "s", 5), in_session(1, "s", 1)]).await.unwrap();
    assert_eq!(answers, [Err(Conflict::Session { last: 0 }), Ok(())]);
    assert_eq!(stored_ids(&*store).await, [id(1)]);
}

pub(in crate::io::store) async fn session_positions_follow_each_other(database: &dyn Database) {
    let store = database.open().await;
    let batch = [in_session(1, "s", 1), in_session(2, "s", 2), in_session(3, "s", 2), in_session(4, "t", 1)];
    let taken = Err(Conflict::Session { last: 2 });
    assert_eq!(store.commit(time(0), &batch).await.unwrap(), [Ok(()), Ok(()), taken.clone(), Ok(())]);
    let batch = [in_session(5, "s", 4), in_session(6, "s", 2), in_session(7, "s", 3)];
    assert_eq!(store.commit(time(0), &batch).await.unwrap(), [taken.clone(), taken, Ok(())]);
    assert_eq!(store.session("s").await.unwrap(), 3);
    assert_eq!(store.session("t").await.unwrap(), 1);
    assert_eq!(store.session("unknown").await.unwrap(), 0);
}

fn epoch(number: u64, previous: Option<u8>) -> Admission {
    let digest = Digest([u8::try_from(number).unwrap(); 32]);
    let receipt = own(100 + number);
    let previous = previous.map(|byte| Digest([byte; 32]));
    Admission { epoch: Some(EpochClaim { number, digest, previous, receipt: receipt.digest }), ..item(receipt) }
}

pub(in crate::io::store) async fn epochs_follow_each_other(database: &dyn Database) {
    let store = database.open().await;
    let known = |number: u8| Epoch {
        number: number.into(),
        digest: Digest([number; 32]),
        receipt: own(100 + u64::from(number)).digest,
    };
    let answers = store.commit(time(0), &[epoch(2, None), epoch(1, None), epoch(2, Some(1))]).await.unwrap();
    assert_eq!(answers, [Err(Conflict::Epoch { current: None }), Ok(()), Ok(())]);
    for wrong in [epoch(2, Some(1)), epoch(3, Some(1)), epoch(4, Some(2)), epoch(3, None)] {
        let answers = store.commit(time(0), &[wrong]).await.unwrap();
        assert_eq!(answers, [Err(Conflict::Epoch { current: Some(known(2)) })]);
    }
    assert_eq!(store.commit(time(0), &[epoch(3, Some(2))]).await.unwrap(), [Ok(())]);
    assert_eq!(store.current_epoch().await.unwrap(), Some(known(3)));
    assert_eq!(store.epochs().await.unwrap(), [known(1), known(2), known(3)]);
}

pub(in crate::io::store) async fn a_large_batch_keeps_its_order(database: &dyn Database) {
    let store = database.open().await;
    let numbers: Vec<u64> = (1..=777).rev().collect();
    keep(&*store, numbers.iter().copied().map(own).collect()).await;
    let expected: Vec<_> = numbers.iter().copied().map(id).collect();
    assert_eq!(stored_ids(&*store).await, expected);
    let waiting: Vec<_> = store.unsequenced(1000).await.unwrap().into_iter().map(|row| row.digest).collect();
    assert_eq!(waiting, numbers.iter().map(|n| own(*n).digest).collect::<Vec<_>>());
}

pub(in crate::io::store) async fn two_writers_do_not_both_take_a_position(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    for seq in 1..=20 {
        let (here, there) = ([in_session(2 * seq, "s", seq)], [in_session(2 * seq + 1, "s", seq)]);
        let (here, there) = tokio::join!(first.commit(time(0), &here), second.commit(time(0), &there));
        let kept = [here.unwrap(), there.unwrap()].concat().into_iter().filter(Result::is_ok).count();
        assert_eq!(kept, 1, "position {seq}");
    }
    assert_eq!(second.session("s").await.unwrap(), 20);
    assert_eq!(stored_ids(&*first).await.len(), 20);
}

/// Our outcome `n` of the call that receipt 1 of this operator decided about.
fn ended(n: u64, iss: &Issuer) -> Admission {
    let receipt = own(n);
    let claim = OutcomeClaim { iss: iss.clone(), jti: id(1), digest: receipt.digest };
    Admission { outcome: Some(claim), ..item(receipt) }
}

pub(in crate::io::store) async fn a_call_has_one_outcome(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    assert_eq!(first.commit(time(0), &[ended(2, &us())]).await.unwrap(), [Ok(())]);
    let existing = Err(Conflict::Outcome { existing: own(2).digest });
    // Another one does not stand, and neither does the same one again: its claim is judged before its id.
    let batch = [ended(3, &us()), ended(2, &us()), ended(4, &them())];
    assert_eq!(second.commit(time(0), &batch).await.unwrap(), [existing.clone(), existing, Ok(())]);
    assert_eq!(stored_ids(&*second).await, [id(2), id(4)]);
}

pub(in crate::io::store) async fn a_call_has_one_outcome_within_a_batch(database: &dyn Database) {
    let store = database.open().await;
    // The first item falls for its session and leaves the call open.
    let falls = Admission { outcome: ended(2, &us()).outcome, ..in_session(2, "s", 5) };
    let answers = store.commit(time(0), &[falls, ended(3, &us()), ended(4, &us())]).await.unwrap();
    let existing = Err(Conflict::Outcome { existing: own(3).digest });
    assert_eq!(answers, [Err(Conflict::Session { last: 0 }), Ok(()), existing]);
}

pub(in crate::io::store) async fn outcomes_come_in_the_order_asked(database: &dyn Database) {
    let store = database.open().await;
    store.commit(time(0), &[ended(2, &us()), ended(4, &them())]).await.unwrap();
    let asked = [(them(), id(1)), (us(), id(9)), (us(), id(1))];
    assert_eq!(store.outcomes(&asked).await.unwrap(), [Some(own(4).digest), None, Some(own(2).digest)]);
    assert_eq!(store.outcomes(&[]).await.unwrap(), []);
}
