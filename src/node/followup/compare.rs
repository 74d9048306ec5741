//! Words for observations about answers.

use serde_json::{Value, json};

use crate::ground::kind::Kind;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::payload::Outcome;

/// What the two sides say differently about one call; `None` when they agree.
pub(super) fn compare(executor: &Outcome, caller: &Outcome) -> Option<Value> {
    if executor.agrees_with(caller) {
        return None;
    }
    let said = |outcome: &Outcome| {
        let content = outcome.response.as_ref().and_then(|response| response.content);
        json!({ "jti": outcome.jti, "status": outcome.status, "http_status": outcome.http_status, "content": content })
    };
    Some(json!({ "executor": said(executor), "caller": said(caller) }))
}

/// An answer that was not taken. It is kept whole: it may be what somebody has to explain.
pub(super) fn invalid(kind: Kind, problem: ProblemType, compact: &str) -> Value {
    json!({ "kind": kind, "problem": problem, "receipt": compact })
}
