//! The gateway: agents call each other across operators without a change to their code.
//!
//! Outbound, an own agent calls a base path on the private listener that nobody else knows; the node decides, attaches
//! the receipt, forwards, reads the acknowledgement and writes down what came of it. Inbound, a peer's call comes to a
//! route on the public listener; the node accepts its receipt, decides, acknowledges, and forwards or refuses. Whatever
//! streams is passed on as it comes. Normative text: `spec/carriage.md`, `spec/calls.md`, `spec/delivery.md`.
//!
//! Out of scope: what a request means (`ground::agent`), what evidence is worth (`node`), and the listeners (`server`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

mod body;
mod cards;
mod client;
mod counts;
mod door;
mod ending;
mod headers;
mod inbound;
mod outbound;
mod refuse;
#[cfg(test)]
mod tests;
mod under_way;
mod watched;

use under_way::UnderWay;

pub use counts::{CallLabels, Counts, DecisionLabels, Direction, Fate, Via};

use crate::edge::config::{Config, InboundRoute, Listen, OutboundRoute};
use crate::ground::name::Issuer;
use crate::ground::verdict::Level;
use crate::io::client::{ClientBuildError, own_agents};
use crate::io::secret_files::Secret;
use crate::node::Node;
use crate::node::rate::{Rate, RateLimit};

/// Addresses of strangers that are counted at once: some megabytes of memory at most.
const MAX_RATED_STRANGERS: usize = 4096;

/// The first segment of every agent's base path.
const AGENT_PREFIX: &str = "/a/";

/// An own agent, and what proves that a request is its.
#[derive(Debug, Clone)]
pub struct AgentSecret {
    /// The agent's name, as the policy and receipts see it.
    pub name: String,
    /// The unguessable part of its base path.
    pub secret: Secret,
}

/// The gateway. Clones share everything.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Arc<Node>,
    agents: Vec<AgentSecret>,
    under_way: UnderWay,
    settings: Settings,
    inbound: Vec<Arc<InboundRoute>>,
    outbound: Vec<Arc<OutboundRoute>>,
    agent_client: reqwest::Client,
    strangers: Option<RateLimit<IpAddr>>,
    room: body::Room,
    counts: Counts,
    /// What is written down after a call's end. Closed from the start, so that waiting ends whenever nothing runs.
    afterwards: TaskTracker,
    runtime: Handle,
}

#[derive(Debug)]
struct Settings {
    public_url: Issuer,
    listen: Listen,
    level: Level,
    body_bytes: usize,
    body_timeout: Duration,
    upstream_timeout: Duration,
}

impl Gateway {
    /// A gateway on these routes. Must be called inside a Tokio runtime.
    pub fn new(config: &Config, node: Arc<Node>, agents: Vec<AgentSecret>) -> Result<Self, ClientBuildError> {
        let per_s = config.limits.stranger_requests_per_s;
        let rate = Rate { per_s, burst: per_s.saturating_mul(2) };
        let afterwards = TaskTracker::new();
        afterwards.close();
        Ok(Self(Arc::new(Inner {
            node,
            under_way: UnderWay::of(agents.iter().map(|agent| agent.name.as_str())),
            agents,
            settings: Settings {
                public_url: config.public_url.clone(),
                listen: config.listen.clone(),
                level: config.evidence.level,
                body_bytes: config.limits.body_bytes,
                body_timeout: config.limits.body_timeout,
                upstream_timeout: config.limits.upstream_timeout,
            },
            inbound: config.inbound.iter().cloned().map(Arc::new).collect(),
            outbound: config.outbound.iter().cloned().map(Arc::new).collect(),
            agent_client: own_agents()?,
            strangers: (per_s > 0).then(|| RateLimit::new(rate, MAX_RATED_STRANGERS)),
            room: body::Room::for_bodies_of(config.limits.body_bytes),
            counts: Counts::default(),
            afterwards,
            runtime: Handle::current(),
        })))
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Waits until every outcome of an ended call is written down. A shutdown comes here once no request runs any more.
    pub async fn settled(&self) {
        self.0.afterwards.wait().await;
    }
}

/// The outbound gateway, for the private listener: everything below `/a/`.
pub fn outbound_router(gateway: Gateway) -> Router {
    Router::new().route("/a/{*call}", any(answer_outbound)).with_state(gateway)
}

/// The inbound gateway, for the public listener: the configured routes, and "not found" for all else. It is meant as
/// the fallback of the listener's own paths.
pub fn inbound_router(gateway: Gateway) -> Router {
    Router::new().fallback(answer_inbound).with_state(gateway)
}

async fn answer_outbound(State(gateway): State<Gateway>, request: Request) -> Response {
    outbound::answer(&gateway, request).await
}

async fn answer_inbound(State(gateway): State<Gateway>, request: Request) -> Response {
    inbound::answer(&gateway, request).await
}
