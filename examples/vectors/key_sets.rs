//! Key sets: form, signature, pin, rollback.

use countersign::ground::canonical;
use countersign::ground::crypto::hash::{Digest, decode_base64url, encode_base64url};
use countersign::ground::crypto::jose;
use countersign::ground::crypto::keys::{ReceiptPurpose, RootPurpose};
use countersign::ground::keyset::SelfSignedKeySet;
use countersign::ground::log::merkle::TreeHead;
use serde_json::{Value, json};

use super::case::{Case, case, fail};
use super::forgery::{self, IDENTITY, unreduced};
use super::world::{
    A, B, DECISION, EPOCH, NOW, RECEIPT_A, ROOT_A, ROOT_B, STRANGER, digest_of, key, key_set, kid, signed,
    signed_key_set, undated, with,
};

fn refused(name: &str, rules: &str, compact: &str) -> Case {
    let input = json!({"key_set": compact, "issuer": A, "pin": kid(ROOT_A)});
    case(name, rules, input, fail("key_set_invalid"))
}

fn changed(name: &str, rules: &str, pointer: &str, member: Value) -> Case {
    refused(name, rules, &signed_key_set(&with(&key_set(A, ROOT_A), pointer, member), ROOT_A))
}

/// What a trusted key set comes out as.
pub(crate) fn accepted(key_set: &SelfSignedKeySet) -> Value {
    json!({"result": "pass", "digest": key_set.digest(), "fingerprint": key_set.fingerprint()})
}

fn trusted(name: &str, rules: &str, document: &Value, known: Option<&str>) -> Case {
    let compact = signed_key_set(document, ROOT_A);
    let expect = accepted(&SelfSignedKeySet::parse(compact.as_bytes()).unwrap());
    let mut input = json!({"key_set": compact, "issuer": A, "pin": kid(ROOT_A)});
    if let Some(known) = known {
        input = with(&input, "/known", json!(known));
    }
    case(name, rules, input, expect)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = signatures();
    cases.extend(members());
    cases.extend(entries());
    cases.extend(successions());
    cases
}

fn with_large_s(compact: &str) -> String {
    let (input, signature) = compact.rsplit_once('.').unwrap();
    let signature = decode_base64url(signature).unwrap().try_into().unwrap();
    forgery::compact(input, forgery::with_large_s(signature))
}

/// A key set whose root key is these bytes, under a signature that holds for the neutral element.
fn rooted(bytes: &[u8; 32]) -> String {
    let x = encode_base64url(bytes);
    let kid = entry_of(bytes)["kid"].as_str().unwrap().to_owned();
    let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"countersign-keyset-v1+jwt"}}"#);
    let payload = canonical::to_vec(&with(&key_set(A, ROOT_A), "/root/x", json!(x))).unwrap();
    let input = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(&payload));
    forgery::compact(&input, forgery::under_identity())
}

/// A key set that is refused, with its own root key as the pin.
fn rooted_case(name: &str, bytes: &[u8; 32]) -> Case {
    let input = json!({"key_set": rooted(bytes), "issuer": A, "pin": entry_of(bytes)["kid"]});
    case(name, "KEYS-08 RCPT-37", input, fail("key_set_invalid"))
}

