//! `GET /v1/evidence/{digest}`: what this operator answered to a decision, for the peer that issued it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};

use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::crypto::hash::Digest;
use crate::ground::message_signature::SignatureFields;
use crate::ground::problem::ProblemType;

pub(super) async fn evidence(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(|_| ProblemType::NotFound)?;
    let fields = SignatureFields { input: one(&headers, "signature-input")?, signature: one(&headers, "signature")? };
    let answer = app.node.pulls.answer(&digest, &fields).await;
    let evidence = answer.map_err(|failure| Problem::of(failure.problem(), failure))?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(evidence)).into_response())
}

/// The one value of a header. None or several are no signature.
fn one(headers: &HeaderMap, name: &'static str) -> Result<String, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let refuse = || Problem::new(ProblemType::MessageSignature).saying(format!("expected one header `{name}`"));
    value.map(str::to_owned).ok_or_else(refuse)
}
