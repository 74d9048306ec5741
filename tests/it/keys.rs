//! The operator's keys and their end, by the real program on real folders.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::commands::Place;

const ROOT: &str = "countersign/root.jwk";

impl Place {
    fn rotate(&self, usage: &str) -> Value {
        self.json(0, &["key", "rotate", usage, "--root", ROOT])
    }

    fn revoke(&self, exit: i32, kid: &str) -> Value {
        self.json(exit, &["key", "revoke", kid, "--reason", "stolen", "--root", ROOT])
    }

    fn keys_are_good(&self) -> bool {
        let report = self.json(0, &["doctor", "--offline"]);
        report["checks"].as_array().unwrap().iter().any(|check| check["check"] == "keys" && check["state"] == "ok")
    }

    /// The thumbprint of the one active key.
    fn active(&self, usage: &str) -> String {
        let keys = self.json(0, &["key", "list"])["keys"].as_array().unwrap().clone();
        let mut active = keys.iter().filter(|key| key["use"] == usage && key["state"] == "active");
        let kid = active.next().unwrap()["kid"].as_str().unwrap().to_owned();
        assert!(active.next().is_none());
        kid
    }

    /// A node that starts signs the log's head under its present keys. No two checkpoints are of one second, so it may
    /// take a moment.
    fn proof_under_new_keys(&self, digest: &str, before: &str) -> String {
        let lines = |proof: &str| -> Vec<String> {
            proof.lines().filter(|line| line.starts_with('\u{2014}')).map(str::to_owned).collect()
        };
        let serving = self.serve();
        let mut proofs = std::iter::repeat_with(|| self.text(0, &["log", "proof", digest])).take(1000);
        let changed = proofs.find(|proof| !lines(proof).contains(&lines(before)[0]));
        assert_eq!(serving.end(), Some(0));
        changed.unwrap()
    }

    /// Every file of the folder that a change of keys could touch, with its bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([("key-set.jws".to_owned(), fs::read(self.path("key-set.jws")).unwrap())]);
        for entry in fs::read_dir(self.path("keys")).unwrap().map(Result::unwrap) {
            files.insert(entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        }
        files
    }
}

