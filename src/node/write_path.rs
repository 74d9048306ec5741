//! The write path: one queue before the store, through which everything goes that is in a hurry or comes often.
//!
//! One task takes whatever waits, up to [`MAX_BATCH`], into one commit: an idle node commits at once, a busy one shares
//! each disk flush among many. Callers are answered after the commit. Out of scope: what is committed (`issuer`,
//! `followup`), and the log's own step (`sequencer`).

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::io::clock::Clock;
use crate::io::store::{Admission, Conflict, Store, StoreError};

/// Items of one commit. At about 10 µs of database work each, a full batch keeps its callers waiting some milliseconds,
/// which is what the disk flush takes anyway.
pub const MAX_BATCH: usize = 256;

/// Items that may wait for the next commit: 16 batches, about 10 MB of receipts. Beyond that new work is refused
/// before memory grows.
const MAX_WAITING: usize = 16 * MAX_BATCH;

/// Why nothing was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteFailure {
    /// Something that the item claims about state was claimed by another first.
    #[error("another receipt was first: {0:?}")]
    Conflict(Conflict),
    /// More work waits than the disk keeps up with.
    #[error("too much work waits for the log; try again shortly")]
    Overloaded,
    /// The store fails.
    #[error("the receipt cannot be stored: {0}")]
    Store(#[source] Arc<StoreError>),
    /// The node is shutting down.
    #[error("this node is shutting down")]
    Stopped,
}

impl WriteFailure {
    /// Whether the same write may well be kept a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Overloaded => true,
            Self::Store(error) => matches!(
                error.as_ref(),
                StoreError::Unavailable { .. } | StoreError::DiskFull { .. } | StoreError::ReadOnly { .. }
            ),
            Self::Conflict(_) | Self::Stopped => false,
        }
    }
}

impl From<StoreError> for WriteFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// A handle for writing. Clones share one queue.
#[derive(Debug, Clone)]
pub struct WritePath {
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    admission: Admission,
    reply: oneshot::Sender<Result<(), WriteFailure>>,
}

impl WritePath {
    /// Starts the task that writes. It ends, with nothing lost, once every handle is dropped.
    pub fn start(store: Arc<dyn Store>, clock: Clock) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        (Self { queue }, tokio::spawn(write(store, clock, jobs)))
    }

    /// Commits one item, whole or not at all. When this returns `Ok`, it is durable.
    pub async fn commit(&self, admission: Admission) -> Result<(), WriteFailure> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job { admission, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriteFailure::Overloaded,
            mpsc::error::TrySendError::Closed(_) => WriteFailure::Stopped,
        })?;
        answer.await.map_err(|_| WriteFailure::Stopped)?
    }
}

/// Takes what waits, commits it as one, answers each.
async fn write(store: Arc<dyn Store>, clock: Clock, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while jobs.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let (admissions, replies): (Vec<_>, Vec<_>) = batch.drain(..).map(|job| (job.admission, job.reply)).unzip();
        match store.commit(clock.now(), &admissions).await {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    // A caller that went away has its receipt in the log all the same; it asks again by id.
                    let _gone = reply.send(result.map_err(WriteFailure::Conflict));
                }
            }
            Err(error) => {
                tracing::error!(error = %error, items = replies.len(), "a group commit failed");
                let error = Arc::new(error);
                for reply in replies {
                    let _gone = reply.send(Err(WriteFailure::Store(Arc::clone(&error))));
                }
            }
        }
    }
}
