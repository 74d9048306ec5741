//! Quorum files: what is one, and every way in which a text is none. The keys of verifiers are judged here as well.

use std::fmt::Display;

use countersign::ground::log::witness::Quorum;
use countersign::ground::problem::ProblemType;
use serde_json::json;

use super::case::{Case, case, fail};
use super::forgery::{IDENTITY, unreduced};
use super::world::{LOG_A, WITNESSES, cosigner, log_key};

/// Reads the quorum file of an input.
pub(crate) fn read(text: &str) -> Result<Quorum, ProblemType> {
    text.parse().map_err(|_| ProblemType::RequestMalformed)
}

/// The vkey of the first, second or third witness.
fn vkey(number: usize) -> String {
    let seed = WITNESSES[number];
    cosigner(&format!("w{seed}.example"), seed).to_string()
}

/// A vkey of any bytes, with the id that belongs to them.
fn vkey_of(name: &str, typed: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::new().chain_update(name).chain_update(b"\n").chain_update(typed).finalize();
    let id: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}+{id}+{}", base64::engine::general_purpose::STANDARD.encode(typed))
}

fn good(name: &str, rules: &str, text: &dyn Display) -> Case {
    case(name, rules, json!({"quorum": text.to_string()}), json!({"result": "pass"}))
}

fn refused(name: &str, rules: &str, text: &dyn Display) -> Case {
    case(name, rules, json!({"quorum": text.to_string()}), fail("request_malformed"))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = lines();
    cases.extend(names());
    cases.extend(bounds());
    cases.extend(vkeys());
    cases
}

/// Three witnesses, and what follows them.
fn three(rest: &str) -> String {
    format!("witness a {}\nwitness b {}\nwitness c {}\n{rest}", vkey(0), vkey(1), vkey(2))
}

fn lines() -> Vec<Case> {
    let rule = "LOG-20";
    let log = log_key("a.example/log", LOG_A);
    let spaced = format!(" \t\n  # of tests\nlog\t{log}  https://a.example/log\nwitness a {} x y\nquorum a", vkey(0));
    vec![
        good("nobody", rule, &"quorum none\n"),
        good("two of three", rule, &three("group g 2 a b c\nquorum g\n")),
        good("all and any", rule, &three("group g all a b\ngroup h any g c\nquorum h\n")),
        good("witnesses and groups that do not count", rule, &three("group g any a\nquorum b\n")),
        good("lines behind the quorum", rule, &format!("quorum none\n{}", three(""))),
        good("blanks, comments, a log, and no newline at the end", rule, &spaced.replace(" x y", " https://w.example")),
        good("a name of letters beyond ASCII", rule, &format!("witness ä {}\nquorum ä\n", vkey(0))),
        refused("nothing", rule, &""),
        refused("no quorum line", rule, &three("")),
        refused("two quorum lines", rule, &"quorum none\nquorum none\n"),
        refused("a quorum line without a name", rule, &"quorum\n"),
        refused("a quorum line with two names", rule, &three("quorum a b\n")),
        refused("an unknown word", rule, &"quorums none\n"),
        refused("a word in capitals", rule, &"Quorum none\n"),
        refused("a comment behind a line", rule, &"quorum none # nobody\n"),
        refused("a carriage return", rule, &"quorum none\r\n"),
        refused("a control character of Latin 1", rule, &"# \u{85}\nquorum none\n"),
        refused("a no-break space for a blank", rule, &"quorum\u{A0}none\n"),
        refused("a witness without a key", rule, &"witness a\nquorum none\n"),
        refused("a witness with an item too many", rule, &spaced),
        refused("a log without a key", rule, &"log\nquorum none\n"),
        refused("a log with an item too many", rule, &format!("log {log} x y\nquorum none\n")),
        refused("a group without members", rule, &three("group g any\nquorum none\n")),
    ]
}

fn names() -> Vec<Case> {
    let refused = |name: &str, rest: &str| refused(name, "LOG-20", &three(rest));
    let again = |name: &str, seed: u8| format!("witness {name} {}\nquorum none\n", cosigner("other.example", seed));
    vec![
        refused("a quorum that nothing defines", "quorum d\n"),
        refused("a member that nothing defines", "group g any a d\nquorum none\n"),
        refused("a member that is defined below", "group g any h\ngroup h any a\nquorum none\n"),
        refused("a quorum that is defined below", "quorum g\ngroup g any a\n"),
        refused("a group in itself", "group g any g\nquorum none\n"),
        refused("none as a member", "group g any none\nquorum none\n"),
        refused("a group called none", "group none any a\nquorum none\n"),
        refused("a witness called none", &again("none", 34)),
        refused("a group with the name of a witness", "group a any b\nquorum none\n"),
        refused("two witnesses of one name", &again("a", 34)),
        refused("two groups of one name", "group g any a\ngroup g any b\nquorum none\n"),
        refused("a member twice in a group", "group g any a a\nquorum none\n"),
        refused("a member of two groups", "group g any a\ngroup h any a b\nquorum none\n"),
        refused("one key for two witnesses", &again("d", WITNESSES[0])),
        refused("0 of two", "group g 0 a b\nquorum none\n"),
        refused("3 of two", "group g 3 a b\nquorum none\n"),
        refused("a threshold with a leading zero", "group g 01 a b\nquorum none\n"),
        refused("a threshold with a sign", "group g +1 a b\nquorum none\n"),
        refused("a threshold that is a word", "group g most a b\nquorum none\n"),
    ]
}

