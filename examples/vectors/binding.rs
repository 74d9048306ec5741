//! Commitments under a nonce.

use countersign::ground::crypto::hash::{Digest, decode_base64url, encode_base64url};
use countersign::ground::receipt::binding::{Committed, Nonce};
use serde_json::{Value, json};

use super::case::{Case, case, fail};
use super::world::{BODY, METHOD, TARGET};

/// The nonce of the request that the other vectors are about.
pub(crate) fn opened() -> Nonce {
    Nonce::from_bytes([42; 32])
}

/// The binding of that request.
pub(crate) fn bound() -> Value {
    let target = opened().commit_target(METHOD, TARGET);
    json!({"body": "bound", "content": opened().commit(Committed::Body, BODY), "target": target})
}

/// What a word of the vectors commits to.
pub(crate) fn what(word: &str) -> Committed {
    match word {
        "response" => Committed::Response,
        "parent" => Committed::Parent,
        "inputs" => Committed::Inputs,
        _ => Committed::Body,
    }
}

/// The commitment that an input asks for, or nothing when its nonce is none.
pub(crate) fn commit(input: &Value) -> Option<Digest> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let nonce = Nonce::parse(text("nonce")).ok()?;
    Some(match text("what") {
        "target" => nonce.commit_target(text("method"), text("target")),
        word => nonce.commit(what(word), &decode_base64url(text("bytes")).unwrap()),
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let nonce = encode_base64url(&[42; 32]);
    let good = |name: &str, rules: &str, mut input: Value| {
        input.as_object_mut().unwrap().insert("nonce".to_owned(), json!(nonce));
        let expect = json!({"result": "pass", "commitment": commit(&input).unwrap()});
        case(name, rules, input, expect)
    };
    let bytes = |name: &str, rules: &str, what: &str, bytes: &[u8]| {
        good(name, rules, json!({"what": what, "bytes": encode_base64url(bytes)}))
    };
    let target = |name: &str, method: &str, target: &str| {
        good(name, "BIND-02 BIND-03 BIND-04 BIND-05", json!({"what": "target", "method": method, "target": target}))
    };
    let refused = |name: &str, nonce: String| {
        let input = json!({"what": "body", "bytes": "", "nonce": nonce});
        case(name, "BIND-01", input, fail("nonce_invalid"))
    };
    let digest = Digest::of(b"a receipt");
    vec![
        target("a target with a query", METHOD, TARGET),
        target("another method", "GET", TARGET),
        target("a method in small letters", "post", TARGET),
        target("a decoded path is another target", METHOD, "https://b.example/hotel/rpc?a=/"),
        target("an absent path", METHOD, "https://b.example/"),
        bytes("a body", "BIND-02 BIND-03 BIND-06", "body", BODY),
        bytes("the empty body", "BIND-06", "body", b""),
        bytes("a response", "BIND-03 BIND-08", "response", b"done"),
        bytes("the body's bytes as a response", "BIND-03 BIND-08", "response", BODY),
        bytes("a parent", "BIND-03 BIND-09", "parent", &digest.0),
        bytes("an input", "BIND-03 BIND-10", "inputs", br#"{"subject":{"id":"x","type":"Agent"}}"#),
        refused("a nonce of 31 bytes", encode_base64url(&[42; 31])),
        refused("a nonce of 33 bytes", encode_base64url(&[42; 33])),
        refused("a nonce with padding", format!("{nonce}=")),
        refused("a nonce with stray bits", format!("{}r", nonce.get(..42).unwrap())),
        refused("a nonce in the standard alphabet", "+".repeat(42) + "8"),
        refused("no nonce", String::new()),
    ]
}
