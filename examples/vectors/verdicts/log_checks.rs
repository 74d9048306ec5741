//! Inclusion, checkpoint, promise, head and witnesses, and what a witnessed time does for a revoked key.

use countersign::ground::crypto::hash::{Digest, encode_base64url};
use countersign::ground::crypto::keys::LogPurpose;
use countersign::ground::log::checkpoint::UnverifiedCheckpoint;
use countersign::ground::log::note::Note;
use countersign::ground::log::proof::ProofFile;
use countersign::ground::log::tile::{build_consistency, build_inclusion};
use serde_json::{Value, json};

use super::super::case::Case;
use super::super::world::{
    A, COSIGN_A, DECISION, LOG_A, Log, NOW, RECEIPT_A, ROOT_A, SECOND, STRANGER, WITNESSES, cosign, cosigner, dated,
    key, key_set, kid, signed, signed_key_set, undated, with,
};
use super::trust::with_receipt_key;
use super::{asked, log_of, logged_decision, no_question, question, signed_decision, trust_a};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = inclusion();
    cases.extend(checkpoints());
    cases.extend(lives());
    cases.extend(two_signers());
    cases.extend(heads());
    cases.extend(witnesses());
    cases.extend(revocations());
    cases.extend(revoked_signers());
    cases
}

/// The proof file of entry 7 of the twelve, under any note.
fn file(log: &Log, note: &Note) -> String {
    let checkpoint = UnverifiedCheckpoint::parse(note.to_string().as_bytes()).unwrap();
    ProofFile { extra: None, inclusion: build_inclusion(7, 12, &log.tiles).unwrap(), checkpoint }.to_string()
}

fn head_proof(log: &Log) -> Value {
    json!(build_consistency(5, 12, &log.tiles).unwrap())
}

/// The question about the decision with everything at hand, under the checkpoint that `note` makes of its log.
fn included(level: &str, note: impl FnOnce(&Log) -> Note) -> Value {
    let log = log_of(&signed_decision());
    let input = with(&with(&question(), "/level", json!(level)), "/proof", json!(file(&log, &note(&log))));
    with(&input, "/head_proof", head_proof(&log))
}

fn ten_seconds_later(log: &Log) -> Note {
    dated(log.head(12), NOW + 10)
}

/// The checkpoint with one of its two lines taken from another checkpoint of the same keys.
fn replaced(log: &Log, line: usize) -> Note {
    let (good, other) = (ten_seconds_later(log), dated(log.head(11), NOW + 10));
    let lines = |note: &Note| note.signatures().iter().map(|line| format!("{line}\n")).collect::<Vec<_>>();
    let text = good.to_string().replacen(&lines(&good)[line], &lines(&other)[line], 1);
    Note::parse(text.as_bytes()).unwrap()
}

fn inclusion() -> Vec<Case> {
    let good = included("included", ten_seconds_later);
    let other = signed(DECISION, &with(&logged_decision(), "/effect", json!("deny")), RECEIPT_A);
    let other = with(&good, "/receipt", json!(other));
    let cut = good.pointer("/proof").and_then(Value::as_str).unwrap().trim_end();
    let blocked = "checkpoint=not_evaluated:blocked_by_failure promise=not_evaluated:blocked_by_failure";
    vec![
        asked(
            "a decision in the log",
            "VERD-18 VERD-19 VERD-20 LOG-19",
            good.clone(),
            "valid",
            None,
            "inclusion=pass checkpoint=pass promise=pass head=pass witnesses=not_evaluated:no_quorum",
        ),
        asked(
            "no proof where one is required",
            "VERD-04 VERD-18 VERD-24",
            with(&good, "/proof", Value::Null),
            "undetermined",
            Some("proof_missing"),
            "inclusion=not_evaluated:no_proof head=not_evaluated:no_proof",
        ),
        asked(
            "another decision's proof",
            "VERD-18 LOG-19",
            other.clone(),
            "invalid",
            Some("inclusion_invalid"),
            "inclusion=fail:inclusion_invalid checkpoint=pass promise=pass head=pass",
        ),
        asked(
            "another decision's proof where none is required",
            "VERD-04 VERD-18 VERD-22",
            with(&other, "/level", json!("signed")),
            "valid",
            None,
            "inclusion=fail:inclusion_invalid",
        ),
        asked(
            "a proof that is none",
            "VERD-18",
            with(&good, "/proof", json!("x")),
            "invalid",
            Some("proof_malformed"),
            &format!("inclusion=fail:proof_malformed {blocked}"),
        ),
        asked(
            "a proof whose checkpoint is none",
            "VERD-18 VERD-19 LOG-18",
            with(&good, "/proof", json!(cut)),
            "invalid",
            Some("checkpoint_malformed"),
            "inclusion=not_evaluated:blocked_by_failure checkpoint=fail:checkpoint_malformed \
             promise=not_evaluated:blocked_by_failure head=not_evaluated:blocked_by_failure",
        ),
        asked(
            "a proof with a bad hash and a checkpoint that is none",
            "VERD-18 LOG-18",
            with(&good, "/proof", json!(cut.replacen("index 7\n", "index 7\nx\n", 1))),
            "invalid",
            Some("proof_malformed"),
            &format!("inclusion=fail:proof_malformed {blocked}"),
        ),
        asked(
            "a proof under a key set that failed",
            "VERD-07 VERD-19",
            with(&good, "/trust/key_set", json!("x")),
            "invalid",
            Some("key_set_invalid"),
            "inclusion=pass checkpoint=not_evaluated:blocked_by_failure promise=not_evaluated:blocked_by_failure",
        ),
        asked(
            "a proof without a key set",
            "VERD-19",
            with(&good, "/trust/key_set", Value::Null),
            "undetermined",
            Some("key_set_missing"),
            "inclusion=pass checkpoint=not_evaluated:no_key_set promise=not_evaluated:blocked_by_failure",
        ),
    ]
}

