//! Documents that are canonical JSON by the receipt rules, and documents that are not.

use countersign::ground::crypto::hash::encode_base64url;
use serde_json::{Value, json};

use super::case::{Case, case, fail};

fn input(bytes: &[u8]) -> Value {
    json!({"bytes": encode_base64url(bytes)})
}

pub(crate) fn cases() -> Vec<Case> {
    let pass =
        |name: &str, rules: &str, text: &str| case(name, rules, input(text.as_bytes()), json!({"result": "pass"}));
    let refuse = |name: &str, rules: &str, bytes: &[u8]| case(name, rules, input(bytes), fail("payload_not_canonical"));
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    vec![
        pass("an object with sorted names", "JSON-09 JSON-10", r#"{"":0,"a":[1,-2,null],"b":{"c":true}}"#),
        pass("the largest integers", "JSON-07", "[9007199254740991,-9007199254740991]"),
        pass("names sorted by UTF-16 units", "JSON-09", "{\"\u{1F600}\":1,\"\u{FB33}\":2}"),
        pass("control characters in their short escapes", "JSON-09", r#"["\b\t\n\f\r\u001f"]"#),
        pass("32 levels", "JSON-06", &nested(32)),
        refuse("33 levels", "JSON-06", nested(33).as_bytes()),
        refuse("a document larger than a decision", "JSON-01", format!("[\"{}\"]", "x".repeat(4096)).as_bytes()),
        refuse("a byte order mark", "JSON-02", b"\xEF\xBB\xBF{}"),
        refuse("an overlong form", "JSON-02", b"[\"\xC0\xAF\"]"),
        refuse("an encoded surrogate", "JSON-02", b"[\"\xED\xA0\x80\"]"),
        refuse("no document", "JSON-03", b""),
        refuse("two documents", "JSON-03", b"{}{}"),
        refuse("white space after the document", "JSON-03 JSON-10", b"{}\n"),
        refuse("a comma too many", "JSON-03", b"[1,]"),
        refuse("one name twice", "JSON-04", br#"{"a":1,"a":1}"#),
        refuse("one name in two spellings", "JSON-04", br#"{"a":1,"\u0061":1}"#),
        refuse("a lone surrogate", "JSON-05", br#"["\ud800"]"#),
        refuse("a surrogate pair the wrong way round", "JSON-05", br#"["\udc00\ud800"]"#),
        refuse("a noncharacter", "JSON-05", "[\"\u{FFFE}\"]".as_bytes()),
        refuse("2^53", "JSON-07", b"[9007199254740992]"),
        refuse("a number that is infinite", "JSON-07", b"[1e400]"),
        refuse("a fraction", "JSON-08", b"[1.5]"),
        refuse("a fraction of zero", "JSON-08", b"[1.0]"),
        refuse("an exponent", "JSON-08", b"[1e3]"),
        refuse("minus zero", "JSON-08", b"[-0]"),
        refuse("a leading zero", "JSON-03", b"[01]"),
        refuse("names in another order", "JSON-10", br#"{"b":1,"a":2}"#),
        refuse("names sorted by code points", "JSON-09 JSON-10", "{\"\u{FB33}\":2,\"\u{1F600}\":1}".as_bytes()),
        refuse("a space", "JSON-10", br#"{"a": 1}"#),
        refuse("a needless escape", "JSON-10", br#"["\u0061"]"#),
        refuse("an escape in capitals", "JSON-10", br#"["\u001F"]"#),
    ]
}
