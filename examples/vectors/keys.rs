//! The keys of all other vectors, with their private halves: they are of no value.

use countersign::ground::crypto::hash::encode_base64url;
use countersign::ground::crypto::keys::ReceiptPurpose;
use serde_json::json;

use super::case::{Case, case};
use super::world::{
    COSIGN_A, HTTP_A, LOG_A, RECEIPT_A, RECEIPT_B, ROOT_A, ROOT_B, STRANGER, WITNESSES, cosigner, key, log_key,
};

pub(crate) fn cases() -> Vec<Case> {
    let named = [
        ("root of https://a.example", ROOT_A),
        ("receipt key of https://a.example", RECEIPT_A),
        ("log key of https://a.example", LOG_A),
        ("cosigning key of https://a.example", COSIGN_A),
        ("http key of https://a.example", HTTP_A),
        ("root of https://b.example", ROOT_B),
        ("receipt key of https://b.example", RECEIPT_B),
        ("a stranger", STRANGER),
    ];
    let mut cases: Vec<Case> = named
        .iter()
        .map(|(name, seed)| {
            let public = key::<ReceiptPurpose>(*seed).public().clone();
            let expect =
                json!({"result": "pass", "x": encode_base64url(&public.to_bytes()), "thumbprint": public.id()});
            case(*name, "RCPT-05 KEYS-06", json!({"seed": encode_base64url(&[*seed; 32])}), expect)
        })
        .collect();
    let vkey = |name: &str, seed: u8, vkey: String| {
        let expect = json!({"result": "pass", "vkey": vkey});
        case(format!("vkey of {name}"), "LOG-13", json!({"seed": encode_base64url(&[seed; 32]), "name": name}), expect)
    };
    cases.push(vkey("a.example/log", LOG_A, log_key("a.example/log", LOG_A).to_string()));
    for seed in WITNESSES {
        let name = format!("w{seed}.example");
        cases.push(vkey(&name, seed, cosigner(&name, seed).to_string()));
    }
    cases
}
