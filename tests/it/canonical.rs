//! Canonical JSON against the vectors of RFC 8785's author and of another implementation of receipts.

use std::fs;

use countersign::ground::canonical::{ReadErrorKind, Rules, parse, read_canonical, to_vec};
use countersign::ground::crypto::hash::Digest;
use serde_json::Value;

use crate::foreign::vectors;

const JSON: Rules = Rules::json(1 << 20);
const RECEIPT: Rules = Rules::receipt(1 << 20);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn json_09_the_documents_of_rfc_8785_have_their_published_form() {
    let Some(folder) = vectors("jcs-cyberphone") else { return };
    let mut documents = 0;
    for entry in fs::read_dir(folder.join("input")).unwrap() {
        let input = entry.unwrap().path();
        let name = input.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = fs::read_to_string(folder.join("outhex").join(format!("{name}.txt"))).unwrap();
        let form = to_vec(&parse(&fs::read(&input).unwrap(), &JSON).unwrap()).unwrap();
        assert_eq!(hex(&form), expected.split_whitespace().collect::<String>(), "{name}");
        assert!(read_canonical::<Value>(&form, &JSON).is_ok(), "{name}");
        documents += 1;
    }
    assert_eq!(documents, 6);
}

#[test]
fn json_08_the_document_with_fractions_is_no_receipt() {
    let Some(folder) = vectors("jcs-cyberphone") else { return };
    let values = fs::read(folder.join("input/values.json")).unwrap();
    assert_eq!(parse(&values, &RECEIPT).unwrap_err().kind, ReadErrorKind::NotInteger);
}

fn agent_receipts() -> Option<Value> {
    let file = vectors("jcs-agent-receipts")?.join("canonicalization_vectors.json");
    Some(serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
}

#[test]
fn json_09_the_writer_agrees_with_agent_receipts() {
    let Some(file) = agent_receipts() else { return };
    let cases = file["canonicalization_vectors"].as_array().unwrap();
    assert_eq!(cases.len(), 32);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let form = to_vec(&case["input"]).unwrap();
        assert_eq!(String::from_utf8(form.clone()).unwrap(), case["canonical"].as_str().unwrap(), "{name}");
        if let Some(hash) = case["expectedHash"].as_str() {
            assert_eq!(format!("sha256:{}", hex(&Digest::of(&form).0)), hash, "{name}");
        }
    }
}

#[test]
fn json_07_and_json_08_the_reader_refuses_exactly_the_numbers_that_it_should() {
    let Some(file) = agent_receipts() else { return };
    let (mut unsafe_integers, mut fractions) = (Vec::new(), Vec::new());
    for case in file["canonicalization_vectors"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let form = case["canonical"].as_str().unwrap().as_bytes();
        match parse(form, &JSON) {
            Ok(value) => assert_eq!(to_vec(&value).unwrap(), form, "{name}"),
            Err(error) if error.kind == ReadErrorKind::IntegerRange => unsafe_integers.push(name),
            Err(error) => panic!("{name}: {error}"),
        }
        match parse(form, &RECEIPT) {
            Err(error) if error.kind == ReadErrorKind::NotInteger => fractions.push(name),
            Err(error) => assert_eq!(error.kind, ReadErrorKind::IntegerRange, "{name}"),
            Ok(_) => {}
        }
    }
    assert_eq!(unsafe_integers, ["number_large_exp_boundary_fixed", "number_2_to_53"]);
    assert_eq!(
        fractions,
        [
            "number_simple_decimal",
            "number_shortest_repr",
            "number_fp_addition",
            "number_small_exp_boundary_fixed",
            "number_small_exp_boundary_exp",
            "number_large_exp_boundary_exp",
        ]
    );
}

/// Cases whose members are null only exercise that project's own clean-up before writing; the others are plain hashes.
#[test]
fn json_09_hashes_of_whole_receipts_agree_with_agent_receipts() {
    let Some(file) = agent_receipts() else { return };
    let mut compared = 0;
    for case in file["receipt_hash_vectors"].as_array().unwrap() {
        let Some(hash) = case["expectedHash"].as_str().filter(|hash| hash.starts_with("sha256:")) else { continue };
        if case["preNormalizationInput"] == true {
            continue;
        }
        let form = to_vec(&case["receipt"]).unwrap();
        assert_eq!(format!("sha256:{}", hex(&Digest::of(&form).0)), hash, "{}", case["name"]);
        compared += 1;
    }
    assert_eq!(compared, 7);
}
