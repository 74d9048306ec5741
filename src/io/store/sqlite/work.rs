//! Work to be done later, and observations.

use std::collections::HashMap;

use sqlx::{QueryBuilder, SqliteConnection};

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_digest, read_issuer, read_number, read_text, read_time, runs, statement, time};
use crate::ground::name::{Issuer, Timestamp};
use crate::io::store::{
    Admission, Followup, NewFollowup, NewObservation, Observation, ObservationQuery, StoreError, WorkTerms,
};

type FollowupColumns = (i64, i64, String, Vec<u8>, String, i64);

fn read_followup((id, due, kind, subject, peer, attempts): FollowupColumns) -> Result<Followup, StoreError> {
    Ok(Followup {
        id: read_number(id)?,
        due: read_time(due)?,
        kind: read_text(&kind)?,
        subject: read_digest(&subject)?,
        peer: read_issuer(&peer)?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    })
}

/// What the items of a commit say about work and observations.
pub(super) async fn keep(connection: &mut SqliteConnection, kept: &[&Admission]) -> Result<(), StoreError> {
    let followups: Vec<_> = kept.iter().flat_map(|item| &item.followups).collect();
    insert_followups(connection, &followups).await?;
    let observations: Vec<_> = kept.iter().flat_map(|item| &item.observations).collect();
    insert_observations(connection, &observations).await?;
    let settled: Vec<_> = kept.iter().flat_map(|item| &item.settled).copied().collect();
    delete_followups(connection, &settled).await
}

async fn insert_followups(connection: &mut SqliteConnection, followups: &[&NewFollowup]) -> Result<(), StoreError> {
    for run in runs(followups) {
        statement("INSERT INTO followup (due, kind, subject, peer) ", run, "", |row, followup| {
            row.time(followup.due).text(followup.kind.as_str()).bytes(&followup.subject.0).text(followup.peer.as_str());
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

async fn insert_observations(
    connection: &mut SqliteConnection,
    observations: &[&NewObservation],
) -> Result<(), StoreError> {
    for run in runs(observations) {
        statement("INSERT INTO observation (at, kind, peer, about, detail) ", run, "", |row, observation| {
            row.time(observation.at)
                .text(observation.kind.as_str())
                .text(observation.peer.as_str())
                .optional_bytes(observation.about.as_ref().map(|digest| digest.0.as_slice()))
                .text(&observation.detail);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

async fn delete_followups(connection: &mut SqliteConnection, ids: &[u64]) -> Result<(), StoreError> {
    for run in runs(ids) {
        statement("DELETE FROM followup WHERE id IN (", run, ")", |row, id| {
            row.number(*id);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

/// The oldest due work about each operator. The operators are found by leaping from one to the next in the index, so
/// that a long queue of one costs nothing.
pub(super) const DUE: &str = "WITH RECURSIVE concerned (peer) AS (
        SELECT min(peer) FROM followup
        UNION ALL
        SELECT (SELECT min(peer) FROM followup WHERE peer > concerned.peer) FROM concerned WHERE peer IS NOT NULL)
    SELECT f.id FROM concerned CROSS JOIN followup AS f
    WHERE concerned.peer IS NOT NULL AND concerned.peer NOT IN (SELECT value FROM json_each(?1))
        AND f.id IN (
            SELECT id FROM (
                SELECT id FROM followup WHERE peer = concerned.peer AND due <= ?2 ORDER BY due, id LIMIT ?4)
            UNION ALL SELECT id FROM (
                SELECT id FROM followup WHERE peer = concerned.peer AND due > ?3 ORDER BY due, id LIMIT ?4))
    ORDER BY f.due, f.id";

pub(super) async fn take(
    store: &SqliteStore,
    terms: WorkTerms,
    per_peer: u32,
    except: &[Issuer],
) -> Result<Vec<Followup>, StoreError> {
    let except: Vec<&str> = except.iter().map(Issuer::as_str).collect();
    // Most looks find nothing, and those shall not keep commits waiting.
    let ids: Vec<i64> = sqlx::query_scalar(DUE)
        .bind(serde_json::Value::from(except).to_string())
        .bind(time(terms.now))
        .bind(time(terms.latest))
        .bind(per_peer)
        .fetch_all(&store.readers)
        .await
        .map_err(fault)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = store.write().await?;
    let mut taken = HashMap::new();
    for run in runs(&ids) {
        let mut update = statement("WITH wanted (id) AS (", run, ") UPDATE followup SET due = ", |row, id| {
            row.key(*id);
        });
        // Another worker may have been here since the look.
        update.push_bind(time(terms.again)).push(", attempts = attempts + 1 WHERE id IN (SELECT id FROM wanted)");
        update.push(" AND (due <= ").push_bind(time(terms.now)).push(" OR due > ").push_bind(time(terms.latest));
        update.push(") RETURNING id, due, kind, subject, peer, attempts");
        let rows: Vec<FollowupColumns> = update.build_query_as().fetch_all(&mut *tx).await.map_err(fault)?;
        taken.extend(rows.into_iter().map(|row| (row.0, row)));
    }
    tx.commit().await.map_err(fault)?;
    ids.iter().filter_map(|id| taken.remove(id)).map(read_followup).collect()
}

pub(super) async fn reschedule(store: &SqliteStore, id: u64, due: Timestamp) -> Result<bool, StoreError> {
    let moved = sqlx::query("UPDATE followup SET due = ? WHERE id = ?")
        .bind(time(due))
        .bind(number(id))
        .execute(&store.writer)
        .await
        .map_err(fault)?;
    Ok(moved.rows_affected() > 0)
}

type ObservationColumns = (i64, i64, String, String, Option<Vec<u8>>, String);

fn read_observation(columns: ObservationColumns) -> Result<Observation, StoreError> {
    let (id, at, kind, peer, about, detail) = columns;
    let observation = NewObservation {
        at: read_time(at)?,
        kind: read_text(&kind)?,
        peer: read_issuer(&peer)?,
        about: about.as_deref().map(read_digest).transpose()?,
        detail,
    };
    Ok(Observation { id: read_number(id)?, observation })
}

pub(super) async fn observations(
    store: &SqliteStore,
    query: &ObservationQuery,
    limit: u32,
) -> Result<Vec<Observation>, StoreError> {
    let mut sql = QueryBuilder::new("SELECT id, at, kind, peer, about, detail FROM observation WHERE TRUE");
    if let Some(peer) = &query.peer {
        sql.push(" AND peer = ").push_bind(peer.as_str());
    }
    if let Some(kind) = &query.kind {
        sql.push(" AND kind = ").push_bind(kind.as_str());
    }
    if let Some(about) = &query.about {
        sql.push(" AND about = ").push_bind(about.0.as_slice());
    }
    if let Some(before) = query.before {
        sql.push(" AND id < ").push_bind(number(before));
    }
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    let rows: Vec<ObservationColumns> = sql.build_query_as().fetch_all(&store.readers).await.map_err(fault)?;
    rows.into_iter().map(read_observation).collect()
}
