//! Finding stored receipts, blobs and epochs.

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_digest, read_id, read_issuer, read_number, read_text, read_time};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId};
use crate::io::store::{Epoch, MAX_UNINDEXED_SCAN, Opening, Position, StoreError, StoredReceipt};

/// The columns of a receipt, in the order of [`ReceiptColumns`].
macro_rules! select_receipt {
    ($rest:literal) => {
        concat!(
            "SELECT r.position, r.at, r.jti, r.digest, r.kind, r.iss, r.aud, r.iat, r.relates_to, r.include_by, r.compact, r.opening ",
            $rest
        )
    };
}
pub(super) use select_receipt;

pub(super) type ReceiptColumns =
    (i64, i64, Vec<u8>, Vec<u8>, String, String, String, i64, Option<Vec<u8>>, Option<i64>, String, Option<Vec<u8>>);

pub(super) fn read_receipt(columns: ReceiptColumns) -> Result<StoredReceipt, StoreError> {
    let (position, at, jti, digest, kind, iss, aud, iat, relates_to, include_by, compact, opening) = columns;
    Ok(StoredReceipt {
        position: Position(read_number(position)?),
        at: read_time(at)?,
        jti: read_id(&jti)?,
        digest: read_digest(&digest)?,
        kind: read_text(&kind)?,
        iss: read_issuer(&iss)?,
        aud: read_issuer(&aud)?,
        iat: read_time(iat)?,
        compact,
        relates_to: relates_to.as_deref().map(read_digest).transpose()?,
        opening: opening.map(Opening),
        include_by: include_by.map(read_time).transpose()?,
    })
}

pub(super) fn read_receipts(rows: Vec<ReceiptColumns>) -> Result<Vec<StoredReceipt>, StoreError> {
    rows.into_iter().map(read_receipt).collect()
}

pub(super) async fn receipt(store: &SqliteStore, digest: &Digest) -> Result<Option<StoredReceipt>, StoreError> {
    // One statement, one moment: between two, the indexer could carry the receipt from the second place to the first.
    let row: Option<ReceiptColumns> = sqlx::query_as(select_receipt!(
        "FROM receipt AS r WHERE r.position = coalesce(
             (SELECT i.position FROM search AS s JOIN receipt AS i ON i.position = s.position
              WHERE s.digest = substr(?1, 1, 8) AND i.digest = ?1),
             (SELECT t.position FROM receipt AS t WHERE t.digest = ?1 AND t.position >
                 (SELECT max(indexed_to, (SELECT max(position) FROM receipt) - ?2) FROM progress) LIMIT 1))"
    ))
    .bind(digest.0.as_slice())
    .bind(number(MAX_UNINDEXED_SCAN))
    .fetch_optional(&store.readers)
    .await
    .map_err(fault)?;
    match row {
        Some(row) => read_receipt(row).map(Some),
        None => index_is_near(store).await.map(|()| None),
    }
}

pub(super) async fn related(store: &SqliteStore, digest: &Digest) -> Result<Vec<StoredReceipt>, StoreError> {
    index_is_near(store).await?;
    let rows = sqlx::query_as(select_receipt!(
        "FROM receipt AS r WHERE r.relates_to = ?1 AND r.position IN (
             SELECT position FROM search WHERE relates_to = substr(?1, 1, 8)
             UNION ALL
             SELECT t.position FROM receipt AS t
             WHERE t.relates_to = ?1 AND t.position > (SELECT indexed_to FROM progress))
         ORDER BY r.position"
    ))
    .bind(digest.0.as_slice())
    .fetch_all(&store.readers)
    .await
    .map_err(fault)?;
    read_receipts(rows)
}

/// "Not found" means something only when all receipts were looked at.
async fn index_is_near(store: &SqliteStore) -> Result<(), StoreError> {
    let behind: i64 = sqlx::query_scalar(
        "SELECT (SELECT coalesce(max(position), 0) FROM receipt) - (SELECT indexed_to FROM progress)",
    )
    .fetch_one(&store.readers)
    .await
    .map_err(fault)?;
    match read_number(behind)? {
        rows if rows > MAX_UNINDEXED_SCAN => Err(StoreError::IndexBehind { rows }),
        _ => Ok(()),
    }
}

pub(super) async fn receipt_by_id(
    store: &SqliteStore,
    iss: &Issuer,
    jti: &ReceiptId,
) -> Result<Option<StoredReceipt>, StoreError> {
    let row = sqlx::query_as(select_receipt!("FROM receipt AS r WHERE r.iss = ? AND r.jti = ?"))
        .bind(iss.as_str())
        .bind(jti.as_bytes().as_slice())
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    row.map(read_receipt).transpose()
}

pub(super) async fn recent(store: &SqliteStore, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
    let rows = sqlx::query_as(select_receipt!("FROM receipt AS r ORDER BY r.position DESC LIMIT ?"))
        .bind(limit)
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    let mut receipts = read_receipts(rows)?;
    receipts.reverse();
    Ok(receipts)
}

pub(super) async fn scan(store: &SqliteStore, after: Position, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
    let rows = sqlx::query_as(select_receipt!("FROM receipt AS r WHERE r.position > ? ORDER BY r.position LIMIT ?"))
        .bind(number(after.0))
        .bind(limit)
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    read_receipts(rows)
}

pub(super) async fn blob(store: &SqliteStore, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM blob WHERE digest = ?")
        .bind(digest.0.as_slice())
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    match bytes {
        Some(bytes) if Digest::of(&bytes) != *digest => {
            Err(StoreError::corrupt(format!("the blob `{digest}` has other bytes")))
        }
        bytes => Ok(bytes),
    }
}

pub(super) type EpochColumns = (i64, Vec<u8>, Vec<u8>);

pub(super) const LATEST_EPOCH: &str = "SELECT number, digest, receipt FROM epoch ORDER BY number DESC LIMIT 1";

pub(super) fn read_epoch((number, digest, receipt): EpochColumns) -> Result<Epoch, StoreError> {
    Ok(Epoch { number: read_number(number)?, digest: read_digest(&digest)?, receipt: read_digest(&receipt)? })
}

pub(super) async fn current_epoch(store: &SqliteStore) -> Result<Option<Epoch>, StoreError> {
    let row = sqlx::query_as(LATEST_EPOCH).fetch_optional(&store.readers).await.map_err(fault)?;
    row.map(read_epoch).transpose()
}

pub(super) async fn epochs(store: &SqliteStore) -> Result<Vec<Epoch>, StoreError> {
    let rows: Vec<EpochColumns> = sqlx::query_as("SELECT number, digest, receipt FROM epoch ORDER BY number")
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    rows.into_iter().map(read_epoch).collect()
}
