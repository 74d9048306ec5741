//! Pairwise pseudonyms: another operator learns that it is the same user again, and nothing else; two operators cannot
//! find out together that they speak of the same user.
//!
//! A pseudonym is HMAC-SHA-256 over operator and user, under a key that the node keeps. Whoever has the key can tell an
//! auditor which user it was. Out of scope: own decisions that never leave the operator, which name users as they are.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::ground::crypto::hash::encode_base64url;
use crate::ground::name::Issuer;
use crate::io::secret_files::Secret;

/// Tells pseudonyms from any other use of the key.
const CONTEXT: &[u8] = b"countersign/pseudonym/v1\n";

/// Makes pseudonyms under one key. Clones share it.
#[derive(Clone)]
pub struct Pseudonyms {
    key: Arc<Zeroizing<[u8; 64]>>,
}

impl Pseudonyms {
    /// Under this key.
    pub fn new(key: &Secret) -> Self {
        // HMAC fills a shorter key up with zeros to its block (RFC 2104, section 2).
        let mut block = Zeroizing::new([0u8; 64]);
        for (slot, byte) in block.iter_mut().zip(key.to_bytes().iter()) {
            *slot = *byte;
        }
        Self { key: Arc::new(block) }
    }

    /// The user's name for this operator: 43 characters of base64url.
    pub fn of(&self, operator: &Issuer, user: &str) -> String {
        let mut mac = Hmac::<Sha256>::new((&**self.key).into());
        mac.update(CONTEXT);
        mac.update(operator.as_str().as_bytes());
        mac.update(b"\n");
        mac.update(user.as_bytes());
        encode_base64url(&mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_name_for_each_operator() {
        let names = Pseudonyms::new(&Secret::generate().unwrap());
        let (b, c): (Issuer, Issuer) = ("https://b.example".parse().unwrap(), "https://c.example".parse().unwrap());
        assert_eq!(names.of(&b, "alice"), names.of(&b, "alice"));
        assert_ne!(names.of(&b, "alice"), names.of(&c, "alice"));
        assert_ne!(names.of(&b, "alice"), names.of(&b, "bob"));
        let others = Pseudonyms::new(&Secret::generate().unwrap());
        assert_ne!(names.of(&b, "alice"), others.of(&b, "alice"));
    }
}
