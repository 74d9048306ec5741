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
    let mut forgotten = 0;
    loop {
        let mut tx = store.write().await?;
        let run: Vec<i64> = sqlx::query_scalar(
            "DELETE FROM replay WHERE (iss, jti) IN
             (SELECT iss, jti FROM replay INDEXED BY replay_expires WHERE expires < ? ORDER BY expires LIMIT ?)
             RETURNING expires",
        )
        .bind(time(before))
        .bind(PURGE_RUN)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
        let Some(latest) = run.iter().max() else { return Ok(forgotten) };
        // Not up to `before`: a clock that was ahead for a moment would have everything refused until that time.
        sqlx::query("UPDATE progress SET replay_before = ?1 WHERE replay_before < ?1")
            .bind(latest.saturating_add(1))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        forgotten += u64::try_from(run.len()).unwrap_or(u64::MAX);
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
