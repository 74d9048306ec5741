//! SHA-256 digests and the text form that our JSON uses for them.
//!
//! The RFC 6962 prefixes stand here, in one place. Out of scope: how leaves and nodes are combined into a tree
//! (`log::merkle`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Thirty-two bytes of SHA-256 output. In JSON: base64url without padding, 43 characters, canonical.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// Text that is not the canonical base64url form of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 32 bytes in base64url without padding (43 characters)")]
pub struct DigestError;

impl Digest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads the canonical text form: 43 base64url characters whose trailing bits are zero.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        decode_base64url(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(DigestError)
    }

    /// Compares without telling by timing where the first difference is.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl std::str::FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The hash of a log leaf: SHA-256(0x00 || entry) (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
}

/// The hash of an inner log node: SHA-256(0x01 || left || right) (RFC 6962, section 2.1).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Base64url without padding (RFC 4648, section 5).
pub fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding, and only its canonical spelling: stray trailing bits are refused, so that one
/// value has one text.
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_text_round_trips() {
        let digest = Digest::of(b"receipt");
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        assert_eq!(digest.to_string().len(), 43);
    }

    #[test]
    fn stray_trailing_bits_and_padding_are_refused() {
        let text = Digest([0; 32]).to_string();
        let stray = format!("{}B", &text[..42]);
        assert_eq!(Digest::parse(&stray), Err(DigestError));
        assert_eq!(Digest::parse(&format!("{text}=")), Err(DigestError));
        assert_eq!(Digest::parse(&text[..40]), Err(DigestError));
    }

    #[test]
    fn leaf_and_node_hashes_are_separated() {
        let digest = Digest([7; 32]);
        let mut both = [0u8; 64];
        both[..32].copy_from_slice(&digest.0);
        both[32..].copy_from_slice(&digest.0);
        assert_ne!(leaf_hash(&both), node_hash(&digest, &digest));
    }
}
