//! A decision: what an operator decided about an action that an agent wants to take.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parts::{
    Action, Actor, Approval, Identity, LogPromise, Obligation, RequestBinding, Resource, SessionPosition, Subject,
    check_reasons, check_sd, require_name,
};
use super::{PayloadError, require};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::limits::{MAX_DECISION_LIFETIME_S, MAX_OBLIGATIONS, MAX_PARENTS};
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};

/// Whether the node took the decision itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// The node evaluated the epoch's policies.
    Evaluated,
    /// The node was told the result by another engine.
    Observed,
}

/// The payload of a decision receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Digests of withheld claims (RFC 9901); reserved.
    #[serde(rename = "_sd", skip_serializing_if = "Option::is_none")]
    pub sd: Option<Vec<Digest>>,
    /// The hash of `_sd` (RFC 9901); reserved.
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    pub sd_alg: Option<String>,
    /// The agents that act for `sub`, the calling one outermost. Absent when the agent acts for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// What the agent wants to do.
    pub action: Action,
    /// Who must approve. Present exactly when the effect is `escalate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Whether the node evaluated or was told.
    pub assurance: Assurance,
    /// The one operator that may use it; the issuer itself for a local decision.
    pub aud: Issuer,
    /// The request that it is for. Present whenever `aud` is another operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<RequestBinding>,
    /// The contract that the decision was taken under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Digest>,
    /// What was decided.
    pub effect: Effect,
    /// The digest of the epoch whose policies decided.
    pub epoch: Digest,
    /// The end of its validity, at most ten minutes after `iat`.
    pub exp: Timestamp,
    /// Signed and ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<Map<String, Value>>,
    /// When it was issued.
    pub iat: Timestamp,
    /// How the issuer knows who acts for whom.
    pub identity: Identity,
    /// The commitment to the policy engine's input, under a salt that the issuer keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Digest>,
    /// The operator that decided.
    pub iss: Issuer,
    /// The receipt's id.
    pub jti: ReceiptId,
    /// The promise to log it.
    pub log: LogPromise,
    /// Before this it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    /// What the caller must do for the effect to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Vec<Obligation>>,
    /// Commitments to the digests of receipts that led to this one, under the request's nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<Digest>>,
    /// The policies that determined the effect.
    pub policies: Vec<String>,
    /// Why, as stable codes.
    pub reasons: Vec<Code>,
    /// What the action is done to.
    pub resource: Resource,
    /// The receipt of the attempt that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<ReceiptId>,
    /// The session, and the position in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionPosition>,
    /// For whom the agent acts: the user if there is one, else the agent itself.
    pub sub: String,
    /// The agent as the policy saw it.
    pub subject: Subject,
}

impl Decision {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        self.check_who()?;
        self.check_times()?;
        require(self.retry_of != Some(self.jti), "retry_of", "must be another receipt's id")?;
        self.action.check()?;
        self.resource.check()?;
        check_reasons(&self.reasons, &self.policies)?;
        let escalates = self.effect == Effect::Escalate;
        require(
            self.approval.is_some() == escalates,
            "approval",
            "must be there exactly when the effect is `escalate`",
        )?;
        require(
            self.binding.is_some() || self.aud == self.iss,
            "binding",
            "must be there when `aud` is another operator",
        )?;
        self.binding.as_ref().map_or(Ok(()), RequestBinding::check)?;
        self.session.as_ref().map_or(Ok(()), SessionPosition::check)?;
        let count = self.obligations.as_ref().map_or(1, Vec::len);
        require((1..=MAX_OBLIGATIONS).contains(&count), "obligations", "must hold 1 to 8 items")?;
        let count = self.parents.as_ref().map_or(1, Vec::len);
        require((1..=MAX_PARENTS).contains(&count), "parents", "must hold 1 to 16 commitments")?;
        check_sd(self.sd.as_ref(), self.sd_alg.as_ref())
    }

    fn check_who(&self) -> Result<(), PayloadError> {
        require_name(&self.sub, "sub")?;
        self.subject.check()?;
        self.act.as_ref().map_or(Ok(()), Actor::check)?;
        let caller = self.act.as_ref().map_or(&self.sub, |actor| &actor.sub);
        require(
            self.subject.id == *caller,
            "subject.id",
            "must be the calling party: `act.sub`, or `sub` without `act`",
        )?;
        require(
            self.identity.user.is_some() == self.act.is_some(),
            "identity.user",
            "must be there exactly when `act` is",
        )?;
        let chain = self.act.as_ref().is_some_and(|actor| actor.act.is_some());
        require(
            self.identity.delegation.is_some() == chain,
            "identity.delegation",
            "must be there exactly when `act` has an inner `act`",
        )
    }

    fn check_times(&self) -> Result<(), PayloadError> {
        let lifetime = self.exp.since(self.iat);
        let bounded = self.exp > self.iat && lifetime <= MAX_DECISION_LIFETIME_S;
        require(bounded, "exp", "must be 1 to 600 seconds after `iat`")?;
        require(self.nbf.is_none_or(|nbf| nbf < self.exp), "nbf", "must be before `exp`")
    }
}
