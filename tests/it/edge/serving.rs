//! Starting, answering and ending.

use std::future::Future as _;
use std::pin::pin;

use countersign::edge::server::{ServeError, Server};
use countersign::ground::name::Timestamp;
use countersign::io::folder_lock::{FolderLock, FolderLockError};

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
    assert_eq!(again.server.node().acceptor.issued_from(), Timestamp::EPOCH, "the head file is there");
    again.server.shutdown().await;
}

#[tokio::test]
async fn a_node_that_lost_its_head_file_takes_no_receipt_from_before_its_start() {
    let node = TestNode::start().await;
    let place = node.place;
    assert!(node.server.shutdown().await);
    let folder = countersign::edge::data_folder::DataFolder::open(place.path().join("node")).unwrap();
    std::fs::remove_file(folder.path().join("head")).unwrap();
    let before = countersign::io::clock::Clock::system().now();
    let again = TestNode::of(place, folder, "").await;
    // A clock that was ahead by the skew may have issued what was accepted just before.
    let node = again.server.node();
    assert!(node.acceptor.issued_from() >= before.plus(node.settings.terms.skew_s));
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

#[tokio::test]
async fn a_start_that_fails_holds_the_keys_until_the_node_has_ended() {
    let node = TestNode::start().await;
    let place = tempfile::tempdir().unwrap();
    let folder = create(&place.path().join("other")).await;
    let text = format!("issuer = \"{}\"\n[listen]\npublic = \"{}\"\n", folder.issuer(), node.server.public_address());
    let config = countersign::edge::config::Config::parse(&text, folder.path()).unwrap();
    let folder = folder.with_config(config);
    let mut start = pin!(Server::start(&folder));
    let ended = std::future::poll_fn(|context| {
        let polled = start.as_mut().poll(context);
        // Whenever it waits for something, nobody may change the keys.
        let held = matches!(FolderLock::changing(folder.path()), Err(FolderLockError::InUse(_)));
        assert_eq!(held, polled.is_pending());
        polled
    });
    assert!(matches!(ended.await, Err(ServeError::Bind { .. })));
    node.server.shutdown().await;
}

#[tokio::test]
async fn the_public_listener_brings_its_own_tls_when_it_has_a_certificate() {
    let place = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (place.path().join("chain.pem"), place.path().join("key.pem"));
    std::fs::write(&chain, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let more = format!("[listen.tls]\ncert_file = {chain:?}\nkey_file = {key:?}\n");
    let folder = create(&place.path().join("node")).await;
    let node = TestNode::of(place, folder, &more).await;
    let root = reqwest::Certificate::from_pem(certified.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let url = format!("https://localhost:{}/healthz", node.server.public_address().port());
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    assert!(node.get_public("/healthz").send().await.is_err(), "plain HTTP is not answered beside it");
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = create(&place.path().join("node")).await;
    let tls = "[listen]\npublic = \"127.0.0.1:0\"\nprivate = \"127.0.0.1:0\"\n\
               [listen.tls]\ncert_file = \"none.pem\"\nkey_file = \"none.pem\"\n";
    let text = format!("issuer = \"{}\"\n{tls}", folder.issuer());
    let config = countersign::edge::config::Config::parse(&text, folder.path()).unwrap();
    let error = Server::start(&folder.with_config(config)).await.unwrap_err();
    assert!(matches!(&error, ServeError::Tls { .. }) && error.to_string().contains("none.pem"), "{error}");
}
