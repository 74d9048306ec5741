//! Errors as documents (RFC 9457), from the one registry of problems.
//!
//! Two messages never meet: `detail` is written for the caller and quotes only the caller's own input; the cause of an
//! internal failure goes to the log, once, with the request's id, and never to the caller. Out of scope: refusals of
//! agent calls, which have the shapes of their protocols (`ground::agent::refusal`).

use std::fmt::Display;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ground::problem::{Fault, Help, ProblemType};

/// Seconds after which another try makes sense.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// An error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: ProblemType,
    detail: Option<String>,
    cause: Option<String>,
    members: Option<Box<Map<String, Value>>>,
}

/// What the middleware finds on a response that is an error: which problem it is, and what to log.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) kind: ProblemType,
    pub(crate) cause: Option<Arc<str>>,
}

impl Problem {
    /// A problem that says no more than its title.
    pub fn new(kind: ProblemType) -> Self {
        Self { kind, detail: None, cause: None, members: None }
    }

    /// With a sentence for the caller.
    #[must_use]
    pub fn saying(mut self, detail: impl Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// With a cause for the log, which the caller does not see.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// With a further member for the caller.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.members.get_or_insert_default().insert(name.to_owned(), value);
        }
        self
    }

    /// A failure inside this node.
    pub fn internal(cause: impl Display) -> Self {
        Self::new(ProblemType::Internal).because(cause)
    }

    /// A store that failed.
    pub fn storage(cause: impl Display) -> Self {
        Self::new(ProblemType::StorageUnavailable).because(cause)
    }

    /// A failure whose problem is known: shown to the caller where it is the caller's, logged where it is ours.
    pub fn of(kind: ProblemType, error: impl Display) -> Self {
        match kind.fault() {
            Fault::Node | Fault::Upstream => Self::new(kind).because(error),
            Fault::Sender | Fault::Evidence | Fault::Policy => Self::new(kind).saying(error),
        }
    }

    /// Which problem it is.
    pub fn kind(&self) -> ProblemType {
        self.kind
    }

    fn document(&self) -> Value {
        let mut document = self.members.as_deref().cloned().unwrap_or_default();
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("type", self.kind.uri().into());
        put("title", self.kind.title().into());
        put("status", self.kind.status().into());
        put("help", json!(self.kind.help()));
        if let Some(detail) = &self.detail {
            put("detail", detail.as_str().into());
        }
        Value::Object(document)
    }
}

impl From<ProblemType> for Problem {
    fn from(kind: ProblemType) -> Self {
        Self::new(kind)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.document().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.kind == ProblemType::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.kind.help() == Help::Retry && matches!(self.kind.status(), 429 | 503) {
            headers.insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        response.extensions_mut().insert(Told { kind: self.kind, cause: self.cause.map(Into::into) });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_fault_is_explained_and_ours_is_not() {
        let shown = Problem::of(ProblemType::RequestMalformed, "no `subject`").document();
        assert_eq!(shown["detail"], "no `subject`");
        let hidden = Problem::of(ProblemType::StorageUnavailable, "disk /dev/sda1 is full").document();
        assert!(!hidden.to_string().contains("sda1"), "{hidden}");
    }

    #[test]
    fn the_status_in_the_document_is_that_of_the_response() {
        for kind in ProblemType::ALL.iter().copied() {
            let response = Problem::new(kind).into_response();
            assert_eq!(response.status().as_u16(), kind.status());
            assert_eq!(Problem::new(kind).document()["type"], kind.uri());
        }
    }
}