/// The trust in A with a member of one key's entry changed.
fn with_key(number: usize, changes: &[(&str, Value)]) -> Value {
    with_keys(&[(number, changes)])
}

/// The same with several keys changed.
fn with_keys(keys: &[(usize, &[(&str, Value)])]) -> Value {
    let mut document = key_set(A, ROOT_A);
    for (number, changes) in keys {
        for (pointer, member) in *changes {
            let entry = document.pointer_mut(&format!("/keys/{number}")).unwrap();
            *entry = with(entry, pointer, member.clone());
        }
    }
    with(&trust_a(), "/key_set", json!(signed_key_set(&document, ROOT_A)))
}

fn checkpoints() -> Vec<Case> {
    let good = included("included", ten_seconds_later);
    let refused = |name: &str, rules: &str, input: Value, code: &str| {
        asked(
            name,
            rules,
            input,
            "invalid",
            Some(code),
            &format!("checkpoint=fail:{code} head=not_evaluated:blocked_by_failure"),
        )
    };
    let elsewhere = with(&logged_decision(), "/log/origin", json!("a.example/other"));
    let elsewhere = signed(DECISION, &elsewhere, RECEIPT_A);
    let log = log_of(&elsewhere);
    let elsewhere = with(&good, "/receipt", json!(elsewhere));
    let elsewhere = with(&elsewhere, "/proof", json!(file(&log, &ten_seconds_later(&log))));
    let foreign = with(&key_set(A, ROOT_A), "/log/origin", json!("a.example/new"));
    let last = dated(log.head(12), NOW + 10).to_string();
    let followed = with(&foreign, "/predecessor", json!({"checkpoint": last, "origin": "a.example/log"}));
    let closed = Log::holding(None, 4);
    let closed = undated("a.example/log", closed.head(4), STRANGER).to_string();
    let closed = with(&foreign, "/predecessor", json!({"checkpoint": closed, "origin": "a.example/log"}));
    let not_before = |name: &str, member: Option<Value>| {
        asked(
            name,
            "VERD-19",
            with(&elsewhere, "/trust/key_set", member.clone().unwrap_or_default()),
            "invalid",
            Some(if member.is_some() { "key_set_invalid" } else { "checkpoint_origin" }),
            "checkpoint=fail:checkpoint_origin",
        )
    };
    let trusting = |document: &Value| with(&good, "/trust/key_set", json!(signed_key_set(document, ROOT_A)));
    vec![
        refused("a receipt that promises another log", "VERD-19", elsewhere.clone(), "checkpoint_origin"),
        not_before("a receipt that promises another log, and no key set", None),
        not_before("a receipt that promises another log, and a key set that failed", Some(json!("x"))),
        refused("a log that the key set does not name", "VERD-19", trusting(&foreign), "checkpoint_origin"),
        asked(
            "the log before the active one",
            "VERD-19 KEYS-11",
            trusting(&followed),
            "valid",
            None,
            "checkpoint=pass",
        ),
        asked(
            "a larger checkpoint of the log before than its final one",
            "VERD-19 KEYS-11",
            trusting(&closed),
            "valid",
            None,
            "checkpoint=pass",
        ),
        refused(
            "a line of the log key that does not verify",
            "VERD-19 LOG-14",
            included("included", |log| replaced(log, 0)),
            "checkpoint_signature",
        ),
        refused(
            "a line of the cosigning key that does not verify",
            "VERD-19 LOG-14",
            included("included", |log| replaced(log, 1)),
            "checkpoint_undated",
        ),
        refused(
            "a checkpoint without a date",
            "VERD-19",
            included("included", |log| undated("a.example/log", log.head(12), LOG_A)),
            "checkpoint_undated",
        ),
        refused(
            "a checkpoint of a stranger",
            "VERD-19",
            included("included", |log| undated("a.example/log", log.head(12), STRANGER)),
            "checkpoint_signature",
        ),
    ]
}

