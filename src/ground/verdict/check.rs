//! The checks of a verdict, what may come of one, and which levels they decide.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Level;
use crate::ground::problem::ProblemType;

/// One thing that can be checked about a receipt. The order is that of every verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Size, base64url, header, canonical payload, members and their rules.
    Format,
    /// A root key is pinned for the issuer.
    Issuer,
    /// A key set of the issuer is at hand, and the pinned root key signed it.
    KeySet,
    /// The key is in that key set, for receipts, and active at issue.
    Key,
    /// The signature.
    Signature,
    /// The receipt is made out to whoever verifies.
    Audience,
    /// `iat`, `nbf` and `exp` against the verifier's time.
    Freshness,
    /// The commitment to method and target.
    Target,
    /// The commitment to the body, of the request or of the response.
    Body,
    /// The receipt was not accepted before.
    Replay,
    /// An acknowledgement or outcome belongs to the decision at hand.
    Relation,
    /// The path from the receipt's digest to the checkpoint's root.
    Inclusion,
    /// The checkpoint's signature by the log key, and the operator's own dated cosignature.
    Checkpoint,
    /// The receipt was logged by the time that it promised.
    Promise,
    /// The head that the receipt names is a prefix of the checkpoint.
    Head,
    /// The quorum of witnesses.
    Witnesses,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Self; 16] = [
        Self::Format,
        Self::Issuer,
        Self::KeySet,
        Self::Key,
        Self::Signature,
        Self::Audience,
        Self::Freshness,
        Self::Target,
        Self::Body,
        Self::Replay,
        Self::Relation,
        Self::Inclusion,
        Self::Checkpoint,
        Self::Promise,
        Self::Head,
        Self::Witnesses,
    ];

    /// The check as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Issuer => "issuer",
            Self::KeySet => "key_set",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Freshness => "freshness",
            Self::Target => "target",
            Self::Body => "body",
            Self::Replay => "replay",
            Self::Relation => "relation",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Promise => "promise",
            Self::Head => "head",
            Self::Witnesses => "witnesses",
        }
    }

    /// The level from which on this check must pass, or `None` for those that decide only once they are evaluated.
    pub const fn required_from(self) -> Option<Level> {
        match self {
            Self::Format | Self::Issuer | Self::KeySet | Self::Key | Self::Signature => Some(Level::Signed),
            Self::Inclusion | Self::Checkpoint => Some(Level::Included),
            Self::Witnesses => Some(Level::Witnessed),
            Self::Audience
            | Self::Freshness
            | Self::Target
            | Self::Body
            | Self::Replay
            | Self::Relation
            | Self::Promise
            | Self::Head => None,
        }
    }

    /// The level from which on a failure of this check makes the evidence invalid.
    pub const fn decides_from(self) -> Level {
        match self {
            Self::Inclusion | Self::Checkpoint | Self::Promise | Self::Head => Level::Included,
            Self::Witnesses => Level::Witnessed,
            _ => Level::Signed,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", content = "code", rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail(ProblemType),
    /// Nothing is said, because what the check needs was not given or does not apply.
    NotEvaluated(Absence),
}

/// Why a check was not evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// An earlier check failed on which this one stands.
    BlockedByFailure,
    /// The kind of receipt does not carry what this check looks at.
    DoesNotApply,
    /// The question did not ask for it: no time, audience, request or decision was given.
    NotAsked,
    /// No root key is pinned for the issuer.
    NotPinned,
    /// No key set of the issuer was given.
    NoKeySet,
    /// No inclusion proof was given.
    NoProof,
    /// No consistency proof from the head that the receipt names was given.
    NoHeadProof,
    /// No quorum was given.
    NoQuorum,
    /// The receipt leaves the body unbound.
    Unbound,
    /// The body was not at hand.
    BodyNotSeen,
    /// Only the accepting node can tell.
    OnlyOnAcceptance,
    /// The checkpoint is later than the promise: it shows that the receipt was logged, not when.
    LaterCheckpoint,
    /// A key is revoked, and the witnessed time does not tell which came first.
    RevokedUndated,
}

impl Absence {
    /// The registered problem that an absence amounts to where the check was required.
    pub fn problem(self) -> ProblemType {
        match self {
            Self::NotPinned => ProblemType::IssuerNotPinned,
            Self::NoKeySet => ProblemType::KeySetMissing,
            Self::NoProof | Self::NoHeadProof => ProblemType::ProofMissing,
            Self::NoQuorum => ProblemType::QuorumNotMet,
            Self::RevokedUndated => ProblemType::KeyRevoked,
            Self::Unbound | Self::BodyNotSeen => ProblemType::BodyUnbound,
            Self::BlockedByFailure
            | Self::DoesNotApply
            | Self::NotAsked
            | Self::OnlyOnAcceptance
            | Self::LaterCheckpoint => ProblemType::RequestMalformed,
        }
    }
}

/// One row of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// What was checked.
    pub check: Check,
    /// What came of it.
    #[serde(flatten)]
    pub result: CheckResult,
}
