//! Issuing: sign, then commit together with whatever else is in a hurry, then answer.
//!
//! Callers are answered only after their receipt is durable: no durable receipt, no allow. One task owns the write
//! path and takes whatever waits, up to [`MAX_BATCH`], into one commit: an idle node commits at once, a busy one
//! shares each disk flush among many. Out of scope: what a receipt says, and its way into the log (`sequencer`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::ground::kind::Kind;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{Code, ReceiptId, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::{self, IssueError, SignedReceipt, UnverifiedReceipt};
use crate::ground::receipt::payload::{LogPromise, Payload};
use crate::io::clock::Clock;
use crate::io::entropy::{EntropyError, random};
use crate::io::store::{
    Admission, Conflict, EpochClaim, NewFollowup, NewReceipt, Opening, ReplayClaim, SessionClaim, Store, StoreError,
};
use crate::node::operator::Operator;

/// Items of one commit. At about 10 µs of database work each, a full batch keeps its callers waiting some milliseconds,
/// which is what the disk flush takes anyway.
pub const MAX_BATCH: usize = 256;

/// Items that may wait for the next commit: 16 batches, about 10 MB of receipts. Beyond that new work is refused
/// before memory grows.
const MAX_WAITING: usize = 16 * MAX_BATCH;

/// Why no receipt was issued.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IssueFailure {
    /// Something that the receipt claims about state was claimed by another first.
    #[error("another receipt was first: {0:?}")]
    Conflict(Conflict),
    /// More work than promises can be kept for.
    #[error("too much work waits for the log; try again shortly")]
    Overloaded,
    /// The receipt cannot be stored.
    #[error("the receipt cannot be stored: {0}")]
    Store(#[source] Arc<StoreError>),
    /// The payload is no receipt.
    #[error("no receipt can be made of this: {0}")]
    Invalid(#[from] IssueError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The node is shutting down.
    #[error("this node is shutting down")]
    Stopped,
}

impl IssueFailure {
    /// The registered problem for the caller.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Conflict(Conflict::Replay { .. } | Conflict::DuplicateId { .. }) => ProblemType::Replayed,
            Self::Conflict(Conflict::BeforeWatermark { .. }) => ProblemType::IssuedBeforeWatermark,
            Self::Conflict(_) | Self::Overloaded => ProblemType::Overloaded,
            Self::Store(_) => ProblemType::StorageUnavailable,
            Self::Invalid(_) => ProblemType::RequestMalformed,
            Self::Entropy(_) => ProblemType::Internal,
            Self::Stopped => ProblemType::NotReady,
        }
    }
}

/// The members that the issuer gives to every receipt.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The new receipt's id.
    pub jti: ReceiptId,
    /// Now.
    pub iat: Timestamp,
    /// The log's head as it is known, and the promise.
    pub log: LogPromise,
}

/// What is committed with a receipt, or not at all.
#[derive(Debug, Default)]
pub struct Attachments {
    /// What opens the receipt's commitments.
    pub opening: Option<Opening>,
    /// A received receipt to keep beside it.
    pub received: Option<NewReceipt>,
    /// Consumes a received receipt.
    pub replay: Option<ReplayClaim>,
    /// Takes a position in a session.
    pub session: Option<SessionClaim>,
    /// Number and predecessor of the epoch that this receipt announces.
    pub epoch: Option<EpochClaim>,
    /// Work to do later about other receipts.
    pub followups: Vec<NewFollowup>,
    /// Work to do later about the new receipt, with the operator that it is made out to.
    pub own_followups: Vec<OwnFollowup>,
    /// Bytes to keep by digest.
    pub blobs: Vec<Vec<u8>>,
}

/// Work to do later about a receipt whose digest nobody knows yet.
#[derive(Debug, Clone)]
pub struct OwnFollowup {
    /// When it is due.
    pub due: Timestamp,
    /// What is to be done.
    pub kind: Code,
}

/// A time up to which every committed receipt is in a published checkpoint. The sequencer moves it, the issuer reads
/// it.
#[derive(Debug, Clone)]
pub struct CaughtUp(Arc<AtomicU64>);

impl CaughtUp {
    /// Caught up as of `at`.
    pub fn since(at: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(at.unix_s())))
    }

    /// Everything committed before `at` is published.
    pub fn advance(&self, at: Timestamp) {
        self.0.store(at.unix_s(), Ordering::Release);
    }

    /// Seconds that the log is behind at most.
    pub fn lag_s(&self, now: Timestamp) -> u64 {
        now.unix_s().saturating_sub(self.0.load(Ordering::Acquire))
    }
}

/// A handle for issuing. Clones share one queue.
#[derive(Debug, Clone)]
pub struct ReceiptIssuer {
    operator: Arc<Operator>,
    clock: Clock,
    head: watch::Receiver<TreeHead>,
    include_within_s: u64,
    caught_up: CaughtUp,
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    admission: Admission,
    reply: oneshot::Sender<Result<(), IssueFailure>>,
}

