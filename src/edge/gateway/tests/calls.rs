//! Calls through both gateways: allowed, denied, escalated; and who may call at all.

use serde_json::{Value, json};

use super::world::{FromJson as _, ToJson as _, World, header, message};
use crate::edge::gateway::{Direction, Fate};
use crate::ground::effect::Effect;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::payload::{Basis, BodyBinding, Mode, OutcomeStatus};
use crate::io::store::PeerState;

/// The code and the metadata of a JSON-RPC error.
async fn error(response: reqwest::Response) -> (i64, Value) {
    assert_eq!(response.status(), 200);
    let body: Value = response.value().await;
    assert_eq!(body["id"], 7);
    (body["error"]["code"].as_i64().unwrap(), body["error"]["data"][0]["metadata"].clone())
}

#[tokio::test]
async fn an_allowed_call_reaches_the_agent_and_leaves_evidence_that_agrees_on_both_sides() {
    let world = World::new().await;
    let response = world.send_message("seller").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    let (digest, decision) = world.a.decision(&response).await;
    assert_eq!((decision.effect, &decision.aud), (Effect::Allow, &world.b.issuer));
    assert_eq!(decision.identity.agent, Basis::Verified { by: "gateway_path".parse().unwrap() });
    let answer: Value = response.value().await;
    assert_eq!(answer["result"]["echo"], message("hello"));

    let (at_a, at_b) = (world.a.outcome(&digest).await.unwrap(), world.b.outcome(&digest).await.unwrap());
    assert_eq!((at_a.status, at_a.http_status), (OutcomeStatus::Completed, Some(200)));
    assert!(at_a.agrees_with(&at_b), "{at_a:?} {at_b:?}");
    assert!(at_a.response.as_ref().unwrap().content.is_some());
    let acknowledged = world.a.acknowledgement(&digest).await.unwrap();
    assert_eq!(world.b.acknowledgement(&digest).await.unwrap(), acknowledged);
    assert_eq!(
        (acknowledged.effect, acknowledged.body, acknowledged.mode),
        (Effect::Allow, BodyBinding::Bound, Mode::Enforce)
    );
    assert_eq!(at_a.acknowledgement, at_b.acknowledgement);
    assert_eq!(world.a.observations().await, []);
    assert_eq!(world.a.gateway.counts().calls(Direction::Outbound, Fate::Forwarded, None), 1);
    assert_eq!(world.b.gateway.counts().calls(Direction::Inbound, Fate::Forwarded, None), 1);
}

#[tokio::test]
async fn only_a_call_that_goes_on_waits_to_be_closed() {
    let world = World::new().await;
    let (denied_here, denied_there) = ("CancelTask", "ListTasks");
    for method in [denied_here, denied_there, "SendMessage"] {
        let params = if method == "SendMessage" { message("hello") } else { json!({ "id": "1" }) };
        let (digest, _) = world.a.decision(&world.call("seller", method, params).await).await;
        assert_eq!(world.a.to_be_closed(&digest).await, method != denied_here, "{method}");
        assert_eq!(world.b.to_be_closed(&digest).await, method == "SendMessage", "{method}");
        assert!(!world.a.is_running(&digest).await && !world.b.is_running(&digest).await);
    }
}

#[tokio::test]
async fn each_side_sees_the_fields_that_are_meant_for_it_and_no_others() {
    let world = World::new().await;
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": message("x") });
    let request = world.http.post(world.url("seller", "/rpc?q=%20a")).json(&body);
    let request = request
        .header("authorization", "Bearer agents-own")
        .header("countersign-user", "ann")
        .header("countersign-receipt", "forged")
        .header("countersign-peer", "forged")
        .header("x-hop", "1")
        .header("connection", "x-hop");
    let response = request.send().await.unwrap();
    let ours = |name: &str| name.starts_with("countersign-");
    let told: Vec<_> = response.headers().keys().map(|name| name.as_str()).filter(|name| ours(name)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    assert_eq!(header(&response, "x-agent"), "yes");

    let crossed = world.crossed().pop().unwrap();
    assert_eq!(crossed.ours(), ["countersign-receipt", "countersign-nonce"]);
    assert_eq!(crossed.field("authorization"), Some("Bearer agents-own"));
    assert_eq!(crossed.uri.query(), Some("q=%20a"));
    assert_eq!(crossed.field("x-hop"), None);
    assert_eq!(crossed.field("host"), world.wire.strip_prefix("http://"));

    let reached = world.reached().pop().unwrap();
    assert_eq!(reached.field("countersign-receipt"), None);
    assert_eq!(reached.field("countersign-nonce"), None);
    assert_eq!(reached.field("countersign-peer"), Some(world.a.issuer.as_str()));
    assert_eq!(reached.field("countersign-agent"), Some("buyer"));
    assert_eq!(reached.field("countersign-verdict"), Some("valid"));
    assert_eq!(reached.field("countersign-effect"), Some("allow"));
    assert_eq!(reached.field("countersign-receipt-id"), Some(header(&response, "countersign-receipt-id")));
    assert_eq!(reached.field("authorization"), Some("Bearer agents-own"));
    assert_eq!(reached.body, crossed.body);
}

#[tokio::test]
async fn a_user_crosses_as_a_claimed_pseudonym_only() {
    let world = World::new().await;
    let call = |user: &'static str| {
        let request = world.http.get(world.url("seller", "/tasks/1")).header("countersign-user", user);
        async { world.a.decision(&request.send().await.unwrap()).await.1 }
    };
    let (ann, again, bob) = (call("ann@a.example").await, call("ann@a.example").await, call("bob").await);
    assert_eq!(ann.sub, again.sub);
    assert_ne!(ann.sub, bob.sub);
    assert!(!ann.sub.contains("ann"));
    assert_eq!(ann.act.unwrap().sub, "buyer");
    assert_eq!(ann.identity.user, Some(Basis::CLAIMED));
}

