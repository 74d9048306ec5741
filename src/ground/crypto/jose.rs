//! Compact JWS (RFC 7515) in the one profile that we use: Ed25519 (RFC 8037), a protected header of exactly `alg`,
//! `kid` and `typ` in canonical form, and canonical base64url.
//!
//! One signed statement has one spelling here, because log digests cover the compact string. Out of scope: what a
//! `typ` means and what a payload says (`receipt`, `keyset`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::ground::canonical::{self, Rules};
use crate::ground::crypto::hash::{Digest, decode_base64url};
use crate::ground::crypto::keys::{KeyId, PublicKey, Purpose, SigningKey};
use crate::ground::problem::ProblemType;

/// Bytes of a protected header: three short members, of which `typ` is the longest at about 40 characters.
const MAX_HEADER_BYTES: usize = 256;

/// Ed25519 under its JOSE name (RFC 8037).
const ALGORITHM: &str = "EdDSA";

/// The protected header, members in JCS order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: KeyId,
    typ: String,
}

/// Why bytes are not a compact JWS of our profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Larger than the caller reads.
    #[error("{found} bytes are more than the {allowed} allowed")]
    TooLarge {
        /// Bytes that came.
        found: usize,
        /// Bytes allowed.
        allowed: usize,
    },
    /// Not three parts.
    #[error("not three non-empty parts joined by dots")]
    Parts,
    /// A part that is not canonical base64url.
    #[error("the {0} is not canonical base64url without padding")]
    Encoding(&'static str),
    /// A signature of another length.
    #[error("the signature is {0} bytes, not 64")]
    SignatureLength(usize),
    /// A header of another shape.
    #[error("the protected header must be exactly alg, kid and typ in canonical JSON: {0}")]
    Header(String),
    /// Another algorithm.
    #[error("the algorithm `{0}` is not `EdDSA`")]
    Algorithm(String),
}

impl JwsError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::TooLarge { .. } => ProblemType::ReceiptTooLarge,
            Self::Parts | Self::Encoding(_) | Self::SignatureLength(_) => ProblemType::ReceiptMalformed,
            Self::Header(_) => ProblemType::HeaderInvalid,
            Self::Algorithm(_) => ProblemType::AlgNotAllowed,
        }
    }
}

/// A parsed compact JWS whose signature nobody has checked.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedJws {
    compact: String,
    signing_input_len: usize,
    header: Header,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl UnverifiedJws {
    /// Reads a compact serialisation of at most `max_bytes`.
    pub fn parse(bytes: &[u8], max_bytes: usize) -> Result<Self, JwsError> {
        if bytes.len() > max_bytes {
            return Err(JwsError::TooLarge { found: bytes.len(), allowed: max_bytes });
        }
        let compact = std::str::from_utf8(bytes).map_err(|_| JwsError::Parts)?;
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Parts)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.') {
            return Err(JwsError::Parts);
        }
        let header = parse_header(&decode_base64url(header).ok_or(JwsError::Encoding("protected header"))?)?;
        let payload = decode_base64url(payload).ok_or(JwsError::Encoding("payload"))?;
        let signature = decode_base64url(signature).ok_or(JwsError::Encoding("signature"))?;
        let signature = signature.as_slice().try_into().map_err(|_| JwsError::SignatureLength(signature.len()))?;
        Ok(Self { signing_input_len: signing_input.len(), compact: compact.to_owned(), header, payload, signature })
    }

    /// The thumbprint that the header names. A hint for finding the key, never a key.
    pub fn kid(&self) -> KeyId {
        self.header.kid
    }

    /// The explicit type (RFC 8725, section 3.11).
    pub fn typ(&self) -> &str {
        &self.header.typ
    }

    /// The payload bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The compact serialisation, byte for byte as it came.
    pub fn compact(&self) -> &str {
        &self.compact
    }

    /// SHA-256 over the compact serialisation.
    pub fn digest(&self) -> Digest {
        Digest::of(self.compact.as_bytes())
    }

    /// Whether `key` made the signature (strict Ed25519).
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signing_input = self.compact.as_bytes().get(..self.signing_input_len).unwrap_or_default();
        key.id() == self.header.kid && key.verifies(signing_input, &self.signature)
    }
}

impl fmt::Debug for UnverifiedJws {
    // The payload is a receipt's contents, which do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedJws({}, {})", self.header.typ, self.digest())
    }
}

