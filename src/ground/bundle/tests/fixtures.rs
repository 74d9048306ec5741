//! The files under `tests/fixtures`, which the tests of the command line read. Everything in them follows from fixed
//! seeds: `UPDATE_FIXTURES=1 cargo test --lib fixtures` writes them anew.

use std::path::PathBuf;

use serde_json::json;

use super::super::{Bundle, Item};
use super::world::*;
use crate::ground::crypto::hash::Digest;

/// Every file, by name.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let story = Story::new();
    let pretty = |bundle: &Bundle| bundle.to_bytes().unwrap();
    let line = |text: &str| format!("{text}\n").into_bytes();
    let [a, b] = [a(), b()].map(|operator| format!("{}={}", operator.issuer(), operator.root().id()));
    let trust = format!("# Compared by phone on 14 January 2027.\n{a}\n{b}  # as in the contract\n");
    let items = story.items();
    let text = |proof: &Option<String>| proof.clone().unwrap().into_bytes();
    vec![
        ("a.keyset", line(story.a.key_set().compact())),
        ("a-revoked.keyset", line(&revoked(&story))),
        ("b.keyset", line(story.b.key_set().compact())),
        ("acknowledgement.jws", line(&story.acknowledgement.compact)),
        ("acknowledgement.proof", text(&items[1].proof)),
        ("bundle-forged-operator.json", pretty(&forged(&story))),
        ("bundle-fork.json", pretty(&forked(&story))),
        ("bundle-no-answer.json", pretty(&story.bundle_of(items[..1].to_vec()))),
        ("bundle-tampered.json", pretty(&tampered(&story))),
        (
            "bundle-unknown-member.json",
            br#"{"created":1,"format":"countersign-bundle-v1","items":[],"key_sets":[],"quorum":"none"}"#.to_vec(),
        ),
        ("bundle.json", pretty(&story.bundle())),
        ("decision.jws", line(&story.decision.compact)),
        ("decision.proof", text(&items[0].proof)),
        ("decision-tampered.jws", line(&with_payload(&story.decision.compact, |p| p["sub"] = json!("somebody-else")))),
        ("forged.keyset", line(forger().key_set().compact())),
        ("nonce.txt", line(&nonce(1).to_text())),
        ("outcome.jws", line(&story.executed.compact)),
        ("quorum.txt", quorum_file().into_bytes()),
        ("request-body.json", BODY.to_vec()),
        ("response-body.json", ANSWER.to_vec()),
        ("trust-bad.txt", format!("{a}\nhttps://b.example\n").into_bytes()),
        ("trust.txt", trust.into_bytes()),
    ]
}

fn revoked(story: &Story) -> String {
    let mut later = story.a.document();
    (later.number, later.iat) = (2, time(NOW + 900));
    later.previous = Some(story.a.key_set().digest());
    later.keys[0].state = crate::ground::keyset::KeyState::Revoked;
    later.keys[0].until = Some(time(NOW));
    later.keys[0].reason = Some("laptop stolen".to_owned());
    crate::ground::keyset::sign(&later, &story.a.root()).unwrap().compact().to_owned()
}

fn tampered(story: &Story) -> Bundle {
    let mut items = story.items();
    items[1].receipt = with_payload(&items[1].receipt, |payload| payload["effect"] = json!("deny"));
    story.bundle_of(items)
}

/// The whole story, with an acknowledgement and a key set that somebody else made under the name of B.
fn forged(story: &Story) -> Bundle {
    let mut forger = forger();
    let answer = forger.issue(acknowledgement_payload(1, &story.decision));
    let items: Vec<Item> = vec![story.items().remove(0), forger.item(&answer, 4, NOW + 120)];
    bundle_of(&[story.a.key_set(), forger.key_set()], items)
}

fn forked(story: &Story) -> Bundle {
    let mut other = story.a.clone();
    other.leaves[0] = Digest::of(b"another past");
    let mut items = story.items();
    let mut shown = other.item(&story.observed, other.leaves.len(), NOW + 240);
    shown.head_proof = None;
    items.push(shown);
    story.bundle_of(items)
}

#[test]
fn the_fixtures_are_what_the_seeds_give() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (name, bytes) in files() {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let stored = std::fs::read(&path).unwrap_or_default();
        assert!(stored == bytes, "{name} differs: run with UPDATE_FIXTURES=1 if that is meant");
    }
}