/// What a key's state and times say about the checkpoint that it signed ten seconds after the decision.
fn lives() -> Vec<Case> {
    let good = included("included", ten_seconds_later);
    let ask = |name: &str, number: usize, changes: &[(&str, Value)], code: Option<&str>| {
        let row = code.map_or("checkpoint=pass".to_owned(), |code| format!("checkpoint=fail:{code}"));
        let verdict = if code.is_none() { "valid" } else { "invalid" };
        let life = if changes.first().is_some_and(|(_, state)| state == "pending") { "KEYS-15" } else { "KEYS-14" };
        let rules = format!("{life} VERD-19");
        asked(name, &rules, with(&good, "/trust", with_key(number, changes)), verdict, code, &row)
    };
    let retired = |until: u64| [("/state", json!("retired")), ("/until", json!(until))];
    let since = |since: u64| [("/since", json!(since))];
    let pending = [("/state", json!("pending"))];
    let inactive = Some("key_not_active");
    vec![
        ask("a log key retired after the checkpoint", 1, &retired(NOW + 11), None),
        ask("a log key retired in its second", 1, &retired(NOW + 10), inactive),
        ask("a log key active from its second on", 1, &since(NOW + 10), None),
        ask("a log key active later", 1, &since(NOW + 11), inactive),
        ask("a cosigning key retired after the checkpoint", 2, &retired(NOW + 11), None),
        ask("a cosigning key retired in its second", 2, &retired(NOW + 10), inactive),
        ask("a cosigning key active later", 2, &since(NOW + 11), inactive),
        ask("a pending log key", 1, &pending, Some("checkpoint_signature")),
        ask("a pending cosigning key", 2, &pending, Some("checkpoint_undated")),
    ]
}

/// Two keys of one use in the key set, the second with the seed 40, and a checkpoint under both.
fn two_signers() -> Vec<Case> {
    let second = |number: usize| {
        let mut document = key_set(A, ROOT_A);
        let x = encode_base64url(&key::<LogPurpose>(SECOND).public().to_bytes());
        let mut entry = document.pointer(&format!("/keys/{number}")).unwrap().clone();
        for (pointer, member) in [("/x", json!(x)), ("/kid", json!(kid(SECOND)))] {
            entry = with(&entry, pointer, member);
        }
        document.pointer_mut("/keys").and_then(Value::as_array_mut).unwrap().insert(0, entry);
        with(&trust_a(), "/key_set", json!(signed_key_set(&document, ROOT_A)))
    };
    let two_logs = included("included", |log| {
        let mut note = ten_seconds_later(log);
        let other = undated("a.example/log", log.head(12), SECOND);
        note.add(other.signatures().first().unwrap().clone()).unwrap();
        note
    });
    let two_dates = |at: u64| {
        included("included", move |log| {
            let mut note = ten_seconds_later(log);
            cosign(&mut note, log.head(12), "a.example/cosigner", SECOND, NOW + at);
            note
        })
    };
    let refused = |name: &str, input: Value, code: &str| {
        asked(name, "VERD-19 KEYS-14", input, "invalid", Some(code), &format!("checkpoint=fail:{code}"))
    };
    let good = included("included", ten_seconds_later);
    vec![
        asked(
            "a second log key without a line",
            "VERD-19 KEYS-06",
            with(&good, "/trust", second(1)),
            "valid",
            None,
            "checkpoint=pass",
        ),
        refused("lines of two log keys", with(&two_logs, "/trust", second(1)), "checkpoint_signature"),
        asked("a line of a log key that nobody knows", "LOG-14", two_logs, "valid", None, "checkpoint=pass"),
        refused("dates of two cosigning keys", with(&two_dates(20), "/trust", second(2)), "checkpoint_undated"),
        refused("one date twice, by two keys", with(&two_dates(10), "/trust", second(2)), "checkpoint_undated"),
    ]
}

