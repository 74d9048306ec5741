//! The parts that kinds share.

use serde::{Deserialize, Serialize};

use super::{PayloadError, require};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Reason;
use crate::ground::limits::{
    MAX_DELEGATION_DEPTH, MAX_INCLUDE_WITHIN_S, MAX_KEY_NAME_BYTES, MAX_NAME_CHARS, MAX_POLICIES, MAX_POLICY_ID_CHARS,
    MAX_REASONS, MAX_SAFE_INTEGER, MAX_SD_DIGESTS,
};
use crate::ground::name::{Code, ReceiptId, Timestamp};

/// A name is 1 to 256 characters, none of them a control character.
pub(super) fn require_name(text: &str, member: &'static str) -> Result<(), PayloadError> {
    require(is_name(text, MAX_NAME_CHARS), member, "must be 1 to 256 characters without control characters")
}

fn is_name(text: &str, max_chars: usize) -> bool {
    !text.is_empty() && text.chars().count() <= max_chars && !text.chars().any(char::is_control)
}

/// A list stands in strictly ascending order, so that one set has one spelling.
fn is_strictly_sorted<T: Ord>(list: &[T]) -> bool {
    list.is_sorted_by(|one, next| one < next)
}

/// Reasons: sorted, none twice. Which of them are registered is the issuer's business alone, so that the register can
/// grow without a reader that refuses what it does not know yet.
pub(super) fn check_reasons(reasons: &[Code], policies: &[String]) -> Result<(), PayloadError> {
    require((1..=MAX_REASONS).contains(&reasons.len()), "reasons", "must hold 1 to 16 codes")?;
    require(is_strictly_sorted(reasons), "reasons", "must be sorted, none twice")?;
    require(policies.len() <= MAX_POLICIES, "policies", "must hold at most 32 ids")?;
    require(is_strictly_sorted(policies), "policies", "must be sorted, none twice")?;
    let named = policies.iter().all(|id| is_name(id, MAX_POLICY_ID_CHARS));
    require(named, "policies", "each must be 1 to 128 characters without control characters")
}

/// What an issuer demands of its own reasons beyond their form.
pub(super) fn check_registered(reasons: &[Code]) -> Result<(), PayloadError> {
    let known = |code: &Code| code.is_own() || code.as_str().parse::<Reason>().is_ok();
    require(reasons.iter().all(known), "reasons", "a code without a dot must be a registered reason")
}

/// Who acts, in the words of the OpenID AuthZEN Authorization API 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The subject's id, unique within its type.
    pub id: String,
    /// The subject's type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What the subject wants to do (AuthZEN).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The action's name.
    pub name: String,
}

/// What the action is done to (AuthZEN).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The resource's id, unique within its type.
    pub id: String,
    /// The resource's type.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Subject {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        require_name(&self.id, "subject.id")?;
        require_name(&self.kind, "subject.type")
    }
}

impl Action {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        require_name(&self.name, "action.name")
    }
}

impl Resource {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        require_name(&self.id, "resource.id")?;
        require_name(&self.kind, "resource.type")
    }
}

/// A party that acts for another: the `act` claim of RFC 8693, section 4.1. The outermost acts now, each inner one
/// acted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Who acted before and handed over to this party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Self>>,
    /// The party.
    pub sub: String,
}

impl Actor {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        let mut actor = self;
        for _ in 0..MAX_DELEGATION_DEPTH {
            require_name(&actor.sub, "act.sub")?;
            match &actor.act {
                Some(inner) => actor = inner,
                None => return Ok(()),
            }
        }
        require(false, "act", "must be at most 8 deep")
    }
}

/// How the issuer knows an identity fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "lowercase", deny_unknown_fields)]
pub enum Basis {
    /// Somebody said so.
    Claimed {},
    /// The issuer checked it.
    Verified {
        /// By what: a code such as `gateway_path`.
        by: Code,
    },
}

impl Basis {
    /// A fact that somebody said.
    pub const CLAIMED: Self = Self::Claimed {};
}

