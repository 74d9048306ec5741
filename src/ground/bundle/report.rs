//! The result of judging a bundle, as data. In JSON: the result of `countersign bundle verify --json`.

use serde::Serialize;

use super::findings::{Finding, Observation, Withheld};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::KeyId;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::payload::Payload;
use crate::ground::verdict::{Check, CheckResult, Conclusion, Disclaimer, Level, Verdict};

/// Everything that a bundle shows, under the reader's pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleReport {
    /// The answer: `invalid` with any invalid receipt or finding, else `undetermined` with any undetermined receipt.
    pub verdict: Conclusion,
    /// What was demanded of each receipt.
    pub level: Level,
    /// When the file says that it was made. Nobody signed that.
    pub created: Timestamp,
    /// The time that freshness was judged by, if the reader gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Every operator that a receipt names as its issuer.
    pub operators: Vec<OperatorReport>,
    /// Every receipt, in the bundle's order.
    pub items: Vec<ItemReport>,
    /// The receipts by the call that they speak of.
    pub calls: Vec<CallReport>,
    /// The logs whose checkpoints the proofs hold.
    pub logs: Vec<LogReport>,
    /// What proves a lie.
    pub findings: Vec<Finding>,
    /// What a reader should know, and what blames nobody.
    pub observations: Vec<Observation>,
    /// What is not in the file.
    pub withheld: Vec<Withheld>,
    /// What nothing here asserts.
    pub does_not_assert: Vec<Disclaimer>,
}

impl BundleReport {
    /// The receipt of that number, from 1.
    pub fn item(&self, number: usize) -> Option<&ItemReport> {
        number.checked_sub(1).and_then(|at| self.items.get(at))
    }
}

/// What is known of one operator's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorReport {
    /// The operator.
    pub issuer: Issuer,
    /// The fingerprint that the reader pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<KeyId>,
    /// How its keys stand.
    #[serde(flatten)]
    pub standing: Standing,
    /// The root keys that claim the operator's name in the key sets at hand, to be compared out of band.
    pub fingerprints: Vec<KeyId>,
    /// The key set that signatures were checked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_set: Option<KeySetRow>,
}

/// How an operator's keys stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// A key set under the pinned root key.
    Pinned,
    /// A key set, and no pin.
    Unpinned,
    /// A pin, and no key set.
    NoKeySet,
    /// Neither, or several root keys and no pin.
    Unknown,
    /// A pin, and only key sets that it rules out.
    Refused {
        /// The registered problem.
        problem: ProblemType,
        /// What is wrong, with values.
        error: String,
    },
}

/// Which key set was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeySetRow {
    /// Its number.
    pub number: u64,
    /// When the root key says that it signed it.
    pub iat: Timestamp,
    /// SHA-256 over its compact serialisation.
    pub digest: Digest,
}

/// One receipt with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemReport {
    /// Its place in the bundle, from 1.
    pub number: usize,
    /// SHA-256 over the compact serialisation, if it is a receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The key that its header names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<KeyId>,
    /// What it says. Read the verdict before believing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<Payload>,
    /// Why it is no receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where it stands in its log, by the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The request that the bundle discloses for it: method and target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<(String, String)>,
    /// The verdict.
    pub verdict: Verdict,
}

impl ItemReport {
    /// Whether it is certain that the issuer signed: under a pinned root key, with a key that was good.
    pub fn is_proven(&self) -> bool {
        [Check::Format, Check::Issuer, Check::KeySet, Check::Key, Check::Signature].into_iter().all(|c| self.passes(c))
    }

    /// Whether one check passes.
    pub fn passes(&self, check: Check) -> bool {
        self.verdict.result(check) == CheckResult::Pass
    }

    /// Whether it may be held against other receipts: not refuted, and about the decision that it stands beside.
    pub(super) fn counts(&self) -> bool {
        let related = !matches!(self.verdict.result(Check::Relation), CheckResult::Fail(_));
        self.says.is_some() && self.verdict.verdict != Conclusion::Invalid && related
    }
}

/// The receipts of one call: a decision and what answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallReport {
    /// The decision's digest, from itself or from an answer.
    pub digest: Digest,
    /// The decision's number, if it is in the bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<usize>,
    /// Its acknowledgements.
    pub acknowledgements: Vec<usize>,
    /// Its outcomes, of either side.
    pub outcomes: Vec<usize>,
    /// Whether the two sides tell the same.
    pub stories: Stories,
}

/// Whether executor and caller tell the same outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stories {
    /// Both tell one, and they agree.
    Agree,
    /// Both tell one, and they differ.
    Differ,
    /// Only one side's outcome is here.
    OneSided,
    /// No outcome is here.
    Untold,
}

/// One log, as far as the bundle shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// The operator.
    pub issuer: Issuer,
    /// The log's name.
    pub origin: String,
    /// Its checkpoints that verify, smallest first.
    pub checkpoints: Vec<CheckpointRow>,
    /// Whether the proofs here show them to be of one history; nothing with fewer than two of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_history: Option<bool>,
}

/// One checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CheckpointRow {
    /// Entries.
    pub size: u64,
    /// Root hash.
    pub root: Digest,
    /// When the operator says that it made it.
    pub time: Timestamp,
    /// The time that the quorum vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnessed_time: Option<Timestamp>,
}