/// A root that no log here has.
fn fork_root() -> String {
    Log::holding(None, 4).head(4).root.to_string()
}

fn heads() -> Vec<Case> {
    let good = included("included", ten_seconds_later);
    let late = |seconds: u64| included("included", move |log| dated(log.head(12), NOW + seconds));
    let fork = with(&logged_decision(), "/log/root", json!(fork_root()));
    let fork = signed(DECISION, &fork, RECEIPT_A);
    let log = log_of(&fork);
    let forked = with(&good, "/receipt", json!(fork));
    let forked = with(&forked, "/proof", json!(file(&log, &dated(log.head(12), NOW + 10))));
    let same_size = with(&with(&logged_decision(), "/log/size", json!(12)), "/log/root", json!(fork_root()));
    let same_size = signed(DECISION, &same_size, RECEIPT_A);
    let log = log_of(&same_size);
    let same_size = with(&with(&good, "/receipt", json!(same_size)), "/head_proof", Value::Null);
    let same_size = with(&same_size, "/proof", json!(file(&log, &ten_seconds_later(&log))));
    let naming = |size: usize, root: &dyn Fn(&Log) -> Digest| {
        // The root depends on the receipt, which names it: only heads before the receipt's own entry can be named.
        let named = with(&with(&logged_decision(), "/log/size", json!(size)), "/log/root", json!(root(&log)));
        let named = signed(DECISION, &named, RECEIPT_A);
        let log = log_of(&named);
        let input = with(&with(&good, "/receipt", json!(named)), "/head_proof", Value::Null);
        with(&input, "/proof", json!(file(&log, &ten_seconds_later(&log))))
    };
    // No receipt can name a head that includes it, so this one is not included.
    let whole = Log::holding(None, 12);
    let equal = with(&with(&logged_decision(), "/log/size", json!(12)), "/log/root", json!(whole.head(12).root));
    let equal = with(&good, "/receipt", json!(signed(DECISION, &equal, RECEIPT_A)));
    let equal = with(&with(&equal, "/head_proof", Value::Null), "/level", json!("signed"));
    let equal = with(&equal, "/proof", json!(file(&whole, &ten_seconds_later(&whole))));
    let empty = naming(0, &|_| Digest::of(b""));
    let larger = naming(13, &|log| log.head(4).root);
    let proven = |input: &Value, hashes: Value| with(input, "/head_proof", hashes);
    let one = json!([fork_root()]);
    let inconsistent = |name: &str, input: Value| {
        let row = "inclusion=pass head=fail:head_inconsistent";
        asked(name, "VERD-20", input, "invalid", Some("head_inconsistent"), row)
    };
    vec![
        asked("the empty tree as the named head", "VERD-20", empty.clone(), "valid", None, "head=pass"),
        asked(
            "the empty proof from the empty tree",
            "VERD-20 LOG-08",
            proven(&empty, json!([])),
            "valid",
            None,
            "head=pass",
        ),
        inconsistent("a hash from the empty tree", proven(&empty, one.clone())),
        asked(
            "the checkpoint's own head",
            "VERD-20 LOG-06",
            equal.clone(),
            "valid",
            None,
            "inclusion=fail:inclusion_invalid head=pass",
        ),
        asked(
            "a hash between equal heads",
            "VERD-20 LOG-06",
            proven(&equal, one.clone()),
            "valid",
            None,
            "head=fail:head_inconsistent",
        ),
        asked(
            "a named head larger than the checkpoint",
            "VERD-20",
            larger.clone(),
            "valid",
            None,
            "head=not_evaluated:no_head_proof",
        ),
        inconsistent("a proof from a head larger than the checkpoint", proven(&larger, one)),
        asked("a checkpoint in the last second of the promise", "VERD-20", late(60), "valid", None, "promise=pass"),
        asked(
            "a checkpoint after the promise",
            "VERD-20",
            late(61),
            "valid",
            None,
            "promise=not_evaluated:later_checkpoint",
        ),
        asked(
            "no proof from the named head",
            "VERD-20",
            with(&good, "/head_proof", Value::Null),
            "valid",
            None,
            "head=not_evaluated:no_head_proof",
        ),
        asked(
            "an empty proof from the named head",
            "VERD-20",
            with(&good, "/head_proof", json!([])),
            "invalid",
            Some("head_inconsistent"),
            "head=fail:head_inconsistent",
        ),
        asked(
            "another root at the checkpoint's size",
            "VERD-20",
            same_size,
            "invalid",
            Some("head_inconsistent"),
            "inclusion=pass head=fail:head_inconsistent",
        ),
        asked(
            "a named head that never was",
            "VERD-20",
            with(&forked, "/head_proof", head_proof(&log)),
            "invalid",
            Some("head_inconsistent"),
            "inclusion=pass head=fail:head_inconsistent",
        ),
        asked(
            "a named head that never was, at the level signed",
            "VERD-02 VERD-04",
            with(&with(&forked, "/head_proof", head_proof(&log)), "/level", json!("signed")),
            "valid",
            None,
            "head=fail:head_inconsistent",
        ),
    ]
}

