//! Which of a policy's conditions stops it, with the facts that it looked at.
//!
//! A condition is taken apart at its outermost `&&` (of a `when`) or `||` (of an `unless`), and each piece is asked as
//! a policy of its own, in order, so that a piece which guards the next one (`context has amount`) still guards it.

use std::collections::BTreeSet;

use cedar_policy::{Decision, EvalResult, Expression, Policy, PolicySet, eval_expression};
use serde_json::{Value, json};

use super::{Failure, Part};
use crate::ground::policy::engine::Engine;
use crate::ground::policy::facts::{Call, chain};

/// How many pieces held, and the first that did not.
pub(super) fn first_failure(engine: &Engine, call: &Call<'_>, policy: &Policy) -> (usize, Option<Failure>) {
    let json = policy.to_json().unwrap_or_default();
    let conditions = json.get("conditions").and_then(Value::as_array);
    let mut held = 0;
    for condition in conditions.into_iter().flatten() {
        let Some(body) = condition.get("body") else { continue };
        let (part, operator) = match condition.get("kind").and_then(Value::as_str) {
            Some("unless") => (Part::Unless, "||"),
            _ => (Part::When, "&&"),
        };
        for piece in pieces(body, operator) {
            match ask(engine, call, piece) {
                Ok(answer) if answer == (part == Part::When) => held += 1,
                answer => return (held, Some(failure(call, part, piece, answer))),
            }
        }
    }
    (held, None)
}

fn pieces<'a>(body: &'a Value, operator: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut open = vec![body];
    while let Some(next) = open.pop() {
        match next.get(operator).map(|sides| (sides.get("left"), sides.get("right"))) {
            Some((Some(left), Some(right))) => open.extend([right, left]),
            _ => found.push(next),
        }
    }
    found
}

/// A permit for everything under one condition.
fn lone_policy(piece: &Value) -> Option<Policy> {
    let any = json!({ "op": "All" });
    let conditions = json!([{ "kind": "when", "body": piece }]);
    let json = json!({
        "effect": "permit", "principal": any, "action": any, "resource": any, "conditions": conditions,
    });
    Policy::from_json(None, json).ok()
}

fn ask(engine: &Engine, call: &Call<'_>, piece: &Value) -> Result<bool, String> {
    let unreadable = || "this condition cannot be shown on its own".to_owned();
    let set = PolicySet::from_policies(lone_policy(piece)).map_err(|_| unreadable())?;
    if set.is_empty() {
        return Err(unreadable());
    }
    let response = engine.authorizer.is_authorized(&call.request, &set, &call.entities);
    match response.diagnostics().errors().next() {
        Some(cedar_policy::AuthorizationError::PolicyEvaluationError(error)) => Err(chain(error.inner())),
        None => Ok(response.decision() == Decision::Allow),
    }
}

fn failure(call: &Call<'_>, part: Part, piece: &Value, answer: Result<bool, String>) -> Failure {
    let condition = cedar_text(piece);
    let mut text = match (answer, part) {
        (Err(error), _) => format!("its condition `{condition}` fails to evaluate: {error}"),
        (Ok(_), Part::Unless) => format!("it does not apply when `{condition}`, which holds"),
        (Ok(_), _) => format!("it wants `{condition}`, which does not hold"),
    };
    let facts: Vec<String> = paths(piece).iter().filter_map(|path| fact(call, path)).collect();
    if !facts.is_empty() {
        text.push_str(&format!(" ({})", facts.join(", ")));
    }
    Failure { part, text }
}

/// The condition in Cedar's syntax, as the engine writes it.
fn cedar_text(piece: &Value) -> String {
    let text = lone_policy(piece).and_then(|policy| policy.to_cedar()).unwrap_or_default();
    let body = text.split_once("when {").and_then(|(_, rest)| rest.rsplit_once('}')).map(|(body, _)| body);
    let words: Vec<&str> = body.unwrap_or("a condition").split_whitespace().collect();
    words.join(" ")
}

/// Every attribute that the piece reads of principal, resource and context, as Cedar writes it.
fn paths(piece: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![piece];
    while let Some(next) = open.pop() {
        match (path(next), next) {
            (Some(path), _) => {
                found.insert(path);
            }
            (None, Value::Object(members)) => open.extend(members.values()),
            (None, Value::Array(items)) => open.extend(items),
            (None, _) => {}
        }
    }
    found
}

/// `context.args.amount`, if this expression is such a chain and of at least one attribute.
fn path(expression: &Value) -> Option<String> {
    let access = expression.get(".")?;
    let attribute = access.get("attr").and_then(Value::as_str)?;
    let left = access.get("left")?;
    let root = left.get("Var").and_then(Value::as_str).map(ToOwned::to_owned).or_else(|| path(left))?;
    Some(format!("{root}[{}]", Value::from(attribute)))
}

fn fact(call: &Call<'_>, path: &str) -> Option<String> {
    let expression: Expression = path.parse().ok()?;
    let value = eval_expression(&call.request, &call.entities, &expression).ok()?;
    let name = path.replace("[\"", ".").replace("\"]", "");
    // Records and sets can be large, and their members are asked for one by one.
    match value {
        EvalResult::Record(_) => None,
        value => Some(format!("{name} is {value}")),
    }
}
