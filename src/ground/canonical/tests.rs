use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

const RECEIPT: Rules = Rules::receipt(4096);
const JSON: Rules = Rules::json(4096);

/// What refuses the text, and at which byte.
fn refusal(text: &str, rules: &Rules) -> (ReadErrorKind, usize) {
    match parse(text.as_bytes(), rules) {
        Ok(value) => panic!("`{text}` was read as {value}"),
        Err(error) => (error.kind, error.offset),
    }
}

fn canonical(text: &str) -> String {
    String::from_utf8(to_vec(&parse(text.as_bytes(), &JSON).unwrap()).unwrap()).unwrap()
}

#[test]
fn json_01_the_size_bound_is_exact() {
    assert_eq!(parse(b"[1,2]", &Rules::json(5)), Ok(json!([1, 2])));
    assert_eq!(refusal("[1,2]", &Rules::json(4)), (ReadErrorKind::TooLarge(4), 4));
}

#[test]
fn json_02_a_byte_order_mark_is_refused() {
    assert_eq!(refusal("\u{FEFF}{}", &JSON), (ReadErrorKind::ByteOrderMark, 0));
    assert_eq!(parse("\"\u{FEFF}\"".as_bytes(), &JSON), Ok(json!("\u{FEFF}")));
}

#[test]
fn json_02_bytes_that_are_not_utf_8_are_refused_where_they_stand() {
    for bad in [&b"\xFF"[..], b"\xC0\xAF", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE2\x82"] {
        let text = [b"{\"a\":\"", bad, b"\"}"].concat();
        let error = parse(&text, &JSON).unwrap_err();
        assert_eq!((error.kind, error.offset), (ReadErrorKind::NotUtf8, 6));
    }
}

#[test]
fn json_03_what_is_not_json_is_refused_at_its_place() {
    for (text, offset) in [
        ("", 0),
        ("{", 1),
        ("{\"a\":", 5),
        ("{\"a\" 1}", 5),
        ("[1,]", 3),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("'a'", 0),
        ("\n\n  nul", 7),
        ("[01]", 2),
        ("[1\n2]", 3),
        ("[\n +1]", 3),
        ("[.5]", 1),
        ("[NaN]", 1),
        ("// a\n1", 0),
        ("{]", 1),
        ("\"a\nb\"", 2),
    ] {
        let (kind, at) = refusal(text, &RECEIPT);
        assert!(matches!(kind, ReadErrorKind::Syntax(_)), "{text:?}: {kind:?}");
        assert_eq!(at, offset, "{text:?}: {kind}");
    }
}

#[test]
fn json_03_unknown_escapes_and_raw_control_characters_are_refused() {
    for text in [r#""\x41""#, r#""\u12G4""#, r#""\u+123""#, "\"\u{1}\"", r#""\"#, r#"""#] {
        assert!(matches!(refusal(text, &JSON).0, ReadErrorKind::Syntax(_)), "{text:?}");
    }
}

#[test]
fn json_03_anything_but_white_space_after_the_document_is_refused() {
    assert_eq!(parse(b" {} \n", &JSON), Ok(json!({})));
    assert_eq!(refusal("{} {}", &JSON), (ReadErrorKind::TrailingBytes, 3));
    assert_eq!(refusal("1\0", &JSON), (ReadErrorKind::TrailingBytes, 1));
    assert_eq!(refusal("{}}", &JSON), (ReadErrorKind::TrailingBytes, 2));
}

