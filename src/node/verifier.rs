//! Verifying without consequence: a receipt and the facts around it in, a verdict out.
//!
//! Nothing is stored, consumed or fetched on a stranger's word, save that an unknown key of an approved peer leads to
//! one rate-limited look at that peer's key set. Out of scope: consuming (`acceptor`).

use std::sync::Arc;

use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::verify::{Exchange, Question, Trust, refuse_format, verify};
use crate::ground::verdict::{Level, Verdict};
use crate::io::clock::Clock;
use crate::io::store::StoreError;
use crate::node::directory::{ApprovedPeer, Directory, Refusal};
use crate::node::operator::Operator;

/// What is asked about one receipt.
#[derive(Debug)]
pub struct Inspection<'a> {
    /// The receipt's bytes.
    pub receipt: &'a [u8],
    /// The level at which to conclude.
    pub level: Level,
    /// The one kind that will do.
    pub kind: Option<Kind>,
    /// The time to judge freshness by; now when absent.
    pub at: Option<Timestamp>,
    /// Whom it must be made out to; this operator when absent.
    pub audience: Option<&'a Issuer>,
    /// The exchange that it must be bound to.
    pub exchange: Option<Exchange<'a>>,
    /// The decision that it must speak of.
    pub decision: Option<&'a UnverifiedReceipt>,
    /// A tlog-proof for it.
    pub proof: Option<&'a [u8]>,
}

/// Verifies receipts of peers and of this operator. Clones share everything.
#[derive(Debug, Clone)]
pub struct Verifier {
    operator: Arc<Operator>,
    directory: Arc<Directory>,
    clock: Clock,
    skew_s: u64,
}

impl Verifier {
    /// A verifier that knows the directory's keys and its own.
    pub fn new(operator: Arc<Operator>, directory: Arc<Directory>, clock: Clock, skew_s: u64) -> Self {
        Self { operator, directory, clock, skew_s }
    }

    /// The verdict.
    pub async fn judge(&self, asked: &Inspection<'_>) -> Result<Verdict, StoreError> {
        let receipt = match UnverifiedReceipt::parse(asked.receipt) {
            Ok(receipt) => receipt,
            Err(error) => return Ok(refuse_format(error.problem(), asked.level)),
        };
        let issuer = receipt.claims().iss();
        let standing = self.standing(&receipt, issuer).await?;
        let trust = match &standing {
            Standing::Own => Trust::Pinned(self.operator.key_set()),
            Standing::Peer(peer) => Trust::Pinned(&peer.key_set),
            Standing::NoKeySet => Trust::NoKeySet,
            Standing::Stranger => Trust::Unknown,
        };
        let question = Question {
            kind: asked.kind,
            at: Some(asked.at.unwrap_or_else(|| self.clock.now())),
            skew_s: self.skew_s,
            audience: Some(asked.audience.unwrap_or_else(|| self.operator.issuer())),
            exchange: asked.exchange,
            decision: asked.decision,
            proof: asked.proof,
            ..Question::offline(asked.level, trust)
        };
        Ok(verify(receipt, &question).verdict)
    }

    async fn standing(&self, receipt: &UnverifiedReceipt, issuer: &Issuer) -> Result<Standing, StoreError> {
        if issuer == self.operator.issuer() {
            return Ok(Standing::Own);
        }
        match self.directory.standing_for(issuer, receipt.kid()).await {
            Ok(peer) => Ok(Standing::Peer(peer)),
            Err(Refusal::KeySetMissing(_) | Refusal::KeySetStale(_)) => Ok(Standing::NoKeySet),
            Err(Refusal::Unknown(_) | Refusal::Pending(_) | Refusal::Suspended(_) | Refusal::Removed(_)) => {
                Ok(Standing::Stranger)
            }
            Err(Refusal::Store(error)) => Err(error),
        }
    }
}

/// What this node knows about a receipt's issuer.
enum Standing {
    Own,
    Peer(ApprovedPeer),
    NoKeySet,
    Stranger,
}
