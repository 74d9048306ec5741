//! Receipts as strings: issuing our own and reading strangers'.
//!
//! Reading parses everything that can be judged without a key, and nothing else. Out of scope: keys, time, audience,
//! log (`verify`).

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::payload::{Payload, PayloadError};
use crate::ground::canonical::{self, CanonicalReadError, Rules};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::jose::{self, JwsError, UnverifiedJws};
use crate::ground::crypto::keys::{KeyId, ReceiptPurpose, SigningKey};
use crate::ground::kind::Kind;
use crate::ground::limits::{MAX_ANSWER_BYTES, MAX_DECISION_BYTES};
use crate::ground::problem::ProblemType;

/// The `typ` of a kind in the one version that there is, and `None` for kinds that are only reserved.
pub const fn typ(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Decision => Some("countersign-decision-v1+jwt"),
        Kind::Acknowledgement => Some("countersign-acknowledgement-v1+jwt"),
        Kind::Outcome => Some("countersign-outcome-v1+jwt"),
        Kind::Configuration => Some("countersign-configuration-v1+jwt"),
        Kind::Approval | Kind::Contract | Kind::Key => None,
    }
}

/// Bytes that a kind's compact form may have.
pub const fn max_bytes(kind: Kind) -> usize {
    match kind {
        Kind::Decision => MAX_DECISION_BYTES,
        _ => MAX_ANSWER_BYTES,
    }
}

/// Why bytes are no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a compact JWS of our profile.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A kind or version that this verifier does not know.
    #[error("the type `{0}` is not a receipt kind and version that is known here")]
    Typ(String),
    /// A payload that is not its own canonical form.
    #[error("the payload is not canonical JSON: {0}")]
    NotCanonical(String),
    /// A payload with a member too many, too few, or of another form.
    #[error("the payload is not of its kind's form: {0}")]
    Form(String),
    /// A payload whose members contradict each other.
    #[error("the payload breaks a rule: {0}")]
    Rule(#[from] PayloadError),
}

impl ReceiptError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Jws(error) => error.problem(),
            Self::Typ(_) => ProblemType::TypUnknown,
            Self::NotCanonical(_) => ProblemType::PayloadNotCanonical,
            Self::Form(_) | Self::Rule(_) => ProblemType::PayloadInvalid,
        }
    }
}

/// A receipt whose form is right and whose signature nobody has checked. It can be verified, shown as unverified, and
/// nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedReceipt {
    jws: UnverifiedJws,
    payload: Payload,
    digest: Digest,
}

impl UnverifiedReceipt {
    /// Reads a compact serialisation: size, base64url, header, canonical payload, members, rules.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let jws = UnverifiedJws::parse(bytes, MAX_DECISION_BYTES)?;
        let known = Kind::ALL.into_iter().find(|kind| typ(*kind) == Some(jws.typ()));
        let kind = known.ok_or_else(|| ReceiptError::Typ(jws.typ().chars().take(64).collect()))?;
        if bytes.len() > max_bytes(kind) {
            return Err(JwsError::TooLarge { found: bytes.len(), allowed: max_bytes(kind) }.into());
        }
        let payload = parse_payload(kind, jws.payload())?;
        payload.check()?;
        Ok(Self { digest: jws.digest(), jws, payload })
    }

    /// What it says, believed by nobody yet.
    pub fn claims(&self) -> &Payload {
        &self.payload
    }

    /// SHA-256 over the compact serialisation.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The compact serialisation.
    pub fn compact(&self) -> &str {
        self.jws.compact()
    }

    /// The key that the header names.
    pub fn kid(&self) -> KeyId {
        self.jws.kid()
    }

    pub(super) fn jws(&self) -> &UnverifiedJws {
        &self.jws
    }

    pub(super) fn into_parts(self) -> (UnverifiedJws, Payload, Digest) {
        (self.jws, self.payload, self.digest)
    }
}

impl fmt::Debug for UnverifiedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedReceipt({}, {})", self.payload.kind(), self.digest)
    }
}

