//! A configuration receipt: an operator's policies went from one epoch to the next.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parts::{LogPromise, check_sd};
use super::{PayloadError, require};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_SAFE_INTEGER;
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};

/// What made the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigurationEvent {
    /// Somebody applied a revision.
    Apply,
    /// The node started for the first time, or with another engine version than it had stopped with.
    Start,
}

/// The payload of a configuration receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Digests of withheld claims (RFC 9901); reserved.
    #[serde(rename = "_sd", skip_serializing_if = "Option::is_none")]
    pub sd: Option<Vec<Digest>>,
    /// The hash of `_sd` (RFC 9901); reserved.
    #[serde(rename = "_sd_alg", skip_serializing_if = "Option::is_none")]
    pub sd_alg: Option<String>,
    /// The epoch's digest from now on.
    pub after: Digest,
    /// The issuer itself.
    pub aud: Issuer,
    /// The digest of the epoch before. Absent exactly for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// Who changed it: a code such as `cli`.
    pub by: Code,
    /// What made the epoch.
    pub event: ConfigurationEvent,
    /// Signed and ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext: Option<Map<String, Value>>,
    /// When it was issued.
    pub iat: Timestamp,
    /// The operator.
    pub iss: Issuer,
    /// The receipt's id.
    pub jti: ReceiptId,
    /// The promise to log it.
    pub log: LogPromise,
    /// The epoch's number, counted from 1 without gaps.
    pub number: u64,
}

impl Configuration {
    pub(super) fn check(&self) -> Result<(), PayloadError> {
        require(self.aud == self.iss, "aud", "must be the issuer itself")?;
        require((1..=MAX_SAFE_INTEGER).contains(&self.number), "number", "must be 1 to 2^53 - 1")?;
        let first = self.number == 1;
        require(self.before.is_none() == first, "before", "must be absent exactly for epoch 1")?;
        check_sd(self.sd.as_ref(), self.sd_alg.as_ref())
    }
}
