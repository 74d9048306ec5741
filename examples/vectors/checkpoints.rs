//! Checkpoints under a log key, with the operator's own date.

use std::fmt::Display;

use countersign::ground::crypto::keys::CosignPurpose;
use countersign::ground::log::checkpoint::{CosignerKey, LogKey, UnverifiedCheckpoint, VerifiedCheckpoint};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::note::Note;
use countersign::ground::problem::ProblemType;
use serde_json::{Value, json};

use super::case::{Case, case, fail};
use super::world::{COSIGN_A, LOG_A, Log, NOW, STRANGER, WITNESSES, cosign, cosigner, dated, key, log_key, undated};

/// Verifies the checkpoint of an input under its keys.
pub(crate) fn open(input: &Value) -> Result<VerifiedCheckpoint, ProblemType> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let (log, cosigner): (LogKey, CosignerKey) =
        (text("log_vkey").parse().unwrap(), text("cosigner_vkey").parse().unwrap());
    let checkpoint = UnverifiedCheckpoint::parse(text("checkpoint").as_bytes());
    checkpoint.and_then(|checkpoint| checkpoint.verify(&log, &cosigner)).map_err(|error| error.problem())
}

/// What a good checkpoint says.
pub(crate) fn opened(checkpoint: &VerifiedCheckpoint) -> Value {
    let head = checkpoint.head();
    json!({"result": "pass", "origin": checkpoint.origin(), "size": head.size, "root": head.root, "time": checkpoint.time()})
}

fn input(note: &dyn Display) -> Value {
    let log = log_key("a.example/log", LOG_A).to_string();
    let cosigner = cosigner("a.example/cosigner", COSIGN_A).to_string();
    json!({"checkpoint": note.to_string(), "log_vkey": log, "cosigner_vkey": cosigner})
}

fn refused(name: &str, rules: &str, note: &dyn Display, code: &str) -> Case {
    case(name, rules, input(note), fail(code))
}

fn good(name: &str, rules: &str, note: &dyn Display) -> Case {
    let input = input(note);
    let expect = opened(&open(&input).unwrap());
    case(name, rules, input, expect)
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = signatures();
    cases.extend(texts());
    cases
}

fn signatures() -> Vec<Case> {
    let log = Log::holding(None, 12);
    let head = log.head(12);
    let mut witnessed = dated(head, NOW);
    for seed in WITNESSES {
        cosign(&mut witnessed, head, &format!("w{seed}.example"), seed, NOW + 1);
    }
    let mut timeless = undated("a.example/log", head, LOG_A);
    cosign(&mut timeless, head, "a.example/cosigner", COSIGN_A, 0);
    let mut strange = undated("a.example/log", head, LOG_A);
    cosign(&mut strange, head, "a.example/cosigner", STRANGER, NOW);
    let mut twice = dated(head, NOW).to_string();
    twice.push_str(dated(head, NOW + 1).to_string().lines().last().unwrap());
    twice.push('\n');
    let other_head = dated(log.head(11), NOW).to_string();
    let moved = dated(head, NOW).to_string().replacen("\n12\n", "\n11\n", 1);
    let lines: Vec<String> = other_head.lines().map(str::to_owned).collect();
    let mixed = dated(head, NOW).to_string().lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    let mixed = format!("{mixed}{}\n", lines.last().unwrap());
    let mut reversed: Vec<String> = dated(head, NOW).to_string().lines().map(|line| format!("{line}\n")).collect();
    let last = reversed.len() - 1;
    reversed.swap(last, last - 1);
    vec![
        good("100 signature lines", "LOG-12", &(dated(head, NOW).to_string() + &"\u{2014} x AAAAAAA=\n".repeat(98))),
        good("a note of 65536 bytes", "LOG-12", &filled(&dated(head, NOW), 65_536)),
        refused("a note of 65537 bytes", "LOG-12", &filled(&dated(head, NOW), 65_537), "checkpoint_malformed"),
        refused("a log signature with a byte too many", "LOG-14", &longer(head, 0), "checkpoint_signature"),
        refused("a cosignature with a byte too many", "LOG-16", &longer(head, 1), "checkpoint_undated"),
        refused("a cosignature of a time beyond 2^53 - 1", "LOG-16", &far(head), "checkpoint_undated"),
        good("a checkpoint", "LOG-14 LOG-15 LOG-16 LOG-17", &dated(head, NOW)),
        good("cosignatures of others beside it", "LOG-14 LOG-17", &witnessed),
        good("the lines in another order", "LOG-17", &reversed.concat()),
        refused("no date", "LOG-17", &undated("a.example/log", head, LOG_A), "checkpoint_undated"),
        refused("a cosignature of time 0", "LOG-16", &timeless, "checkpoint_undated"),
        refused("a cosignature of another key", "LOG-14 LOG-17", &strange, "checkpoint_undated"),
        refused("two dates", "LOG-17", &twice, "checkpoint_undated"),
        refused("a date of another checkpoint", "LOG-16 LOG-17", &mixed, "checkpoint_undated"),
        refused("a size that was changed", "LOG-14 LOG-17", &moved, "checkpoint_signature"),
        refused(
            "the log key of somebody else",
            "LOG-17",
            &undated("a.example/log", head, STRANGER),
            "checkpoint_signature",
        ),
        refused("another log", "LOG-17", &undated("a.example/other", head, LOG_A), "checkpoint_origin"),
    ]
}

