//! Who this node is: the issuer, its online keys and its own key set.

use crate::ground::crypto::keys::{
    CosignPurpose, HttpPurpose, KeyUse, LogPurpose, PublicKey, ReceiptPurpose, SigningKey,
};
use crate::ground::keyset::{KeySetError, KeyState, PinnedKeySet, SelfSignedKeySet};
use crate::ground::log::checkpoint::{CosignerKey, LogKey};
use crate::ground::log::note::{KeyName, VkeyError};
use crate::ground::name::{Issuer, Timestamp};

/// The four online keys. The root key is not among them: it stays offline.
#[derive(Debug)]
pub struct OnlineKeys {
    /// Signs receipts.
    pub receipt: SigningKey<ReceiptPurpose>,
    /// Signs checkpoints.
    pub log: SigningKey<LogPurpose>,
    /// Dates checkpoints.
    pub cosign: SigningKey<CosignPurpose>,
    /// Signs requests to peers.
    pub http: SigningKey<HttpPurpose>,
}

/// Why keys and key set do not make an operator.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The key set is not this operator's.
    #[error("the key set in the data folder cannot be used: {0}")]
    KeySet(#[from] KeySetError),
    /// A key file's key is not an active key of the key set.
    #[error(
        "the {usage} key `{kid}` is not an active {usage} key of key set {number}: put the right file back, or replace \
         the key with `countersign key rotate {usage} --root FILE`"
    )]
    NotActive {
        /// The use.
        usage: KeyUse,
        /// The key file's thumbprint.
        kid: String,
        /// The key set's number.
        number: u64,
    },
    /// A name of the key set cannot stand in a vkey.
    #[error("the key set names a log or cosigner that cannot be used: {0}")]
    Name(String),
}

/// The operator that this node speaks for.
#[derive(Debug)]
pub struct Operator {
    issuer: Issuer,
    key_set: PinnedKeySet,
    keys: OnlineKeys,
    keys_since: Timestamp,
    log_key: LogKey,
    cosigner_key: CosignerKey,
}

impl Operator {
    /// Puts keys and key set together, after checking that each key is an active one of its use.
    pub fn new(issuer: Issuer, key_set: SelfSignedKeySet, keys: OnlineKeys) -> Result<Self, OperatorError> {
        let fingerprint = key_set.fingerprint();
        let key_set = key_set.pinned(&issuer, fingerprint)?;
        let since = [
            active_since(&key_set, KeyUse::Receipt, keys.receipt.public())?,
            active_since(&key_set, KeyUse::Log, keys.log.public())?,
            active_since(&key_set, KeyUse::Cosign, keys.cosign.public())?,
            active_since(&key_set, KeyUse::Http, keys.http.public())?,
        ];
        let keys_since = since.into_iter().max().unwrap_or(Timestamp::EPOCH);
        let names = &key_set.key_set().document().log;
        let name = |text: &str| text.parse::<KeyName>().map_err(|error| OperatorError::Name(error.to_string()));
        let vkey = |error: VkeyError| OperatorError::Name(error.to_string());
        let log_key = LogKey::new(name(&names.origin)?, keys.log.public().as_dalek()).map_err(vkey)?;
        let cosigner_key = CosignerKey::new(name(&names.cosigner)?, keys.cosign.public().as_dalek()).map_err(vkey)?;
        Ok(Self { issuer, key_set, keys, keys_since, log_key, cosigner_key })
    }

    /// The operator's name.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The operator's own key set.
    pub fn key_set(&self) -> &PinnedKeySet {
        &self.key_set
    }

    /// The private online keys.
    pub fn keys(&self) -> &OnlineKeys {
        &self.keys
    }

    /// From when on all of the online keys are valid.
    pub fn keys_since(&self) -> Timestamp {
        self.keys_since
    }

    /// The log's verifier key; its name is the origin.
    pub fn log_key(&self) -> &LogKey {
        &self.log_key
    }

    /// The verifier key of the operator's own dated cosignature.
    pub fn cosigner_key(&self) -> &CosignerKey {
        &self.cosigner_key
    }
}

fn active_since(key_set: &PinnedKeySet, usage: KeyUse, key: &PublicKey) -> Result<Timestamp, OperatorError> {
    let found = key_set.key_set().find(key.id());
    if let Some((entry, _)) = found.filter(|(entry, _)| entry.usage == usage && entry.state == KeyState::Active) {
        return Ok(entry.since);
    }
    let number = key_set.key_set().document().number;
    Err(OperatorError::NotActive { usage, kid: key.id().to_string(), number })
}
