//! The names that everything else refers to: issuers, receipt ids, codes and times.
//!
//! Each is a type that can only be built from its one valid spelling, so that equal names are equal bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};
use uuid::{Uuid, Variant};

use crate::ground::limits::{MAX_CODE_CHARS, MAX_SAFE_INTEGER};

/// A name that is not in its one valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not an origin at all, or not spelled as one.
    #[error(
        "`{0}` is not an issuer: expected an origin such as `https://agents.example`, lower case, without path or trailing slash"
    )]
    Issuer(String),
    /// Plain http outside loopback.
    #[error("`{0}` uses http: an issuer is an https origin, http is only for loopback addresses")]
    InsecureIssuer(String),
    /// Not a version-7 UUID in lower-case hyphenated form.
    #[error("`{0}` is not a lower-case version 7 UUID")]
    ReceiptId(String),
    /// Not a code.
    #[error(
        "`{0}` is not a code: expected lower-case words of letters, digits and `_`, joined by dots, at most 64 characters"
    )]
    Code(String),
    /// Outside 0 to 2^53 - 1.
    #[error("the time `{0}` is beyond 2^53 - 1 seconds")]
    Timestamp(u64),
}

macro_rules! text_serde {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// An operator's name: an `https` origin (RFC 6454), ASCII, lower case, default port left out, no trailing slash.
/// Loopback addresses may use `http`, for tests and for the demo.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Issuer(String);

impl Issuer {
    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and, where it is not the default, port: the schema-less form that log origins use.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or(self.0.as_str(), |(_, authority)| authority)
    }

    /// Whether this is a plain-http loopback identity, which no other machine can reach.
    pub fn is_loopback_http(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl FromStr for Issuer {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let malformed = || NameError::Issuer(text.chars().take(80).collect());
        let (scheme, authority) = text.split_once("://").ok_or_else(malformed)?;
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let host = read_host(host).ok_or_else(malformed)?;
        let default = match scheme {
            "https" => "443",
            "http" if is_loopback_host(&host) => "80",
            "http" => return Err(NameError::InsecureIssuer(text.chars().take(80).collect())),
            _ => return Err(malformed()),
        };
        if port.is_none_or(|port| port != default && is_port(port)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(malformed())
        }
    }
}

/// A host in its one spelling. Names of other alphabets stand in their ASCII form, whose insides are not looked at:
/// what IDNA makes of a label depends on its version, and a name must not.
fn read_host(text: &str) -> Option<Host<&str>> {
    let host = match text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => Host::Ipv6(inner.parse().ok()?),
        None => text.parse().map_or(Host::Domain(text), Host::Ipv4),
    };
    let fits = !matches!(host, Host::Domain(name) if !is_host_name(name));
    (fits && host.to_string() == text).then_some(host)
}

/// 1 to 65535 without a leading zero.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0 && port.to_string() == text)
}

/// Host names of RFC 1123: URLs take more (a dot at the end, `!`, `+`), which is more than one name for one host, and
/// more than the names of logs may hold.
fn is_host_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_word = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    name.len() <= 253 && name.split('.').all(label) && last_is_a_word
}

/// Whether the URL's host is a loopback address or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback_host(&host))
}

fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.0)
    }
}

text_serde!(Issuer);

/// A receipt's `jti`: a version-7 UUID (RFC 9562, section 5.7), written in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiptId(Uuid);

impl ReceiptId {
    /// Builds an id from its two inputs, which the caller brings: Unix milliseconds and 10 random bytes.
    pub fn from_parts(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The sixteen bytes, which sort by time.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads sixteen bytes that a store kept; refused when they are not a version-7 UUID.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let uuid = Uuid::from_bytes(bytes);
        is_version_7(&uuid).then_some(Self(uuid))
    }
}

fn is_version_7(uuid: &Uuid) -> bool {
    uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122
}

