//! Evidence bundles: their form, and what comes of them under pins.

use countersign::ground::canonical;
use countersign::ground::crypto::hash::encode_base64url;
use countersign::ground::log::tile::build_consistency;
use serde_json::{Value, json};

use super::case::{Case, case, fail};
use super::proofs;
use super::world::{
    A, ACKNOWLEDGEMENT, B, BODY, DECISION, LOG_A, Log, METHOD, NOW, OUTCOME, RECEIPT_A, RECEIPT_B, ROOT_A, ROOT_B,
    STRANGER, TARGET, acknowledgement, decision, digest_of, key_set, kid, outcome, signed, signed_key_set, undated,
    with,
};

fn receipt() -> String {
    signed(DECISION, &decision(), RECEIPT_A)
}

fn key_sets() -> Value {
    json!([signed_key_set(&key_set(A, ROOT_A), ROOT_A), signed_key_set(&key_set(B, ROOT_B), ROOT_B)])
}

/// The item of a receipt of A, with a proof from a log of twelve that holds it as number 7.
fn logged(receipt: &str) -> Value {
    let log = Log::holding(Some((7, digest_of(receipt))), 12);
    json!({"receipt": receipt, "proof": proofs::file(&log, 7, 12, NOW + 10)})
}

fn bundle(items: &Value) -> Value {
    json!({"created": NOW + 1000, "format": "countersign-bundle-v1", "items": items, "key_sets": key_sets()})
}

/// Decision, acknowledgement and outcome of one call, with what was exchanged.
fn story() -> Value {
    let compact = receipt();
    let request = json!({"method": METHOD, "target": TARGET, "body": encode_base64url(BODY)});
    let item = with(&logged(&compact), "/nonce", json!(encode_base64url(&[42; 32])));
    let item = with(&item, "/request", request);
    let answer = signed(ACKNOWLEDGEMENT, &acknowledgement(&compact), RECEIPT_B);
    let came = signed(OUTCOME, &outcome(&compact), RECEIPT_B);
    let response = json!({"body": encode_base64url(b"done")});
    json!([item, {"receipt": answer}, {"receipt": came, "response": response}])
}

/// The canonical form, so that the text does not depend on how a build keeps objects.
fn text_of(bundle: &Value) -> String {
    String::from_utf8(canonical::to_vec(bundle).unwrap()).unwrap()
}

fn input(bundle: &Value, level: &str) -> Value {
    json!({"bundle": text_of(bundle), "pins": {A: kid(ROOT_A), B: kid(ROOT_B)}, "level": level})
}

fn judged(name: &str, rules: &str, input: Value, result: &str, items: &[&str], findings: &[&str]) -> Case {
    case(name, rules, input, json!({"result": result, "items": items, "findings": findings}))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = forms();
    cases.extend(trust());
    cases.extend(contents());
    cases.extend(findings());
    cases
}