fn parse_payload(kind: Kind, bytes: &[u8]) -> Result<Payload, ReceiptError> {
    match kind {
        Kind::Decision => typed(bytes).map(Payload::Decision),
        Kind::Acknowledgement => typed(bytes).map(Payload::Acknowledgement),
        Kind::Outcome => typed(bytes).map(Payload::Outcome),
        Kind::Configuration => typed(bytes).map(Payload::Configuration),
        Kind::Approval | Kind::Contract | Kind::Key => Err(ReceiptError::Typ(kind.to_string())),
    }
}

fn typed<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<Box<T>, ReceiptError> {
    match canonical::read_canonical(bytes, &Rules::receipt(MAX_DECISION_BYTES)) {
        Ok(payload) => Ok(Box::new(payload)),
        Err(CanonicalReadError::Invalid(detail)) => Err(ReceiptError::Form(detail)),
        Err(error) => Err(ReceiptError::NotCanonical(error.to_string())),
    }
}

/// Why a receipt of our own could not be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The payload breaks a rule.
    #[error(transparent)]
    Rule(#[from] PayloadError),
    /// The payload cannot be written as canonical JSON.
    #[error("the payload cannot be written: {0}")]
    Write(String),
    /// The receipt would be larger than its kind may be.
    #[error(
        "the receipt would have {found} bytes, more than the {allowed} of its kind; shorten names, reasons or `ext`"
    )]
    TooLarge {
        /// Bytes it would have.
        found: usize,
        /// Bytes allowed.
        allowed: usize,
    },
    /// The kind is only reserved.
    #[error("receipts of kind `{0}` are not issued yet")]
    Reserved(Kind),
}

/// A receipt of our own, signed and not yet stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReceipt {
    /// The compact serialisation.
    pub compact: String,
    /// SHA-256 over it.
    pub digest: Digest,
    /// What it says.
    pub payload: Payload,
}

