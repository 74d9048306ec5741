//! What strangers and hostile peers try.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::Value;

use super::world::{FromJson as _, Seen, World};
use crate::edge::gateway::inbound::client_of;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use crate::io::store::{PeerState, Store as _};

fn at_b(world: &World, path: &str) -> reqwest::RequestBuilder {
    world.http.get(format!("http://{}/agents/seller{path}", world.b.address))
}

/// A call that reached B, and is used up.
async fn used(world: &World) -> Seen {
    assert_eq!(world.send_message("seller").await.status(), 200);
    world.crossed().pop().unwrap()
}

async fn code(response: reqwest::Response) -> String {
    let body: Value = response.value().await;
    body["error"]["data"][0]["metadata"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_field_that_an_agent_behind_wsgi_takes_for_the_nodes_word_does_not_reach_it() {
    let world = World::new().await;
    let forged = [("countersign_peer", "https://friend.example"), ("Countersign.Verdict", "valid")];
    let request = forged.iter().fold(at_b(&world, "/open"), |request, (name, value)| request.header(*name, *value));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let reached = world.reached().pop().unwrap();
    assert_eq!(reached.field("countersign-verdict"), Some("none"));
    for (name, _) in forged {
        assert_eq!(reached.field(name), None, "{name}");
    }
}

#[tokio::test]
async fn an_open_path_does_not_lead_to_another_one() {
    let world = World::new().await;
    for name in ["x-original-url", "x-rewrite-url", "x_original_url", "x-http-method-override"] {
        let response = at_b(&world, "/open").header(name, "/tasks/1").send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}");
    }
    for path in ["/open/", "/open/x", "/OPEN", "/ope%6e", "/open;x", "/open%2f..%2ftasks/1", "/open/..;/tasks/1"] {
        assert_ne!(at_b(&world, path).send().await.unwrap().status(), 200, "{path}");
    }
    assert!(world.reached().is_empty());
}

#[tokio::test]
async fn strangers_ask_open_paths_only_so_often() {
    let world = World::new().await;
    for nth in 1..=102 {
        let status = at_b(&world, "/open").send().await.unwrap().status();
        assert_eq!(status == 429, nth > 100, "{nth}: {status}");
    }
}

#[test]
fn a_stranger_does_not_get_new_tries_with_every_address_of_its_network() {
    let client = |address: &str| {
        let from = ConnectInfo(format!("[{address}]:1").parse::<SocketAddr>().unwrap());
        client_of(&Request::builder().extension(from).body(()).unwrap().into_parts().0)
    };
    assert_eq!(client("2001:db8::1"), client("2001:db8::2"));
    assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
}

#[tokio::test]
async fn an_expired_receipt_tells_its_answer_only_to_whoever_can_open_it() {
    let world = World::new().await;
    let seen = used(&world).await;
    world.b.hand.advance_ms(1_000_000);
    let mut closed = seen.clone();
    closed.headers.insert("countersign-nonce", "A".repeat(43).parse().unwrap());
    let refused = world.replay(closed).await;
    assert!(!refused.headers().contains_key("countersign-receipt"));
    assert_eq!(code(refused).await, "expired");
    let again = world.replay(seen).await;
    assert!(again.headers().contains_key("countersign-receipt"));
    assert_eq!(code(again).await, "duplicate");
    assert_eq!(world.reached().len(), 1);
}

#[tokio::test]
async fn one_receipt_sent_many_times_at_once_reaches_the_agent_once() {
    let world = World::with(PeerState::Approved, PeerState::Suspended).await;
    world.send_message("seller").await;
    let seen = world.crossed().pop().unwrap();
    assert!(world.reached().is_empty());
    let (from, to) = (PeerState::Suspended, PeerState::Approved);
    world.b.store.change_peer(&world.a.issuer, from, to, world.b.node.clock.now()).await.unwrap();
    world.b.hand.advance_ms(2000);
    let tries = (0..16).map(|_| world.replay(seen.clone()));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(world.reached().len(), 1);
    let mut receipts: Vec<_> = answers.iter().map(|answer| answer.headers()["countersign-receipt"].clone()).collect();
    receipts.dedup();
    assert_eq!(receipts.len(), 1);
}

#[tokio::test]
async fn a_peer_cannot_fill_the_store_with_what_is_no_acknowledgement() {
    let world = World::new().await;
    let response = world.send_message("seller").await;
    let (digest, _) = world.a.decision(&response).await;
    let row = world.a.store.receipt(&digest).await.unwrap().unwrap();
    let payload = UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap().claims().clone();
    let decision = SignedReceipt { payload, compact: row.compact, digest };
    let answer = world.a.node.answers.read(&decision, &[b"x".as_slice(); 90]).await.unwrap_err();
    assert_eq!((answer.problem, answer.found.len()), (ProblemType::AcknowledgementMissing, 2));
}
