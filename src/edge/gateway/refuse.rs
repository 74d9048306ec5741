//! Refusals on their way to a caller.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::Response;

use crate::edge::http::problem::Told;
use crate::ground::agent::call::{Shape, Unrecognised};
use crate::ground::agent::refusal::{Refusal, RefusedBy, WantedApproval};
use crate::ground::effect::{Effect, Reason};
use crate::ground::name::{Code, Issuer};
use crate::ground::problem::{Help, ProblemType};
use crate::ground::receipt::payload::Approval;

/// A refused call: what is said, how, and which fields go with it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) shape: Shape,
    pub(super) headers: HeaderMap,
}

/// What comes to an answer, or is refused.
pub(super) type OrRefused<T> = Result<T, Box<Refused>>;

impl Refused {
    /// A refusal by a node.
    pub(super) fn new(by: RefusedBy, operator: &Issuer, problem: ProblemType, shape: Shape) -> Box<Self> {
        let refusal = Refusal { operator: Some(operator.clone()), ..Refusal::new(by, problem) };
        Box::new(Self { refusal, shape, headers: HeaderMap::new() })
    }

    /// A request that is no call.
    pub(super) fn unrecognised(by: RefusedBy, operator: &Issuer, found: Unrecognised) -> Box<Self> {
        Self::new(by, operator, found.fault.problem(), found.shape).saying(&found.fault.to_string())
    }

    /// With a sentence for the caller.
    pub(super) fn saying(mut self: Box<Self>, detail: &str) -> Box<Self> {
        self.refusal.detail = Some(detail.to_owned());
        self
    }

    /// With one more field.
    pub(super) fn with(mut self: Box<Self>, name: HeaderName, value: HeaderValue) -> Box<Self> {
        self.headers.insert(name, value);
        self
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response {
        let told = Told { kind: self.refusal.problem, cause: None };
        let answer = self.refusal.answer(&self.shape);
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(told);
        let headers = response.headers_mut();
        *headers = self.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.refusal.problem.help() == Help::Retry && matches!(answer.status, 429 | 503) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The problem that a judgement other than "allow" is to the caller.
pub(super) fn problem_of(effect: Effect, reasons: &[Code]) -> ProblemType {
    let says = |reason: Reason| reasons.iter().any(|code| code.as_str() == reason.as_str());
    match effect {
        Effect::Escalate => ProblemType::ApprovalRequired,
        _ if says(Reason::EffectNotAllow) => ProblemType::EffectNotAllow,
        _ if says(Reason::CallUnrecognised) => ProblemType::CallUnrecognised,
        _ if says(Reason::ContextMissing) => ProblemType::ContextMissing,
        _ => ProblemType::PolicyDenied,
    }
}

/// The approval that a receipt names.
pub(super) fn wanted(approval: Option<&Approval>) -> Option<WantedApproval> {
    approval.map(|approval| WantedApproval { by: approval.by.clone(), deadline: approval.deadline })
}