impl ReceiptIssuer {
    /// Starts the write path. It ends, with nothing lost, once every handle is dropped.
    pub fn start(
        operator: Arc<Operator>,
        store: Arc<dyn Store>,
        clock: Clock,
        head: watch::Receiver<TreeHead>,
        include_within_s: u64,
        caught_up: CaughtUp,
    ) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        let writer = tokio::spawn(write(store, clock.clone(), jobs));
        (Self { operator, clock, head, include_within_s, caught_up, queue }, writer)
    }

    /// The operator's name, which is every receipt's `iss`.
    pub fn name(&self) -> &crate::ground::name::Issuer {
        self.operator.issuer()
    }

    /// Draws an id and takes down time and head.
    pub fn draft(&self) -> Result<Draft, IssueFailure> {
        let now_ms = self.clock.now_ms();
        let iat = Timestamp::EPOCH.plus(now_ms / 1000);
        let jti = ReceiptId::from_parts(now_ms, random()?);
        let head = *self.head.borrow();
        let log = LogPromise {
            include_by: iat.plus(self.include_within_s),
            origin: self.operator.log_key().origin().to_string(),
            root: head.root,
            size: head.size,
        };
        Ok(Draft { jti, iat, log })
    }

    /// Fails while the log is so far behind that a new promise might be broken.
    pub fn check_capacity(&self) -> Result<(), IssueFailure> {
        // Half the promise is kept in reserve: the sequencer needs the rest to catch up.
        if self.caught_up.lag_s(self.clock.now()) > self.include_within_s / 2 {
            return Err(IssueFailure::Overloaded);
        }
        Ok(())
    }

    /// Signs and commits. When this returns a receipt, it is durable.
    pub async fn issue(&self, payload: Payload, with: Attachments) -> Result<SignedReceipt, IssueFailure> {
        self.check_capacity()?;
        let signed = compact::issue(payload, &self.operator.keys().receipt)?;
        let (reply, answer) = oneshot::channel();
        let job = Job { admission: admission(&signed, with), reply };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => IssueFailure::Overloaded,
            mpsc::error::TrySendError::Closed(_) => IssueFailure::Stopped,
        })?;
        answer.await.map_err(|_| IssueFailure::Stopped)??;
        Ok(signed)
    }
}

fn admission(signed: &SignedReceipt, with: Attachments) -> Admission {
    let own = new_receipt(&signed.payload, signed.digest, signed.compact.clone(), with.opening);
    // The received receipt stands first, so that an answer never comes before what it answers.
    let receipts = with.received.into_iter().chain([own]).collect();
    let peer = signed.payload.aud();
    let own = with.own_followups.into_iter();
    let own =
        own.map(|work| NewFollowup { due: work.due, kind: work.kind, subject: signed.digest, peer: peer.clone() });
    let followups = with.followups.into_iter().chain(own).collect();
    let epoch = with.epoch.map(|claim| EpochClaim { receipt: signed.digest, ..claim });
    Admission { receipts, replay: with.replay, session: with.session, epoch, followups, blobs: with.blobs }
}

fn new_receipt(
    payload: &Payload,
    digest: crate::ground::crypto::hash::Digest,
    compact: String,
    opening: Option<Opening>,
) -> NewReceipt {
    let kind: Kind = payload.kind();
    NewReceipt {
        jti: *payload.jti(),
        digest,
        kind,
        iss: payload.iss().clone(),
        aud: payload.aud().clone(),
        iat: *payload.iat(),
        compact,
        relates_to: payload.about().map(|about| about.digest),
        opening,
        include_by: Some(payload.log().include_by),
    }
}

/// The row of a receipt that another operator signed.
pub fn received_receipt(receipt: &UnverifiedReceipt, opening: Option<Opening>) -> NewReceipt {
    new_receipt(receipt.claims(), receipt.digest(), receipt.compact().to_owned(), opening)
}

/// The write path: takes what waits, commits it as one, answers each.
async fn write(store: Arc<dyn Store>, clock: Clock, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while jobs.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let (admissions, replies): (Vec<_>, Vec<_>) = batch.drain(..).map(|job| (job.admission, job.reply)).unzip();
        match store.commit(clock.now(), &admissions).await {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    // A caller that went away has its receipt in the log all the same; it asks again by id.
                    let _gone = reply.send(result.map_err(IssueFailure::Conflict));
                }
            }
            Err(error) => {
                tracing::error!(error = %error, items = replies.len(), "a group commit failed");
                let error = Arc::new(error);
                for reply in replies {
                    let _gone = reply.send(Err(IssueFailure::Store(Arc::clone(&error))));
                }
            }
        }
    }
}
