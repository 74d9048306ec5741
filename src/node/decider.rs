//! Deciding: a question in, a durable decision receipt out.
//!
//! A judgement comes from the epoch's engine or from an engine outside that reports it; either way it counts only once
//! its receipt is durable. Out of scope: where questions come from (`edge`), and what a policy says (`ground::policy`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ground::canonical;
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::{Effect, Reason};
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};
use crate::ground::policy::Request;
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{
    Action, Actor, Approval, Assurance, BodyBinding, Decision, Identity, Obligation, Payload, RequestBinding, Resource,
    SessionPosition, Subject,
};
use crate::io::entropy::{EntropyError, random};
use crate::io::store::{Conflict, Opening, SessionClaim, Store};
use crate::node::issuer::{Attachments, IssueFailure, OwnFollowup, ReceiptIssuer};
use crate::node::policies::Policies;
use crate::node::turns::Turns;
use crate::node::write_path::WriteFailure;

/// How often a session position is claimed anew when other processes are faster.
const MAX_SESSION_TRIES: u32 = 16;

/// What was judged, by whichever engine.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Allow, deny or escalate.
    pub effect: Effect,
    /// Why, as sorted codes.
    pub reasons: Vec<Code>,
    /// The policies that determined it, sorted.
    pub policies: Vec<String>,
    /// The role that has to approve, for an escalation.
    pub approver: Option<Code>,
    /// Whether this node's own engine judged.
    pub assurance: Assurance,
    /// The epoch in force.
    pub epoch: Digest,
    /// For the operator alone: what did not evaluate.
    pub errors: Vec<String>,
}

/// Who acts for whom, as the receipt says it.
#[derive(Debug, Clone)]
pub struct Who {
    /// The party for whom: a user's pseudonym, or the agent.
    pub sub: String,
    /// The chain of agents, the calling one outermost.
    pub act: Option<Actor>,
    /// How this is known.
    pub identity: Identity,
}

/// The request that a decision is bound to.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The commitments.
    pub binding: RequestBinding,
    /// What opens them.
    pub nonce: Nonce,
    /// The method, kept to open the commitment later.
    pub method: String,
    /// The target URI, kept to open the commitment later.
    pub target: String,
}

impl Bound {
    /// Commits to a request under a fresh nonce. Without `body` the body stays unbound.
    pub fn new(method: &str, target: &str, body: Option<&[u8]>) -> Result<Self, EntropyError> {
        let nonce = Nonce::from_bytes(random()?);
        let content = body.map(|body| nonce.commit(Committed::Body, body));
        let body = if content.is_some() { BodyBinding::Bound } else { BodyBinding::Unbound };
        let binding = RequestBinding { body, content, target: nonce.commit_target(method, target) };
        Ok(Self { binding, nonce, method: method.to_owned(), target: target.to_owned() })
    }
}

/// A decision to be written down.
#[derive(Debug)]
pub struct Matter {
    /// The question, in AuthZEN's words.
    pub request: Request,
    /// Who acts for whom.
    pub who: Who,
    /// The operator that the decision is made out to; the issuer itself for a local one.
    pub audience: Issuer,
    /// The request that it is for.
    pub bound: Option<Bound>,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// Digests of the receipts that led to it.
    pub parents: Vec<Digest>,
    /// The attempt that it repeats.
    pub retry_of: Option<ReceiptId>,
    /// What the caller must do.
    pub obligations: Vec<Obligation>,
    /// Work to do later about it.
    pub followups: Vec<OwnFollowup>,
}

