use tempfile::TempDir;

use super::*;
use crate::io::store::Store as _;
use crate::io::store::contract::{identity, item, own, stored_ids, time};
use crate::io::store::sqlite::SqliteStore;

async fn store() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::create(folder.path().join("store.db"), identity()).await.unwrap();
    (folder, store)
}

async fn commit(store: &SqliteStore, numbers: std::ops::Range<u64>) {
    for n in numbers {
        assert_eq!(store.commit(time(0), &[item(own(n))]).await.unwrap(), [Ok(())]);
    }
}

#[tokio::test]
async fn the_log_is_copied_back_while_commits_go_on() {
    let (_folder, store) = store().await;
    // The steps of the task are made by hand.
    store.wal.stop().await;
    for round in 0..5 {
        commit(&store, round * 100..round * 100 + 50).await;
        let more = commit(&store, round * 100 + 50..round * 100 + 100);
        let (copied, ()) = tokio::join!(copy_back(&store.readers), more);
        let (busy, _, copied) = copied.unwrap();
        assert!(busy == 0 && copied > 0, "{busy} {copied}");
    }
    let (busy, log, copied) = copy_back(&store.readers).await.unwrap();
    assert_eq!((busy, copied), (0, log));
    // What is copied is written over: the log stays as long as what one round commits needs.
    commit(&store, 500..501).await;
    let (_, after, _) = copy_back(&store.readers).await.unwrap();
    assert!(after < log, "{after} pages after {log}");
    assert_eq!(stored_ids(&store).await.len(), 501);
}

#[tokio::test]
async fn closing_a_store_ends_the_task_first() {
    let (_folder, store) = store().await;
    let task = store.wal.task.lock().await.as_ref().unwrap().abort_handle();
    assert!(!task.is_finished());
    store.close().await;
    assert!(task.is_finished());
}

#[tokio::test]
async fn a_store_that_is_dropped_ends_the_task() {
    let (_folder, store) = store().await;
    let task = store.wal.task.lock().await.take().unwrap();
    let another = store.clone();
    drop(store);
    assert!(!task.is_finished());
    drop(another);
    tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
}
