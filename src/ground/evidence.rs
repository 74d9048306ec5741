//! What an operator hands over about one decision that was made out to it: its acknowledgement and its outcome.
//!
//! The same type serves the answer to a pull and reads it. Normative text: `spec/delivery.md`, section "Pulls". Out of
//! scope: who may pull (`message_signature`), and whether the receipts hold (`receipt::verify`).

use serde::{Deserialize, Serialize};

use crate::ground::canonical::{self, ReadError, Rules};
use crate::ground::limits::MAX_EVIDENCE_BYTES;

/// Compact receipts that nobody has verified. An operator that refused the call has no outcome; one that is still at
/// work has none yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What the operator decided about the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<String>,
    /// How the execution came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// Why bytes are not the answer to a pull.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Not strict JSON.
    #[error("the answer is not strict JSON: {0}")]
    Json(#[from] ReadError),
    /// Another form.
    #[error("the answer is not of the documented form: {0}")]
    Form(String),
}

impl Evidence {
    /// Reads the answer to a pull.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let value = canonical::parse(bytes, &Rules::receipt(MAX_EVIDENCE_BYTES))?;
        serde_json::from_value(value).map_err(|error| EvidenceError::Form(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        let evidence = Evidence { acknowledgement: Some("a.b.c".to_owned()), outcome: None };
        let bytes = serde_json::to_vec(&evidence).unwrap();
        assert_eq!(bytes, br#"{"acknowledgement":"a.b.c"}"#);
        assert_eq!(Evidence::parse(&bytes), Ok(evidence));
        assert!(Evidence::parse(b"{\"other\":1}").is_err());
        assert!(Evidence::parse(&vec![b' '; MAX_EVIDENCE_BYTES + 1]).is_err());
    }
}
