use serde_json::json;

use super::*;
use crate::ground::agent::call::{Request, RouteProtocol, recognise};

const JSON: (&str, &str) = ("content-type", "application/json");

fn rule(pointer: &str, fact_type: FactType) -> LiftRule {
    let actions = vec![CallAction::SendMessage, CallAction::HttpPost];
    LiftRule::new("fact", pointer, fact_type, 5, actions).unwrap()
}

fn lifted(rule: &LiftRule, route: RouteProtocol, path: &str, body: &str) -> Result<Option<Value>, WhyMissing> {
    let body = Body::Whole(body.as_bytes());
    let call = recognise(route, &Request { method: "POST", path, headers: &[JSON], body }).unwrap();
    let facts = lift(std::slice::from_ref(rule), &call, body).map_err(|missing| missing.why)?;
    Ok(facts.and_then(|facts| facts.get("fact").cloned()))
}

fn from_params(rule: &LiftRule, params: &str) -> Result<Option<Value>, WhyMissing> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{params}}}"#);
    lifted(rule, RouteProtocol::A2a, "", &body)
}

#[test]
fn one_rule_reads_both_bindings_and_plain_http() {
    let rule = rule("/message/metadata/amount", FactType::Integer);
    let message = r#"{"message":{"metadata":{"amount":12}}}"#;
    assert_eq!(from_params(&rule, message), Ok(Some(json!(12))));
    assert_eq!(lifted(&rule, RouteProtocol::A2a, "/message:send", message), Ok(Some(json!(12))));
    let former = r#"{"request":{"metadata":{"amount":12.0}}}"#;
    assert_eq!(lifted(&rule, RouteProtocol::A2a, "/v1/message:send", former), Ok(Some(json!(12))));
    assert_eq!(lifted(&rule, RouteProtocol::Http, "/x", message), Ok(Some(json!(12))));
}

#[test]
fn a_fact_is_of_its_type_or_missing() {
    use FactType::{Boolean, Integer, String as Text};
    for (fact_type, value, wanted) in [
        (Integer, "-7", Ok(json!(-7))),
        (Integer, "12.0", Ok(json!(12))),
        (Integer, "1e3", Ok(json!(1000))),
        (Integer, "12.5", Err(WhyMissing::WrongType)),
        (Integer, "1e300", Err(WhyMissing::WrongType)),
        (Integer, "9007199254740991", Ok(json!(9_007_199_254_740_991_i64))),
        (Integer, "\"12\"", Err(WhyMissing::WrongType)),
        (Integer, "true", Err(WhyMissing::WrongType)),
        (Boolean, "true", Ok(json!(true))),
        (Boolean, "1", Err(WhyMissing::WrongType)),
        (Text, "\"12345\"", Ok(json!("12345"))),
        (Text, "\"äöüßé\"", Ok(json!("äöüßé"))),
        (Text, "\"123456\"", Err(WhyMissing::TooLong)),
        (Text, "{}", Err(WhyMissing::WrongType)),
        (Text, "null", Err(WhyMissing::NotThere)),
    ] {
        let params = format!(r#"{{"a":{value}}}"#);
        assert_eq!(from_params(&rule("/a", fact_type), &params), wanted.map(Some), "{fact_type:?} {value}");
    }
}

#[test]
fn pointers_follow_rfc_6901() {
    for (pointer, wanted) in [
        ("/a/0/b", Ok("x")),
        ("/a/00/b", Err(WhyMissing::NotThere)),
        ("/a/+0/b", Err(WhyMissing::NotThere)),
        ("/a/-/b", Err(WhyMissing::NotThere)),
        ("/a/1", Err(WhyMissing::NotThere)),
        ("/a~1b", Ok("slash")),
        ("/m~0n", Ok("tilde")),
        ("/", Ok("empty")),
        ("/a/0/b/c", Err(WhyMissing::NotThere)),
    ] {
        let params = r#"{"a":[{"b":"x"}],"a/b":"slash","m~n":"tilde","":"empty"}"#;
        assert_eq!(from_params(&rule(pointer, FactType::String), params), wanted.map(|s| Some(json!(s))), "{pointer}");
    }
}

#[test]
fn a_second_spelling_on_the_way_refuses() {
    let rule = rule("/meta/orderId", FactType::Integer);
    for params in [
        r#"{"meta":{"orderId":1,"order_id":2}}"#,
        r#"{"meta":{"orderId":1,"OrderID":2}}"#,
        r#"{"meta":{"orderId":1},"META":{"orderId":2}}"#,
    ] {
        assert_eq!(from_params(&rule, params), Err(WhyMissing::TwoSpellings), "{params}");
    }
    assert_eq!(from_params(&rule, r#"{"meta":{"order_id":1}}"#), Err(WhyMissing::NotThere));
}

#[test]
fn a_body_that_cannot_be_read_has_no_facts() {
    let rule = rule("/a", FactType::Integer);
    assert_eq!(lifted(&rule, RouteProtocol::Http, "/", r#"{"a":1,"a":2}"#), Err(WhyMissing::NotJson));
    assert_eq!(lifted(&rule, RouteProtocol::Http, "/", ""), Err(WhyMissing::NotJson));
    let request = Request { method: "POST", path: "/", headers: &[], body: Body::Unbuffered };
    let call = recognise(RouteProtocol::Http, &request).unwrap();
    let missing = lift(std::slice::from_ref(&rule), &call, Body::Unbuffered).unwrap_err();
    assert_eq!(missing.to_string(), "the fact `fact` stands in a body that is not at hand whole");
    let bare = r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage"}"#;
    assert_eq!(lifted(&rule, RouteProtocol::A2a, "", bare), Err(WhyMissing::NotThere));
}

#[test]
fn a_rule_for_other_actions_asks_for_nothing() {
    let other = LiftRule::new("fact", "/a", FactType::Integer, 5, vec![CallAction::CancelTask]).unwrap();
    assert_eq!(from_params(&other, "{}"), Ok(None));
}

#[test]
fn configured_rules_are_checked() {
    let read = |rule: Value| serde_json::from_value::<LiftRule>(rule).map_err(|error| error.to_string());
    let good = json!({"name": "a1", "pointer": "/a", "type": "integer", "actions": ["a2a.send_message"]});
    let rule = read(good.clone()).unwrap();
    assert_eq!(
        (rule.name(), rule.fact_type(), rule.actions()),
        ("a1", FactType::Integer, &[CallAction::SendMessage][..])
    );
    for (member, value, message) in [
        ("name", json!("A"), "is not a fact's name"),
        ("pointer", json!(""), "is not a JSON pointer"),
        ("pointer", json!("a"), "is not a JSON pointer"),
        ("pointer", json!("/~2"), "is not a JSON pointer"),
        ("actions", json!([]), "names no action"),
        ("actions", json!(["a2a.nope"]), "`a2a.nope` is not an action"),
        ("type", json!("float"), "unknown variant"),
        ("more", json!(1), "unknown field"),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(read(bad).unwrap_err().contains(message), "{member}: {message}");
    }
    let twice = [rule.clone(), rule.clone()];
    assert_eq!(check_rules(&twice), Err(LiftRuleError::Duplicate("a1".to_owned())));
    assert_eq!(check_rules(&vec![rule.clone(); 33]), Err(LiftRuleError::TooMany));
    assert_eq!(check_rules(&[rule]), Ok(()));
}
