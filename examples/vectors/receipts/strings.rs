//! The compact string and its header.

use countersign::ground::canonical;
use countersign::ground::crypto::hash::encode_base64url;
use countersign::ground::crypto::jose;
use countersign::ground::crypto::keys::ReceiptPurpose;
use serde_json::{Value, json};

use super::super::case::{Case, case, fail};
use super::super::world::{
    ACKNOWLEDGEMENT, CONFIGURATION, DECISION, OUTCOME, RECEIPT_A, RECEIPT_B, acknowledgement, configuration, decision,
    digest_of, full_decision, key, kid, outcome, signed, with,
};

fn refused(name: &str, rules: &str, compact: impl AsRef<str>, code: &str) -> Case {
    case(name, rules, json!({"receipt": compact.as_ref()}), fail(code))
}

/// Any header over any payload, under a good signature.
fn raw(header: &str, payload: &[u8]) -> String {
    let input = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload));
    let signature = key::<ReceiptPurpose>(RECEIPT_A).sign(input.as_bytes());
    format!("{input}.{}", encode_base64url(&signature))
}

/// A payload that is no object of ours, under the header of a decision.
fn spelled(payload: &str) -> String {
    jose::sign(DECISION, payload.as_bytes(), &key::<ReceiptPurpose>(RECEIPT_A))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = good();
    cases.extend(parts());
    cases.extend(headers());
    cases.extend(payloads());
    cases
}

fn good() -> Vec<Case> {
    let signed_decision = signed(DECISION, &decision(), RECEIPT_A);
    let pass = |name: &str, rules: &str, kind: &str, compact: String| {
        let expect = json!({"result": "pass", "kind": kind, "digest": digest_of(&compact)});
        case(name, rules, json!({"receipt": compact}), expect)
    };
    vec![
        pass("a decision", "RCPT-01 RCPT-06 RCPT-08 RCPT-10", "decision", signed_decision.clone()),
        pass(
            "a decision with every member",
            "RCPT-10 RCPT-18 RCPT-19 RCPT-22 RCPT-23 RCPT-24 RCPT-26 RCPT-29",
            "decision",
            signed(DECISION, &full_decision(), RECEIPT_A),
        ),
        pass(
            "an acknowledgement",
            "RCPT-06 RCPT-31",
            "acknowledgement",
            signed(ACKNOWLEDGEMENT, &acknowledgement(&signed_decision), RECEIPT_B),
        ),
        pass(
            "an outcome",
            "RCPT-06 RCPT-32 RCPT-33",
            "outcome",
            signed(OUTCOME, &outcome(&signed_decision), RECEIPT_B),
        ),
        pass(
            "a configuration",
            "RCPT-06 RCPT-35 RCPT-36",
            "configuration",
            signed(CONFIGURATION, &configuration(), RECEIPT_B),
        ),
    ]
}

fn parts() -> Vec<Case> {
    let good = signed(DECISION, &decision(), RECEIPT_A);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    let stray = char::from_u32(u32::from(last) + 1).unwrap();
    let short = encode_base64url(&[7; 63]);
    let padded = with(&decision(), "/ext", json!({"pad": "x".repeat(3200)}));
    let answer = with(&acknowledgement(&good), "/ext", json!({"pad": "x".repeat(1500)}));
    let malformed = "receipt_malformed";
    let cut = signature.get(..signature.len() - 1).unwrap();
    vec![
        refused("an empty string", "RCPT-01", "", malformed),
        refused("two parts", "RCPT-01", input, malformed),
        refused("four parts", "RCPT-01", format!("{good}.{signature}"), malformed),
        refused("an empty payload", "RCPT-01", format!("{header}..{signature}"), malformed),
        refused("padding", "RCPT-01", format!("{good}=="), malformed),
        refused("a newline at the end", "RCPT-01", format!("{good}\n"), malformed),
        refused("a space before it", "RCPT-01", format!(" {good}"), malformed),
        refused("two receipts as a list", "RCPT-01 CARR-02", format!("{good},{payload}"), malformed),
        refused("a quoted string", "RCPT-01 CARR-02", format!("\"{good}\""), malformed),
        refused("stray bits in the signature", "RCPT-01", format!("{input}.{cut}{stray}"), malformed),
        refused("the standard alphabet", "RCPT-01", format!("{header}.{payload}.+/{signature}"), malformed),
        refused("a signature of 63 bytes", "RCPT-01", format!("{input}.{short}"), malformed),
        refused("4097 bytes of nothing", "RCPT-02 RCPT-07", "a".repeat(4097), "receipt_too_large"),
        refused("a decision over its size", "RCPT-02", signed(DECISION, &padded, RECEIPT_A), "receipt_too_large"),
        refused(
            "an acknowledgement over its size",
            "RCPT-02 RCPT-07",
            signed(ACKNOWLEDGEMENT, &answer, RECEIPT_B),
            "receipt_too_large",
        ),
        refused(
            "a bad header and a bad signature",
            "RCPT-07",
            format!("{}.{payload}.{short}", encode_base64url(b"{}")),
            "header_invalid",
        ),
        refused(
            "a reserved kind and a bad payload",
            "RCPT-07",
            raw(&header_of("countersign-approval-v1+jwt"), b"{"),
            "typ_unknown",
        ),
    ]
}

fn header_of(typ: &str) -> String {
    format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, kid(RECEIPT_A))
}

