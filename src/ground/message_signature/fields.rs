//! Reads `Signature-Input` in the profile of pulls: a dictionary of one inner list with five parameters (RFC 9421,
//! section 4.1; RFC 9651), in its canonical serialisation, so that the text that came is the text that was signed.

use super::PullError;
use crate::ground::crypto::keys::KeyId;
use crate::ground::limits::MAX_SIGNATURE_FIELD_BYTES;
use crate::ground::name::Timestamp;

/// The label of our signature.
pub(super) const LABEL: &str = "countersign";

/// What it covers.
pub(super) const COMPONENTS: &str = "(\"@method\" \"@target-uri\")";

/// What it is for.
pub(super) const TAG: &str = "countersign-pull";

/// The parameters of one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    /// Covered components and parameters as they came: the value of `@signature-params`.
    pub(super) text: &'a str,
    pub(super) created: Timestamp,
    pub(super) keyid: KeyId,
    pub(super) nonce: &'a str,
}

fn refuse(rule: &'static str) -> PullError {
    PullError::Malformed { field: "Signature-Input", rule }
}

/// The values as they stand there.
#[derive(Default)]
struct Values<'a> {
    created: Option<&'a str>,
    nonce: Option<&'a str>,
    keyid: Option<&'a str>,
    alg: Option<&'a str>,
    tag: Option<&'a str>,
}

impl<'a> Values<'a> {
    fn parse(text: &'a str) -> Result<Self, PullError> {
        let mut values = Self::default();
        let parameters = text.strip_prefix(';').ok_or_else(|| refuse("parameters follow the components"))?;
        for parameter in parameters.split(';') {
            let (name, value) = parameter.split_once('=').ok_or_else(|| refuse("each parameter has a value"))?;
            let (slot, value) = match name {
                "created" => (&mut values.created, Some(value)),
                "nonce" => (&mut values.nonce, quoted(value)),
                "keyid" => (&mut values.keyid, quoted(value)),
                "alg" => (&mut values.alg, quoted(value)),
                "tag" => (&mut values.tag, quoted(value)),
                _ => return Err(refuse("no parameters but `created`, `nonce`, `keyid`, `alg` and `tag`")),
            };
            let value = value.ok_or_else(|| refuse("`nonce`, `keyid`, `alg` and `tag` are strings"))?;
            if slot.replace(value).is_some() {
                return Err(refuse("each parameter stands once"));
            }
        }
        Ok(values)
    }
}

impl<'a> Parameters<'a> {
    pub(super) fn parse(field: &'a str) -> Result<Self, PullError> {
        if field.len() > MAX_SIGNATURE_FIELD_BYTES {
            return Err(refuse("at most 512 bytes"));
        }
        let text = field.strip_prefix(LABEL).and_then(|rest| rest.strip_prefix('='));
        let text = text.ok_or_else(|| refuse("one signature, with the label `countersign`"))?;
        let rest = text.strip_prefix(COMPONENTS);
        let rest = rest.ok_or_else(|| refuse("it covers exactly `\"@method\"` and `\"@target-uri\"`"))?;
        let Values { created, nonce, keyid, alg, tag } = Values::parse(rest)?;
        if alg != Some("ed25519") || tag != Some(TAG) {
            return Err(refuse("`alg` is `ed25519` and `tag` is `countersign-pull`"));
        }
        let created = created.and_then(parse_seconds).ok_or_else(|| refuse("`created` is a time in seconds"))?;
        let keyid = keyid.and_then(|keyid| keyid.parse().ok());
        let keyid = keyid.ok_or_else(|| refuse("`keyid` is an RFC 7638 thumbprint"))?;
        let nonce = nonce.filter(|nonce| is_nonce(nonce));
        let nonce = nonce.ok_or_else(|| refuse("`nonce` is 16 to 64 characters of `A-Za-z0-9_-`"))?;
        Ok(Self { text, created, keyid, nonce })
    }
}

/// The inside of a string without escapes: none of our values needs one, and without them no `;` can hide in a string.
fn quoted(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).then_some(inside)
}

/// An integer in its one spelling.
fn parse_seconds(text: &str) -> Option<Timestamp> {
    let seconds: u64 = text.parse().ok()?;
    (seconds.to_string() == text).then(|| Timestamp::from_unix_s(seconds).ok())?
}

fn is_nonce(text: &str) -> bool {
    (16..=64).contains(&text.len())
}
