//! `POST /v1/decisions`: a decision for any audience, judged here or elsewhere, and its receipt.
//!
//! An operator whose own engine decided tells the effect and gets the evidence; without an effect, the policy in force
//! decides. A decision for another operator is bound to one request and comes with the headers to attach to it.

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
use crate::edge::http::public::log_failure;
use crate::edge::http::request::Asking;
use crate::ground::agent::authzen;
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::{Effect, Reason};
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{Actor, Approval, Assurance, Basis, Identity, Obligation, Payload};
use crate::node::decider::{Bound, Judgement, Matter, Who};
use crate::node::followup::Work;
use crate::node::pseudonym::Named;

/// The body of the request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The question, as an AuthZEN access evaluation request.
    evaluation: Value,
    /// What another engine decided. Absent: the policy in force decides, and the next three must be absent as well.
    effect: Option<Effect>,
    /// Why. Absent: `external`.
    reasons: Option<Vec<Code>>,
    /// The policies that determined it.
    policies: Option<Vec<String>>,
    /// Who has to approve; with `escalate` only.
    approval: Option<WantedApproval>,
    /// Who acts for whom. Absent: the subject acts for itself, by its own claim.
    identity: Option<WhoFacts>,
    /// The operator that the receipt is made out to. Absent: this one.
    audience: Option<Issuer>,
    /// The request that it is bound to. Needed for another operator.
    request: Option<RequestFacts>,
    /// The session that it belongs to. In receipts for other operators: a pseudonym of it.
    session: Option<String>,
    /// Digests of the receipts that led to it.
    #[serde(default)]
    parents: Vec<Digest>,
    /// The attempt that it repeats.
    retry_of: Option<ReceiptId>,
    /// What the caller must do.
    #[serde(default)]
    obligations: Vec<Obligation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedApproval {
    /// The role.
    by: Code,
}

/// The receipt's own members. A user's name is replaced by a pseudonym in receipts for other operators.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhoFacts {
    /// The user, or the agent where there is no user.
    sub: String,
    /// The agents that act for it, the calling one outermost.
    act: Option<Actor>,
    /// How the calling agent is known.
    agent: Basis,
    /// How the user is known.
    user: Option<Basis>,
    /// How the earlier agents are known.
    delegation: Option<Basis>,
}

/// The query of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// `included` holds the answer until the receipt is in a published checkpoint.
    wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wait {
    Included,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    receipt: String,
    digest: Digest,
    jti: ReceiptId,
    effect: Effect,
    reasons: Vec<Code>,
    policies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    assurance: Assurance,
    epoch: Digest,
    exp: Timestamp,
    include_by: Timestamp,
    /// What to attach to the request. Absent for local decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Headers>,
    /// The inclusion proof, if it was waited for and came in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

#[derive(Debug, Serialize)]
struct Headers {
    #[serde(rename = "Countersign-Receipt")]
    receipt: String,
    #[serde(rename = "Countersign-Nonce")]
    nonce: String,
}

pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Asking(options): Asking<Options>,
    Strict(asked): Strict<Asked>,
) -> Result<Json<Decided>, Problem> {
    let (judgement, matter) = prepare(&app, asked)?;
    let recorded = app.node.decider.record(&judgement, &matter).await;
    let receipt = recorded.map_err(|failure| Problem::of(failure.problem(), failure))?;
    app.metrics.decided(Via::Api, judgement.effect);
    let mut decided = decided(&judgement, &matter, &receipt)?;
    if let Some(Wait::Included) = options.wait {
        decided.proof = wait_included(&app, &receipt).await?;
    }
    Ok(Json(decided))
}

/// The proof, unless it takes longer than this node holds an answer. The decision stands either way.
async fn wait_included(app: &App, receipt: &SignedReceipt) -> Result<Option<String>, Problem> {
    let published = app.node.published.clone();
    let proof = app.node.logbook.wait_included(receipt.payload.jti(), &receipt.digest, published);
    match tokio::time::timeout(app.config.api.wait_included, proof).await {
        Ok(proof) => proof.map(|proof| Some(proof.to_string())).map_err(log_failure),
        Err(_elapsed) => Ok(None),
    }
}

