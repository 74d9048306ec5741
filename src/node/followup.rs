//! Follow-up: what this node does later, off the call path, to have both halves of the evidence.
//!
//! The caller pulls what the other side has about its decision; the receiver checks that a received receipt was logged
//! as promised; either one closes a call that a stop of the node left open. Work waits in the store, so that a crash
//! delays it and loses nothing; a worker that died leaves it to the next one. Everything here may be done twice without
//! harm. What it notices are observations, never findings: only a file that proves a lie by itself is one. Out of
//! scope: who plans the work (`decider`, `acceptor`).

use std::sync::Arc;

use serde_json::json;

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Code, Issuer, Timestamp};
use crate::ground::problem::ProblemType;
use crate::io::client::{FetchError, PeerClient};
use crate::io::clock::Clock;
use crate::io::store::{Admission, Followup, NewFollowup, NewObservation, Rescheduled, Store, StoreError};
use crate::node::directory::{Directory, Refusal};
use crate::node::issuer::{OwnFollowup, ReceiptIssuer};
use crate::node::observation::{Note, Noticed, news};
use crate::node::operator::Operator;
use crate::node::running::RunningCalls;
use crate::node::write_path::{WriteFailure, WritePath};

mod answers;
mod closing;
mod compare;
mod promise;
mod rounds;
#[cfg(test)]
mod tests;

pub use rounds::Round;

/// Seconds after a call began before its evidence is pulled for the first time, should the answer not have brought it:
/// a usual call is over by then.
const PULL_AFTER_S: u64 = 5;

/// Seconds after a call began before somebody looks whether it was ended, and between two looks: a usual call is over
/// by then, and what a stop of the node left open is closed soon after the next start.
const CLOSE_AFTER_S: u64 = 60;

/// Seconds between two tries at most.
const MAX_BACKOFF_S: u64 = 3600;

/// After this many tries work is given up. With [`backoff_s`] the last one is about half a day after the first.
const MAX_ATTEMPTS: u32 = 20;

/// Seconds by which a peer's clock may differ from ours.
const SKEW_S: u64 = 60;

/// Kinds of work. In the store: the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Check that a received receipt was logged as its issuer promised.
    CheckPromise,
    /// Write an outcome down for a decision whose call nobody ended.
    CloseCall,
    /// Fetch the acknowledgement and the outcome of a decision of ours from the operator that it is made out to.
    PullEvidence,
}

impl Work {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::CheckPromise, Self::CloseCall, Self::PullEvidence];

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckPromise => "check_promise",
            Self::CloseCall => "close_call",
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

    /// To be committed with a decision whose call this process is about to carry: the call may outlive the process,
    /// and its end nobody.
    pub fn close_call(now: Timestamp) -> OwnFollowup {
        OwnFollowup { due: now.plus(CLOSE_AFTER_S), kind: Self::CloseCall.code() }
    }

    /// To be committed with a decision that another operator will answer.
    pub fn pull_evidence(now: Timestamp) -> OwnFollowup {
        OwnFollowup { due: now.plus(PULL_AFTER_S), kind: Self::PullEvidence.code() }
    }

    /// Whether it needs the peer to be there.
    const fn asks_the_peer(self) -> bool {
        matches!(self, Self::CheckPromise | Self::PullEvidence)
    }

    fn of(code: &Code) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.as_str() == code.as_str())
    }
}

/// What to notice when nothing has come in the end.
type Missing = Vec<(Noticed, serde_json::Value)>;

/// What becomes of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Nothing is left to do.
    Done,
    /// It is not time yet.
    Later(Timestamp),
    /// Something is missing that may come.
    Again(Missing),
    /// The peer could not be asked.
    Unreached(Missing),
}

impl Next {
    fn again(noticed: Noticed, why: impl std::fmt::Display) -> Self {
        Self::Again(vec![(noticed, json!({ "problem": why.to_string() }))])
    }

    fn after(error: &FetchError, missing: Missing) -> Self {
        match error.problem() {
            ProblemType::PeerUnreachable => Self::Unreached(missing),
            _ => Self::Again(missing),
        }
    }
}

/// What came of a piece of work.
#[derive(Debug, Clone, Copy, Default)]
struct Did {
    /// It is done, or given up.
    settled: bool,
    /// The peer could not be asked.
    unreached: bool,
}

/// The worker.
#[derive(Debug)]
pub struct FollowUp {
    pub(in crate::node) store: Arc<dyn Store>,
    pub(in crate::node) writes: WritePath,
    pub(in crate::node) operator: Arc<Operator>,
    pub(in crate::node) directory: Arc<Directory>,
    pub(in crate::node) client: PeerClient,
    pub(in crate::node) clock: Clock,
    pub(in crate::node) issuer: ReceiptIssuer,
    pub(in crate::node) running: RunningCalls,
}

impl FollowUp {
    /// What one piece of work leaves behind is committed at its end, all or nothing, with whatever else is being
    /// committed just then: the calls share the disk with it.
    async fn attempt(&self, work: &Followup) -> Result<Did, WriteFailure> {
        let mut left = Admission::default();
        let next = match Work::of(&work.kind) {
            Some(Work::PullEvidence) => self.pull_evidence(work, &mut left).await?,
            Some(Work::CheckPromise) => self.check_promise(work, &mut left).await?,
            Some(Work::CloseCall) => self.close_call(work).await?,
            // A later version planned it, and may run again.
            None => Next::Again(Vec::new()),
        };
        let unreached = matches!(next, Next::Unreached(_));
        let due = match next {
            Next::Done => None,
            Next::Later(due) => Some(due),
            Next::Again(_) | Next::Unreached(_) if work.attempts < MAX_ATTEMPTS => Some(self.next_try(work)),
            Next::Again(missing) | Next::Unreached(missing) => {
                for (noticed, detail) in missing {
                    self.note(work, &mut left, noticed, detail).await?;
                }
                None
            }
        };
        match due {
            Some(due) => left.rescheduled.push(Rescheduled { id: work.id, due }),
            None => left.settled.push(work.id),
        }
        self.writes.commit(left).await?;
        Ok(Did { settled: due.is_none(), unreached })
    }

    fn next_try(&self, work: &Followup) -> Timestamp {
        self.clock.now().plus(backoff_s(work.attempts))
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
        let noted = news(&*self.store, self.clock.now(), note).await?;
        // The store does not have what this very piece of work noticed a moment ago.
        let same = |one: &NewObservation, other: &NewObservation| {
            (&one.kind, &one.peer, one.about) == (&other.kind, &other.peer, other.about)
        };
        left.observations.extend(noted.filter(|noted| !left.observations.iter().any(|before| same(before, noted))));
        Ok(())
    }
}

/// Seconds until the next try: 5, 10, 20 and so on up to an hour, so that a peer that is down for the night is still
/// asked.
fn backoff_s(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(10);
    (5_u64 << doublings).min(MAX_BACKOFF_S)
}

/// A peer that is not exchanged with now may be again later; a removed one is left alone.
fn is_final(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unknown(_) | Refusal::Removed(_))
}
