//! What was accepted, up to when that is remembered, and how far sessions have come.

use super::SqliteStore;
use super::fault::fault;
use super::rows::{read_digest, read_number, read_time, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::StoreError;

/// Entries forgotten in one transaction: a purge of a busy hour must not keep commits waiting.
const PURGE_RUN: i64 = 4096;

pub(super) async fn accepted(store: &SqliteStore, iss: &Issuer, jti: &ReceiptId) -> Result<Option<Digest>, StoreError> {
    let digest: Option<Vec<u8>> = sqlx::query_scalar("SELECT digest FROM replay WHERE iss = ? AND jti = ?")
        .bind(iss.as_str())
        .bind(jti.as_bytes().as_slice())
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    digest.as_deref().map(read_digest).transpose()
}

pub(super) async fn purge(store: &SqliteStore, before: Timestamp) -> Result<u64, StoreError> {
    // The watermark is durable before the first entry goes. A crash in between leaves entries that the next purge
    // takes.
    sqlx::query("UPDATE progress SET replay_before = ?1 WHERE replay_before < ?1")
        .bind(time(before))
        .execute(&store.writer)
        .await
        .map_err(fault)?;
    let mut forgotten = 0;
    loop {
        let run = sqlx::query(
            "DELETE FROM replay WHERE (iss, jti) IN
             (SELECT iss, jti FROM replay INDEXED BY replay_expires WHERE expires < ? ORDER BY expires LIMIT ?)",
        )
        .bind(time(before))
        .bind(PURGE_RUN)
        .execute(&store.writer)
        .await
        .map_err(fault)?
        .rows_affected();
        if run == 0 {
            return Ok(forgotten);
        }
        forgotten += run;
    }
}

pub(super) async fn watermark(store: &SqliteStore) -> Result<Timestamp, StoreError> {
    let before = sqlx::query_scalar("SELECT replay_before FROM progress").fetch_one(&store.readers).await;
    read_time(before.map_err(fault)?)
}

pub(super) async fn session(store: &SqliteStore, id: &str) -> Result<u64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT last FROM session WHERE id = ?")
        .bind(id)
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    read_number(last.unwrap_or_default())
}
