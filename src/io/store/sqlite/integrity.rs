//! What `fsck` reads.

use super::SqliteStore;
use super::fault::fault;
use super::rows::number;
use super::sequence::read_entry;
use crate::io::store::{Entry, StoreError};

pub(super) async fn scan_entries(store: &SqliteStore, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query_as("SELECT idx, position, digest FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?")
        .bind(number(from))
        .bind(limit)
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    rows.into_iter().map(read_entry).collect()
}

pub(super) async fn check(store: &SqliteStore) -> Result<Vec<String>, StoreError> {
    let complaints: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&store.readers).await.map_err(fault)?;
    let orphans: Vec<(String, Option<i64>, String)> =
        sqlx::query_as("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check")
            .fetch_all(&store.readers)
            .await
            .map_err(fault)?;
    let orphans = orphans
        .into_iter()
        .map(|(table, row, parent)| format!("row {} of `{table}` has no `{parent}`", row.unwrap_or_default()));
    Ok(complaints.into_iter().filter(|line| line != "ok").chain(orphans).collect())
}
