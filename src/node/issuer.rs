//! Issuing: sign, commit, then answer.
//!
//! Callers are answered only after their receipt is durable: no durable receipt, no allow. Out of scope: what a receipt
//! says, how commits are grouped (`write_path`), and the way into the log (`sequencer`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::{self, IssueError, SignedReceipt, UnverifiedReceipt};
use crate::ground::receipt::payload::{LogPromise, Payload};
use crate::ground::receipt::verify::VerifiedReceipt;
use crate::io::clock::Clock;
use crate::io::entropy::{EntropyError, random};
use crate::io::store::{
    Admission, Conflict, EpochClaim, NewFollowup, NewObservation, NewReceipt, Opening, OutcomeClaim, ReplayClaim,
    SessionClaim,
};
use crate::node::operator::Operator;
use crate::node::write_path::{WriteFailure, WritePath};

/// Why no receipt was issued.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IssueFailure {
    /// The receipt was not committed, or no promise can be made for it.
    #[error(transparent)]
    Write(#[from] WriteFailure),
    /// The clock is behind the keys, so that what they sign now would count nowhere.
    #[error("the keys are valid from {since} on, and this machine's clock is behind that: set it right")]
    KeysAhead {
        /// When the last of them begins.
        since: Timestamp,
    },
    /// The payload is no receipt.
    #[error("no receipt can be made of this: {0}")]
    Invalid(#[from] IssueError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl IssueFailure {
    /// The registered problem for the caller.
    pub fn problem(&self) -> ProblemType {
        let write = match self {
            Self::Write(write) => write,
            Self::KeysAhead { .. } => return ProblemType::NotReady,
            Self::Invalid(_) => return ProblemType::RequestMalformed,
            Self::Entropy(_) => return ProblemType::Internal,
        };
        match write {
            WriteFailure::Conflict(Conflict::Replay { .. } | Conflict::DuplicateId { .. }) => ProblemType::Replayed,
            WriteFailure::Conflict(Conflict::Outcome { .. }) => ProblemType::OutcomeRecorded,
            WriteFailure::Conflict(Conflict::BeforeWatermark { .. }) => ProblemType::IssuedBeforeWatermark,
            WriteFailure::Conflict(_) | WriteFailure::Overloaded => ProblemType::Overloaded,
            WriteFailure::Store(_) => ProblemType::StorageUnavailable,
            WriteFailure::Stopped => ProblemType::NotReady,
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
    /// Issuer and id of the decision whose call's end this receipt tells.
    pub ends: Option<(Issuer, ReceiptId)>,
    /// Work to do later about other receipts.
    pub followups: Vec<NewFollowup>,
    /// Work to do later about the new receipt, with the operator that it is made out to.
    pub own_followups: Vec<OwnFollowup>,
    /// Bytes to keep by digest.
    pub blobs: Vec<Vec<u8>>,
    /// What was noticed on the way.
    pub observations: Vec<NewObservation>,
}

/// Work to do later about a receipt whose digest nobody knows yet.
#[derive(Debug, Clone)]
pub struct OwnFollowup {
    /// When it is due.
    pub due: Timestamp,
    /// What is to be done.
    pub kind: Code,
}

impl OwnFollowup {
    /// The same work about this receipt, which concerns this operator.
    pub fn about(self, receipt: Digest, peer: &Issuer) -> NewFollowup {
        NewFollowup { due: self.due, kind: self.kind, subject: receipt, peer: peer.clone() }
    }
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

/// A handle for issuing. Clones share one write path.
#[derive(Debug, Clone)]
pub struct ReceiptIssuer {
    operator: Arc<Operator>,
    clock: Clock,
    head: watch::Receiver<TreeHead>,
    include_within_s: u64,
    caught_up: CaughtUp,
    writes: WritePath,
}

impl ReceiptIssuer {
    /// An issuer whose receipts name this `head` and promise to be in the log within `include_within_s` seconds.
    pub fn new(
        operator: Arc<Operator>,
        writes: WritePath,
        clock: Clock,
        head: watch::Receiver<TreeHead>,
        include_within_s: u64,
        caught_up: CaughtUp,
    ) -> Self {
        Self { operator, clock, head, include_within_s, caught_up, writes }
    }

    /// The operator's name, which is every receipt's `iss`.
    pub fn name(&self) -> &Issuer {
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

    /// Fails while the log is so far behind that a new promise might be broken, and while the clock is behind the keys.
    pub fn check_capacity(&self) -> Result<(), IssueFailure> {
        let since = self.operator.keys_since();
        if self.clock.now() < since {
            return Err(IssueFailure::KeysAhead { since });
        }
        // Half the promise is kept in reserve: the sequencer needs the rest to catch up.
        if self.caught_up.lag_s(self.clock.now()) > self.include_within_s / 2 {
            return Err(WriteFailure::Overloaded.into());
        }
        Ok(())
    }

    /// Whether commits go through. What waits in a full queue is written all the same.
    pub async fn can_write(&self) -> bool {
        !matches!(self.writes.commit(Admission::default()).await, Err(WriteFailure::Store(_) | WriteFailure::Stopped))
    }

    /// Signs and commits. When this returns a receipt, it is durable.
    pub async fn issue(&self, payload: Payload, with: Attachments) -> Result<SignedReceipt, IssueFailure> {
        self.check_capacity()?;
        let signed = compact::issue(payload, &self.operator.keys().receipt)?;
        self.writes.commit(admission(&signed, with)).await?;
        Ok(signed)
    }
}

fn admission(signed: &SignedReceipt, with: Attachments) -> Admission {
    let own = new_receipt(&signed.payload, signed.digest, signed.compact.clone(), with.opening);
    // The received receipt stands first, so that an answer never comes before what it answers.
    let receipts = with.received.into_iter().chain([own]).collect();
    let peer = signed.payload.aud();
    let own = with.own_followups.into_iter().map(|work| work.about(signed.digest, peer));
    let followups = with.followups.into_iter().chain(own).collect();
    let epoch = with.epoch.map(|claim| EpochClaim { receipt: signed.digest, ..claim });
    let outcome = with.ends.map(|(iss, jti)| OutcomeClaim { iss, jti, digest: signed.digest });
    let (replay, session, blobs, observations) = (with.replay, with.session, with.blobs, with.observations);
    Admission { receipts, replay, session, epoch, outcome, followups, blobs, observations, ..Admission::default() }
}

fn new_receipt(payload: &Payload, digest: Digest, compact: String, opening: Option<Opening>) -> NewReceipt {
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

/// The row of a verified receipt of another operator.
pub fn verified_receipt(receipt: &VerifiedReceipt, opening: Option<Opening>) -> NewReceipt {
    new_receipt(receipt.payload(), receipt.digest(), receipt.compact().to_owned(), opening)
}

/// The row of a receipt of another operator whose verdict was given elsewhere.
pub fn received_receipt(receipt: &UnverifiedReceipt, opening: Option<Opening>) -> NewReceipt {
    new_receipt(receipt.claims(), receipt.digest(), receipt.compact().to_owned(), opening)
}