fn headers() -> Vec<Case> {
    let payload = canonical::to_vec(&decision()).unwrap();
    let id = kid(RECEIPT_A);
    let typ = DECISION;
    let with_header =
        |name: &str, rules: &str, header: &str, code: &str| refused(name, rules, raw(header, &payload), code);
    let alg = |alg: &str| format!(r#"{{"alg":{alg},"kid":"{id}","typ":"{typ}"}}"#);
    let invalid = |name: &str, rules: &str, header: String| with_header(name, rules, &header, "header_invalid");
    let not_allowed = |name: &str, header: String| with_header(name, "RCPT-04", &header, "alg_not_allowed");
    let unknown = |name: &str, typ: &str| with_header(name, "RCPT-06", &header_of(typ), "typ_unknown");
    vec![
        not_allowed("alg none", alg("\"none\"")),
        not_allowed("alg HS256", alg("\"HS256\"")),
        not_allowed("alg in small letters", alg("\"eddsa\"")),
        not_allowed("alg Ed25519", alg("\"Ed25519\"")),
        not_allowed("another alg in a header of another shape", r#"{"alg":"none","jwk":{}}"#.to_owned()),
        not_allowed("another alg in a header that is not canonical", r#"{ "typ":"t", "alg":"none" }"#.to_owned()),
        invalid(
            "another alg in a header over 256 bytes",
            "RCPT-04",
            format!(r#"{{"alg":"none","x":"{}"}}"#, "x".repeat(240)),
        ),
        invalid("another alg beside half a surrogate pair", "RCPT-04", r#"{"alg":"none","x":"\ud800"}"#.to_owned()),
        invalid("another alg beside a fraction", "RCPT-04", r#"{"alg":"none","x":1.5}"#.to_owned()),
        invalid("alg that is no string", "RCPT-04", alg("1")),
        invalid("no alg", "RCPT-04", format!(r#"{{"kid":"{id}","typ":"{typ}"}}"#)),
        invalid(
            "alg twice",
            "RCPT-03 RCPT-04",
            format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{id}","typ":"{typ}"}}"#),
        ),
        invalid("no kid", "RCPT-05", format!(r#"{{"alg":"EdDSA","typ":"{typ}"}}"#)),
        invalid("a kid that is no thumbprint", "RCPT-05", format!(r#"{{"alg":"EdDSA","kid":"1","typ":"{typ}"}}"#)),
        invalid(
            "a kid with stray bits",
            "RCPT-05",
            format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, "B".repeat(43)),
        ),
        invalid("no typ", "RCPT-03", format!(r#"{{"alg":"EdDSA","kid":"{id}"}}"#)),
        invalid(
            "a critical extension",
            "RCPT-03",
            format!(r#"{{"alg":"EdDSA","crit":["b64"],"kid":"{id}","typ":"{typ}"}}"#),
        ),
        invalid(
            "a key inside",
            "RCPT-03 RCPT-38",
            format!(r#"{{"alg":"EdDSA","jwk":{{}},"kid":"{id}","typ":"{typ}"}}"#),
        ),
        invalid("a space in the header", "RCPT-03", format!(r#"{{"alg":"EdDSA", "kid":"{id}","typ":"{typ}"}}"#)),
        invalid("members in another order", "RCPT-03", format!(r#"{{"kid":"{id}","alg":"EdDSA","typ":"{typ}"}}"#)),
        invalid("a header that is an array", "RCPT-03", "[]".to_owned()),
        invalid(
            "a header over 256 bytes",
            "RCPT-03",
            format!(r#"{{"alg":"EdDSA","kid":"{id}","typ":"{}"}}"#, "t".repeat(200)),
        ),
        unknown("a reserved kind", "countersign-approval-v1+jwt"),
        unknown("another reserved kind", "countersign-key-v1+jwt"),
        unknown("a later version", "countersign-decision-v2+jwt"),
        unknown("a plain token", "JWT"),
        unknown("typ in capitals", "Countersign-Decision-V1+JWT"),
        unknown("typ as a media type", "application/countersign-decision-v1+jwt"),
        unknown("a key set", "countersign-keyset-v1+jwt"),
    ]
}

fn payloads() -> Vec<Case> {
    let text = String::from_utf8(canonical::to_vec(&decision()).unwrap()).unwrap();
    let spelling = |name: &str, payload: &str| refused(name, "RCPT-09", spelled(payload), "payload_not_canonical");
    let invalid = |name: &str, rules: &str, payload: &str| refused(name, rules, spelled(payload), "payload_invalid");
    let foreign = signed(OUTCOME, &decision(), RECEIPT_A);
    let deep = "[".repeat(33) + &"]".repeat(33);
    vec![
        spelling("a space in the payload", &text.replacen(':', ": ", 1)),
        spelling("a space after the payload", &format!("{text} ")),
        spelling("an escaped letter", &text.replacen("\"allow\"", "\"\\u0061llow\"", 1)),
        spelling("a member twice", &text.replacen('{', "{\"effect\":\"deny\",", 1)),
        spelling("a fraction", &text.replacen(&format!("\"iat\":{}", 1_800_000_000), "\"iat\":1800000000.0", 1)),
        spelling("a time beyond 2^53 - 1", &text.replacen("\"iat\":1800000000", "\"iat\":9007199254740992", 1)),
        spelling("a payload that is no JSON", "x"),
        spelling("ext nested too deep", &format!("{{\"ext\":{{\"a\":{deep}}}}}")),
        spelling("another order and an unknown member", "{\"zz\":1,\"aa\":2}"),
        invalid("a payload that is an array", "RCPT-10", "[]"),
        invalid("a payload without members", "RCPT-10", "{}"),
        refused("a decision under the type of an outcome", "RCPT-10", foreign, "payload_invalid"),
    ]
}

/// A refusal of a payload's content, for the other files of this folder.
pub(super) fn invalid(name: &str, rules: &str, typ: &str, payload: &Value, seed: u8) -> Case {
    refused(name, rules, signed(typ, payload, seed), "payload_invalid")
}
