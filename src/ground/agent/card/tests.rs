use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const BINDINGS: [&str; 3] = ["JSONRPC", "HTTP+JSON", "GRPC"];
const GATEWAY: &str = "https://b.example/in/seller";

fn rewriting<T>(announced: bool, test: impl FnOnce(&CardRewrite<'_>) -> T) -> T {
    let upstreams = ["http://127.0.0.1:9000/agent", "http://localhost:9000/agent"].map(|url| Url::parse(url).unwrap());
    let gateway = Url::parse(GATEWAY).unwrap();
    let issuer = "https://b.example".parse().unwrap();
    let discovery = "https://b.example/.well-known/countersign";
    let announcement = announced.then_some(Announcement { required: true, issuer: &issuer, discovery });
    test(&CardRewrite { upstreams: &upstreams, gateway: &gateway, announcement })
}

fn rewritten(card: &Value) -> Result<(Value, Rewritten), CardError> {
    let done = rewriting(true, |by| rewrite(card.to_string().as_bytes(), by))?;
    Ok((serde_json::from_slice(&done.body).unwrap(), done))
}

fn interface(url: &str) -> Value {
    json!({"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"})
}

fn with_interfaces(urls: &[&str]) -> Value {
    let list: Vec<Value> = urls.iter().map(|url| interface(url)).collect();
    json!({"name": "seller", "supportedInterfaces": list, "skills": [], "iconUrl": "http://127.0.0.1:9000/icon.png"})
}

#[test]
fn an_interface_below_the_upstream_moves_to_the_gateway_with_its_path() {
    for (url, wanted) in [
        ("http://127.0.0.1:9000/agent", "https://b.example/in/seller"),
        ("http://127.0.0.1:9000/agent/", "https://b.example/in/seller/"),
        ("http://127.0.0.1:9000/agent/a2a/rest", "https://b.example/in/seller/a2a/rest"),
        ("http://localhost:9000/agent/rpc?v=1", "https://b.example/in/seller/rpc?v=1"),
        ("HTTP://LOCALHOST:9000/x/../agent/rpc", "https://b.example/in/seller/rpc"),
        ("https://b.example/in/seller/rpc", "https://b.example/in/seller/rpc"),
        ("https://b.example:443/in/seller", "https://b.example/in/seller"),
    ] {
        let (card, done) = rewritten(&with_interfaces(&[url])).unwrap();
        assert_eq!(card["supportedInterfaces"][0]["url"], wanted, "{url}");
        assert_eq!(card["supportedInterfaces"][0]["protocolVersion"], "1.0");
        assert_eq!(card["iconUrl"], "http://127.0.0.1:9000/icon.png");
        assert!(done.dropped.is_empty() && !done.was_signed);
    }
}

#[test]
fn an_interface_elsewhere_is_dropped() {
    for url in [
        "http://127.0.0.1:9001/agent",
        "https://127.0.0.1:9000/agent",
        "http://127.0.0.1:9000/agents",
        "http://127.0.0.1:9000/",
        "http://127.0.0.1:9000/agent/../other",
        "http://127.0.0.1:9000/agent/%2e%2e/other",
        "http://127.0.0.1:9000/agent\\..\\..\\other",
        "http://127.0.0.1:9000@evil.example/agent",
        "http://user@127.0.0.1:9000/agent",
        "http://127.0.0.1:9000/agent#x",
        "http://evil.example/agent",
        "//127.0.0.1:9000/agent",
        "/agent",
        "127.0.0.1:9000",
        "grpc://127.0.0.1:9000/agent",
        "ws://127.0.0.1:9000/agent",
        "",
    ] {
        let (card, done) = rewritten(&with_interfaces(&[url, "http://127.0.0.1:9000/agent"])).unwrap();
        assert_eq!(card["supportedInterfaces"], json!([interface(GATEWAY)]), "{url}");
        assert_eq!(done.dropped, [url]);
        assert_eq!(rewritten(&with_interfaces(&[url])), Err(CardError::NoInterface(vec![url.to_owned()])));
    }
}

#[test]
fn a_binding_that_the_gateway_does_not_carry_is_dropped_wherever_it_points() {
    for binding in [json!("GRPC"), json!("urn:x"), json!("jsonrpc"), Value::Null] {
        let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
        card["supportedInterfaces"][0]["protocolBinding"] = binding;
        assert!(matches!(rewritten(&card), Err(CardError::NoInterface(_))));
    }
}

#[test]
fn a_card_of_0_3_keeps_a_main_url_that_leads_to_the_gateway() {
    let main = "http://127.0.0.1:9000/agent/rpc";
    let rest = json!({"url": "http://127.0.0.1:9000/agent/rest", "transport": "HTTP+JSON"});
    let grpc = json!({"url": "http://127.0.0.1:9000/agent", "transport": "GRPC"});
    let card = json!({"name": "x", "url": main, "preferredTransport": "JSONRPC", "additionalInterfaces": [rest, grpc]});
    let (done, _) = rewritten(&card).unwrap();
    assert_eq!(done["url"], "https://b.example/in/seller/rpc");
    let moved = json!([{"url": "https://b.example/in/seller/rest", "transport": "HTTP+JSON"}]);
    assert_eq!(done["additionalInterfaces"], moved);

    let mut elsewhere = card.clone();
    elsewhere["url"] = json!("http://evil.example/");
    let (done, by) = rewritten(&elsewhere).unwrap();
    assert_eq!((&done["url"], &done["preferredTransport"]), (&moved[0]["url"], &json!("HTTP+JSON")));
    assert_eq!(by.dropped, ["http://127.0.0.1:9000/agent", "http://evil.example/"]);

    let mut grpc_first = card;
    grpc_first["preferredTransport"] = json!("GRPC");
    assert_eq!(rewritten(&grpc_first).unwrap().0["url"], moved[0]["url"]);
    let alone = json!({"url": main, "preferredTransport": "GRPC"});
    assert!(matches!(rewritten(&alone), Err(CardError::NoInterface(_))));
    assert_eq!(rewritten(&json!({"url": main})).unwrap().0["url"], "https://b.example/in/seller/rpc");
}

#[test]
fn a_misspelled_member_does_not_carry_a_url_past() {
    for (name, value) in [
        ("supported_interfaces", json!([interface("http://evil.example")])),
        ("SupportedInterfaces", json!([])),
        ("URL", json!("http://evil.example")),
        ("additional_interfaces", json!([])),
        ("preferred_transport", json!("GRPC")),
    ] {
        let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
        card[name] = value;
        assert!(matches!(rewritten(&card), Err(CardError::Spelling(..))), "{name}");
    }
    let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
    card["supportedInterfaces"][0]["Url"] = json!("http://evil.example");
    assert!(matches!(rewritten(&card), Err(CardError::Spelling(..))));
    let twice = br#"{"url":"http://127.0.0.1:9000/agent","url":"http://evil.example"}"#;
    assert!(matches!(rewriting(true, |by| rewrite(twice, by)), Err(CardError::Json(_))));
}

#[test]
fn members_of_the_wrong_type_are_refused() {
    for (name, value) in [
        ("supportedInterfaces", json!({})),
        ("supportedInterfaces", json!(["http://evil.example"])),
        ("additionalInterfaces", json!("x")),
        ("url", json!(["http://evil.example"])),
        ("capabilities", json!([])),
        ("capabilities", json!({"extensions": {}})),
    ] {
        let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
        card[name] = value;
        assert!(matches!(rewritten(&card), Err(CardError::Member(..))), "{name}");
    }
    assert!(matches!(rewritten(&json!([])), Err(CardError::Member("body", _))));
}

#[test]
fn the_extension_is_announced_once_and_taken_out_for_own_agents() {
    let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
    card["capabilities"] = json!({"streaming": true, "extensions": [{"uri": "urn:other"}, {"uri": EXTENSION_URI}]});
    let (done, _) = rewritten(&card).unwrap();
    let extensions = done["capabilities"]["extensions"].as_array().unwrap();
    assert_eq!((extensions.len(), &extensions[0]["uri"]), (2, &json!("urn:other")));
    assert_eq!(extensions[1]["required"], true);
    let params = json!({"issuer": "https://b.example", "discovery": "https://b.example/.well-known/countersign"});
    assert_eq!(extensions[1]["params"], params);

    card["capabilities"] = json!({"extensions": [{"uri": EXTENSION_URI}]});
    let own = rewriting(false, |by| rewrite(card.to_string().as_bytes(), by)).unwrap();
    let own: Value = serde_json::from_slice(&own.body).unwrap();
    assert_eq!(own["capabilities"], json!({}));
}

#[test]
fn signatures_are_stripped_and_reported() {
    let mut card = with_interfaces(&["http://127.0.0.1:9000/agent"]);
    card["signatures"] = json!([{"protected": "e30", "signature": "AA"}]);
    let (done, by) = rewritten(&card).unwrap();
    assert!(by.was_signed && done.get("signatures").is_none());
}

#[test]
fn an_extended_card_is_rewritten_inside_its_json_rpc_answer() {
    let answer = json!({"jsonrpc": "2.0", "id": 7, "result": with_interfaces(&["http://127.0.0.1:9000/agent"])});
    let done = rewriting(true, |by| rewrite_rpc_answer(answer.to_string().as_bytes(), by)).unwrap().unwrap();
    let done: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!((&done["id"], &done["result"]["supportedInterfaces"][0]["url"]), (&json!(7), &json!(GATEWAY)));

    let error = json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32007, "message": "none"}}).to_string();
    assert_eq!(rewriting(true, |by| rewrite_rpc_answer(error.as_bytes(), by)), Ok(None));
    for bad in [json!({"result": null}), json!({"Result": {}})] {
        assert!(rewriting(true, |by| rewrite_rpc_answer(bad.to_string().as_bytes(), by)).is_err(), "{bad}");
    }
}

