//! What a decision says, and the registered reasons that it can give.
//!
//! Both are closed sets, of `spec/README.md` (Terms) and `spec/policy.md`. Out of scope: how an effect is reached
//! (`policy`), and codes of an operator's own, which have a dot and are any [`Code`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ground::name::Code;

/// The effect of a decision. In JSON: `"allow"`, `"deny"`, `"escalate"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The action may go ahead.
    Allow,
    /// The action may not go ahead.
    Deny,
    /// The action may not go ahead yet: it would be allowed once a person approves it.
    Escalate,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Escalate];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A registered reason: why a decision came out as it did. In JSON: its code, which has no dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A forbid that a person may lift stands in the way, and nothing else does.
    ApprovalRequired,
    /// The request is none of the calls that the route knows.
    CallUnrecognised,
    /// A fact that the schema demands is missing, or has another type, or is not in the schema.
    ContextMissing,
    /// No policy permits the action.
    DefaultDeny,
    /// The caller's own decision is not to allow this call.
    EffectNotAllow,
    /// A policy could not be evaluated; a rule that fails to run must not pass for one that does not apply.
    EngineError,
    /// The subject's, action's or resource's type or name is not in the schema.
    EntityUnknown,
    /// Another engine decided, and gave no code of its own.
    External,
    /// A policy forbids the action.
    PolicyForbid,
    /// A policy permits the action, and none forbids it.
    PolicyPermit,
}

impl Reason {
    /// Every registered reason, sorted by code.
    pub const ALL: [Self; 10] = [
        Self::ApprovalRequired,
        Self::CallUnrecognised,
        Self::ContextMissing,
        Self::DefaultDeny,
        Self::EffectNotAllow,
        Self::EngineError,
        Self::EntityUnknown,
        Self::External,
        Self::PolicyForbid,
        Self::PolicyPermit,
    ];

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalRequired => "approval_required",
            Self::CallUnrecognised => "call_unrecognised",
            Self::ContextMissing => "context_missing",
            Self::DefaultDeny => "default_deny",
            Self::EffectNotAllow => "effect_not_allow",
            Self::EngineError => "engine_error",
            Self::EntityUnknown => "entity_unknown",
            Self::External => "external",
            Self::PolicyForbid => "policy_forbid",
            Self::PolicyPermit => "policy_permit",
        }
    }

    /// The code as receipts carry it.
    pub fn code(self) -> Code {
        Code::registered(self.as_str())
    }
}

/// Text that is no registered reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a registered reason")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_written_in_lower_case_everywhere() {
        for effect in Effect::ALL {
            assert_eq!(serde_json::to_string(&effect).unwrap(), format!("\"{effect}\""));
        }
        assert!(serde_json::from_str::<Effect>("\"Allow\"").is_err());
    }

    #[test]
    fn registered_reasons_are_sorted_codes_without_a_dot() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse::<Code>(), Ok(reason.code()));
            assert_eq!(reason.as_str().parse::<Reason>(), Ok(reason));
            assert!(!reason.code().is_own(), "{reason}");
        }
        assert!(Reason::ALL.is_sorted_by_key(|reason| reason.as_str()));
    }
}
