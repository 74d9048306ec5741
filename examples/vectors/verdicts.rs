//! Whole questions, and the verdict on each.

mod log_checks;
mod moment;
mod question;
mod trust;

use serde_json::{Value, json};

pub(crate) use question::ask;

use super::case::{Case, case, fail};
use super::world::{
    A, ACKNOWLEDGEMENT, DECISION, Log, OUTCOME, RECEIPT_A, RECEIPT_B, ROOT_A, ROOT_B, acknowledgement, decision,
    digest_of, key_set, kid, outcome, signed, signed_key_set, with,
};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = trust::cases();
    cases.extend(moment::cases());
    cases.extend(log_checks::cases());
    cases
}

/// A question with the verdict, the code and the rows that are expected by hand. The rows are written `key=pass`,
/// `key=fail:key_revoked` or `key=not_evaluated:no_key_set`, with spaces between them.
fn asked(name: &str, rules: &str, input: Value, verdict: &str, code: Option<&str>, rows: &str) -> Case {
    let mut expect = json!({"result": verdict, "verdict": ask(&input).unwrap(), "rows": {}});
    if let Some(code) = code {
        expect = with(&expect, "/code", json!(code));
    }
    for row in rows.split_whitespace() {
        let (check, result) = row.split_once('=').unwrap();
        expect = with(&expect, &format!("/rows/{check}"), json!(result));
    }
    case(name, rules, input, expect)
}

/// What is no question.
fn no_question(name: &str, rules: &str, input: Value, code: &str) -> Case {
    case(name, rules, input, fail(code))
}

/// A's decision, whose promise names the head of a log of five entries.
fn logged_decision() -> Value {
    let head = Log::holding(None, 5).head(5);
    with(&with(&decision(), "/log/size", json!(head.size)), "/log/root", json!(head.root))
}

fn signed_decision() -> String {
    signed(DECISION, &logged_decision(), RECEIPT_A)
}

/// Its log: twelve entries, the decision as number 7.
fn log_of(compact: &str) -> Log {
    Log::holding(Some((7, digest_of(compact))), 12)
}

fn trust_a() -> Value {
    json!({"pin": kid(ROOT_A), "key_set": signed_key_set(&key_set(A, ROOT_A), ROOT_A)})
}

fn trust_b() -> Value {
    json!({"pin": kid(ROOT_B), "key_set": signed_key_set(&key_set(super::world::B, ROOT_B), ROOT_B)})
}

/// The question about the decision at the level `signed`, pinned, and nothing else.
fn question() -> Value {
    json!({"receipt": signed_decision(), "level": "signed", "trust": trust_a()})
}

/// The same about B's acknowledgement of it.
fn about_acknowledgement() -> Value {
    let answer = signed(ACKNOWLEDGEMENT, &acknowledgement(&signed_decision()), RECEIPT_B);
    json!({"receipt": answer, "level": "signed", "trust": trust_b(), "decision": signed_decision()})
}

/// The same about B's outcome of it.
fn about_outcome() -> Value {
    let answer = signed(OUTCOME, &outcome(&signed_decision()), RECEIPT_B);
    json!({"receipt": answer, "level": "signed", "trust": trust_b(), "decision": signed_decision()})
}
