//! What each kind of receipt states, member by member. Normative text: `spec/receipts.md`.
//!
//! Deserialising checks names, types and grammars; [`Payload::check`] checks the rules between members. Both run in
//! `compact` for strangers' receipts and for our own alike; our own hold to the registered reasons as well. Out of
//! scope: bytes and signatures.

mod acknowledgement;
mod configuration;
mod decision;
mod outcome;
mod parts;

pub use acknowledgement::Acknowledgement;
pub use configuration::{Configuration, ConfigurationEvent};
pub use decision::{Assurance, Decision};
pub use outcome::{Observer, Outcome, OutcomeStatus, ResponseBinding};
pub use parts::{
    Action, Actor, Approval, Basis, BodyBinding, Identity, LogPromise, Mode, Obligation, ReceiptRef, RequestBinding,
    Resource, SessionPosition, Subject,
};

use serde::Serialize;

use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};

/// A payload that breaks a rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{member}`: {rule}")]
pub struct PayloadError {
    /// The member at fault.
    pub member: &'static str,
    /// What must hold.
    pub rule: &'static str,
}

/// Fails with `rule` unless `holds`.
fn require(holds: bool, member: &'static str, rule: &'static str) -> Result<(), PayloadError> {
    if holds { Ok(()) } else { Err(PayloadError { member, rule }) }
}

/// A receipt's payload, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// An operator decided about an action of an agent.
    Decision(Box<Decision>),
    /// The operator that a decision was made out to took it in, and decided itself.
    Acknowledgement(Box<Acknowledgement>),
    /// What came of an acknowledged call, as one side saw it.
    Outcome(Box<Outcome>),
    /// The operator's policies changed from one epoch to the next.
    Configuration(Box<Configuration>),
}

macro_rules! shared_member {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self) -> $type {
            match self {
                Self::Decision(payload) => &payload.$name,
                Self::Acknowledgement(payload) => &payload.$name,
                Self::Outcome(payload) => &payload.$name,
                Self::Configuration(payload) => &payload.$name,
            }
        }
    };
}

impl Payload {
    shared_member! {
        /// The operator that signed.
        iss -> &Issuer
    }
    shared_member! {
        /// The one operator that it is made out to.
        aud -> &Issuer
    }
    shared_member! {
        /// When the operator says that it signed.
        iat -> &Timestamp
    }
    shared_member! {
        /// The receipt's id, unique for its issuer.
        jti -> &ReceiptId
    }
    shared_member! {
        /// The log it will be in, that log's head at issue, and the promised time.
        log -> &LogPromise
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Decision(_) => Kind::Decision,
            Self::Acknowledgement(_) => Kind::Acknowledgement,
            Self::Outcome(_) => Kind::Outcome,
            Self::Configuration(_) => Kind::Configuration,
        }
    }

    /// The decision that this receipt speaks of, if its kind speaks of one.
    pub fn about(&self) -> Option<&ReceiptRef> {
        match self {
            Self::Acknowledgement(payload) => Some(&payload.receipt),
            Self::Outcome(payload) => Some(&payload.receipt),
            Self::Decision(_) | Self::Configuration(_) => None,
        }
    }

    /// Checks the rules that hold between members.
    pub fn check(&self) -> Result<(), PayloadError> {
        self.log().check(*self.iat())?;
        match self {
            Self::Decision(payload) => payload.check(),
            Self::Acknowledgement(payload) => payload.check(),
            Self::Outcome(payload) => payload.check(),
            Self::Configuration(payload) => payload.check(),
        }
    }

    /// Checks what binds the issuer alone: without a dot it uses registered reasons only.
    pub(super) fn check_registered(&self) -> Result<(), PayloadError> {
        match self {
            Self::Decision(payload) => parts::check_registered(&payload.reasons),
            Self::Acknowledgement(payload) => parts::check_registered(&payload.reasons),
            Self::Outcome(_) | Self::Configuration(_) => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
