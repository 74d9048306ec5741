//! Follow-up: what this node does later, off the call path, to have both halves of the evidence.
//!
//! The caller pulls what the other side has about its decision; the receiver checks that a received receipt was logged
//! as promised. Work waits in the store, so that a crash delays it and loses nothing; a worker that died leaves it to
//! the next one. Everything here may be done twice without harm. What it notices are observations, never findings:
//! only a file that proves a lie by itself is one. Out of scope: who plans the work (`decider`, `acceptor`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Code, Issuer, Timestamp};
use crate::io::client::PeerClient;
use crate::io::clock::Clock;
use crate::io::store::{Admission, Followup, NewFollowup, Store, StoreError, WorkTerms};
use crate::node::directory::{Directory, Refusal};
use crate::node::observation::{Note, Noticed, news};
use crate::node::operator::Operator;
use crate::node::write_path::{WriteFailure, WritePath};

mod answers;
mod compare;
mod promise;
#[cfg(test)]
mod tests;

/// Seconds after a call began before its evidence is pulled for the first time, should the answer not have brought it:
/// a usual call is over by then.
pub const PULL_AFTER_S: u64 = 5;

/// Work taken at a time.
const BATCH: u32 = 64;

/// Work done at the same time. Each waits for a peer, at most a few fetches long.
const AT_ONCE: usize = 8;

/// Seconds after which work that a worker took is due again, should it have died: [`BATCH`] pieces in groups of
/// [`AT_ONCE`], each at its deadline three times over, take four minutes.
const LEASE_S: u64 = 300;

/// Seconds between two tries at most.
const MAX_BACKOFF_S: u64 = 3600;

/// After this many tries work is given up. With [`backoff_s`] the last one is about half a day after the first.
const MAX_ATTEMPTS: u32 = 20;

/// Seconds by which a peer's clock may differ from ours.
const SKEW_S: u64 = 60;

/// How often the worker looks for work that is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Kinds of work. In the store: the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Check that a received receipt was logged as its issuer promised.
    CheckPromise,
    /// Fetch the acknowledgement and the outcome of a decision of ours from the operator that it is made out to.
    PullEvidence,
}

impl Work {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::CheckPromise, Self::PullEvidence];

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckPromise => "check_promise",
            Self::PullEvidence => "pull_evidence",
        }
    }

    /// The code as the store keeps it.
    pub fn code(self) -> Code {
        Code::registered(self.as_str())
    }

    /// To be committed with a received receipt. The first look comes after a usual checkpoint and not only at the
    /// promised time: a proof under a checkpoint from before that time is the one that shows the promise kept.
    pub fn check_promise(receipt: Digest, issuer: Issuer, now: Timestamp) -> NewFollowup {
        NewFollowup { due: now.plus(3), kind: Self::CheckPromise.code(), subject: receipt, peer: issuer }
    }

    fn of(code: &Code) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.as_str() == code.as_str())
    }
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Pieces of work that were due.
    pub taken: usize,
    /// Those that are done, or given up.
    pub settled: usize,
}

/// What becomes of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Nothing is left to do.
    Done,
    /// Something is missing that may come. When nothing has come in the end, these are noticed.
    Again(Vec<(Noticed, serde_json::Value)>),
}

impl Next {
    fn again(noticed: Noticed, why: impl std::fmt::Display) -> Self {
        Self::Again(vec![(noticed, json!({ "problem": why.to_string() }))])
    }
}

/// The worker.
#[derive(Debug)]
pub struct FollowUp {
    store: Arc<dyn Store>,
    writes: WritePath,
    operator: Arc<Operator>,
    directory: Arc<Directory>,
    client: PeerClient,
    clock: Clock,
}

impl FollowUp {
    /// A worker over this store.
    pub fn new(
        store: Arc<dyn Store>,
        writes: WritePath,
        operator: Arc<Operator>,
        directory: Arc<Directory>,
        client: PeerClient,
        clock: Clock,
    ) -> Self {
        Self { store, writes, operator, directory, client, clock }
    }

    /// Works until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async {
            loop {
                let full = match self.run_once().await {
                    Ok(round) => round.taken == usize::try_from(BATCH).unwrap_or(usize::MAX),
                    Err(error) => {
                        tracing::warn!(error = %error, "follow-up work cannot be taken");
                        false
                    }
                };
                if !full {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        };
        // Work that is dropped halfway is due again after its lease.
        stop.run_until_cancelled(work).await;
    }

    /// Does what is due now, at most 64 pieces, a few at a time.
    pub async fn run_once(&self) -> Result<Round, StoreError> {
        let taken = self.store.take_followups(terms(self.clock.now()), BATCH).await?;
        let count = taken.len();
        let done = futures_util::stream::iter(taken).map(|work| self.do_one(work)).buffer_unordered(AT_ONCE);
        let settled = done.filter(|done| std::future::ready(*done)).count().await;
        Ok(Round { taken: count, settled })
    }

    /// Whether the work is settled. With the store failing it is left to its lease.
    async fn do_one(&self, work: Followup) -> bool {
        let done = self.attempt(&work).await;
        done.unwrap_or_else(|error| {
            tracing::warn!(kind = %work.kind, subject = %work.subject, error = %error, "follow-up work failed");
            false
        })
    }

    /// What one piece of work leaves behind is committed at its end, all or nothing, with whatever else is being
    /// committed just then: the calls share the disk with it.
    async fn attempt(&self, work: &Followup) -> Result<bool, WriteFailure> {
        let mut left = Admission::default();
        let next = match Work::of(&work.kind) {
            Some(Work::PullEvidence) => self.pull_evidence(work, &mut left).await?,
            Some(Work::CheckPromise) => self.check_promise(work, &mut left).await?,
            // A later version planned it, and may run again.
            None => Next::Again(Vec::new()),
        };
        let again = match next {
            Next::Again(_) if work.attempts < MAX_ATTEMPTS => true,
            Next::Again(missing) => {
                for (noticed, detail) in missing {
                    self.note(work, &mut left, noticed, detail).await?;
                }
                false
            }
            Next::Done => false,
        };
        if again {
            let due = self.clock.now().plus(backoff_s(work.attempts));
            self.store.reschedule(work.id, due).await?;
        } else {
            left.settled.push(work.id);
        }
        if left != Admission::default() {
            self.writes.commit(left).await?;
        }
        Ok(!again)
    }

    async fn note(
        &self,
        work: &Followup,
        left: &mut Admission,
        noticed: Noticed,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        self.note_about(work, work.subject, left, noticed, detail).await
    }

    async fn note_about(
        &self,
        work: &Followup,
        about: Digest,
        left: &mut Admission,
        noticed: Noticed,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        let note = Note { noticed, peer: &work.peer, about, detail };
        left.observations.extend(news(&*self.store, self.clock.now(), note).await?);
        Ok(())
    }
}

/// Seconds until the next try: 5, 10, 20 and so on up to an hour, so that a peer that is down for the night is still
/// asked.
fn backoff_s(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(10);
    (5_u64 << doublings).min(MAX_BACKOFF_S)
}

/// Work is never put off by more than the longest wait or a lease. A clock that was ahead has put it off from where it
/// stood, which may be years from now.
fn terms(now: Timestamp) -> WorkTerms {
    WorkTerms { now, latest: now.plus(MAX_BACKOFF_S + LEASE_S), again: now.plus(LEASE_S) }
}

/// A peer that is not exchanged with now may be again later; a removed one is left alone.
fn is_final(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unknown(_) | Refusal::Removed(_))
}
