//! The public listener: what strangers may read, and how often.

use countersign::ground::discovery::Discovered;
use countersign::node::tokens::Role;
use serde_json::Value;

use super::{TestNode, body, create};

#[tokio::test]
async fn discovery_leads_to_the_operators_own_key_set() {
    let node = TestNode::start().await;
    let response = node.get_public("/.well-known/countersign").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=60");
    let bytes = response.bytes().await.unwrap();
    let operator = &node.server.node().operator;
    let discovered = Discovered::parse(&bytes, operator.issuer()).unwrap();
    assert_eq!(discovered.key_set.fingerprint(), operator.key_set().key_set().fingerprint());
    node.server.shutdown().await;
}

#[tokio::test]
async fn discovery_is_the_same_for_everybody_and_names_no_peer_and_no_agent() {
    let place = tempfile::tempdir().unwrap();
    let folder = create(&place.path().join("node")).await;
    countersign::io::secret_files::create(&place.path().join("secret")).unwrap();
    let routes = format!(
        "[[inbound]]\nname = \"inner-name\"\npath = \"/desk\"\nupstream = \"http://127.0.0.1:1\"\n\
         [[outbound]]\nname = \"their-desk\"\npeer = \"https://b.example\"\nurl = \"https://b.example/desk\"\n\
         [[agent]]\nname = \"caller\"\nsecret_file = {:?}\n",
        place.path().join("secret")
    );
    let node = TestNode::of(place, folder, &routes).await;
    let plain = node.get_public("/.well-known/countersign").send().await.unwrap().text().await.unwrap();
    let token = node.token(Role::Decide).await;
    let dressed = node.get_public("/.well-known/countersign").bearer_auth(&token).header("host", "other.example");
    let dressed = dressed.header("x-forwarded-host", "other.example").header("accept-language", "eo");
    assert_eq!(dressed.send().await.unwrap().text().await.unwrap(), plain);
    assert!(plain.contains("/desk"), "{plain}");
    for name in ["inner-name", "their-desk", "b.example", "caller"] {
        assert!(!plain.contains(name), "`{name}` in {plain}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn the_log_is_served_as_it_grows() {
    let node = TestNode::start().await;
    let mut published = node.server.node().published.clone();
    published.wait_for(|head| head.size > 0).await.unwrap();
    let response = node.get_public("/log/checkpoint").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert!(response.text().await.unwrap().starts_with("127.0.0.1:7400/log\n1\n"));
    let tile = node.get_public("/log/tile/0/000.p/1").send().await.unwrap();
    assert_eq!(tile.status(), 200);
    assert_eq!(tile.bytes().await.unwrap().len(), 32);
    for path in ["0/000", "0/000.p/2", "0/000.p/01", "0/0", "1/000.p/1", "x/000", "0/000.p/1/", "64/000"] {
        let response = node.get_public(&format!("/log/tile/{path}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_proof_is_for_whoever_holds_the_receipt() {
    let node = TestNode::start().await;
    let mut published = node.server.node().published.clone();
    published.wait_for(|head| head.size > 0).await.unwrap();
    let page = node.server.node().archive.search(&Default::default(), 1).await.unwrap();
    let receipt = match page.receipts.into_iter().next() {
        Some(receipt) => receipt,
        None => {
            countersign::node::upkeep::catch_up(&*node.store().await).await.unwrap();
            node.server.node().archive.search(&Default::default(), 1).await.unwrap().receipts.remove(0)
        }
    };
    let good = format!("/v1/proofs?jti={}&digest={}", receipt.jti, receipt.digest);
    let response = node.get_public(&good).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    let other = countersign::ground::crypto::hash::Digest::of(b"other");
    let response = node.get_public(&format!("/v1/proofs?jti={}&digest={other}", receipt.jti)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(body(response).await["type"].as_str().unwrap().ends_with("proof_missing"));
    for query in ["", "?jti=x&digest=y", "?jti=1", &format!("?jti={}&digest={other}&x=1", receipt.jti)] {
        assert_eq!(node.get_public(&format!("/v1/proofs{query}")).send().await.unwrap().status(), 400, "{query}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_pull_without_a_signature_gets_nothing() {
    let node = TestNode::start().await;
    let digest = countersign::ground::crypto::hash::Digest::of(b"decision");
    let url = format!("/v1/evidence/{digest}");
    assert_eq!(node.get_public(&url).send().await.unwrap().status(), 401);
    let signed =
        node.get_public(&url).header("signature-input", "countersign=()").header("signature", "countersign=::");
    assert_eq!(signed.send().await.unwrap().status(), 404);
    assert_eq!(node.get_public("/v1/evidence/short").send().await.unwrap().status(), 404);
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_flood_is_slowed_down_and_health_still_answers() {
    let node = TestNode::configured("[limits]\nstranger_requests_per_s = 5\n").await;
    let mut refused = 0;
    for _ in 0..40 {
        let response = node.get_public("/.well-known/countersign").send().await.unwrap();
        if response.status() == 429 {
            assert_eq!(response.headers()["retry-after"], "1");
            let document: Value = body(response).await;
            assert!(document["type"].as_str().unwrap().ends_with("rate_limited"));
            refused += 1;
        }
    }
    assert!(refused >= 20, "{refused}");
    assert_eq!(node.get_public("/healthz").send().await.unwrap().status(), 200);
    node.server.shutdown().await;
}
