//! JSON bodies: bounded, read strictly, and the errors that a caller can act on.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::edge::http::request::read_body;
use crate::ground::canonical::{self, Rules};
use crate::ground::problem::ProblemType;

/// Bytes of a document beside the request body that it may hold: evaluation, identity, receipt and proof.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// A document that was read as strictly as a receipt would be: no member twice, none unknown.
#[derive(Debug)]
pub(super) struct Strict<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(ProblemType::MediaTypeUnsupported).saying("expected `application/json`"));
        }
        // In base64, the body that a receipt binds takes a third more than it has.
        let max_bytes = app.config.limits.body_bytes / 3 * 4 + MAX_DOCUMENT_BYTES;
        let bytes = read_body(request.into_body(), max_bytes, app.config.limits.body_timeout).await?;
        let malformed = |error: String| Problem::new(ProblemType::RequestMalformed).saying(error);
        let value = canonical::parse(&bytes, &Rules::json(max_bytes)).map_err(|error| malformed(error.to_string()))?;
        serde_json::from_value(value).map(Self).map_err(|error| malformed(error.to_string()))
    }
}

/// A whole body in JSON, unread.
#[derive(Debug)]
pub(super) struct JsonBytes(pub(super) Bytes);

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        // AuthZEN knows no 415: whatever is wrong with a request is a 400 (section 10.1.5).
        if !is_json(request.headers()) {
            return Err(Problem::new(ProblemType::RequestMalformed).saying("expected `Content-Type: application/json`"));
        }
        let max_bytes = crate::ground::limits::MAX_EVALUATION_BYTES;
        Ok(Self(read_body(request.into_body(), max_bytes, app.config.limits.body_timeout).await?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
