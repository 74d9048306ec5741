//! Verifier keys: the one-line form of a public key, and what each type of signature signs.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::{KeyName, NoteSignature, decode_base64, encode_base64};
use crate::ground::crypto::keys::read_point;
use crate::ground::name::Timestamp;

/// Four bytes that tell keys of one name apart: the first of SHA-256(name || newline || type || public key).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The types of signature that this verifier knows. The byte stays open: ML-DSA-44 cosignatures (0x06) come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureType {
    /// 0x01: Ed25519 over the text of the note (signed-note v1.0.0).
    Ed25519,
    /// 0x04: Ed25519 over a time and the text of the note (tlog-cosignature v1.0.1).
    Cosignature,
}

impl SignatureType {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

/// Why text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VkeyError {
    /// The id is not that of the name, type and key.
    #[error("the key id `{found}` is not that of this name and key, `{computed}`")]
    KeyId {
        /// Id in the text.
        found: String,
        /// Id recomputed.
        computed: KeyId,
    },
    /// Not a name, an id and a key.
    #[error("a verifier key is a name, 8 hexadecimal digits and base64, joined by `+`")]
    Malformed,
    /// The bytes are no point of the curve.
    #[error("the key is not an Ed25519 public key")]
    NotAKey,
    /// A type of signature that this verifier does not know.
    #[error("the signature type {0:#04x} is not known")]
    UnknownType(u8),
    /// A point of small order, under which one signature fits many texts.
    #[error("the key is a weak Ed25519 public key")]
    Weak,
    /// A key for another use.
    #[error("the key is of type {found:?}, expected {expected:?}")]
    WrongType {
        /// Type that is needed here.
        expected: SignatureType,
        /// Type of the key.
        found: SignatureType,
    },
}

/// A signature that does not verify, or is not of the form of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureInvalid;

/// A public key with the name and type under which it signs notes. Text form: `<name>+<id>+<base64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: SignatureType,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Names a public key; refuses a weak one.
    pub fn new(name: KeyName, kind: SignatureType, key: &VerifyingKey) -> Result<Self, VkeyError> {
        if key.is_weak() {
            return Err(VkeyError::Weak);
        }
        let id = key_id(&name, kind, key);
        Ok(Self { name, id, kind, key: *key })
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id, recomputed when the key was read.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The public key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Checks what follows the key id in a signature line. Gives the time that a cosignature states.
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<Timestamp>, SignatureInvalid> {
        match self.kind {
            SignatureType::Ed25519 => {
                self.verify_ed25519(text.as_bytes(), signature)?;
                Ok(None)
            }
            SignatureType::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>().ok_or(SignatureInvalid)?;
                let time = Timestamp::from_unix_s(u64::from_be_bytes(*time)).map_err(|_| SignatureInvalid)?;
                // Time 0 is how later cosignature formats say "no time": it dates nothing.
                if time == Timestamp::EPOCH {
                    return Err(SignatureInvalid);
                }
                self.verify_ed25519(cosigned(time, text).as_bytes(), signature)?;
                Ok(Some(time))
            }
        }
    }

    fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let signature = Signature::from_slice(signature).map_err(|_| SignatureInvalid)?;
        self.key.verify_strict(message, &signature).map_err(|_| SignatureInvalid)
    }

    /// Signs a text with the private half, which the caller holds: `sign` is Ed25519 over the bytes that it is given.
    pub(in crate::ground::log) fn sign(
        &self,
        text: &str,
        time: Timestamp,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> NoteSignature {
        let bytes = match self.kind {
            SignatureType::Ed25519 => sign(text.as_bytes()).to_vec(),
            SignatureType::Cosignature => {
                [time.unix_s().to_be_bytes().as_slice(), &sign(cosigned(time, text).as_bytes())].concat()
            }
        };
        NoteSignature { name: self.name.clone(), key_id: self.id, bytes }
    }
}

/// What a cosignature signs (tlog-cosignature, "Ed25519 signatures").
fn cosigned(time: Timestamp, text: &str) -> String {
    format!("cosignature/v1\ntime {}\n{text}", time.unix_s())
}

fn key_id(name: &KeyName, kind: SignatureType, key: &VerifyingKey) -> KeyId {
    let hash = Sha256::new()
        .chain_update(name.as_str())
        .chain_update([b'\n', kind.byte()])
        .chain_update(key.as_bytes())
        .finalize();
    let hash: [u8; 32] = hash.into();
    let [a, b, c, d, ..] = hash;
    KeyId([a, b, c, d])
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[self.kind.byte()], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, encode_base64(&typed))
    }
}

impl FromStr for VerifierKey {
    type Err = VkeyError;

    /// Reads a vkey and recomputes its id: the id in the text is compared, never believed (LOG-13).
    fn from_str(text: &str) -> Result<Self, VkeyError> {
        // Base64 may hold a `+` as well, so at most three parts.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(typed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VkeyError::Malformed);
        };
        let name: KeyName = name.parse().map_err(|_| VkeyError::Malformed)?;
        let typed = decode_base64(typed).ok_or(VkeyError::Malformed)?;
        let (byte, key) = typed.split_first().ok_or(VkeyError::Malformed)?;
        let kind = SignatureType::from_byte(*byte).ok_or(VkeyError::UnknownType(*byte))?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| VkeyError::NotAKey)?;
        let key = read_point(&key).ok_or(VkeyError::NotAKey)?;
        let verifier = Self::new(name, kind, &key)?;
        if verifier.id.to_string() == id {
            Ok(verifier)
        } else {
            Err(VkeyError::KeyId { found: id.chars().take(16).collect(), computed: verifier.id })
        }
    }
}
