//! `POST /v1/accept`: consumes another operator's decision for a call that came to a gateway of the operator's own.
//!
//! At most once: the byte-identical receipt gets the stored acknowledgement marked `duplicate`, and then the call must
//! not go on. What an operator decided elsewhere is told as `effect`; without it, the policy in force answers
//! `evaluation`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{RequestFacts, malformed};
use super::json::Strict;
use crate::edge::gateway::Via;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::agent::authzen;
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::{Effect, Reason};
use crate::ground::name::Code;
use crate::ground::receipt::payload::Mode;
use crate::ground::verdict::Verdict;
use crate::node::acceptor::{Acceptance, Accepted, Arrival, Asked as AskedPolicy, Handling, NotAccepted};

/// The body of the request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The value of `Countersign-Receipt`.
    receipt: String,
    /// The value of `Countersign-Nonce`.
    nonce: Option<String>,
    /// The request as it came, its target under this node's public URL.
    request: RequestFacts,
    /// What it asks for, as an AuthZEN access evaluation request.
    evaluation: Value,
    /// What another engine decided. Absent: the policy in force decides.
    effect: Option<Effect>,
    /// Why. Absent: `external`.
    reasons: Option<Vec<Code>>,
    /// A C2SP tlog-proof for the receipt.
    proof: Option<String>,
    /// Whether a refusal takes effect. Absent: `enforce`.
    mode: Option<Mode>,
}

/// The answer. `acknowledgement` is the value of `Countersign-Receipt` on the response.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Whether the call may go on.
    proceed: bool,
    /// Whether this very receipt was accepted before.
    duplicate: bool,
    acknowledgement: String,
    /// The decision's digest.
    decision: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<Code>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

pub(super) async fn accept(State(app): State<Arc<App>>, Strict(asked): Strict<Asked>) -> Result<Json<Answer>, Problem> {
    let request = authzen::evaluation("evaluation", &asked.evaluation).map_err(malformed)?;
    let observed = observed(&app, asked.effect, asked.reasons)?;
    let body = asked.request.body()?;
    let mode = asked.mode.unwrap_or(Mode::Enforce);
    let arrival = Arrival {
        receipt: asked.receipt.as_bytes(),
        nonce: asked.nonce.as_deref(),
        method: &asked.request.method,
        target: &asked.request.target,
        body: body.as_deref(),
        proof: asked.proof.as_deref().map(str::as_bytes),
    };
    // The operator forwards the call itself, and tells its end (`outcomes`).
    let handling = Handling { mode, forwards: false };
    let accepted =
        app.node.acceptor.accept(&arrival, handling, |_, _| AskedPolicy { request, refused: None, observed }).await;
    match accepted.map_err(refused)? {
        Acceptance::Fresh(accepted) => {
            app.metrics.decided(Via::Inbound, accepted.judgement.effect);
            Ok(Json(fresh(*accepted, handling)))
        }
        Acceptance::Duplicate { acknowledgement, decision } => Ok(Json(Answer {
            proceed: false,
            duplicate: true,
            acknowledgement,
            decision,
            effect: None,
            reasons: None,
            verdict: None,
        })),
    }
}

fn observed(
    app: &App,
    effect: Option<Effect>,
    reasons: Option<Vec<Code>>,
) -> Result<Option<crate::node::decider::Judgement>, Problem> {
    let Some(effect) = effect else {
        return if reasons.is_some() { Err(malformed("`reasons` belong to an `effect`")) } else { Ok(None) };
    };
    if effect == Effect::Escalate {
        return Err(malformed("`effect` must be `allow` or `deny`: an approval is asked for by the policy in force"));
    }
    let mut reasons = reasons.unwrap_or_else(|| vec![Reason::External.code()]);
    reasons.sort();
    reasons.dedup();
    Ok(Some(app.node.decider.observed(effect, reasons, Vec::new())))
}

fn fresh(accepted: Accepted, handling: Handling) -> Answer {
    let effect = accepted.judgement.effect;
    Answer {
        proceed: handling.goes_on(effect),
        duplicate: false,
        acknowledgement: accepted.acknowledgement.compact,
        decision: accepted.decision.digest(),
        effect: Some(effect),
        reasons: Some(accepted.judgement.reasons),
        verdict: Some(accepted.verdict),
    }
}

/// The operator's own gateway may see what was expected and what came.
fn refused(refused: NotAccepted) -> Problem {
    let problem = match refused.detail {
        Some(detail) => Problem::of(refused.problem, detail),
        None => Problem::new(refused.problem),
    };
    match refused.verdict {
        Some(verdict) => problem.with("verdict", &verdict),
        None => problem,
    }
}