fn signatures() -> Vec<Case> {
    let document = key_set(A, ROOT_A);
    let payload = canonical::to_vec(&document).unwrap();
    let text = String::from_utf8(payload).unwrap();
    let root = key::<RootPurpose>(ROOT_A);
    let good = signed_key_set(&document, ROOT_A);
    let pinned = |name: &str, issuer: &str, pin: String| {
        let input = json!({"key_set": good, "issuer": issuer, "pin": pin});
        case(name, "KEYS-04", input, fail("key_set_invalid"))
    };
    let typ = "countersign-keyset-v1+jwt";
    let input = good.rsplit_once('.').unwrap().0;
    let forged = format!("{input}.{}", encode_base64url(&key::<ReceiptPurpose>(RECEIPT_A).sign(input.as_bytes())));
    let renamed = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, kid(RECEIPT_A));
    let renamed = format!("{}.{}", encode_base64url(renamed.as_bytes()), encode_base64url(text.as_bytes()));
    let renamed = format!("{renamed}.{}", encode_base64url(&root.sign(renamed.as_bytes())));
    let hmac = r#"{"alg":"HS256"}"#;
    let hmac = format!("{}.{}", encode_base64url(hmac.as_bytes()), good.split_once('.').unwrap().1);
    let huge = with(&document, "/predecessor", json!({"checkpoint": "x".repeat(60_000), "origin": "a.example/old"}));
    vec![
        trusted("a key set", "KEYS-01 KEYS-02 KEYS-03 KEYS-04 KEYS-06", &document, None),
        refused("no JWS", "KEYS-01", "x"),
        refused("a receipt", "KEYS-01", &signed(DECISION, &document, ROOT_A)),
        refused("a key set over its size", "KEYS-01", &signed_key_set(&huge, ROOT_A)),
        refused("a key set with a space", "KEYS-02", &jose::sign(typ, format!("{text} ").as_bytes(), &root)),
        refused("a key set signed by an online key", "KEYS-03", &signed_key_set(&document, RECEIPT_A)),
        refused("a signature of an online key under the root's kid", "KEYS-03 RCPT-37", &forged),
        refused("a signature of the root under another kid", "KEYS-03", &renamed),
        refused("a key set with another alg", "KEYS-01", &hmac),
        refused("a key set with S over the order", "KEYS-03 RCPT-37", &with_large_s(&good)),
        refused("a key set signed by another root", "KEYS-03", &signed_key_set(&document, ROOT_B)),
        pinned("another operator's name", B, kid(ROOT_A)),
        pinned("another pin", A, kid(ROOT_B)),
        pinned("an online key as the pin", A, kid(RECEIPT_A)),
    ]
}

fn members() -> Vec<Case> {
    let log = |cosigner: &str, origin: &str| json!({"cosigner": cosigner, "origin": origin});
    let last = undated("a.example/old", TreeHead::empty(), STRANGER).to_string();
    let own = undated("a.example/log", TreeHead::empty(), STRANGER).to_string();
    let before = |origin: &str, checkpoint: &str| json!({"checkpoint": checkpoint, "origin": origin});
    let followed = |checkpoint: &str| before("a.example/old", checkpoint);
    vec![
        changed("an unknown member", "KEYS-02", "/ext", json!({})),
        changed("a missing member", "KEYS-02", "/iat", Value::Null),
        changed("a private root", "KEYS-03", "/root/d", json!(EPOCH)),
        changed("a root on another curve", "KEYS-03", "/root/crv", json!("X25519")),
        case(
            "an issuer with a slash in a key set",
            "KEYS-02",
            json!({
                "key_set": signed_key_set(&with(&key_set(A, ROOT_A), "/iss", json!("https://a.example/")), ROOT_A),
                "issuer": "https://a.example/",
                "pin": kid(ROOT_A),
            }),
            fail("key_set_invalid"),
        ),
        changed("a time before 1970 in a key set", "KEYS-02", "/iat", json!(-1)),
        changed("number 0", "KEYS-05", "/number", json!(0)),
        changed("number 1 with one before", "KEYS-05", "/previous", json!(EPOCH)),
        changed("number 2 without one before", "KEYS-05", "/number", json!(2)),
        changed("no keys", "KEYS-06", "/keys", json!([])),
        changed("one name for log and cosigner", "KEYS-10", "/log", log("a.example/log", "a.example/log")),
        changed("an origin with a space", "KEYS-10", "/log", log("a.example/cosigner", "a log")),
        changed("a predecessor of the same name", "KEYS-11", "/predecessor", before("a.example/log", &own)),
        changed("a predecessor without a checkpoint", "KEYS-11", "/predecessor", followed("closed")),
        changed("a predecessor with a cut checkpoint", "KEYS-11", "/predecessor", followed(last.trim_end())),
        changed("a predecessor with another's checkpoint", "KEYS-11", "/predecessor", before("a.example/older", &last)),
        trusted(
            "a predecessor whose checkpoint nobody has judged",
            "KEYS-11",
            &with(&key_set(A, ROOT_A), "/predecessor", followed(&last)),
            None,
        ),
    ]
}

/// The first entry with one member changed.
fn entry(name: &str, rules: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    let document = key_set(A, ROOT_A);
    let entry = edit(document.pointer("/keys/0").unwrap());
    changed(name, rules, "/keys", json!([entry]))
}

/// An entry for a key that is given by its 32 bytes.
fn entry_of(bytes: &[u8; 32]) -> Value {
    let x = encode_base64url(bytes);
    let kid = Digest::of(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes());
    json!({"crv": "Ed25519", "kid": kid, "kty": "OKP", "since": NOW, "state": "active", "use": "receipt", "x": x})
}

