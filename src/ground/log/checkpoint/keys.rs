//! Verifier keys by their part in a checkpoint, so that one cannot stand in for the other.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;

use crate::ground::log::note::{KeyName, SignatureType, VerifierKey, VkeyError};

/// The key of a log: type 0x01, named like the origin of its checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey(VerifierKey);

/// The key of a cosigner, be it the operator's own or a witness: type 0x04.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey(VerifierKey);

impl LogKey {
    /// Names a public key as that of the log `origin`; refuses a weak one.
    pub fn new(origin: KeyName, key: &VerifyingKey) -> Result<Self, VkeyError> {
        VerifierKey::new(origin, SignatureType::Ed25519, key).map(Self)
    }

    /// The name of the log.
    pub fn origin(&self) -> &KeyName {
        self.0.name()
    }

    /// The key as any verifier key.
    pub fn vkey(&self) -> &VerifierKey {
        &self.0
    }
}

impl CosignerKey {
    /// Names a public key as that of a cosigner; refuses a weak one.
    pub fn new(name: KeyName, key: &VerifyingKey) -> Result<Self, VkeyError> {
        VerifierKey::new(name, SignatureType::Cosignature, key).map(Self)
    }

    /// The key as any verifier key.
    pub fn vkey(&self) -> &VerifierKey {
        &self.0
    }
}

fn parse(text: &str, expected: SignatureType) -> Result<VerifierKey, VkeyError> {
    let key: VerifierKey = text.parse()?;
    if key.kind() == expected { Ok(key) } else { Err(VkeyError::WrongType { expected, found: key.kind() }) }
}

impl FromStr for LogKey {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        parse(text, SignatureType::Ed25519).map(Self)
    }
}

impl FromStr for CosignerKey {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        parse(text, SignatureType::Cosignature).map(Self)
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
