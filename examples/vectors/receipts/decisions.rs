//! Members of a decision, and the rules between them.

use serde_json::{Value, json};

use super::super::case::{Case, case};
use super::super::world::{A, DECISION, EPOCH, JTI, NOW, RECEIPT_A, decision, digest_of, full_decision, signed, with};
use super::strings::invalid;

fn changed(name: &str, rules: &str, pointer: &str, member: Value) -> Case {
    invalid(name, rules, DECISION, &with(&decision(), pointer, member), RECEIPT_A)
}

fn changed_full(name: &str, rules: &str, pointer: &str, member: Value) -> Case {
    invalid(name, rules, DECISION, &with(&full_decision(), pointer, member), RECEIPT_A)
}

fn kept(name: &str, rules: &str, payload: &Value) -> Case {
    let compact = signed(DECISION, payload, RECEIPT_A);
    let expect = json!({"result": "pass", "kind": "decision", "digest": digest_of(&compact)});
    case(name, rules, json!({"receipt": compact}), expect)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = shared_members();
    cases.extend(issuers());
    cases.extend(who());
    cases.extend(what());
    cases.extend(limits());
    cases
}

fn shared_members() -> Vec<Case> {
    let log = |member: &str, value: Value| (format!("/log/{member}"), value);
    let mut cases = vec![
        changed("an unknown member", "RCPT-10", "/extra", json!(1)),
        changed("an unknown member inside", "RCPT-10", "/action/extra", json!(1)),
        changed("a missing member", "RCPT-10", "/epoch", Value::Null),
        invalid(
            "null for an absent member",
            "RCPT-10 JSON-11",
            DECISION,
            &with(&decision(), "/nbf", json!("x")).to_string().replace("\"x\"", "null").parse().unwrap(),
            RECEIPT_A,
        ),
        changed("a number as a string", "RCPT-10", "/iat", json!("1800000000")),
        changed("two audiences", "RCPT-10", "/aud", json!(["https://b.example"])),
        changed("a UUID of version 4", "RCPT-12", "/jti", json!("936da01f-9abd-4d9d-80c7-02af85c822a8")),
        changed("a UUID of another variant", "RCPT-12", "/jti", json!("01932f3c-7b1a-7c3e-1f00-0123456789ab")),
        changed("a UUID in capitals", "RCPT-12", "/jti", json!(JTI.to_uppercase())),
        changed("a UUID without hyphens", "RCPT-12", "/jti", json!(JTI.replace('-', ""))),
        changed("a time before 1970", "RCPT-13", "/iat", json!(-1)),
        changed("a code in capitals", "RCPT-14", "/reasons", json!(["Acme.budget"])),
        changed("a code with an empty word", "RCPT-14", "/reasons", json!(["acme..budget"])),
        changed("a code whose word begins with a digit", "RCPT-14", "/reasons", json!(["acme.2fast"])),
        changed("a code of 65 characters", "RCPT-14", "/reasons", json!([format!("a.{}", "b".repeat(63))])),
        changed("an empty name", "RCPT-15", "/action/name", json!("")),
        changed("a name of 257 characters", "RCPT-15", "/action/name", json!("x".repeat(257))),
        changed("a control character in a name", "RCPT-15", "/resource/id", json!("a\u{7}")),
        changed("a control character of Latin 1 in a name", "RCPT-15", "/resource/id", json!("a\u{85}")),
        changed("a digest with padding", "RCPT-16", "/epoch", json!(format!("{EPOCH}="))),
        changed("a digest of 31 bytes", "RCPT-16", "/epoch", json!(&EPOCH.get(..42).unwrap())),
        changed("a digest with stray bits", "RCPT-16", "/epoch", json!("B".repeat(43))),
        changed("ext that is no object", "RCPT-18", "/ext", json!([1])),
        changed("_sd without digests", "RCPT-19", "/_sd", json!([])),
        changed("_sd_alg alone", "RCPT-19", "/_sd_alg", json!("sha-256")),
        changed_full("another _sd_alg", "RCPT-19", "/_sd_alg", json!("md5")),
        changed_full("33 digests in _sd", "RCPT-19", "/_sd", json!(vec![EPOCH; 33])),
    ];
    for (name, (pointer, value)) in [
        ("a log origin with a space", log("origin", json!("a b"))),
        ("a log origin with a plus", log("origin", json!("a+b"))),
        ("a log origin with a no-break space", log("origin", json!("a\u{A0}b"))),
        ("an empty log origin", log("origin", json!(""))),
        ("a log origin of 256 bytes", log("origin", json!("é".repeat(128)))),
        ("the empty root at size 1", log("size", json!(1))),
        ("another root at size 0", log("root", json!(EPOCH))),
        ("a negative size", log("size", json!(-1))),
        ("a promise that ends before it is made", log("include_by", json!(NOW - 1))),
        ("a promise of more than a day", log("include_by", json!(NOW + 86_401))),
    ] {
        cases.push(changed(name, "RCPT-17", &pointer, value));
    }
    cases.push(kept("a promise of a day", "RCPT-17", &with(&decision(), "/log/include_by", json!(NOW + 86_400))));
    cases.push(kept("a name of 256 characters", "RCPT-15", &with(&decision(), "/action/name", json!("é".repeat(256)))));
    cases
}

