//! Work to be done later, and observations.

use sqlx::{QueryBuilder, SqliteConnection};

use super::SqliteStore;
use super::fault::fault;
use super::rows::{number, read_digest, read_issuer, read_number, read_text, read_time, runs, statement, time};
use crate::ground::name::Timestamp;
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

/// Whether there is work to take: the terms' `now` and `latest`.
const ANY_DUE: &str =
    "SELECT EXISTS (SELECT 1 FROM followup WHERE due <= ?1) OR EXISTS (SELECT 1 FROM followup WHERE due > ?2)";

/// Two walks along the index, each no longer than the limit, instead of a sort of all that matches either condition.
const DUE: &str = "SELECT id FROM (SELECT id FROM followup WHERE due <= ?1 ORDER BY due, id LIMIT ?3)
     UNION ALL SELECT id FROM (SELECT id FROM followup WHERE due > ?2 ORDER BY due, id LIMIT ?3) LIMIT ?3";

pub(super) async fn take(store: &SqliteStore, terms: WorkTerms, limit: u32) -> Result<Vec<Followup>, StoreError> {
    let (now, latest) = (time(terms.now), time(terms.latest));
    // Most looks find nothing, and those shall not keep commits waiting.
    let any = sqlx::query_scalar(ANY_DUE).bind(now).bind(latest).fetch_one(&store.readers).await;
    if !any.map_err(fault)? {
        return Ok(Vec::new());
    }
    let mut tx = store.write().await?;
    let ids: Vec<i64> =
        sqlx::query_scalar(DUE).bind(now).bind(latest).bind(limit).fetch_all(&mut *tx).await.map_err(fault)?;
    let mut taken = Vec::with_capacity(ids.len());
    for id in ids {
        taken.extend(take_one(&mut tx, id, terms.again).await?);
    }
    tx.commit().await.map_err(fault)?;
    Ok(taken)
}

async fn take_one(
    connection: &mut SqliteConnection,
    id: i64,
    again: Timestamp,
) -> Result<Option<Followup>, StoreError> {
    let row = sqlx::query_as(
        "UPDATE followup SET due = ?, attempts = attempts + 1 WHERE id = ?
         RETURNING id, due, kind, subject, peer, attempts",
    )
    .bind(time(again))
    .bind(id)
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    row.map(read_followup).transpose()
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
