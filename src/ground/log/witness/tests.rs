use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::ground::crypto::hash::{Digest, leaf_hash, node_hash};
use crate::ground::log::checkpoint::{CosignerKey, LogKey, UnverifiedCheckpoint};
use crate::ground::log::note::{KeyName, Note, NoteSignature};
use crate::ground::name::Timestamp;

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn witness_key(seed: u8) -> CosignerKey {
    CosignerKey::new(format!("w{seed}.example").parse().unwrap(), &signing(seed).verifying_key()).unwrap()
}

fn log_key() -> LogKey {
    LogKey::new("a.example/log".parse().unwrap(), &signing(200).verifying_key()).unwrap()
}

fn note(head: TreeHead) -> Note {
    let checkpoint = Checkpoint { origin: log_key().origin().clone(), head };
    checkpoint.sign(&log_key(), |message| signing(200).sign(message).to_bytes()).unwrap()
}

fn proposal(head: TreeHead) -> SignedCheckpoint {
    let text = note(head).to_string();
    UnverifiedCheckpoint::parse(text.as_bytes()).unwrap().verify_log(&log_key()).unwrap()
}

fn cosignature(head: TreeHead, seed: u8, time: u64) -> NoteSignature {
    let checkpoint = Checkpoint { origin: log_key().origin().clone(), head };
    let time = Timestamp::from_unix_s(time).unwrap();
    checkpoint.cosign(&witness_key(seed), time, |message| signing(seed).sign(message).to_bytes())
}

fn heads() -> [TreeHead; 3] {
    let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
    let two = node_hash(&a, &b);
    [
        TreeHead { size: 1, root: a },
        TreeHead { size: 2, root: two },
        TreeHead { size: 3, root: node_hash(&two, &leaf_hash(b"c")) },
    ]
}

fn proof(hashes: &[Digest]) -> ConsistencyProof {
    ConsistencyProof { hashes: hashes.to_vec() }
}

// LOG-23
#[test]
fn a_witness_moves_on_only_from_the_head_that_it_cosigned_last() {
    let [one, two, three] = heads();
    let first = decide(None, 0, &proposal(two), &proof(&[])).unwrap();
    assert_eq!((first.from(), &first.to().head), (None, &two));
    let step = proof(&[leaf_hash(b"c")]);
    let advance = decide(Some(&two), 2, &proposal(three), &step).unwrap();
    assert_eq!((advance.from(), &advance.to().head), (Some(&two), &three));
    assert!(decide(Some(&two), 2, &proposal(two), &proof(&[])).is_ok(), "the same head may be cosigned again");

    let stale = Refusal::OtherOldSize { old: 1, known: 2 };
    assert_eq!(decide(Some(&two), 1, &proposal(three), &step), Err(stale));
    assert_eq!(decide(None, 2, &proposal(three), &step), Err(Refusal::OtherOldSize { old: 2, known: 0 }));
    let beyond = Refusal::OldBeyondProposal { old: 2, proposed: 1 };
    assert_eq!(decide(Some(&two), 2, &proposal(one), &proof(&[])), Err(beyond));
    let wrong = decide(Some(&two), 2, &proposal(three), &proof(&[leaf_hash(b"x")]));
    assert_eq!(wrong, Err(Refusal::Inconsistent(ConsistencyError::WrongNewRoot)));
    let trailing = decide(None, 0, &proposal(two), &step);
    assert_eq!(trailing, Err(Refusal::Inconsistent(ConsistencyError::TooLong { hashes: 1 })));
}

// LOG-06, LOG-23
#[test]
fn another_root_for_the_known_size_is_a_fork() {
    let [_, two, _] = heads();
    let other = TreeHead { size: 2, root: leaf_hash(b"x") };
    let fork = decide(Some(&two), 2, &proposal(other), &proof(&[])).unwrap_err();
    assert_eq!(fork, Refusal::Fork { known: two, proposed: other });
    assert_eq!(fork.problem(), ProblemType::HeadInconsistent);
}

fn file(lines: &str) -> String {
    let mut text = format!("# logs\nlog {} https://a.example\n\n", log_key());
    for seed in 1..=4 {
        text += &format!(" witness\tW{seed}  {} \n", witness_key(seed));
    }
    text + lines
}

// LOG-20
#[test]
fn a_quorum_file_reads_as_its_specification_says() {
    let quorum: Quorum = file("group g 2 W1 W2 W3\ngroup h all g W4\nquorum h\n").parse().unwrap();
    assert_eq!(quorum.logs(), [(log_key(), Some("https://a.example".to_owned()))]);
    let names: Vec<_> = quorum.witnesses().iter().map(|witness| witness.name.as_str()).collect();
    assert_eq!(names, ["W1", "W2", "W3", "W4"]);
    assert!("quorum none\n".parse::<Quorum>().unwrap().is_none());

    let many: String =
        (1..=32).map(|seed| format!("witness {seed} {}\ngroup g{seed} any {seed}\n", witness_key(seed))).collect();
    assert!(format!("{many}quorum g32\n").parse::<Quorum>().is_ok());
}

