//! No card and no redirect leads a caller past its gateway.

use serde_json::{Value, json};

use super::world::{FromJson as _, ToJson as _, World, header, message};
use crate::ground::agent::EXTENSION_URI;

/// Every URL in the document, wherever it stands.
fn urls(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.contains("://") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(urls).collect(),
        Value::Object(object) => object.values().flat_map(urls).collect(),
        _ => Vec::new(),
    }
}

fn assert_leads_to(card: &Value, base: &str) {
    let urls = urls(card);
    assert!(urls.len() >= 3, "{card}");
    assert!(urls.iter().all(|url| url == base || url.starts_with(&format!("{base}/"))), "{base}: {card}");
}

#[tokio::test]
async fn whatever_way_a_card_is_fetched_every_url_in_it_leads_to_the_own_gateway() {
    let world = World::new().await;
    let base = world.url("seller", "");
    for path in ["/.well-known/agent-card.json", "/cards/mine", "/tasks/as-card"] {
        let response = world.http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let card: Value = response.value().await;
        assert_leads_to(&card, &base);
        assert!(card.get("signatures").is_none() && card["capabilities"].get("extensions").is_none(), "{card}");
    }
    let response = world.call("seller", "GetExtendedAgentCard", json!({})).await;
    // B's policy does not permit it; the route that observes shows what passes.
    assert!(response.value().await.get("result").is_none());
    let response = world.call("watched", "GetExtendedAgentCard", json!({})).await;
    assert_leads_to(&response.value().await["result"], &world.url("watched", ""));
}

#[tokio::test]
async fn a_client_that_follows_the_card_stays_on_the_way() {
    let world = World::new().await;
    let card = world.http.get(world.url("seller", "/.well-known/agent-card.json")).send().await.unwrap();
    let card: Value = card.value().await;
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": message("x") });
    for url in [&card["supportedInterfaces"][0]["url"], &card["url"]] {
        let response = world.http.post(url.as_str().unwrap()).json(&body).send().await.unwrap();
        assert_eq!(header(&response, "countersign-verdict"), "valid");
    }
    let rest = format!("{}/message:send", card["supportedInterfaces"][1]["url"].as_str().unwrap());
    let response = world.http.post(rest).json(&message("x")).send().await.unwrap();
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    assert_eq!(world.crossed().len(), 4);
}

#[tokio::test]
async fn a_strangers_card_leads_to_the_public_route_and_announces_receipts() {
    let world = World::new().await;
    for (route, required) in [("seller", true), ("watched", false)] {
        let url = format!("http://{}/agents/{route}/.well-known/agent-card.json", world.b.address);
        let card: Value = world.http.get(url).send().await.unwrap().value().await;
        let mut without = card.clone();
        without["capabilities"] = Value::Null;
        assert_leads_to(&without, &format!("{}/agents/{route}", world.wire));
        let entry = &card["capabilities"]["extensions"][0];
        assert_eq!((entry["uri"].as_str(), entry["required"].as_bool()), (Some(EXTENSION_URI), Some(required)));
        assert_eq!(entry["params"]["issuer"], world.b.issuer.as_str());
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_own_gateway_or_is_held_back() {
    let world = World::new().await;
    let response = world.http.get(world.url("watched", "/near")).send().await.unwrap();
    assert_eq!(response.status(), 307);
    assert_eq!(header(&response, "location"), world.url("watched", "/tasks/1"));
    let response = world.http.get(world.url("watched", "/away")).send().await.unwrap();
    assert_eq!(response.status(), 502);
    assert!(!response.headers().contains_key("location"));
    assert!(response.text().await.unwrap().contains("agent_misbehaved"));
}
