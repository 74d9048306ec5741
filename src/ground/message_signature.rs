//! HTTP message signatures (RFC 9421) in the one profile that nodes use to pull evidence from each other.
//!
//! One signature with the label `countersign` covers exactly `"@method"` and `"@target-uri"`, under an Ed25519 key
//! that the signer's key set names for `http`. Parameters may stand in any order, and the signature base takes them as
//! they came. The profile is smaller than RFC 9421 so that its reader is: no other component is ever looked up in a
//! stranger's request. Normative text: `spec/delivery.md` (DELV-15 to DELV-17). Out of scope: which operator may pull
//! what (`edge`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ground::crypto::keys::{HttpPurpose, KeyId, KeyUse, PublicKey, SigningKey};
use crate::ground::keyset::{KeyState, PinnedKeySet};
use crate::ground::limits::{MAX_PEER_PULL_NONCES, MAX_PULL_AGE_S, MAX_PULL_NONCES, MAX_SIGNATURE_FIELD_BYTES};
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;

mod fields;
#[cfg(test)]
mod tests;

use fields::{COMPONENTS, LABEL, Parameters, TAG};

/// Why a pull is not taken for one of the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// `Signature-Input` or `Signature` is not of the profile.
    #[error("the header `{field}` is not of the profile: {rule}")]
    Malformed {
        /// Which header.
        field: &'static str,
        /// What must hold.
        rule: &'static str,
    },
    /// `created` is not near the receiver's time.
    #[error("the signature was made at {created}, more than {MAX_PULL_AGE_S} s from the receiver's time {now}")]
    Time {
        /// When the signer says that it signed.
        created: Timestamp,
        /// The receiver's time.
        now: Timestamp,
    },
    /// The peer's key set has no such active `http` key.
    #[error("the key `{0}` is not an active http key of the peer")]
    Key(KeyId),
    /// The signature does not verify for this method and target.
    #[error("the signature does not verify for this method and target")]
    Signature,
    /// The nonce was used before.
    #[error("the nonce was used before")]
    Replayed,
    /// Too many nonces to remember one more.
    #[error("more than {MAX_PEER_PULL_NONCES} pulls of one peer within two minutes")]
    TooMany,
}

impl PullError {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::TooMany => ProblemType::RateLimited,
            _ => ProblemType::MessageSignature,
        }
    }
}

/// The values of the two headers of RFC 9421.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFields {
    /// The value of `Signature-Input`.
    pub input: String,
    /// The value of `Signature`.
    pub signature: String,
}

/// Signs a pull. `nonce` is 16 to 64 characters of `A-Za-z0-9_-` that the caller drew at random.
pub fn sign_pull(
    method: &str,
    target_uri: &str,
    created: Timestamp,
    nonce: &str,
    key: &SigningKey<HttpPurpose>,
) -> SignatureFields {
    let (created, keyid) = (created.unix_s(), key.id());
    let parameters =
        format!("{COMPONENTS};created={created};nonce=\"{nonce}\";alg=\"ed25519\";keyid=\"{keyid}\";tag=\"{TAG}\"");
    let signature = key.sign(signature_base(method, target_uri, &parameters).as_bytes());
    SignatureFields {
        input: format!("{LABEL}={parameters}"),
        signature: format!("{LABEL}=:{}:", STANDARD.encode(signature)),
    }
}

/// Checks that the peer with these keys signed this very pull just now, and remembers its nonce.
///
/// `target_uri` is built from the receiver's configured public URL and the request line. `fields` are the one value of
/// each header; a request with none or several is no pull.
pub fn verify_pull(
    method: &str,
    target_uri: &str,
    fields: &SignatureFields,
    peer: &PinnedKeySet,
    now: Timestamp,
    memory: &mut NonceMemory,
) -> Result<(), PullError> {
    let parameters = Parameters::parse(&fields.input)?;
    let signature = parse_signature(&fields.signature)?;
    let created = parameters.created;
    if created.since(now).max(now.since(created)) > MAX_PULL_AGE_S {
        return Err(PullError::Time { created, now });
    }
    let key = find_key(peer, parameters.keyid)?;
    if !key.verifies(signature_base(method, target_uri, parameters.text).as_bytes(), &signature) {
        return Err(PullError::Signature);
    }
    memory.admit(peer.issuer(), (parameters.keyid, parameters.nonce.to_owned()), created, now)
}

/// The bytes that are signed (RFC 9421, section 2.5).
fn signature_base(method: &str, target_uri: &str, parameters: &str) -> String {
    format!("\"@method\": {method}\n\"@target-uri\": {target_uri}\n\"@signature-params\": {parameters}")
}

fn parse_signature(field: &str) -> Result<[u8; 64], PullError> {
    let refuse = PullError::Malformed { field: "Signature", rule: "`countersign=:` and 64 bytes in base64 and `:`" };
    let text = Some(field).filter(|field| field.len() <= MAX_SIGNATURE_FIELD_BYTES);
    let text = text.and_then(|text| text.strip_prefix(LABEL)?.strip_prefix("=:")?.strip_suffix(':'));
    text.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| bytes.try_into().ok()).ok_or(refuse)
}

fn find_key(peer: &PinnedKeySet, keyid: KeyId) -> Result<&PublicKey, PullError> {
    let found = peer.key_set().find(keyid);
    let usable = found.filter(|(entry, _)| entry.usage == KeyUse::Http && entry.state == KeyState::Active);
    usable.map(|(_, key)| key).ok_or(PullError::Key(keyid))
}

/// The nonces of pulls that were answered, for as long as their signatures would be taken again. In memory only: a
/// restart forgets them, and a pull that is answered twice gives the same bytes to the same peer. Each peer has its
/// own share, so that one that pulls without end shuts out nobody else.
#[derive(Debug, Default)]
pub struct NonceMemory {
    used: BTreeMap<Issuer, BTreeMap<(KeyId, String), Timestamp>>,
    purged: Option<Timestamp>,
}

impl NonceMemory {
    fn admit(
        &mut self,
        peer: &Issuer,
        name: (KeyId, String),
        created: Timestamp,
        now: Timestamp,
    ) -> Result<(), PullError> {
        // Looking through all of them is worth it once a second, not once a pull.
        if self.purged != Some(now) {
            self.used.values_mut().for_each(|used| used.retain(|_, until| *until >= now));
            self.used.retain(|_, used| !used.is_empty());
            self.purged = Some(now);
        }
        let all: usize = self.used.values().map(BTreeMap::len).sum();
        let used = self.used.entry(peer.clone()).or_default();
        if used.contains_key(&name) {
            return Err(PullError::Replayed);
        }
        if all >= MAX_PULL_NONCES || used.len() >= MAX_PEER_PULL_NONCES {
            return Err(PullError::TooMany);
        }
        used.insert(name, created.plus(MAX_PULL_AGE_S));
        Ok(())
    }
}
