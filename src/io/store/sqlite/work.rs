//! Work to be done later, and observations.

use std::collections::HashMap;

use sqlx::{QueryBuilder, SqliteConnection};

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_digest, read_issuer, read_number, read_text, read_time, runs, statement, time};
use crate::io::store::{
    Admission, Followup, Line, NewFollowup, NewObservation, Observation, ObservationQuery, Rescheduled, StoreError,
    WorkTerms,
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
    let rescheduled: Vec<_> = kept.iter().flat_map(|item| &item.rescheduled).copied().collect();
    reschedule_followups(connection, &rescheduled).await?;
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

async fn reschedule_followups(connection: &mut SqliteConnection, moved: &[Rescheduled]) -> Result<(), StoreError> {
    let after = ") UPDATE followup SET due = moved.due FROM moved WHERE followup.id = moved.id";
    for run in runs(moved) {
        statement("WITH moved (id, due) AS (", run, after, |row, moved| {
            row.number(moved.id).time(moved.due);
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

/// The oldest due work of each line. From before the first, the lines are found by leaping from one to the next in the
/// index, so that a long one costs nothing. Compared as one row value, (peer, kind) would have SQLite use the index for
/// the peer alone, and walk.
pub(super) const DUE: &str = "WITH RECURSIVE line (peer, kind) AS (
        SELECT '', ''
        UNION ALL
        SELECT f.peer, f.kind FROM line CROSS JOIN followup AS f WHERE f.id = coalesce(
            (SELECT id FROM followup WHERE peer = line.peer AND kind > line.kind ORDER BY kind LIMIT 1),
            (SELECT id FROM followup WHERE peer > line.peer ORDER BY peer, kind LIMIT 1)))
    SELECT f.id FROM line CROSS JOIN followup AS f
    WHERE (line.peer, line.kind) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
        AND f.id IN (
            SELECT id FROM (
                SELECT id FROM followup
                WHERE peer = line.peer AND kind = line.kind AND due <= ?2 ORDER BY due, id LIMIT ?4)
            UNION ALL SELECT id FROM (
                SELECT id FROM followup
                WHERE peer = line.peer AND kind = line.kind AND due > ?3 ORDER BY due, id LIMIT ?4))
    ORDER BY f.due, f.id";

pub(super) async fn take(
    store: &SqliteStore,
    terms: WorkTerms,
    per_line: u32,
    except: &[Line],
) -> Result<Vec<Followup>, StoreError> {
    let except: serde_json::Value = except.iter().map(|line| [line.peer.as_str(), line.kind.as_str()]).collect();
    // Most looks find nothing, and those shall not keep commits waiting.
    let ids: Vec<i64> = sqlx::query_scalar(DUE)
        .bind(except.to_string())
        .bind(time(terms.now))
        .bind(time(terms.latest))
        .bind(per_line)
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
