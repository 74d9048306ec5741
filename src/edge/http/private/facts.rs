//! The facts of an HTTP exchange, as a caller of the API tells them.

use serde::Deserialize;

use crate::edge::http::problem::Problem;
use crate::ground::crypto::hash::decode_base64url;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::Nonce;

/// A request: its method, its absolute target URI, and its body or that the body is left out on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestFacts {
    /// As in the request line.
    pub(super) method: String,
    /// The absolute URI as the other operator's node sees it, under its public URL.
    pub(super) target: String,
    /// The exact bytes, in base64url without padding; `""` for an empty body.
    body: Option<String>,
    /// True when the body is left unbound.
    unbound: Option<bool>,
}

/// A response body, or that it is left out on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseFacts {
    /// The exact bytes, in base64url without padding; `""` for an empty body.
    body: Option<String>,
    /// True when the body is left unbound.
    unbound: Option<bool>,
}

impl RequestFacts {
    /// The exact bytes; `None` when the body is left unbound.
    pub(super) fn body(&self) -> Result<Option<Vec<u8>>, Problem> {
        if self.method.is_empty() || !self.method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            return Err(malformed("`request.method` must be a method such as `POST`"));
        }
        if url::Url::parse(&self.target).is_err() {
            return Err(malformed("`request.target` must be an absolute URI"));
        }
        bytes("request", self.body.as_deref(), self.unbound)
    }
}

impl ResponseFacts {
    /// The exact bytes; `None` when the body is left unbound.
    pub(super) fn body(&self) -> Result<Option<Vec<u8>>, Problem> {
        bytes("response", self.body.as_deref(), self.unbound)
    }
}

/// Leaving a body out has to be said: a forgotten one would otherwise be a weaker receipt.
fn bytes(place: &str, body: Option<&str>, unbound: Option<bool>) -> Result<Option<Vec<u8>>, Problem> {
    match (body, unbound) {
        (Some(body), None | Some(false)) => {
            let bytes = decode_base64url(body);
            bytes.map(Some).ok_or_else(|| malformed(format!("`{place}.body` is not base64url without padding")))
        }
        (None, Some(true)) => Ok(None),
        _ => Err(malformed(format!("`{place}` needs either `body` or `unbound: true`"))),
    }
}

/// Reads a nonce that a caller gave.
pub(super) fn nonce(text: Option<&str>) -> Result<Option<Nonce>, Problem> {
    text.map(Nonce::parse).transpose().map_err(|_| ProblemType::NonceInvalid.into())
}

pub(super) fn malformed(why: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemType::RequestMalformed).saying(why)
}
