//! Ed25519 keys (RFC 8032), each bound to one purpose by its type, and named by its RFC 7638 thumbprint.
//!
//! Verification is strict: weak public keys are refused when they are read, and signatures go through
//! `verify_strict`. Out of scope: which key belongs to whom (`keyset`), files and randomness (`io`).

use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::ground::crypto::hash::{Digest, decode_base64url};

/// What a key signs. One key has one use, for its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// Cosignatures (C2SP `cosignature/v1`, type 0x04): the operator's own dated one and those for peers.
    Cosign,
    /// HTTP message signatures (RFC 9421) on requests between nodes.
    Http,
    /// Checkpoints of the operator's log (C2SP signed note, type 0x01).
    Log,
    /// Receipts.
    Receipt,
}

impl KeyUse {
    /// Every use that a key set needs.
    pub const ALL: [Self; 4] = [Self::Cosign, Self::Http, Self::Log, Self::Receipt];

    /// The use as it is written in a key set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cosign => "cosign",
            Self::Http => "http",
            Self::Log => "log",
            Self::Receipt => "receipt",
        }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A purpose, at the level of types. Sealed: the five below are all there are.
pub trait Purpose: sealed::Sealed + Send + Sync + 'static {
    /// The name in key files.
    const NAME: &'static str;
}

mod sealed {
    #[expect(unnameable_types, reason = "a sealed trait must not be nameable outside")]
    pub trait Sealed {}
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Purpose for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

purposes! {
    /// Signs key sets, offline.
    RootPurpose "root";
    /// Signs receipts.
    ReceiptPurpose "receipt";
    /// Signs checkpoints of the log.
    LogPurpose "log";
    /// Signs dated cosignatures.
    CosignPurpose "cosign";
    /// Signs HTTP messages.
    HttpPurpose "http";
}

/// A public key as the RFC 7638 thumbprint of its JWK: `kid` in receipts, and the fingerprint that people compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub Digest);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for KeyId {
    type Err = crate::ground::crypto::hash::DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Digest::parse(text).map(Self)
    }
}

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an Ed25519 public key.
    #[error("not an Ed25519 public key: expected kty `OKP`, crv `Ed25519` and 32 bytes of base64url in `x`")]
    NotEd25519,
    /// A small-order key, under which one signature fits many messages.
    #[error("the Ed25519 public key is weak (of small order)")]
    Weak,
    /// The private half does not belong to the public one.
    #[error("the private key does not belong to the public key beside it")]
    Mismatch,
    /// A key file for something else.
    #[error("this key file is for `{found}`, not for `{expected}`")]
    Purpose {
        /// What the caller needs.
        expected: &'static str,
        /// What the file says.
        found: String,
    },
    /// Not a key file.
    #[error("not a key file: {0}")]
    File(String),
}

/// An Ed25519 public key that is not weak.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Reads 32 bytes; refuses what is not the one encoding of a curve point, and what is of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = read_point(bytes).ok_or(KeyError::NotEd25519)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        let id = KeyId(Digest::of(Jwk::of(bytes).thumbprint_input().as_bytes()));
        Ok(Self { key, id })
    }

    /// The RFC 7638 thumbprint.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of RFC 8032.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The underlying key, for note verifiers.
    pub fn as_dalek(&self) -> &VerifyingKey {
        &self.key
    }

    /// The public JWK (RFC 8037).
    pub fn to_jwk(&self) -> Jwk {
        Jwk::of(&self.key.to_bytes())
    }

    /// Strict verification: canonical scalars and points, no small-order components.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// A point in its one encoding. The library also takes a `y` of 2^255 - 19 and more, which names a point twice: one key
/// would have two thumbprints, and implementations would differ on it (RFC 8032, section 5.1.3, refuses it).
pub(in crate::ground) fn read_point(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes).ok()?;
    (key.to_edwards().compress().to_bytes() == *bytes).then_some(key)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// A public Ed25519 JWK (RFC 8037, section 2). Members in JCS order, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    pub(in crate::ground) crv: String,
    pub(in crate::ground) kty: String,
    pub(in crate::ground) x: String,
}

impl Jwk {
    fn of(bytes: &[u8; 32]) -> Self {
        Self { crv: "Ed25519".to_owned(), kty: "OKP".to_owned(), x: URL_SAFE_NO_PAD.encode(bytes) }
    }

    /// The text whose SHA-256 is the thumbprint (RFC 7638, section 3; RFC 8037, appendix A.3).
    fn thumbprint_input(&self) -> String {
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x)
    }

    /// The key inside, if it is an Ed25519 key that is not weak.
    pub fn to_public_key(&self) -> Result<PublicKey, KeyError> {
        if self.crv != "Ed25519" || self.kty != "OKP" {
            return Err(KeyError::NotEd25519);
        }
        let bytes = decode_base64url(&self.x).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        PublicKey::from_bytes(&bytes.ok_or(KeyError::NotEd25519)?)
    }
}

