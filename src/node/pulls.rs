//! Answering pulls: a peer that sent a decision asks for the acknowledgement and the outcome.
//!
//! Only the operator that issued the decision gets them, and proves with its HTTP key that it is the one (RFC 9421;
//! profile in `ground::message_signature`). Normative text: `spec/delivery.md`. Out of scope: pulling (`followup`).

use std::sync::{Arc, Mutex, PoisonError};

use crate::ground::crypto::hash::Digest;
use crate::ground::discovery::Endpoints;
use crate::ground::evidence::Evidence;
use crate::ground::kind::Kind;
use crate::ground::message_signature::{NonceMemory, PullError, SignatureFields, verify_pull};
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Observer, Payload};
use crate::io::clock::Clock;
use crate::io::store::{Store, StoreError, StoredReceipt};
use crate::node::directory::{Directory, Refusal};

/// Why a pull is not answered.
#[derive(Debug, thiserror::Error)]
pub enum PullFailure {
    /// No decision with this digest was made out to this operator and accepted.
    #[error("no decision with this digest was accepted here")]
    Unknown,
    /// The operator that issued it is not served now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request is not signed as it must be.
    #[error(transparent)]
    Signature(#[from] PullError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PullFailure {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Unknown => ProblemType::NotFound,
            Self::Refused(refusal) => refusal.problem(),
            Self::Signature(error) => error.problem(),
            Self::Store(_) => ProblemType::StorageUnavailable,
        }
    }
}

/// Answers pulls. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Pulls {
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    clock: Clock,
    own: Issuer,
    nonces: Arc<Mutex<NonceMemory>>,
}

impl Pulls {
    /// Answers for the operator `own`.
    pub fn new(store: Arc<dyn Store>, directory: Arc<Directory>, clock: Clock, own: Issuer) -> Self {
        Self { store, directory, clock, own, nonces: Arc::default() }
    }

    /// What this operator answered to the decision with this digest, for the peer that issued it.
    ///
    /// Whoever names a digest that is here holds the decision, so that it is here is told before the signature is
    /// checked; nothing else is.
    pub async fn answer(&self, decision: &Digest, fields: &SignatureFields) -> Result<Evidence, PullFailure> {
        let stored = self.store.receipt(decision).await?;
        let stored = stored.filter(|stored| stored.kind == Kind::Decision && stored.aud == self.own);
        let stored = stored.filter(|stored| stored.iss != self.own).ok_or(PullFailure::Unknown)?;
        let peer = self.directory.standing(&stored.iss).await?;
        let target = Endpoints::of(&self.own).evidence(decision);
        {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            verify_pull("GET", &target, fields, &peer.key_set, self.clock.now(), &mut nonces)?;
        }
        let answers = self.store.related(decision).await?;
        let own = |kind: Kind| move |answer: &&StoredReceipt| answer.kind == kind && answer.iss == self.own;
        let acknowledgement = answers.iter().find(own(Kind::Acknowledgement)).map(|answer| answer.compact.clone());
        let outcome = answers.iter().filter(own(Kind::Outcome)).find(|answer| is_executors(answer));
        Ok(Evidence { acknowledgement, outcome: outcome.map(|answer| answer.compact.clone()) })
    }
}

fn is_executors(stored: &StoredReceipt) -> bool {
    let parsed = UnverifiedReceipt::parse(stored.compact.as_bytes());
    parsed.is_ok_and(
        |receipt| matches!(receipt.claims(), Payload::Outcome(outcome) if outcome.observer == Observer::Executor),
    )
}
