//! Commitments that tie a receipt to one HTTP exchange without showing what was exchanged.
//!
//! Each is HMAC-SHA-256 (RFC 2104) under a fresh 32-byte nonce that travels beside the receipt, never in it. A bare
//! digest of a short body could be found by trying all bodies; under the nonce only the two parties, and whoever they
//! give the nonce to, can open it. Normative text: `spec/binding.md`.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ground::crypto::hash::{Digest, decode_base64url, encode_base64url};

/// What is committed to. Each has its own prefix, so that no commitment can stand for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Method and target URI of the request.
    Target,
    /// The request's body.
    Body,
    /// The response's body.
    Response,
    /// The digest of a receipt that led to this one.
    Parent,
    /// The policy engine's input.
    Inputs,
}

impl Committed {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Target => b"countersign/target/v1\n",
            Self::Body => b"countersign/body/v1\n",
            Self::Response => b"countersign/response/v1\n",
            Self::Parent => b"countersign/parent/v1\n",
            Self::Inputs => b"countersign/inputs/v1\n",
        }
    }
}

/// Thirty-two random bytes that open a receipt's commitments. Kept by both parties, shown to nobody else.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Nonce([u8; 32]);

/// Text that is not a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 32 bytes in base64url without padding (43 characters)")]
pub struct NonceError;

impl Nonce {
    /// Takes 32 bytes that the caller drew at random for one exchange.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the text of a `Countersign-Nonce` header.
    pub fn parse(text: &str) -> Result<Self, NonceError> {
        decode_base64url(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NonceError)
    }

    /// The header's text. Not `Display`, so that no log line shows it by accident.
    pub fn to_text(&self) -> String {
        encode_base64url(&self.0)
    }

    /// Commits to bytes that are at hand.
    pub fn commit(&self, what: Committed, bytes: &[u8]) -> Digest {
        let mut committer = self.committer(what);
        committer.update(bytes);
        committer.finish()
    }

    /// Commits to a method and an absolute target URI, exactly as the receiver's public URL and the request line give
    /// it.
    pub fn commit_target(&self, method: &str, target: &str) -> Digest {
        let mut committer = self.committer(Committed::Target);
        committer.update(method.as_bytes());
        committer.update(b"\n");
        committer.update(target.as_bytes());
        committer.finish()
    }

    /// Starts a commitment to bytes that pass by, such as a streamed response.
    pub fn committer(&self, what: Committed) -> Committer {
        // HMAC takes keys of any length (RFC 2104, section 2); `new` with a fixed 64-byte block cannot fail.
        let mut block = [0u8; 64];
        for (slot, byte) in block.iter_mut().zip(self.0.iter()) {
            *slot = *byte;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        block.zeroize();
        mac.update(what.prefix());
        Committer(mac)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)")
    }
}

/// A commitment in the making.
#[derive(Clone)]
pub struct Committer(Hmac<Sha256>);

impl Committer {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The commitment to everything taken.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Committer(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitments_of_different_things_never_meet() {
        let nonce = Nonce::from_bytes([5; 32]);
        let all = [Committed::Target, Committed::Body, Committed::Response, Committed::Parent, Committed::Inputs];
        for (i, one) in all.iter().enumerate() {
            for other in all.iter().skip(i + 1) {
                assert_ne!(nonce.commit(*one, b"same"), nonce.commit(*other, b"same"));
            }
        }
    }

    #[test]
    fn a_streamed_commitment_equals_the_whole_one() {
        let nonce = Nonce::from_bytes([6; 32]);
        let mut committer = nonce.committer(Committed::Response);
        committer.update(b"event: ");
        committer.update(b"done");
        assert_eq!(committer.finish(), nonce.commit(Committed::Response, b"event: done"));
    }

    #[test]
    fn a_method_cannot_slide_into_the_target() {
        let nonce = Nonce::from_bytes([7; 32]);
        assert_ne!(
            nonce.commit_target("GET", "https://b.example/"),
            nonce.commit_target("GE", "T\nhttps://b.example/")
        );
        assert_ne!(nonce.commit_target("POST", "https://b.example/"), nonce.commit_target("GET", "https://b.example/"));
    }

    #[test]
    fn a_commitment_is_the_hmac_of_rfc_2104() {
        // Computed apart, with the hmac module of Python.
        let nonce = Nonce::from_bytes([0; 32]);
        let expected = "zDkHevbHMBJuJI7QacEqXmRi8neonSFFTk1lMwQYdpg";
        assert_eq!(nonce.commit(Committed::Body, b"{}").to_string(), expected);
        assert!(!format!("{nonce:?}").contains("AAAA"));
    }
}
