use serde_json::json;

use super::super::{Bundle, BundleError, Item};
use super::world::{Story, time};
use crate::ground::canonical;
use crate::ground::limits::{MAX_BUNDLE_ITEMS, MAX_BUNDLE_KEY_SETS};

fn minimal() -> serde_json::Value {
    json!({"format": "countersign-bundle-v1", "created": 1, "key_sets": [], "items": [{"receipt": "x"}]})
}

fn parse(value: &serde_json::Value) -> Result<Bundle, BundleError> {
    Bundle::parse(value.to_string().as_bytes())
}

#[test]
fn a_bundle_is_written_canonically_and_read_back() {
    let bundle = Story::new().bundle();
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(Bundle::parse(&bytes).unwrap(), bundle);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(canonical::to_vec(&value).unwrap(), bytes);
}

#[test]
fn a_bundle_may_be_spelled_freely_but_not_loosely() {
    assert!(Bundle::parse(serde_json::to_string_pretty(&minimal()).unwrap().as_bytes()).is_ok());
    let text = minimal().to_string();
    let twice = text.replacen('{', "{\"created\":2,", 1);
    assert!(matches!(Bundle::parse(twice.as_bytes()), Err(BundleError::Json(_))));
    assert!(matches!(Bundle::parse(format!("{text}x").as_bytes()), Err(BundleError::Json(_))));
}

#[test]
fn unknown_missing_and_null_members_are_refused() {
    assert!(parse(&minimal()).is_ok());
    for (pointer, member, value) in [
        ("", "quorum", json!("quorum none")),
        ("", "format", json!("countersign-bundle-v2")),
        ("", "created", json!(-1)),
        ("", "created", json!(1.5)),
        ("", "key_sets", json!(null)),
        ("/items/0", "extra", json!(1)),
        ("/items/0", "proof", json!(null)),
        ("/items/0", "head_proof", json!(null)),
        ("/items/0", "head_proof", json!(["short"])),
        ("/items/0", "nonce", json!(null)),
        ("/items/0", "nonce", json!("short")),
        ("/items/0", "request", json!({"method": "GET"})),
        ("/items/0", "request", json!({"method": "", "target": "https://b.example/"})),
        ("/items/0", "request", json!({"method": "GET", "target": "x".repeat(9000)})),
        ("/items/0", "request", json!({"method": "GET", "target": "x", "body": "=="})),
        ("/items/0", "response", json!({"body": null})),
    ] {
        let mut bundle = minimal();
        bundle.pointer_mut(pointer).unwrap()[member] = value.clone();
        assert!(matches!(parse(&bundle), Err(BundleError::Form(_))), "{member} {value}");
    }
    let mut bundle = minimal();
    bundle.as_object_mut().unwrap().remove("created");
    assert!(matches!(parse(&bundle), Err(BundleError::Form(_))));
}

#[test]
fn a_bundle_has_at_least_one_receipt_and_not_too_many() {
    let mut bundle = minimal();
    bundle["items"] = json!([]);
    assert_eq!(parse(&bundle), Err(BundleError::Empty));
    bundle["items"] = json!(vec![json!({"receipt": "x"}); MAX_BUNDLE_ITEMS + 1]);
    assert_eq!(parse(&bundle), Err(BundleError::TooManyItems));
    let mut bundle = minimal();
    bundle["key_sets"] = json!(vec!["x"; MAX_BUNDLE_KEY_SETS + 1]);
    assert_eq!(parse(&bundle), Err(BundleError::TooManyKeySets));
    assert_eq!(Bundle::new(time(1)).to_bytes(), Err(BundleError::Empty));
    let mut full = Bundle::new(time(1));
    (0..MAX_BUNDLE_ITEMS).for_each(|_| full.add(Item::new("x")).unwrap());
    assert_eq!(full.add(Item::new("x")), Err(BundleError::TooManyItems));
}

#[test]
fn a_nonce_is_not_shown_in_debug_output() {
    let bundle = Story::new().bundle();
    let shown = format!("{bundle:?}");
    assert!(!shown.contains(&super::world::nonce(1).to_text()));
}
