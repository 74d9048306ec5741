//! The vectors of `tests/vectors`: they are what the generator makes, and the library answers each as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign::ground::bundle::{Bundle, Options, verify};
use countersign::ground::canonical::{CanonicalReadError, Rules, parse, read_canonical, to_vec};
use countersign::ground::crypto::hash::{Digest, decode_base64url, encode_base64url, leaf_hash};
use countersign::ground::crypto::keys::{CosignPurpose, LogPurpose, ReceiptPurpose, SigningKey};
use countersign::ground::keyset::{KeySetError, PinnedKeySet, SelfSignedKeySet};
use countersign::ground::limits::MAX_DECISION_BYTES;
use countersign::ground::log::checkpoint::{CosignerKey, LogKey};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::proof::{ConsistencyProof, ProofFile};
use countersign::ground::log::witness::Quorum;
use countersign::ground::problem::ProblemType;
use countersign::ground::receipt::compact::UnverifiedReceipt;
use countersign::ground::trust::Pins;
use countersign::ground::verdict::Level;
use serde_json::{Value, json};

#[path = "../../examples/vectors/main.rs"]
#[expect(dead_code, reason = "the program's own entry")]
mod generator;

/// One case of a file.
pub(crate) struct Vector {
    /// The file's area.
    pub(crate) area: String,
    /// The case.
    pub(crate) case: Value,
}

impl Vector {
    /// What the case is called.
    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.area, self.case["name"].as_str().unwrap())
    }
}

/// Every case of every file that is checked in.
pub(crate) fn all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let area = document["area"].as_str().unwrap();
        for case in document["cases"].as_array().unwrap() {
            vectors.push(Vector { area: area.to_owned(), case: case.clone() });
        }
    }
    vectors
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

#[test]
fn the_vectors_are_what_the_generator_makes() {
    let files = generator::files();
    for (name, text) in &files {
        let kept = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(kept == *text, "{name} differs: run `cargo run --example vectors`");
    }
    assert_eq!(fs::read_dir(folder()).unwrap().count(), files.len(), "a file that the generator does not make");
}

#[test]
fn the_library_answers_every_vector_as_it_says() {
    for vector in all() {
        let (input, expect) = (&vector.case["input"], &vector.case["expect"]);
        assert_eq!(answer(&vector.area, input, expect), *expect, "{}", vector.name());
    }
}

#[test]
fn names_of_vectors_are_unique_and_their_codes_registered() {
    let mut names = BTreeSet::new();
    for vector in all() {
        assert!(names.insert(vector.name()), "{} stands twice", vector.name());
        if let Some(code) = vector.case["expect"].get("code") {
            assert!(code.as_str().unwrap().parse::<ProblemType>().is_ok(), "{}: {code}", vector.name());
        }
    }
}

/// What the library makes of an input, in the form of `expect`.
fn answer(area: &str, input: &Value, expect: &Value) -> Value {
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let result = match area {
        "binding" => {
            let commitment = generator::binding::commit(input).ok_or(ProblemType::NonceInvalid);
            commitment.map(|commitment| json!({"result": "pass", "commitment": commitment}))
        }
        "bundles" => bundle(input),
        "canonical" => canonical(text("bytes")),
        "checkpoints" => generator::checkpoints::open(input).map(|opened| generator::checkpoints::opened(&opened)),
        "json" => general(text("bytes")),
        "key-sets" => key_set(input).map_err(|error| error.problem()),
        "keys" => Ok(key(text("seed"), input["name"].as_str())),
        "leaves" => UnverifiedReceipt::parse(text("receipt").as_bytes())
            .map(|receipt| {
                let digest = receipt.digest();
                json!({"result": "pass", "digest": digest, "leaf_hash": leaf_hash(&digest.0)})
            })
            .map_err(|error| error.problem()),
        "quorums" => generator::quorums::read(text("quorum")).map(|_| json!({"result": "pass"})),
        "proofs" => proof(input).map(|()| json!({"result": "pass"})),
        "receipts" => UnverifiedReceipt::parse(text("receipt").as_bytes())
            .map(|receipt| json!({"result": "pass", "kind": receipt.claims().kind(), "digest": receipt.digest()}))
            .map_err(|error| error.problem()),
        "tiles" => generator::tiles::answer(input),
        "verdicts" => verdict(input, expect),
        other => panic!("nothing runs vectors of `{other}`"),
    };
    result.unwrap_or_else(|problem| json!({"result": "fail", "code": problem}))
}

fn canonical(bytes: &str) -> Result<Value, ProblemType> {
    match read_canonical::<Value>(&decode_base64url(bytes).unwrap(), &Rules::receipt(MAX_DECISION_BYTES)) {
        Ok(_) => Ok(json!({"result": "pass"})),
        Err(CanonicalReadError::Invalid(_)) => Err(ProblemType::PayloadInvalid),
        Err(_) => Err(ProblemType::PayloadNotCanonical),
    }
}