/// What opens a receipt's commitments, as the store keeps it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The policy engine's input: the very bytes that are committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Box<RawValue>>,
    /// The request's method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The nonce, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Digests of the parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Digest>,
    /// The salt of the commitment to the input, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The request's target URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Opened {
    /// The bytes that a store keeps.
    pub fn to_opening(&self) -> Opening {
        // Strings, digests and JSON texts can always be written.
        Opening(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Opened::to_opening`] wrote.
    pub fn from_opening(opening: &Opening) -> Option<Self> {
        serde_json::from_slice(&opening.0).ok()
    }
}

/// The commitment to a policy engine's input, with what opens it.
#[derive(Debug)]
pub struct CommittedInputs {
    /// The commitment, for the receipt.
    pub commitment: Digest,
    /// The salt, in base64url.
    pub salt: String,
    /// The input in its canonical form.
    pub inputs: Option<Box<RawValue>>,
}

/// Commits to a question under a fresh salt, which the operator keeps.
pub fn commit_inputs(request: &Request) -> Result<CommittedInputs, IssueFailure> {
    let salt = Nonce::from_bytes(random()?);
    // A question of strings, integers and booleans always has a canonical form; a fraction beyond doubles has none,
    // and its receipt commits to nothing rather than to something else.
    let bytes = canonical::to_vec(request).unwrap_or_default();
    let commitment = salt.commit(Committed::Inputs, &bytes);
    let inputs = String::from_utf8(bytes).ok().and_then(|text| RawValue::from_string(text).ok());
    Ok(CommittedInputs { commitment, salt: salt.to_text(), inputs })
}

/// Takes decisions and writes them down. Clones share everything.
#[derive(Debug, Clone)]
pub struct Decider {
    store: Arc<dyn Store>,
    issuer: ReceiptIssuer,
    policies: Policies,
    turns: Turns,
    lifetime_s: u64,
    approval_wait_s: u64,
}

impl Decider {
    /// A decider whose decisions live `lifetime_s` seconds, and whose escalations wait `approval_wait_s` for approval.
    pub fn new(
        store: Arc<dyn Store>,
        issuer: ReceiptIssuer,
        policies: Policies,
        lifetime_s: u64,
        approval_wait_s: u64,
    ) -> Self {
        Self { store, issuer, policies, turns: Turns::default(), lifetime_s, approval_wait_s }
    }

    /// Asks the policy in force.
    pub fn judge(&self, request: &Request) -> Judgement {
        if let Some(epoch) = self.policies.unknown() {
            let errors = vec![format!("this node cannot answer by the epoch `{epoch}`, which is in force")];
            return Judgement { errors, ..self.denied(Reason::EngineError) };
        }
        let active = self.policies.active();
        let evaluation = active.engine.evaluate(request);
        Judgement {
            effect: evaluation.effect,
            reasons: evaluation.reasons.iter().map(|reason| reason.code()).collect(),
            policies: evaluation.policies,
            approver: evaluation.approval.map(|approval| approval.by),
            assurance: Assurance::Evaluated,
            epoch: active.engine.epoch(),
            errors: evaluation.errors,
        }
    }

    /// A deny that was clear before any policy was asked.
    pub fn denied(&self, reason: Reason) -> Judgement {
        let denied = self.observed(Effect::Deny, vec![reason.code()], Vec::new());
        Judgement { assurance: Assurance::Evaluated, ..denied }
    }

    /// A judgement that somebody else made.
    pub fn observed(&self, effect: Effect, reasons: Vec<Code>, policies: Vec<String>) -> Judgement {
        let epoch = self.policies.active().engine.epoch();
        let approver = None;
        Judgement { effect, reasons, policies, approver, assurance: Assurance::Observed, epoch, errors: Vec::new() }
    }

    /// The approval that an escalation asks for, counted from `at`.
    pub fn approval(&self, judgement: &Judgement, at: Timestamp) -> Option<Approval> {
        let by = judgement.approver.clone()?;
        (judgement.effect == Effect::Escalate).then(|| Approval { by, deadline: at.plus(self.approval_wait_s) })
    }

    /// Writes a judgement down. Only when this returns `Ok` may anybody act on it.
    pub async fn record(&self, judgement: &Judgement, matter: &Matter) -> Result<SignedReceipt, IssueFailure> {
        // One commit gives one position of a session: those who ask here wait for their turn, and only other processes
        // can still be faster.
        let (_turn, mut position) = match &matter.session {
            None => (None, 0),
            Some(id) => {
                let turn = self.turns.take(id).await;
                (turn, self.store.session(id).await.map_err(WriteFailure::from)?)
            }
        };
        for _ in 0..MAX_SESSION_TRIES {
            match self.record_at(judgement, matter, position + 1).await {
                Err(IssueFailure::Write(WriteFailure::Conflict(Conflict::Session { last }))) => position = last,
                other => return other,
            }
        }
        Err(WriteFailure::Overloaded.into())
    }

    async fn record_at(&self, judgement: &Judgement, matter: &Matter, seq: u64) -> Result<SignedReceipt, IssueFailure> {
        let inputs = commit_inputs(&matter.request)?;
        let decision = self.decision(judgement, matter, inputs.commitment, seq)?;
        let opened = Opened {
            inputs: inputs.inputs,
            method: matter.bound.as_ref().map(|bound| bound.method.clone()),
            nonce: matter.bound.as_ref().map(|bound| bound.nonce.to_text()),
            parents: matter.parents.clone(),
            salt: Some(inputs.salt),
            target: matter.bound.as_ref().map(|bound| bound.target.clone()),
        };
        let session = matter.session.as_ref().map(|id| SessionClaim { id: id.clone(), seq });
        let with = Attachments {
            opening: Some(opened.to_opening()),
            session,
            own_followups: matter.followups.clone(),
            ..Attachments::default()
        };
        self.issuer.issue(Payload::Decision(Box::new(decision)), with).await
    }

    fn decision(
        &self,
        judgement: &Judgement,
        matter: &Matter,
        inputs: Digest,
        seq: u64,
    ) -> Result<Decision, IssueFailure> {
        let draft = self.issuer.draft()?;
        let request = &matter.request;
        let parents = matter.bound.as_ref().map(|bound| {
            matter.parents.iter().map(|parent| bound.nonce.commit(Committed::Parent, &parent.0)).collect::<Vec<_>>()
        });
        Ok(Decision {
            sd: None,
            sd_alg: None,
            act: matter.who.act.clone(),
            action: Action { name: request.action.name.clone() },
            approval: self.approval(judgement, draft.iat),
            assurance: judgement.assurance,
            aud: matter.audience.clone(),
            binding: matter.bound.as_ref().map(|bound| bound.binding.clone()),
            contract: None,
            effect: judgement.effect,
            epoch: judgement.epoch,
            exp: draft.iat.plus(self.lifetime_s),
            ext: None,
            iat: draft.iat,
            identity: matter.who.identity.clone(),
            inputs: Some(inputs),
            iss: self.issuer.name().clone(),
            jti: draft.jti,
            log: draft.log,
            nbf: None,
            obligations: Some(matter.obligations.clone()).filter(|list| !list.is_empty()),
            parents: parents.filter(|list| !list.is_empty()),
            policies: judgement.policies.clone(),
            reasons: judgement.reasons.clone(),
            resource: Resource { id: request.resource.id.clone(), kind: request.resource.kind.clone() },
            retry_of: matter.retry_of,
            session: matter.session.clone().map(|id| SessionPosition { id, seq }),
            sub: matter.who.sub.clone(),
            subject: Subject { id: request.subject.id.clone(), kind: request.subject.kind.clone() },
        })
    }
}
