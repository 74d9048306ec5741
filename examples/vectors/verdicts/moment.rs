//! Audience, freshness, target, body and relation.

use countersign::ground::crypto::hash::encode_base64url;
use serde_json::{Value, json};

use super::super::case::Case;
use super::super::world::{
    A, ACKNOWLEDGEMENT, B, BODY, DECISION, EPOCH, METHOD, NOW, OUTCOME, RECEIPT_A, RECEIPT_B, TARGET, acknowledgement,
    outcome, signed, with,
};
use super::{
    about_acknowledgement, about_outcome, asked, logged_decision, no_question, question, signed_decision, trust_a,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = times();
    cases.extend(requests());
    cases.extend(bodies());
    cases.extend(responses());
    cases.extend(relations());
    cases
}

/// A question that one check decides.
fn one(name: &str, rules: &str, input: Value, check: &str, code: Option<&str>) -> Case {
    let row = code.map_or(format!("{check}=pass"), |code| format!("{check}=fail:{code}"));
    asked(name, rules, input, if code.is_none() { "valid" } else { "invalid" }, code, &row)
}

/// A question where a check that does not decide is not evaluated.
fn open(name: &str, rules: &str, input: Value, rows: &str) -> Case {
    asked(name, rules, input, "valid", None, rows)
}

fn times() -> Vec<Case> {
    let at = |at: u64, skew: u64| with(&with(&question(), "/at", json!(at)), "/skew_s", json!(skew));
    let held_back = signed(DECISION, &with(&logged_decision(), "/nbf", json!(NOW + 100)), RECEIPT_A);
    let held_back = |seconds: u64| with(&at(NOW + seconds, 0), "/receipt", json!(held_back));
    let fresh = |name: &str, input: Value, code: Option<&str>| one(name, "VERD-11", input, "freshness", code);
    vec![
        one("made out to the verifier", "VERD-10", with(&question(), "/audience", json!(B)), "audience", None),
        one(
            "made out to somebody else",
            "VERD-10",
            with(&question(), "/audience", json!("https://c.example")),
            "audience",
            Some("audience_mismatch"),
        ),
        fresh("the first second", at(NOW, 0), None),
        fresh("a second too early", at(NOW - 1, 0), Some("not_yet_valid")),
        fresh("early within the skew", at(NOW - 5, 5), None),
        fresh("early beyond the skew", at(NOW - 6, 5), Some("not_yet_valid")),
        fresh("the last second", at(NOW + 299, 0), None),
        fresh("the end", at(NOW + 300, 0), Some("expired")),
        fresh("late within the skew", at(NOW + 304, 5), None),
        fresh("late beyond the skew", at(NOW + 305, 5), Some("expired")),
        fresh("before nbf", held_back(99), Some("not_yet_valid")),
        fresh("at nbf", held_back(100), None),
        fresh("an acknowledgement years later", with(&about_acknowledgement(), "/at", json!(NOW + 100_000_000)), None),
        fresh(
            "an acknowledgement from the future",
            with(&about_acknowledgement(), "/at", json!(NOW)),
            Some("not_yet_valid"),
        ),
    ]
}

fn exchange() -> Value {
    let nonce = encode_base64url(&[42; 32]);
    json!({"nonce": nonce, "method": METHOD, "target": TARGET, "body": encode_base64url(BODY)})
}

fn seeing(member: &str, value: Value) -> Value {
    with(&question(), "/exchange", with(&exchange(), &format!("/{member}"), value))
}