impl FromStr for ReceiptId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let malformed = || NameError::ReceiptId(text.chars().take(80).collect());
        let uuid = Uuid::try_parse(text).map_err(|_| malformed())?;
        if is_version_7(&uuid) && uuid.hyphenated().to_string() == text { Ok(Self(uuid)) } else { Err(malformed()) }
    }
}

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptId({self})")
    }
}

text_serde!(ReceiptId);

/// A stable code: lower-case words joined by dots, such as `policy_forbid` or an operator's own `acme.budget`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(String);

impl Code {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code of one of our own closed lists, whose tests hold each entry against the grammar.
    pub(crate) fn registered(code: &'static str) -> Self {
        Self(code.to_owned())
    }

    /// Whether this is an operator's own code: those have a dot, registered ones have none.
    pub fn is_own(&self) -> bool {
        self.0.contains('.')
    }
}

impl FromStr for Code {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if text.len() <= MAX_CODE_CHARS && text.split('.').all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Code(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

text_serde!(Code);

/// Whole seconds since 1970-01-01T00:00:00Z (JWT's NumericDate without fraction), at most 2^53 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch itself.
    pub const EPOCH: Self = Self(0);

    /// Seconds since the epoch; refused beyond 2^53 - 1.
    pub fn from_unix_s(seconds: u64) -> Result<Self, NameError> {
        if seconds <= MAX_SAFE_INTEGER { Ok(Self(seconds)) } else { Err(NameError::Timestamp(seconds)) }
    }

    /// Seconds since the epoch.
    pub fn unix_s(self) -> u64 {
        self.0
    }

    /// This time and `seconds` more, at most 2^53 - 1.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds).min(MAX_SAFE_INTEGER))
    }

    /// This time and `seconds` less, at least 0.
    #[must_use]
    pub fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` to this time; 0 when `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_unix_s(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::ground::utc::format(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_has_one_spelling() {
        for good in [
            "https://a.example",
            "https://a.example:8443",
            "http://127.0.0.1:7400",
            "http://[::1]:1",
            "http://localhost:1",
            "https://xn--a.example",
            "https://[::ffff:102:304]",
            "https://255.0.0.1:65535",
        ] {
            assert_eq!(good.parse::<Issuer>().map(|i| i.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "https://A.example",
            "https://a.example/",
            "https://a.example:443",
            "https://u@a.example",
            "https://a.example/x",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://bücher.example",
            " https://a.example",
            "https://a.example?x",
            "https://a.example.",
            "https://a_b.example",
            "https://a+b.example",
            "https://-a.example",
            "https://a..example",
            "https://a.example:0",
            "https://127.1",
            "https://256.0.0.1",
            "https://1.2.3.04",
            "https://[::ffff:1.2.3.4]",
            "https://[::1]x",
            "https://a.example:",
            "https://a.example:+1",
            "https://xn--.example",
        ] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
        assert!(matches!("http://a.example".parse::<Issuer>(), Err(NameError::InsecureIssuer(_))));
    }

    #[test]
    fn a_receipt_id_is_a_lower_case_uuid_7() {
        let id = ReceiptId::from_parts(1_700_000_000_000, [9; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<ReceiptId>().is_err());
        assert!("936da01f-9abd-4d9d-80c7-02af85c822a8".parse::<ReceiptId>().is_err());
    }

    #[test]
    fn codes_follow_the_grammar() {
        for good in ["policy_forbid", "acme.budget", "a1.b_2"] {
            assert!(good.parse::<Code>().is_ok(), "{good}");
        }
        for bad in ["", ".", "a.", "A", "a-b", "1a", "a..b", &"a".repeat(65)] {
            assert!(bad.parse::<Code>().is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_shown_as_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_770_193_051, "2026-02-04T08:17:31Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix_s(seconds).map(|t| t.to_string()), Ok(text.to_owned()));
        }
        assert!(Timestamp::from_unix_s(1 << 53).is_err());
    }
}
