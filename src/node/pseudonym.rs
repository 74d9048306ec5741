//! Pairwise pseudonyms: what another operator learns instead of a user's or a conversation's name.
//!
//! A pseudonym is HMAC-SHA-256 (RFC 2104) of the name under a key that never leaves this node, for one peer alone: the
//! same user is the same party to one peer in every call, and two peers cannot find out that they serve the same user.
//! Out of scope: where the key is kept (`io::secret_files`), and whether the name is true.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::ground::crypto::hash::encode_base64url;
use crate::ground::name::Issuer;
use crate::io::secret_files::Secret;

/// What a pseudonym stands for. Each has its own prefix, so that a user never has the pseudonym of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A user that an agent acts for.
    User,
    /// A conversation of an agent.
    Conversation,
}

impl Named {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::User => b"countersign/pseudonym/user/v1\n",
            Self::Conversation => b"countersign/pseudonym/conversation/v1\n",
        }
    }
}

/// The key of all pseudonyms. With another key everybody is somebody else.
#[derive(Clone)]
pub struct PseudonymKey(Zeroizing<Vec<u8>>);

impl PseudonymKey {
    /// Takes a secret that was drawn once and is kept for good.
    pub fn new(secret: &Secret) -> Self {
        Self(secret.to_bytes())
    }

    /// The pseudonym of `name` for `peer`: 43 characters of base64url.
    pub fn pseudonym(&self, what: Named, peer: &Issuer, name: &str) -> String {
        // HMAC takes keys of any length (RFC 2104, section 2); `new` with a fixed 64-byte block cannot fail.
        let mut block = [0u8; 64];
        for (slot, byte) in block.iter_mut().zip(self.0.iter()) {
            *slot = *byte;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        block.zeroize();
        mac.update(what.prefix());
        // An issuer holds no line break, so the first one ends it.
        mac.update(peer.as_str().as_bytes());
        mac.update(b"\n");
        mac.update(name.as_bytes());
        encode_base64url(&mac.finalize().into_bytes())
    }

    /// The session of an agent's conversation. Two agents never share one, whatever they call their conversations.
    pub fn session(&self, peer: &Issuer, agent: &str, conversation: &str) -> String {
        self.pseudonym(Named::Conversation, peer, &format!("{agent}\n{conversation}"))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_differs_by_key_kind_peer_and_name_and_by_nothing_else() {
        let key = || PseudonymKey::new(&Secret::generate().unwrap());
        let (one, other) = (key(), key());
        let a: Issuer = "https://a.example".parse().unwrap();
        let b: Issuer = "https://b.example".parse().unwrap();
        let first = one.pseudonym(Named::User, &a, "ann");
        assert_eq!(first, one.pseudonym(Named::User, &a, "ann"));
        assert_eq!(first.len(), 43);
        for different in [
            other.pseudonym(Named::User, &a, "ann"),
            one.pseudonym(Named::Conversation, &a, "ann"),
            one.pseudonym(Named::User, &b, "ann"),
            one.pseudonym(Named::User, &a, "bob"),
        ] {
            assert_ne!(first, different);
        }
        assert_eq!(format!("{one:?}"), "PseudonymKey(redacted)");
    }
}