#[test]
fn a_rotated_key_is_replaced_by_one_of_the_next_key_set() {
    let place = Place::init();
    let before = place.json(0, &["key", "list"]);
    assert_eq!((&before["number"], before["keys"].as_array().unwrap().len()), (&json!(1), 4));
    assert!(before["keys"].as_array().unwrap().iter().all(|key| key["file"].is_string()));
    for (number, usage) in (2..).zip(["receipt", "http", "log", "cosign"]) {
        let known = place.json(0, &["key", "list"]);
        let old = place.active(usage);
        let changed = place.rotate(usage);
        assert_eq!((&changed["number"], &changed["previous"]), (&json!(number), &known["digest"]));
        assert_eq!((&changed["fingerprint"], &changed["ended"][0]["kid"]), (&before["fingerprint"], &json!(old)));
        assert_eq!(changed["ended"].as_array().unwrap().len(), 1);
        assert_eq!(changed["ended"][0]["state"], "retired");
        assert_eq!(changed["made"]["kid"], place.active(usage));
        let named = |name: &str| changed["made"]["vkey"].as_str().is_some_and(|vkey| vkey.contains(name));
        assert_eq!((named("/log+"), named("/cosigner+")), (usage == "log", usage == "cosign"), "{changed:#}");
        let aside = place.path(&format!("keys/{usage}.jwk.retired-{old}"));
        for file in [place.path(&format!("keys/{usage}.jwk")), aside] {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
        assert!(place.keys_are_good());
    }
    let listed = place.text(0, &["key", "list"]);
    assert!(listed.contains("number 5") && listed.matches(" retired ").count() == 4, "{listed}");
    assert!(listed.contains("in `countersign/keys/cosign.jwk`"), "{listed}");
    assert_eq!(place.serve().end(), Some(0));
}

#[test]
fn only_the_root_key_changes_keys() {
    let (place, stranger) = (Place::init(), Place::init());
    let (before, kid) = (place.files(), place.active("receipt"));
    let foreign = stranger.path("root.jwk");
    let refused = place.text(1, &["key", "rotate", "receipt", "--root", foreign.to_str().unwrap()]);
    assert!(refused.contains("under which this operator is known"), "{refused}");
    let own = "countersign/keys/receipt.jwk";
    let refused = place.text(74, &["key", "revoke", &kid, "--reason", "x", "--root", own]);
    assert!(refused.contains("is for `receipt`, not for `root`"), "{refused}");
    fs::set_permissions(place.path("root.jwk"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.text(74, &["key", "rotate", "log", "--root", ROOT]).contains("so others can read it"));
    assert!(place.text(74, &["key", "rotate", "log", "--root", "nowhere"]).contains("`nowhere`"));
    assert_eq!(place.files(), before);
}

#[test]
fn a_revoked_key_is_replaced_if_it_signs_and_stays_revoked() {
    let place = Place::init();
    let (first, root) = (place.active("receipt"), fs::read(place.path("root.jwk")).unwrap());
    let changed = place.revoke(0, &first);
    assert_eq!((&changed["ended"][0]["state"], &changed["ended"][0]["reason"]), (&json!("revoked"), &json!("stolen")));
    assert_eq!(changed["made"]["use"], "receipt");
    assert!(place.path(&format!("keys/receipt.jwk.revoked-{first}")).exists());
    assert!(place.text(64, &["key", "revoke", &first, "--reason", "x", "--root", ROOT]).contains("was revoked at"));

    let second = place.active("receipt");
    place.rotate("receipt");
    let third = place.active("receipt");
    let changed = place.revoke(0, &second);
    assert_eq!((&changed["made"], place.active("receipt")), (&Value::Null, third));
    place.revoke(64, &"A".repeat(43));
    place.json(64, &["key", "revoke", &place.active("log"), "--reason", "", "--root", ROOT]);
    place.json(64, &["key", "rotate", "root", "--root", ROOT]);
    assert!(place.text(0, &["key", "list"]).contains("because `stolen`"));
    assert!(place.keys_are_good());
    assert_eq!(fs::read(place.path("root.jwk")).unwrap(), root);
}

#[test]
fn keys_change_only_while_nobody_signs() {
    let place = Place::init();
    let serving = place.serve();
    let before = place.files();
    let refused = place.text(75, &["key", "rotate", "receipt", "--root", ROOT]);
    assert!(refused.contains("end it first"), "{refused}");
    assert_eq!(place.files(), before);
    assert_eq!(serving.end(), Some(0));
    let changed = place.text(0, &["key", "rotate", "receipt", "--root", ROOT]);
    assert!(changed.contains("restart the node: countersign serve --config countersign\n"), "{changed}");
    assert!(changed.contains("shred -u countersign/keys/receipt.jwk.retired-"), "{changed}");
}

#[test]
fn a_change_that_was_cut_short_leaves_a_node_that_starts() {
    let place = Place::init();
    let first = place.files();
    let (file, next) = (place.path("keys/receipt.jwk"), place.path("keys/receipt.jwk.next"));

    // Half a draft, of a key that no key set names.
    fs::write(&next, "{\"crv\":").unwrap();
    assert!(place.keys_are_good());
    let store = fs::read(place.path("store.sqlite")).unwrap();
    let old = place.active("receipt");
    let changed = place.rotate("receipt");
    let aside = place.path(&format!("keys/receipt.jwk.retired-{old}"));
    let second = place.files();

    // The key set was replaced, and nothing after it was done.
    fs::rename(&file, &next).unwrap();
    fs::rename(&aside, &file).unwrap();
    fs::write(place.path("store.sqlite"), &store).unwrap();
    assert!(place.keys_are_good());
    assert_eq!(changed["made"]["kid"], place.active("receipt"));
    assert_eq!(place.serve().end(), Some(0));
    // The old key is out of its place, and the new one not in it yet.
    fs::rename(&file, &aside).unwrap();
    assert!(place.keys_are_good());
    place.rotate("http");
    let third = place.files();
    assert!(!third.keys().any(|name| name.ends_with(".next")));
    assert_eq!((&third["receipt.jwk"], third.contains_key("key-set.jws")), (&second["receipt.jwk"], true));
    assert!(third[&format!("receipt.jwk.retired-{old}")] == first["receipt.jwk"] && place.keys_are_good());
    assert_eq!(place.json(0, &["log", "fsck"])["differences"], json!([]));
}

#[test]
fn a_key_set_that_is_not_the_latest_is_not_continued() {
    let place = Place::init();
    let first = fs::read(place.path("key-set.jws")).unwrap();
    place.rotate("http");
    fs::write(place.path("key-set.jws"), first).unwrap();
    let before = place.files();
    let refused = place.text(1, &["key", "rotate", "http", "--root", ROOT]);
    assert!(refused.contains("the store knows key set 2"), "{refused}");
    assert_eq!(place.files(), before);
}

#[test]
fn lost_and_exposed_key_files_can_be_replaced() {
    let place = Place::init();
    fs::remove_file(place.path("keys/http.jwk")).unwrap();
    assert!(place.text(0, &["key", "list"]).contains("its file is missing"));
    assert!(place.text(1, &["doctor", "--offline"]).contains("countersign key rotate"));
    place.rotate("http");
    fs::set_permissions(place.path("keys/log.jwk"), fs::Permissions::from_mode(0o644)).unwrap();
    place.revoke(0, &place.active("log"));
    assert!(place.path("keys/log.jwk.unreadable").exists() && place.keys_are_good());
}

#[test]
fn the_log_goes_on_under_new_keys_and_what_was_proven_stays_so() {
    let place = Place::init();
    place.json(0, &["policy", "apply"]);
    let receipts = place.json(0, &["receipt", "find"]);
    let digest = receipts["receipts"][0]["digest"].as_str().unwrap().to_owned();
    let proven = place.text(0, &["log", "proof", &digest]);
    fs::write(place.path("before.proof"), &proven).unwrap();
    let receipt = place.json(0, &["receipt", "show", &digest])["receipt"].as_str().unwrap().to_owned();
    fs::write(place.path("receipt.jws"), receipt).unwrap();
    let fingerprint = place.json(0, &["key", "list"])["fingerprint"].as_str().unwrap().to_owned();
    let verdict = |proof: &str| {
        let trust = format!("{}={fingerprint}", place.issuer());
        let (receipt, proof) = ("countersign/receipt.jws", format!("countersign/{proof}"));
        let key_set = "countersign/key-set.jws";
        let arguments = [
            "--json",
            "verify",
            receipt,
            "--proof",
            &proof,
            "--trust",
            &trust,
            "--key-set",
            key_set,
            "--level",
            "included",
        ];
        serde_json::from_slice::<Value>(&place.run(&arguments).stdout).unwrap()
    };
    let result = |verdict: &Value, check: &str| {
        let checks = verdict["checks"].as_array().unwrap();
        checks.iter().find(|row| row["check"] == check).unwrap().clone()
    };
    assert_eq!(verdict("before.proof")["verdict"], "valid");

    for usage in ["log", "cosign"] {
        place.rotate(usage);
    }
    assert_eq!(verdict("before.proof")["verdict"], "valid", "the retired keys signed it in their time");
    let again = place.proof_under_new_keys(&digest, &proven);
    fs::write(place.path("after.proof"), &again).unwrap();
    assert_eq!(verdict("after.proof")["verdict"], "valid");

    place.revoke(0, &place.active("log"));
    let refused = verdict("after.proof");
    assert_eq!(
        (&refused["verdict"], &result(&refused, "checkpoint")["code"]),
        (&json!("invalid"), &json!("key_revoked"))
    );
    assert_eq!(verdict("before.proof")["verdict"], "valid");
    fs::write(place.path("anew.proof"), place.proof_under_new_keys(&digest, &again)).unwrap();
    assert_eq!(verdict("anew.proof")["verdict"], "valid", "the log is the same, and so is what it holds");

    place.revoke(0, &place.active("receipt"));
    assert_eq!(result(&verdict("anew.proof"), "key")["code"], "key_revoked");
    assert_eq!(place.json(0, &["log", "fsck"])["differences"], json!([]));
}