fn requests() -> Vec<Case> {
    let moved = |name: &str, rules: &str, member: &str, value: &str| {
        one(name, rules, seeing(member, json!(value)), "target", Some("target_mismatch"))
    };
    let local = with(&with(&logged_decision(), "/aud", json!(A)), "/binding", Value::Null);
    let local = with(&question(), "/receipt", json!(signed(DECISION, &local, RECEIPT_A)));
    let nonceless = with(&question(), "/exchange", json!({"method": METHOD, "target": TARGET}));
    vec![
        asked(
            "the request that it is for",
            "VERD-12 VERD-13",
            with(&question(), "/exchange", exchange()),
            "valid",
            None,
            "target=pass body=pass",
        ),
        moved("another method", "VERD-12 BIND-04 BIND-11", "method", "GET"),
        moved("another path", "VERD-12 BIND-05 BIND-11", "target", "https://b.example/hotel/rpc"),
        moved("a decoded path", "VERD-12 BIND-05", "target", "https://b.example/hotel/rpc?a=/"),
        moved("another operator's address", "VERD-12 BIND-05", "target", "https://c.example/hotel/rpc?a=%2F"),
        asked(
            "another nonce",
            "VERD-12",
            seeing("nonce", json!(EPOCH)),
            "invalid",
            Some("target_mismatch"),
            "target=fail:target_mismatch body=fail:body_mismatch",
        ),
        asked(
            "no nonce",
            "VERD-12 CARR-01",
            nonceless,
            "invalid",
            Some("nonce_missing"),
            "target=fail:nonce_missing body=not_evaluated:blocked_by_failure",
        ),
        no_question(
            "a nonce that is none, and bytes that are no receipt",
            "VERD-27",
            with(&seeing("nonce", json!("AAAA")), "/receipt", json!("x")),
            "nonce_invalid",
        ),
        no_question("a nonce that is none", "VERD-27 BIND-01", seeing("nonce", json!("AAAA")), "nonce_invalid"),
        open("no target given", "VERD-12", seeing("target", Value::Null), "target=not_evaluated:not_asked body=pass"),
        asked(
            "a request against a decision without a binding",
            "VERD-14",
            with(&local, "/exchange", exchange()),
            "invalid",
            Some("binding_missing"),
            "target=fail:binding_missing body=fail:binding_missing",
        ),
        open(
            "a decision without a binding, and no request",
            "VERD-14",
            local,
            "target=not_evaluated:does_not_apply body=not_evaluated:does_not_apply",
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let binding = logged_decision().pointer("/binding/target").unwrap().clone();
    let unbound = with(&logged_decision(), "/binding", json!({"body": "unbound", "target": binding}));
    let unbound = signed(DECISION, &unbound, RECEIPT_A);
    let demanding = |input: &Value| with(input, "/exchange/demand_body", json!(true));
    let unseen = seeing("body", Value::Null);
    let streamed = with(&seeing("body", json!(encode_base64url(BODY))), "/receipt", json!(unbound));
    vec![
        one(
            "another body",
            "VERD-13 BIND-06",
            seeing("body", json!(encode_base64url(b"{}"))),
            "body",
            Some("body_mismatch"),
        ),
        one("the empty body", "VERD-13 BIND-06", seeing("body", json!("")), "body", Some("body_mismatch")),
        one(
            "a bound body where one is demanded",
            "VERD-13 BIND-07",
            demanding(&seeing("demand_body", json!(false))),
            "body",
            None,
        ),
        open(
            "a bound body that was not seen",
            "VERD-13",
            unseen.clone(),
            "target=pass body=not_evaluated:body_not_seen",
        ),
        one(
            "a body that was not seen and is demanded",
            "VERD-13 BIND-07",
            demanding(&unseen),
            "body",
            Some("body_unbound"),
        ),
        open("an unbound body", "VERD-13 BIND-07", streamed.clone(), "target=pass body=not_evaluated:unbound"),
        one(
            "an unbound body where a bound one is demanded",
            "VERD-13 BIND-07",
            demanding(&streamed),
            "body",
            Some("body_unbound"),
        ),
    ]
}

fn responses() -> Vec<Case> {
    let seen = |body: &[u8]| {
        let exchange = json!({"nonce": encode_base64url(&[42; 32]), "response": encode_base64url(body)});
        with(&about_outcome(), "/exchange", exchange)
    };
    let changed = |pointer: &str, member: Value| {
        let payload = with(&outcome(&signed_decision()), pointer, member);
        with(&about_outcome(), "/receipt", json!(signed(OUTCOME, &payload, RECEIPT_B)))
    };
    let silent = with(&with(&outcome(&signed_decision()), "/response", Value::Null), "/http_status", Value::Null);
    let silent = signed(OUTCOME, &with(&silent, "/status", json!("unreachable")), RECEIPT_B);
    vec![
        one("the response of an outcome", "VERD-15 BIND-08", seen(b"done"), "body", None),
        one("another response", "VERD-15 BIND-08", seen(b"gone"), "body", Some("body_mismatch")),
        open(
            "a response that was not given",
            "VERD-15",
            about_outcome(),
            "target=not_evaluated:does_not_apply body=not_evaluated:not_asked relation=pass",
        ),
        open(
            "an unbound response",
            "VERD-15",
            changed("/response", json!({"body": "unbound"})),
            "body=not_evaluated:unbound",
        ),
        open(
            "no response",
            "VERD-15",
            with(&about_outcome(), "/receipt", json!(silent)),
            "body=not_evaluated:does_not_apply",
        ),
        open(
            "an acknowledgement has no target",
            "VERD-15",
            with(&about_acknowledgement(), "/exchange", exchange()),
            "target=not_evaluated:does_not_apply body=not_evaluated:does_not_apply",
        ),
    ]
}

fn relations() -> Vec<Case> {
    let relation = |name: &str, input: Value, code: Option<&str>| one(name, "VERD-17 DELV-11", input, "relation", code);
    let answer = |pointer: &str, member: Value| {
        let payload = with(&acknowledgement(&signed_decision()), pointer, member);
        with(&about_acknowledgement(), "/receipt", json!(signed(ACKNOWLEDGEMENT, &payload, RECEIPT_B)))
    };
    let other = signed(DECISION, &with(&logged_decision(), "/effect", json!("deny")), RECEIPT_A);
    let by_caller = with(&outcome(&signed_decision()), "/observer", json!("caller"));
    let own = with(&with(&by_caller, "/iss", json!(A)), "/aud", json!(B));
    let own = json!({"receipt": signed(OUTCOME, &own, RECEIPT_A), "level": "signed", "trust": trust_a(), "decision": signed_decision()});
    let swapped = with(&about_outcome(), "/receipt", json!(signed(OUTCOME, &by_caller, RECEIPT_B)));
    let jti = "01932f3c-7b1a-7c3e-9f00-0123456789af";
    let (issuer, another) = (Some("acknowledgement_issuer"), Some("acknowledgement_other"));
    vec![
        relation("the acknowledgement of the decision", about_acknowledgement(), None),
        relation("the outcome of the decision", about_outcome(), None),
        relation("the caller's own outcome", own, None),
        relation("a caller's outcome from the executor", swapped, issuer),
        relation("an acknowledgement made out to somebody else", answer("/aud", json!("https://c.example")), issuer),
        relation("an acknowledgement of another digest", answer("/receipt/digest", json!(EPOCH)), another),
        relation("an acknowledgement of another jti", answer("/receipt/jti", json!(jti)), another),
        relation(
            "an acknowledgement of another decision",
            with(&about_acknowledgement(), "/decision", json!(other)),
            another,
        ),
        relation(
            "an acknowledgement of a decision that was for somebody else",
            with(
                &about_acknowledgement(),
                "/decision",
                json!(signed(DECISION, &with(&logged_decision(), "/aud", json!("https://c.example")), RECEIPT_A)),
            ),
            issuer,
        ),
        no_question(
            "a decision that is no receipt",
            "VERD-27 VERD-17",
            with(&about_acknowledgement(), "/decision", json!("x")),
            "request_malformed",
        ),
        no_question(
            "an acknowledgement for a decision",
            "VERD-27 VERD-17",
            with(&about_outcome(), "/decision", about_acknowledgement()["receipt"].clone()),
            "request_malformed",
        ),
        open(
            "no decision given",
            "VERD-17",
            with(&about_acknowledgement(), "/decision", Value::Null),
            "relation=not_evaluated:not_asked",
        ),
    ]
}
