//! Format, issuer, key set, key and signature.

use countersign::ground::crypto::hash::{decode_base64url, encode_base64url};
use serde_json::{Value, json};

use super::super::case::Case;
use super::super::forgery;
use super::super::world::{
    A, B, DECISION, HTTP_A, LOG_A, NOW, RECEIPT_A, RECEIPT_B, ROOT_A, ROOT_B, STRANGER, key_set, kid, signed,
    signed_key_set, with,
};
use super::{asked, logged_decision, question, signed_decision, trust_a};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = formats();
    cases.extend(pins());
    cases.extend(keys());
    cases.extend(states());
    cases
}

fn formats() -> Vec<Case> {
    let receipt = |compact: &str| with(&question(), "/receipt", json!(compact));
    let blocked = "not_evaluated:blocked_by_failure";
    vec![
        asked(
            "a signed decision",
            "VERD-01 VERD-03 VERD-04 VERD-05 VERD-16 VERD-25 VERD-26",
            question(),
            "valid",
            None,
            "\
            format=pass issuer=pass key_set=pass key=pass signature=pass audience=not_evaluated:not_asked \
            freshness=not_evaluated:not_asked target=not_evaluated:not_asked body=not_evaluated:not_asked \
            replay=not_evaluated:only_on_acceptance relation=not_evaluated:does_not_apply \
            inclusion=not_evaluated:no_proof witnesses=not_evaluated:no_proof",
        ),
        asked(
            "bytes that are no receipt",
            "VERD-05",
            receipt("x"),
            "invalid",
            Some("receipt_malformed"),
            &format!("format=fail:receipt_malformed issuer={blocked} signature={blocked} witnesses={blocked}"),
        ),
        asked(
            "another kind than wanted",
            "VERD-05 CARR-03",
            with(&question(), "/kind", json!("acknowledgement")),
            "invalid",
            Some("kind_unexpected"),
            "format=fail:kind_unexpected signature=pass",
        ),
        asked("the kind that is wanted", "VERD-05", with(&question(), "/kind", json!("decision")), "valid", None, ""),
        asked(
            "a decision that denies is valid evidence",
            "VERD-04",
            receipt(&signed(DECISION, &with(&logged_decision(), "/effect", json!("deny")), RECEIPT_A)),
            "valid",
            None,
            "",
        ),
    ]
}

fn pins() -> Vec<Case> {
    let trust = |pin: Option<String>, key_set: Option<String>| {
        let mut trust = json!({});
        for (name, text) in [("/pin", pin), ("/key_set", key_set)] {
            trust = with(&trust, name, text.map_or(Value::Null, Value::String));
        }
        with(&question(), "/trust", trust)
    };
    let (pin, own) = (Some(kid(ROOT_A)), signed_key_set(&key_set(A, ROOT_A), ROOT_A));
    let forged = signed_key_set(&key_set(A, ROOT_B), ROOT_B);
    let other = signed_key_set(&key_set(B, ROOT_B), ROOT_B);
    vec![
        asked(
            "no pin",
            "VERD-06 VERD-07 VERD-23 VERD-24",
            trust(None, Some(own)),
            "undetermined",
            Some("issuer_not_pinned"),
            "issuer=not_evaluated:not_pinned key_set=not_evaluated:not_pinned key=pass signature=pass",
        ),
        asked(
            "no key set",
            "VERD-07 VERD-08 VERD-09 VERD-23",
            trust(pin.clone(), None),
            "undetermined",
            Some("key_set_missing"),
            "issuer=pass key_set=not_evaluated:no_key_set key=not_evaluated:no_key_set signature=not_evaluated:no_key_set",
        ),
        asked(
            "neither pin nor key set",
            "VERD-06 VERD-07",
            trust(None, None),
            "undetermined",
            Some("issuer_not_pinned"),
            "issuer=not_evaluated:not_pinned key_set=not_evaluated:no_key_set",
        ),
        asked(
            "a key set of a forger under the issuer's name",
            "VERD-07 KEYS-04",
            trust(pin.clone(), Some(forged.clone())),
            "invalid",
            Some("key_set_invalid"),
            "issuer=pass key_set=fail:key_set_invalid key=not_evaluated:blocked_by_failure",
        ),
        asked(
            "a forger's key set without a pin",
            "VERD-08",
            trust(None, Some(forged)),
            "invalid",
            Some("key_unknown"),
            "key=fail:key_unknown signature=not_evaluated:blocked_by_failure",
        ),
        asked(
            "another operator's key set with the very same keys, without a pin",
            "VERD-08",
            trust(None, Some(signed_key_set(&key_set(B, ROOT_A), ROOT_A))),
            "invalid",
            Some("key_unknown"),
            "key=fail:key_unknown signature=not_evaluated:blocked_by_failure",
        ),
        asked(
            "another operator's key set without a pin",
            "VERD-08",
            trust(None, Some(other)),
            "invalid",
            Some("key_unknown"),
            "key=fail:key_unknown",
        ),
        asked(
            "a key set that is none, and no pin",
            "VERD-07",
            trust(None, Some("x".to_owned())),
            "undetermined",
            Some("issuer_not_pinned"),
            "issuer=not_evaluated:not_pinned key_set=not_evaluated:no_key_set key=not_evaluated:no_key_set",
        ),
        asked(
            "a key set that is none",
            "VERD-07",
            trust(pin, Some("x".to_owned())),
            "invalid",
            Some("key_set_invalid"),
            "key_set=fail:key_set_invalid",
        ),
    ]
}

