//! Signed notes: a text and who signed it, line by line (C2SP signed-note v1.0.0).
//!
//! A note that parses is exactly its own serialisation. Signature lines name a key by name and id, not by type: lines
//! of unknown keys are kept and carried on, and say nothing. Out of scope: what the text says.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ground::limits::{MAX_KEY_NAME_BYTES, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES};

#[cfg(test)]
mod tests;
mod vkey;

pub use vkey::{KeyId, SignatureInvalid, SignatureType, VerifierKey, VkeyError};

/// What each signature line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// The name of a key, and of a log: not empty, no space of any kind, no `+`, no control character, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

/// Text that is not a key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key name: expected 1 to {MAX_KEY_NAME_BYTES} bytes without spaces, `+` and control characters")]
pub struct KeyNameError(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyName {
    type Error = KeyNameError;

    fn try_from(text: String) -> Result<Self, KeyNameError> {
        let allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if (1..=MAX_KEY_NAME_BYTES).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(KeyNameError(text.chars().take(80).collect()))
        }
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why bytes are not a note, or a note takes no more lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// A control character other than the newline.
    #[error("a note holds no control characters but newlines")]
    ControlCharacter,
    /// No blank line with signature lines behind it.
    #[error("the note has no signature lines after a blank line")]
    NoSignatures,
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// A signature of a key that already has one.
    #[error("the note already has a signature of `{0}`")]
    Repeated(KeyName),
    /// A signature line that is none.
    #[error("signature line {0} is not a dash, a key name and strict base64 of at least 5 bytes")]
    SignatureLine(usize),
    /// More bytes than are read.
    #[error("the note has {0} bytes, more than {MAX_NOTE_BYTES}")]
    TooLarge(usize),
    /// More signature lines than are read.
    #[error("the note has {0} signatures, more than {MAX_NOTE_SIGNATURES}")]
    TooManySignatures(usize),
    /// The last line does not end in a newline.
    #[error("the note does not end in a newline")]
    Unterminated,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: KeyName,
    /// Id of the key.
    pub key_id: KeyId,
    /// What follows the id: for type 0x01 64 bytes, for type 0x04 a time of 8 bytes and 64 bytes. Never empty.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, text) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let decoded = decode_base64(text)?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        let signature = Self { name: name.parse().ok()?, key_id: KeyId(*key_id), bytes: bytes.to_vec() };
        (!signature.bytes.is_empty()).then_some(signature)
    }

    fn is_of(&self, key: &VerifierKey) -> bool {
        self.key_id == key.id() && self.name == *key.name()
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoded = [self.key_id.0.as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, encode_base64(&decoded))
    }
}

/// A text with signature lines, nothing of it believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note strictly (LOG-12).
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        if note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::ControlCharacter);
        }
        let note = note.strip_suffix('\n').ok_or(NoteError::Unterminated)?;
        // The text may hold blank lines; signatures cannot, so the last one divides.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let count = lines.split('\n').count();
        if count > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures(count));
        }
        let numbered = (1..).zip(lines.split('\n'));
        let signatures = numbered.map(|(n, line)| NoteSignature::parse(line).ok_or(NoteError::SignatureLine(n)));
        Ok(Self { text: format!("{text}\n"), signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// A text with its first signature.
    pub(super) fn new(text: String, signature: NoteSignature) -> Self {
        Self { text, signatures: vec![signature] }
    }

    /// The signed text, final newline included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, as they came.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The signature lines that name this key.
    pub fn signatures_of<'a>(&'a self, key: &'a VerifierKey) -> impl Iterator<Item = &'a NoteSignature> {
        self.signatures.iter().filter(|signature| signature.is_of(key))
    }

    /// Adds a signature line; refuses a second one of the same key.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.iter().any(|known| known.name == signature.name && known.key_id == signature.key_id) {
            return Err(NoteError::Repeated(signature.name));
        }
        if self.signatures.len() >= MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures(self.signatures.len() + 1));
        }
        self.signatures.push(signature);
        Ok(())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Standard base64 with padding (RFC 4648, section 4), as the texts of C2SP use it.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 in its one spelling: with padding, no stray trailing bits.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads a decimal number in its one spelling: digits only, no leading zero.
pub(super) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
