//! The log's rows: the waiting, the entries, the tiles, the head and the published checkpoint.

use std::collections::HashMap;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_digest, read_number, read_time, runs, statement, time};
use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{ReceiptId, Timestamp};
use crate::io::store::{
    Advance, Entry, HeadAdvance, Position, Publication, Publish, StoreError, Tile, TileAt, Unsequenced,
};

pub(super) async fn unsequenced(store: &SqliteStore, limit: u32) -> Result<Vec<Unsequenced>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT position, digest FROM unsequenced ORDER BY position LIMIT ?")
            .bind(limit)
            .fetch_all(&store.readers)
            .await
            .map_err(fault)?;
    rows.into_iter()
        .map(|(position, digest)| {
            Ok(Unsequenced { position: Position(read_number(position)?), digest: read_digest(&digest)? })
        })
        .collect()
}

pub(super) async fn oldest_unsequenced(store: &SqliteStore) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = sqlx::query_scalar("SELECT at FROM unsequenced ORDER BY position LIMIT 1")
        .fetch_optional(&store.readers)
        .await
        .map_err(fault)?;
    at.map(read_time).transpose()
}

pub(super) async fn head(store: &SqliteStore) -> Result<TreeHead, StoreError> {
    let mut connection = store.readers.acquire().await.map_err(fault)?;
    read_head(&mut connection).await
}

async fn read_head(connection: &mut SqliteConnection) -> Result<TreeHead, StoreError> {
    let (size, root): (i64, Vec<u8>) = sqlx::query_as("SELECT size, root FROM head")
        .fetch_optional(connection)
        .await
        .map_err(fault)?
        .ok_or_else(|| StoreError::corrupt("there is no head"))?;
    tree_head(size, &root)
}

fn tree_head(size: i64, root: &[u8]) -> Result<TreeHead, StoreError> {
    TreeHead::new(read_number(size)?, read_digest(root)?).map_err(|error| StoreError::corrupt(error.to_string()))
}

pub(super) async fn advance(store: &SqliteStore, step: &HeadAdvance) -> Result<Advance, StoreError> {
    check_indices(step)?;
    let mut tx = store.write().await?;
    let current = read_head(&mut tx).await?;
    if current != step.from {
        return Ok(Advance::HeadMoved { current });
    }
    // The comparison above holds until the commit: the write transaction keeps every other writer out.
    sqlx::query("UPDATE head SET size = ?, root = ?")
        .bind(number(step.to.size))
        .bind(step.to.root.0.as_slice())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    move_entries(&mut tx, step).await?;
    write_tiles(&mut tx, &step.tiles).await?;
    tx.commit().await.map_err(fault)?;
    Ok(Advance::Advanced)
}

fn check_indices(step: &HeadAdvance) -> Result<(), StoreError> {
    let in_order = step.entries.iter().map(|entry| entry.index).eq(step.from.size..step.to.size);
    if in_order && !step.entries.is_empty() {
        return Ok(());
    }
    Err(StoreError::unfitting(format!(
        "{} entries that do not fill the log from {} to {}",
        step.entries.len(),
        step.from.size,
        step.to.size
    )))
}

/// One statement, whatever the number of entries: their positions as a JSON array, their digests side by side.
async fn move_entries(tx: &mut Transaction<'static, Sqlite>, step: &HeadAdvance) -> Result<(), StoreError> {
    let positions: Vec<u64> = step.entries.iter().map(|entry| entry.position.0).collect();
    let digests: Vec<u8> = step.entries.iter().flat_map(|entry| entry.digest.0).collect();
    let moved = sqlx::query(
        "INSERT INTO entry (idx, position, digest)
         SELECT ?1 + wanted.key, u.position, u.digest
         FROM json_each(?2) AS wanted CROSS JOIN unsequenced AS u ON u.position = wanted.value
         WHERE u.digest = substr(?3, 32 * wanted.key + 1, 32)",
    )
    .bind(number(step.from.size))
    .bind(serde_json::json!(positions).to_string())
    .bind(digests)
    .execute(&mut **tx)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM unsequenced WHERE position IN (SELECT position FROM entry WHERE idx >= ?)")
        .bind(number(step.from.size))
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    if Ok(moved.rows_affected()) == u64::try_from(step.entries.len()) {
        return Ok(());
    }
    Err(StoreError::unfitting("log entries that are not among the waiting receipts"))
}