/// Two of the three witnesses.
fn quorum() -> String {
    let line = |seed: &u8| format!("witness w{seed} {}\n", cosigner(&format!("w{seed}.example"), *seed));
    let lines: String = WITNESSES.iter().map(line).collect();
    format!("# two of three\n{lines}group all 2 w31 w32 w33\nquorum all\n")
}

/// The checkpoint with cosignatures of the first witnesses, dated 11, 12 and 13 seconds later.
fn witnessed(count: usize) -> impl Fn(&Log) -> Note {
    move |log| {
        let mut note = ten_seconds_later(log);
        for (seed, later) in WITNESSES.iter().zip(11..).take(count) {
            cosign(&mut note, log.head(12), &format!("w{seed}.example"), *seed, NOW + later);
        }
        note
    }
}

fn witnesses() -> Vec<Case> {
    let under = |input: Value, quorum: &str| with(&input, "/quorum", json!(quorum));
    let all = included("witnessed", witnessed(3));
    let own = format!("witness own {}\nquorum own\n", cosigner("a.example/cosigner", COSIGN_A));
    let nested = quorum().replace("quorum all", "group one any all\nquorum one");
    let spoiled = included("witnessed", |log| {
        let mut note = witnessed(2)(log);
        cosign(&mut note, log.head(11), "w33.example", 33, NOW + 1);
        note
    });
    let unmet = |name: &str, rules: &str, input: Value| {
        asked(name, rules, input, "invalid", Some("quorum_not_met"), "witnesses=fail:quorum_not_met checkpoint=pass")
    };
    let open = |name: &str, rules: &str, input: Value| {
        asked(name, rules, input, "undetermined", Some("quorum_not_met"), "witnesses=not_evaluated:no_quorum")
    };
    vec![
        asked(
            "two of three witnesses",
            "VERD-20 VERD-22 LOG-20 LOG-21 LOG-22",
            under(included("witnessed", witnessed(2)), &quorum()),
            "valid",
            None,
            "witnesses=pass",
        ),
        asked("all three witnesses", "LOG-22", under(all.clone(), &quorum()), "valid", None, "witnesses=pass"),
        asked("a group in a group", "LOG-20 LOG-22", under(all.clone(), &nested), "valid", None, "witnesses=pass"),
        asked(
            "the operator's own cosigner as the only witness",
            "LOG-20",
            under(all.clone(), &own),
            "valid",
            None,
            "witnesses=pass",
        ),
        asked(
            "a line that does not verify takes nothing from the others",
            "LOG-21",
            under(spoiled, &quorum()),
            "valid",
            None,
            "witnesses=pass",
        ),
        unmet("one of three witnesses", "VERD-20 LOG-21", under(included("witnessed", witnessed(1)), &quorum())),
        asked(
            "one of three witnesses at the level included",
            "VERD-02 VERD-04",
            under(included("included", witnessed(1)), &quorum()),
            "valid",
            None,
            "witnesses=fail:quorum_not_met",
        ),
        no_question(
            "a quorum file that is none",
            "VERD-27 LOG-20",
            under(all.clone(), "quorum\n"),
            "request_malformed",
        ),
        open("no quorum where one is required", "VERD-20 VERD-24", all.clone()),
        open("a quorum of nobody", "VERD-20 LOG-22", under(all, "quorum none\n")),
    ]
}

