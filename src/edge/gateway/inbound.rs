//! Inbound: a peer's agent calls an own one. Accept its receipt, decide, acknowledge; then forward or refuse.
//!
//! On a route that observes, and on open paths, a call is forwarded whatever its receipt is worth, and whatever is
//! decided is acknowledged and counted. Two things are never forwarded on any route: a path that could leave the route,
//! and a receipt that was used before.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::Method;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::Response;
use url::Url;

use super::Gateway;
use super::body::{self, Content};
use super::cards::{self, Passage, Passing};
use super::client::{self, Begun, CallError};
use super::counts::{Direction, Fate};
use super::headers::{self, AGENT, EFFECT, NONCE, OUTCOME, PEER, RECEIPT, RECEIPT_ID, VERDICT};
use super::refuse::{OrRefused, Refused, problem_of, wanted};
use super::watched::{Watch, Watched};
use crate::edge::config::InboundRoute;
use crate::edge::http::network_of;
use crate::ground::agent::call::{self, Call, CallFault, RouteProtocol, Shape, Unrecognised, recognise};
use crate::ground::agent::card::{Announcement, CardRewrite};
use crate::ground::agent::refusal::RefusedBy;
use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Mode, OutcomeStatus};

mod accept;

use accept::{Consumed, Repeated, Taken};

/// Where discovery stands, below the issuer.
const DISCOVERY: &str = "/.well-known/countersign";

/// A request on a route.
struct Incoming<'a> {
    gateway: &'a Gateway,
    route: Arc<InboundRoute>,
    parts: &'a Parts,
    /// What follows the route's path, still percent-encoded, without the query.
    rest: String,
    from: IpAddr,
    /// Whether the path needs no receipt.
    open: bool,
}

/// What a request is, as far as the route knows such calls.
enum Described {
    /// A call of the route's protocol.
    Call(Call),
    /// None of its calls. It can be judged as a plain request, and is then denied.
    Plain { call: Call, fault: Unrecognised },
    /// None of its calls, and nothing can be judged: the body is not at hand.
    Blind(Unrecognised),
}

/// What the own agent is told about a call.
struct Told {
    verdict: &'static str,
    effect: &'static str,
    peer: HeaderValue,
    agent: HeaderValue,
    receipt: HeaderValue,
}

/// What goes with an accepted call.
struct Evidence {
    acknowledgement: HeaderValue,
    nonce: Nonce,
    closing: super::ending::Closing,
}

/// Answers one request on the public listener.
pub(super) async fn answer(gateway: &Gateway, request: Request) -> Response {
    match take(gateway, request).await {
        Ok(response) => response,
        Err(refused) => {
            gateway.0.counts.add(Direction::Inbound, Fate::Refused, Some(refused.refusal.problem));
            refused.into_response()
        }
    }
}

async fn take(gateway: &Gateway, request: Request) -> OrRefused<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let found = gateway.0.inbound.iter().find_map(|route| Some((route, below(path, &route.path)?)));
    let Some((route, rest)) = found else { return Err(refusal(gateway, ProblemType::NotFound, Shape::Http)) };
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let incoming = Incoming {
        gateway,
        route: Arc::clone(route),
        rest: rest.to_owned(),
        from: client_of(&parts),
        // An agent that serves its protocol on every path must not be called through an open one.
        open: reads && route.open.iter().any(|open| open == rest),
        parts: &parts,
    };
    incoming.go(body).await
}

/// Who counts as one stranger.
pub(super) fn client_of(parts: &Parts) -> IpAddr {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| network_of(from.0.ip()));
    address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn refusal(gateway: &Gateway, problem: ProblemType, shape: Shape) -> Box<Refused> {
    Refused::new(RefusedBy::CalleeNode, gateway.0.node.issuer.name(), problem, shape)
}

