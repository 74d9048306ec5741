//! `POST /v1/outcomes`: what came of a call that the operator carried out, or made, without this node's gateway.
//!
//! A call has one outcome. Who asks again with the same facts gets the one that stands.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::facts::{ResponseFacts, malformed};
use super::json::Strict;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::crypto::hash::Digest;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Observer, OutcomeStatus, Payload, ReceiptRef};
use crate::ground::verdict::{Conclusion, Level};
use crate::node::archive::StoredReceipt;
use crate::node::decider::Opened;
use crate::node::issuer::received_receipt;
use crate::node::outcomes::{self, Ending, Recorded};
use crate::node::verifier::Inspection;

/// The body of the request. Which side this operator was on follows from the decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The digest of the decision.
    decision: Digest,
    /// How the call ended.
    status: OutcomeStatus,
    /// The status of the response, if one began; needs `response`.
    http_status: Option<u16>,
    /// The body of the response.
    response: Option<ResponseFacts>,
    /// The acknowledgement that a caller got, compact. An executor's own is known.
    acknowledgement: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    receipt: String,
    digest: Digest,
    jti: ReceiptId,
    observer: Observer,
}

pub(super) async fn record(State(app): State<Arc<App>>, Strict(asked): Strict<Asked>) -> Result<Json<Answer>, Problem> {
    let stored = app.node.archive.receipt(&asked.decision).await.map_err(Problem::storage)?;
    let stored = stored.filter(|stored| stored.kind == Kind::Decision && stored.iss != stored.aud);
    let decision = stored.ok_or_else(|| {
        Problem::new(ProblemType::NotFound).saying("no decision between operators with this digest is stored here")
    })?;
    let (observer, peer) = side(&app, &decision);
    let response = response(&asked, &decision)?;
    let named = ReceiptRef { digest: decision.digest, jti: decision.jti };
    let mut ending = Ending {
        peer,
        observer,
        decision: named,
        acknowledgement: None,
        status: asked.status,
        response,
        received: None,
    };
    match observer {
        Observer::Executor => ending.acknowledgement = Some(own_acknowledgement(&app, &decision).await?),
        Observer::Caller => {
            take_acknowledgement(&app, &decision, asked.acknowledgement.as_deref(), &mut ending).await?
        }
    }
    let recorded = outcomes::record(&app.node.issuer, ending.clone()).await;
    match recorded.map_err(|failure| Problem::of(failure.problem(), failure))? {
        Recorded::Now(receipt) => {
            let (jti, digest) = (*receipt.payload.jti(), receipt.digest);
            Ok(Json(Answer { receipt: receipt.compact, digest, jti, observer }))
        }
        Recorded::Before(digest) => standing(&app, &digest, &ending).await.map(Json),
    }
}

/// The outcome that stands, if it says the same.
async fn standing(app: &App, digest: &Digest, ending: &Ending) -> Result<Answer, Problem> {
    let stored = app.node.archive.receipt(digest).await.map_err(Problem::storage)?;
    let stored = stored.ok_or_else(|| Problem::internal("the outcome that stands is not in the store"))?;
    let receipt = UnverifiedReceipt::parse(stored.compact.as_bytes()).map_err(Problem::internal)?;
    match receipt.claims() {
        Payload::Outcome(outcome) if ending.is_told_by(outcome) => {
            Ok(Answer { receipt: stored.compact, digest: stored.digest, jti: stored.jti, observer: ending.observer })
        }
        _ => {
            let other = format!("the outcome `{}` says something else; it stands", stored.jti);
            Err(Problem::new(ProblemType::OutcomeRecorded).saying(other))
        }
    }
}

fn side(app: &App, decision: &StoredReceipt) -> (Observer, Issuer) {
    if decision.iss == *app.node.issuer.name() {
        (Observer::Caller, decision.aud.clone())
    } else {
        (Observer::Executor, decision.iss.clone())
    }
}

/// The status, and the commitment to the body under the nonce that the request was made with.
fn response(asked: &Asked, decision: &StoredReceipt) -> Result<Option<(u16, Option<Digest>)>, Problem> {
    let (status, facts) = match (asked.http_status, &asked.response) {
        (None, None) => return Ok(None),
        (Some(status), Some(facts)) => (status, facts),
        _ => return Err(malformed("`http_status` and `response` belong together")),
    };
    let Some(body) = facts.body()? else { return Ok(Some((status, None))) };
    let opened = decision.opening.as_ref().and_then(Opened::from_opening).and_then(|opened| opened.nonce);
    let nonce = opened.and_then(|nonce| Nonce::parse(&nonce).ok());
    let nonce =
        nonce.ok_or_else(|| Problem::new(ProblemType::NonceMissing).saying("the decision's nonce is not stored"))?;
    Ok(Some((status, Some(nonce.commit(Committed::Response, &body)))))
}

async fn own_acknowledgement(app: &App, decision: &StoredReceipt) -> Result<ReceiptRef, Problem> {
    let answers = app.node.archive.answers(&decision.digest).await.map_err(Problem::storage)?;
    let own = answers.iter().find(|answer| answer.kind == Kind::Acknowledgement && answer.iss == decision.aud);
    let own =
        own.ok_or_else(|| Problem::new(ProblemType::AcknowledgementMissing).saying("accept the decision first"))?;
    Ok(ReceiptRef { digest: own.digest, jti: own.jti })
}

/// An acknowledgement counts only if it is the other operator's word on this very decision.
async fn take_acknowledgement(
    app: &App,
    decision: &StoredReceipt,
    compact: Option<&str>,
    ending: &mut Ending,
) -> Result<(), Problem> {
    let Some(compact) = compact else { return Ok(()) };
    let parse = |text: &str| UnverifiedReceipt::parse(text.as_bytes());
    let receipt = parse(compact).map_err(|error| Problem::of(error.problem(), error))?;
    let about = parse(&decision.compact).map_err(Problem::internal)?;
    let inspection = Inspection {
        receipt: compact.as_bytes(),
        level: Level::Signed,
        kind: Some(Kind::Acknowledgement),
        at: None,
        audience: None,
        exchange: None,
        decision: Some(&about),
        proof: None,
    };
    let verdict = app.node.verifier.judge(&inspection).await.map_err(Problem::storage)?;
    if verdict.verdict != Conclusion::Valid {
        let problem = verdict.problem().unwrap_or(ProblemType::AcknowledgementIssuer);
        return Err(Problem::new(problem).saying("the acknowledgement does not hold").with("verdict", &verdict));
    }
    ending.acknowledgement = Some(ReceiptRef { digest: receipt.digest(), jti: *receipt.claims().jti() });
    let known = app.node.archive.receipt(&receipt.digest()).await.map_err(Problem::storage)?;
    ending.received = known.is_none().then(|| received_receipt(&receipt, None));
    Ok(())
}