fn revocations() -> Vec<Case> {
    let revoked = |since: u64, until: u64| {
        let key = with_receipt_key(|entry| {
            let entry = with(&with(&entry, "/state", json!("revoked")), "/until", json!(until));
            with(&with(&entry, "/since", json!(since)), "/reason", json!("stolen"))
        });
        let input = with(&included("signed", witnessed(3)), "/trust", key);
        with(&input, "/quorum", json!(quorum()))
    };
    let since = NOW - 1000;
    let later = revoked(since, NOW + 13);
    let forged = signed(DECISION, &with(&logged_decision(), "/effect", json!("deny")), RECEIPT_A);
    let undated = with(&later, "/quorum", Value::Null);
    let lost = |name: &str, input: Value| {
        asked(name, "VERD-21", input, "invalid", Some("key_revoked"), "key=fail:key_revoked signature=pass")
    };
    vec![
        asked("witnessed before the revocation", "VERD-21", later.clone(), "valid", None, "key=pass"),
        asked(
            "witnessed in the second of the revocation",
            "VERD-21 VERD-24",
            revoked(since, NOW + 12),
            "undetermined",
            Some("key_revoked"),
            "key=not_evaluated:revoked_undated signature=pass",
        ),
        lost("a date of the operator alone", undated),
        lost(
            "a revoked key and a witnessed checkpoint that does not include the receipt",
            with(&later, "/receipt", json!(forged)),
        ),
        asked(
            "witnessed before the revocation, but issued before the key",
            "VERD-21",
            revoked(NOW + 1, NOW + 13),
            "invalid",
            Some("key_not_active"),
            "key=fail:key_not_active",
        ),
    ]
}

/// A log or cosigning key that is revoked, and what the witnessed time makes of the checkpoint under it.
fn revoked_signers() -> Vec<Case> {
    let own = format!("witness own {}\nquorum own\n", cosigner("a.example/cosigner", COSIGN_A));
    let stolen = |number: usize, since: u64, until: u64, quorum: Option<&str>| {
        let revoked = [
            ("/state", json!("revoked")),
            ("/since", json!(since)),
            ("/until", json!(until)),
            ("/reason", json!("stolen")),
        ];
        let input = with(&included("included", witnessed(3)), "/trust", with_key(number, &revoked));
        quorum.map_or(input.clone(), |quorum| with(&input, "/quorum", json!(quorum)))
    };
    let (since, quorum) = (NOW - 1000, quorum());
    let mut cases = Vec::new();
    for (number, key) in [(1, "log"), (2, "cosigning")] {
        let name = |rest: &str| format!("a revoked {key} key and a checkpoint {rest}");
        let lost = |rest: &str, input: Value, code: &str| {
            let rows = format!("inclusion=pass checkpoint=fail:{code} witnesses=not_evaluated:blocked_by_failure");
            asked(&name(rest), "VERD-21 KEYS-14", input, "invalid", Some(code), &rows)
        };
        cases.extend([
            asked(
                &name("witnessed before"),
                "VERD-21 KEYS-14",
                stolen(number, since, NOW + 13, Some(&quorum)),
                "valid",
                None,
                "checkpoint=pass promise=pass witnesses=pass",
            ),
            asked(
                &name("witnessed in the second of the revocation"),
                "VERD-21 VERD-24",
                stolen(number, since, NOW + 12, Some(&quorum)),
                "undetermined",
                Some("key_revoked"),
                "checkpoint=not_evaluated:revoked_undated witnesses=not_evaluated:blocked_by_failure",
            ),
            lost("that only the operator dates", stolen(number, since, NOW + 13, None), "key_revoked"),
            lost("dated before the key", stolen(number, NOW + 11, NOW + 13, Some(&quorum)), "key_not_active"),
        ]);
    }
    let revoked_log = [("/state", json!("revoked")), ("/until", json!(NOW + 12)), ("/reason", json!("stolen"))];
    let later_cosigner = [("/since", json!(NOW + 11))];
    let both = with_keys(&[(1, &revoked_log), (2, &later_cosigner)]);
    cases.push(asked(
        "a log key that leaves it open and a cosigning key that fails",
        "VERD-19 VERD-21",
        with(&with(&included("included", witnessed(3)), "/trust", both), "/quorum", json!(quorum)),
        "invalid",
        Some("key_not_active"),
        "checkpoint=fail:key_not_active",
    ));
    cases.push(asked(
        "a revoked log key without a witnessed time, dated before the key",
        "VERD-21",
        stolen(1, NOW + 11, NOW + 13, None),
        "invalid",
        Some("key_revoked"),
        "checkpoint=fail:key_revoked",
    ));
    cases.push(asked(
        "a revoked cosigning key as the only witness",
        "VERD-21",
        stolen(2, since, NOW + 500, Some(&own)),
        "invalid",
        Some("key_revoked"),
        "checkpoint=fail:key_revoked",
    ));
    cases
}
