//! Starting, answering and ending.

use countersign::edge::server::{ServeError, Server};

use super::{TestNode, create};

#[tokio::test]
async fn both_listeners_answer_when_start_returns() {
    let node = TestNode::start().await;
    for url in [node.public("/healthz"), node.private("/healthz")] {
        let response = node.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("x-request-id"));
    }
    assert!(node.server.shutdown().await);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_document() {
    let node = TestNode::start().await;
    let response = node.get_public("/nothing").header("x-request-id", "abc-1").send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-request-id"], "abc-1");
    let document: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(document["type"], "urn:countersign:problem:not_found");
    let response = node.client.put(node.public("/healthz")).send().await.unwrap();
    assert_eq!(response.status(), 405);
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_node_that_was_shut_down_starts_again_where_it_was() {
    let node = TestNode::start().await;
    let place = node.place;
    assert!(node.server.shutdown().await);
    let folder = countersign::edge::data_folder::DataFolder::open(place.path().join("node")).unwrap();
    let again = TestNode::of(place, folder, "").await;
    assert_eq!(again.server.node().policies.active().number, 1);
    assert!(again.server.node().published.borrow().size >= 1, "the shutdown published the configuration receipt");
    again.server.shutdown().await;
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let node = TestNode::start().await;
    let place = tempfile::tempdir().unwrap();
    let folder = create(&place.path().join("other")).await;
    let text = format!("issuer = \"{}\"\n[listen]\npublic = \"{}\"\n", folder.issuer(), node.server.public_address());
    let config = countersign::edge::config::Config::parse(&text, folder.path()).unwrap();
    let error = Server::start(&folder.with_config(config)).await.unwrap_err();
    assert!(matches!(error, ServeError::Bind { listener: "public", .. }), "{error}");
    node.server.shutdown().await;
}