#[tokio::test]
async fn a_call_that_the_own_policy_denies_is_not_sent() {
    let world = World::new().await;
    let response = world.call("seller", "CancelTask", json!({ "id": "1" })).await;
    let (digest, decision) = world.a.decision(&response).await;
    assert_eq!(decision.effect, Effect::Deny);
    let (code, said) = error(response).await;
    assert_eq!((code, said["code"].as_str()), (-32004, Some("policy_denied")));
    assert_eq!((said["refused_by"].as_str(), said["policies"].as_str()), (Some("caller_node"), Some("test-no-cancel")));
    assert_eq!(said["receipt"], json!(decision.jti));
    assert!(world.crossed().is_empty());
    assert_eq!(world.a.outcome(&digest).await, None);
}

#[tokio::test]
async fn a_call_that_needs_an_approval_says_whose() {
    let world = World::new().await;
    let paid = |amount: i64| {
        let mut params = message("buy");
        params["message"]["metadata"] = json!({ "amount": amount });
        world.call("paid", "SendMessage", params)
    };
    assert_eq!(header(&paid(1000).await, "countersign-verdict"), "valid");
    let response = paid(1001).await;
    assert_eq!(header(&response, "countersign-verdict"), "none");
    let (_, said) = error(response).await;
    assert_eq!((said["code"].as_str(), said["approval_by"].as_str()), (Some("approval_required"), Some("operator")));
    assert_eq!(world.crossed().len(), 1);
}

#[tokio::test]
async fn a_call_without_a_fact_that_the_policy_needs_is_denied_and_written_down() {
    let world = World::new().await;
    let response = world.call("paid", "SendMessage", message("buy")).await;
    let (_, decision) = world.a.decision(&response).await;
    assert_eq!(decision.effect, Effect::Deny);
    let (_, said) = error(response).await;
    assert_eq!(said["code"], "context_missing");
}

#[tokio::test]
async fn a_call_that_the_other_operator_denies_comes_back_with_its_acknowledgement() {
    let world = World::new().await;
    let response = world.call("seller", "ListTasks", json!({})).await;
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    let (digest, _) = world.a.decision(&response).await;
    let (code, said) = error(response).await;
    assert_eq!(
        (code, said["code"].as_str(), said["refused_by"].as_str()),
        (-32004, Some("policy_denied"), Some("callee_node"))
    );
    assert_eq!(said.get("policies"), None, "which rule refused is the other operator's business");
    let acknowledged = world.a.acknowledgement(&digest).await.unwrap();
    assert_eq!(said["acknowledgement"], json!(acknowledged.jti));
    assert_eq!(acknowledged.effect, Effect::Deny);
    assert!(world.reached().is_empty());
    assert_eq!(world.b.outcome(&digest).await, None);
    assert_eq!(world.a.outcome(&digest).await.unwrap().status, OutcomeStatus::Completed);
}

#[tokio::test]
async fn rest_refusals_are_google_rpc_statuses_and_plain_ones_problem_documents() {
    let world = World::new().await;
    let response = world.http.get(world.url("seller", "/tasks")).send().await.unwrap();
    assert_eq!(response.status(), 403);
    let body: Value = response.value().await;
    assert_eq!(body["error"]["details"][0]["metadata"]["code"], "policy_denied");
    let response = world.http.delete(world.url("files", "/1")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (403, "application/problem+json"));
    let body: Value = response.value().await;
    assert_eq!(body["type"], "urn:countersign:problem:policy_denied");
}

