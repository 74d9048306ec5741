//! A card that passes the gateway names nothing but the gateway as the place to call.
#![no_main]

use countersign::ground::agent::card::{CardRewrite, rewrite};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let upstreams = [Url::parse("http://agent.internal:9/rpc").expect("a URL")];
    let gateway = Url::parse("https://b.example/agents/travel").expect("a URL");
    let by = CardRewrite { upstreams: &upstreams, gateway: &gateway, announcement: None };
    let Ok(rewritten) = rewrite(bytes, &by) else { return };
    let card: Value = serde_json::from_slice(&rewritten.body).expect("a rewritten card is JSON");
    let lists = ["supportedInterfaces", "additionalInterfaces"].map(|list| card.get(list).and_then(Value::as_array));
    let interfaces = lists.into_iter().flatten().flatten().filter_map(|interface| interface.get("url"));
    for url in interfaces.chain(card.get("url")) {
        assert!(url.as_str().is_some_and(|url| url.starts_with(gateway.as_str())), "{url} in {card}");
    }
    assert!(card.get("signatures").is_none());
    // Rewriting once more changes nothing: what was made is itself a card of the gateway.
    let own = CardRewrite { upstreams: std::slice::from_ref(&gateway), gateway: &gateway, announcement: None };
    assert_eq!(rewrite(&rewritten.body, &own).map(|again| again.body), Ok(rewritten.body));
});
