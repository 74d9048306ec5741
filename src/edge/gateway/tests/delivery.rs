//! Receipts that are used again, for something else, twice, or not at all.

use bytes::Bytes;
use serde_json::Value;

use super::world::{FromJson as _, Seen, World, header};
use crate::edge::gateway::{Direction, Fate};
use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{BodyBinding, Mode, OutcomeStatus};

/// A call that A made and that B never got: B is down for it.
async fn undelivered(world: &World) -> Seen {
    // The wire passes everything on, so an undelivered call is one whose receipt B forgets: a fresh one to the same
    // target, made out by A and sent by nobody.
    let response = world.send_message("seller").await;
    assert_eq!(response.status(), 200);
    world.crossed().pop().unwrap()
}

async fn code(response: reqwest::Response) -> String {
    let body: Value = response.value().await;
    body["error"]["data"][0]["metadata"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_same_receipt_again_gets_the_same_acknowledgement_and_reaches_nobody() {
    let world = World::new().await;
    let seen = undelivered(&world).await;
    let first = world.reached().len();
    for _ in 0..2 {
        let again = world.replay(seen.clone()).await;
        let acknowledgement = header(&again, "countersign-receipt").to_owned();
        let body: Value = again.value().await;
        let said = &body["error"]["data"][0]["metadata"];
        assert_eq!(said["code"], "duplicate");
        assert!(world.b.receipts().await.contains(&acknowledgement));
        let id = *UnverifiedReceipt::parse(acknowledgement.as_bytes()).unwrap().claims().jti();
        assert_eq!(said["acknowledgement"], id.to_string());
    }
    assert_eq!(world.reached().len(), first);
}

#[tokio::test]
async fn a_receipt_serves_no_other_body_target_or_method() {
    let world = World::new().await;
    let seen = undelivered(&world).await;
    let first = world.reached().len();
    let changed = |change: &dyn Fn(&mut Seen)| {
        let mut changed = seen.clone();
        change(&mut changed);
        changed
    };
    let body = changed(&|seen| {
        let text = String::from_utf8(seen.body.to_vec()).unwrap().replace("hello", "hallo");
        seen.body = Bytes::from(text);
    });
    assert_eq!(code(world.replay(body).await).await, "body_mismatch");
    for path in ["/agents/seller/other", "/agents/seller/rpc?x=1", "/agents/gone/rpc"] {
        let moved = changed(&|seen| seen.uri = path.parse().unwrap());
        assert_eq!(code(world.replay(moved).await).await, "target_mismatch", "{path}");
    }
    assert_eq!(world.reached().len(), first);
}

#[tokio::test]
async fn exactly_one_receipt_and_one_nonce_are_taken() {
    let world = World::new().await;
    let seen = undelivered(&world).await;
    let first = world.reached().len();
    for (name, value, wanted) in [
        ("countersign-receipt", Some("x"), "receipt_repeated"),
        ("countersign-receipt", None, "receipt_missing"),
        ("countersign-nonce", Some("x"), "nonce_invalid"),
        ("countersign-nonce", None, "nonce_missing"),
    ] {
        let mut changed = seen.clone();
        match value {
            Some(value) => {
                changed.headers.append(name, value.parse().unwrap());
            }
            None => {
                changed.headers.remove(name);
            }
        }
        let response = world.replay(changed).await;
        assert!(!response.headers().contains_key("countersign-receipt"), "{name}");
        assert_eq!(code(response).await, wanted);
    }
    assert_eq!(world.reached().len(), first);
    let counted = |problem| world.b.gateway.counts().calls(Direction::Inbound, Fate::Refused, Some(problem));
    assert_eq!((counted(ProblemType::ReceiptMissing), counted(ProblemType::ReceiptRepeated)), (1, 1));
}

#[tokio::test]
async fn a_receipt_for_another_operator_is_refused_unsigned() {
    let (world, other) = (World::new().await, World::new().await);
    world.b.know(&other.a, crate::io::store::PeerState::Approved).await;
    let mut seen = undelivered(&other).await;
    seen.headers.remove("host");
    let response = world.replay(seen).await;
    assert!(!response.headers().contains_key("countersign-receipt"));
    assert_eq!(code(response).await, "audience_mismatch");
    assert!(world.reached().is_empty());
}

#[tokio::test]
async fn strangers_are_slowed_down_and_peers_are_not() {
    let world = World::new().await;
    let mut stranger = undelivered(&world).await;
    stranger.headers.remove("countersign-receipt");
    for nth in 1..=102 {
        let response = world.replay(stranger.clone()).await;
        // 100 at once; each further one has to wait for its share of 50 a second.
        assert_eq!(response.status() == 429, nth > 100, "{nth}");
    }
    let response = world.send_message("seller").await;
    assert_eq!(header(&response, "countersign-verdict"), "valid");
}

#[tokio::test]
async fn a_route_that_observes_forwards_and_counts_what_it_would_refuse() {
    let world = World::new().await;
    let response = world.call("watched", "ListTasks", serde_json::json!({})).await;
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    let (digest, _) = world.a.decision(&response).await;
    assert!(response.value().await.get("result").is_some());
    let acknowledged = world.a.acknowledgement(&digest).await.unwrap();
    assert_eq!((acknowledged.effect, acknowledged.mode), (Effect::Deny, Mode::Observe));
    assert_eq!(world.reached().pop().unwrap().field("countersign-effect"), Some("deny"));
    assert_eq!(world.b.outcome(&digest).await.unwrap().status, OutcomeStatus::Completed);

    let mut seen = world.crossed().pop().unwrap();
    let again = world.replay(seen.clone()).await;
    assert_eq!(code(again).await, "duplicate", "at most once, also here");
    seen.headers.remove("countersign-receipt");
    let response = world.replay(seen).await;
    assert!(!response.headers().contains_key("countersign-receipt"));
    assert!(response.value().await.get("result").is_some());
    let reached = world.reached().pop().unwrap();
    assert_eq!(reached.field("countersign-verdict"), Some("receipt_missing"));
    assert_eq!((reached.field("countersign-peer"), reached.field("countersign-agent")), (Some("none"), Some("none")));
    let counted = |problem| world.b.gateway.counts().calls(Direction::Inbound, Fate::Observed, Some(problem));
    assert_eq!((counted(ProblemType::PolicyDenied), counted(ProblemType::ReceiptMissing)), (1, 1));
}

#[tokio::test]
async fn an_open_path_is_open_for_reading_only() {
    let world = World::new().await;
    let public = |path: &str| format!("http://{}/agents/seller{path}", world.b.address);
    let response = world.http.get(public("/open")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "open");
    assert_eq!(world.reached().pop().unwrap().field("countersign-verdict"), Some("none"));
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"SendMessage","params":{}}"#;
    let posted = world.http.post(public("/open")).header("content-type", "application/json").body(call);
    assert_eq!(code(posted.send().await.unwrap()).await, "receipt_missing");
    let response = world.http.get(public("/tasks/1")).send().await.unwrap();
    assert_eq!(response.status(), 403);
    let response = world.http.get(format!("http://{}/agents/sellers/open", world.b.address)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(world.reached().len(), 1);
}

#[tokio::test]
async fn a_body_beyond_the_bound_passes_unbound_where_the_protocol_allows_it() {
    let world = World::new().await;
    let large = "x".repeat(1_100_000);
    let response = world.http.post(world.url("seller", "/rpc")).header("content-type", "application/json");
    let response = response.body(large.clone()).send().await.unwrap();
    assert_eq!(code(response).await, "request_too_large");
    assert!(world.crossed().is_empty());
    // B demands bound bodies, as it does by default.
    let response = world.http.post(world.url("files", "/1")).body(large).send().await.unwrap();
    assert_eq!(response.status(), 403);
    let (digest, decision) = world.a.decision(&response).await;
    assert_eq!(decision.binding.unwrap().body, BodyBinding::Unbound);
    assert!(response.text().await.unwrap().contains("body_unbound"));
    assert_eq!(world.crossed().pop().unwrap().body.len(), 1_100_000);
    assert_eq!(world.a.outcome(&digest).await.unwrap().status, OutcomeStatus::Completed);
}