#[test]
fn cards_are_known_wherever_they_were_fetched() {
    assert!(looks_like_card(with_interfaces(&[]).to_string().as_bytes()));
    assert!(looks_like_card(br#"{"url":"http://x","skills":[]}"#));
    assert!(looks_like_card(br#"{"supported_interfaces":[]}"#));
    assert!(!looks_like_card(br#"{"id":"t1","status":{}}"#));
    assert!(!looks_like_card(b"<html>"));
}

fn any_url() -> impl Strategy<Value = String> {
    let host = ["127.0.0.1:9000", "localhost:9000", "evil.example", "b.example", "127.0.0.1:9000@evil.example"];
    let path = ["agent", "in", "seller", "..", "%2e%2e", "", "x", "agents", "\\"];
    let likely = ["http://127.0.0.1:9000/agent", "http://localhost:9000/agent/x", "https://b.example/in/seller/"];
    let built = (
        select(&["http", "https", "grpc", "HTTP"][..]),
        select(host.to_vec()),
        prop::collection::vec(select(path.to_vec()), 0..6),
        select(&["", "?q", "#f", "/"][..]),
    )
        .prop_map(|(scheme, host, path, tail)| format!("{scheme}://{host}/{}{tail}", path.join("/")));
    prop_oneof![built, select(likely.to_vec()).prop_map(str::to_owned)]
}

fn any_interface(binding: &'static str) -> impl Strategy<Value = Value> {
    (any_url(), select(&BINDINGS[..])).prop_map(move |(url, kind)| json!({"url": url, binding: kind}))
}

fn callable_urls(card: &Value) -> Vec<String> {
    let lists = ["supportedInterfaces", "additionalInterfaces"];
    let listed = lists.iter().filter_map(|list| card.get(list)?.as_array()).flatten().map(|entry| &entry["url"]);
    listed.chain(card.get("url")).map(|url| url.as_str().unwrap().to_owned()).collect()
}

proptest! {
    #[test]
    fn no_callable_url_leads_past_the_gateway(
        main in prop::option::of(any_url()),
        transport in prop::option::of(select(&BINDINGS[..])),
        current in prop::option::of(prop::collection::vec(any_interface("protocolBinding"), 0..4)),
        former in prop::option::of(prop::collection::vec(any_interface("transport"), 0..4)),
    ) {
        let mut card = json!({"name": "x"});
        for (name, value) in [
            ("url", main.map(Value::from)),
            ("preferredTransport", transport.map(Value::from)),
            ("supportedInterfaces", current.map(Value::from)),
            ("additionalInterfaces", former.map(Value::from)),
        ] {
            if let Some(value) = value {
                card[name] = value;
            }
        }
        if let Ok((done, _)) = rewritten(&card) {
            let urls = callable_urls(&done);
            prop_assert!(!urls.is_empty());
            for text in urls {
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.host_str(), Some("b.example"), "{}", &text);
                prop_assert_eq!(url.scheme(), "https");
                let below = url.path().strip_prefix("/in/seller");
                prop_assert!(below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{}", text);
            }
        }
    }
}
