//! The group commit: one transaction, a handful of statements, however many receipts.

use sqlx::SqliteConnection;

use super::SqliteStore;
use super::claims::Claims;
use super::fault::{fault, is_taken};
use super::rows::{read_number, runs, statement};
use super::work;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::Timestamp;
use crate::io::store::{Admission, Conflict, NewReceipt, StoreError};

/// Whether stored receipt ids are looked up before the insert.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LookUpIds {
    /// Ids are random, so a stored one is not expected: the insert itself would say.
    No,
    /// The insert said so: find out which.
    Yes,
}

pub(super) async fn commit(
    store: &SqliteStore,
    at: Timestamp,
    batch: &[Admission],
) -> Result<Vec<Result<(), Conflict>>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    match attempt(store, at, batch, LookUpIds::No).await? {
        Some(answers) => Ok(answers),
        None => attempt(store, at, batch, LookUpIds::Yes)
            .await?
            .ok_or_else(|| StoreError::corrupt("a receipt id that is taken and cannot be found")),
    }
}

/// Commits the items that stand; `None`, and nothing kept, when a receipt's id turned out to be taken.
async fn attempt(
    store: &SqliteStore,
    at: Timestamp,
    batch: &[Admission],
    ids: LookUpIds,
) -> Result<Option<Vec<Result<(), Conflict>>>, StoreError> {
    let mut tx = store.write().await?;
    let mut claims = Claims::load(&mut tx, batch, ids).await?;
    let answers: Vec<_> = batch.iter().map(|item| claims.judge(item)).collect();
    let kept: Vec<&Admission> =
        batch.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(item, _)| item).collect();
    if kept.is_empty() {
        return Ok(Some(answers));
    }
    if !insert_receipts(&mut tx, store, at, &kept).await? {
        return Ok(None);
    }
    insert_claims(&mut tx, at, &kept).await?;
    let blobs: Vec<&[u8]> = kept.iter().flat_map(|item| &item.blobs).map(Vec::as_slice).collect();
    insert_blobs(&mut tx, &blobs).await?;
    work::keep(&mut tx, &kept).await?;
    tx.commit().await.map_err(fault)?;
    Ok(Some(answers))
}

/// Queues the own receipts after a position for the log. The `+` keeps SQLite on those few rows: with the index on
/// (iss, jti) it would walk all that this issuer ever had.
pub(super) const QUEUE: &str = "INSERT INTO unsequenced (position, digest, at)
    SELECT position, digest, at FROM receipt WHERE position > ? AND +iss = ?";

/// Answers false when an id is taken.
async fn insert_receipts(
    connection: &mut SqliteConnection,
    store: &SqliteStore,
    at: Timestamp,
    kept: &[&Admission],
) -> Result<bool, StoreError> {
    // Positions are given here and not by the table, so that the rows of one batch follow each other in its order.
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM receipt")
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
    let first = read_number(last)?.saturating_add(1);
    let receipts: Vec<(u64, &NewReceipt)> = (first..).zip(kept.iter().flat_map(|item| &item.receipts)).collect();
    for run in runs(&receipts) {
        let mut insert = statement(
            "INSERT INTO receipt (position, at, jti, digest, kind, iss, aud, iat, relates_to, include_by, compact, opening) ",
            run,
            "",
            |row, (position, receipt)| {
                row.number(*position)
                    .time(at)
                    .bytes(receipt.jti.as_bytes())
                    .bytes(&receipt.digest.0)
                    .text(receipt.kind.as_str())
                    .text(receipt.iss.as_str())
                    .text(receipt.aud.as_str())
                    .time(receipt.iat)
                    .optional_bytes(receipt.relates_to.as_ref().map(|digest| digest.0.as_slice()))
                    .optional_time(receipt.include_by)
                    .text(&receipt.compact)
                    .optional_bytes(receipt.opening.as_ref().map(|opening| opening.0.as_slice()));
            },
        );
        match insert.build().execute(&mut *connection).await {
            Ok(_) => {}
            Err(error) if is_taken(&error) => return Ok(false),
            Err(error) => return Err(fault(error)),
        }
    }
    sqlx::query(QUEUE).bind(last).bind(store.identity.issuer.as_str()).execute(connection).await.map_err(fault)?;
    Ok(true)
}

async fn insert_claims(
    connection: &mut SqliteConnection,
    at: Timestamp,
    kept: &[&Admission],
) -> Result<(), StoreError> {
    let replays: Vec<_> = kept.iter().filter_map(|item| item.replay.as_ref()).collect();
    for run in runs(&replays) {
        statement("INSERT INTO replay (iss, jti, digest, expires) ", run, "", |row, claim| {
            row.text(claim.iss.as_str()).bytes(claim.jti.as_bytes()).bytes(&claim.digest.0).time(claim.expires);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    let sessions: Vec<_> = kept.iter().filter_map(|item| item.session.as_ref()).collect();
    for run in runs(&sessions) {
        // Several items of a batch may stand in one session: the largest position is the last one.
        let after = " ON CONFLICT (id) DO UPDATE SET last = max(last, excluded.last), at = excluded.at";
        statement("INSERT INTO session (id, last, at) ", run, after, |row, claim| {
            row.text(&claim.id).number(claim.seq).time(at);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    let outcomes: Vec<_> = kept.iter().filter_map(|item| item.outcome.as_ref()).collect();
    for run in runs(&outcomes) {
        statement("INSERT INTO outcome (iss, jti, digest) ", run, "", |row, claim| {
            row.text(claim.iss.as_str()).bytes(claim.jti.as_bytes()).bytes(&claim.digest.0);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    let epochs: Vec<_> = kept.iter().filter_map(|item| item.epoch.as_ref()).collect();
    for run in runs(&epochs) {
        statement("INSERT INTO epoch (number, digest, receipt) ", run, "", |row, claim| {
            row.number(claim.number).bytes(&claim.digest.0).bytes(&claim.receipt.0);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

async fn insert_blobs(connection: &mut SqliteConnection, blobs: &[&[u8]]) -> Result<(), StoreError> {
    let blobs: Vec<(Digest, &[u8])> = blobs.iter().map(|bytes| (Digest::of(bytes), *bytes)).collect();
    for run in runs(&blobs) {
        let after = " ON CONFLICT (digest) DO NOTHING";
        statement("INSERT INTO blob (digest, bytes) ", run, after, |row, (digest, bytes)| {
            row.bytes(&digest.0).bytes(bytes);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}