fn bounds() -> Vec<Case> {
    let rule = "LOG-20";
    let witnesses = |count: u8| -> String {
        let line = |number: u8| format!("witness w{number} {}\n", cosigner("w.example", 100 + number));
        (0..count).map(line).collect()
    };
    let logs = |count: u8| -> String {
        (0..count).map(|number| format!("log {}\n", log_key("l.example", 100 + number))).collect()
    };
    let groups = |count: u8| -> String {
        let line = |number: u8| match number {
            0 => format!("witness a {}\ngroup g0 any a\n", vkey(0)),
            _ => format!("group g{number} any g{}\n", number - 1),
        };
        (0..count).map(line).collect()
    };
    let twice = log_key("a.example/log", LOG_A).to_string() + "\nlog " + &log_key("b.example/log", LOG_A).to_string();
    let filled = |bytes: usize| format!("quorum none\n#{}", "x".repeat(bytes - 13));
    vec![
        good("64 witnesses", rule, &format!("{}quorum none\n", witnesses(64))),
        refused("65 witnesses", rule, &format!("{}quorum none\n", witnesses(65))),
        good("64 logs", rule, &format!("{}quorum none\n", logs(64))),
        refused("65 logs", rule, &format!("{}quorum none\n", logs(65))),
        good("64 groups", rule, &format!("{}quorum g63\n", groups(64))),
        refused("65 groups", rule, &format!("{}quorum g64\n", groups(65))),
        refused("one key for two logs", rule, &format!("log {twice}\nquorum none\n")),
        refused("a quorum file of 262145 bytes", rule, &filled(262_145)),
    ]
}

/// LOG-13, by the key of a witness.
fn vkeys() -> Vec<Case> {
    let witness = |vkey: &str| format!("witness a {vkey}\nquorum none\n");
    let refused = |name: &str, rules: &str, vkey: &str| refused(name, rules, &witness(vkey));
    let typed = |name: &str, kind: u8, key: &[u8]| vkey_of(name, &[&[kind], key].concat());
    let text = vkey(0);
    let (named, base64) = text.rsplit_once('+').unwrap();
    let (name, id) = named.rsplit_once('+').unwrap();
    let other = vkey(1);
    let key =
        countersign::ground::crypto::keys::SigningKey::<countersign::ground::crypto::keys::CosignPurpose>::from_seed(
            &[WITNESSES[0]; 32],
        );
    let key = key.unwrap().public().to_bytes();
    vec![
        good("a vkey that is made by hand", "LOG-13", &witness(&typed("x", 4, &key))),
        refused(
            "a vkey with another key's id",
            "LOG-13",
            &format!("{name}+{}+{base64}", other.split('+').nth(1).unwrap()),
        ),
        refused("a vkey with its id in capitals", "LOG-13", &format!("{name}+{}+{base64}", id.to_uppercase())),
        refused("a vkey without an id", "LOG-13", &format!("{name}+{base64}")),
        refused("a vkey without a name", "LOG-13", &typed("", 4, &key)),
        refused("a vkey whose name holds a no-break space", "LOG-13", &typed("a\u{A0}b", 4, &key)),
        refused("a vkey with padding that it does not take", "LOG-13", &format!("{text}=")),
        refused("a vkey of type 0x01 for a witness", "LOG-13 LOG-20", &typed("x", 1, &key)),
        refused("a vkey of type 0x06", "LOG-13", &typed("x", 6, &key)),
        refused("a vkey with a key of 31 bytes", "LOG-13", &typed("x", 4, &key[1..])),
        refused("a vkey with a key of 33 bytes", "LOG-13", &typed("x", 4, &[key.as_slice(), &[0]].concat())),
        refused("a vkey with a key of small order", "LOG-13", &typed("x", 4, &IDENTITY)),
        refused("a vkey with bytes that are no point", "LOG-13", &typed("x", 4, &[2; 32])),
        refused("a vkey with a second encoding of a point", "LOG-13 RCPT-37", &typed("x", 4, &unreduced(3))),
        super::quorums::refused(
            "a vkey of type 0x04 for a log",
            "LOG-13 LOG-20",
            &format!("log {}\nquorum none\n", vkey_of("x", &[&[4], key.as_slice()].concat())),
        ),
    ]
}
