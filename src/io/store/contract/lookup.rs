//! Looking up.

use super::{Database, id, index_all, item, keep, own, received, them, time, us};
use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::io::store::{Admission, NewReceipt, Position, StoredReceipt};

fn answer(n: u64) -> NewReceipt {
    NewReceipt { kind: Kind::Acknowledgement, relates_to: Some(received(1).digest), ..own(n) }
}

fn ids(receipts: &[StoredReceipt]) -> Vec<crate::ground::name::ReceiptId> {
    receipts.iter().map(|receipt| receipt.jti).collect()
}

pub(in crate::io::store) async fn a_receipt_comes_back_as_it_went_in(database: &dyn Database) {
    let store = database.open().await;
    for (n, kind) in (1..).zip(Kind::ALL) {
        let given = NewReceipt { kind, ..answer(n) };
        store.commit(time(99), &[item(given.clone())]).await.unwrap();
        let stored = store.receipt_by_id(&us(), &id(n)).await.unwrap().unwrap();
        let expected = StoredReceipt {
            position: Position(n),
            at: time(99),
            jti: given.jti,
            digest: given.digest,
            kind,
            iss: given.iss,
            aud: given.aud,
            iat: given.iat,
            compact: given.compact,
            relates_to: given.relates_to,
            opening: given.opening,
            include_by: given.include_by,
        };
        assert_eq!(stored, expected);
    }
}

pub(in crate::io::store) async fn a_receipt_is_found_by_digest_before_and_after_indexing(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), own(2)]).await;
    for _ in 0..2 {
        assert_eq!(store.receipt(&own(2).digest).await.unwrap().unwrap().jti, id(2));
        assert_eq!(store.receipt(&own(3).digest).await.unwrap(), None);
        index_all(&*store).await;
    }
    keep(&*store, vec![own(3)]).await;
    assert_eq!(store.receipt(&own(3).digest).await.unwrap().unwrap().jti, id(3));
    assert_eq!(store.receipt(&own(1).digest).await.unwrap().unwrap().jti, id(1));
}

pub(in crate::io::store) async fn a_receipt_is_found_by_issuer_and_id(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2)]).await;
    assert_eq!(store.receipt_by_id(&them(), &id(2)).await.unwrap().unwrap().digest, received(2).digest);
    assert_eq!(store.receipt_by_id(&us(), &id(2)).await.unwrap(), None);
}

pub(in crate::io::store) async fn related_receipts_are_found_before_and_after_indexing(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![received(1), answer(2), own(3)]).await;
    for _ in 0..2 {
        assert_eq!(ids(&store.related(&received(1).digest).await.unwrap()), [id(2)]);
        assert_eq!(store.related(&own(3).digest).await.unwrap(), []);
        index_all(&*store).await;
    }
    keep(&*store, vec![answer(4)]).await;
    assert_eq!(ids(&store.related(&received(1).digest).await.unwrap()), [id(2), id(4)]);
}

pub(in crate::io::store) async fn recent_receipts_come_in_the_order_of_commits(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(3), own(1), received(2)]).await;
    assert_eq!(ids(&store.recent(2).await.unwrap()), [id(1), id(2)]);
    assert_eq!(ids(&store.recent(9).await.unwrap()), [id(3), id(1), id(2)]);
}

pub(in crate::io::store) async fn scans_go_on_where_they_stopped(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, (1..=5).map(own).collect()).await;
    let mut after = Position::START;
    let mut seen = Vec::new();
    loop {
        let page = store.scan_receipts(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position;
        seen.extend(ids(&page));
    }
    assert_eq!(seen, (1..=5).map(id).collect::<Vec<_>>());
}

pub(in crate::io::store) async fn blobs_are_kept_under_their_digest(database: &dyn Database) {
    let store = database.open().await;
    let alone = Admission { blobs: [b"a", b"b", b"a"].map(|bytes| bytes.to_vec()).into(), ..Admission::default() };
    let beside = Admission { blobs: vec![b"b".to_vec(), b"c".to_vec()], ..item(own(1)) };
    for item in [alone, beside] {
        assert_eq!(store.commit(time(0), &[item]).await.unwrap(), [Ok(())]);
    }
    drop(store);
    let store = database.open().await;
    for bytes in [b"a", b"b", b"c"] {
        assert_eq!(store.blob(&Digest::of(bytes)).await.unwrap().as_deref(), Some(bytes.as_slice()));
    }
    assert_eq!(store.blob(&Digest::of(b"d")).await.unwrap(), None);
}

pub(in crate::io::store) async fn a_sound_database_has_no_complaints(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2)]).await;
    assert_eq!(store.check_database().await.unwrap(), Vec::<String>::new());
}
