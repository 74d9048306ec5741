//! Key sets: the numbered documents in which an operator's offline root key names its online keys and its log.
//!
//! A key set is a compact JWS like a receipt, signed by the root key and by nothing else. Reading one proves only that
//! it agrees with itself; trust comes from a pin, the root key's fingerprint that somebody compared out of band
//! ([`SelfSignedKeySet::pinned`]). Normative text: `spec/key-sets.md`. Out of scope: fetching and storing them.

mod document;
mod successor;

use std::collections::BTreeSet;
use std::fmt;

pub use document::{KeyEntry, KeySetDocument, KeyState, LogNames, Predecessor};
pub use successor::{SuccessorError, replaced_by_revoking, revoked, rotated};

use crate::ground::canonical::{self, CanonicalReadError, Rules};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::jose::{self, JwsError, UnverifiedJws};
use crate::ground::crypto::keys::{KeyId, KeyUse, PublicKey, RootPurpose, SigningKey};
use crate::ground::limits::MAX_KEY_SET_BYTES;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;

/// The `typ` of a key set.
pub const KEY_SET_TYP: &str = "countersign-keyset-v1+jwt";

/// Why a key set was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a compact JWS of our profile.
    #[error("the key set is not a signed document: {0}")]
    Jws(#[from] JwsError),
    /// Another document.
    #[error("the document has the type `{0}`, not that of a key set")]
    Typ(String),
    /// Not canonical, or not of the form.
    #[error("the key set is not of the documented form: {0}")]
    Form(String),
    /// Members that contradict each other.
    #[error("the key set breaks a rule: {0}")]
    Rule(&'static str),
    /// Signed by another key than the root key inside.
    #[error("the key set is not signed by its own root key")]
    Signature,
    /// The root key is not the pinned one.
    #[error("the root key is `{found}`, not the pinned `{pinned}`")]
    NotPinned {
        /// The pin.
        pinned: KeyId,
        /// The fingerprint of the root key inside.
        found: KeyId,
    },
    /// Of another operator.
    #[error("the key set is of `{found}`, not of `{expected}`")]
    Issuer {
        /// The operator that it was looked up for.
        expected: Issuer,
        /// The operator inside.
        found: Issuer,
    },
    /// Older than one that is already known, another one of the same number, or the next one to another one.
    #[error(
        "key set {offered} must not follow the key set {known} that is known: only a later one may, and the next must name it"
    )]
    RolledBack {
        /// The number that is known.
        known: u64,
        /// The number that came.
        offered: u64,
    },
}

impl KeySetError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::RolledBack { .. } => ProblemType::KeySetRolledBack,
            _ => ProblemType::KeySetInvalid,
        }
    }
}

/// A key set that agrees with itself: its form and rules hold, and the root key that it names signed it. Whose root
/// key that is remains open.
#[derive(Clone, PartialEq, Eq)]
pub struct SelfSignedKeySet {
    document: KeySetDocument,
    root: PublicKey,
    keys: Vec<PublicKey>,
    compact: String,
    digest: Digest,
}