fn parse_header(bytes: &[u8]) -> Result<Header, JwsError> {
    let rules = Rules::receipt(MAX_HEADER_BYTES);
    let refused = match canonical::read_canonical::<Header>(bytes, &rules) {
        Ok(header) if header.alg == ALGORITHM => return Ok(header),
        Ok(header) => return Err(other_algorithm(&header.alg)),
        Err(error) => JwsError::Header(error.to_string()),
    };
    // An attacker's choice of algorithm is told apart from a header of another shape, whatever else is in it.
    let value = canonical::parse(bytes, &rules).map_err(|error| JwsError::Header(error.to_string()))?;
    match value.get("alg").and_then(serde_json::Value::as_str) {
        Some(ALGORITHM) => Err(refused),
        Some(other) => Err(other_algorithm(other)),
        None => Err(JwsError::Header("`alg` is missing".to_owned())),
    }
}

fn other_algorithm(name: &str) -> JwsError {
    JwsError::Algorithm(name.chars().take(16).collect())
}

/// Signs canonical payload bytes under `typ` and gives the compact serialisation.
pub fn sign<P: Purpose>(typ: &str, payload: &[u8], key: &SigningKey<P>) -> String {
    // `typ` is one of our own constants and the thumbprint is base64url: nothing here needs JSON escaping, and the
    // members stand in JCS order.
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, key.id());
    let mut compact = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 100);
    URL_SAFE_NO_PAD.encode_string(header, &mut compact);
    compact.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut compact);
    let signature = key.sign(compact.as_bytes());
    compact.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
    compact
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crypto::keys::ReceiptPurpose;

    fn key() -> SigningKey<ReceiptPurpose> {
        SigningKey::from_seed(&[1; 32]).unwrap()
    }

    fn with_header(header: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
        let signature = key().sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn problem(text: &str) -> ProblemType {
        UnverifiedJws::parse(text.as_bytes(), 4096).unwrap_err().problem()
    }

    #[test]
    fn a_signed_statement_verifies_only_under_its_key() {
        let compact = sign("countersign-test-v1+jwt", b"{}", &key());
        let jws = UnverifiedJws::parse(compact.as_bytes(), 4096).unwrap();
        assert!(jws.is_signed_by(key().public()));
        let other = SigningKey::<ReceiptPurpose>::from_seed(&[2; 32]).unwrap();
        assert!(!jws.is_signed_by(other.public()));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let compact = sign("countersign-test-v1+jwt", br#"{"a":1}"#, &key());
        for at in 0..compact.len() {
            let mut bytes = compact.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let verified = UnverifiedJws::parse(&bytes, 4096).is_ok_and(|jws| jws.is_signed_by(key().public()));
            assert!(!verified, "character {at}");
        }
    }

    #[test]
    fn one_signature_has_one_spelling() {
        let compact = sign("countersign-test-v1+jwt", b"{}", &key());
        for spelled in [format!("{compact}="), format!("{compact}\n"), compact.replace('.', ". ")] {
            assert_eq!(problem(&spelled), ProblemType::ReceiptMalformed);
        }
        // The last character of 64 bytes carries four unused bits: only zeros are canonical.
        let last = compact.chars().last().unwrap();
        let next = char::from_u32(u32::from(last) + 1).unwrap();
        let stray = format!("{}{next}", &compact[..compact.len() - 1]);
        assert_eq!(problem(&stray), ProblemType::ReceiptMalformed);
    }

    #[test]
    fn header_games_are_refused() {
        let kid = key().id();
        for (header, expected) in [
            (format!(r#"{{"alg":"none","kid":"{kid}","typ":"t"}}"#), ProblemType::AlgNotAllowed),
            (format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"t"}}"#), ProblemType::AlgNotAllowed),
            (format!(r#"{{"alg":"eddsa","kid":"{kid}","typ":"t"}}"#), ProblemType::AlgNotAllowed),
            (format!(r#"{{"kid":"{kid}","typ":"t"}}"#), ProblemType::HeaderInvalid),
            (r#"{"alg":"EdDSA","typ":"t"}"#.to_owned(), ProblemType::HeaderInvalid),
            (format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), ProblemType::HeaderInvalid),
            (format!(r#"{{"alg":"EdDSA","crit":[],"kid":"{kid}","typ":"t"}}"#), ProblemType::HeaderInvalid),
            (format!(r#"{{"alg":"EdDSA","jwk":{{}},"kid":"{kid}","typ":"t"}}"#), ProblemType::HeaderInvalid),
            (format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"t" }}"#), ProblemType::HeaderInvalid),
            (format!(r#"{{"kid":"{kid}","alg":"EdDSA","typ":"t"}}"#), ProblemType::HeaderInvalid),
            (format!(r#"{{"alg":"EdDSA","alg":"EdDSA","kid":"{kid}","typ":"t"}}"#), ProblemType::HeaderInvalid),
        ] {
            assert_eq!(problem(&with_header(&header)), expected, "{header}");
        }
    }

    #[test]
    fn size_is_bounded_before_anything_is_decoded() {
        let large = "a".repeat(4097);
        assert_eq!(problem(&large), ProblemType::ReceiptTooLarge);
    }
}
