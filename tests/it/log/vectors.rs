//! Vectors of other projects. They are no part of this repository: `COUNTERSIGN_VECTORS` names the folder that holds
//! them, and without it these tests say that they did not run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::ground::crypto::hash::{Digest, leaf_hash};
use countersign::ground::log::checkpoint::{Checkpoint, CheckpointError, CosignerKey, LogKey, UnverifiedCheckpoint};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::note::{Note, VerifierKey};
use countersign::ground::log::proof::ProofFile;
use countersign::ground::log::witness::Quorum;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;

fn read(path: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("COUNTERSIGN_VECTORS") else {
        eprintln!("not run: COUNTERSIGN_VECTORS does not name the folder with `{path}`");
        return None;
    };
    let path = PathBuf::from(folder).join(path);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text `{name}`"))
}

/// The lines of each key, and whether they verify.
fn lines<'k>(note: &Note, keys: &'k [VerifierKey]) -> Vec<(&'k str, bool)> {
    let of = |key: &'k VerifierKey| {
        let lines = note.signatures_of(key).map(|line| key.verify(note.text(), &line.bytes).is_ok());
        lines.map(|good| (key.name().as_str(), good)).collect::<Vec<_>>()
    };
    keys.iter().flat_map(of).collect()
}

// LOG-12, LOG-13, LOG-14
#[test]
fn the_example_of_the_specification_opens() {
    let Some(note) = read("signed-note/c2sp_example.note") else { return };
    let key: VerifierKey = read("signed-note/c2sp_example.vkey").unwrap().trim_end().parse().unwrap();
    let parsed = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(parsed.to_string(), note);
    assert_eq!(lines(&parsed, std::slice::from_ref(&key)), [(key.name().as_str(), true)]);
}

