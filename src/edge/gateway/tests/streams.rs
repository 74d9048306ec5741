//! Streams pass as they come, and their end is known.

use std::time::Duration;

use bytes::Bytes;

use super::world::{World, header, message};
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