/// The note, filled up to a size by the line of a key that nobody knows.
fn filled(note: &Note, bytes: usize) -> String {
    let text = note.to_string();
    let rest = bytes - text.len() - "\u{2014}   \n".len() + 1;
    let base64 = (rest - 1) / 4 * 4;
    format!("{text}\u{2014} {} {}\n", "x".repeat(rest - base64), "A".repeat(base64))
}

/// A checkpoint with a byte behind one of its two signatures.
fn longer(head: TreeHead, line: usize) -> String {
    let note = dated(head, NOW);
    let mut signature = note.signatures()[line].clone();
    let good = format!("{signature}\n");
    signature.bytes.push(0);
    note.to_string().replacen(&good, &format!("{signature}\n"), 1)
}

/// A checkpoint whose date no time of ours can hold.
fn far(head: TreeHead) -> String {
    let mut note = undated("a.example/log", head, LOG_A);
    let at: u64 = 1 << 53;
    let signed = format!("cosignature/v1\ntime {at}\n{}", note.text());
    let signature = key::<CosignPurpose>(COSIGN_A).sign(signed.as_bytes());
    let mut line = dated(head, NOW).signatures()[1].clone();
    line.bytes = [at.to_be_bytes().as_slice(), &signature].concat();
    note.add(line).unwrap();
    note.to_string()
}

fn texts() -> Vec<Case> {
    let head = Log::holding(None, 12).head(12);
    let text = dated(head, NOW).to_string();
    let malformed = |name: &str, rules: &str, text: String| refused(name, rules, &text, "checkpoint_malformed");
    let empty = text.replacen("\n12\n", "\n0\n", 1);
    let root = text.lines().nth(2).unwrap();
    let many: String = text.lines().last().unwrap().chars().chain(['\n']).collect();
    vec![
        malformed("nothing", "LOG-12", String::new()),
        malformed("no newline at the end", "LOG-12", text.trim_end().to_owned()),
        malformed("a carriage return", "LOG-12", text.replacen('\n', "\r\n", 1)),
        malformed("no empty line", "LOG-12", text.replacen("\n\n", "\n", 1)),
        malformed("a line that is no signature", "LOG-12", format!("{text}hello\n")),
        malformed("no signature lines", "LOG-12", format!("{}\n", text.split_once("\n\n").unwrap().0)),
        malformed("an empty line for signature lines", "LOG-12", format!("{}\n\n", text.split_once("\n\n").unwrap().0)),
        malformed("a plus in the name of a key", "LOG-12", format!("{text}\u{2014} a+b AAAAAAA=\n")),
        malformed("a no-break space in the name of a key", "LOG-12", format!("{text}\u{2014} a\u{A0}b AAAAAAA=\n")),
        malformed("a control character of Latin 1", "LOG-12", format!("{text}\u{2014} a\u{85}b AAAAAAA=\n")),
        malformed("a key name of 256 bytes", "LOG-12", format!("{text}\u{2014} {} AAAAAAA=\n", "é".repeat(128))),
        malformed("a key id without a signature", "LOG-12", format!("{text}\u{2014} x AAAAAA==\n")),
        malformed("a signature with stray bits", "LOG-12", format!("{text}\u{2014} x AAAAAAB=\n")),
        malformed("a signature without padding", "LOG-12", format!("{text}\u{2014} x AAAAAAA\n")),
        malformed("two spaces in a signature line", "LOG-12", format!("{text}\u{2014} x  AAAAAAA=\n")),
        malformed("a hyphen for a dash", "LOG-12", text.replacen('\u{2014}', "-", 1)),
        malformed("101 signature lines", "LOG-12", format!("{text}{}", many.repeat(99))),
        malformed("a size with a leading zero", "LOG-15", text.replacen("\n12\n", "\n012\n", 1)),
        malformed("a size with a sign", "LOG-15", text.replacen("\n12\n", "\n+12\n", 1)),
        malformed("a size beyond 2^53 - 1", "LOG-02", text.replacen("\n12\n", "\n9007199254740992\n", 1)),
        malformed("a size of 0 with a root", "LOG-02", empty),
        malformed("a root in base64url", "LOG-15", text.replacen(root, &"_".repeat(44), 1)),
        malformed("a root without padding", "LOG-15", text.replacen(root, root.trim_end_matches('='), 1)),
        malformed("an extension line", "LOG-15", text.replacen("\n\n", "\nextension\n\n", 1)),
        malformed("an origin with a space", "LOG-15", text.replacen("a.example/log", "a log", 1)),
        malformed("no origin", "LOG-15", text.replacen("a.example/log", "", 1)),
    ]
}
