//! Inclusion and consistency proofs.

use countersign::ground::crypto::hash::Digest;
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::proof::{ConsistencyProof, ProofFile};
use countersign::ground::log::tile::{build_consistency, build_inclusion};
use serde_json::json;

use super::case::{Case, case, fail};
use super::world::{Log, NOW, dated};

/// The proof file of an entry in the log's first `size` entries, under A's checkpoint dated `at`.
pub(crate) fn file(log: &Log, index: u64, size: usize, at: u64) -> String {
    let inclusion = build_inclusion(index, size.try_into().unwrap(), &log.tiles).unwrap();
    let note = dated(log.head(size), at).to_string();
    let checkpoint = countersign::ground::log::checkpoint::UnverifiedCheckpoint::parse(note.as_bytes()).unwrap();
    ProofFile { extra: None, inclusion, checkpoint }.to_string()
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = inclusion();
    cases.extend(files());
    cases.extend(consistency());
    cases
}

fn inclusion() -> Vec<Case> {
    let log = Log::holding(None, 300);
    let input = |text: String, leaf: usize| json!({"proof": text, "leaf_hash": log.leaf(leaf)});
    let good = |index: u64, size: usize| {
        let input = input(file(&log, index, size, NOW), usize::try_from(index).unwrap());
        case(format!("entry {index} of {size}"), "LOG-01 LOG-03 LOG-18", input, json!({"result": "pass"}))
    };
    let refused = |name: &str, rules: &str, text: String, leaf: usize| {
        case(name, rules, input(text, leaf), fail("inclusion_invalid"))
    };
    let text = file(&log, 7, 12, NOW);
    let hash = text.lines().nth(2).unwrap();
    let swapped = text.replacen(hash, text.lines().nth(3).unwrap(), 1);
    let indexed = |index: &str| text.replacen("index 7\n", &format!("index {index}\n"), 1);
    vec![
        good(0, 1),
        good(0, 2),
        good(1, 2),
        good(2, 3),
        good(7, 12),
        good(11, 12),
        good(255, 256),
        good(256, 257),
        good(299, 300),
        refused("another leaf", "LOG-03", text.clone(), 8),
        refused("another index", "LOG-03", indexed("6"), 7),
        refused("an index beyond the tree", "LOG-03", indexed("12"), 7),
        case(
            "the only entry at another index",
            "LOG-03",
            input(file(&log, 0, 1, NOW).replacen("index 0\n", "index 1\n", 1), 0),
            fail("inclusion_invalid"),
        ),
        refused("the largest index", "LOG-03 LOG-18", indexed("9007199254740991"), 7),
        refused(
            "63 hashes",
            "LOG-03 LOG-18",
            text.replacen(&format!("{hash}\n"), &format!("{hash}\n").repeat(60), 1),
            7,
        ),
        refused("a hash too few", "LOG-03", text.replacen(&format!("{hash}\n"), "", 1), 7),
        refused("a hash too many", "LOG-03", text.replacen(&format!("{hash}\n"), &format!("{hash}\n{hash}\n"), 1), 7),
        refused("a hash in the wrong place", "LOG-03", swapped, 7),
        case(
            "a size that was changed, which only the signature would show",
            "LOG-04",
            input(file(&log, 7, 13, NOW).replacen("\n13\n", "\n12\n", 1), 7),
            json!({"result": "pass"}),
        ),
    ]
}

