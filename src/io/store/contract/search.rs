//! The search index.

use super::{Database, id, index_all, keep, own, received, them, time, us};
use crate::ground::kind::Kind;
use crate::ground::name::ReceiptId;
use crate::io::store::{NewReceipt, Position, SearchQuery, SearchRow, Store, StoreError};

async fn found(store: &dyn Store, query: SearchQuery) -> Vec<ReceiptId> {
    store.search(&query, 100).await.unwrap().into_iter().map(|receipt| receipt.jti).collect()
}

fn everything() -> SearchQuery {
    SearchQuery::default()
}

pub(in crate::io::store) async fn only_indexed_receipts_are_found(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), own(2)]).await;
    assert_eq!(found(&*store, everything()).await, []);
    assert_eq!(store.unindexed(1).await.unwrap().len(), 1);
    assert_eq!(store.unindexed(9).await.unwrap().len(), 2);
    index_all(&*store).await;
    assert_eq!(store.unindexed(9).await.unwrap(), []);
    assert_eq!(found(&*store, everything()).await, [id(2), id(1)]);
}

pub(in crate::io::store) async fn each_condition_narrows_the_search(database: &dyn Database) {
    let store = database.open().await;
    let outcome = NewReceipt { kind: Kind::Outcome, ..own(3) };
    keep(&*store, vec![own(1), received(2), outcome]).await;
    let text = |word: &str| Some(word.to_owned());
    let row = SearchRow {
        effect: text("allow"),
        subject: text("agent"),
        action: text("read"),
        resource: text("file"),
        session: text("s"),
        ..SearchRow::bare(Position(2))
    };
    store.index(&[SearchRow::bare(Position(1)), row, SearchRow::bare(Position(3))]).await.unwrap();
    let second = [
        SearchQuery { effect: text("allow"), ..everything() },
        SearchQuery { subject: text("agent"), ..everything() },
        SearchQuery { action: text("read"), ..everything() },
        SearchQuery { resource: text("file"), ..everything() },
        SearchQuery { session: text("s"), ..everything() },
        SearchQuery { since: Some(time(2)), until: Some(time(3)), ..everything() },
        SearchQuery { action: text("read"), peer: Some(them()), kind: Some(Kind::Decision), ..everything() },
    ];
    for query in second {
        assert_eq!(found(&*store, query.clone()).await, [id(2)], "{query:?}");
    }
    let none = [
        SearchQuery { effect: text("deny"), ..everything() },
        SearchQuery { action: text("read"), until: Some(time(2)), ..everything() },
        SearchQuery { subject: text("agent' OR TRUE --"), ..everything() },
        SearchQuery { kind: Some(Kind::Contract), ..everything() },
    ];
    for query in none {
        assert_eq!(found(&*store, query.clone()).await, [], "{query:?}");
    }
    assert_eq!(found(&*store, SearchQuery { kind: Some(Kind::Outcome), ..everything() }).await, [id(3)]);
    assert_eq!(found(&*store, SearchQuery { since: Some(time(2)), ..everything() }).await, [id(3), id(2)]);
}

pub(in crate::io::store) async fn the_peer_is_the_other_operator(database: &dyn Database) {
    let store = database.open().await;
    let local = NewReceipt { aud: us(), ..own(3) };
    keep(&*store, vec![own(1), received(2), local]).await;
    index_all(&*store).await;
    assert_eq!(found(&*store, SearchQuery { peer: Some(them()), ..everything() }).await, [id(2), id(1)]);
    assert_eq!(found(&*store, SearchQuery { peer: Some(us()), ..everything() }).await, []);
}

pub(in crate::io::store) async fn pages_follow_each_other_without_gap(database: &dyn Database) {
    let store = database.open().await;
    // Pairs of one second, committed out of the order of their issue times.
    let receipts = [4, 1, 3, 2].into_iter().flat_map(|n| [own(n), NewReceipt { iat: time(n), ..own(n + 10) }]);
    keep(&*store, receipts.collect()).await;
    index_all(&*store).await;
    let mut query = everything();
    let mut seen = Vec::new();
    loop {
        let page = store.search(&query, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some(last.cursor());
        seen.extend(page.into_iter().map(|receipt| receipt.jti));
    }
    assert_eq!(seen, [14, 4, 13, 3, 12, 2, 11, 1].map(id));
}

pub(in crate::io::store) async fn indexing_twice_does_no_harm(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), own(2), own(3)]).await;
    let rows = [1, 2, 3].map(|n| SearchRow::bare(Position(n)));
    store.index(&rows[..2]).await.unwrap();
    store.index(&rows).await.unwrap();
    store.index(&rows).await.unwrap();
    store.index(&[]).await.unwrap();
    assert_eq!(found(&*store, everything()).await.len(), 3);
}

pub(in crate::io::store) async fn the_index_leaves_out_no_receipt(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), own(2), own(3)]).await;
    for positions in [vec![2], vec![1, 3], vec![2, 1], vec![1, 1], vec![1, 2, 3, 4]] {
        let rows: Vec<_> = positions.iter().map(|n| SearchRow::bare(Position(*n))).collect();
        let refused = store.index(&rows).await;
        assert!(matches!(refused, Err(StoreError::Unfitting { .. })), "{positions:?} {refused:?}");
    }
    assert_eq!(store.unindexed(9).await.unwrap().len(), 3);
}