fn entries() -> Vec<Case> {
    let document = key_set(A, ROOT_A);
    let first = document.pointer("/keys/0").unwrap().clone();
    let also_http = with(&first, "/use", json!("http"));
    let root = with(&entry_of(&key::<RootPurpose>(ROOT_A).public().to_bytes()), "/use", json!("log"));
    let many: Vec<Value> =
        (100_u8..165).map(|seed| entry_of(&key::<ReceiptPurpose>(seed).public().to_bytes())).collect();
    let identity = entry_of(&[[1].as_slice(), &[0; 31]].concat().try_into().unwrap());
    let revoked = with(&with(&first, "/state", json!("revoked")), "/until", json!(NOW));
    let with_reason = |reason: String| with(&revoked, "/reason", json!(reason));
    let retired = with(&with(&first, "/state", json!("retired")), "/until", json!(NOW));
    vec![
        changed("65 keys", "KEYS-06", "/keys", json!(many)),
        entry("another kid", "KEYS-06", |first| with(first, "/kid", json!(EPOCH))),
        entry("another use", "KEYS-06", |first| with(first, "/use", json!("sig"))),
        entry("a private key", "KEYS-06", |first| with(first, "/d", json!(EPOCH))),
        entry("another type of key", "KEYS-06", |first| with(first, "/kty", json!("EC"))),
        entry("a key of 31 bytes", "KEYS-08", |first| with(first, "/x", json!(EPOCH.get(..42).unwrap()))),
        changed("a key for two uses", "KEYS-07", "/keys", json!([first, also_http])),
        changed("the root key among the keys", "KEYS-07", "/keys", json!([root])),
        changed("a key of small order", "KEYS-08", "/keys", json!([identity])),
        changed("bytes that are no point", "KEYS-08", "/keys", json!([entry_of(&[2; 32])])),
        changed("a second encoding of a point", "KEYS-08 RCPT-37", "/keys", json!([entry_of(&unreduced(3))])),
        rooted_case("a root key of small order", &IDENTITY),
        rooted_case("a root key in a second encoding", &unreduced(1)),
        entry("another state", "KEYS-09", |first| with(first, "/state", json!("expired"))),
        entry("an active key with an end", "KEYS-09", |first| with(first, "/until", json!(NOW))),
        entry("a retired key without an end", "KEYS-09", |first| with(first, "/state", json!("retired"))),
        entry("an end before the beginning", "KEYS-09", |_| with(&retired, "/until", json!(1))),
        entry("a revoked key without a reason", "KEYS-09", |_| revoked.clone()),
        entry("a retired key with a reason", "KEYS-09", |_| with(&retired, "/reason", json!("old"))),
        entry("an empty reason", "KEYS-09", |_| with_reason(String::new())),
        entry("a control character in a reason", "KEYS-09", |_| with_reason("a\nb".to_owned())),
        trusted("a revoked key", "KEYS-09", &with(&document, "/keys", json!([with_reason("stolen".to_owned())])), None),
    ]
}

fn successions() -> Vec<Case> {
    let first = key_set(A, ROOT_A);
    let known = signed_key_set(&first, ROOT_A);
    let numbered = |number: u64| {
        let previous = if number == 2 { json!(digest_of(&known)) } else { json!(EPOCH) };
        with(&with(&first, "/number", json!(number)), "/previous", previous)
    };
    let rolled_back = |name: &str, offered: &Value, known: &Value| {
        let (offered, known) = (signed_key_set(offered, ROOT_A), signed_key_set(known, ROOT_A));
        let input = json!({"key_set": offered, "issuer": A, "pin": kid(ROOT_A), "known": known});
        case(name, "KEYS-12", input, fail("key_set_rolled_back"))
    };
    vec![
        trusted("the next key set", "KEYS-05 KEYS-12", &numbered(2), Some(&known)),
        trusted("a key set after a gap", "KEYS-12", &numbered(7), Some(&known)),
        trusted("the very same key set", "KEYS-12", &first, Some(&known)),
        rolled_back("a next key set after another one", &with(&numbered(2), "/previous", json!(EPOCH)), &first),
        rolled_back("an older key set", &first, &numbered(2)),
        rolled_back("another key set of the same number", &with(&first, "/iat", json!(NOW)), &first),
    ]
}
