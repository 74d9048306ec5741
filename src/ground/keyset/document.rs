//! The members of a key set and the rules between them.

use serde::{Deserialize, Serialize};

use super::KeySetError;
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::{Jwk, KeyId, KeyUse, PublicKey};
use crate::ground::limits::{MAX_KEY_NAME_BYTES, MAX_KEYS, MAX_NAME_CHARS, MAX_SAFE_INTEGER};
use crate::ground::log::checkpoint::UnverifiedCheckpoint;
use crate::ground::name::{Issuer, Timestamp};

/// The payload of a key set, members in JCS order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySetDocument {
    /// When the root key signed it.
    pub iat: Timestamp,
    /// The operator.
    pub iss: Issuer,
    /// The online keys, 1 to 64.
    pub keys: Vec<KeyEntry>,
    /// The names of the one active log and of its cosigner.
    pub log: LogNames,
    /// The key set's number, counted from 1.
    pub number: u64,
    /// The log that the active one follows, closed by its final checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Predecessor>,
    /// The digest of the key set before this one. Absent exactly for number 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The root key.
    pub root: Jwk,
}

/// One online key: a public JWK (RFC 8037), what it is for, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    crv: String,
    /// The RFC 7638 thumbprint.
    pub kid: KeyId,
    kty: String,
    /// Why it was revoked. Present exactly for revoked keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// From when on it may sign.
    pub since: Timestamp,
    /// Where it is in its life.
    pub state: KeyState,
    /// From when on it may not sign any more. Present exactly for retired and revoked keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What it signs.
    #[serde(rename = "use")]
    pub usage: KeyUse,
    x: String,
}

impl KeyEntry {
    /// An entry for `key`, active since `since`.
    pub fn active(key: &PublicKey, usage: KeyUse, since: Timestamp) -> Self {
        Self {
            crv: "Ed25519".to_owned(),
            kid: key.id(),
            kty: "OKP".to_owned(),
            reason: None,
            since,
            state: KeyState::Active,
            until: None,
            usage,
            x: crate::ground::crypto::hash::encode_base64url(&key.to_bytes()),
        }
    }

    pub(super) fn jwk(&self) -> Jwk {
        Jwk { crv: self.crv.clone(), kty: self.kty.clone(), x: self.x.clone() }
    }

    fn check(&self) -> Result<(), KeySetError> {
        let ended = matches!(self.state, KeyState::Retired | KeyState::Revoked);
        if self.until.is_some() != ended {
            return Err(KeySetError::Rule("`until` must be there exactly for retired and revoked keys"));
        }
        if self.until.is_some_and(|until| until < self.since) {
            return Err(KeySetError::Rule("`until` must not be before `since`"));
        }
        if self.reason.is_some() != (self.state == KeyState::Revoked) {
            return Err(KeySetError::Rule("`reason` must be there exactly for revoked keys"));
        }
        let printable = |reason: &String| {
            !reason.is_empty() && reason.chars().count() <= MAX_NAME_CHARS && !reason.chars().any(char::is_control)
        };
        if !self.reason.as_ref().is_none_or(printable) {
            return Err(KeySetError::Rule("`reason` must be 1 to 256 characters without control characters"));
        }
        Ok(())
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It signs.
    Active,
    /// It is announced, and signs nothing yet.
    Pending,
    /// It signed until it was replaced; what it signed stays good.
    Retired,
    /// It is not to be trusted; what it signed stays good only where something witnessed shows that it is older.
    Revoked,
}

impl KeyState {
    /// The state as it is written in a key set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

/// The names of an operator's log and of the cosigner that dates its checkpoints (C2SP key names).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogNames {
    /// The name in the vkey of the operator's cosigner.
    pub cosigner: String,
    /// The log's origin, which is the name in its vkey.
    pub origin: String,
}

/// The log before the active one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// Its final checkpoint, a whole signed note.
    pub checkpoint: String,
    /// Its origin.
    pub origin: String,
}

impl Predecessor {
    /// The form alone: the signatures of the checkpoint are judged where it is used.
    fn check(&self, active: &str) -> Result<(), KeySetError> {
        if !is_key_name(&self.origin) || self.origin == active {
            return Err(KeySetError::Rule("`predecessor` must name another log"));
        }
        let last = UnverifiedCheckpoint::parse(self.checkpoint.as_bytes());
        if last.is_ok_and(|last| last.claim().origin.as_str() == self.origin) {
            Ok(())
        } else {
            Err(KeySetError::Rule("`predecessor.checkpoint` must be a checkpoint of that log"))
        }
    }
}

impl KeySetDocument {
    pub(super) fn check(&self) -> Result<(), KeySetError> {
        if !(1..=MAX_SAFE_INTEGER).contains(&self.number) {
            return Err(KeySetError::Rule("`number` must be 1 to 2^53 - 1"));
        }
        if self.previous.is_none() != (self.number == 1) {
            return Err(KeySetError::Rule("`previous` must be absent exactly for number 1"));
        }
        if !(1..=MAX_KEYS).contains(&self.keys.len()) {
            return Err(KeySetError::Rule("`keys` must hold 1 to 64 keys"));
        }
        // The cosigner signs under a name of its own: one name, one key.
        if !is_key_name(&self.log.origin) || !is_key_name(&self.log.cosigner) || self.log.origin == self.log.cosigner {
            return Err(KeySetError::Rule("`log` must hold two different C2SP key names"));
        }
        self.predecessor.as_ref().map_or(Ok(()), |before| before.check(&self.log.origin))?;
        self.keys.iter().try_for_each(KeyEntry::check)
    }
}

/// Whether text can be the name of a key in a C2SP signed note.
pub(crate) fn is_key_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_KEY_NAME_BYTES
        && !text.contains('+')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
