//! An outcome: what came of a call, as the executing or the calling side saw it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parts::{BodyBinding, LogPromise, ReceiptRef, check_sd};
use super::{PayloadError, require};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};

/// Which side saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observer {
    /// The operator whose agent called.
    Caller,
    /// The operator whose agent was called.
    Executor,
}

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeStatus {
    /// The response broke off, or the caller left before its end.
    Aborted,
    /// A whole response passed, whatever its HTTP status.
    Completed,
    /// The agent was reached but gave no usable response.
    Failed,
    /// The agent was not reached.
    Unreachable,
}

/// The commitment to the response body, under the request's nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBinding {
    /// Whether `content` is there.
    pub body: BodyBinding,
    /// The commitment to the body bytes that passed. Present exactly when `body` is `bound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
}

/// The payload of an outcome receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Digests of withheld claims (RFC 9901); reserved.
    #[serde(rename = "_sd", skip_serializing_if = "Option::is_none")]
    pub sd: Option<Vec<Digest>>,
    /// The hash of `_sd` (RFC 9901); reserved.
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    pub sd_alg: Option<String>,
    /// The acknowledgement of the decision. An executor always names its own; a caller names the one that it got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<ReceiptRef>,
    /// The other operator.
    pub aud: Issuer,
    /// Signed and ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<Map<String, Value>>,
    /// The HTTP status that passed. Present whenever `response` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// When it was issued.
    pub iat: Timestamp,
    /// The operator that saw it.
    pub iss: Issuer,
    /// The receipt's id.
    pub jti: ReceiptId,
    /// The promise to log it.
    pub log: LogPromise,
    /// Which side that operator was.
    pub observer: Observer,
    /// The decision.
    pub receipt: ReceiptRef,
    /// The response. Present exactly when the call completed or broke off in a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseBinding>,
    /// How the call ended.
    pub status: OutcomeStatus,
}

impl Outcome {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        let named = self.acknowledgement.is_some() || self.observer == Observer::Caller;
        require(named, "acknowledgement", "must be there when the observer is the executor")?;
        let status = self.http_status.is_none_or(|status| (100..600).contains(&status));
        require(status, "http_status", "must be 100 to 599")?;
        let together = self.http_status.is_some() == self.response.is_some();
        require(together, "response", "must be there exactly when `http_status` is")?;
        let completed = self.response.is_some() || self.status != OutcomeStatus::Completed;
        require(completed, "response", "must be there when the call completed")?;
        let reached = self.response.is_none() || self.status != OutcomeStatus::Unreachable;
        require(reached, "response", "must not be there when the agent was not reached")?;
        let agrees = |response: &ResponseBinding| response.content.is_some() == (response.body == BodyBinding::Bound);
        let agrees = self.response.as_ref().is_none_or(agrees);
        require(agrees, "response.content", "must be there exactly when the body is bound")?;
        check_sd(self.sd.as_ref(), self.sd_alg.as_ref())
    }

    /// Whether two sides' outcomes of one call tell the same: status, HTTP status and, where both bound it, the body.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let content = |outcome: &Self| outcome.response.as_ref().and_then(|response| response.content);
        let bodies_agree = match (content(self), content(other)) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.receipt == other.receipt
            && self.status == other.status
            && self.http_status == other.http_status
            && bodies_agree
    }
}
