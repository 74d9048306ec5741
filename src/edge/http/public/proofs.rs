//! `GET /v1/proofs?jti=...&digest=...`: the inclusion proof of a receipt, for whoever holds it (C2SP tlog-proof).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::log::failure;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::edge::http::request::Asking;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::ReceiptId;
use crate::ground::problem::ProblemType;

/// Both are asked for, so that nobody finds receipts by guessing ids.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::edge::http) struct Asked {
    jti: ReceiptId,
    digest: Digest,
}

pub(in crate::edge::http) async fn proof(
    State(app): State<Arc<App>>,
    Asking(asked): Asking<Asked>,
) -> Result<Response, Problem> {
    let proof = app.node.logbook.proof(&asked.jti, &asked.digest).await.map_err(failure)?;
    let proof = proof.ok_or(ProblemType::ProofMissing)?;
    // A later proof leads to a later checkpoint, so nobody should get an old one from a cache.
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, proof.to_string()).into_response())
}
