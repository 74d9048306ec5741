//! Creating, opening and upgrading the file.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_text};
use super::wal::{self, WalKeeper};
use crate::ground::log::merkle::TreeHead;
use crate::io::files::{self, Access};
use crate::io::store::{Identity, StoreError};

/// The schema versions, in order: the file's `user_version` counts how many of them it has.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/sqlite/0001_first.sql")];

/// "Ctsn", in the file's header: tells our files from another program's.
const APPLICATION_ID: i64 = 0x4374_736e;

/// How long a writer waits for another process's write. Longer than any write of ours, a head with thousands of entries
/// on a slow disk included.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for reading: each has its own thread and cache; reads are short, and memory is the node's, not ours.
const READERS: u32 = 4;

/// The writer's page cache in KiB. The pages of the search index that one batch touches stay in it: what does not would
/// be written twice.
const WRITER_CACHE_KIB: u32 = 12_288;

/// 8 KiB: six receipts of 1.2 KB fill a page with little waste, and the log holds fewer frames than with 4 KiB.
const PAGE_BYTES: u32 = 8192;

pub(super) async fn create(path: &Path, identity: Identity) -> Result<SqliteStore, StoreError> {
    reserve(path).await.map_err(|source| unopenable(path, source))?;
    let writer = connect(path, 1, false).await?;
    let result = begin_history(&writer, path, &identity).await;
    // Whatever came of it, the connection is given back before the caller may try the file again.
    if let Err(error) = result {
        writer.close().await;
        return Err(error);
    }
    assemble(path, identity, writer).await
}

/// Makes the file, if there is none, for its owner only: it will hold the openings of commitments. The file's name is
/// on disk before the first commit can be, also where an interrupted creation left the file behind.
async fn reserve(path: &Path) -> std::io::Result<()> {
    let path = path.to_owned();
    let reserved = tokio::task::spawn_blocking(move || match files::create(&path, b"", Access::Owner) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => files::sync_folder(&path),
        other => other,
    });
    reserved.await?
}

async fn begin_history(writer: &SqlitePool, path: &Path, identity: &Identity) -> Result<(), StoreError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    // Judged inside the transaction: of two processes that create one file, the second finds the first one's tables.
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *tx).await.map_err(fault)?;
    if tables > 0 {
        return Err(StoreError::AlreadyExists { place: path.display().to_string() });
    }
    sqlx::raw_sql("PRAGMA application_id = 0x4374736e").execute(&mut *tx).await.map_err(fault)?;
    upgrade(&mut tx, 0).await?;
    sqlx::query("INSERT INTO identity (id, issuer, origin) VALUES (1, ?, ?)")
        .bind(identity.issuer.as_str())
        .bind(&identity.origin)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    let empty = TreeHead::empty();
    sqlx::query("INSERT INTO head (id, size, root) VALUES (1, ?, ?)")
        .bind(number(empty.size))
        .bind(empty.root.0.as_slice())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("INSERT INTO progress (id, indexed_to, replay_before) VALUES (1, 0, 0)")
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    tx.commit().await.map_err(fault)
}

pub(super) async fn open(path: &Path, identity: Identity) -> Result<SqliteStore, StoreError> {
    let known = tokio::fs::try_exists(path).await.map_err(|source| unopenable(path, source))?;
    if !known {
        return Err(StoreError::Missing { place: path.display().to_string() });
    }
    let writer = connect(path, 1, false).await?;
    if let Err(error) = recognise(&writer, path, &identity).await {
        writer.close().await;
        return Err(error);
    }
    assemble(path, identity, writer).await
}

/// Finds out whether the file is ours to write, in a write transaction: a file that cannot be written says so now, and
/// of two processes with a new version only one upgrades.
async fn recognise(writer: &SqlitePool, path: &Path, identity: &Identity) -> Result<(), StoreError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *tx).await.map_err(fault)?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await.map_err(fault)?;
    if application == 0 && version == 0 {
        return Err(StoreError::Missing { place: path.display().to_string() });
    }
    if application != APPLICATION_ID {
        return Err(StoreError::corrupt(format!("`{}` is another program's database", path.display())));
    }
    let found = u32::try_from(version).map_err(|_| StoreError::corrupt(format!("a schema version of {version}")))?;
    let expected = schema_version();
    if found > expected {
        return Err(StoreError::WrongSchema { found, expected });
    }
    check_identity(&mut tx, identity).await?;
    upgrade(&mut tx, found).await?;
    tx.commit().await.map_err(fault)
}

async fn check_identity(connection: &mut SqliteConnection, expected: &Identity) -> Result<(), StoreError> {
    let (issuer, origin): (String, String) = sqlx::query_as("SELECT issuer, origin FROM identity")
        .fetch_optional(connection)
        .await
        .map_err(fault)?
        .ok_or_else(|| StoreError::corrupt("there is no identity"))?;
    let found = Identity { issuer: read_text(&issuer)?, origin };
    if found == *expected {
        return Ok(());
    }
    Err(StoreError::WrongOperator { found: found.into(), expected: expected.clone().into() })
}

/// Runs the migrations after version `from`. The version changes with the tables, in the caller's transaction.
async fn upgrade(connection: &mut SqliteConnection, from: u32) -> Result<(), StoreError> {
    for (version, migration) in (1u32..).zip(MIGRATIONS) {
        if version > from {
            sqlx::raw_sql(migration).execute(&mut *connection).await.map_err(fault)?;
            let count = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"));
            sqlx::raw_sql(count).execute(&mut *connection).await.map_err(fault)?;
        }
    }
    Ok(())
}

pub(super) fn schema_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

async fn assemble(path: &Path, identity: Identity, writer: SqlitePool) -> Result<SqliteStore, StoreError> {
    let readers = connect(path, READERS, true).await?;
    let wal = Arc::new(WalKeeper::start(readers.clone()));
    Ok(SqliteStore { path: path.to_owned(), identity, writer, readers, wal })
}

async fn connect(path: &Path, connections: u32, reading: bool) -> Result<SqlitePool, StoreError> {
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // A statement of many rows first saves each page that it touches, to undo the statement alone should a row be
        // refused. In memory that costs a copy; in a temporary file it was a quarter of the CPU time.
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging();
    options = if reading {
        options.pragma("query_only", "ON")
    } else {
        // A negative cache size counts KiB.
        let options = options.pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
        // Only a log that grew far beyond the usual is cut: what is cut off has to be allocated anew under load.
        let options = options.pragma("journal_size_limit", (4 * wal::MAX_PAGES * PAGE_BYTES).to_string());
        options.pragma("wal_autocheckpoint", wal::MAX_PAGES.to_string())
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        // A local file does not hang up: connections are neither tested nor renewed.
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(options)
        .await
        .map_err(|error| match fault(error) {
            StoreError::Unavailable { source } => unopenable(path, source),
            other => other,
        })?;
    Ok(pool)
}

fn unopenable(path: &Path, source: impl Into<crate::io::store::Cause>) -> StoreError {
    StoreError::Unopenable { place: path.display().to_string(), source: source.into() }
}
