//! Rounds: work is taken and done line by line. No peer waits for another, and neither does one kind of work about a
//! peer for another kind, of which there may be much, or which may wait for the peer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{FollowUp, MAX_ATTEMPTS, MAX_BACKOFF_S, Work};
use crate::ground::name::Timestamp;
use crate::io::store::{Admission, Followup, Line, Rescheduled, StoreError, WorkTerms};

/// Work of one line that is taken at a time.
pub(super) const BATCH: u32 = 64;

/// Work of one line that is done at the same time. Each piece waits for the peer, at most a few fetches long.
pub(super) const AT_ONCE: usize = 8;

/// Seconds after which work that a worker took is due again, should it have died: [`BATCH`] pieces in groups of
/// [`AT_ONCE`], each at its deadline three times over, take four minutes.
pub(super) const LEASE_S: u64 = 300;

/// How often the worker looks for work that is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Pieces of work that were due.
    pub taken: usize,
    /// Those that are done, or given up.
    pub settled: usize,
}

/// Taken work, by line.
type Batches = BTreeMap<Line, Vec<Followup>>;

impl FollowUp {
    /// Works until `stop`. Each line has one batch under way at most, and the next as soon as that is done.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let work = async {
            let mut under_way = JoinSet::new();
            let mut busy: HashMap<Id, Line> = HashMap::new();
            loop {
                let lines: Vec<Line> = busy.values().cloned().collect();
                let batches = self.take_due(&lines).await.unwrap_or_else(|error| {
                    tracing::warn!(error = %error, "follow-up work cannot be taken");
                    Batches::new()
                });
                for (line, batch) in batches {
                    let worker = Arc::clone(&self);
                    let task = under_way.spawn(async move { worker.work_off(batch).await });
                    busy.insert(task.id(), line);
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    Some(ended) = under_way.join_next_with_id() => {
                        busy.remove(&ended.map_or_else(|error| error.id(), |(id, _)| id));
                    }
                }
            }
        };
        // Work that is dropped halfway is due again after its lease.
        stop.run_until_cancelled(work).await;
    }

    /// Does what is due now, at most 64 pieces of each line.
    pub async fn run_once(&self) -> Result<Round, StoreError> {
        let batches = self.take_due(&[]).await?;
        let rounds = futures_util::future::join_all(batches.into_values().map(|batch| self.work_off(batch))).await;
        let add =
            |sum: Round, round: Round| Round { taken: sum.taken + round.taken, settled: sum.settled + round.settled };
        Ok(rounds.into_iter().fold(Round::default(), add))
    }

    async fn take_due(&self, busy: &[Line]) -> Result<Batches, StoreError> {
        let mut batches = Batches::new();
        for work in self.store.take_followups(terms(self.clock.now()), BATCH, busy).await? {
            let line = Line { peer: work.peer.clone(), kind: work.kind.clone() };
            batches.entry(line).or_default().push(work);
        }
        Ok(batches)
    }

    /// Does the work of one line, a few pieces at a time. What is put off is so in one commit, after the rest.
    async fn work_off(&self, batch: Vec<Followup>) -> Round {
        let (taken, unreached) = (batch.len(), AtomicBool::new(false));
        let pieces = futures_util::stream::iter(batch).map(|work| self.do_one(work, &unreached));
        let mut pieces = std::pin::pin!(pieces.buffer_unordered(AT_ONCE));
        let (mut settled, mut later) = (0, Admission::default());
        while let Some(came) = pieces.next().await {
            match came {
                Came::Settled => settled += 1,
                Came::Open => {}
                Came::PutOff(moved) => later.rescheduled.push(moved),
            }
        }
        if !later.rescheduled.is_empty()
            && let Err(error) = self.writes.commit(later).await
        {
            tracing::warn!(error = %error, "follow-up work is left to its lease");
        }
        Round { taken, settled }
    }

    /// With the store failing, work is left to its lease.
    async fn do_one(&self, work: Followup, unreached: &AtomicBool) -> Came {
        if unreached.load(Ordering::Relaxed) && may_wait(&work) {
            return Came::PutOff(Rescheduled { id: work.id, due: self.next_try(&work) });
        }
        match self.attempt(&work).await {
            Ok(did) => {
                unreached.fetch_or(did.unreached, Ordering::Relaxed);
                if did.settled { Came::Settled } else { Came::Open }
            }
            Err(error) => {
                tracing::warn!(kind = %work.kind, subject = %work.subject, error = %error, "follow-up work failed");
                Came::Open
            }
        }
    }
}

/// What came of a piece of a batch.
enum Came {
    /// It is done, or given up.
    Settled,
    /// It was tried, and comes again.
    Open,
    /// It was not tried, and is still to be put off.
    PutOff(Rescheduled),
}

/// Work is never put off by more than the longest wait or a lease. A clock that was ahead has put it off from where it
/// stood, which may be years from now.
pub(super) fn terms(now: Timestamp) -> WorkTerms {
    WorkTerms { now, latest: now.plus(MAX_BACKOFF_S + LEASE_S), again: now.plus(LEASE_S) }
}

/// Whether work may be put off because its peer could not be asked about something else. The last try is made in any
/// case: what is missing is noticed by it.
fn may_wait(work: &Followup) -> bool {
    work.attempts < MAX_ATTEMPTS && Work::of(&work.kind).is_some_and(Work::asks_the_peer)
}