fn general(bytes: &str) -> Result<Value, ProblemType> {
    let document = parse(&decode_base64url(bytes).unwrap(), &Rules::json(MAX_DECISION_BYTES));
    let document = document.map_err(|_| ProblemType::RequestMalformed)?;
    Ok(json!({"result": "pass", "canonical": encode_base64url(&to_vec(&document).unwrap())}))
}

fn key_set(input: &Value) -> Result<Value, KeySetError> {
    let pinned = |member: &Value| -> Result<PinnedKeySet, KeySetError> {
        let key_set = SelfSignedKeySet::parse(member.as_str().unwrap().as_bytes())?;
        let issuer = input["issuer"].as_str().unwrap().parse().unwrap();
        key_set.pinned(&issuer, input["pin"].as_str().unwrap().parse().unwrap())
    };
    let offered = pinned(&input["key_set"])?;
    if let Some(known) = input.get("known") {
        pinned(known)?.admit(&offered)?;
    }
    Ok(generator::key_sets::accepted(offered.key_set()))
}

fn key(seed: &str, name: Option<&str>) -> Value {
    let seed: [u8; 32] = decode_base64url(seed).unwrap().try_into().unwrap();
    let receipt = SigningKey::<ReceiptPurpose>::from_seed(&seed).unwrap();
    let Some(name) = name else {
        let x = encode_base64url(&receipt.public().to_bytes());
        return json!({"result": "pass", "x": x, "thumbprint": receipt.id()});
    };
    let vkey = if name.ends_with("/log") {
        let key = SigningKey::<LogPurpose>::from_seed(&seed).unwrap();
        LogKey::new(name.parse().unwrap(), key.public().as_dalek()).unwrap().to_string()
    } else {
        let key = SigningKey::<CosignPurpose>::from_seed(&seed).unwrap();
        CosignerKey::new(name.parse().unwrap(), key.public().as_dalek()).unwrap().to_string()
    };
    json!({"result": "pass", "vkey": vkey})
}

fn proof(input: &Value) -> Result<(), ProblemType> {
    if let Some(file) = input.get("proof") {
        let file = ProofFile::parse(file.as_str().unwrap().as_bytes()).map_err(|error| error.problem())?;
        let leaf = Digest::parse(input["leaf_hash"].as_str().unwrap()).unwrap();
        return file.inclusion.verify(&leaf, &file.checkpoint.claim().head).map_err(|error| error.problem());
    }
    // A head that cannot be is a fault of the question, which has one code.
    let head = |name: &str| serde_json::from_value::<TreeHead>(input[name].clone());
    let (Ok(from), Ok(to)) = (head("from"), head("to")) else { return Err(ProblemType::HeadInconsistent) };
    let proof: ConsistencyProof = serde_json::from_value(input["hashes"].clone()).unwrap();
    proof.verify(&from, &to).map_err(|error| error.problem())
}

/// The report on a bundle, cut to what vectors compare.
fn bundle(input: &Value) -> Result<Value, ProblemType> {
    let bundle = Bundle::parse(input["bundle"].as_str().unwrap().as_bytes()).map_err(|error| error.problem())?;
    let mut pins = Pins::default();
    for (issuer, pin) in input["pins"].as_object().unwrap() {
        pins.insert(issuer.parse().unwrap(), pin.as_str().unwrap().parse().unwrap()).unwrap();
    }
    let level: Level = input["level"].as_str().unwrap().parse().unwrap();
    let quorum: Option<Quorum> = input.get("quorum").map(|rule| rule.as_str().unwrap().parse().unwrap());
    let report = verify(&bundle, &pins, &Options { quorum: quorum.as_ref(), ..Options::at_level(level) });
    let report = serde_json::to_value(report).unwrap();
    let each = |list: &str, member: &str| -> Vec<Value> {
        report[list].as_array().unwrap().iter().map(|item| item.pointer(member).unwrap().clone()).collect()
    };
    Ok(json!({
        "result": report["verdict"], "items": each("items", "/verdict/verdict"), "findings": each("findings", "/finding"),
    }))
}

/// The verdict, its code, and those of its rows that the vector names.
fn verdict(input: &Value, expect: &Value) -> Result<Value, ProblemType> {
    let verdict = generator::verdicts::ask(input)?;
    let written = serde_json::to_value(&verdict).unwrap();
    let row = |check: &str| {
        let row = written["checks"].as_array().unwrap().iter().find(|row| row["check"] == check).unwrap();
        let result = row["result"].as_str().unwrap();
        json!(row.get("code").map_or(result.to_owned(), |code| format!("{result}:{}", code.as_str().unwrap())))
    };
    let rows: serde_json::Map<String, Value> =
        expect["rows"].as_object().unwrap().keys().map(|check| (check.clone(), row(check))).collect();
    let mut answer = json!({"result": verdict.verdict, "rows": rows, "verdict": written});
    if let Some(problem) = verdict.problem() {
        answer["code"] = json!(problem);
    }
    Ok(answer)
}
