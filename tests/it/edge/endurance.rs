//! Clients that waste the node's time, and what the node tells about itself.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign::node::tokens::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{TestNode, body};

/// Reads until the other side closes, and fails when it does not.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_cut_off() {
    let node = TestNode::configured("[limits]\nheader_timeout_s = 1\n").await;
    let mut stream = TcpStream::connect(node.server.public_address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_client_that_never_ends_its_body_is_answered_with_a_timeout() {
    let node = TestNode::configured("[limits]\nbody_timeout_s = 1\n").await;
    let token = node.token(Role::Verify).await;
    let mut stream = TcpStream::connect(node.server.private_address()).await.unwrap();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    node.server.shutdown().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_and_the_others_are_served() {
    let node = TestNode::configured("[limits]\nconnections_per_address = 3\n").await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(node.server.public_address()).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0u8; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut beyond = TcpStream::connect(node.server.public_address()).await.unwrap();
    // A connection that is closed before it is read may show as a reset.
    let _written = beyond.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    let _closed = tokio::time::timeout(Duration::from_secs(5), beyond.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty());
    assert_eq!(node.client.get(node.private("/healthz")).send().await.unwrap().status(), 200);
    drop(held);
    node.server.shutdown().await;
}

#[tokio::test]
async fn headers_beyond_the_bound_are_refused() {
    let node = TestNode::start().await;
    let request = node.get_public("/healthz").header("x-large", "x".repeat(64 * 1024));
    // The refusal may overtake the rest of the headers, and then the client sees a broken connection.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 431);
    }
    assert_eq!(node.get_public("/healthz").send().await.unwrap().status(), 200);
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_document_of_another_kind_is_refused_before_it_is_read() {
    let node = TestNode::start().await;
    let token = node.token(Role::Verify).await;
    let send = |kind: &'static str, text: String| {
        node.client.post(node.private("/v1/verify")).bearer_auth(&token).header("content-type", kind).body(text).send()
    };
    assert_eq!(send("text/plain", "{}".to_owned()).await.unwrap().status(), 415);
    assert_eq!(
        send("application/json", "{\"receipt\":\"a\",\"receipt\":\"b\"}".to_owned()).await.unwrap().status(),
        400
    );
    assert_eq!(send("application/json", "x".repeat(3 * 1024 * 1024)).await.unwrap().status(), 413);
    let verdict = body(send("application/json", json!({ "receipt": "x" }).to_string()).await.unwrap()).await;
    assert_eq!(verdict["verdict"], "invalid");
    node.server.shutdown().await;
}

#[tokio::test]
async fn readiness_says_what_is_in_the_way_and_what_to_look_at() {
    let node = TestNode::start().await;
    let ready = || node.client.get(node.private("/readyz")).send();
    let response = ready().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(body(response).await, json!({ "ready": true, "hindrances": [], "notices": [] }));
    let policy = node.place.path().join("node/policy/inbound.cedar");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("{text}\n// edited\n")).unwrap();
    let noticed = async {
        while body(ready().await.unwrap()).await["notices"] != json!(["policy_edited"]) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.unwrap();
    node.server.shutdown().await;
}

#[tokio::test]
async fn the_metrics_pass_the_linter_of_prometheus() {
    let node = TestNode::start().await;
    let url = node.private("/metrics");
    assert_eq!(node.client.get(&url).send().await.unwrap().status(), 401);
    node.get_public("/nothing").send().await.unwrap();
    let text = node.client.get(&url).bearer_auth(node.token(Role::Metrics).await).send().await.unwrap();
    let text = text.text().await.unwrap();
    assert!(text.contains("countersign_ready 1"), "{text}");
    let mut linter = Command::new("promtool");
    linter.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut linter) = linter.spawn() else {
        eprintln!("NOT RUN: promtool is not installed, so the names of the metrics were not linted");
        node.server.shutdown().await;
        return;
    };
    linter.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = linter.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && complaints.trim().is_empty(), "{complaints}\n{text}");
    node.server.shutdown().await;
}
