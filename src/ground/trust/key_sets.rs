//! Key sets as they come along with evidence, and which of them counts for an operator.

use std::collections::BTreeSet;

use crate::ground::canonical::{self, Rules};
use crate::ground::crypto::jose::UnverifiedJws;
use crate::ground::crypto::keys::KeyId;
use crate::ground::keyset::{KeySetError, PinnedKeySet, SelfSignedKeySet};
use crate::ground::limits::MAX_KEY_SET_BYTES;
use crate::ground::name::Issuer;
use crate::ground::receipt::verify::Trust;

/// A text among the key sets that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedKeySet {
    /// Its place among the texts, from 1.
    pub number: usize,
    /// The operator that it names, where so much of it can be read. Nobody vouches for that.
    pub issuer: Option<Issuer>,
    /// What is wrong with it.
    pub error: KeySetError,
}

/// Key sets of any operators, read and not trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySets {
    read: Vec<SelfSignedKeySet>,
    refused: Vec<RefusedKeySet>,
}

/// What is known of one operator's keys; the owner of what [`Trust`] borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKeys {
    /// A key set under the pinned root key.
    Pinned(PinnedKeySet),
    /// A key set, and no pin.
    Unpinned(SelfSignedKeySet),
    /// A pin, and no key set.
    NoKeySet,
    /// Neither; also where several root keys claim the name and no pin tells them apart.
    Unknown,
    /// A pin, and only key sets that it rules out.
    Refused(KeySetError),
}

impl IssuerKeys {
    /// As the verification takes it.
    pub fn as_trust(&self) -> Trust<'_> {
        match self {
            Self::Pinned(key_set) => Trust::Pinned(key_set),
            Self::Unpinned(key_set) => Trust::Unpinned(key_set),
            Self::NoKeySet => Trust::NoKeySet,
            Self::Unknown => Trust::Unknown,
            Self::Refused(error) => Trust::Refused(error.problem()),
        }
    }

    /// The key set that signatures are checked with.
    pub fn key_set(&self) -> Option<&SelfSignedKeySet> {
        match self {
            Self::Pinned(pinned) => Some(pinned.key_set()),
            Self::Unpinned(key_set) => Some(key_set),
            Self::NoKeySet | Self::Unknown | Self::Refused(_) => None,
        }
    }
}

impl KeySets {
    /// Reads every text; what is no key set is kept aside, and takes nothing from the others.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut key_sets = Self::default();
        for (number, text) in (1..).zip(texts) {
            match SelfSignedKeySet::parse(text.as_bytes()) {
                Ok(key_set) => key_sets.read.push(key_set),
                Err(error) => key_sets.refused.push(RefusedKeySet { number, issuer: named_issuer(text), error }),
            }
        }
        key_sets
    }

    /// The texts that are no key sets.
    pub fn refused(&self) -> &[RefusedKeySet] {
        &self.refused
    }

    /// The key sets under an operator's name.
    pub fn of<'a>(&'a self, issuer: &Issuer) -> impl Iterator<Item = &'a SelfSignedKeySet> {
        self.read.iter().filter(move |key_set| key_set.document().iss == *issuer)
    }

    /// The root keys that claim an operator's name, each once.
    pub fn roots(&self, issuer: &Issuer) -> BTreeSet<KeyId> {
        self.of(issuer).map(SelfSignedKeySet::fingerprint).collect()
    }

    /// Two different key sets of one number under one root key: the root key's owner told two stories.
    pub fn contradiction<'a>(
        &'a self,
        issuer: &Issuer,
        root: KeyId,
    ) -> Option<(&'a SelfSignedKeySet, &'a SelfSignedKeySet)> {
        let rooted: Vec<&'a SelfSignedKeySet> =
            self.of(issuer).filter(|key_set| key_set.fingerprint() == root).collect();
        rooted.iter().enumerate().find_map(|(at, one)| {
            let same_number = |other: &&&SelfSignedKeySet| {
                other.document().number == one.document().number && other.digest() != one.digest()
            };
            rooted.iter().skip(at + 1).find(same_number).map(|other| (*one, *other))
        })
    }

    pub(super) fn under_pin(&self, issuer: &Issuer, pin: KeyId) -> IssuerKeys {
        if let Some((one, other)) = self.contradiction(issuer, pin) {
            let (known, offered) = (one.document().number, other.document().number);
            return IssuerKeys::Refused(KeySetError::RolledBack { known, offered });
        }
        let rooted = self.of(issuer).filter(|key_set| key_set.fingerprint() == pin);
        if let Some(key_set) = rooted.max_by_key(|key_set| key_set.document().number) {
            return key_set.clone().pinned(issuer, pin).map_or_else(IssuerKeys::Refused, IssuerKeys::Pinned);
        }
        if let Some(foreign) = self.of(issuer).next() {
            return IssuerKeys::Refused(KeySetError::NotPinned { pinned: pin, found: foreign.fingerprint() });
        }
        let broken = self.refused.iter().find(|refused| refused.issuer.as_ref() == Some(issuer));
        broken.map_or(IssuerKeys::NoKeySet, |refused| IssuerKeys::Refused(refused.error.clone()))
    }

    pub(super) fn without_pin(&self, issuer: &Issuer) -> IssuerKeys {
        if self.roots(issuer).len() != 1 {
            return IssuerKeys::Unknown;
        }
        let latest = self.of(issuer).max_by_key(|key_set| key_set.document().number);
        latest.map_or(IssuerKeys::Unknown, |key_set| IssuerKeys::Unpinned(key_set.clone()))
    }
}

/// Whom a broken key set speaks of, so that it is missed under the right name. It may lie.
fn named_issuer(text: &str) -> Option<Issuer> {
    let jws = UnverifiedJws::parse(text.as_bytes(), MAX_KEY_SET_BYTES).ok()?;
    let payload = canonical::parse(jws.payload(), &Rules::json(MAX_KEY_SET_BYTES)).ok()?;
    payload.get("iss")?.as_str()?.parse().ok()
}