fn issuers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, issuer) in [
        ("capitals", "https://B.example"),
        ("a trailing slash", "https://b.example/"),
        ("a path", "https://b.example/x"),
        ("the default port", "https://b.example:443"),
        ("port 0", "https://b.example:0"),
        ("a port with a leading zero", "https://b.example:08443"),
        ("a port over 65535", "https://b.example:65536"),
        ("user information", "https://u@b.example"),
        ("a query", "https://b.example?x"),
        ("no scheme", "b.example"),
        ("plain http", "http://b.example"),
        ("a dot at the end", "https://b.example."),
        ("an underscore", "https://a_b.example"),
        ("an empty label", "https://b..example"),
        ("a label that begins with a hyphen", "https://-b.example"),
        ("letters beyond ASCII", "https://bücher.example"),
        ("an IPv4 address in short form", "https://127.1"),
        ("an IPv6 address in long form", "https://[0:0:0:0:0:0:0:1]"),
        ("a last label of digits", "https://b.1"),
        ("no host", "https://"),
        ("an empty port", "https://b.example:"),
        ("a port with a sign", "https://b.example:+8443"),
        ("the default port of http", "http://localhost:80"),
        ("an IPv4 number over 255", "https://10.0.0.256"),
        ("a leading zero in an IPv4 number", "https://10.0.0.01"),
        ("five IPv4 numbers", "https://10.0.0.0.1"),
        ("an embedded IPv4 address", "https://[::ffff:1.2.3.4]"),
        ("an IPv6 address in capitals", "https://[::FFFF:102:304]"),
        ("a single group of zeros left out", "https://[1:2:3::5:6:7:8]"),
        ("text behind an IPv6 address", "https://[::1]x"),
        ("an IPv6 address with a zone", "https://[fe80::1%25a]"),
        ("a label of 64 characters", &format!("https://{}.example", "b".repeat(64))),
        ("a host of 254 characters", &format!("https://{}", host_of(254))),
        ("a bare xn--", "https://xn--.example"),
        ("plain http to an IPv6 address", "http://[::2]"),
    ] {
        cases.push(changed(&format!("an issuer with {name}"), "RCPT-11", "/aud", json!(issuer)));
    }
    for issuer in [
        "https://b.example:8443",
        "http://127.0.0.1:7400",
        "http://127.255.0.1",
        "http://[::1]",
        "http://localhost",
        "https://10.0.0.1",
        "https://255.255.255.255:65535",
        "https://[::ffff:102:304]",
        "https://[1:2:3:0:5:6:7:8]:8443",
        "https://xn--bcher-kva.example",
        "https://xn--a.example",
        "https://a--b.example",
    ] {
        cases.push(kept(&format!("the issuer {issuer}"), "RCPT-11", &with(&decision(), "/aud", json!(issuer))));
    }
    let longest = format!("https://{}", host_of(253));
    cases.push(kept("an issuer with a host of 253 characters", "RCPT-11", &with(&decision(), "/aud", json!(longest))));
    cases
}

/// A host name of so many characters, more than 250.
fn host_of(characters: usize) -> String {
    format!("{}.{}", vec!["b".repeat(49); 5].join("."), "c".repeat(characters - 250))
}

