//! Outbound: an own agent calls a peer's. Decide, write it down, attach it, forward, read the acknowledgement.
//!
//! Nothing is sent to an operator that is not an approved peer, and no receipt is made for such a call: there is nobody
//! whom it could concern.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::Response;
use tokio::task::JoinError;
use url::Url;

use super::body::{self, Content};
use super::cards::{self, Misbehaved, Passage, Passing};
use super::client::{self, Begun, CallError};
use super::counts::{Direction, Fate, Via};
use super::door;
use super::ending::Closing;
use super::headers::{self, NONCE, OUTCOME, RECEIPT, RECEIPT_ID, USER, VERDICT};
use super::refuse::{OrRefused, Refused, problem_of, wanted};
use super::under_way::{MAX_OF_AN_AGENT, Place};
use super::watched::{Watch, Watched};
use super::{AgentSecret, Gateway};
use crate::edge::config::OutboundRoute;
use crate::edge::http::private::guard::own_host;
use crate::ground::agent::call::{self, Call, Shape, recognise};
use crate::ground::agent::card::CardRewrite;
use crate::ground::agent::lift::lift;
use crate::ground::agent::question::{self, Parties};
use crate::ground::agent::refusal::RefusedBy;
use crate::ground::effect::{Effect, Reason};
use crate::ground::limits::MAX_NAME_CHARS;
use crate::ground::name::Code;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{
    Actor, Basis, BodyBinding, Identity, Observer, OutcomeStatus, Payload, ReceiptRef, RequestBinding,
};
use crate::io::entropy::random;
use crate::node::decider::{Bound, Judgement, Matter, Who};
use crate::node::followup::Work;
use crate::node::issuer::IssueFailure;
use crate::node::pseudonym::Named;

/// A call of an own agent, on its way.
struct Outgoing<'a> {
    gateway: &'a Gateway,
    agent: &'a AgentSecret,
    proved_by: &'static str,
    route: Arc<OutboundRoute>,
    parts: &'a Parts,
    /// The route's URL at this gateway, as the agent addresses it.
    local: Url,
    /// The URL that is called.
    target: Url,
    call: Call,
}

/// Answers one request below `/a/`.
pub(super) async fn answer(gateway: &Gateway, request: Request) -> Response {
    match carry(gateway, request).await {
        Ok(response) => response,
        Err(refused) => {
            gateway.0.counts.add(Direction::Outbound, Fate::Refused, Some(refused.refusal.problem));
            let (problem, detail) = (refused.refusal.problem, refused.refusal.detail.as_deref());
            tracing::debug!(problem = %problem, detail, "refused an agent's call");
            refused.into_response()
        }
    }
}

fn refusal(gateway: &Gateway, problem: ProblemType, shape: Shape) -> Box<Refused> {
    Refused::new(RefusedBy::CallerNode, gateway.0.node.issuer.name(), problem, shape)
        .with(VERDICT, headers::NONE)
        .with(RECEIPT_ID, headers::NONE)
}

async fn carry(gateway: &Gateway, request: Request) -> OrRefused<Response> {
    let (parts, body) = request.into_parts();
    let settings = &gateway.0.settings;
    let plain = |problem| refusal(gateway, problem, Shape::Http);
    // Before the agent is known, a refusal says nothing about this node, not even whose it is.
    let nobody = |problem| {
        let mut refused = plain(problem);
        refused.refusal.operator = None;
        refused
    };
    let host = own_host(&parts.headers, &parts.uri, &settings.listen).map_err(|problem| nobody(problem.kind()))?;
    let entered = door::enter(&parts, &gateway.0.agents).ok_or_else(|| nobody(ProblemType::NotFound))?;
    let agent = gateway.0.agents.get(entered.agent).ok_or_else(|| nobody(ProblemType::NotFound))?;
    let route = gateway.0.outbound.iter().find(|route| route.name == entered.route);
    let route = route.map(Arc::clone).ok_or_else(|| plain(ProblemType::NotFound))?;
    let place = gateway.0.under_way.begin(&agent.name).ok_or_else(|| {
        let about = format!("agent `{}` has {MAX_OF_AN_AGENT} calls under way; wait for one to end", agent.name);
        plain(ProblemType::RateLimited).saying(&about)
    })?;
    let room = &gateway.0.room;
    let read = body::read(&parts.headers, body, settings.body_bytes, settings.body_timeout, room).await;
    let (content, _share) = read.map_err(plain)?;
    let call = recognised(&parts, &route, entered.rest, &content)
        .map_err(|found| Refused::unrecognised(RefusedBy::CallerNode, gateway.0.node.issuer.name(), found))?;
    let malformed = || refusal(gateway, ProblemType::RequestMalformed, call.shape());
    let target = target(&route.url, entered.rest, parts.uri.query()).ok_or_else(malformed)?;
    let local = Url::parse(&format!("http://{host}{}", entered.base)).map_err(|_| malformed())?;
    let proved_by = entered.proved_by;
    Outgoing { gateway, agent, proved_by, route, parts: &parts, local, target, call }.go(content, place).await
}