/// Checks, canonicalises and signs.
pub fn issue(payload: Payload, key: &SigningKey<ReceiptPurpose>) -> Result<SignedReceipt, IssueError> {
    let kind = payload.kind();
    let typ = typ(kind).ok_or(IssueError::Reserved(kind))?;
    payload.check()?;
    payload.check_registered()?;
    let bytes = canonical::to_vec(&payload).map_err(|error| IssueError::Write(error.to_string()))?;
    let compact = jose::sign(typ, &bytes, key);
    if compact.len() > max_bytes(kind) {
        return Err(IssueError::TooLarge { found: compact.len(), allowed: max_bytes(kind) });
    }
    Ok(SignedReceipt { digest: Digest::of(compact.as_bytes()), compact, payload })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::ground::receipt::payload::tests::{decision, every_payload};

    fn key() -> SigningKey<ReceiptPurpose> {
        SigningKey::from_seed(&[1; 32]).unwrap()
    }

    fn problem_of(payload: &str) -> ProblemType {
        let compact = jose::sign("countersign-decision-v1+jwt", payload.as_bytes(), &key());
        UnverifiedReceipt::parse(compact.as_bytes()).unwrap_err().problem()
    }

    #[test]
    fn what_is_issued_is_read_back_byte_for_byte() {
        for payload in every_payload() {
            let issued = issue(payload.clone(), &key()).unwrap();
            let read = UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap();
            assert_eq!((read.claims(), read.digest()), (&payload, issued.digest));
        }
    }

    #[test]
    fn an_unknown_member_is_refused_except_under_ext() {
        let mut value = serde_json::to_value(decision()).unwrap();
        value["ext"] = serde_json::json!({ "anything": { "goes": [1, "x", null] } });
        let bytes = canonical::to_vec(&value).unwrap();
        let compact = jose::sign("countersign-decision-v1+jwt", &bytes, &key());
        assert!(UnverifiedReceipt::parse(compact.as_bytes()).is_ok());
        value["extra"] = serde_json::json!(1);
        assert_eq!(
            problem_of(&String::from_utf8(canonical::to_vec(&value).unwrap()).unwrap()),
            ProblemType::PayloadInvalid
        );
    }

    #[test]
    fn a_payload_in_another_spelling_is_refused() {
        let text = String::from_utf8(canonical::to_vec(&decision()).unwrap()).unwrap();
        for spelled in [
            format!("{text} "),
            text.replacen(':', ": ", 1),
            text.replacen("\"allow\"", "\"\\u0061llow\"", 1),
            text.replacen("{", "{\"effect\":\"deny\",", 1),
        ] {
            assert_eq!(problem_of(&spelled), ProblemType::PayloadNotCanonical, "{spelled}");
        }
        assert_eq!(problem_of("[]"), ProblemType::PayloadInvalid);
        assert_eq!(problem_of("{}"), ProblemType::PayloadInvalid);
    }

    #[test]
    fn an_unregistered_reason_is_read_and_never_issued() {
        let mut payload = decision();
        payload.reasons = vec!["because".parse().unwrap()];
        let compact = jose::sign("countersign-decision-v1+jwt", &canonical::to_vec(&payload).unwrap(), &key());
        assert!(UnverifiedReceipt::parse(compact.as_bytes()).is_ok());
        assert!(matches!(issue(Payload::Decision(Box::new(payload.clone())), &key()), Err(IssueError::Rule(_))));
        payload.reasons = vec!["acme.because".parse().unwrap()];
        assert!(issue(Payload::Decision(Box::new(payload)), &key()).is_ok());
    }

    #[test]
    fn a_null_is_not_an_absent_member() {
        let mut value = serde_json::to_value(decision()).unwrap();
        value["nbf"] = serde_json::Value::Null;
        let text = String::from_utf8(canonical::to_vec(&value).unwrap()).unwrap();
        assert_ne!(
            UnverifiedReceipt::parse(jose::sign("countersign-decision-v1+jwt", text.as_bytes(), &key()).as_bytes())
                .map(|_| ()),
            Ok(())
        );
    }

    #[test]
    fn reserved_and_unknown_kinds_are_refused() {
        for typ in ["countersign-approval-v1+jwt", "countersign-decision-v2+jwt", "JWT", "countersign-keyset-v1+jwt"] {
            let compact = jose::sign(typ, &canonical::to_vec(&decision()).unwrap(), &key());
            let error = UnverifiedReceipt::parse(compact.as_bytes()).unwrap_err();
            assert_eq!(error.problem(), ProblemType::TypUnknown);
        }
    }

    #[test]
    fn an_answer_is_smaller_than_a_decision() {
        let mut payloads = every_payload();
        payloads.retain(|payload| payload.kind() != Kind::Decision);
        for mut payload in payloads {
            let padding = serde_json::Map::from_iter([("pad".to_owned(), serde_json::json!("x".repeat(1500)))]);
            match &mut payload {
                Payload::Acknowledgement(payload) => payload.ext = Some(padding),
                Payload::Outcome(payload) => payload.ext = Some(padding),
                Payload::Configuration(payload) => payload.ext = Some(padding),
                Payload::Decision(_) => continue,
            }
            assert!(matches!(issue(payload.clone(), &key()), Err(IssueError::TooLarge { allowed: 2048, .. })));
            let typ = typ(payload.kind()).unwrap();
            let compact = jose::sign(typ, &canonical::to_vec(&payload).unwrap(), &key());
            assert_eq!(
                UnverifiedReceipt::parse(compact.as_bytes()).unwrap_err().problem(),
                ProblemType::ReceiptTooLarge
            );
        }
    }

    #[test]
    fn a_receipt_for_another_kind_of_payload_is_refused() {
        let compact = jose::sign("countersign-outcome-v1+jwt", &canonical::to_vec(&decision()).unwrap(), &key());
        assert_eq!(UnverifiedReceipt::parse(compact.as_bytes()).unwrap_err().problem(), ProblemType::PayloadInvalid);
        let header = URL_SAFE_NO_PAD.encode(b"{}");
        assert!(UnverifiedReceipt::parse(format!("{header}.{header}.{header}").as_bytes()).is_err());
    }
}