impl SelfSignedKeySet {
    /// Reads a compact serialisation.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let jws = UnverifiedJws::parse(bytes, MAX_KEY_SET_BYTES)?;
        if jws.typ() != KEY_SET_TYP {
            return Err(KeySetError::Typ(jws.typ().chars().take(64).collect()));
        }
        let document: KeySetDocument = canonical::read_canonical(jws.payload(), &Rules::receipt(MAX_KEY_SET_BYTES))
            .map_err(|error: CanonicalReadError| KeySetError::Form(error.to_string()))?;
        document.check()?;
        let (root, keys) = document_keys(&document)?;
        if !jws.is_signed_by(&root) {
            return Err(KeySetError::Signature);
        }
        Ok(Self { document, root, keys, digest: jws.digest(), compact: jws.compact().to_owned() })
    }

    /// What it says.
    pub fn document(&self) -> &KeySetDocument {
        &self.document
    }

    /// The fingerprint that a person compares before pinning it.
    pub fn fingerprint(&self) -> KeyId {
        self.root.id()
    }

    /// SHA-256 over the compact serialisation.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The compact serialisation.
    pub fn compact(&self) -> &str {
        &self.compact
    }

    /// Trusts it as the key set of `issuer`, because its root key is the pinned one.
    pub fn pinned(self, issuer: &Issuer, pin: KeyId) -> Result<PinnedKeySet, KeySetError> {
        if self.document.iss != *issuer {
            return Err(KeySetError::Issuer { expected: issuer.clone(), found: self.document.iss });
        }
        if self.root.id() != pin {
            return Err(KeySetError::NotPinned { pinned: pin, found: self.root.id() });
        }
        Ok(PinnedKeySet(self))
    }

    /// The key of that id, whatever its use.
    pub fn find(&self, kid: KeyId) -> Option<(&KeyEntry, &PublicKey)> {
        let at = self.document.keys.iter().position(|entry| entry.kid == kid)?;
        self.document.keys.get(at).zip(self.keys.get(at))
    }

    /// The keys of one use, with their states, in the document's order.
    pub fn of_use(&self, wanted: KeyUse) -> impl Iterator<Item = (&KeyEntry, &PublicKey)> {
        self.document.keys.iter().zip(&self.keys).filter(move |(entry, _)| entry.usage == wanted)
    }
}

impl fmt::Debug for SelfSignedKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({}, number {})", self.document.iss, self.document.number)
    }
}

/// Reads every key, and refuses weak ones, a wrong thumbprint, and one key in two places.
fn document_keys(document: &KeySetDocument) -> Result<(PublicKey, Vec<PublicKey>), KeySetError> {
    let form = |error: crate::ground::crypto::keys::KeyError| KeySetError::Form(error.to_string());
    let root = document.root.to_public_key().map_err(form)?;
    let mut seen = BTreeSet::from([root.id()]);
    let mut keys = Vec::with_capacity(document.keys.len());
    for entry in &document.keys {
        let key = entry.jwk().to_public_key().map_err(form)?;
        if key.id() != entry.kid {
            return Err(KeySetError::Rule("`kid` must be the thumbprint of its key"));
        }
        if !seen.insert(key.id()) {
            return Err(KeySetError::Rule("a key must stand in one place only: one key, one use"));
        }
        keys.push(key);
    }
    Ok((root, keys))
}

/// A key set whose root key is pinned for its issuer. The only source of keys that make evidence valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedKeySet(SelfSignedKeySet);

impl PinnedKeySet {
    /// The key set.
    pub fn key_set(&self) -> &SelfSignedKeySet {
        &self.0
    }

    /// The operator.
    pub fn issuer(&self) -> &Issuer {
        &self.0.document.iss
    }

    /// Whether `offered` may take this one's place: the very same document, or one with a later number, which names
    /// this one if it is the next.
    pub fn admit(&self, offered: &Self) -> Result<(), KeySetError> {
        let (known, next) = (self.0.document.number, offered.0.document.number);
        let follows = next > known + 1 || (next > known && offered.0.document.previous == Some(self.0.digest));
        if follows || offered.0.digest == self.0.digest {
            Ok(())
        } else {
            Err(KeySetError::RolledBack { known, offered: next })
        }
    }
}

/// Whether a key may have signed something at `at`.
pub fn state_at(entry: &KeyEntry, at: Timestamp) -> Result<(), ProblemType> {
    match entry.state {
        KeyState::Pending => Err(ProblemType::KeyNotActive),
        KeyState::Active if at >= entry.since => Ok(()),
        KeyState::Retired if at >= entry.since && entry.until.is_some_and(|until| at < until) => Ok(()),
        KeyState::Active | KeyState::Retired => Err(ProblemType::KeyNotActive),
        KeyState::Revoked => Err(ProblemType::KeyRevoked),
    }
}

/// Signs a key set with the offline root key, after the checks that every reader makes.
pub fn sign(document: &KeySetDocument, root: &SigningKey<RootPurpose>) -> Result<SelfSignedKeySet, KeySetError> {
    let bytes = canonical::to_vec(document).map_err(|error| KeySetError::Form(error.to_string()))?;
    SelfSignedKeySet::parse(jose::sign(KEY_SET_TYP, &bytes, root).as_bytes())
}

#[cfg(test)]
pub(crate) mod tests;
