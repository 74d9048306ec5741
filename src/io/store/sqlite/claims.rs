//! Which items of a batch stand: each judged against the file and against the items before it.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::SqliteStore;
use super::commit::LookUpIds;
use super::fault::fault;
use super::lookup::{EpochColumns, LATEST_EPOCH, read_epoch};
use super::rows::{read_digest, read_number, read_time, runs, statement};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::store::{Admission, Conflict, Epoch, EpochClaim, OutcomeClaim, ReplayClaim, SessionClaim, StoreError};

type Id<'a> = (&'a Issuer, &'a ReceiptId);

/// What is claimed already, of all that the batch could claim.
pub(super) struct Claims<'a> {
    watermark: Timestamp,
    accepted: HashMap<Id<'a>, Digest>,
    outcomes: HashMap<Id<'a>, Digest>,
    receipts: HashMap<Id<'a>, Digest>,
    sessions: HashMap<&'a str, u64>,
    epoch: Option<Epoch>,
}

impl<'a> Claims<'a> {
    /// Reads, inside the write transaction, what the file says about the claims of the batch.
    pub(super) async fn load(
        connection: &mut SqliteConnection,
        batch: &'a [Admission],
        ids: LookUpIds,
    ) -> Result<Self, StoreError> {
        let replays: Vec<Id<'a>> =
            batch.iter().filter_map(|item| item.replay.as_ref()).map(|claim| (&claim.iss, &claim.jti)).collect();
        let outcomes: Vec<Id<'a>> =
            batch.iter().filter_map(|item| item.outcome.as_ref()).map(|claim| (&claim.iss, &claim.jti)).collect();
        let receipts: Vec<Id<'a>> = match ids {
            LookUpIds::No => Vec::new(),
            LookUpIds::Yes => batch.iter().flat_map(|item| &item.receipts).map(|r| (&r.iss, &r.jti)).collect(),
        };
        let sessions: Vec<&'a str> =
            batch.iter().filter_map(|item| item.session.as_ref()).map(|claim| claim.id.as_str()).collect();
        let claims_epoch = batch.iter().any(|item| item.epoch.is_some());
        Ok(Self {
            watermark: if replays.is_empty() { Timestamp::EPOCH } else { load_watermark(connection).await? },
            accepted: load_ids(connection, &replays, ACCEPTED).await?,
            outcomes: load_ids(connection, &outcomes, ENDED).await?,
            receipts: load_ids(connection, &receipts, STORED).await?,
            sessions: load_sessions(connection, &sessions).await?,
            epoch: if claims_epoch { load_epoch(connection).await? } else { None },
        })
    }

    /// Judges one item and, if it stands, counts its claims against those that follow.
    pub(super) fn judge(&mut self, item: &'a Admission) -> Result<(), Conflict> {
        // Everything is judged before anything is counted: an item that falls leaves no trace.
        item.replay.as_ref().map_or(Ok(()), |claim| self.judge_replay(claim))?;
        item.session.as_ref().map_or(Ok(()), |claim| self.judge_session(claim))?;
        item.epoch.as_ref().map_or(Ok(()), |claim| self.judge_epoch(claim))?;
        item.outcome.as_ref().map_or(Ok(()), |claim| self.judge_outcome(claim))?;
        self.take_ids(item)?;
        if let Some(claim) = &item.replay {
            self.accepted.insert((&claim.iss, &claim.jti), claim.digest);
        }
        if let Some(claim) = &item.session {
            self.sessions.insert(&claim.id, claim.seq);
        }
        if let Some(claim) = &item.outcome {
            self.outcomes.insert((&claim.iss, &claim.jti), claim.digest);
        }
        if let Some(EpochClaim { number, digest, receipt, .. }) = item.epoch {
            self.epoch = Some(Epoch { number, digest, receipt });
        }
        Ok(())
    }

    fn judge_replay(&self, claim: &ReplayClaim) -> Result<(), Conflict> {
        if let Some(&accepted) = self.accepted.get(&(&claim.iss, &claim.jti)) {
            return Err(Conflict::Replay { accepted });
        }
        if claim.expires < self.watermark {
            return Err(Conflict::BeforeWatermark { watermark: self.watermark });
        }
        Ok(())
    }

    fn judge_session(&self, claim: &SessionClaim) -> Result<(), Conflict> {
        let last = self.sessions.get(claim.id.as_str()).copied().unwrap_or_default();
        if last.checked_add(1) == Some(claim.seq) { Ok(()) } else { Err(Conflict::Session { last }) }
    }

    fn judge_epoch(&self, claim: &EpochClaim) -> Result<(), Conflict> {
        let (last, previous) = self.epoch.map_or((0, None), |epoch| (epoch.number, Some(epoch.digest)));
        let follows = last.checked_add(1) == Some(claim.number) && claim.previous == previous;
        if follows { Ok(()) } else { Err(Conflict::Epoch { current: self.epoch }) }
    }

    fn judge_outcome(&self, claim: &OutcomeClaim) -> Result<(), Conflict> {
        let existing = self.outcomes.get(&(&claim.iss, &claim.jti)).copied();
        existing.map_or(Ok(()), |existing| Err(Conflict::Outcome { existing }))
    }

    /// Takes the ids of an item's receipts, all or, at the first that is taken, none.
    fn take_ids(&mut self, item: &'a Admission) -> Result<(), Conflict> {
        for (count, receipt) in item.receipts.iter().enumerate() {
            let id = (&receipt.iss, &receipt.jti);
            if let Some(&existing) = self.receipts.get(&id) {
                for earlier in item.receipts.iter().take(count) {
                    self.receipts.remove(&(&earlier.iss, &earlier.jti));
                }
                return Err(Conflict::DuplicateId { jti: receipt.jti, existing });
            }
            self.receipts.insert(id, receipt.digest);
        }
        Ok(())
    }
}