fn forms() -> Vec<Case> {
    let good = bundle(&story());
    let text = |name: &str, rules: &str, text: String| {
        let input = with(&input(&good, "signed"), "/bundle", json!(text));
        case(name, rules, input, fail("bundle_malformed"))
    };
    let changed = |name: &str, rules: &str, pointer: &str, member: Value| {
        text(name, rules, text_of(&with(&good, pointer, member)))
    };
    let spaced = text_of(&good).replace(",\"", ",\n  \"");
    let null = text_of(&with(&good, "/items/0/proof", json!("absent"))).replacen("\"absent\"", "null", 1);
    let of = |items: Vec<Value>| json!(items);
    let written = |pointer: &str, spelling: &str| {
        text_of(&with(&good, pointer, json!("spelled"))).replacen("\"spelled\"", spelling, 1)
    };
    vec![
        judged(
            "a bundle with white space",
            "BNDL-01",
            with(&input(&good, "signed"), "/bundle", json!(spaced)),
            "valid",
            &["valid", "valid", "valid"],
            &[],
        ),
        text("no JSON", "BNDL-01", "x".to_owned()),
        text("a member twice", "BNDL-01", text_of(&good).replacen('{', "{\"created\":1,", 1)),
        text("bytes after the document", "BNDL-01", text_of(&good) + "x"),
        changed("an unknown member", "BNDL-02", "/quorum", json!("none")),
        changed("an unknown member of an item", "BNDL-02", "/items/0/trust", json!(true)),
        changed("a missing member", "BNDL-02", "/created", Value::Null),
        changed("another format", "BNDL-02", "/format", json!("countersign-bundle-v2")),
        text("null for an absent member", "BNDL-02", null),
        text("half a surrogate pair", "BNDL-01 JSON-05", written("/items/1/receipt", r#""\ud800""#)),
        text("an escaped noncharacter", "BNDL-01 JSON-05", written("/items/1/receipt", r#""\ufffe""#)),
        text("a time with an exponent", "BNDL-02 RCPT-13", written("/created", "18e8")),
        text("a time with a fraction of zero", "BNDL-02 RCPT-13", written("/created", "1800000000.0")),
        text("a time of minus zero", "BNDL-02 RCPT-13", written("/created", "-0")),
        text("a time beyond 2^53 - 1 in a bundle", "BNDL-02 JSON-07", written("/created", "9007199254740992")),
        text("33 levels in a bundle", "BNDL-01 JSON-06", written("/created", &("[".repeat(32) + &"]".repeat(32)))),
        text("a number that is infinite in a bundle", "BNDL-01 JSON-07", written("/created", "1e400")),
        changed("no items", "BNDL-03", "/items", json!([])),
        changed("10001 items", "BNDL-03", "/items", of(vec![json!({"receipt": ""}); 10_001])),
        changed("257 key sets", "BNDL-03", "/key_sets", of(vec![json!("x"); 257])),
        changed("a nonce of 31 bytes", "BNDL-04", "/items/0/nonce", json!(encode_base64url(&[1; 31]))),
        changed("a body with padding", "BNDL-04", "/items/0/request/body", json!("AA==")),
        changed("an empty method", "BNDL-04", "/items/0/request/method", json!("")),
        changed("a target of 8193 characters", "BNDL-04", "/items/0/request/target", json!("x".repeat(8193))),
        changed("64 hashes in a proof", "BNDL-04 LOG-24", "/items/0/head_proof", of(vec![json!(kid(ROOT_A)); 64])),
    ]
}

fn trust() -> Vec<Case> {
    let good = bundle(&json!([logged(&receipt())]));
    let with_key_sets = |key_sets: Value| input(&with(&good, "/key_sets", key_sets), "signed");
    let own = signed_key_set(&key_set(A, ROOT_A), ROOT_A);
    let forged = signed_key_set(&key_set(A, ROOT_B), ROOT_B);
    let next = |iat: u64| {
        let next = with(&with(&key_set(A, ROOT_A), "/number", json!(2)), "/previous", json!(digest_of(&own)));
        signed_key_set(&with(&next, "/iat", json!(iat)), ROOT_A)
    };
    let moved = with(&key_set(A, ROOT_A), "/keys", json!([key_set(A, ROOT_B)["keys"][0]]));
    let moved = with(&with(&moved, "/number", json!(2)), "/previous", json!(digest_of(&own)));
    let rekeyed = with(&key_set(A, ROOT_A), "/keys", json!([key_set(A, ROOT_B)["keys"][0]]));
    let rekeyed = signed_key_set(&rekeyed, ROOT_A);
    let forged_next = with(&with(&key_set(A, ROOT_B), "/number", json!(2)), "/previous", json!(digest_of(&forged)));
    let forged_next = signed_key_set(&forged_next, ROOT_B);
    let late = key_set(A, ROOT_A);
    let late = signed_key_set(&with(&late, "/iat", json!(NOW)), ROOT_A);
    let unsigned = format!("{}.{}", own.rsplit_once('.').unwrap().0, own.rsplit_once('.').unwrap().1.to_lowercase());
    let unsigned = unsigned.get(..unsigned.len() - 2).unwrap().to_owned() + "AA";
    let without_pin = |key_sets: Value| with(&with_key_sets(key_sets), "/pins", json!({}));
    let one = |name: &str, rules: &str, input: Value, result: &str| judged(name, rules, input, result, &[result], &[]);
    vec![
        one("a pinned operator", "BNDL-06", with_key_sets(json!([own])), "valid"),
        one("nobody pinned", "BNDL-06 VERD-23", without_pin(json!([own])), "undetermined"),
        one("two roots and no pin", "BNDL-06", without_pin(json!([own, forged])), "undetermined"),
        one("a forger's key set beside the right one", "BNDL-06", with_key_sets(json!([forged, own])), "valid"),
        one("only a forger's key set", "BNDL-06", with_key_sets(json!([forged])), "invalid"),
        one("only a broken key set of the operator", "BNDL-06", with_key_sets(json!([unsigned])), "invalid"),
        one("a broken key set beside the right one", "BNDL-06", with_key_sets(json!([unsigned, own])), "valid"),
        one("only a broken key set of nobody", "BNDL-06", with_key_sets(json!(["x"])), "undetermined"),
        one("a broken key set, and no pin", "BNDL-06", without_pin(json!([unsigned])), "undetermined"),
        one("the very same key set twice", "BNDL-06", with_key_sets(json!([own, own])), "valid"),
        one("two key sets of one number and no pin", "BNDL-06", without_pin(json!([rekeyed, own])), "undetermined"),
        one(
            "of two key sets of one number the last, without a pin",
            "BNDL-06",
            without_pin(json!([own, rekeyed])),
            "invalid",
        ),
        one(
            "two roots, the forger's later, and no pin",
            "BNDL-06",
            without_pin(json!([own, forged_next])),
            "undetermined",
        ),
        judged(
            "two key sets of one number below a later one",
            "BNDL-06 BNDL-10",
            with_key_sets(json!([own, late, next(NOW)])),
            "invalid",
            &["invalid"],
            &["key_set_twice"],
        ),
        judged(
            "three key sets of one number are one finding",
            "BNDL-10",
            with_key_sets(json!([
                own,
                late,
                signed_key_set(&with(&key_set(A, ROOT_A), "/iat", json!(NOW + 1)), ROOT_A)
            ])),
            "invalid",
            &["invalid"],
            &["key_set_twice"],
        ),
        one("no key set", "BNDL-06", with_key_sets(json!([])), "undetermined"),
        one(
            "the latest key set counts",
            "BNDL-06",
            with_key_sets(json!([signed_key_set(&moved, ROOT_A), own])),
            "invalid",
        ),
        judged(
            "two key sets of one number",
            "BNDL-06 BNDL-10",
            with_key_sets(json!([own, next(NOW), next(NOW + 1)])),
            "invalid",
            &["invalid"],
            &["key_set_twice"],
        ),
    ]
}

fn contents() -> Vec<Case> {
    let good = bundle(&story());
    let all = ["valid", "valid", "valid"];
    let change = |pointer: &str, member: Value| input(&with(&good, pointer, member), "signed");
    let other = encode_base64url(b"{}");
    let swapped = signed(DECISION, &with(&decision(), "/effect", json!("deny")), RECEIPT_A);
    let closed = with(&with(&good, "/items/0/nonce", Value::Null), "/items/0/request/body", json!(other));
    let nonce = encode_base64url(&[42; 32]);
    let local = with(&with(&decision(), "/binding", Value::Null), "/aud", json!(A));
    let local = signed(DECISION, &local, RECEIPT_A);
    let stranger = [("/iss", B), ("/aud", A)];
    let stranger = stranger.iter().fold(decision(), |payload, (at, name)| with(&payload, at, json!(name)));
    let stranger = signed(DECISION, &with(&stranger, "/log/origin", json!("b.example/log")), RECEIPT_B);
    let with_response_at = |item: usize, body: &[u8]| {
        let moved = with(&good, "/items/2/response", Value::Null);
        let response = json!({"body": encode_base64url(body)});
        input(&with(&moved, &format!("/items/{item}/response"), response), "signed")
    };
    let included = input(&bundle(&json!([logged(&receipt())])), "included");
    let broken = with(&good, "/items/1/receipt", json!("x"));
    vec![
        judged("a whole call", "BNDL-04 BNDL-08 BNDL-09", input(&good, "signed"), "valid", &all, &[]),
        judged("a decision in the log", "BNDL-04", included.clone(), "valid", &["valid"], &[]),
        judged(
            "answers without proofs where they are required",
            "BNDL-07 BNDL-09",
            input(&good, "included"),
            "undetermined",
            &["valid", "undetermined", "undetermined"],
            &[],
        ),
        judged(
            "no quorum in the file",
            "BNDL-07",
            with(&included, "/level", json!("witnessed")),
            "undetermined",
            &["undetermined"],
            &[],
        ),
        judged(
            "a receipt that is none",
            "BNDL-05 BNDL-09",
            input(&broken, "signed"),
            "invalid",
            &["valid", "invalid", "valid"],
            &[],
        ),
        judged(
            "a key set that is none beside the others",
            "BNDL-05",
            change("/key_sets", json!(["x", key_sets()[0], key_sets()[1]])),
            "valid",
            &all,
            &[],
        ),
        judged(
            "another request body",
            "BNDL-08",
            change("/items/0/request/body", json!(other)),
            "invalid",
            &["invalid", "valid", "valid"],
            &[],
        ),
        judged(
            "another response body",
            "BNDL-08",
            change("/items/2/response/body", json!(other)),
            "invalid",
            &["valid", "valid", "invalid"],
            &[],
        ),
        judged("what no nonce opens is not judged", "BNDL-08 BNDL-12", input(&closed, "signed"), "valid", &all, &[]),
        judged(
            "another decision in the place of the right one",
            "BNDL-08",
            change("/items/0", json!({"receipt": swapped})),
            "invalid",
            &["valid", "invalid", "invalid"],
            &[],
        ),
        judged("a nonce without a request", "BNDL-08", change("/items/0/request", Value::Null), "valid", &all, &[]),
        judged(
            "the nonce of a decision without a binding",
            "BNDL-08",
            input(&bundle(&json!([{"receipt": local, "nonce": nonce}])), "signed"),
            "valid",
            &["valid"],
            &[],
        ),
        judged(
            "a request for a decision without a binding",
            "BNDL-08 VERD-14",
            input(
                &bundle(&json!([{"receipt": local, "nonce": nonce, "request": {"method": METHOD, "target": TARGET}}])),
                "signed",
            ),
            "invalid",
            &["invalid"],
            &[],
        ),
        judged(
            "the response beside the decision",
            "BNDL-08",
            with_response_at(0, b"gone"),
            "invalid",
            &["valid", "valid", "invalid"],
            &[],
        ),
        judged(
            "a nonce of the outcome's own",
            "BNDL-08",
            change("/items/2/nonce", json!(encode_base64url(&[43; 32]))),
            "invalid",
            &["valid", "valid", "invalid"],
            &[],
        ),
        judged(
            "another decision in the place of a caller's",
            "BNDL-08",
            input(&bundle(&json!([{"receipt": swapped}, differing()[2]])), "signed"),
            "invalid",
            &["valid", "invalid"],
            &[],
        ),
        judged(
            "a decision of another issuer with the same jti",
            "BNDL-08",
            input(&bundle(&json!([{"receipt": stranger}, story()[1]])), "signed"),
            "valid",
            &["valid", "valid"],
            &[],
        ),
        judged("an answer alone", "BNDL-12", input(&bundle(&json!([story()[1]])), "signed"), "valid", &["valid"], &[]),
        judged(
            "outcomes that differ",
            "BNDL-11",
            input(&bundle(&differing()), "signed"),
            "valid",
            &["valid", "valid", "valid"],
            &[],
        ),
    ]
}

/// A decision, the executor's outcome, and a caller that saw another status.
fn differing() -> Value {
    let compact = receipt();
    let executor = outcome(&compact);
    let caller = [("/observer", json!("caller")), ("/iss", json!(A)), ("/aud", json!(B)), ("/http_status", json!(500))];
    let caller =
        caller.iter().fold(executor.clone(), |payload, (pointer, member)| with(&payload, pointer, member.clone()));
    json!([{"receipt": compact}, {"receipt": signed(OUTCOME, &executor, RECEIPT_B)}, {"receipt": signed(OUTCOME, &caller, RECEIPT_A)}])
}

/// A proof for number 7 of a log that holds the receipt there, under the log's signature alone.
fn undated_file(receipt: &str, size: usize, seed: u8) -> String {
    let log = Log::holding(Some((7, digest_of(receipt))), size);
    let note = undated("a.example/log", log.head(size), seed).to_string();
    let file = proofs::file(&log, 7, size, NOW);
    format!("{}\n\n{note}", file.split_once("\n\n").unwrap().0)
}

fn shown(receipt: &str, seed: u8) -> Value {
    json!({"receipt": receipt, "proof": undated_file(receipt, 12, seed)})
}

fn findings() -> Vec<Case> {
    let one = receipt();
    let twin = signed(DECISION, &with(&decision(), "/effect", json!("deny")), RECEIPT_A);
    let second = with(&decision(), "/jti", json!("01932f3c-7b1a-7c3e-9f00-0123456789b0"));
    let second = signed(DECISION, &second, RECEIPT_A);
    let larger = Log::holding(Some((7, digest_of(&second))), 13);
    let larger = json!({"receipt": second, "proof": proofs::file(&larger, 7, 13, NOW + 20)});
    let stranger = signed(DECISION, &with(&decision(), "/effect", json!("deny")), RECEIPT_B);
    let both = ["valid", "valid"];
    let third = signed(DECISION, &with(&decision(), "/policies", json!([])), RECEIPT_A);
    let last = with(&decision(), "/jti", json!("01932f3c-7b1a-7c3e-9f00-0123456789b1"));
    let last = signed(DECISION, &last, RECEIPT_A);
    let undated_larger = with(&shown(&second, LOG_A), "/proof", json!(undated_file(&second, 13, LOG_A)));
    let under = |document: Value, items: &Value| {
        let key_sets = json!([signed_key_set(&document, ROOT_A), key_sets()[1]]);
        input(&with(&bundle(items), "/key_sets", key_sets), "signed")
    };
    let inactive = with(&key_set(A, ROOT_A), "/keys/0", with(&key_set(A, ROOT_A)["keys"][0], "/since", json!(NOW + 1)));
    let ended = |state: &str| {
        let entry = with(&key_set(A, ROOT_A)["keys"][1], "/state", json!(state));
        let entry = with(&entry, "/until", json!(NOW));
        let reason = if state == "revoked" { json!("stolen") } else { Value::Null };
        with(&key_set(A, ROOT_A), "/keys/1", with(&entry, "/reason", reason))
    };
    let linked =
        with(&logged(&one), "/head_proof", json!(build_consistency(0, 12, &Log::holding(None, 12).tiles).unwrap()));
    let found = |name: &str, items: Value, findings: &[&str]| {
        judged(name, "BNDL-09 BNDL-10", input(&bundle(&items), "signed"), "invalid", &both, findings)
    };
    vec![
        found("two receipts with one jti", json!([{"receipt": one}, {"receipt": twin}]), &["receipt_id_twice"]),
        found("two roots of one size", json!([logged(&one), logged(&second)]), &["fork", "leaf_twice"]),
        found("two leaves at one index", json!([logged(&one), larger]), &["leaf_twice"]),
        judged(
            "two leaves at one index, one of them twice",
            "BNDL-10",
            input(&bundle(&json!([logged(&one), larger, larger])), "signed"),
            "invalid",
            &["valid", "valid", "valid"],
            &["leaf_twice"],
        ),
        judged(
            "three receipts with one jti",
            "BNDL-10",
            input(
                &bundle(&json!([{"receipt": one}, {"receipt": twin}, {"receipt": third}, {"receipt": twin}])),
                "signed",
            ),
            "invalid",
            &["valid", "valid", "valid", "valid"],
            &["receipt_id_twice", "receipt_id_twice"],
        ),
        judged(
            "one receipt twice",
            "BNDL-10",
            input(&bundle(&json!([logged(&one), logged(&one)])), "included"),
            "valid",
            &both,
            &[],
        ),
        judged(
            "two receipts with one jti under a key that was not active",
            "BNDL-10",
            under(inactive, &json!([{"receipt": one}, {"receipt": twin}])),
            "invalid",
            &["invalid", "invalid"],
            &[],
        ),
        found("a twin in a fork", json!([logged(&one), logged(&twin)]), &["receipt_id_twice", "fork", "leaf_twice"]),
        found("a fork without dates", json!([shown(&one, LOG_A), shown(&second, LOG_A)]), &["fork"]),
        judged(
            "three roots of one size",
            "BNDL-10",
            input(&bundle(&json!([shown(&one, LOG_A), shown(&second, LOG_A), shown(&last, LOG_A)])), "signed"),
            "invalid",
            &["valid", "valid", "valid"],
            &["fork", "fork"],
        ),
        judged(
            "a fork under a stranger's key",
            "BNDL-10",
            input(&bundle(&json!([shown(&one, STRANGER), shown(&second, STRANGER)])), "signed"),
            "valid",
            &both,
            &[],
        ),
        judged(
            "a fork under a log key that is retired",
            "BNDL-10",
            under(ended("retired"), &json!([shown(&one, LOG_A), shown(&second, LOG_A)])),
            "invalid",
            &both,
            &["fork"],
        ),
        judged(
            "a fork under a log key that is revoked",
            "BNDL-10 VERD-21",
            under(ended("revoked"), &json!([shown(&one, LOG_A), shown(&second, LOG_A)])),
            "valid",
            &both,
            &[],
        ),
        judged(
            "a leaf twice under checkpoints without dates",
            "BNDL-10",
            input(&bundle(&json!([shown(&one, LOG_A), undated_larger])), "signed"),
            "valid",
            &both,
            &[],
        ),
        judged(
            "a twin that a stranger made proves nothing",
            "BNDL-10",
            input(&bundle(&json!([{"receipt": one}, {"receipt": stranger}])), "signed"),
            "invalid",
            &["valid", "invalid"],
            &[],
        ),
        judged(
            "a fork without a pin proves nothing",
            "BNDL-10",
            with(&input(&bundle(&json!([logged(&one), logged(&second)])), "signed"), "/pins", json!({})),
            "undetermined",
            &["undetermined", "undetermined"],
            &[],
        ),
        judged(
            "the empty proof from the empty log",
            "BNDL-04",
            input(&bundle(&json!([linked])), "included"),
            "valid",
            &["valid"],
            &[],
        ),
    ]
}
