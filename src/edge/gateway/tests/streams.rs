//! Streams pass as they come, and their end is known.

use std::time::Duration;

use bytes::Bytes;

use super::world::{FromJson as _, World, header, message};
use crate::edge::gateway::under_way::{MAX_OF_AN_AGENT, Place};
use crate::ground::receipt::payload::OutcomeStatus;

/// Fails the test instead of hanging, should an event be held.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap()
}

fn event(text: &str) -> Bytes {
    Bytes::from(format!("data: {{\"n\":\"{text}\"}}\n\n"))
}

#[tokio::test]
async fn each_event_arrives_before_the_next_one_is_sent() {
    let mut world = World::new().await;
    world.agent.events.send(event("one")).await.unwrap();
    let mut response = soon(world.call("seller", "SendStreamingMessage", message("go"))).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    let (digest, _) = world.a.decision(&response).await;
    assert_eq!(soon(response.chunk()).await.unwrap(), Some(event("one")));
    for name in ["two", "three"] {
        world.agent.events.send(event(name)).await.unwrap();
        assert_eq!(soon(response.chunk()).await.unwrap(), Some(event(name)));
        assert!(world.a.is_running(&digest).await && world.b.is_running(&digest).await);
    }
    let (end, _) = tokio::sync::mpsc::channel(1);
    drop(std::mem::replace(&mut world.agent.events, end));
    assert_eq!(soon(response.chunk()).await.unwrap(), None);
    let (at_a, at_b) = (world.a.outcome(&digest).await.unwrap(), world.b.outcome(&digest).await.unwrap());
    assert_eq!(at_a.status, OutcomeStatus::Completed);
    assert!(at_a.response.as_ref().unwrap().content.is_some());
    assert!(at_a.agrees_with(&at_b), "{at_a:?} {at_b:?}");
    assert!(!world.a.is_running(&digest).await && !world.b.is_running(&digest).await);
}

#[tokio::test]
async fn a_caller_that_leaves_ends_the_call_on_both_sides() {
    let mut world = World::new().await;
    world.agent.events.send(event("one")).await.unwrap();
    let mut response = soon(world.call("seller", "SendStreamingMessage", message("go"))).await;
    let (digest, _) = world.a.decision(&response).await;
    assert_eq!(soon(response.chunk()).await.unwrap(), Some(event("one")));
    drop(response);
    soon(&mut world.agent.left).await.unwrap();
    let (at_a, at_b) = (world.a.outcome(&digest).await.unwrap(), world.b.outcome(&digest).await.unwrap());
    assert_eq!((at_a.status, at_a.http_status), (OutcomeStatus::Aborted, Some(200)));
    assert_eq!(at_a.response.as_ref().unwrap().content, None);
    assert!(at_a.agrees_with(&at_b), "{at_a:?} {at_b:?}");
}

#[tokio::test]
async fn an_answer_without_a_body_is_complete_at_once() {
    let world = World::new().await;
    let response = world.http.head(world.url("files", "/1")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (digest, _) = world.a.decision(&response).await;
    let (at_a, at_b) = (world.a.outcome(&digest).await.unwrap(), world.b.outcome(&digest).await.unwrap());
    assert_eq!(at_a.status, OutcomeStatus::Completed);
    assert!(at_a.agrees_with(&at_b), "{at_a:?} {at_b:?}");
}

/// Takes what the agent has left, save `left` places.
fn take_places(world: &World, left: usize) -> Vec<Place> {
    let mut taken: Vec<_> = std::iter::from_fn(|| world.a.gateway.0.under_way.begin("buyer")).collect();
    taken.truncate(taken.len() - left);
    taken
}

#[tokio::test]
async fn an_agent_has_only_so_many_calls_under_way() {
    let mut world = World::new().await;
    world.agent.events.send(event("one")).await.unwrap();
    let mut response = soon(world.call("seller", "SendStreamingMessage", message("go"))).await;
    let (digest, _) = world.a.decision(&response).await;
    let others = take_places(&world, 0);
    assert_eq!(others.len(), MAX_OF_AN_AGENT - 1);

    let refused = world.send_message("seller").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, "1"));
    assert_eq!(header(&refused, "countersign-receipt-id"), "none");
    let problem = refused.value().await;
    assert!(problem["type"].as_str().unwrap().ends_with("rate_limited"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("`buyer` has 256 calls under way"), "{problem}");

    let (end, _) = tokio::sync::mpsc::channel(1);
    drop(std::mem::replace(&mut world.agent.events, end));
    while soon(response.chunk()).await.unwrap().is_some() {}
    assert_eq!(world.a.outcome(&digest).await.unwrap().status, OutcomeStatus::Completed);
    assert_eq!(world.send_message("seller").await.status(), 200);
}

#[tokio::test]
async fn however_a_call_ends_its_place_is_given_back() {
    let world = World::new().await;
    let _others = take_places(&world, 1);
    let calls =
        [("seller", "SendMessage"), ("seller", "CancelTask"), ("down", "SendMessage"), ("nowhere", "SendMessage")];
    for (route, method) in calls.into_iter().cycle().take(8) {
        let params = if method == "SendMessage" { message("hello") } else { serde_json::json!({ "id": "1" }) };
        let response = world.call(route, method, params).await;
        assert_ne!(response.status(), 429, "{route} {method}");
        response.bytes().await.unwrap();
        world.a.gateway.settled().await;
    }
}
