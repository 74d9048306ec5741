//! What strangers and hostile peers try.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::Value;

use super::world::{FromJson as _, Seen, World, header};
use crate::edge::gateway::inbound::client_of;
use crate::ground::effect::{Effect, Reason};
use crate::ground::kind::Kind;
use crate::ground::problem::ProblemType;
use crate::ground::question::{Action, Entity, Request as Question};
use crate::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use crate::ground::receipt::payload::{Basis, Identity};
use crate::io::store::{PeerState, Store as _};
use crate::node::decider::{Bound, Matter, Who};

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
async fn a_decision_that_does_not_allow_is_acknowledged_and_not_acted_upon() {
    let world = World::new().await;
    let target = format!("{}/agents/seller/tasks/1", world.wire);
    let bound = Bound::new("GET", &target, Some(b"")).unwrap();
    let nonce = bound.nonce.to_text();
    let identity = Identity { agent: Basis::CLAIMED, delegation: None, user: None };
    let resource = Entity::new("PeerAgent", format!("{}/seller", world.wire));
    let matter = Matter {
        request: Question::new(Entity::new("Agent", "buyer"), Action::new("a2a.get_task"), resource),
        who: Who { sub: "buyer".to_owned(), act: None, identity },
        audience: world.b.issuer.clone(),
        bound: Some(bound),
        session: None,
        parents: Vec::new(),
        retry_of: None,
        obligations: Vec::new(),
        followups: Vec::new(),
    };
    let decider = &world.a.node.decider;
    let denied = decider.observed(Effect::Deny, vec![Reason::External.code()], Vec::new());
    let receipt = decider.record(&denied, &matter).await.unwrap().compact;
    let request = at_b(&world, "/tasks/1").header("countersign-receipt", receipt).header("countersign-nonce", nonce);
    let response = request.send().await.unwrap();
    assert!(response.headers().contains_key("countersign-receipt"));
    let said: Value = response.value().await;
    assert!(said.to_string().contains("effect_not_allow"), "{said}");
    assert!(world.reached().is_empty());
}

#[tokio::test]
async fn a_peer_earns_only_so_many_acknowledgements_a_second() {
    let world = World::new().await;
    for nth in 1..=41 {
        let response = world.http.get(world.url("seller", "/tasks/1")).send().await.unwrap();
        // 40 at once; each further one has to wait for its share of 20 a second.
        let wanted = if nth > 40 { "acknowledgement_missing" } else { "valid" };
        assert_eq!(header(&response, "countersign-verdict"), wanted, "{nth}");
    }
    assert_eq!(world.reached().len(), 40);
}

#[tokio::test]
async fn the_acknowledgement_of_one_call_does_not_count_for_another() {
    let world = World::new().await;
    let (one, two) = (signed(&world).await, signed(&world).await);
    let rows = world.b.store.related(&two.digest).await.unwrap();
    let other = rows.iter().find(|row| row.kind == Kind::Acknowledgement).unwrap();
    let (answers, other) = (&world.a.node.answers, [other.compact.as_bytes()]);
    assert!(answers.read(&two, &other).await.is_ok());
    assert_eq!(answers.read(&one, &other).await.unwrap_err().problem, ProblemType::AcknowledgementOther);
}

/// The decision of a call that B acknowledged.
async fn signed(world: &World) -> SignedReceipt {
    let response = world.send_message("seller").await;
    let (digest, _) = world.a.decision(&response).await;
    let row = world.a.store.receipt(&digest).await.unwrap().unwrap();
    let payload = UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap().claims().clone();
    SignedReceipt { payload, compact: row.compact, digest }
}

#[tokio::test]
async fn a_peer_cannot_fill_the_store_with_what_is_no_acknowledgement() {
    let world = World::new().await;
    let decision = signed(&world).await;
    let answer = world.a.node.answers.read(&decision, &[b"x".as_slice(); 90]).await.unwrap_err();
    assert_eq!((answer.problem, answer.found.len()), (ProblemType::AcknowledgementMissing, 2));
}
