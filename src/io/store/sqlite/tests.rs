use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::TempDir;

use super::commit::QUEUE;
use super::work::DUE;
use super::{SqliteStore, open};
use crate::ground::crypto::hash::Digest;
use crate::io::store::contract::{Database, accept, id, identity, item, keep, own, received, stored_ids, suite, time};
use crate::io::store::{Admission, Identity, Store, StoreError};

/// One file in a folder of its own.
struct File {
    folder: TempDir,
}

impl File {
    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.path(), identity()).await.unwrap()
    }
}

#[async_trait]
impl Database for File {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.store().await)
    }
}

fn folder() -> File {
    File { folder: TempDir::new().unwrap() }
}

async fn file() -> File {
    let file = folder();
    SqliteStore::create(file.path(), identity()).await.unwrap().close().await;
    file
}

suite!(super::file);

async fn open_error(path: &Path, identity: Identity) -> StoreError {
    SqliteStore::open(path, identity).await.unwrap_err()
}

/// Runs SQL on the file past the store, as an operator with the `sqlite3` shell could.
async fn tamper(store: &SqliteStore, sql: &'static str) -> Result<u64, sqlx::Error> {
    sqlx::raw_sql(sql).execute(&store.writer).await.map(|done| done.rows_affected())
}

#[tokio::test]
async fn a_store_is_created_once() {
    let file = file().await;
    let again = SqliteStore::create(file.path(), identity()).await.unwrap_err();
    assert!(matches!(again, StoreError::AlreadyExists { .. }), "{again}");
    assert_eq!(file.store().await.identity(), &identity());
}

#[tokio::test]
async fn of_two_processes_that_create_one_store_one_wins() {
    let file = folder();
    let (first, second) =
        tokio::join!(SqliteStore::create(file.path(), identity()), SqliteStore::create(file.path(), identity()));
    assert!(first.is_ok() != second.is_ok());
}

#[tokio::test]
async fn opening_never_creates() {
    let file = folder();
    let missing = open_error(&file.path(), identity()).await;
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
    assert!(!file.path().exists());
}

#[tokio::test]
async fn an_interrupted_creation_is_no_store_and_can_be_repeated() {
    let file = folder();
    std::fs::write(file.path(), b"").unwrap();
    let empty = open_error(&file.path(), identity()).await;
    assert!(matches!(empty, StoreError::Missing { .. }), "{empty}");
    assert!(SqliteStore::create(file.path(), identity()).await.is_ok());
}

#[tokio::test]
async fn another_operator_s_store_is_refused() {
    let file = file().await;
    let other = Identity { issuer: "https://them.example".parse().unwrap(), ..identity() };
    let moved = Identity { origin: "us.example/log2".to_owned(), ..identity() };
    for expected in [other, moved] {
        let error = open_error(&file.path(), expected.clone()).await;
        let StoreError::WrongOperator { found, expected: asked } = error else { panic!("{error}") };
        assert_eq!((*found, *asked), (identity(), expected));
    }
}