fn keys() -> Vec<Case> {
    let by = |seed: u8| with(&question(), "/receipt", json!(signed(DECISION, &logged_decision(), seed)));
    let compact = signed_decision();
    let (input, _) = compact.rsplit_once('.').unwrap();
    let flipped = format!("{input}.{}", encode_base64url(&[0; 64]));
    let other = signed(DECISION, &with(&logged_decision(), "/effect", json!("deny")), RECEIPT_A);
    let moved = format!("{}.{}", other.rsplit_once('.').unwrap().0, compact.rsplit_once('.').unwrap().1);
    let receipt = |compact: &str| with(&question(), "/receipt", json!(compact));
    let unknown = |name: &str, seed: u8| {
        asked(
            name,
            "VERD-08 RCPT-38",
            by(seed),
            "invalid",
            Some("key_unknown"),
            "key=fail:key_unknown signature=not_evaluated:blocked_by_failure",
        )
    };
    let purpose = |name: &str, seed: u8| {
        asked(name, "VERD-08 RCPT-38", by(seed), "invalid", Some("key_wrong_purpose"), "key=fail:key_wrong_purpose")
    };
    let good = decode_base64url(compact.rsplit_once('.').unwrap().1).unwrap().try_into().unwrap();
    let unreduced = forgery::unreduced(1);
    let forged = |name: &str, signature: [u8; 64]| {
        let input = receipt(&forgery::compact(input, signature));
        let row = "key=pass signature=fail:signature_invalid";
        asked(name, "RCPT-37", input, "invalid", Some("signature_invalid"), row)
    };
    vec![
        unknown("the key of a stranger", STRANGER),
        unknown("a receipt key of another operator", RECEIPT_B),
        purpose("the log key", LOG_A),
        purpose("the http key", HTTP_A),
        purpose("the root key", ROOT_A),
        asked(
            "a signature of zeros",
            "VERD-09 RCPT-37",
            receipt(&flipped),
            "invalid",
            Some("signature_invalid"),
            "key=pass signature=fail:signature_invalid",
        ),
        forged("S over the order of the group", forgery::with_large_s(good)),
        forged("R of small order", forgery::with_small_r(forgery::IDENTITY, RECEIPT_A, input.as_bytes())),
        forged("R of small order in a second encoding", forgery::with_small_r(unreduced, RECEIPT_A, input.as_bytes())),
        forged("a signature that holds with the cofactor alone", forgery::with_mixed_r(RECEIPT_A, input.as_bytes())),
        asked(
            "the signature of another payload",
            "VERD-09 RCPT-37",
            receipt(&moved),
            "invalid",
            Some("signature_invalid"),
            "key=pass signature=fail:signature_invalid",
        ),
    ]
}

/// The trust in A with the receipt key's entry changed.
pub(super) fn with_receipt_key(edit: impl FnOnce(Value) -> Value) -> Value {
    let mut document = key_set(A, ROOT_A);
    let entry = document.pointer_mut("/keys/0").unwrap();
    *entry = edit(entry.clone());
    with(&trust_a(), "/key_set", json!(signed_key_set(&document, ROOT_A)))
}

fn states() -> Vec<Case> {
    let ask = |name: &str, result: Option<&str>, edit: &dyn Fn(Value) -> Value| {
        let input = with(&question(), "/trust", with_receipt_key(edit));
        let row = result.map_or("key=pass".to_owned(), |code| format!("key=fail:{code} signature=pass"));
        let verdict = if result.is_none() { "valid" } else { "invalid" };
        asked(name, "KEYS-13 VERD-08", input, verdict, result, &row)
    };
    let retired =
        |until: u64| move |entry: Value| with(&with(&entry, "/state", json!("retired")), "/until", json!(until));
    let inactive = Some("key_not_active");
    vec![
        ask("a pending key", inactive, &|entry| with(&entry, "/state", json!("pending"))),
        ask("a key active from that second on", None, &|entry| with(&entry, "/since", json!(NOW))),
        ask("a key active later", inactive, &|entry| with(&entry, "/since", json!(NOW + 1))),
        ask("a key retired later", None, &retired(NOW + 1)),
        ask("a key retired in that second", inactive, &retired(NOW)),
        ask("a revoked key without a witnessed time", Some("key_revoked"), &|entry| {
            with(&with(&with(&entry, "/state", json!("revoked")), "/until", json!(NOW + 5)), "/reason", json!("stolen"))
        }),
    ]
}