/// A private key of one purpose. Zeroized when dropped; shows only its public thumbprint.
pub struct SigningKey<P: Purpose> {
    key: ed25519_dalek::SigningKey,
    public: PublicKey,
    purpose: PhantomData<P>,
}

impl<P: Purpose> SigningKey<P> {
    /// Builds a key from a 32-byte seed (RFC 8032, section 5.1.5), which the caller draws at random and wipes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = PublicKey::from_bytes(&key.verifying_key().to_bytes())?;
        Ok(Self { key, public, purpose: PhantomData })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The thumbprint of the public half.
    pub fn id(&self) -> KeyId {
        self.public.id
    }

    /// Signs (deterministic, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The key file: a private JWK (RFC 8037) and the purpose, one JSON object on one line.
    pub fn to_key_file(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.key.to_bytes());
        let mut d = URL_SAFE_NO_PAD.encode(seed.as_slice());
        let x = self.public.to_jwk().x;
        let name = P::NAME;
        let file =
            format!("{{\"crv\":\"Ed25519\",\"d\":\"{d}\",\"kty\":\"OKP\",\"purpose\":\"{name}\",\"x\":\"{x}\"}}\n");
        d.zeroize();
        Zeroizing::new(file)
    }

    /// Reads a key file, and refuses one that was made for another purpose.
    pub fn from_key_file(bytes: &[u8]) -> Result<Self, KeyError> {
        let file: KeyFile = serde_json::from_slice(bytes).map_err(|error| KeyError::File(error.to_string()))?;
        if file.purpose != P::NAME {
            return Err(KeyError::Purpose { expected: P::NAME, found: file.purpose.clone() });
        }
        let seed = decode_base64url(&file.d).map(Zeroizing::new);
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok()).map(Zeroizing::new);
        let key =
            Self::from_seed(&*seed.ok_or_else(|| KeyError::File("`d` is not 32 bytes of base64url".to_owned()))?)?;
        let jwk = Jwk { crv: file.crv.clone(), kty: file.kty.clone(), x: file.x.clone() };
        if jwk.to_public_key()?.id != key.id() {
            return Err(KeyError::Mismatch);
        }
        Ok(key)
    }
}

impl<P: Purpose> fmt::Debug for SigningKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey<{}>({})", P::NAME, self.id())
    }
}

#[derive(Deserialize, zeroize::ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    crv: String,
    d: String,
    kty: String,
    purpose: String,
    x: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // RFC 8037, appendix A.3.
        let x = decode_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::from_bytes(&x.try_into().unwrap()).unwrap();
        assert_eq!(key.id().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_file_round_trips_and_keeps_its_purpose() {
        let key = SigningKey::<LogPurpose>::from_seed(&[3; 32]).unwrap();
        let file = key.to_key_file();
        let again = SigningKey::<LogPurpose>::from_key_file(file.as_bytes()).unwrap();
        assert_eq!(again.sign(b"x"), key.sign(b"x"));
        let wrong = SigningKey::<ReceiptPurpose>::from_key_file(file.as_bytes()).unwrap_err();
        assert_eq!(wrong, KeyError::Purpose { expected: "receipt", found: "log".to_owned() });
    }

    #[test]
    fn a_key_file_with_a_foreign_public_half_is_refused() {
        let file = SigningKey::<LogPurpose>::from_seed(&[3; 32]).unwrap().to_key_file();
        let other = SigningKey::<LogPurpose>::from_seed(&[4; 32]).unwrap();
        let mine = SigningKey::<LogPurpose>::from_seed(&[3; 32]).unwrap();
        let mixed = file.replace(&mine.public().to_jwk().x, &other.public().to_jwk().x);
        assert_eq!(SigningKey::<LogPurpose>::from_key_file(mixed.as_bytes()).unwrap_err(), KeyError::Mismatch);
    }

    #[test]
    fn small_order_keys_are_refused() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(KeyError::Weak));
    }

    #[test]
    fn a_point_has_one_encoding() {
        let mut bytes = [0xff; 32];
        // y = 2^255 - 19 + 3, the other encoding of the point with y = 3.
        (bytes[0], bytes[31]) = (0xf0, 0x7f);
        assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::NotEd25519));
        let mut same = [0; 32];
        same[0] = 3;
        assert!(PublicKey::from_bytes(&same).is_ok());
    }

    #[test]
    fn debug_shows_no_private_half() {
        let key = SigningKey::<RootPurpose>::from_seed(&[9; 32]).unwrap();
        let seed_text = URL_SAFE_NO_PAD.encode([9u8; 32]);
        assert!(!format!("{key:?}").contains(&seed_text));
    }
}
