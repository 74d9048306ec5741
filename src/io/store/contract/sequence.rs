//! The log's rows.

use super::{Database, id, item, keep, own, received, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::io::store::{Advance, Entry, HeadAdvance, Position, Publication, Publish, Store, StoreError, Tile, TileAt};

const LEFT: TileAt = TileAt { level: 0, index: 0 };

/// A head of this size; the store does not know how roots come about.
fn head(size: u64, root: u8) -> TreeHead {
    TreeHead { size, root: Digest([root; 32]) }
}

/// A step over all that waits, with a partial tile of as many hashes.
async fn step(store: &dyn Store, root: u8) -> HeadAdvance {
    let from = store.head().await.unwrap();
    let waiting = store.unsequenced(1000).await.unwrap();
    let entries: Vec<_> = (from.size..)
        .zip(&waiting)
        .map(|(index, row)| Entry { index, position: row.position, digest: row.digest })
        .collect();
    let size = from.size + u64::try_from(entries.len()).unwrap();
    let hashes = vec![7; usize::try_from(size).unwrap() * 32];
    HeadAdvance { from, to: head(size, root), entries, tiles: vec![Tile { at: LEFT, hashes }] }
}

/// Nothing of a step was kept.
async fn nothing_moved(store: &dyn Store, before: TreeHead, waiting: usize) {
    assert_eq!(store.head().await.unwrap(), before);
    assert_eq!(store.unsequenced(1000).await.unwrap().len(), waiting);
    assert_eq!(store.scan_entries(before.size, 10).await.unwrap(), []);
}

pub(in crate::io::store) async fn a_new_log_is_empty(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.head().await.unwrap(), TreeHead::empty());
    assert_eq!(store.published().await.unwrap(), None);
    assert_eq!(store.unsequenced(10).await.unwrap(), []);
    assert_eq!(store.oldest_unsequenced().await.unwrap(), None);
}

pub(in crate::io::store) async fn a_step_moves_head_entries_and_tiles_together(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2), own(3)]).await;
    let step = step(&*store, 1).await;
    assert_eq!(store.advance(&step).await.unwrap(), Advance::Advanced);
    drop(store);
    let store = database.open().await;
    assert_eq!(store.head().await.unwrap(), head(2, 1));
    assert_eq!(store.unsequenced(10).await.unwrap(), []);
    assert_eq!(store.scan_entries(0, 10).await.unwrap(), step.entries);
    assert_eq!(store.scan_entries(1, 10).await.unwrap().len(), 1);
    assert_eq!(store.tiles(&[LEFT]).await.unwrap(), [Some(vec![7; 64])]);
}

pub(in crate::io::store) async fn a_step_from_another_head_is_not_taken(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1)]).await;
    let first = step(&*store, 1).await;
    store.advance(&first).await.unwrap();
    keep(&*store, vec![own(2)]).await;
    let current = head(1, 1);
    // The same size with another root is another head: the swap compares both.
    for from in [TreeHead::empty(), head(1, 2), head(2, 1)] {
        let entries = step(&*store, 3).await.entries;
        let entries = entries.into_iter().map(|entry| Entry { index: from.size, ..entry }).collect();
        let wrong = HeadAdvance { from, to: head(from.size + 1, 3), entries, tiles: vec![] };
        assert_eq!(store.advance(&wrong).await.unwrap(), Advance::HeadMoved { current });
    }
    nothing_moved(&*store, current, 1).await;
}

pub(in crate::io::store) async fn entries_that_do_not_fit_are_refused(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), received(2), own(3)]).await;
    let right = step(&*store, 1).await;
    let entry = |n: usize| right.entries[n];
    let wrong = [
        vec![],
        vec![entry(0)],
        vec![Entry { index: 0, ..entry(1) }, Entry { index: 0, ..entry(0) }],
        vec![Entry { index: 1, ..entry(0) }, Entry { index: 2, ..entry(1) }],
        vec![entry(0), Entry { digest: Digest([0; 32]), ..entry(1) }],
        vec![entry(0), Entry { position: Position(99), ..entry(1) }],
        vec![entry(0), Entry { position: Position(2), digest: received(2).digest, index: 1 }],
    ];
    for entries in wrong {
        let refused = store.advance(&HeadAdvance { entries, ..right.clone() }).await;
        assert!(matches!(refused, Err(StoreError::Unfitting { .. })), "{refused:?}");
        nothing_moved(&*store, TreeHead::empty(), 2).await;
    }
    let still = HeadAdvance { to: TreeHead::empty(), entries: vec![], ..right };
    assert!(matches!(store.advance(&still).await, Err(StoreError::Unfitting { .. })));
}

pub(in crate::io::store) async fn a_tile_only_grows(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1)]).await;
    let first = step(&*store, 1).await;
    store.advance(&first).await.unwrap();
    keep(&*store, vec![own(2)]).await;
    let right = step(&*store, 2).await;
    for hashes in [vec![8; 64], vec![7; 33], vec![], vec![7; 257 * 32]] {
        let wrong = HeadAdvance { tiles: vec![Tile { at: LEFT, hashes }], ..right.clone() };
        let refused = store.advance(&wrong).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
        nothing_moved(&*store, head(1, 1), 1).await;
    }
    assert_eq!(store.advance(&right).await.unwrap(), Advance::Advanced);
    assert_eq!(store.tiles(&[LEFT]).await.unwrap(), [Some(vec![7; 64])]);
}

