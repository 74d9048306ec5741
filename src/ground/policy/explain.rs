//! Why an evaluation came out as it did, for people: the rules that decided, and the permit that came nearest.
//!
//! Out of scope: anything that counts. An explanation never stands in a receipt, and may quote facts.

mod condition;
mod scope;

use std::fmt;

use cedar_policy::{Effect as CedarEffect, Policy};
use serde::Serialize;

use crate::ground::effect::{Effect, Reason};
use crate::ground::policy::engine::{Engine, Evaluation};
use crate::ground::policy::facts::Call;
use crate::ground::policy::fault::Location;
use crate::ground::policy::rules::Rule;
use crate::ground::question::Request;

/// An evaluation with what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The evaluation, exactly as [`Engine::evaluate`] gives it.
    pub evaluation: Evaluation,
    /// The policies that determined it, sorted by id.
    pub rules: Vec<DecidingRule>,
    /// When nothing permits the request: the permit that came nearest, if there is any permit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestPermit>,
}

/// A policy that determined an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecidingRule {
    /// Its id.
    pub id: String,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Its `@reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it begins.
    pub at: Location,
}

/// A permit that does not apply, and what stands in its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearestPermit {
    /// Its id.
    pub id: String,
    /// Its `@reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it begins.
    pub at: Location,
    /// The parts that fit the request.
    pub fits: Vec<Part>,
    /// The first thing that does not.
    pub fails: Failure,
}

/// A part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Whom the policy is for.
    Principal,
    /// Which actions it is about.
    Action,
    /// What it is about.
    Resource,
    /// A condition that must hold.
    When,
    /// A condition that must not hold.
    Unless,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::When => "when",
            Self::Unless => "unless",
        })
    }
}

/// What does not fit, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The part.
    pub part: Part,
    /// Such as "it is for actions in `Action::\"a2a.read\"`, and this is `Action::\"a2a.cancel_task\"`".
    pub text: String,
}

impl Engine {
    /// Evaluates and says why (POL-20, POL-21).
    pub fn explain(&self, request: &Request) -> Explanation {
        let Ok(call) = Call::prepare(self, request) else {
            return Explanation { evaluation: self.evaluate(request), rules: Vec::new(), nearest: None };
        };
        let evaluation = self.decide(&call);
        let rules = evaluation.policies.iter().filter_map(|id| self.rules.by_id.get(id).map(|rule| deciding(id, rule)));
        let rules = rules.collect();
        let judged = evaluation.effect == Effect::Deny && !evaluation.reasons.contains(&Reason::EngineError);
        let nearest = if judged { self.nearest(&call) } else { None };
        Explanation { evaluation, rules, nearest }
    }

    /// The permit with the fewest things in its way; among equals one of this action, then the one that gets furthest,
    /// then the first by id. `None` as well when a permit applies and only forbids stand against the request.
    fn nearest(&self, call: &Call<'_>) -> Option<NearestPermit> {
        let mut trials = Vec::new();
        for policy in self.rules.all.policies().filter(|policy| policy.effect() == CedarEffect::Permit) {
            let trial = Trial::of(self, call, policy);
            if trial.failures.is_empty() {
                return None;
            }
            trials.push(trial);
        }
        let best = trials.into_iter().min_by(|a, b| a.rank().cmp(&b.rank()))?;
        let rule = self.rules.by_id.get(&best.id)?;
        let fails = best.failures.into_iter().next()?;
        Some(NearestPermit { id: best.id, reason: rule.reason.clone(), at: rule.at.clone(), fits: best.fits, fails })
    }
}

fn deciding(id: &str, rule: &Rule) -> DecidingRule {
    let effect = match rule.effect {
        CedarEffect::Permit => "permit",
        CedarEffect::Forbid => "forbid",
    };
    DecidingRule { id: id.to_owned(), effect, reason: rule.reason.clone(), at: rule.at.clone() }
}

/// One permit held against the request, part by part.
struct Trial {
    id: String,
    fits: Vec<Part>,
    failures: Vec<Failure>,
    steps: usize,
}

impl Trial {
    fn of(engine: &Engine, call: &Call<'_>, policy: &Policy) -> Self {
        let id: &str = policy.id().as_ref();
        let mut trial = Self { id: id.to_owned(), fits: Vec::new(), failures: Vec::new(), steps: 0 };
        trial.judge(Part::Action, scope::action(call, &policy.action_constraint()));
        trial.judge(Part::Principal, scope::principal(call, &policy.principal_constraint()));
        trial.judge(Part::Resource, scope::resource(call, &policy.resource_constraint()));
        let (steps, failure) = condition::first_failure(engine, call, policy);
        trial.steps = steps;
        trial.failures.extend(failure);
        trial
    }

    fn judge(&mut self, part: Part, failure: Option<String>) {
        match failure {
            Some(text) => self.failures.push(Failure { part, text }),
            None => self.fits.push(part),
        }
    }

    fn rank(&self) -> (usize, bool, std::cmp::Reverse<usize>, &str) {
        (self.failures.len(), !self.fits.contains(&Part::Action), std::cmp::Reverse(self.steps), &self.id)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = self.evaluation.reasons.iter().map(|reason| reason.as_str()).collect();
        write!(f, "{} ({})", self.evaluation.effect, codes.join(", "))?;
        if let Some(approval) = &self.evaluation.approval {
            write!(f, ": `{}` has to approve", approval.by)?;
        }
        for error in &self.evaluation.errors {
            write!(f, "\n  {error}")?;
        }
        for rule in &self.rules {
            write!(f, "\n  {} `{}` at {}", rule.effect, rule.id, rule.at)?;
            write_reason(f, rule.reason.as_deref())?;
        }
        let Some(nearest) = &self.nearest else { return Ok(()) };
        write!(f, "\n  nearest permit: `{}` at {}", nearest.id, nearest.at)?;
        write_reason(f, nearest.reason.as_deref())?;
        write!(f, "\n    {}", nearest.fails.text)
    }
}

fn write_reason(f: &mut fmt::Formatter<'_>, reason: Option<&str>) -> fmt::Result {
    reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
}
