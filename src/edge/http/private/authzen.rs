//! The OpenID AuthZEN Authorization API 1.0: evaluation, evaluations and metadata, each decision with its receipt.
//!
//! A deny is an answer, not an error. An escalation is `"decision": false` with `context.effect` and `context.reasons`,
//! so that a caller that knows nothing of escalations still does the right thing. The receipt of a single decision
//! comes in the header `Countersign-Receipt`; in `context.receipt`, also in batches, only when asked
//! (`?receipt=inline`, or `api.inline_receipts`), because callers compare answers as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request as HttpRequest, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::json::JsonBytes;
use crate::edge::gateway::Via;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::edge::http::request::Asking;
use crate::ground::agent::authzen::{
    AuthzenError, Decision, Evaluations, EvaluationsResponse, Metadata, Semantic, parse_evaluation, parse_evaluations,
};
use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;
use crate::ground::question::Request;
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{Basis, Identity};
use crate::node::decider::{Judgement, Matter, Who};
use crate::node::issuer::IssueFailure;

/// The header that carries a receipt.
pub(super) const RECEIPT: &str = "countersign-receipt";

/// Query of both endpoints; what AuthZEN does not know either is left aside.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    receipt: Option<Placement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Placement {
    Header,
    Inline,
}

impl Options {
    fn inline(&self, app: &App) -> bool {
        self.receipt.map_or(app.config.api.inline_receipts, |placement| placement == Placement::Inline)
    }
}

/// `POST /access/v1/evaluation`.
pub(super) async fn evaluation(
    State(app): State<Arc<App>>,
    Asking(options): Asking<Options>,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let question = parse_evaluation(&body).map_err(malformed)?;
    single(&app, question, options.inline(&app)).await
}

/// `POST /access/v1/evaluations`.
pub(super) async fn evaluations(
    State(app): State<Arc<App>>,
    Asking(options): Asking<Options>,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let inline = options.inline(&app);
    match parse_evaluations(&body).map_err(malformed)? {
        Evaluations::Single(question) => single(&app, *question, inline).await,
        Evaluations::Batch(semantic, questions) => {
            let evaluations = batch(&app, semantic, questions, inline).await;
            Ok(Json(EvaluationsResponse { evaluations }).into_response())
        }
    }
}

/// `GET /.well-known/authzen-configuration`: the base is the one that the caller used, whose host was checked.
pub(super) async fn metadata(request: HttpRequest) -> Result<Response, Problem> {
    let named = request.headers().get("host").and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|host| host.as_str()));
    let host = host.ok_or(ProblemType::RequestMalformed)?;
    Ok(Json(Metadata::at(&format!("http://{host}"))).into_response())
}

fn malformed(error: AuthzenError) -> Problem {
    Problem::new(ProblemType::RequestMalformed).saying(error)
}

async fn single(app: &App, question: Request, inline: bool) -> Result<Response, Problem> {
    let decided = decide(app, question).await;
    let (judgement, receipt) = decided.map_err(|failure| Problem::of(failure.problem(), failure))?;
    let mut response = Json(answer(&judgement, &receipt, inline)).into_response();
    let value = HeaderValue::try_from(&receipt.compact).map_err(Problem::internal)?;
    response.headers_mut().insert(RECEIPT, value);
    Ok(response)
}

/// Decisions of a batch share commits, unless the caller wants to stop at one of them.
async fn batch(app: &App, semantic: Semantic, questions: Vec<Request>, inline: bool) -> Vec<Decision> {
    if semantic == Semantic::ExecuteAll {
        return join_all(questions.into_iter().map(|question| item(app, question, inline))).await;
    }
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let answer = item(app, question, inline).await;
        let last = semantic.stops_after(answer.decision);
        answers.push(answer);
        if last {
            break;
        }
    }
    answers
}

/// An item that could not be decided is a deny that says so (AuthZEN, section 7.2.1).
async fn item(app: &App, question: Request, inline: bool) -> Decision {
    match decide(app, question).await {
        Ok((judgement, receipt)) => answer(&judgement, &receipt, inline),
        Err(failure) => {
            let problem = failure.problem();
            tracing::error!(problem = problem.code(), error = %failure, "an item of a batch was not decided");
            let error = json!({ "status": problem.status(), "message": problem.title() });
            Decision { decision: false, context: Map::from_iter([("error".to_owned(), error)]) }
        }
    }
}

async fn decide(app: &App, question: Request) -> Result<(Judgement, SignedReceipt), IssueFailure> {
    let judgement = app.node.decider.judge(&question);
    let matter = Matter {
        who: Who {
            sub: question.subject.id.clone(),
            act: None,
            // The enforcement point that asks says who acts, and shows no proof of it.
            identity: Identity { agent: Basis::CLAIMED, delegation: None, user: None },
        },
        request: question,
        audience: app.node.issuer.name().clone(),
        bound: None,
        session: None,
        parents: Vec::new(),
        retry_of: None,
        obligations: Vec::new(),
        followups: Vec::new(),
    };
    let receipt = app.node.decider.record(&judgement, &matter).await?;
    app.metrics.decided(Via::Authzen, judgement.effect);
    Ok((judgement, receipt))
}

fn answer(judgement: &Judgement, receipt: &SignedReceipt, inline: bool) -> Decision {
    let mut context = Map::new();
    if judgement.effect == Effect::Escalate || inline {
        context.insert("effect".to_owned(), judgement.effect.as_str().into());
        context.insert("reasons".to_owned(), json!(judgement.reasons));
    }
    if inline {
        context.insert("policies".to_owned(), json!(judgement.policies));
        context.insert("receipt".to_owned(), Value::from(receipt.compact.as_str()));
    }
    Decision { decision: judgement.effect == Effect::Allow, context }
}
