//! Documents by the general rules of canonical JSON, and their canonical form.

use countersign::ground::crypto::hash::encode_base64url;
use serde_json::json;

use super::case::{Case, case, fail};

pub(crate) fn cases() -> Vec<Case> {
    let input = |text: &str| json!({"bytes": encode_base64url(text.as_bytes())});
    let written = |name: &str, rules: &str, text: &str, form: &str| {
        let expect = json!({"result": "pass", "canonical": encode_base64url(form.as_bytes())});
        case(name, rules, input(text), expect)
    };
    let refused = |name: &str, rules: &str, text: &str| case(name, rules, input(text), fail("request_malformed"));
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    vec![
        written("white space and order", "JSON-09", "{ \"b\" : 1,\n\"a\":[ ] }\t", r#"{"a":[],"b":1}"#),
        written(
            "names sorted by UTF-16 units",
            "JSON-09",
            "{\"\u{FB33}\":2,\"\u{1F600}\":1}",
            "{\"\u{1F600}\":1,\"\u{FB33}\":2}",
        ),
        written("needless escapes", "JSON-09", r#"["\u0061\/\u001F\ud83d\ude00"]"#, "[\"a/\\u001f\u{1F600}\"]"),
        written("a scalar", "JSON-03", " 7 ", "7"),
        written("fractions", "JSON-07 JSON-09", "[1.50,-0.0,0.000001,1e-7,4.5e-1]", "[1.5,0,0.000001,1e-7,0.45]"),
        written("minus zero", "JSON-07 JSON-09", "[-0]", "[0]"),
        written("an integer with an exponent", "JSON-07 JSON-09", "[1e3,12.0]", "[1000,12]"),
        written(
            "the largest integers",
            "JSON-07",
            "[9007199254740991,-9007199254740991]",
            "[9007199254740991,-9007199254740991]",
        ),
        written(
            "numbers from 10^21 on",
            "JSON-07 JSON-09",
            "[1e21,1.7976931348623157e308]",
            "[1e+21,1.7976931348623157e+308]",
        ),
        written("a number that is too small", "JSON-07 JSON-09", "[1e-400,5e-324]", "[0,5e-324]"),
        written("the nearest double", "JSON-09", "[0.1000000000000000055511151231257827]", "[0.1]"),
        written("32 levels", "JSON-06", &nested(32), &nested(32)),
        refused("33 levels", "JSON-06", &nested(33)),
        refused("a document of 4097 bytes", "JSON-01", &format!("\"{}\"", "x".repeat(4095))),
        refused("a byte order mark", "JSON-02", "\u{FEFF}{}"),
        refused("two documents", "JSON-03", "1 2"),
        refused("one name in two spellings", "JSON-04", r#"{"a":1,"\u0061":1}"#),
        refused("half a surrogate pair", "JSON-05", r#"["\ud800"]"#),
        refused("half a surrogate pair in a name", "JSON-05", r#"{"\udc00":1}"#),
        refused("an escaped noncharacter", "JSON-05", r#"["\ufffe"]"#),
        refused("an escaped noncharacter beyond the first plane", "JSON-05", r#"["\ud83f\udffe"]"#),
        refused("2^53", "JSON-07", "[9007199254740992]"),
        refused("2^53 with a fraction of zero", "JSON-07", "[-9007199254740992.0]"),
        refused("10^20", "JSON-07", "[1e20]"),
        refused("an integer of 22 digits", "JSON-07", "[1000000000000000000000]"),
        refused("a number that is infinite", "JSON-07", "[1e400]"),
        refused("a leading zero", "JSON-03", "[01]"),
        refused("not a number", "JSON-03", "[NaN]"),
    ]
}
