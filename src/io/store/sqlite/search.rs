//! The search index, built behind the commits, and the search.

use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::fault::fault;
use super::lookup::{ReceiptColumns, read_receipts, select_receipt};
use super::rows::{number, read_number, runs, statement, time};
use crate::io::store::{SearchQuery, SearchRow, StoreError, StoredReceipt};

pub(super) async fn unindexed(store: &SqliteStore, limit: u32) -> Result<Vec<StoredReceipt>, StoreError> {
    let rows = sqlx::query_as(select_receipt!(
        "FROM receipt AS r WHERE r.position > (SELECT indexed_to FROM progress) ORDER BY r.position LIMIT ?"
    ))
    .bind(limit)
    .fetch_all(&store.readers)
    .await
    .map_err(fault)?;
    read_receipts(rows)
}

pub(super) async fn index(store: &SqliteStore, rows: &[SearchRow]) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let indexed: i64 =
        sqlx::query_scalar("SELECT indexed_to FROM progress").fetch_one(&mut *tx).await.map_err(fault)?;
    let indexed = read_number(indexed)?;
    let new: Vec<&SearchRow> = rows.iter().filter(|row| row.position.0 > indexed).collect();
    let Some(last) = new.last().map(|row| row.position) else { return Ok(()) };
    // Positions have no gaps, so neither may the index: what it passes over would never be found.
    if new.iter().zip(indexed + 1..).any(|(row, expected)| row.position.0 != expected) {
        return Err(StoreError::unfitting(format!("search rows after position {indexed} that leave out a receipt")));
    }
    let mut taken = 0;
    for run in runs(&new) {
        let after = ") AS new CROSS JOIN receipt AS r ON r.position = new.column1";
        let mut insert = statement(INSERT_SEARCH, run, after, |values, row| {
            values
                .number(row.position.0)
                .optional_text(row.effect.as_deref())
                .optional_text(row.subject.as_deref())
                .optional_text(row.action.as_deref())
                .optional_text(row.resource.as_deref())
                .optional_text(row.session.as_deref());
        });
        taken += insert.build().execute(&mut *tx).await.map_err(fault)?.rows_affected();
    }
    if taken != u64::try_from(new.len()).unwrap_or(u64::MAX) {
        return Err(StoreError::unfitting("search rows of receipts that are not stored"));
    }
    sqlx::query("UPDATE progress SET indexed_to = ?").bind(number(last.0)).execute(&mut *tx).await.map_err(fault)?;
    tx.commit().await.map_err(fault)
}

/// The peer is the other one: the audience of our own receipts, the issuer of all others.
const INSERT_SEARCH: &str = "INSERT INTO search
    (position, digest, relates_to, iat, kind, peer, effect, subject, action, resource, session)
    SELECT r.position, substr(r.digest, 1, 8), substr(r.relates_to, 1, 8), r.iat, r.kind,
           CASE WHEN r.iss = (SELECT issuer FROM identity) THEN nullif(r.aud, r.iss) ELSE r.iss END,
           new.column2, new.column3, new.column4, new.column5, new.column6 FROM (";

pub(super) async fn search(
    store: &SqliteStore,
    query: &SearchQuery,
    limit: u32,
) -> Result<Vec<StoredReceipt>, StoreError> {
    let mut sql = QueryBuilder::new(select_receipt!(
        "FROM search AS s CROSS JOIN receipt AS r ON r.position = s.position WHERE TRUE"
    ));
    conditions(&mut sql, query);
    sql.push(" ORDER BY s.iat DESC, s.position DESC LIMIT ").push_bind(limit);
    let rows: Vec<ReceiptColumns> = sql.build_query_as().fetch_all(&store.readers).await.map_err(fault)?;
    read_receipts(rows)
}

fn conditions(sql: &mut QueryBuilder<Sqlite>, query: &SearchQuery) {
    let texts = [
        (" AND s.kind = ", query.kind.map(|kind| kind.as_str())),
        (" AND s.effect = ", query.effect.as_deref()),
        (" AND s.subject = ", query.subject.as_deref()),
        (" AND s.action = ", query.action.as_deref()),
        (" AND s.resource = ", query.resource.as_deref()),
        (" AND s.peer = ", query.peer.as_ref().map(|peer| peer.as_str())),
        (" AND s.session = ", query.session.as_deref()),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    if let Some(since) = query.since {
        sql.push(" AND s.iat >= ").push_bind(time(since));
    }
    if let Some(until) = query.until {
        sql.push(" AND s.iat < ").push_bind(time(until));
    }
    if let Some(after) = query.after {
        sql.push(" AND (s.iat, s.position) < (").push_bind(time(after.iat));
        sql.push(", ").push_bind(number(after.position.0)).push(")");
    }
}
