//! From a receipt to its digest and its leaf.

use countersign::ground::crypto::hash::leaf_hash;
use serde_json::json;

use super::case::{Case, case};
use super::world::{DECISION, RECEIPT_A, decision, digest_of, full_decision, signed};

pub(crate) fn cases() -> Vec<Case> {
    let leaf = |name: &str, compact: &str| {
        let digest = digest_of(compact);
        let expect = json!({"result": "pass", "digest": digest, "leaf_hash": leaf_hash(&digest.0)});
        case(name, "RCPT-08 LOG-01", json!({"receipt": compact}), expect)
    };
    vec![
        leaf("a decision", &signed(DECISION, &decision(), RECEIPT_A)),
        leaf("a decision with every member", &signed(DECISION, &full_decision(), RECEIPT_A)),
    ]
}
