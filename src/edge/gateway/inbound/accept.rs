//! Accepting an arrived call: the question to the policy, and what accepting came to.

use std::sync::Arc;

use super::{Described, Incoming, Presented};
use crate::edge::config::InboundRoute;
use crate::edge::gateway::Via;
use crate::edge::gateway::ending::Closing;
use crate::ground::agent::call::{Body, Call};
use crate::ground::agent::lift::lift;
use crate::ground::agent::question::{self, AGENT, PEER_AGENT, Parties, ReceiptFacts};
use crate::ground::effect::{Effect, Reason};
use crate::ground::name::{Code, Issuer, ReceiptId};
use crate::ground::problem::ProblemType;
use crate::ground::question::{Action, Entity, Request};
use crate::ground::receipt::binding::Nonce;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Approval, Basis, Decision, Mode, Observer, Payload, ReceiptRef};
use crate::ground::verdict::{Check, CheckResult, Level};
use crate::node::acceptor::{Acceptance, Accepted, Arrival, Asked, Handling, NotAccepted};
use bytes::Bytes;

/// What accepting came to.
pub(super) enum Taken {
    /// The receipt is consumed now.
    Consumed(Box<Consumed>),
    /// It was consumed before.
    Repeated(Repeated),
    /// It was not consumed.
    Refused(ProblemType),
}

/// A receipt that is consumed, and what this operator decided.
pub(super) struct Consumed {
    pub(super) peer: Issuer,
    pub(super) agent: String,
    pub(super) receipt: ReceiptId,
    pub(super) nonce: Nonce,
    pub(super) effect: Effect,
    pub(super) reasons: Vec<Code>,
    pub(super) approval: Option<Approval>,
    pub(super) acknowledgement: String,
    pub(super) acknowledgement_id: ReceiptId,
    /// The call's end, if the call goes on.
    pub(super) closing: Option<Closing>,
}

/// A receipt that was consumed before, and its answer.
pub(super) struct Repeated {
    pub(super) receipt: Option<ReceiptId>,
    pub(super) acknowledgement: String,
    pub(super) acknowledgement_id: Option<ReceiptId>,
}

/// What the question to the policy is made of, beside the decision.
struct Asking {
    route: Arc<InboundRoute>,
    call: Call,
    recognised: bool,
    content: Option<Bytes>,
    level: Level,
}

impl Incoming<'_> {
    /// Accepts in a task of its own: should the caller go away meanwhile, the receipt is consumed all the same, and
    /// that nothing came of it is written down.
    pub(super) async fn accept(&self, presented: Presented, described: &Described, content: Option<Bytes>) -> Taken {
        let Some(call) = described.call().cloned() else { return Taken::Refused(ProblemType::CallUnrecognised) };
        let asking = Asking {
            route: Arc::clone(&self.route),
            call,
            recognised: matches!(described, Described::Call(_)),
            content,
            level: self.gateway.0.settings.level,
        };
        let handling = Handling { mode: if self.lenient() { Mode::Observe } else { Mode::Enforce }, forwards: true };
        let method = self.parts.method.clone();
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let target = format!("{}{target}", self.gateway.0.settings.public_url);
        let gateway = self.gateway.clone();
        let accepting = async move {
            let content = asking.content.clone();
            let arrival = Arrival {
                receipt: &presented.receipt,
                nonce: Some(&presented.nonce),
                method: method.as_str(),
                target: &target,
                body: content.as_deref(),
                proof: None,
            };
            let acceptor = &gateway.0.node.acceptor;
            let accepted = acceptor.accept(&arrival, handling, |claims, bound| asking.ask(claims, bound)).await;
            match accepted {
                Ok(Acceptance::Fresh(accepted)) => consumed(&gateway, *accepted, handling),
                Ok(Acceptance::Duplicate { acknowledgement, .. }) => repeated(&presented.receipt, acknowledgement),
                Err(refused) => {
                    tell_operator(&asking.route.name, &refused);
                    Taken::Refused(refused.problem)
                }
            }
        };
        let accepted = self.gateway.0.afterwards.spawn(accepting).await;
        accepted.unwrap_or(Taken::Refused(ProblemType::Internal))
    }
}