fn recognised(parts: &Parts, route: &OutboundRoute, rest: &str, content: &Content) -> Result<Call, call::Unrecognised> {
    let fields = parts.headers.iter();
    let fields: Vec<_> = fields.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?"))).collect();
    let request =
        call::Request { method: parts.method.as_str(), path: rest, headers: &fields, body: content.as_judged() };
    recognise(route.protocol, &request)
}

/// The absolute URL at the peer: the one string that is committed to and sent.
fn target(base: &Url, rest: &str, query: Option<&str>) -> Option<Url> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = Url::parse(&format!("{}{rest}{query}", base.as_str().trim_end_matches('/'))).ok()?;
    let below = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    (url.origin() == base.origin() && (below.is_empty() || below.starts_with('/'))).then_some(url)
}

impl Outgoing<'_> {
    fn refuse(&self, problem: ProblemType) -> Box<Refused> {
        refusal(self.gateway, problem, self.call.shape())
    }

    async fn go(self, content: Content, place: Place) -> OrRefused<Response> {
        let peer = &self.route.peer;
        self.gateway.0.node.answers.may_call(peer).await.map_err(|problem| {
            let about = format!("the route `{}` leads to `{peer}`", self.route.name);
            self.refuse(problem).saying(&about)
        })?;
        let user = self.user()?;
        let (judgement, matter, nonce) = self.decide(user, &content)?;
        let recorded = self.record(judgement, matter, place).await.map_err(|_| self.refuse(ProblemType::Internal))?;
        let (decision, closing) = recorded.map_err(|failure| {
            tracing::warn!(error = %failure, "no receipt, so no call");
            self.refuse(failure.problem())
        })?;
        match closing {
            None => Err(self.denied(&decision)),
            Some(closing) => self.forward(&decision, &nonce, content, closing).await,
        }
    }

    /// The user that the agent says it acts for.
    fn user(&self) -> OrRefused<Option<&str>> {
        let mut users = self.parts.headers.get_all(USER).iter();
        let Some(user) = users.next() else { return Ok(None) };
        let fits = |user: &&str| !user.is_empty() && user.chars().count() <= MAX_NAME_CHARS;
        let user = user.to_str().ok().filter(fits).filter(|_| users.next().is_none());
        let rule = "`Countersign-User` must be there once, with 1 to 256 visible ASCII characters";
        user.map(Some).ok_or_else(|| self.refuse(ProblemType::RequestMalformed).saying(rule))
    }

    /// Asks the policy, with the user's own name: it is this operator's user.
    fn decide(&self, user: Option<&str>, content: &Content) -> OrRefused<(Judgement, Matter, Nonce)> {
        let node = &self.gateway.0.node;
        let peer = &self.route.peer;
        let parties = Parties {
            peer,
            route: &self.route.name,
            agent: question::Identity { id: &self.agent.name, verified: true },
            user: user.map(|id| question::Identity { id, verified: false }),
            body_bound: content.whole().is_some(),
        };
        let facts = lift(&self.route.lift, &self.call, content.as_judged());
        let missing = facts.as_ref().err().map(ToString::to_string);
        let request = question::outbound(&parties, &self.call, facts.unwrap_or_default());
        let request = request.map_err(|error| self.refuse(ProblemType::RequestMalformed).saying(&error.to_string()))?;
        let judgement = match missing {
            None => node.decider.judge(&request),
            Some(why) => {
                tracing::info!(route = self.route.name, why, "a fact that the policy needs is missing");
                node.decider.denied(Reason::ContextMissing)
            }
        };
        let nonce = Nonce::from_bytes(random().map_err(|_| self.refuse(ProblemType::Internal))?);
        let now = node.clock.now();
        let followups = match judgement.effect {
            Effect::Allow => vec![Work::pull_evidence(now), Work::close_call(now)],
            Effect::Deny | Effect::Escalate => Vec::new(),
        };
        let conversation = self.call.conversation.as_ref();
        let matter = Matter {
            request,
            who: self.who(user),
            audience: peer.clone(),
            bound: Some(self.bind(&nonce, content)),
            session: conversation.map(|id| node.pseudonyms.session(peer, &self.agent.name, id)),
            parents: Vec::new(),
            retry_of: None,
            obligations: Vec::new(),
            followups,
        };
        Ok((judgement, matter, nonce))
    }

    /// The peer learns a user's pseudonym, and that nobody verified it.
    fn who(&self, user: Option<&str>) -> Who {
        let agent = Basis::Verified { by: Code::registered(self.proved_by) };
        let name = self.agent.name.clone();
        match user {
            None => Who { sub: name, act: None, identity: Identity { agent, delegation: None, user: None } },
            Some(user) => Who {
                sub: self.gateway.0.node.pseudonyms.pseudonym(Named::User, &self.route.peer, user),
                act: Some(Actor { act: None, sub: name }),
                identity: Identity { agent, delegation: None, user: Some(Basis::CLAIMED) },
            },
        }
    }

    fn bind(&self, nonce: &Nonce, content: &Content) -> Bound {
        let (method, target) = (self.parts.method.as_str(), self.target.as_str());
        let content = content.whole().map(|bytes| nonce.commit(Committed::Body, bytes));
        let body = if content.is_some() { BodyBinding::Bound } else { BodyBinding::Unbound };
        Bound {
            binding: RequestBinding { body, content, target: nonce.commit_target(method, target) },
            nonce: nonce.clone(),
            method: method.to_owned(),
            target: target.to_owned(),
        }
    }

    /// Writes the decision down, in a task of its own: should the agent go away meanwhile, the decision is durable all
    /// the same, and so is the fact that nothing came of it; the call keeps its place until then.
    async fn record(&self, judgement: Judgement, matter: Matter, place: Place) -> Result<Recorded, JoinError> {
        let gateway = self.gateway.clone();
        let recording = async move {
            let decision = gateway.0.node.decider.record(&judgement, &matter).await?;
            gateway.0.counts.decided(Via::Outbound, judgement.effect);
            let allowed = judgement.effect == Effect::Allow;
            let named = ReceiptRef { digest: decision.digest, jti: *decision.payload.jti() };
            let audience = matter.audience;
            let closing = allowed.then(|| Closing::new(&gateway, Observer::Caller, audience, named, None, Some(place)));
            Ok((decision, closing))
        };
        self.gateway.0.afterwards.spawn(recording).await
    }

    fn denied(&self, decision: &SignedReceipt) -> Box<Refused> {
        let Payload::Decision(payload) = &decision.payload else { return self.refuse(ProblemType::Internal) };
        let mut refused = self.refuse(problem_of(payload.effect, &payload.reasons));
        refused.refusal.receipt = Some(payload.jti);
        refused.refusal.reasons.clone_from(&payload.reasons);
        refused.refusal.policies.clone_from(&payload.policies);
        refused.refusal.approval = wanted(payload.approval.as_ref());
        self.telling(refused, decision)
    }

    fn telling(&self, refused: Box<Refused>, decision: &SignedReceipt) -> Box<Refused> {
        refused.with(RECEIPT_ID, headers::value(&decision.payload.jti().to_string()))
    }

    async fn forward(
        &self,
        decision: &SignedReceipt,
        nonce: &Nonce,
        content: Content,
        closing: Closing,
    ) -> OrRefused<Response> {
        let (gateway, method) = (self.gateway, self.parts.method.clone());
        let attached = self.attach(decision, nonce, &content);
        let target = self.target.clone();
        let sent =
            client::send(gateway.0.node.client.calls(), &gateway.0.settings, method, target, attached, content).await;
        match sent {
            Ok(begun) => self.pass_back(decision, nonce, begun, closing).await,
            Err(error) => {
                tracing::info!(route = self.route.name, error = %error, "a peer did not answer");
                let (status, problem) = match error {
                    CallError::Unreachable(_) => (OutcomeStatus::Unreachable, ProblemType::PeerUnreachable),
                    CallError::Unanswered(_) => (OutcomeStatus::Failed, ProblemType::PeerMisbehaved),
                };
                closing.ended(status);
                let mut refused = self.refuse(problem);
                refused.refusal.receipt = Some(*decision.payload.jti());
                Err(self.telling(refused, decision))
            }
        }
    }

    fn attach(&self, decision: &SignedReceipt, nonce: &Nonce, content: &Content) -> HeaderMap {
        let mut passing = headers::of_request(&self.parts.headers);
        if cards::may_answer_card(self.route.protocol, &self.parts.method, Some(&self.call)) {
            passing.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if self.call.action.answers_card() {
            passing.remove(IF_NONE_MATCH);
        }
        if let Some(length) = content.told_length() {
            passing.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        passing.insert(RECEIPT, headers::value(&decision.compact));
        passing.insert(NONCE, headers::value(&nonce.to_text()));
        passing
    }

    /// The call has happened, so its answer reaches the agent whatever the acknowledgement is worth; the verdict says
    /// what it is worth.
    async fn pass_back(
        &self,
        decision: &SignedReceipt,
        nonce: &Nonce,
        begun: Begun,
        mut closing: Closing,
    ) -> OrRefused<Response> {
        let found = headers::values(begun.headers(), &RECEIPT);
        let found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
        let answers = &self.gateway.0.node.answers;
        let mut in_its_place = None;
        let verdict = match answers.read(decision, &found).await {
            Ok(acknowledged) => {
                closing.acknowledged(&acknowledged);
                in_its_place = stands_in(begun.headers());
                "valid"
            }
            Err(answer) => {
                let (answers, decision, problem) = (answers.clone(), decision.clone(), answer.problem);
                let noting = async move { answers.note(&decision, &answer).await };
                let _detached = self.gateway.0.afterwards.spawn(noting);
                problem.code()
            }
        };
        let status = begun.status().as_u16();
        let (mut response, problem) = match cards::examine(begun, &self.passage(&self.upstreams())).await {
            Ok(passing) => (watched(passing, nonce, closing, in_its_place), None),
            Err(misbehaved) => {
                closing.began(status);
                drop(closing);
                (self.misbehaved(decision, &misbehaved).into_response(), Some(ProblemType::PeerMisbehaved))
            }
        };
        response.headers_mut().insert(VERDICT, HeaderValue::from_static(verdict));
        response.headers_mut().insert(RECEIPT_ID, headers::value(&decision.payload.jti().to_string()));
        let fate = if problem.is_some() { Fate::Refused } else { Fate::Forwarded };
        self.gateway.0.counts.add(Direction::Outbound, fate, problem);
        Ok(response)
    }

    fn upstreams(&self) -> [Url; 1] {
        [self.route.url.clone()]
    }

    fn passage<'a>(&'a self, upstreams: &'a [Url]) -> Passage<'a> {
        Passage {
            route: self.route.protocol,
            method: &self.parts.method,
            call: Some(&self.call),
            called: &self.target,
            rewrite: CardRewrite { upstreams, gateway: &self.local, announcement: None },
            timeout: self.gateway.0.settings.upstream_timeout,
        }
    }

    fn misbehaved(&self, decision: &SignedReceipt, why: &Misbehaved) -> Box<Refused> {
        tracing::warn!(route = self.route.name, peer = %self.route.peer, why = %why, "held an answer back");
        let mut refused = self.refuse(ProblemType::PeerMisbehaved);
        refused.refusal.receipt = Some(*decision.payload.jti());
        refused
    }
}

type Recorded = Result<(SignedReceipt, Option<Closing>), IssueFailure>;

/// What the peer's node says of an agent in whose place it answers.
fn stands_in(headers: &HeaderMap) -> Option<OutcomeStatus> {
    match headers.get(OUTCOME)?.as_bytes() {
        b"failed" => Some(OutcomeStatus::Failed),
        b"unreachable" => Some(OutcomeStatus::Unreachable),
        _ => None,
    }
}

/// Both sides commit to the bytes between the two nodes: here, those that came.
fn watched(passing: Passing, nonce: &Nonce, closing: Closing, in_its_place: Option<OutcomeStatus>) -> Response {
    let mut closing = Some(closing);
    if let Some(status) = in_its_place {
        closing.take().into_iter().for_each(|closing| closing.ended(status));
    }
    match passing {
        Passing::Stream { head, ahead, rest } => {
            let watch = closing.map(|closing| Watch::new(nonce, closing, head.status.as_u16()));
            Response::from_parts(head, Body::new(Watched::new(ahead, rest, watch)))
        }
        Passing::Whole { head, came, goes } => {
            if let Some(closing) = closing {
                closing.completed(head.status.as_u16(), nonce.commit(Committed::Response, &came));
            }
            Response::from_parts(head, Body::from(goes))
        }
    }
}