impl Incoming<'_> {
    fn refuse(&self, problem: ProblemType, shape: Shape) -> Box<Refused> {
        refusal(self.gateway, problem, shape)
    }

    /// Whether the call is forwarded whatever its receipt is worth.
    fn lenient(&self) -> bool {
        self.open || self.route.mode == Mode::Observe
    }

    async fn go(self, body: Body) -> OrRefused<Response> {
        let screened = self.screen().await;
        if screened.is_err() && self.limits_strangers() && !self.may_fail() {
            // Its body is not even read.
            return Err(self.refuse(ProblemType::RateLimited, Shape::Http));
        }
        let settings = &self.gateway.0.settings;
        let room = &self.gateway.0.room;
        let read = body::read(&self.parts.headers, body, settings.body_bytes, settings.body_timeout, room).await;
        let (content, _share) = read.map_err(|problem| self.refuse(problem, Shape::Http))?;
        let described = self.describe(&content)?;
        let accepted = match (screened, &described) {
            (Err(problem), _) => Err(problem),
            (Ok(_), Described::Blind(found)) => Err(found.fault.problem()),
            (Ok(presented), Described::Call(_) | Described::Plain { .. }) => {
                Ok(self.accept(presented, &described, content.whole().cloned()).await)
            }
        };
        match accepted {
            Err(problem) => self.unaccepted(problem, described, content).await,
            // It was used before, or nobody can tell: on no route may it reach the agent again (CARR-10).
            Ok(Taken::Refused(problem @ (ProblemType::Replayed | ProblemType::StorageUnavailable))) => {
                Err(self.refuse(problem, described.shape()))
            }
            Ok(Taken::Refused(problem)) => {
                if self.limits_strangers() && !self.may_fail() {
                    return Err(self.refuse(ProblemType::RateLimited, described.shape()));
                }
                self.unaccepted(problem, described, content).await
            }
            Ok(Taken::Repeated(repeated)) => Err(self.duplicate(&described, &repeated)),
            Ok(Taken::Consumed(consumed)) => self.consumed(*consumed, described, content).await,
        }
    }

    /// Whether strangers may ask for this only so often. A route that observes passes on what always came.
    fn limits_strangers(&self) -> bool {
        self.open || self.route.mode == Mode::Enforce
    }

    /// One more failure of this address, if it has one left.
    fn may_fail(&self) -> bool {
        let now_ms = self.gateway.0.node.clock.now_ms();
        self.gateway.0.strangers.as_ref().is_none_or(|strangers| strangers.take(&self.from, now_ms))
    }

    /// What can be said before the body is read: whether there is one receipt, and whether an approved peer is said to
    /// have signed it.
    async fn screen(&self) -> Result<Presented, ProblemType> {
        let receipt = only(&self.parts.headers, &RECEIPT, ProblemType::ReceiptMissing, ProblemType::ReceiptRepeated)?;
        let nonce = only(&self.parts.headers, &NONCE, ProblemType::NonceMissing, ProblemType::NonceInvalid)?;
        let nonce = String::from_utf8(nonce).map_err(|_| ProblemType::NonceInvalid)?;
        let claimed = UnverifiedReceipt::parse(&receipt).map_err(|error| error.problem())?;
        self.gateway.0.node.answers.may_call(claimed.claims().iss()).await?;
        Ok(Presented { receipt, nonce })
    }

    fn describe(&self, content: &Content) -> OrRefused<Described> {
        let fields = self.parts.headers.iter();
        let fields: Vec<_> = fields.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?"))).collect();
        let request = call::Request {
            method: self.parts.method.as_str(),
            path: &self.rest,
            headers: &fields,
            body: content.as_judged(),
        };
        let fault = match recognise(self.route.protocol, &request) {
            Ok(call) => return Ok(Described::Call(call)),
            Err(fault) => fault,
        };
        match recognise(RouteProtocol::Http, &request) {
            // Not even a plain request: another method or path than it seems to be may reach the agent.
            Err(fault) => Err(Refused::unrecognised(RefusedBy::CalleeNode, self.gateway.0.node.issuer.name(), fault)),
            Ok(_) if fault.fault == CallFault::BodyNotWhole => Ok(Described::Blind(fault)),
            Ok(call) => Ok(Described::Plain { call, fault }),
        }
    }

    /// A call without a receipt that counts. It costs no signature and leaves nothing in the log.
    async fn unaccepted(&self, problem: ProblemType, described: Described, content: Content) -> OrRefused<Response> {
        let unasked = self.open && problem == ProblemType::ReceiptMissing;
        if !self.lenient() {
            let refused = self.refuse(problem, described.shape());
            return Err(match described.fault() {
                Some(fault) if fault.fault.problem() == problem => refused.saying(&fault.fault.to_string()),
                _ => refused,
            });
        }
        let problem = (!unasked).then_some(problem);
        let told = Told {
            verdict: problem.map_or("none", ProblemType::code),
            effect: "none",
            peer: headers::NONE,
            agent: headers::NONE,
            receipt: headers::NONE,
        };
        let fate = if problem.is_some() { Fate::Observed } else { Fate::Forwarded };
        self.gateway.0.counts.add(Direction::Inbound, fate, problem);
        self.forward(&described, &told, content, None).await
    }

    fn duplicate(&self, described: &Described, repeated: &Repeated) -> Box<Refused> {
        let mut refused = self.refuse(ProblemType::Duplicate, described.shape());
        refused.refusal.receipt = repeated.receipt;
        refused.refusal.acknowledgement = repeated.acknowledgement_id;
        refused.with(RECEIPT, headers::value(&repeated.acknowledgement))
    }

    async fn consumed(&self, consumed: Consumed, described: Described, content: Content) -> OrRefused<Response> {
        let acknowledgement = headers::value(&consumed.acknowledgement);
        let allowed = consumed.effect == Effect::Allow;
        let problem = (!allowed).then(|| problem_of(consumed.effect, &consumed.reasons));
        let Some(closing) = consumed.closing else {
            let problem = problem.unwrap_or(ProblemType::PolicyDenied);
            let mut refused = self.refuse(problem, described.shape()).with(RECEIPT, acknowledgement);
            refused.refusal.receipt = Some(consumed.receipt);
            refused.refusal.acknowledgement = Some(consumed.acknowledgement_id);
            refused.refusal.reasons = consumed.reasons;
            refused.refusal.approval = wanted(consumed.approval.as_ref());
            refused.refusal.detail = described.fault().map(|fault| fault.fault.to_string());
            return Err(refused);
        };
        let told = Told {
            verdict: "valid",
            effect: consumed.effect.as_str(),
            peer: headers::value(consumed.peer.as_str()),
            agent: headers::value(&consumed.agent),
            receipt: headers::value(&consumed.receipt.to_string()),
        };
        self.gateway.0.counts.add(Direction::Inbound, if allowed { Fate::Forwarded } else { Fate::Observed }, problem);
        let evidence = Evidence { acknowledgement, nonce: consumed.nonce, closing };
        self.forward(&described, &told, content, Some(evidence)).await
    }

    async fn forward(
        &self,
        described: &Described,
        told: &Told,
        content: Content,
        evidence: Option<Evidence>,
    ) -> OrRefused<Response> {
        let query = self.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}{}{query}", self.route.upstream.as_str().trim_end_matches('/'), self.rest);
        let url = Url::parse(&url).map_err(|_| self.refuse(ProblemType::RequestMalformed, described.shape()))?;
        let passing = self.request_fields(described, told, &content);
        let (client, method) = (&self.gateway.0.agent_client, self.parts.method.clone());
        let sent = client::send(client, &self.gateway.0.settings, method, url.clone(), passing, content).await;
        match sent {
            Ok(begun) => self.pass_back(begun, &url, described, evidence).await,
            Err(error) => {
                tracing::warn!(route = self.route.name, error = %error, "an agent did not answer");
                let (status, problem) = match error {
                    CallError::Unreachable(_) => (OutcomeStatus::Unreachable, ProblemType::AgentUnreachable),
                    CallError::Unanswered(_) => (OutcomeStatus::Failed, ProblemType::AgentMisbehaved),
                };
                Err(self.stand_in(status, problem, described, evidence))
            }
        }
    }

    fn request_fields(&self, described: &Described, told: &Told, content: &Content) -> HeaderMap {
        let mut passing = headers::of_request(&self.parts.headers);
        let call = described.call();
        if cards::may_answer_card(self.route.protocol, &self.parts.method, call) {
            passing.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if call.is_some_and(|call| call.action.answers_card()) {
            passing.remove(IF_NONE_MATCH);
        }
        if let Some(length) = content.told_length() {
            passing.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        passing.insert(VERDICT, HeaderValue::from_static(told.verdict));
        passing.insert(EFFECT, HeaderValue::from_static(told.effect));
        passing.insert(PEER, told.peer.clone());
        passing.insert(AGENT, told.agent.clone());
        passing.insert(RECEIPT_ID, told.receipt.clone());
        passing
    }

    /// The node answers in its agent's place: it says so to the caller's node, so that both sides tell the same.
    fn stand_in(
        &self,
        status: OutcomeStatus,
        problem: ProblemType,
        described: &Described,
        evidence: Option<Evidence>,
    ) -> Box<Refused> {
        let issuer = self.gateway.0.node.issuer.name();
        let refused = Refused::new(RefusedBy::Agent, issuer, problem, described.shape());
        let Some(evidence) = evidence else { return refused };
        evidence.closing.ended(status);
        let outcome = if status == OutcomeStatus::Unreachable { "unreachable" } else { "failed" };
        refused.with(RECEIPT, evidence.acknowledgement).with(OUTCOME, HeaderValue::from_static(outcome))
    }

    async fn pass_back(
        &self,
        begun: Begun,
        called: &Url,
        described: &Described,
        evidence: Option<Evidence>,
    ) -> OrRefused<Response> {
        let upstreams = cards::names_of(&self.route.upstream);
        let gateway_url = format!("{}{}", self.gateway.0.settings.public_url, self.route.path);
        let gateway_url =
            Url::parse(&gateway_url).map_err(|_| self.refuse(ProblemType::Internal, described.shape()))?;
        let issuer = self.gateway.0.node.issuer.name();
        let discovery = format!("{issuer}{DISCOVERY}");
        let announcement = Announcement { required: self.route.mode == Mode::Enforce, issuer, discovery: &discovery };
        let passage = Passage {
            route: self.route.protocol,
            method: &self.parts.method,
            call: described.call(),
            called,
            rewrite: CardRewrite { upstreams: &upstreams, gateway: &gateway_url, announcement: Some(announcement) },
            timeout: self.gateway.0.settings.upstream_timeout,
        };
        match cards::examine(begun, &passage).await {
            Ok(passing) => Ok(watched(passing, evidence)),
            Err(misbehaved) => {
                tracing::warn!(route = self.route.name, why = %misbehaved, "held an agent's answer back");
                Err(self.stand_in(OutcomeStatus::Failed, ProblemType::AgentMisbehaved, described, evidence))
            }
        }
    }
}

/// What a request presents.
struct Presented {
    receipt: Vec<u8>,
    nonce: String,
}

fn only(
    headers: &HeaderMap,
    name: &HeaderName,
    missing: ProblemType,
    repeated: ProblemType,
) -> Result<Vec<u8>, ProblemType> {
    let mut values = headers::values(headers, name).into_iter();
    match (values.next(), values.next()) {
        (None, _) => Err(missing),
        (Some(value), None) => Ok(value),
        (Some(_), Some(_)) => Err(repeated),
    }
}

impl Described {
    fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) | Self::Plain { call, .. } => Some(call),
            Self::Blind(_) => None,
        }
    }

    fn fault(&self) -> Option<&Unrecognised> {
        match self {
            Self::Call(_) => None,
            Self::Plain { fault, .. } | Self::Blind(fault) => Some(fault),
        }
    }

    /// What is wrong decides how it is said: the call that it was taken for is none of the route's.
    fn shape(&self) -> Shape {
        match self {
            Self::Call(call) => call.shape(),
            Self::Plain { fault, .. } | Self::Blind(fault) => fault.shape.clone(),
        }
    }
}

/// Both sides commit to the bytes between the two nodes: here, those that go.
fn watched(passing: Passing, evidence: Option<Evidence>) -> Response {
    let (acknowledgement, watched) = match evidence {
        None => (None, None),
        Some(evidence) => (Some(evidence.acknowledgement), Some((evidence.nonce, evidence.closing))),
    };
    let mut response = match passing {
        Passing::Stream { head, ahead, rest } => {
            let watch = watched.map(|(nonce, closing)| Watch::new(&nonce, closing, head.status.as_u16()));
            Response::from_parts(head, Body::new(Watched::new(ahead, rest, watch)))
        }
        Passing::Whole { head, goes, .. } => {
            if let Some((nonce, closing)) = watched {
                closing.completed(head.status.as_u16(), nonce.commit(Committed::Response, &goes));
            }
            Response::from_parts(head, Body::from(goes))
        }
    };
    if let Some(acknowledgement) = acknowledgement {
        response.headers_mut().insert(RECEIPT, acknowledgement);
    }
    response
}
