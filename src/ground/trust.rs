//! Whose root key is whose: the pins that a verifier brings, and what they make of key sets that others bring.
//!
//! A pin is an operator's issuer with the fingerprint of its root key, compared out of band. Key sets may come from
//! anywhere, a bundle included: without a pin they prove nothing about who signed. Normative text: `spec/key-sets.md`.
//! Out of scope: fetching key sets and remembering them (`node`), and quorums of witnesses, which are files of their
//! own (`log::witness`).

mod key_sets;

use std::collections::BTreeMap;

pub use key_sets::{IssuerKeys, KeySets, RefusedKeySet};

use crate::ground::crypto::keys::KeyId;
use crate::ground::limits::MAX_TRUST_BYTES;
use crate::ground::name::{Issuer, NameError};

/// Text that is not a pin, or that contradicts another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// No `=`.
    #[error("`{0}` is not a pin: expected `ISSUER=FINGERPRINT`, such as `https://agents.example=` and 43 characters")]
    Malformed(String),
    /// What stands before the `=`.
    #[error(transparent)]
    Issuer(#[from] NameError),
    /// What stands behind it.
    #[error("`{0}` is not a fingerprint: expected 43 characters of base64url")]
    Fingerprint(String),
    /// The same pin again.
    #[error("`{0}` is pinned twice; leave one of the two out")]
    Repeated(Issuer),
    /// Another pin for the same operator.
    #[error(
        "`{issuer}` is pinned to `{known}` and to `{offered}`: an operator has one root key, find out which is right"
    )]
    Contradiction {
        /// The operator.
        issuer: Issuer,
        /// The pin that came first.
        known: KeyId,
        /// The pin that came now.
        offered: KeyId,
    },
}

/// Why a trust file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFileError {
    /// A line that is no pin.
    #[error("line {line}: {error}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        error: PinError,
    },
    /// More bytes than are read.
    #[error("the file has {0} bytes, more than {MAX_TRUST_BYTES}")]
    TooLarge(usize),
}

/// Root keys by operator: one for each, and each compared by whoever verifies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<Issuer, KeyId>);

impl Pins {
    /// Pins a root key for an operator that has none yet.
    pub fn insert(&mut self, issuer: Issuer, fingerprint: KeyId) -> Result<(), PinError> {
        match self.0.get(&issuer) {
            None => {
                self.0.insert(issuer, fingerprint);
                Ok(())
            }
            Some(known) if *known == fingerprint => Err(PinError::Repeated(issuer)),
            Some(known) => Err(PinError::Contradiction { issuer, known: *known, offered: fingerprint }),
        }
    }

    /// Takes one pin in its text form, `ISSUER=FINGERPRINT`.
    pub fn insert_text(&mut self, text: &str) -> Result<(), PinError> {
        let (issuer, fingerprint) = text.split_once('=').ok_or_else(|| PinError::Malformed(cut(text)))?;
        let issuer: Issuer = issuer.trim().parse()?;
        let fingerprint = fingerprint.trim();
        let fingerprint = fingerprint.parse().map_err(|_| PinError::Fingerprint(cut(fingerprint)))?;
        self.insert(issuer, fingerprint)
    }

    /// Takes the pins of a trust file: one a line; what follows a `#` is a comment, blank lines are skipped.
    pub fn insert_file(&mut self, text: &str) -> Result<(), TrustFileError> {
        if text.len() > MAX_TRUST_BYTES {
            return Err(TrustFileError::TooLarge(text.len()));
        }
        for (line, content) in (1..).zip(text.lines()) {
            let pin = content.split_once('#').map_or(content, |(before, _)| before).trim();
            if !pin.is_empty() {
                self.insert_text(pin).map_err(|error| TrustFileError::Line { line, error })?;
            }
        }
        Ok(())
    }

    /// The pinned root key of an operator.
    pub fn get(&self, issuer: &Issuer) -> Option<KeyId> {
        self.0.get(issuer).copied()
    }

    /// Whether nobody is pinned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What these pins make of the key sets at hand, for one operator.
    ///
    /// With a pin the latest key set under the pinned root key counts, whatever else others put beside it; where there
    /// are only key sets of other root keys, or two of one number, they are refused. Without a pin nothing proves who
    /// signed, and with two root keys under one name not even which one to look at.
    pub fn trust_for(&self, issuer: &Issuer, key_sets: &KeySets) -> IssuerKeys {
        match self.get(issuer) {
            Some(pin) => key_sets.under_pin(issuer, pin),
            None => key_sets.without_pin(issuer),
        }
    }
}

/// Quotes no more of what a stranger wrote than helps to find it.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
