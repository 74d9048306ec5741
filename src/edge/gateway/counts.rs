//! What is counted where calls and decisions are made. Every label has a closed set of values, so that no stranger can
//! add one.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;

/// From where to where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A peer's agent calls ours.
    Inbound,
    /// Our agent calls a peer's.
    Outbound,
}

impl Direction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It went on.
    Forwarded,
    /// It went on although it would have been refused where the route enforces.
    Observed,
    /// It did not go on.
    Refused,
}

impl Fate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Observed => "observed",
            Self::Refused => "refused",
        }
    }
}

/// Where a decision came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The AuthZEN endpoints.
    Authzen,
    /// `POST /v1/decisions`.
    Api,
    /// The outbound gateway.
    Outbound,
    /// The inbound gateway, or `POST /v1/accept`.
    Inbound,
}

impl Via {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Authzen => "authzen",
            Self::Api => "api",
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// The labels of a counted call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// `inbound`, `outbound`.
    pub direction: &'static str,
    /// `forwarded`, `observed`, `refused`.
    pub fate: &'static str,
    /// The problem's code; `none` when there was none.
    pub code: &'static str,
}

/// The labels of a counted decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DecisionLabels {
    /// `authzen`, `api`, `outbound`, `inbound`.
    pub via: &'static str,
    /// `allow`, `deny`, `escalate`.
    pub effect: &'static str,
}

/// The counters. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    calls: Family<CallLabels, Counter>,
    decisions: Family<DecisionLabels, Counter>,
}

impl Counts {
    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let text = "Calls that came to the gateway, by direction, fate and problem code";
        registry.register("gateway_calls", text, self.calls.clone());
        let text = "Decisions that were made durable, by origin and effect";
        registry.register("decisions", text, self.decisions.clone());
    }

    /// How many calls had these labels.
    pub fn calls(&self, direction: Direction, fate: Fate, problem: Option<ProblemType>) -> u64 {
        self.calls.get(&labels(direction, fate, problem)).map_or(0, |counter| counter.get())
    }

    /// How many decisions had these labels.
    pub fn decisions(&self, via: Via, effect: Effect) -> u64 {
        self.decisions.get(&decision_labels(via, effect)).map_or(0, |counter| counter.get())
    }

    /// A decision is durable.
    pub fn decided(&self, via: Via, effect: Effect) {
        self.decisions.get_or_create(&decision_labels(via, effect)).inc();
    }

    pub(super) fn add(&self, direction: Direction, fate: Fate, problem: Option<ProblemType>) {
        self.calls.get_or_create(&labels(direction, fate, problem)).inc();
    }
}

fn labels(direction: Direction, fate: Fate, problem: Option<ProblemType>) -> CallLabels {
    let code = problem.map_or("none", ProblemType::code);
    CallLabels { direction: direction.as_str(), fate: fate.as_str(), code }
}

fn decision_labels(via: Via, effect: Effect) -> DecisionLabels {
    DecisionLabels { via: via.as_str(), effect: effect.as_str() }
}