fn files() -> Vec<Case> {
    let log = Log::holding(None, 12);
    let text = file(&log, 7, 12, NOW);
    let hash = text.lines().nth(2).unwrap();
    let input = |text: String| json!({"proof": text, "leaf_hash": log.leaf(7)});
    let malformed = |name: &str, text: String| case(name, "LOG-18", input(text), fail("proof_malformed"));
    let extra = |extra: &str| text.replacen("index", &format!("extra {extra}\nindex"), 1);
    let url = hash.replace(['+', '/'], "_").replace('=', "");
    vec![
        case("an extra line", "LOG-18", input(extra("AAAA")), json!({"result": "pass"})),
        case("an empty extra line", "LOG-18", input(extra("")), json!({"result": "pass"})),
        case("an extra line of 6000 bytes", "LOG-18", input(extra(&"A".repeat(8000))), json!({"result": "pass"})),
        malformed("an extra line of 6001 bytes", extra(&format!("{}AA==", "A".repeat(8000)))),
        malformed("an index beyond 2^53 - 1", text.replacen("index 7", "index 9007199254740992", 1)),
        malformed("a proof larger than its parts", format!("{text}{}", "x".repeat(76_426 - text.len()))),
        case(
            "a proof as large as its parts, with a checkpoint over its size",
            "LOG-12 LOG-18",
            input(format!("{text}{}", "x".repeat(76_425 - text.len()))),
            fail("checkpoint_malformed"),
        ),
        malformed("nothing", String::new()),
        malformed("another header", text.replacen("@v1", "@v2", 1)),
        malformed("no index", text.replacen("index 7\n", "", 1)),
        malformed("an index with a leading zero", text.replacen("index 7", "index 07", 1)),
        malformed("an index that is negative", text.replacen("index 7", "index -7", 1)),
        malformed("an extra line that is no base64", extra("*")),
        malformed("two extra lines", extra("AAAA\nextra AAAA")),
        malformed("a hash in base64url", text.replacen(hash, &url, 1)),
        malformed("64 hashes", text.replacen(&format!("{hash}\n"), &format!("{hash}\n").repeat(61), 1)),
        malformed("carriage returns", text.replace('\n', "\r\n")),
        case(
            "a checkpoint that is none",
            "LOG-18",
            input(text.replacen("\n12\n", "\n012\n", 1)),
            fail("checkpoint_malformed"),
        ),
    ]
}

/// A head that no type of the library can hold.
fn refused_root(name: &str, to: &TreeHead) -> Case {
    let input = json!({"from": {"size": 0, "root": to.root}, "to": to, "hashes": []});
    case(name, "LOG-02 LOG-08", input, fail("head_inconsistent"))
}

fn consistency() -> Vec<Case> {
    let log = Log::holding(None, 300);
    let other = Log::holding(Some((0, Digest::of(b"another"))), 300);
    let hashes = |from: u64, to: u64| build_consistency(from, to, &log.tiles).unwrap();
    let input =
        |from: TreeHead, to: TreeHead, hashes: &ConsistencyProof| json!({"from": from, "to": to, "hashes": hashes});
    let good = |from: u64, to: u64, rules: &str| {
        let (old, new) = (log.head(from.try_into().unwrap()), log.head(to.try_into().unwrap()));
        case(format!("from {from} to {to}"), rules, input(old, new, &hashes(from, to)), json!({"result": "pass"}))
    };
    let refused = |name: &str, rules: &str, from: TreeHead, to: TreeHead, hashes: &ConsistencyProof| {
        case(name, rules, input(from, to, hashes), fail("head_inconsistent"))
    };
    let (five, twelve) = (log.head(5), log.head(12));
    let mut short = hashes(5, 12);
    short.hashes.pop();
    let mut long = hashes(5, 12);
    long.hashes.push(five.root);
    let one = ConsistencyProof { hashes: vec![five.root] };
    let none = ConsistencyProof::default();
    vec![
        good(1, 2, "LOG-05"),
        good(4, 12, "LOG-05"),
        good(5, 12, "LOG-05"),
        good(255, 300, "LOG-05"),
        good(256, 300, "LOG-05"),
        good(12, 12, "LOG-06"),
        good(0, 12, "LOG-08"),
        refused("a consistency proof with a hash too few", "LOG-05", five, twelve, &short),
        refused("a consistency proof with a hash too many", "LOG-05", five, twelve, &long),
        refused("no consistency proof", "LOG-05", five, twelve, &none),
        refused("another older tree", "LOG-05", other.head(5), twelve, &hashes(5, 12)),
        refused("another newer tree", "LOG-05", five, other.head(12), &hashes(5, 12)),
        refused("a fork", "LOG-06", twelve, other.head(12), &none),
        refused("a proof between equal heads", "LOG-06", twelve, twelve, &one),
        refused("a smaller tree", "LOG-07", twelve, five, &none),
        refused("a proof from nothing", "LOG-08", log.head(0), twelve, &one),
        refused_root("another root at size 0", &twelve),
    ]
}