/// Each wanted id carries its number in the list, by which the answer is read.
const WANTED: &str = "SELECT wanted.column1, found.digest FROM (";
/// CROSS JOIN keeps SQLite from turning the loops round: few wanted outside, one index probe each inside.
const ACCEPTED: &str =
    ") AS wanted CROSS JOIN replay AS found ON found.iss = wanted.column2 AND found.jti = wanted.column3";
const ENDED: &str =
    ") AS wanted CROSS JOIN outcome AS found ON found.iss = wanted.column2 AND found.jti = wanted.column3";
const STORED: &str =
    ") AS wanted CROSS JOIN receipt AS found ON found.iss = wanted.column2 AND found.jti = wanted.column3";

async fn load_ids<'a>(
    connection: &mut SqliteConnection,
    wanted: &[Id<'a>],
    found: &'static str,
) -> Result<HashMap<Id<'a>, Digest>, StoreError> {
    let mut known = HashMap::new();
    for run in runs(wanted) {
        let mut index = 0;
        let mut query = statement(WANTED, run, found, |row, (iss, jti)| {
            row.number(index).text(iss.as_str()).bytes(jti.as_bytes());
            index += 1;
        });
        let rows: Vec<(i64, Vec<u8>)> = query.build_query_as().fetch_all(&mut *connection).await.map_err(fault)?;
        for (index, digest) in rows {
            if let Some(id) = usize::try_from(index).ok().and_then(|index| run.get(index)) {
                known.insert(*id, read_digest(&digest)?);
            }
        }
    }
    Ok(known)
}

pub(super) async fn outcomes(
    store: &SqliteStore,
    decisions: &[(Issuer, ReceiptId)],
) -> Result<Vec<Option<Digest>>, StoreError> {
    let wanted: Vec<Id<'_>> = decisions.iter().map(|(iss, jti)| (iss, jti)).collect();
    // One transaction: what it reads is of one moment.
    let mut tx = store.readers.begin().await.map_err(fault)?;
    let known = load_ids(&mut tx, &wanted, ENDED).await?;
    Ok(wanted.iter().map(|id| known.get(id).copied()).collect())
}

async fn load_sessions<'a>(
    connection: &mut SqliteConnection,
    wanted: &[&'a str],
) -> Result<HashMap<&'a str, u64>, StoreError> {
    let mut known = HashMap::new();
    for run in runs(wanted) {
        let mut index = 0;
        let found = ") AS wanted CROSS JOIN session AS found ON found.id = wanted.column2";
        let mut query = statement("SELECT wanted.column1, found.last FROM (", run, found, |row, id| {
            row.number(index).text(id);
            index += 1;
        });
        let rows: Vec<(i64, i64)> = query.build_query_as().fetch_all(&mut *connection).await.map_err(fault)?;
        for (index, last) in rows {
            if let Some(id) = usize::try_from(index).ok().and_then(|index| run.get(index)) {
                known.insert(*id, read_number(last)?);
            }
        }
    }
    Ok(known)
}

async fn load_watermark(connection: &mut SqliteConnection) -> Result<Timestamp, StoreError> {
    let before: i64 =
        sqlx::query_scalar("SELECT replay_before FROM progress").fetch_one(connection).await.map_err(fault)?;
    read_time(before)
}

async fn load_epoch(connection: &mut SqliteConnection) -> Result<Option<Epoch>, StoreError> {
    let row: Option<EpochColumns> = sqlx::query_as(LATEST_EPOCH).fetch_optional(connection).await.map_err(fault)?;
    row.map(read_epoch).transpose()
}
