//! The file: members, bounds, and both directions between bytes and values.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ground::canonical::{self, ReadError, Rules};
use crate::ground::crypto::hash::{decode_base64url, encode_base64url};
use crate::ground::keyset::SelfSignedKeySet;
use crate::ground::limits::{MAX_BUNDLE_BYTES, MAX_BUNDLE_ITEMS, MAX_BUNDLE_KEY_SETS, MAX_DISCLOSED_TARGET_CHARS};
use crate::ground::log::proof::ConsistencyProof;
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::Nonce;

/// Why bytes are no bundle, or a bundle cannot grow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not JSON as it is read here.
    #[error("the bundle is not strict JSON: {0}")]
    Json(#[from] ReadError),
    /// JSON of another form.
    #[error("the bundle is not of the documented form: {0}")]
    Form(String),
    /// No receipt at all.
    #[error("the bundle holds no receipt")]
    Empty,
    /// More receipts than are read.
    #[error("a bundle holds at most {MAX_BUNDLE_ITEMS} receipts")]
    TooManyItems,
    /// More key sets than are read.
    #[error("a bundle holds at most {MAX_BUNDLE_KEY_SETS} key sets")]
    TooManyKeySets,
    /// More bytes than are read.
    #[error("the bundle would have {0} bytes, more than {MAX_BUNDLE_BYTES}; export fewer receipts at a time")]
    TooLarge(usize),
    /// A value that JSON cannot say.
    #[error("the bundle cannot be written: {0}")]
    Write(String),
}

impl BundleError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        ProblemType::BundleMalformed
    }
}

/// The one format that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "countersign-bundle-v1")]
    V1,
}

/// An evidence bundle. Whatever it says is a claim of whoever wrote the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: Format,
    created: Timestamp,
    key_sets: Vec<String>,
    items: Vec<Item>,
}

/// One receipt with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The compact serialisation, as it was issued.
    pub receipt: String,
    /// A C2SP tlog-proof file for it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// The consistency proof from the head that the receipt names to the proof's checkpoint.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub head_proof: Option<ConsistencyProof>,
    /// The nonce that opens the commitments. An answer's item may leave it to that of its decision.
    #[serde(default, with = "nonce", skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The request that a decision was made for, as far as it is disclosed.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The response that an outcome speaks of, as far as it is disclosed.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
}

/// A disclosed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// The absolute target URI, as the receiver's public URL gives it.
    pub target: String,
    /// The whole body; in JSON base64url.
    #[serde(default, with = "body", skip_serializing_if = "Option::is_none")]
    pub body: Option<Vec<u8>>,
}

/// A disclosed response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The whole body; in JSON base64url.
    #[serde(default, with = "body", skip_serializing_if = "Option::is_none")]
    pub body: Option<Vec<u8>>,
}

impl Item {
    /// A receipt alone.
    pub fn new(receipt: impl Into<String>) -> Self {
        Self { receipt: receipt.into(), proof: None, head_proof: None, nonce: None, request: None, response: None }
    }

    /// Takes what is missing from another item of the same receipt. A head proof leads to the checkpoint of the proof
    /// that it came with, so the two stay together.
    fn complete(&mut self, other: Self) {
        if self.proof.is_none() || (self.head_proof.is_none() && other.head_proof.is_some()) {
            let proof = other.proof.or(self.proof.take());
            (self.proof, self.head_proof) = (proof, other.head_proof);
        }
        self.nonce = self.nonce.take().or(other.nonce);
        self.request = self.request.take().or(other.request);
        self.response = self.response.take().or(other.response);
    }
}

impl Bundle {
    /// A bundle with nothing in it yet, made at `created`.
    pub fn new(created: Timestamp) -> Self {
        Self { format: Format::V1, created, key_sets: Vec::new(), items: Vec::new() }
    }