/// How the issuer knows who acts for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The agent that calls.
    pub agent: Basis,
    /// The chain of agents before it. Present exactly when `act` holds more than one party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Basis>,
    /// The user that it acts for. Present exactly when `act` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Basis>,
}

/// Who has to approve an escalated action, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The role that approves, at the operator that escalated.
    pub by: Code,
    /// After this the answer is no.
    pub deadline: Timestamp,
}

/// A position in a session: the n-th receipt of it, counted by the issuer from 1 without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPosition {
    /// The session, 1 to 64 characters of base64url. Across operators a pseudonym.
    pub id: String,
    /// The position.
    pub seq: u64,
}

impl SessionPosition {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=64).contains(&self.id.len()) && self.id.chars().all(allowed);
        require(fits, "session.id", "must be 1 to 64 characters of base64url")?;
        require((1..=MAX_SAFE_INTEGER).contains(&self.seq), "session.seq", "must be 1 to 2^53 - 1")
    }
}

/// Whether a body was taken into the binding. Gateways bind bodies that they can hold; streams and proxies that hide
/// the body leave it unbound, and every verdict says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyBinding {
    /// A commitment covers the exact bytes.
    Bound,
    /// Nothing is said about the body.
    Unbound,
}

/// The commitments that tie a decision to one request. See `binding`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBinding {
    /// Whether `content` is there.
    pub body: BodyBinding,
    /// The commitment to the body. Present exactly when `body` is `bound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// The commitment to method and target URI.
    pub target: Digest,
}

impl RequestBinding {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        let agrees = self.content.is_some() == (self.body == BodyBinding::Bound);
        require(agrees, "binding.content", "must be there exactly when the body is bound")
    }
}

/// Another receipt, by id and by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRef {
    /// SHA-256 over its compact serialisation.
    pub digest: Digest,
    /// Its `jti`.
    pub jti: ReceiptId,
}

/// Something the caller must do for the effect to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obligation {
    /// The obligation's id within this receipt.
    pub id: Code,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Code,
}

/// The promise to log this receipt, with the log's head as it was known at issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPromise {
    /// The log will hold the receipt in a checkpoint dated at most this.
    pub include_by: Timestamp,
    /// The log's origin (C2SP tlog-checkpoint).
    pub origin: String,
    /// The head's root hash.
    pub root: Digest,
    /// The head's size in entries.
    pub size: u64,
}

impl LogPromise {
    pub(super) fn check(&self, iat: Timestamp) -> Result<(), PayloadError> {
        let origin = &self.origin;
        let fits = !origin.is_empty()
            && origin.len() <= MAX_KEY_NAME_BYTES
            && !origin.contains('+')
            && !origin.chars().any(|c| c.is_whitespace() || c.is_control());
        require(fits, "log.origin", "must be a C2SP key name of at most 255 bytes")?;
        require(self.size <= MAX_SAFE_INTEGER, "log.size", "must be at most 2^53 - 1")?;
        let empty = self.root == Digest::of(b"");
        require((self.size == 0) == empty, "log.root", "must be the empty tree's root exactly when the size is 0")?;
        let bounded = self.include_by >= iat && self.include_by.since(iat) <= MAX_INCLUDE_WITHIN_S;
        require(bounded, "log.include_by", "must be 0 to 86,400 seconds after `iat`")
    }
}

/// Whether an inbound route enforces what the node finds, or forwards all the same and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What is refused does not reach the agent.
    Enforce,
    /// Everything reaches the agent.
    Observe,
}

/// The two names of RFC 9901, section 4.2.4.1, are reserved from the start: their form is checked, and nothing is
/// concluded from them.
pub(super) fn check_sd(sd: Option<&Vec<Digest>>, sd_alg: Option<&String>) -> Result<(), PayloadError> {
    let count = sd.map_or(1, Vec::len);
    require((1..=MAX_SD_DIGESTS).contains(&count), "_sd", "must hold 1 to 32 digests")?;
    require(sd_alg.is_none_or(|alg| alg == "sha-256"), "_sd_alg", "must be `sha-256`")?;
    require(sd_alg.is_none() || sd.is_some(), "_sd_alg", "must not stand without `_sd`")
}