pub(in crate::io::store) async fn of_two_sequencers_one_wins(database: &dyn Database) {
    let (first, second) = (database.open().await, database.open().await);
    for n in 1..=20 {
        keep(&*first, vec![own(n)]).await;
        let (here, there) = (step(&*first, 1).await, step(&*second, 2).await);
        let (here, there) = tokio::join!(first.advance(&here), second.advance(&there));
        let advanced = [here.unwrap(), there.unwrap()].into_iter().filter(|o| *o == Advance::Advanced).count();
        assert_eq!(advanced, 1, "step {n}");
        assert_eq!(first.head().await.unwrap(), second.head().await.unwrap());
        assert_eq!(first.head().await.unwrap().size, n);
    }
}

pub(in crate::io::store) async fn the_oldest_waiting_receipt_tells_its_time(database: &dyn Database) {
    let store = database.open().await;
    store.commit(time(5), &[item(received(1))]).await.unwrap();
    assert_eq!(store.oldest_unsequenced().await.unwrap(), None);
    store.commit(time(6), &[item(own(2))]).await.unwrap();
    store.commit(time(7), &[item(own(3))]).await.unwrap();
    assert_eq!(store.oldest_unsequenced().await.unwrap(), Some(time(6)));
    let step = step(&*store, 1).await;
    store.advance(&step).await.unwrap();
    assert_eq!(store.oldest_unsequenced().await.unwrap(), None);
}

/// A log whose heads 1 and 2 were committed.
async fn two_heads(store: &dyn Store) {
    for n in 1..=2 {
        keep(store, vec![own(n.into())]).await;
        let step = step(store, n).await;
        assert_eq!(store.advance(&step).await.unwrap(), Advance::Advanced);
    }
}

fn checkpoint(size: u64, root: u8, at: u64) -> Publication {
    Publication { head: head(size, root), at: time(at), note: format!("note {size} {root} {at}") }
}

pub(in crate::io::store) async fn publications_only_go_forward(database: &dyn Database) {
    let store = database.open().await;
    two_heads(&*store).await;
    for forward in [checkpoint(1, 1, 10), checkpoint(1, 1, 11), checkpoint(2, 2, 9), checkpoint(2, 2, 12)] {
        assert_eq!(store.publish(&forward).await.unwrap(), Publish::Published);
        assert_eq!(store.published().await.unwrap(), Some(forward));
    }
    let current = checkpoint(2, 2, 12);
    for late in [checkpoint(1, 1, 99), checkpoint(2, 2, 12), checkpoint(2, 2, 11)] {
        assert_eq!(store.publish(&late).await.unwrap(), Publish::Stale { current: current.clone() });
    }
    drop(store);
    assert_eq!(database.open().await.published().await.unwrap(), Some(current));
}

pub(in crate::io::store) async fn only_a_committed_head_is_published(database: &dyn Database) {
    let store = database.open().await;
    two_heads(&*store).await;
    for wrong in [checkpoint(3, 3, 1), checkpoint(2, 9, 1)] {
        assert_eq!(store.publish(&wrong).await.unwrap(), Publish::NotCommitted { head: head(2, 2) });
    }
    assert_eq!(store.published().await.unwrap(), None);
}

pub(in crate::io::store) async fn tiles_come_in_the_order_asked(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1)]).await;
    let at = |level, index| TileAt { level, index };
    let tile = |level: u8, index: u8| Tile { at: at(level, index.into()), hashes: vec![level * 16 + index; 32] };
    let tiles = vec![tile(0, 0), tile(0, 1), tile(1, 0)];
    store.advance(&HeadAdvance { tiles, ..step(&*store, 1).await }).await.unwrap();
    let asked = [at(1, 0), at(0, 2), at(0, 1), at(0, 0), at(1, 0), at(63, u64::MAX)];
    let hashes = |byte| Some(vec![byte; 32]);
    assert_eq!(store.tiles(&asked).await.unwrap(), [hashes(16), None, hashes(1), hashes(0), hashes(16), None]);
    assert_eq!(store.tiles(&[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
    assert_eq!(store.tiles(&vec![at(0, 1); 600]).await.unwrap(), vec![hashes(1); 600]);
}

pub(in crate::io::store) async fn an_index_is_found_by_id_and_digest_together(database: &dyn Database) {
    let store = database.open().await;
    keep(&*store, vec![own(1), own(2), received(3)]).await;
    assert_eq!(store.entry_index(&id(2), &own(2).digest).await.unwrap(), None);
    let step = step(&*store, 1).await;
    store.advance(&step).await.unwrap();
    assert_eq!(store.entry_index(&id(2), &own(2).digest).await.unwrap(), Some(1));
    assert_eq!(store.entry_index(&id(2), &own(1).digest).await.unwrap(), None);
    assert_eq!(store.entry_index(&id(3), &received(3).digest).await.unwrap(), None);
}
