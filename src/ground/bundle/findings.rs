//! What comes out of holding receipts against each other: findings, observations, and what was withheld.
//!
//! A finding proves a lie by itself, from the file: every statement in it is under the operator's own keys, by a
//! pinned root key. Everything else is an observation and blames nobody. Receipts are named by their number in the
//! bundle, from 1.

use serde::Serialize;

use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::KeyId;
use crate::ground::name::{Issuer, ReceiptId};

/// Two statements of one operator that cannot both be honest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// Two checkpoints of one log and one size have different roots, both under the log's signature.
    Fork {
        /// The operator.
        issuer: Issuer,
        /// The log.
        origin: String,
        /// The size.
        size: u64,
        /// The two roots.
        roots: [Digest; 2],
        /// The receipts whose proofs hold the two checkpoints.
        items: [usize; 2],
    },
    /// The root key signed two different key sets of one number.
    KeySetTwice {
        /// The operator.
        issuer: Issuer,
        /// The number.
        number: u64,
        /// The two key sets.
        digests: [Digest; 2],
    },
    /// Two different leaves stand at one index of one log.
    LeafTwice {
        /// The operator.
        issuer: Issuer,
        /// The log.
        origin: String,
        /// The index.
        index: u64,
        /// The two receipts.
        items: [usize; 2],
    },
    /// Two different receipts carry one id.
    ReceiptIdTwice {
        /// The operator.
        issuer: Issuer,
        /// The id.
        jti: ReceiptId,
        /// The two receipts.
        items: [usize; 2],
    },
}

impl Finding {
    /// Against whom it stands.
    pub fn issuer(&self) -> &Issuer {
        match self {
            Self::KeySetTwice { issuer, .. }
            | Self::LeafTwice { issuer, .. }
            | Self::ReceiptIdTwice { issuer, .. }
            | Self::Fork { issuer, .. } => issuer,
        }
    }
}

/// Something that a reader should know and that proves nobody's lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "observation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Observation {
    /// One decision has more than one acknowledgement.
    AcknowledgedTwice {
        /// The decision's acknowledgements.
        items: Vec<usize>,
    },
    /// The executor's outcome names another acknowledgement than the one here.
    AcknowledgementDiffers {
        /// The outcome.
        outcome: usize,
        /// The acknowledgement.
        acknowledgement: usize,
    },
    /// An operator's decision was not to allow the call, and the other operator let it through all the same.
    AllowedAgainstDecision {
        /// The decision.
        decision: usize,
        /// The acknowledgement.
        acknowledgement: usize,
    },
    /// Several checkpoints of one log, and nothing here shows that they are of one history.
    ConsistencyNotShown {
        /// The log.
        origin: String,
        /// The size from which on it is not shown.
        from: u64,
        /// The next size.
        to: u64,
    },
    /// A request or response is disclosed, and no nonce opens the commitments that would tie it to the receipt.
    DisclosedWithoutNonce {
        /// The receipt.
        item: usize,
    },
    /// A route that enforces refused, and yet the call was carried out.
    ExecutedAgainstRefusal {
        /// The acknowledgement.
        acknowledgement: usize,
        /// The outcome.
        outcome: usize,
    },
    /// A key set under an operator's name that the pinned root key did not sign. Anybody can make one.
    ForeignKeySet {
        /// The operator.
        issuer: Issuer,
        /// The root key's fingerprint.
        fingerprint: KeyId,
    },
    /// A text among the key sets that is none.
    KeySetUnreadable {
        /// Its place, from 1.
        number: usize,
        /// What is wrong with it.
        error: String,
    },
    /// The two sides' outcomes of one call differ.
    OutcomesDiffer {
        /// The executor's outcome.
        executor: usize,
        /// The caller's outcome.
        caller: usize,
    },
    /// Several root keys claim one operator's name, and no pin tells which is right.
    SeveralRoots {
        /// The operator.
        issuer: Issuer,
        /// The fingerprints.
        fingerprints: Vec<KeyId>,
    },
    /// Two different receipts carry one id, and it is not proven that their operator signed both.
    UnprovenIdTwice {
        /// The operator that they name.
        issuer: Issuer,
        /// The two receipts.
        items: [usize; 2],
    },
}

/// What would belong to the story and is not in the file. That is often right: whoever makes a bundle discloses only
/// what its reader has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "withheld", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Withheld {
    /// The acknowledgement of a decision.
    Acknowledgement {
        /// The decision.
        item: usize,
    },
    /// The decision that an answer speaks of.
    Decision {
        /// The answer.
        item: usize,
    },
    /// The executor's outcome of an acknowledged call.
    Outcome {
        /// The acknowledgement.
        item: usize,
    },
    /// The nonce, so that the bindings stay closed.
    Nonce {
        /// The decision.
        item: usize,
    },
    /// The inclusion proof.
    Proof {
        /// The receipt.
        item: usize,
    },
    /// Method and target of the request.
    Request {
        /// The decision.
        item: usize,
    },
    /// The request's body.
    RequestBody {
        /// The decision.
        item: usize,
    },
    /// The response's body.
    ResponseBody {
        /// The outcome.
        item: usize,
    },
}

impl Withheld {
    /// The receipt to which something is missing.
    pub fn item(self) -> usize {
        match self {
            Self::Acknowledgement { item }
            | Self::Decision { item }
            | Self::Outcome { item }
            | Self::Nonce { item }
            | Self::Proof { item }
            | Self::Request { item }
            | Self::RequestBody { item }
            | Self::ResponseBody { item } => item,
        }
    }
}
