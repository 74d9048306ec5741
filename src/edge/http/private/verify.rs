//! `POST /v1/verify`: a receipt and what is known around it in, a verdict out. Nothing is consumed.
//!
//! The answer is 200 whatever the verdict: `valid`, `invalid` and `undetermined` are all answers. Out of scope:
//! accepting a call, which is `POST /v1/accept`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::facts::{RequestFacts, ResponseFacts, malformed, nonce};
use super::json::Strict;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::verify::Exchange;
use crate::ground::verdict::{Level, Verdict};
use crate::node::verifier::Inspection;

/// The body of the request. Only `receipt` is needed; what is left out is not evaluated, or has the default that is
/// said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The compact receipt.
    receipt: String,
    /// The level at which to conclude. Absent: `signed`.
    level: Option<Level>,
    /// The one kind that will do. Absent: any.
    kind: Option<Kind>,
    /// The time to judge freshness by. Absent: now.
    at: Option<Timestamp>,
    /// Whom it must be made out to. Absent: this operator.
    audience: Option<Issuer>,
    /// The request that a decision is held against.
    request: Option<RequestFacts>,
    /// The response that an outcome is held against.
    response: Option<ResponseFacts>,
    /// What opens the commitments.
    nonce: Option<String>,
    /// The decision that an acknowledgement or an outcome must speak of, compact.
    decision: Option<String>,
    /// A C2SP tlog-proof.
    proof: Option<String>,
}

pub(super) async fn verify(
    State(app): State<Arc<App>>,
    Strict(asked): Strict<Asked>,
) -> Result<Json<Verdict>, Problem> {
    let nonce = nonce(asked.nonce.as_deref())?;
    let body = asked.request.as_ref().map(RequestFacts::body).transpose()?.flatten();
    let response = asked.response.as_ref().map(ResponseFacts::body).transpose()?.flatten();
    let target = asked.request.as_ref().map(|request| (request.method.as_str(), request.target.as_str()));
    let told = target.is_some() || asked.response.is_some();
    let exchange = told.then(|| Exchange {
        nonce: nonce.as_ref(),
        target,
        body: body.as_deref(),
        response: response.as_deref(),
        demand_body: asked.request.is_some() && app.config.evidence.demand_body,
    });
    let decision = asked.decision.as_deref().map(|text| UnverifiedReceipt::parse(text.as_bytes()));
    let decision = decision.transpose().map_err(|error| malformed(format!("`decision`: {error}")))?;
    if let Some(other) = decision.as_ref().map(|receipt| receipt.claims().kind()).filter(|kind| *kind != Kind::Decision)
    {
        return Err(malformed(format!("`decision`: this is a receipt of the kind `{other}`; give the decision")));
    }
    let inspection = Inspection {
        receipt: asked.receipt.as_bytes(),
        level: asked.level.unwrap_or(Level::Signed),
        kind: asked.kind,
        at: asked.at,
        audience: asked.audience.as_ref(),
        exchange,
        decision: decision.as_ref(),
        proof: asked.proof.as_deref().map(str::as_bytes),
    };
    app.node.verifier.judge(&inspection).await.map(Json).map_err(Problem::storage)
}