#[test]
fn json_04_a_name_that_stands_twice_is_refused_at_its_second_place() {
    let twice = |name: &str| ReadErrorKind::DuplicateKey(name.to_owned());
    assert_eq!(refusal(r#"{"a":1,"a":1}"#, &RECEIPT), (twice("a"), 7));
    assert_eq!(refusal(r#"{"a":1,"\u0061":1}"#, &RECEIPT), (twice("a"), 7));
    assert_eq!(refusal(r#"{"x\"y":["q"],"b":{"c":"d","c":2}}"#, &RECEIPT), (twice("c"), 27));
    assert_eq!(refusal(r#"{"":1,"":2}"#, &RECEIPT), (twice(""), 6));
    assert_eq!(refusal(r#"{"a":1,"b":{},"a":"#, &RECEIPT), (twice("a"), 14));
    assert_eq!(parse(br#"[{"a":1},{"a":{"a":2}}]"#, &RECEIPT), Ok(json!([{"a": 1}, {"a": {"a": 2}}])));
}

#[test]
fn json_05_lone_surrogates_are_refused_at_their_escape() {
    for (text, offset) in [
        (r#""\ud800""#, 1),
        (r#""a\uDFFFb""#, 2),
        (r#""\ud83c\ud83c\udf89""#, 1),
        (r#""\udf89\ud83c""#, 1),
        (r#""\\\ud83c\\udf89""#, 3),
        (r#"{"\ud83c":1}"#, 2),
        (r#""\ud83c\n""#, 1),
    ] {
        assert_eq!(refusal(text, &RECEIPT), (ReadErrorKind::LoneSurrogate, offset), "{text}");
    }
    assert_eq!(parse(br#""\ud83c\udf89 \\ud83c""#, &RECEIPT), Ok(json!("\u{1F389} \\ud83c")));
}

#[test]
fn json_05_noncharacters_are_refused() {
    for (text, code, offset) in [
        (r#"["a","\uFFFE"]"#, 0xFFFE, 5),
        ("\"\u{FFFF}\"", 0xFFFF, 0),
        ("{\"\u{FDD0}\":1}", 0xFDD0, 1),
        ("\"\u{10FFFF}\"", 0x10_FFFF, 0),
    ] {
        assert_eq!(refusal(text, &JSON), (ReadErrorKind::Noncharacter(code), offset));
    }
    assert_eq!(canonical("\"\u{FFFD}\u{FDCF}\u{FDF0}\""), "\"\u{FFFD}\u{FDCF}\u{FDF0}\"");
}

#[test]
fn json_06_the_depth_bound_is_exact() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(32).as_bytes(), &RECEIPT).is_ok());
    assert_eq!(refusal(&nested(33), &RECEIPT), (ReadErrorKind::TooDeep(32), 32));
    assert_eq!(refusal(&"{\"a\":".repeat(100_000), &Rules::json(1 << 20)), (ReadErrorKind::TooDeep(32), 160));
    assert!(parse(format!("[{}1]", "[],{},\"[[\",".repeat(40)).as_bytes(), &RECEIPT).is_ok());
}

#[test]
fn json_07_integers_reach_exactly_to_the_largest_safe_one() {
    for text in ["9007199254740991", "-9007199254740991", "0"] {
        assert_eq!(canonical(text), text);
        assert!(parse(text.as_bytes(), &RECEIPT).is_ok());
    }
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
    ] {
        assert_eq!(refusal(&format!("[{text}]"), &RECEIPT), (ReadErrorKind::IntegerRange, 1), "{text}");
        assert_eq!(refusal(&format!("[{text}]"), &JSON), (ReadErrorKind::IntegerRange, 1), "{text}");
    }
}

#[test]
fn json_07_numbers_whose_canonical_form_is_an_unsafe_integer_are_refused() {
    for text in ["9007199254740992.0", "1e20", "-9.1e15", "1e400", "-1e400"] {
        assert_eq!(refusal(text, &JSON), (ReadErrorKind::IntegerRange, 0), "{text}");
    }
    assert_eq!(canonical("1e21"), "1e+21");
    assert_eq!(canonical("9007199254740991.0"), "9007199254740991");
}

#[test]
fn json_08_receipts_hold_only_numbers_written_as_integers() {
    for text in ["1.0", "1e3", "1E3", "-0", "-0.0", "0.5", "1e-400", "1e400"] {
        assert_eq!(refusal(&format!("{{\"a\":{text}}}"), &RECEIPT), (ReadErrorKind::NotInteger, 5), "{text}");
    }
    assert_eq!(canonical("[1.0,1e3,-0,0.5,1e-400]"), "[1,1000,0,0.5,0]");
}

#[test]
fn json_09_doubles_are_read_and_written_exactly() {
    assert_eq!(canonical("333333333.33333329"), "333333333.3333333");
    assert_eq!(canonical("2.2250738585072011e-308"), "2.225073858507201e-308");
    assert_eq!(canonical("1448997445238699"), "1448997445238699");
}

#[test]
fn errors_say_where_in_words() {
    let error = parse(b"{\n  \"a\": 1,\n  \"a\": 2\n}", &JSON).unwrap_err();
    assert_eq!(error.to_string(), "the name `a` stands twice in one object at line 3, column 3");
    assert_eq!((error.line, error.column, error.offset), (3, 3, 14));
    let error = parse(b"[1,]", &JSON).unwrap_err();
    assert_eq!(error.to_string(), "not JSON: trailing comma at line 1, column 4");
    let error = parse(b"{\"\x1b\":1,\"\x1b\":1}", &JSON).unwrap_err();
    assert_eq!(
        error.kind,
        ReadErrorKind::Syntax("control character (\\u0000-\\u001F) found while parsing a string".into())
    );
    let error = parse(b"{\"\\u001b\":1,\"\\u001b\":1}", &JSON).unwrap_err();
    assert_eq!(error.to_string(), "the name `\\u{1b}` stands twice in one object at line 1, column 13");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

fn read(text: &str) -> Result<Sample, CanonicalReadError> {
    read_canonical(text.as_bytes(), &RECEIPT)
}

#[test]
fn json_10_canonical_bytes_are_read_and_written_back() {
    let text = r#"{"count":3,"name":"é\n"}"#;
    let sample = read(text).unwrap();
    assert_eq!(sample, Sample { name: "é\n".into(), count: Some(3) });
    assert_eq!(to_vec(&sample).unwrap(), text.as_bytes());
}

#[test]
fn json_10_other_spellings_of_the_same_value_are_refused_at_the_first_difference() {
    for (text, offset) in [
        (r#"{"name":"a","count":3}"#, 2),
        (r#"{"count": 3,"name":"a"}"#, 9),
        (r#"{"count":3,"name":"\u0061"}"#, 19),
        (r#"{"count":3,"name":"a\/"}"#, 20),
        (r#"{"count":3,"name":"a"} "#, 22),
        (r#" {"count":3,"name":"a"}"#, 0),
    ] {
        assert_eq!(read(text), Err(CanonicalReadError::NotCanonical { offset }), "{text}");
    }
}

#[test]
fn json_10_the_form_is_judged_before_the_members() {
    assert_eq!(read(r#"{"b":1,"a":2}"#), Err(CanonicalReadError::NotCanonical { offset: 2 }));
    assert!(
        matches!(read(r#"{"a":2,"b":1}"#), Err(CanonicalReadError::Invalid(why)) if why.contains("unknown field `a`"))
    );
    assert!(matches!(read(r#"{"name":"a"} x"#), Err(CanonicalReadError::Read(_))));
}

#[test]
fn json_11_an_absent_member_has_no_second_spelling() {
    assert!(matches!(read(r#"{"count":null,"name":"a"}"#), Err(CanonicalReadError::Invalid(_))));
    assert!(read(r#"{"name":"a"}"#).is_ok());
}

#[test]
fn what_json_cannot_say_is_not_written() {
    assert!(to_vec(&f64::NAN).is_err());
    assert!(to_vec(&f64::INFINITY).is_err());
}

#[test]
fn only_what_is_its_own_canonical_form_is_plain() {
    for text in [r#"{"a":1,"b":{"a":[true,-2,"é /"]},"c":"a:b"}"#, "[]", "true", "\"\"", "0", r#"{"":1,"A":2,"a":3}"#]
    {
        assert!(plain_depth(text).is_some(), "{text}");
        assert_eq!(serde_jcs::to_vec(&parse(text.as_bytes(), &JSON).unwrap()).unwrap(), text.as_bytes());
    }
    for text in [
        "{\"b\":1,\"a\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"a\": 1}",
        "[1,\n2]",
        " true",
        "true\n",
        "[1.0]",
        "[-0]",
        "[1e3]",
        "[9007199254740992]",
        r#""\/""#,
        r#"{"\u0061":1}"#,
        "{\"\u{e9}\":1}",
        "[null]",
    ] {
        assert!(plain_depth(text).is_none(), "{text}");
    }
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite and readable", |x| x.is_finite() && !(9e15..1e21).contains(&x.abs()))
            .prop_map(Value::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("a noncharacter", |text| parse(&serde_json::to_vec(text).unwrap(), &JSON).is_ok())
}

fn document() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from)];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            // In any order, as callers write them.
            prop::collection::vec((prop_oneof![text(), "[a-c]{1,2}"], inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_short_way_of_writing_leads_to_the_same_bytes(document in document()) {
        prop_assert_eq!(to_vec(&document).unwrap(), serde_jcs::to_vec(&document).unwrap());
        let written = serde_json::to_string(&document).unwrap();
        if plain_depth(&written).is_some() {
            prop_assert_eq!(written.into_bytes(), serde_jcs::to_vec(&document).unwrap());
        }
    }

    #[test]
    fn the_short_way_of_reading_accepts_nothing_else(text in r#"([\[\]{},:]|"a"|"b"|"\\u0061"|1|-0|true|null| ){0,12}"#) {
        let long = parse(text.as_bytes(), &RECEIPT).ok().filter(|value| serde_jcs::to_vec(value).unwrap() == text.as_bytes());
        prop_assert_eq!(read_plain::<Value>(text.as_bytes(), &RECEIPT).is_some_and(|_| long.is_none()), false);
        prop_assert_eq!(read_canonical::<Value>(text.as_bytes(), &RECEIPT).ok(), long);
    }

    #[test]
    fn json_09_the_canonical_form_is_a_fixpoint(document in document()) {
        let rules = Rules::json(1 << 20);
        let once = to_vec(&parse(&serde_json::to_vec_pretty(&document).unwrap(), &rules).unwrap()).unwrap();
        let again = to_vec(&parse(&once, &rules).unwrap()).unwrap();
        prop_assert_eq!(&once, &again);
        prop_assert_eq!(read_canonical::<Value>(&once, &rules).map(|value| to_vec(&value)), Ok(Ok(again)));
    }

    #[test]
    fn one_changed_byte_never_panics_and_never_leaves_the_document(document in document(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for rules in [Rules::json(1 << 20), Rules::receipt(1 << 20)] {
            if let Err(error) = parse(&bytes, &rules) {
                prop_assert!(error.offset <= bytes.len());
                prop_assert_eq!(error.line, bytes[..error.offset].split(|byte| *byte == b'\n').count());
            }
        }
    }

    #[test]
    fn any_bytes_are_read_as_serde_json_does_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse(&bytes, &JSON) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}