async fn write_tiles(tx: &mut Transaction<'static, Sqlite>, tiles: &[Tile]) -> Result<(), StoreError> {
    for run in runs(tiles) {
        // The trigger `a_tile_only_grows` lets a partial tile be extended and nothing else.
        let after = " ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes";
        statement("INSERT INTO tile (level, idx, hashes) ", run, after, |row, tile| {
            row.number(tile.at.level.into()).number(tile.at.index).bytes(&tile.hashes);
        })
        .build()
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

pub(super) async fn publish(store: &SqliteStore, checkpoint: &Publication) -> Result<Publish, StoreError> {
    let mut tx = store.write().await?;
    let head = read_head(&mut tx).await?;
    let committed = checkpoint.head.size < head.size || checkpoint.head == head;
    if !committed {
        return Ok(Publish::NotCommitted { head });
    }
    if let Some(current) = read_published(&mut tx).await?
        && !follows(checkpoint, &current)
    {
        return Ok(Publish::Stale { current });
    }
    sqlx::query(
        "INSERT INTO published (id, size, root, at, note) VALUES (1, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at, note = excluded.note",
    )
    .bind(number(checkpoint.head.size))
    .bind(checkpoint.head.root.0.as_slice())
    .bind(time(checkpoint.at))
    .bind(&checkpoint.note)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    tx.commit().await.map_err(fault)?;
    Ok(Publish::Published)
}

fn follows(new: &Publication, current: &Publication) -> bool {
    new.head.size > current.head.size || (new.head == current.head && new.at > current.at)
}

pub(super) async fn published(store: &SqliteStore) -> Result<Option<Publication>, StoreError> {
    let mut connection = store.readers.acquire().await.map_err(fault)?;
    read_published(&mut connection).await
}

async fn read_published(connection: &mut SqliteConnection) -> Result<Option<Publication>, StoreError> {
    let row: Option<(i64, Vec<u8>, i64, String)> =
        sqlx::query_as("SELECT size, root, at, note FROM published").fetch_optional(connection).await.map_err(fault)?;
    row.map(|(size, root, at, note)| Ok(Publication { head: tree_head(size, &root)?, at: read_time(at)?, note }))
        .transpose()
}

pub(super) async fn tiles(store: &SqliteStore, at: &[TileAt]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let mut known: HashMap<(i64, i64), Vec<u8>> = HashMap::new();
    // One read transaction: more tiles than one statement takes are still of one moment.
    let mut tx = store.readers.begin().await.map_err(fault)?;
    for run in runs(at) {
        let after = ") AS wanted CROSS JOIN tile ON tile.level = wanted.column1 AND tile.idx = wanted.column2";
        let mut query = statement("SELECT level, idx, hashes FROM (", run, after, |row, tile| {
            row.number(tile.level.into()).number(tile.index);
        });
        let rows: Vec<(i64, i64, Vec<u8>)> = query.build_query_as().fetch_all(&mut *tx).await.map_err(fault)?;
        known.extend(rows.into_iter().map(|(level, index, hashes)| ((level, index), hashes)));
    }
    Ok(at.iter().map(|tile| known.get(&(tile.level.into(), number(tile.index))).cloned()).collect())
}

pub(super) async fn entry_index(
    store: &SqliteStore,
    jti: &ReceiptId,
    digest: &Digest,
) -> Result<Option<u64>, StoreError> {
    let index: Option<i64> = sqlx::query_scalar(
        "SELECT e.idx FROM receipt AS r JOIN entry AS e ON e.position = r.position
         WHERE r.iss = ? AND r.jti = ? AND r.digest = ?",
    )
    .bind(store.identity.issuer.as_str())
    .bind(jti.as_bytes().as_slice())
    .bind(digest.0.as_slice())
    .fetch_optional(&store.readers)
    .await
    .map_err(fault)?;
    index.map(read_number).transpose()
}

pub(super) fn read_entry((index, position, digest): (i64, i64, Vec<u8>)) -> Result<Entry, StoreError> {
    Ok(Entry { index: read_number(index)?, position: Position(read_number(position)?), digest: read_digest(&digest)? })
}