fn who() -> Vec<Case> {
    let claimed = json!({"basis": "claimed"});
    let mut deep = json!({"sub": "booking-agent"});
    for _ in 0..8 {
        deep = json!({"sub": "booking-agent", "act": deep});
    }
    let user_only = with(&decision(), "/act", json!({"sub": "booking-agent"}));
    vec![
        changed("another subject than sub", "RCPT-22", "/subject/id", json!("other")),
        changed_full("another subject than act.sub", "RCPT-22", "/subject/id", json!("planner")),
        changed_full("nine actors", "RCPT-22", "/act", deep),
        changed_full("an actor with an unknown member", "RCPT-10", "/act/iss", json!("x")),
        changed("a user without act", "RCPT-23", "/identity/user", claimed.clone()),
        changed("a delegation without act", "RCPT-23", "/identity/delegation", claimed.clone()),
        invalid("act without a user", "RCPT-23", DECISION, &user_only, RECEIPT_A),
        changed_full("a chain without a delegation", "RCPT-23", "/identity/delegation", Value::Null),
        changed("a basis of another name", "RCPT-30", "/identity/agent", json!({"basis": "guessed"})),
        changed("verified by nothing", "RCPT-10", "/identity/agent", json!({"basis": "verified"})),
        changed("claimed by something", "RCPT-10", "/identity/agent", json!({"basis": "claimed", "by": "x"})),
        kept(
            "a user and one agent",
            "RCPT-23",
            &with(&with(&user_only, "/sub", json!("u")), "/identity/user", claimed),
        ),
    ]
}

fn what() -> Vec<Case> {
    let local = with(&with(&decision(), "/binding", Value::Null), "/aud", json!(A));
    let policies = with(&decision(), "/policies", json!(["a\u{FB33}", "a\u{1F600}"]));
    let utf_16 = with(&decision(), "/policies", json!(["a\u{1F600}", "a\u{FB33}"]));
    vec![
        changed("a lifetime of 601 s", "RCPT-20", "/exp", json!(NOW + 601)),
        changed("no lifetime", "RCPT-20", "/exp", json!(NOW)),
        changed("an end before the beginning", "RCPT-20", "/exp", json!(NOW - 1)),
        kept("a lifetime of 600 s", "RCPT-20", &with(&decision(), "/exp", json!(NOW + 600))),
        changed("a beginning at the end", "RCPT-21", "/nbf", json!(NOW + 300)),
        changed("no reason", "RCPT-24", "/reasons", json!([])),
        changed("a reason twice", "RCPT-24", "/reasons", json!(["policy_permit", "policy_permit"])),
        changed("reasons in another order", "RCPT-24", "/reasons", json!(["policy_permit", "default_deny"])),
        kept("a reason that is not registered yet", "RCPT-24", &with(&decision(), "/reasons", json!(["because"]))),
        changed("policies in another order", "RCPT-25", "/policies", json!(["b", "a"])),
        changed("a policy twice", "RCPT-25", "/policies", json!(["a", "a"])),
        invalid("policies in the order of UTF-16", "RCPT-25", DECISION, &utf_16, RECEIPT_A),
        kept("policies in the order of UTF-8", "RCPT-25", &policies),
        kept("no policies", "RCPT-25", &with(&decision(), "/policies", json!([]))),
        changed("an escalation without an approval", "RCPT-26", "/effect", json!("escalate")),
        changed("an approval without an escalation", "RCPT-26", "/approval", json!({"by": "manager", "deadline": NOW})),
        changed("no binding for another operator", "RCPT-27", "/binding", Value::Null),
        changed("a bound body without a commitment", "RCPT-27", "/binding/content", Value::Null),
        changed("an unbound body with a commitment", "RCPT-27", "/binding/body", json!("unbound")),
        kept("a local decision without a binding", "RCPT-27", &local),
        changed("another effect", "RCPT-30", "/effect", json!("permit")),
        changed("another assurance", "RCPT-30", "/assurance", json!("Evaluated")),
    ]
}

fn limits() -> Vec<Case> {
    let reasons: Vec<String> = (10..27).map(|number| format!("a.b{number}")).collect();
    let policies: Vec<String> = (10..43).map(|number| format!("p{number}")).collect();
    let obligation = json!({"id": "o", "type": "t"});
    vec![
        changed("17 reasons", "RCPT-24", "/reasons", json!(reasons)),
        changed("a policy id of 129 characters", "RCPT-25", "/policies", json!(["é".repeat(129)])),
        kept("a policy id of 128 characters", "RCPT-25", &with(&decision(), "/policies", json!(["é".repeat(128)]))),
        changed("33 policies", "RCPT-25", "/policies", json!(policies)),
        changed_full("position 0", "RCPT-28", "/session/seq", json!(0)),
        changed_full("a session with a space", "RCPT-28", "/session/id", json!("a b")),
        changed_full("a session of 65 characters", "RCPT-28", "/session/id", json!("s".repeat(65))),
        changed("no obligations in a list", "RCPT-29", "/obligations", json!([])),
        changed("nine obligations", "RCPT-29", "/obligations", json!(vec![obligation; 9])),
        changed("no parents in a list", "RCPT-29", "/parents", json!([])),
        changed("a retry of itself", "RCPT-40", "/retry_of", json!(JTI)),
        changed("17 parents", "RCPT-29", "/parents", json!(vec![EPOCH; 17])),
    ]
}
