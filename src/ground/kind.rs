//! The kinds of receipt: a closed set, whose text forms stand in `typ`, in search and in every store.
//!
//! Out of scope: what each kind's payload holds (`receipt::payload`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a receipt states. In text: the lower-case word, such as `decision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What the issuer's policy decided about one request.
    Decision,
    /// What the receiver of a decision made of it.
    Acknowledgement,
    /// How the execution that a decision allowed came out.
    Outcome,
    /// A person's answer to an escalated decision.
    Approval,
    /// A change of the state that decisions name as their epoch.
    Configuration,
    /// A contract that two operators signed.
    Contract,
    /// A change of the operator's keys.
    Key,
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of receipt: expected one of {words}", words = Kind::ALL.map(Kind::as_str).join(", "))]
pub struct KindError(String);

impl Kind {
    /// Every kind, in the order of the specification.
    pub const ALL: [Self; 7] = [
        Self::Decision,
        Self::Acknowledgement,
        Self::Outcome,
        Self::Approval,
        Self::Configuration,
        Self::Contract,
        Self::Key,
    ];

    /// The word for this kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Acknowledgement => "acknowledgement",
            Self::Outcome => "outcome",
            Self::Approval => "approval",
            Self::Configuration => "configuration",
            Self::Contract => "contract",
            Self::Key => "key",
        }
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or_else(|| KindError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_word() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for bad in ["", "Decision", "decisions"] {
            assert!(bad.parse::<Kind>().is_err(), "{bad}");
        }
    }
}