// LOG-12, LOG-14
#[test]
fn notes_come_out_as_in_the_go_reference() {
    let Some(cases) = read("signed-note/note_cases.json") else { return };
    let cases: Value = serde_json::from_str(&cases).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let name = text(case, "name");
        let keys: Vec<VerifierKey> = case["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| text(&cases["keys"], key.as_str().unwrap()).parse().unwrap())
            .collect();
        let bytes = match case["note_base64"].as_str() {
            Some(encoded) => STANDARD.decode(encoded).unwrap(),
            None => text(case, "note").as_bytes().to_vec(),
        };
        let parsed = Note::parse(&bytes);
        let Ok(note) = &parsed else {
            assert_eq!(text(case, "expect"), "malformed", "{name}: {parsed:?}");
            continue;
        };
        assert_eq!(note.to_string().as_bytes(), bytes, "{name}");
        let lines = lines(note, &keys);
        let good: BTreeSet<&str> = lines.iter().filter(|(_, good)| *good).map(|(name, _)| *name).collect();
        match text(case, "expect") {
            "verified" => {
                let expected = case["verified"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                assert_eq!(good, expected.collect(), "{name}");
                assert!(lines.iter().all(|(_, good)| *good), "{name}");
            }
            "ambiguous_key" => assert!(lines.len() > note.signatures().len(), "{name}"),
            "invalid_signature" => assert!(lines.iter().any(|(_, good)| !good), "{name}"),
            "no_verifiable_signature" => assert_eq!(lines, [], "{name}"),
            other => panic!("{name} expects `{other}`"),
        }
    }
}

// LOG-13
#[test]
fn mangled_and_unknown_keys_are_refused() {
    let Some(cases) = read("signed-note/note_cases.json") else { return };
    let cases: Value = serde_json::from_str(&cases).unwrap();
    for bad in cases["bad_vkeys"].as_array().unwrap() {
        assert!(text(bad, "vkey").parse::<VerifierKey>().is_err(), "{bad}");
    }
    for good in cases["keys"].as_object().unwrap().values() {
        let good = good.as_str().unwrap();
        assert_eq!(good.parse::<VerifierKey>().unwrap().to_string(), good);
        for position in 0..good.len() {
            let mut mangled = good.as_bytes().to_vec();
            mangled[position] = mangled[position].wrapping_add(1);
            if let Ok(mangled) = String::from_utf8(mangled) {
                assert!(mangled.parse::<VerifierKey>().is_err(), "{mangled}");
            }
            for end in position..good.len() {
                assert!(good.get(position..end).unwrap().parse::<VerifierKey>().is_err());
            }
            assert!(position == 0 || good.get(position..).unwrap().parse::<VerifierKey>().is_err());
        }
    }
}

// LOG-15
#[test]
fn signing_a_checkpoint_gives_the_published_bytes() {
    let Some(facts) = read("signed-note/checkpoint_deterministic.json") else { return };
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let signing = SigningKey::from_bytes(&hex(text(&facts, "seed_hex_published_for_tests_only")).try_into().unwrap());
    let key = LogKey::new(text(&facts, "origin").parse().unwrap(), &signing.verifying_key()).unwrap();
    assert_eq!(key.to_string(), text(&facts, "vkey"));
    let root = Digest(STANDARD.decode(text(&facts, "root_hash_base64")).unwrap().try_into().unwrap());
    let checkpoint =
        Checkpoint { origin: key.origin().clone(), head: TreeHead { size: facts["size"].as_u64().unwrap(), root } };
    let note = checkpoint.sign(&key, |message| signing.sign(message).to_bytes()).unwrap();
    assert_eq!(note.to_string(), text(&facts, "checkpoint"));
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.trim().chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The real checkpoint with its keys. It carries no cosignature of its own log, so the first witness stands in for one.
struct Sigsum {
    note: String,
    log: LogKey,
    cosigners: Vec<CosignerKey>,
    facts: Value,
}

fn sigsum() -> Option<Sigsum> {
    let note = read("cosigned-checkpoint/checkpoint.note")?;
    let keys = read("cosigned-checkpoint/vkeys.txt")?;
    let (log, cosigners) = keys.trim_end().split_once('\n').unwrap();
    let cosigners = cosigners.lines().map(|line| line.parse().unwrap()).collect();
    let facts = serde_json::from_str(&read("cosigned-checkpoint/facts.json")?).unwrap();
    Some(Sigsum { note, log: log.parse().unwrap(), cosigners, facts })
}

impl Sigsum {
    fn quorum(&self, threshold: usize) -> Quorum {
        let mut text = String::new();
        let mut names = String::new();
        for (number, key) in self.cosigners.iter().enumerate() {
            text += &format!("witness w{number} {key}\n");
            names += &format!(" w{number}");
        }
        format!("{text}group g {threshold}{names}\nquorum g\n").parse().unwrap()
    }

    fn verify(&self, note: &str) -> Result<u64, CheckpointError> {
        let checkpoint = UnverifiedCheckpoint::parse(note.as_bytes())?.verify(&self.log, &self.cosigners[0])?;
        Ok(checkpoint.time().unix_s())
    }
}

// LOG-14, LOG-16, LOG-17, LOG-21, LOG-22
#[test]
fn a_real_checkpoint_verifies_with_all_its_cosignatures() {
    let Some(sigsum) = sigsum() else { return };
    let time = sigsum.facts["cosignature_time"].as_u64().unwrap();
    assert_eq!(sigsum.verify(&sigsum.note), Ok(time));
    let note = Note::parse(sigsum.note.as_bytes()).unwrap();
    for threshold in 1..=8 {
        let result = sigsum.quorum(threshold).evaluate(&note);
        assert!(result.met && result.witnesses.len() == 8 && result.invalid.is_empty());
        assert_eq!(result.witnessed_time.map(|time| time.unix_s()), Some(time));
    }
    // Without the last line, all eight are no longer there, seven are.
    let shorter = sigsum.note.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    let shorter = Note::parse(shorter.as_bytes()).unwrap();
    assert!(!sigsum.quorum(8).evaluate(&shorter).met);
    assert!(sigsum.quorum(7).evaluate(&shorter).met);
}

// LOG-14, LOG-17
#[test]
fn one_flipped_bit_anywhere_in_a_real_checkpoint_is_noticed() {
    let Some(sigsum) = sigsum() else { return };
    let good = Note::parse(sigsum.note.as_bytes()).unwrap();
    let all = sigsum.quorum(8);
    for position in 0..sigsum.note.len() {
        let mut bytes = sigsum.note.as_bytes().to_vec();
        bytes[position] ^= 1;
        let Ok(note) = Note::parse(&bytes) else { continue };
        assert_ne!(note, good);
        let broken = String::from_utf8(bytes).unwrap();
        assert!(sigsum.verify(&broken).is_err() || !all.evaluate(&note).met, "byte {position}");
    }
}

// LOG-16
#[test]
fn a_cosignature_with_another_time_does_not_verify() {
    let Some(sigsum) = sigsum() else { return };
    let note = Note::parse(sigsum.note.as_bytes()).unwrap();
    for key in &sigsum.cosigners {
        let line = note.signatures_of(key.vkey()).next().unwrap();
        assert!(key.vkey().verify(note.text(), &line.bytes).is_ok());
        let mut later = line.bytes.clone();
        later[7] += 1;
        assert!(key.vkey().verify(note.text(), &later).is_err());
    }
}

// LOG-03, LOG-18, LOG-19
#[test]
fn a_real_proof_leads_to_the_root_and_every_change_to_it_does_not() {
    let Some(sigsum) = sigsum() else { return };
    let file = read("cosigned-checkpoint/inclusion.tlog-proof").unwrap();
    let proof = ProofFile::parse(file.as_bytes()).unwrap();
    assert_eq!(proof.to_string(), file);
    assert_eq!(proof.checkpoint.note().to_string(), sigsum.note);
    let leaf = leaf_hash(&hex(&read("cosigned-checkpoint/leaf.hex").unwrap()));
    assert_eq!(STANDARD.encode(leaf.0), text(&sigsum.facts, "leaf_hash_base64"));
    let head = proof.checkpoint.clone().verify(&sigsum.log, &sigsum.cosigners[0]).map(|c| *c.head()).unwrap();
    let good = proof.inclusion;
    assert_eq!(good.index, sigsum.facts["leaf_index"].as_u64().unwrap());
    assert_eq!(good.verify(&leaf, &head), Ok(()));

    let last = good.hashes.len() - 1;
    for position in 0..=last {
        let mut wrong = good.clone();
        wrong.hashes[position].0[0] ^= 1;
        assert!(wrong.verify(&leaf, &head).is_err());
        let mut wrong = good.clone();
        wrong.hashes.remove(position);
        assert!(wrong.verify(&leaf, &head).is_err());
    }
    let mut wrong = good.clone();
    wrong.hashes.push(wrong.hashes[last]);
    assert!(wrong.verify(&leaf, &head).is_err());
    for index in [good.index - 1, good.index + 1] {
        let mut wrong = good.clone();
        wrong.index = index;
        assert!(wrong.verify(&leaf, &head).is_err());
    }
    for size in [head.size - 1, head.size + 1] {
        assert!(good.verify(&leaf, &TreeHead { size, root: head.root }).is_err());
    }
    assert!(good.verify(&leaf_hash(&leaf.0), &head).is_err());
}