#[tokio::test]
async fn a_later_schema_is_refused() {
    let file = file().await;
    tamper(&file.store().await, "PRAGMA user_version = 99").await.unwrap();
    let error = open_error(&file.path(), identity()).await;
    assert!(
        matches!(error, StoreError::WrongSchema { found: 99, expected } if expected == open::schema_version()),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let file = folder();
    std::fs::write(file.path(), vec![b'x'; 16_384]).unwrap();
    for error in
        [open_error(&file.path(), identity()).await, SqliteStore::create(file.path(), identity()).await.unwrap_err()]
    {
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[tokio::test]
async fn another_program_s_database_is_refused() {
    let file = file().await;
    tamper(&file.store().await, "PRAGMA application_id = 1").await.unwrap();
    let error = open_error(&file.path(), identity()).await;
    assert!(matches!(&error, StoreError::Corrupt { what } if what.contains("another program")), "{error}");
}

#[tokio::test]
async fn a_damaged_page_is_noticed() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, (1..200).map(own).collect()).await;
    store.close().await;
    let mut bytes = std::fs::read(file.path()).unwrap();
    let middle = bytes.len() - 8192..bytes.len() - 4096;
    bytes[middle].fill(0xff);
    std::fs::write(file.path(), bytes).unwrap();
    let store = file.store().await;
    match store.check_database().await {
        Ok(complaints) => assert!(!complaints.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_missing_folder_says_where() {
    let path = Path::new("/nonexistent/folder/store.db");
    let error = SqliteStore::create(path, identity()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unopenable { place, .. } if place == "/nonexistent/folder/store.db"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let mode = std::fs::metadata(file.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_be_written_says_so_at_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = file().await;
    let lock = |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    lock(0o400);
    // File modes do not bind root, so there the driver's own switch stands in, below.
    if std::fs::OpenOptions::new().write(true).open(file.path()).is_err() {
        let error = open_error(&file.path(), identity()).await;
        assert!(matches!(error, StoreError::ReadOnly { .. } | StoreError::Unopenable { .. }), "{error}");
    }
    lock(0o600);
}

#[tokio::test]
async fn a_store_that_became_read_only_keeps_nothing_and_still_reads() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    tamper(&store, "PRAGMA query_only = ON").await.unwrap();
    let error = store.commit(time(0), &[item(own(2))]).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert_eq!(stored_ids(&store).await, [id(1)]);
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_of_the_batch_and_is_survived() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    tamper(&store, "PRAGMA max_page_count = 1").await.unwrap();
    let batch: Vec<_> = (2..500).map(accept).collect();
    let error = store.commit(time(0), &batch).await.unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert_eq!(stored_ids(&store).await, [id(1)]);
    assert_eq!(store.unsequenced(10).await.unwrap().len(), 1);
    tamper(&store, "PRAGMA max_page_count = 1000000").await.unwrap();
    let answers = store.commit(time(0), &batch).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_database_refuses_to_change_evidence() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    tamper(&store, "INSERT INTO entry SELECT 0, position, digest FROM receipt").await.unwrap();
    tamper(&store, "INSERT INTO tile VALUES (0, 0, zeroblob(64))").await.unwrap();
    tamper(&store, "INSERT INTO key_set VALUES ('i', x'00', 1, x'00', 'c', 1)").await.unwrap();
    tamper(&store, "INSERT INTO epoch VALUES (1, x'00', x'00')").await.unwrap();
    tamper(&store, "INSERT INTO outcome VALUES ('i', x'00', x'00')").await.unwrap();
    for (sql, rule) in [
        ("UPDATE receipt SET compact = 'x'", "a_receipt_is_never_changed"),
        ("DELETE FROM receipt", "a_receipt_is_never_deleted"),
        ("UPDATE entry SET idx = 5", "an_entry_is_never_changed"),
        ("DELETE FROM entry", "an_entry_is_never_deleted"),
        ("UPDATE tile SET hashes = zeroblob(32)", "a_tile_only_grows"),
        ("DELETE FROM tile", "a_tile_is_never_deleted"),
        ("UPDATE head SET root = zeroblob(32)", "a_head_only_grows"),
        ("DELETE FROM head", "a_head_is_never_deleted"),
        ("INSERT INTO head VALUES (2, 0, zeroblob(32))", "a_log_has_one_head"),
        ("UPDATE epoch SET digest = x'01'", "an_epoch_is_never_changed"),
        ("DELETE FROM epoch", "an_epoch_is_never_deleted"),
        ("UPDATE outcome SET digest = x'01'", "an_outcome_is_never_changed"),
        ("DELETE FROM outcome", "an_outcome_is_never_deleted"),
        ("UPDATE key_set SET compact = 'x'", "a_key_set_is_never_changed"),
        ("DELETE FROM key_set", "a_key_set_is_never_deleted"),
        ("UPDATE progress SET replay_before = -1", "progress_never_goes_back"),
        ("UPDATE identity SET issuer = 'x'", "an_identity_is_never_changed"),
        ("DELETE FROM identity", "an_identity_is_never_deleted"),
    ] {
        let error = super::fault(tamper(&store, sql).await.unwrap_err());
        assert!(matches!(&error, StoreError::Refused { rule: named } if named.contains(rule)), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_changed_blob_is_noticed() {
    let file = file().await;
    let store = file.store().await;
    let digest = Digest::of(b"policy");
    let item = Admission { blobs: vec![b"policy".to_vec()], ..Admission::default() };
    store.commit(time(0), &[item]).await.unwrap();
    tamper(&store, "UPDATE blob SET bytes = x'00'").await.unwrap();
    assert!(matches!(store.blob(&digest).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_row_that_we_did_not_write_is_noticed() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    tamper(&store, "DROP TRIGGER a_receipt_is_never_changed").await.unwrap();
    tamper(&store, "UPDATE receipt SET iss = 'nobody'").await.unwrap();
    assert!(matches!(store.recent(1).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_lookup_by_digest_says_when_the_index_is_too_far_behind() {
    let file = file().await;
    let store = file.store().await;
    keep(&store, vec![own(1)]).await;
    tamper(
        &store,
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 65600)
         INSERT INTO receipt SELECT i, 0, randomblob(16), randomblob(32), 'decision', 'i', 'a', 0, NULL, NULL, 'c', NULL FROM n",
    )
    .await
    .unwrap();
    let behind = store.receipt(&own(1).digest).await;
    assert!(matches!(behind, Err(StoreError::IndexBehind { rows: 65_600 })), "{behind:?}");
    keep(&store, vec![own(2)]).await;
    assert_eq!(store.receipt(&own(2).digest).await.unwrap().unwrap().jti, id(2));
    assert!(matches!(store.related(&own(1).digest).await, Err(StoreError::IndexBehind { .. })));
}

#[tokio::test]
async fn queueing_for_the_log_walks_only_the_new_rows() {
    let file = file().await;
    let store = file.store().await;
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {QUEUE}"));
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
    assert!(plan.iter().any(|row| row.3.contains("USING INTEGER PRIMARY KEY (rowid>?)")), "{plan:?}");
}

#[tokio::test]
async fn a_long_line_of_work_is_not_walked() {
    let file = file().await;
    let store = file.store().await;
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {DUE}"));
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
    assert!(!plan.iter().any(|row| row.3.starts_with("SCAN f")), "{plan:?}");
    for search in ["(peer=? AND kind=? AND due<?)", "(peer=? AND kind=? AND due>?)", "(peer=? AND kind>?)", "(peer>?)"]
    {
        assert!(plan.iter().any(|row| row.3.contains(&format!("followup_line {search}"))), "{search}: {plan:?}");
    }
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_any_more_is_kept_whole_or_not_at_all() {
    let file = file().await;
    let store = file.store().await;
    for n in 1..=40 {
        let batch = [accept(2 * n), accept(2 * n + 1)];
        tokio::select! {
            biased;
            _ = store.commit(time(0), &batch) => {}
            () = async { for _ in 0..n * 20 { tokio::task::yield_now().await } } => {}
        }
        // The abandoned transaction may still be ending: the next write waits for it, and the reads come after.
        store.commit(time(0), &[Admission::default()]).await.unwrap();
        let (first, second) = (received(2 * n), received(2 * n + 1));
        let kept = [
            store.accepted(&first.iss, &first.jti).await.unwrap().is_some(),
            store.accepted(&second.iss, &second.jti).await.unwrap().is_some(),
            store.receipt_by_id(&second.iss, &second.jti).await.unwrap().is_some(),
        ];
        assert!(kept == [true; 3] || kept == [false; 3], "{kept:?}");
    }
    keep(&store, vec![own(1)]).await;
    assert_eq!(store.check_database().await.unwrap(), Vec::<String>::new());
}
