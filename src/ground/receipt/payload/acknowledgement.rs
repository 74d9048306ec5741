//! An acknowledgement: the operator that a decision was made out to took it in, and says what it decided itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::decision::Assurance;
use super::parts::{Action, Approval, BodyBinding, LogPromise, Mode, ReceiptRef, Resource, check_reasons, check_sd};
use super::{PayloadError, require};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};

/// The payload of an acknowledgement receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Digests of withheld claims (RFC 9901); reserved.
    #[serde(rename = "_sd", skip_serializing_if = "Option::is_none")]
    pub sd: Option<Vec<Digest>>,
    /// The hash of `_sd` (RFC 9901); reserved.
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    pub sd_alg: Option<String>,
    /// The action as the acknowledging operator's policy saw it.
    pub action: Action,
    /// Who must approve. Present exactly when the effect is `escalate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Whether the node evaluated or was told.
    pub assurance: Assurance,
    /// The operator that issued the decision.
    pub aud: Issuer,
    /// Whether the body was checked against the decision's commitment.
    pub body: BodyBinding,
    /// What the acknowledging operator decided.
    pub effect: Effect,
    /// The digest of the epoch whose policies decided.
    pub epoch: Digest,
    /// Signed and ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<Map<String, Value>>,
    /// When it was issued.
    pub iat: Timestamp,
    /// The commitment to the policy engine's input, under a salt that the issuer keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Digest>,
    /// The acknowledging operator.
    pub iss: Issuer,
    /// The receipt's id.
    pub jti: ReceiptId,
    /// The promise to log it.
    pub log: LogPromise,
    /// Whether the route enforces or only observes.
    pub mode: Mode,
    /// The policies that determined the effect, as far as they are disclosed: by default none.
    pub policies: Vec<String>,
    /// Why, as stable codes.
    pub reasons: Vec<Code>,
    /// The decision that was taken in.
    pub receipt: ReceiptRef,
    /// The resource as the acknowledging operator's policy saw it.
    pub resource: Resource,
}

impl Acknowledgement {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        self.action.check()?;
        self.resource.check()?;
        check_reasons(&self.reasons, &self.policies)?;
        let escalates = self.effect == Effect::Escalate;
        require(
            self.approval.is_some() == escalates,
            "approval",
            "must be there exactly when the effect is `escalate`",
        )?;
        check_sd(self.sd.as_ref(), self.sd_alg.as_ref())
    }
}