// LOG-20
#[test]
fn every_way_a_quorum_file_is_wrong_has_its_own_error() {
    use QuorumFileError as E;
    let line = 8;
    let name = |text: &str| text.to_owned();
    let renamed = CosignerKey::new("other".parse::<KeyName>().unwrap(), &signing(1).verifying_key()).unwrap();
    for (lines, error) in [
        ("", E::NoQuorum),
        ("quorum W1\nquorum W1\n", E::QuorumTwice { line: 9 }),
        ("quorum\n", E::Malformed { line }),
        ("quorum W1 W2\n", E::Malformed { line }),
        ("quorums W1\n", E::Malformed { line }),
        ("group g any\n", E::Malformed { line }),
        ("group g 0 W1\n", E::Threshold { line }),
        ("group g 2 W1\n", E::Threshold { line }),
        ("group g +1 W1\n", E::Threshold { line }),
        ("group g 01 W1\n", E::Threshold { line }),
        ("group g most W1\n", E::Threshold { line }),
        ("group W1 any W1\n", E::DuplicateName { line, name: name("W1") }),
        ("group none any W1\n", E::DuplicateName { line, name: name("none") }),
        ("group g any W1 W1\n", E::MemberTwice { line, name: name("W1") }),
        ("group g any W1\ngroup h any g W1\n", E::MemberTwice { line: 9, name: name("W1") }),
        ("group g any g\n", E::UnknownName { line, name: name("g") }),
        ("group g any none\n", E::UnknownName { line, name: name("none") }),
        ("quorum W9\n", E::UnknownName { line, name: name("W9") }),
        ("quorum W1\r\n", E::ControlCharacter { line }),
        (&format!("witness W5 {renamed}\n"), E::DuplicateKey { line }),
        (&format!("log {}\n", log_key()), E::DuplicateKey { line }),
        (&format!("witness W1 {}\n", witness_key(5)), E::DuplicateName { line, name: name("W1") }),
    ] {
        assert_eq!(file(lines).parse::<Quorum>(), Err(error), "{lines}");
    }
    assert!(matches!(file("log x\n").parse::<Quorum>(), Err(E::Vkey { line: 8, .. })));
    assert!(matches!(file(&format!("log {}\n", witness_key(5))).parse::<Quorum>(), Err(E::Vkey { line: 8, .. })));
    let many: String = (1..=65).map(|seed| format!("witness {seed} {}\n", witness_key(seed))).collect();
    assert_eq!(many.parse::<Quorum>(), Err(E::TooMany { line: 65 }));
}

// LOG-21, LOG-22
#[test]
fn the_witnessed_time_is_when_the_quorum_was_first_met() {
    let head = heads()[1];
    let mut note = note(head);
    let evaluate = |note: &Note, lines: &str| {
        let result = file(lines).parse::<Quorum>().unwrap().evaluate(note);
        (result.met, result.witnessed_time.map(Timestamp::unix_s))
    };
    let two_of_three_and_four = "group g 2 W1 W2 W3\ngroup h all g W4\nquorum h\n";
    assert_eq!(evaluate(&note, two_of_three_and_four), (false, None));
    assert_eq!(evaluate(&note, "quorum none\n"), (true, None));
    for (seed, time) in [(1, 50), (2, 20), (3, 30)] {
        note.add(cosignature(head, seed, time)).unwrap();
    }
    assert_eq!(evaluate(&note, two_of_three_and_four), (false, None));
    assert_eq!(evaluate(&note, "quorum W1\n"), (true, Some(50)));
    assert_eq!(evaluate(&note, "quorum W4\n"), (false, None));
    assert_eq!(evaluate(&note, "group g any W1 W2 W3\nquorum g\n"), (true, Some(20)));
    assert_eq!(evaluate(&note, "group g 2 W1 W2 W3\nquorum g\n"), (true, Some(30)));
    assert_eq!(evaluate(&note, "group g all W1 W2 W3\nquorum g\n"), (true, Some(50)));
    note.add(cosignature(head, 4, 25)).unwrap();
    assert_eq!(evaluate(&note, two_of_three_and_four), (true, Some(30)));
}

// LOG-21
#[test]
fn a_false_cosignature_counts_for_nothing_and_harms_no_other() {
    let [one, two, _] = heads();
    let mut note = note(two);
    note.add(cosignature(one, 1, 10)).unwrap();
    note.add(cosignature(two, 2, 20)).unwrap();
    let result = file("group g any W1 W2\nquorum g\n").parse::<Quorum>().unwrap().evaluate(&note);
    assert_eq!((result.met, result.witnessed_time.map(Timestamp::unix_s)), (true, Some(20)));
    assert_eq!(result.invalid, ["W1"]);
    assert_eq!(result.witnesses, [("W2".to_owned(), Timestamp::from_unix_s(20).unwrap())]);

    // A second line of the same witness with a good cosignature counts, as does the earlier of two good ones.
    let both = format!("{note}{}\n{}\n", cosignature(two, 1, 40), cosignature(two, 1, 15));
    let result = file("quorum W1\n").parse::<Quorum>().unwrap().evaluate(&Note::parse(both.as_bytes()).unwrap());
    assert_eq!((result.witnessed_time.map(Timestamp::unix_s), result.invalid), (Some(15), vec!["W1".to_owned()]));
}