#[tokio::test]
async fn who_is_not_an_own_agent_learns_nothing() {
    let world = World::new().await;
    let at = world.a.address;
    let mut said = Vec::new();
    for path in ["/a/wrong/seller/rpc".to_owned(), "/a/x".to_owned(), "/a/seller/rpc".to_owned()] {
        let response = world.http.post(format!("http://{at}{path}")).body("{}").send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        said.push(response.text().await.unwrap());
    }
    assert!(said.iter().all(|body| *body == said[0] && !body.contains(world.a.issuer.as_str())));
    for (name, value, code) in [("origin", "http://localhost", "origin_refused"), ("host", "evil.example", "forbidden")]
    {
        let response = world.http.get(world.url("seller", "/tasks/1")).header(name, value).send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}");
        assert!(response.text().await.unwrap().contains(code));
    }
    assert!(world.crossed().is_empty());
}

#[tokio::test]
async fn a_token_field_serves_in_place_of_the_path_and_goes_no_further() {
    let world = World::new().await;
    let url = format!("http://{}/a/seller/tasks/1", world.a.address);
    let response = world.http.get(url).header("countersign-token", &world.secret).send().await.unwrap();
    let (_, decision) = world.a.decision(&response).await;
    assert_eq!(decision.identity.agent, Basis::Verified { by: "gateway_token".parse().unwrap() });
    assert_eq!(world.crossed().pop().unwrap().field("countersign-token"), None);
}

#[tokio::test]
async fn nothing_is_sent_to_who_is_not_an_approved_peer() {
    for (state, code) in [
        (PeerState::Pending, "peer_pending"),
        (PeerState::Suspended, "peer_suspended"),
        (PeerState::Removed, "peer_removed"),
    ] {
        let world = World::with(state, PeerState::Approved).await;
        let response = world.send_message("seller").await;
        assert_eq!(header(&response, "countersign-receipt-id"), "none");
        let (_, said) = error(response).await;
        assert_eq!((said["code"].as_str(), said["refused_by"].as_str()), (Some(code), Some("caller_node")));
        let (_, said) = error(world.send_message("stranger").await).await;
        assert_eq!(said["code"], "peer_unknown");
        assert!(world.crossed().is_empty());
    }
}

#[tokio::test]
async fn who_is_not_an_approved_peer_earns_no_signature() {
    for (state, code) in [(PeerState::Pending, "peer_pending"), (PeerState::Suspended, "peer_suspended")] {
        let world = World::with(PeerState::Approved, state).await;
        let before = world.b.receipts().await.len();
        let response = world.send_message("seller").await;
        assert_eq!(header(&response, "countersign-verdict"), "acknowledgement_missing");
        let (_, said) = error(response).await;
        assert_eq!((said["code"].as_str(), said["refused_by"].as_str()), (Some(code), Some("callee_node")));
        assert!(world.reached().is_empty());
        assert_eq!(world.b.receipts().await.len(), before);
        let noticed = world.a.observations().await;
        assert_eq!(
            noticed.iter().map(|seen| seen.observation.kind.as_str()).collect::<Vec<_>>(),
            ["answer_unacknowledged"]
        );
    }
}

#[tokio::test]
async fn who_is_not_there_is_named_and_both_sides_write_down_the_same() {
    let world = World::new().await;
    let response = world.send_message("gone").await;
    assert_eq!(header(&response, "countersign-verdict"), "valid");
    let (digest, _) = world.a.decision(&response).await;
    let (_, said) = error(response).await;
    assert_eq!((said["code"].as_str(), said["refused_by"].as_str()), (Some("agent_unreachable"), Some("agent")));
    let (at_a, at_b) = (world.a.outcome(&digest).await.unwrap(), world.b.outcome(&digest).await.unwrap());
    assert_eq!(at_b.status, OutcomeStatus::Unreachable);
    assert!(at_a.agrees_with(&at_b), "{at_a:?} {at_b:?}");

    let response = world.send_message("down").await;
    let (digest, _) = world.a.decision(&response).await;
    let (_, said) = error(response).await;
    assert_eq!((said["code"].as_str(), said["refused_by"].as_str()), (Some("peer_unreachable"), Some("caller_node")));
    assert_eq!(world.a.outcome(&digest).await.unwrap().status, OutcomeStatus::Unreachable);
}

#[tokio::test]
async fn what_is_no_call_is_refused_by_the_own_node() {
    let world = World::new().await;
    let (code, said) = error(world.call("seller", "Nonsense", json!({})).await).await;
    assert_eq!((code, said["code"].as_str()), (-32600, Some("call_unrecognised")));
    for path in ["/%2e%2e/x", "/a//b", "/a%2fb"] {
        let url = world.url("seller", path);
        let sent = raw_get(world.a.address, &url).await;
        assert!(sent.contains("call_unrecognised"), "{path}: {sent}");
    }
    assert!(world.crossed().is_empty());
    let refused = Some(ProblemType::CallUnrecognised);
    assert_eq!(world.a.gateway.counts().calls(Direction::Outbound, Fate::Refused, refused), 4);
}

/// A GET whose path no client library has put in order.
async fn raw_get(at: std::net::SocketAddr, url: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let path = url.strip_prefix(&format!("http://{at}")).unwrap();
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