    /// Reads a file: strict JSON, no unknown member, every bound kept. Receipts, proofs and key sets are looked at
    /// later, one by one, so that a broken one is a result and not the end.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let document = canonical::parse(bytes, &Rules::json(MAX_BUNDLE_BYTES))?;
        let bundle: Self = serde_json::from_value(document).map_err(|error| BundleError::Form(error.to_string()))?;
        bundle.check()?;
        Ok(bundle)
    }

    /// Writes the canonical form, which reads back as this bundle.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        self.check()?;
        let bytes = canonical::to_vec(self).map_err(|error| BundleError::Write(error.to_string()))?;
        if bytes.len() <= MAX_BUNDLE_BYTES { Ok(bytes) } else { Err(BundleError::TooLarge(bytes.len())) }
    }

    /// Adds a key set, unless it is there already.
    pub fn add_key_set(&mut self, key_set: &SelfSignedKeySet) -> Result<(), BundleError> {
        if self.key_sets.iter().any(|known| known == key_set.compact()) {
            return Ok(());
        }
        if self.key_sets.len() >= MAX_BUNDLE_KEY_SETS {
            return Err(BundleError::TooManyKeySets);
        }
        self.key_sets.push(key_set.compact().to_owned());
        Ok(())
    }

    /// Adds a receipt with what belongs to it.
    pub fn add(&mut self, item: Item) -> Result<(), BundleError> {
        if self.items.len() >= MAX_BUNDLE_ITEMS {
            return Err(BundleError::TooManyItems);
        }
        self.items.push(item);
        Ok(())
    }

    /// Lays another bundle beside this one: each receipt stands once, with whatever either of the two has for it. Two
    /// sides of a call can thus each hand over their own half.
    pub fn join(&mut self, other: Self) -> Result<(), BundleError> {
        for item in other.items {
            match self.items.iter_mut().find(|known| known.receipt == item.receipt) {
                Some(known) => known.complete(item),
                None => self.add(item)?,
            }
        }
        for key_set in other.key_sets {
            if self.key_sets.contains(&key_set) {
                continue;
            }
            if self.key_sets.len() >= MAX_BUNDLE_KEY_SETS {
                return Err(BundleError::TooManyKeySets);
            }
            self.key_sets.push(key_set);
        }
        Ok(())
    }

    /// When the file says that it was made. Nobody signed that.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// The compact serialisations of key sets, of any operators.
    pub fn key_sets(&self) -> &[String] {
        &self.key_sets
    }

    /// The receipts.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    fn check(&self) -> Result<(), BundleError> {
        if self.items.is_empty() {
            return Err(BundleError::Empty);
        }
        if self.items.len() > MAX_BUNDLE_ITEMS {
            return Err(BundleError::TooManyItems);
        }
        if self.key_sets.len() > MAX_BUNDLE_KEY_SETS {
            return Err(BundleError::TooManyKeySets);
        }
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= MAX_DISCLOSED_TARGET_CHARS;
        let requests = self.items.iter().filter_map(|item| item.request.as_ref());
        if requests.into_iter().all(|request| fits(&request.method) && fits(&request.target)) {
            Ok(())
        } else {
            Err(BundleError::Form("a request's method and target must be 1 to 8192 characters".to_owned()))
        }
    }
}

/// Takes a member that is there for what it says: `null` is a value of the wrong form, not an absent member.
fn present<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A body in JSON.
mod body {
    use super::{Deserialize, Deserializer, Serializer, decode_base64url, encode_base64url};

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(super) fn serialize<S: Serializer>(body: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match body {
            Some(body) => serializer.serialize_str(&encode_base64url(body)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let body = decode_base64url(&text);
        body.map(Some).ok_or_else(|| serde::de::Error::custom("a body must be base64url without padding"))
    }
}

/// A nonce in JSON. [`Nonce`] does not serialise by itself, so that none is written by accident.
mod nonce {
    use super::{Deserialize, Deserializer, Nonce, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(super) fn serialize<S: Serializer>(nonce: &Option<Nonce>, serializer: S) -> Result<S::Ok, S::Error> {
        match nonce {
            Some(nonce) => serializer.serialize_str(&nonce.to_text()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nonce>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Nonce::parse(&text).map(Some).map_err(|error| serde::de::Error::custom(format!("`nonce`: {error}")))
    }
}