fn consumed(gateway: &super::Gateway, accepted: Accepted, handling: Handling) -> Taken {
    gateway.0.counts.decided(Via::Inbound, accepted.judgement.effect);
    let (decision, answer) = (accepted.decision.payload(), accepted.acknowledgement.payload.clone());
    let (Payload::Decision(decision), Payload::Acknowledgement(answer)) = (decision, answer) else {
        return Taken::Refused(ProblemType::Internal);
    };
    let named = ReceiptRef { digest: accepted.acknowledgement.digest, jti: answer.jti };
    let peer = decision.iss.clone();
    let closing = handling
        .goes_on(answer.effect)
        .then(|| Closing::new(gateway, Observer::Executor, peer.clone(), answer.receipt.clone(), Some(named), None));
    Taken::Consumed(Box::new(Consumed {
        peer,
        agent: decision.subject.id.clone(),
        receipt: decision.jti,
        nonce: accepted.nonce,
        effect: answer.effect,
        reasons: answer.reasons,
        approval: answer.approval,
        acknowledgement: accepted.acknowledgement.compact,
        acknowledgement_id: answer.jti,
        closing,
    }))
}

fn repeated(receipt: &[u8], acknowledgement: String) -> Taken {
    let id = |bytes: &[u8]| UnverifiedReceipt::parse(bytes).ok().map(|receipt| *receipt.claims().jti());
    let acknowledgement_id = id(acknowledgement.as_bytes());
    Taken::Repeated(Repeated { receipt: id(receipt), acknowledgement, acknowledgement_id })
}

/// A binding that does not hold shows the operator what was expected and what came. The caller learns the code only.
/// What no peer signed is not worth a line: strangers would fill the log with lines of their own words.
fn tell_operator(route: &str, refused: &NotAccepted) {
    let (issuer, detail) = (refused.claimed_issuer.as_ref().map(Issuer::as_str), refused.detail.as_deref());
    if is_peers(refused) {
        tracing::info!(route, problem = %refused.problem, issuer, detail, "a peer's receipt was not accepted");
    } else {
        tracing::debug!(route, problem = %refused.problem, issuer, detail, "a receipt was not accepted");
    }
}

/// Whether a peer signed the refused receipt, as far as it came to that.
fn is_peers(refused: &NotAccepted) -> bool {
    refused.verdict.as_ref().is_none_or(|verdict| verdict.result(Check::Signature) == CheckResult::Pass)
}

impl Asking {
    fn ask(&self, claims: &Decision, body_bound: bool) -> Asked {
        let agent = identity(&claims.subject.id, &claims.identity.agent);
        let parties = Parties {
            peer: &claims.iss,
            route: &self.route.name,
            agent,
            user: claims.identity.user.as_ref().map(|basis| identity(&claims.sub, basis)),
            body_bound,
        };
        let body = self.content.as_deref().map_or(Body::Unbuffered, Body::Whole);
        let (facts, missing) = match lift(&self.route.lift, &self.call, body) {
            Ok(facts) => (facts, None),
            Err(why) => {
                tracing::info!(route = self.route.name, why = %why, "a fact that the policy needs is missing");
                (None, Some(Reason::ContextMissing))
            }
        };
        let refused = if self.recognised { missing } else { Some(Reason::CallUnrecognised) };
        let receipt = ReceiptFacts { level: self.level, effect: claims.effect };
        match question::inbound(&parties, &receipt, &self.call, facts) {
            Ok(request) => Asked { request, refused, observed: None },
            // No schema knows an agent of such a name; it does not stand in the acknowledgement.
            Err(_) => {
                let subject = Entity::new(PEER_AGENT, claims.iss.as_str());
                let resource = Entity::new(AGENT, self.route.name.as_str());
                let request = Request::new(subject, Action::new(self.call.action.name()), resource);
                Asked { request, refused: Some(Reason::EntityUnknown), observed: None }
            }
        }
    }
}

fn identity<'a>(id: &'a str, basis: &Basis) -> question::Identity<'a> {
    question::Identity { id, verified: matches!(basis, Basis::Verified { .. }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::receipt::verify::refuse_format;

    #[test]
    fn what_nobody_known_signed_is_not_worth_a_line_in_the_log() {
        let refused = |verdict| NotAccepted {
            problem: ProblemType::SignatureInvalid,
            verdict,
            claimed_issuer: None,
            detail: Some("words of a stranger".to_owned()),
        };
        assert!(is_peers(&refused(None)));
        assert!(!is_peers(&refused(Some(Box::new(refuse_format(ProblemType::ReceiptMalformed, Level::Signed))))));
    }
}
