//! The command line, by the real program: every case of `tests/cmd`, and what such cases cannot say.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

fn countersign(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(arguments)
        .current_dir(FIXTURES)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(FIXTURES).join(name)).unwrap()
}

#[test]
fn the_cases_come_out_as_written() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let canonical = countersign(&["canonicalize"], b"{\"b\": 1e0, \"a\": \"\\u20ac\"}");
    assert_eq!((canonical.status.code(), canonical.stdout.as_slice()), (Some(0), "{\"a\":\"€\",\"b\":1}".as_bytes()));
    let trust = ["--trust-file", "trust.txt"];
    let bundle = countersign(&[&["bundle", "verify", "-"], &trust[..]].concat(), &fixture("bundle.json"));
    assert_eq!(bundle.status.code(), Some(0));
    let receipt = countersign(&[&["verify", "--key-set", "a.keyset"], &trust[..]].concat(), &fixture("decision.jws"));
    assert_eq!(receipt.status.code(), Some(0));
}

#[test]
fn json_results_are_one_document_on_standard_output_and_nothing_else() {
    let output = countersign(&["--json", "bundle", "verify", "bundle.json"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.is_empty());
    let report = json(&output);
    assert_eq!(report["verdict"], "undetermined");
    assert_eq!(report["operators"][0]["standing"], "unpinned");
    assert_eq!(report["operators"][0]["fingerprints"].as_array().unwrap().len(), 1);
    assert_eq!(report["items"][0]["verdict"]["checks"].as_array().unwrap().len(), 16);

    let output = countersign(&["verify", "decision.jws", "--json", "--trust-file", "trust.txt"], b"");
    assert_eq!((output.status.code(), &json(&output)["verdict"]), (Some(2), &serde_json::json!("undetermined")));
    let output = countersign(&["--json", "canonicalize", "bundle-unknown-member.json"], b"");
    assert_eq!((output.status.code(), json(&output)["sha256"].as_str().unwrap().len()), (Some(0), 43));
}

#[test]
fn json_errors_are_one_document_on_standard_error() {
    let output = countersign(&["--json", "verify", "no-such-file"], b"");
    assert_eq!(output.status.code(), Some(74));
    assert!(output.stdout.is_empty());
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["exit"], 74);
}

#[test]
fn a_report_is_one_page_that_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let arguments = ["bundle", "verify", "bundle-tampered.json", "--trust-file", "trust.txt", "--report"];
    let output = countersign(&[&arguments[..], &[path.to_str().unwrap()]].concat(), b"");
    assert_eq!(output.status.code(), Some(1));
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("Invalid evidence") && !page.contains("<script"));
    let nowhere = folder.path().join("missing/report.html");
    let output = countersign(&[&arguments[..], &[nowhere.to_str().unwrap()]].concat(), b"");
    assert_eq!(output.status.code(), Some(74));
}

#[test]
fn a_receipt_that_is_too_long_is_an_invalid_one() {
    let output = countersign(&["--json", "verify", "-"], &vec![b'a'; 5000]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["checks"][0]["code"], "receipt_too_large");
}