fn prepare(app: &App, asked: Asked) -> Result<(Judgement, Matter), Problem> {
    let request = authzen::evaluation("evaluation", &asked.evaluation).map_err(malformed)?;
    let judgement = match asked.effect {
        None if asked.reasons.is_some() || asked.policies.is_some() || asked.approval.is_some() => {
            return Err(malformed(
                "`reasons`, `policies` and `approval` belong to an `effect` that was decided elsewhere",
            ));
        }
        None => app.node.decider.judge(&request),
        Some(effect) => told(app, effect, asked.reasons, asked.policies, asked.approval)?,
    };
    let own = app.node.issuer.name();
    let audience = asked.audience.unwrap_or_else(|| own.clone());
    let elsewhere = audience != *own;
    let bound = asked.request.map(|facts| {
        let body = facts.body()?;
        Bound::new(&facts.method, &facts.target, body.as_deref()).map_err(Problem::internal)
    });
    let bound = bound.transpose()?;
    if elsewhere && bound.is_none() {
        return Err(malformed("a decision for another operator needs the `request` that it is bound to"));
    }
    if !asked.parents.is_empty() && bound.is_none() {
        return Err(malformed("`parents` are committed to under a request's nonce, and there is no `request`"));
    }
    let who = who(app, asked.identity, &request.subject.id, elsewhere.then_some(&audience))?;
    // What one operator calls a conversation is nothing for another.
    let session = match asked.session {
        Some(id) if elsewhere => Some(app.node.pseudonyms.session(&audience, &request.subject.id, &id)),
        own => own,
    };
    let call_follows = elsewhere && judgement.effect == Effect::Allow;
    let matter = Matter {
        request,
        who,
        audience,
        bound,
        session,
        parents: asked.parents,
        retry_of: asked.retry_of,
        obligations: asked.obligations,
        followups: call_follows.then(|| Work::pull_evidence(app.node.clock.now())).into_iter().collect(),
    };
    Ok((judgement, matter))
}

/// What another engine decided. One set has one spelling, whatever order it was told in.
fn told(
    app: &App,
    effect: Effect,
    reasons: Option<Vec<Code>>,
    policies: Option<Vec<String>>,
    approval: Option<WantedApproval>,
) -> Result<Judgement, Problem> {
    if (effect == Effect::Escalate) != approval.is_some() {
        return Err(malformed("`approval` must be there exactly when `effect` is `escalate`"));
    }
    let mut reasons = reasons.unwrap_or_else(|| vec![Reason::External.code()]);
    let mut policies = policies.unwrap_or_default();
    reasons.sort();
    reasons.dedup();
    policies.sort();
    policies.dedup();
    let observed = app.node.decider.observed(effect, reasons, policies);
    Ok(Judgement { approver: approval.map(|approval| approval.by), ..observed })
}

fn who(app: &App, told: Option<WhoFacts>, subject: &str, elsewhere: Option<&Issuer>) -> Result<Who, Problem> {
    let Some(told) = told else {
        let identity = Identity { agent: Basis::CLAIMED, delegation: None, user: None };
        return Ok(Who { sub: subject.to_owned(), act: None, identity });
    };
    let caller = told.act.as_ref().map_or(&told.sub, |act| &act.sub);
    if caller != subject {
        return Err(malformed(format!(
            "`evaluation.subject.id` is `{subject}`, and `identity` says that `{caller}` calls"
        )));
    }
    let sub = match (elsewhere, &told.act) {
        (Some(operator), Some(_)) => app.node.pseudonyms.pseudonym(Named::User, operator, &told.sub),
        _ => told.sub,
    };
    let identity = Identity { agent: told.agent, delegation: told.delegation, user: told.user };
    Ok(Who { sub, act: told.act, identity })
}

fn decided(judgement: &Judgement, matter: &Matter, receipt: &SignedReceipt) -> Result<Decided, Problem> {
    let Payload::Decision(payload) = &receipt.payload else {
        return Err(Problem::internal("a decision was issued as another kind"));
    };
    let nonce = matter.bound.as_ref().map(|bound| bound.nonce.to_text());
    Ok(Decided {
        receipt: receipt.compact.clone(),
        digest: receipt.digest,
        jti: payload.jti,
        effect: payload.effect,
        reasons: payload.reasons.clone(),
        policies: payload.policies.clone(),
        approval: payload.approval.clone(),
        assurance: judgement.assurance,
        epoch: payload.epoch,
        exp: payload.exp,
        include_by: payload.log.include_by,
        headers: nonce.map(|nonce| Headers { receipt: receipt.compact.clone(), nonce }),
        proof: None,
    })
}
