//! The JSON Schemas of `schemas/` accept what the library accepts, and see the faults of shape that a schema can see.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign::ground::agent::call::Shape;
use countersign::ground::agent::refusal::{Refusal, RefusedBy};
use countersign::ground::crypto::hash::decode_base64url;
use countersign::ground::discovery::{DiscoveryDocument, Route};
use countersign::ground::keyset::SelfSignedKeySet;
use countersign::ground::problem::ProblemType;
use countersign::ground::receipt::payload::Mode;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::vectors;

/// Faults between members, of order and of arithmetic, which a schema does not see.
const BEYOND_SCHEMAS: &[&str] = &[
    "a log origin of 256 bytes",
    "the empty root at size 1",
    "another root at size 0",
    "a promise that ends before it is made",
    "a promise of more than a day",
    "an issuer with the default port",
    "an issuer with a port over 65535",
    "an issuer with an IPv6 address in long form",
    "another subject than sub",
    "another subject than act.sub",
    "nine actors",
    "a lifetime of 601 s",
    "no lifetime",
    "an end before the beginning",
    "a beginning at the end",
    "reasons in another order",
    "policies in another order",
    "policies in the order of UTF-16",
    "no binding for another operator",
    "a retry of itself",
    "an acknowledgement with unsorted policies",
    "a configuration for somebody else",
    "one name for log and cosigner",
    "a predecessor of the same name",
    "a predecessor without a checkpoint",
    "a predecessor with a cut checkpoint",
    "a predecessor with another's checkpoint",
    "another kid",
    "a key for two uses",
    "the root key among the keys",
    "a key of small order",
    "bytes that are no point",
    "a second encoding of a point",
    "a root key of small order",
    "a root key in a second encoding",
    "an issuer with an IPv4 number over 255",
    "an issuer with a leading zero in an IPv4 number",
    "an issuer with a single group of zeros left out",
    "an issuer with the default port of http",
    "an issuer with a host of 254 characters",
];

/// Faults of a bundle's spelling, which are gone once a lenient reader has read it.
const SPELLINGS: &[&str] = &[
    "a member twice",
    "an escaped noncharacter",
    "a time with an exponent",
    "a time with a fraction of zero",
    "a time of minus zero",
];

/// Key sets whose document is good, and which are refused for their size, spelling, signature or pin.
const BEYOND_DOCUMENTS: &[&str] = &["KEYS-01", "KEYS-03", "KEYS-04", "KEYS-12"];

fn schemas() -> BTreeMap<String, Validator> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json").unwrap().to_owned();
        let schema: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(schema["$id"], format!("urn:countersign:schema:{name}"));
        assert_eq!(schema["additionalProperties"], false, "{name}");
        (name, jsonschema::draft202012::new(&schema).unwrap())
    });
    named.collect()
}

/// The name of the schema and the payload, of a compact string whose header and payload can be read.
fn read(compact: &str) -> Option<(String, Value)> {
    let mut parts = compact.split('.').map(decode_base64url);
    let (header, payload) = (parts.next()??, parts.next()??);
    let header: Value = serde_json::from_slice(&header).ok()?;
    let name = match header["typ"].as_str()?.strip_prefix("countersign-")?.strip_suffix("-v1+jwt")? {
        "keyset" => "key-set".to_owned(),
        kind => format!("receipt-{kind}"),
    };
    Some((name, serde_json::from_slice(&payload).ok()?))
}

#[test]
fn schemas_and_library_agree_on_receipts_and_key_sets() {
    let schemas = schemas();
    let mut refused = 0;
    for vector in vectors::all() {
        let (input, expect) = (&vector.case["input"], &vector.case["expect"]);
        let Some(compact) = input.get("receipt").or(input.get("key_set")).and_then(Value::as_str) else { continue };
        let Some((name, payload)) = read(compact) else { continue };
        let Some(schema) = schemas.get(&name) else { continue };
        let fault = schema.iter_errors(&payload).next().map(|error| error.to_string());
        if expect["result"] == "pass" || expect["result"] == "valid" {
            assert_eq!(fault, None, "{}", vector.name());
        }
        let of_shape = expect["code"] == "payload_invalid" || expect["code"] == "key_set_invalid";
        let rule = vector.case["rule"][0].as_str().unwrap();
        let beyond = BEYOND_SCHEMAS.contains(&vector.case["name"].as_str().unwrap())
            || BEYOND_DOCUMENTS.contains(&rule) && fault.is_none()
            || vector.area == "verdicts"
            || vector.case["name"] == "a key set with a space";
        if of_shape && !beyond {
            assert!(fault.is_some(), "{} is not seen by its schema", vector.name());
            refused += 1;
        }
    }
    assert!(refused > 80, "{refused}");
}

#[test]
fn schema_and_library_agree_on_bundles() {
    let schema = &schemas()["bundle"];
    for vector in vectors::all().iter().filter(|vector| vector.area == "bundles") {
        let text = vector.case["input"]["bundle"].as_str().unwrap();
        let Ok(bundle) = serde_json::from_str::<Value>(text) else { continue };
        let good = vector.case["expect"].get("code").is_none();
        let seen = !SPELLINGS.contains(&vector.case["name"].as_str().unwrap());
        assert_eq!(schema.is_valid(&bundle), good || !seen, "{}", vector.name());
    }
}

#[test]
fn every_verdict_is_of_its_schema() {
    let schemas = schemas();
    for vector in vectors::all().iter().filter(|vector| vector.area == "verdicts") {
        let Some(verdict) = vector.case["expect"].get("verdict") else { continue };
        let fault = schemas["verdict"].iter_errors(verdict).next().map(|error| error.to_string());
        assert_eq!(fault, None, "{}", vector.name());
        let mut shuffled = verdict.clone();
        shuffled["checks"].as_array_mut().unwrap().swap(0, 1);
        assert!(!schemas["verdict"].is_valid(&shuffled), "{}", vector.name());
    }
}

#[test]
fn problems_are_of_their_schema() {
    let schemas = schemas();
    for problem in ProblemType::ALL.iter().copied() {
        let mut document = json!({
            "type": problem.uri(), "title": problem.title(), "status": problem.status(), "help": problem.help(),
        });
        assert!(schemas["problem"].is_valid(&document), "{problem}");
        let answer = Refusal::new(RefusedBy::CalleeNode, problem).answer(&Shape::Http);
        document = serde_json::from_slice(&answer.body).unwrap();
        assert!(schemas["problem"].is_valid(&document), "{problem}");
        document["internal"] = json!("x");
        assert!(!schemas["problem"].is_valid(&document), "{problem}");
    }
}

#[test]
fn a_discovery_document_is_of_its_schema() {
    let vectors = vectors::all();
    let key_set = vectors.iter().find(|vector| vector.name() == "key-sets: a key set").unwrap();
    let key_set = SelfSignedKeySet::parse(key_set.case["input"]["key_set"].as_str().unwrap().as_bytes()).unwrap();
    let route = Route { mode: Mode::Enforce, path: "/hotel".to_owned() };
    let document = serde_json::to_value(DiscoveryDocument::of(&key_set, vec![route]).unwrap()).unwrap();
    let schema = &schemas()["discovery"];
    assert_eq!(schema.iter_errors(&document).next().map(|error| error.to_string()), None);
    for (pointer, value) in [
        ("/issuer", json!("https://a.example/")),
        ("/fingerprint", json!("A")),
        ("/routes/0/mode", json!("off")),
        ("/log/vkey", json!("x")),
        ("/endpoints/log", json!("/log")),
        ("/endpoints/log", json!("https://a.example/log/")),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&changed), "{pointer}");
    }
}
