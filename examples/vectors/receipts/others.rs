//! Members of acknowledgements, outcomes and configurations.

use serde_json::{Value, json};

use super::super::case::{Case, case};
use super::super::world::{
    A, ACKNOWLEDGEMENT, CONFIGURATION, DECISION, EPOCH, OUTCOME, RECEIPT_A, RECEIPT_B, acknowledgement, configuration,
    decision, digest_of, outcome, signed, with,
};
use super::strings::invalid;

pub(super) fn cases() -> Vec<Case> {
    let about = signed(DECISION, &decision(), RECEIPT_A);
    let answer = |name: &str, rules: &str, pointer: &str, member: Value| {
        invalid(name, rules, ACKNOWLEDGEMENT, &with(&acknowledgement(&about), pointer, member), RECEIPT_B)
    };
    let came = |name: &str, rules: &str, pointer: &str, member: Value| {
        invalid(name, rules, OUTCOME, &with(&outcome(&about), pointer, member), RECEIPT_B)
    };
    let epoch = |name: &str, rules: &str, pointer: &str, member: Value| {
        invalid(name, rules, CONFIGURATION, &with(&configuration(), pointer, member), RECEIPT_B)
    };
    let without_response = with(&with(&outcome(&about), "/http_status", Value::Null), "/response", Value::Null);
    let unreachable = with(&without_response, "/status", json!("unreachable"));
    let caller = with(&with(&unreachable, "/observer", json!("caller")), "/acknowledgement", Value::Null);
    let caller =
        signed(OUTCOME, &with(&with(&caller, "/iss", json!(A)), "/aud", json!("https://b.example")), RECEIPT_A);
    vec![
        answer("an acknowledgement that escalates without an approval", "RCPT-31", "/effect", json!("escalate")),
        answer("an acknowledgement without a reason", "RCPT-31", "/reasons", json!([])),
        answer("an acknowledgement with unsorted policies", "RCPT-31", "/policies", json!(["b", "a"])),
        answer("another mode", "RCPT-30", "/mode", json!("off")),
        answer("an acknowledgement of nothing", "RCPT-10", "/receipt", Value::Null),
        answer("an acknowledgement that expires", "RCPT-10", "/exp", json!(1_800_000_300)),
        came("an executor that names no acknowledgement", "RCPT-32", "/acknowledgement", Value::Null),
        came("a response without a status", "RCPT-33", "/http_status", Value::Null),
        came("a status without a response", "RCPT-33", "/response", Value::Null),
        came("a response of an agent that was not reached", "RCPT-33", "/status", json!("unreachable")),
        invalid("a completed call without a response", "RCPT-33", OUTCOME, &without_response, RECEIPT_B),
        came("the status 99", "RCPT-33", "/http_status", json!(99)),
        came("the status 600", "RCPT-33", "/http_status", json!(600)),
        came("a bound response without a commitment", "RCPT-34", "/response/content", Value::Null),
        came("an unbound response with a commitment", "RCPT-34", "/response/body", json!("unbound")),
        came("another observer", "RCPT-30", "/observer", json!("auditor")),
        case(
            "a caller that reached nobody",
            "RCPT-32 RCPT-33",
            json!({"receipt": caller}),
            json!({"result": "pass", "kind": "outcome", "digest": digest_of(&caller)}),
        ),
        epoch("a configuration for somebody else", "RCPT-35", "/aud", json!(A)),
        epoch("epoch 0", "RCPT-36", "/number", json!(0)),
        epoch("epoch 2 without the one before", "RCPT-36", "/number", json!(2)),
        epoch("epoch 1 with one before", "RCPT-36", "/before", json!(EPOCH)),
        epoch("another event", "RCPT-30", "/event", json!("stop")),
    ]
}
