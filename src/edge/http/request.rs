//! What every request passes: an id, the log, the metrics, and a bounded body.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::edge::http::App;
use crate::edge::http::problem::{Problem, Told};
use crate::edge::telemetry::ListenerName;
use crate::ground::crypto::hash::encode_base64url;
use crate::ground::problem::ProblemType;
use crate::io::entropy::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a request id that is taken over from the caller.
const MAX_REQUEST_ID_CHARS: usize = 256;

/// The id under which a request stands in the log. The caller's own, if it brought a plain one.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn of(request: &Request) -> Self {
        let plain = |value: &&HeaderValue| (1..=MAX_REQUEST_ID_CHARS).contains(&value.len()) && value.to_str().is_ok();
        let brought = request.headers().get(&REQUEST_ID).filter(plain).cloned();
        // Without randomness nothing is issued anyway; the request can still be answered.
        let drawn = || random::<12>().ok().and_then(|bytes| HeaderValue::try_from(encode_base64url(&bytes)).ok());
        Self(brought.or_else(drawn).unwrap_or(HeaderValue::from_static("none")))
    }
}

/// The middleware of the public listener.
pub(super) async fn on_public(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    observe(&app, ListenerName::Public, request, next).await
}

/// The middleware of the private listener.
pub(super) async fn on_private(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    observe(&app, ListenerName::Private, request, next).await
}

/// Gives the request its id, and writes down once how it ended.
async fn observe(app: &App, listener: ListenerName, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    // Base paths of agents are secrets, so only the first part of a private path is ever logged.
    let path = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
    let began = Instant::now();
    let mut response = next.run(request).await;
    let (took, status) = (began.elapsed(), response.status().as_u16());
    app.metrics.answered(listener, status, took);
    let told = response.extensions_mut().remove::<Told>();
    if let Some(told) = &told {
        app.metrics.refused(listener, told.kind);
    }
    let problem = told.as_ref().map(|told| told.kind.code());
    let cause = told.as_ref().and_then(|told| told.cause.as_deref());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (listener, request) = (listener.as_str(), id.as_str());
    if status >= 500 {
        tracing::error!(listener, request, %method, path, status, problem, cause, duration_ms, "a request failed");
    } else {
        tracing::debug!(listener, request, %method, path, status, problem, cause, duration_ms, "answered a request");
    }
    response.headers_mut().entry(REQUEST_ID).or_insert(id.0);
    response
}

/// A query, read into `T`; what cannot be read is a problem that says why.
#[derive(Debug)]
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Asking<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, app).await;
        let malformed = |error: QueryRejection| Problem::new(ProblemType::RequestMalformed).saying(error.body_text());
        query.map(|Query(query)| Self(query)).map_err(malformed)
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// Larger than it may be.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

impl From<BodyFault> for Problem {
    fn from(fault: BodyFault) -> Self {
        Self::new(match fault {
            BodyFault::TooLarge => ProblemType::RequestTooLarge,
            BodyFault::TooSlow => ProblemType::RequestTimeout,
            BodyFault::Broken => ProblemType::RequestMalformed,
        })
    }
}

/// Reads a body whole, in bounded space and time.
pub async fn read_body(body: Body, max_bytes: usize, within: Duration) -> Result<Bytes, BodyFault> {
    let announced = http_body::Body::size_hint(&body).lower();
    if usize::try_from(announced).map_or(true, |announced| announced > max_bytes) {
        return Err(BodyFault::TooLarge);
    }
    tokio::time::timeout(within, collect(body, max_bytes)).await.map_err(|_| BodyFault::TooSlow)?
}

async fn collect(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyFault> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > max_bytes {
            return Err(BodyFault::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Answers for paths that nobody serves.
pub(super) async fn not_found() -> Response {
    Problem::new(ProblemType::NotFound).into_response()
}

/// Answers for methods that a path does not have.
pub(super) async fn method_not_allowed() -> Response {
    Problem::new(ProblemType::MethodNotAllowed).into_response()
}
