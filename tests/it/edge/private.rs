//! The private listener: who may ask, and what comes of it.

use countersign::node::tokens::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{TestNode, body};

fn question(agent: &str, action: &str) -> Value {
    json!({
        "subject": { "type": "Agent", "id": agent },
        "action": { "name": action },
        "resource": { "type": "PeerAgent", "id": "https://b.example/travel" },
        "context": {
            "direction": "outbound", "protocol": "a2a_jsonrpc", "peer": "https://b.example", "streaming": false,
            "push_callback": false, "body": "bound", "agent_basis": "verified",
        },
    })
}

async fn post(node: &TestNode, path: &str, role: Role, document: &Value) -> reqwest::Response {
    let request = node.client.post(node.private(path)).bearer_auth(node.token(role).await);
    request.header("content-type", "application/json").body(document.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn nobody_is_answered_without_a_token_of_the_right_role() {
    let node = TestNode::start().await;
    let url = node.private("/v1/receipts");
    for request in [
        node.client.get(&url),
        node.client.get(&url).bearer_auth("cst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        node.client.get(&url).header("authorization", "Basic YTpi"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
    let response = node.client.get(&url).bearer_auth(node.token(Role::Verify).await).send().await.unwrap();
    assert_eq!(response.status(), 403);
    for role in [Role::Read, Role::Admin] {
        let response = node.client.get(&url).bearer_auth(node.token(role).await).send().await.unwrap();
        assert_eq!(response.status(), 200, "{role}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_revoked_token_stops() {
    let node = TestNode::start().await;
    let token = node.token(Role::Read).await;
    let get = || node.client.get(node.private("/v1/peers")).bearer_auth(&token).send();
    assert_eq!(get().await.unwrap().status(), 200);
    assert!(node.server.node().tokens.revoke("read-0").await.unwrap());
    assert_eq!(get().await.unwrap().status(), 401);
    node.server.shutdown().await;
}

#[tokio::test]
async fn web_pages_and_foreign_hosts_are_refused_everywhere() {
    let node = TestNode::start().await;
    for path in ["/healthz", "/v1/receipts", "/nothing"] {
        let request = node.client.get(node.private(path)).header("origin", "http://127.0.0.1");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert!(body(response).await["type"].as_str().unwrap().ends_with("origin_refused"));
        let response = node.client.get(node.private(path)).header("host", "evil.example").send().await.unwrap();
        assert_eq!(response.status(), 403, "{path}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_permitted_question_is_answered_with_true_and_a_receipt() {
    let node = TestNode::start().await;
    let response = post(&node, "/access/v1/evaluation", Role::Decide, &question("billing", "a2a.send_message")).await;
    assert_eq!(response.status(), 200);
    let receipt = response.headers()["countersign-receipt"].to_str().unwrap().to_owned();
    assert_eq!(body(response).await, json!({ "decision": true }));
    let verdict = body(post(&node, "/v1/verify", Role::Verify, &json!({ "receipt": receipt })).await).await;
    assert_eq!(verdict["verdict"], "valid", "{verdict:#}");
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_deny_is_an_answer_and_an_escalation_says_what_it_is() {
    let node = TestNode::start().await;
    let response = post(&node, "/access/v1/evaluation", Role::Decide, &question("billing", "http.post")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(response).await, json!({ "decision": false }));
    let mut large = question("billing", "a2a.send_message");
    large["context"]["facts"] = json!({ "amount": 5000 });
    let answer = body(post(&node, "/access/v1/evaluation", Role::Decide, &large).await).await;
    assert_eq!(answer["decision"], false);
    assert_eq!(answer["context"]["effect"], "escalate");
    assert_eq!(answer["context"]["reasons"], json!(["approval_required"]));
    assert!(answer["context"].get("receipt").is_none());
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_receipts_come_inline_when_asked() {
    let node = TestNode::start().await;
    let mut batch = question("billing", "a2a.send_message");
    batch["evaluations"] = json!([{}, { "action": { "name": "http.post" } }, {}]);
    let answer = body(post(&node, "/access/v1/evaluations", Role::Decide, &batch).await).await;
    let plain = json!({ "evaluations": [{ "decision": true }, { "decision": false }, { "decision": true }] });
    assert_eq!(answer, plain);
    batch["options"] = json!({ "evaluations_semantic": "deny_on_first_deny" });
    let response = post(&node, "/access/v1/evaluations?receipt=inline", Role::Decide, &batch).await;
    assert!(!response.headers().contains_key("countersign-receipt"));
    let answer = body(response).await;
    let items = answer["evaluations"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item["context"]["receipt"].is_string()));
    batch.as_object_mut().unwrap().remove("evaluations");
    let response = post(&node, "/access/v1/evaluations", Role::Decide, &batch).await;
    assert!(response.headers().contains_key("countersign-receipt"));
    assert_eq!(body(response).await, json!({ "decision": true }));
    node.server.shutdown().await;
}

#[tokio::test]
async fn what_is_no_authzen_request_is_a_400_and_the_request_id_comes_back() {
    let node = TestNode::start().await;
    let token = node.token(Role::Decide).await;
    let send = |content_type: &'static str, body: &'static str| {
        let request = node.client.post(node.private("/access/v1/evaluation")).bearer_auth(&token);
        request.header("x-request-id", "bfe9eb29-ab87").header("content-type", content_type).body(body).send()
    };
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", "{\"subject\":{}}"),
        ("application/json", "{\"subject\":{},\"subject\":{}}"),
        ("text/plain", "{}"),
    ] {
        let response = send(content_type, body).await.unwrap();
        assert_eq!(response.status(), 400, "{content_type} {body}");
        assert_eq!(response.headers()["x-request-id"], "bfe9eb29-ab87");
    }
    let large = "x".repeat(2 * 1024 * 1024);
    let request = node.client.post(node.private("/access/v1/evaluation")).bearer_auth(&token);
    let response = request.header("content-type", "application/json").body(large).send().await.unwrap();
    assert_eq!(response.status(), 413);
    node.server.shutdown().await;
}

#[tokio::test]
async fn the_authzen_metadata_names_the_base_that_was_used() {
    let node = TestNode::start().await;
    let document =
        body(node.client.get(node.private("/.well-known/authzen-configuration")).send().await.unwrap()).await;
    assert_eq!(document["policy_decision_point"], node.private(""));
    assert_eq!(document["access_evaluation_endpoint"], node.private("/access/v1/evaluation"));
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_decision_from_elsewhere_is_bound_to_its_request_and_waits_for_the_log() {
    let node = TestNode::start().await;
    let asked = json!({
        "evaluation": question("billing", "a2a.send_message"),
        "effect": "allow",
        "reasons": ["acme.budget", "acme.allowed"],
        "identity": {
            "sub": "alice", "act": { "sub": "billing" },
            "agent": { "basis": "verified", "by": "spiffe" }, "user": { "basis": "claimed" },
        },
        "audience": "https://b.example",
        "request": { "method": "POST", "target": "https://b.example/agents/travel", "body": "e30" },
        "session": "s-1",
    });
    let answer = body(post(&node, "/v1/decisions?wait=included", Role::Decide, &asked).await).await;
    assert_eq!(answer["effect"], "allow", "{answer:#}");
    assert_eq!(answer["assurance"], "observed");
    assert_eq!(answer["reasons"], json!(["acme.allowed", "acme.budget"]));
    assert!(answer["proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    let stored = node.client.get(node.private(&format!("/v1/receipts/{}", answer["digest"].as_str().unwrap())));
    let stored = body(stored.bearer_auth(node.token(Role::Read).await).send().await.unwrap()).await;
    assert_eq!(stored["payload"]["session"]["seq"], 1);
    assert_ne!(stored["payload"]["session"]["id"], "s-1", "so have conversations");
    assert_ne!(stored["payload"]["sub"], "alice", "users have pseudonyms at other operators");
    let facts = json!({
        "receipt": answer["receipt"], "audience": "https://b.example", "nonce": answer["headers"]["Countersign-Nonce"],
        "request": asked["request"], "proof": answer["proof"], "level": "included",
    });
    let verdict = body(post(&node, "/v1/verify", Role::Verify, &facts).await).await;
    assert_eq!(verdict["verdict"], "valid", "{verdict:#}");
    let mut tampered = facts.clone();
    tampered["request"]["body"] = json!("e34");
    let verdict = body(post(&node, "/v1/verify", Role::Verify, &tampered).await).await;
    assert_eq!(verdict["verdict"], "invalid");
    node.server.shutdown().await;
}

#[tokio::test]
async fn an_answer_is_held_against_a_decision_alone() {
    let node = TestNode::start().await;
    let vectors = crate::vectors::all();
    let named = |name: &str| {
        let vector = vectors.iter().find(|vector| vector.name() == format!("receipts: {name}")).unwrap();
        vector.case["input"]["receipt"].clone()
    };
    for (decision, status) in [("a decision", 200), ("an acknowledgement", 400)] {
        let asked = json!({ "receipt": named("an outcome"), "decision": named(decision) });
        assert_eq!(post(&node, "/v1/verify", Role::Verify, &asked).await.status(), status, "{decision}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_a_receipt_is_refused_with_the_reason() {
    let node = TestNode::start().await;
    let evaluation = question("billing", "a2a.send_message");
    let request = json!({ "method": "POST", "target": "https://b.example/x", "body": "e30" });
    for (document, reason) in [
        (json!({}), "evaluation"),
        (json!({ "evaluation": evaluation, "extra": 1 }), "extra"),
        (json!({ "evaluation": evaluation, "audience": "https://b.example" }), "`request`"),
        (json!({ "evaluation": evaluation, "effect": "escalate" }), "`approval`"),
        (json!({ "evaluation": evaluation, "reasons": ["a.b"] }), "decided elsewhere"),
        (json!({ "evaluation": evaluation, "effect": "allow", "reasons": ["nonsense"] }), "registered"),
        (
            json!({ "evaluation": evaluation, "request": { "method": "POST", "target": "https://b.example/x" } }),
            "unbound",
        ),
        (json!({ "evaluation": evaluation, "request": { "method": "post", "target": "/x", "body": "" } }), "method"),
        (json!({ "evaluation": evaluation, "request": request, "session": "a b" }), "session"),
        (json!({ "evaluation": evaluation, "identity": { "sub": "x", "agent": { "basis": "claimed" } } }), "calls"),
    ] {
        let response = post(&node, "/v1/decisions", Role::Decide, &document).await;
        let status = response.status();
        let problem = body(response).await;
        assert_eq!(status, 400, "{document} {problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(reason), "{reason}: {problem}");
    }
    node.server.shutdown().await;
}

#[tokio::test]
async fn receipts_are_found_page_by_page() {
    let node = TestNode::start().await;
    for _ in 0..5 {
        post(&node, "/access/v1/evaluation", Role::Decide, &question("pager", "a2a.send_message")).await;
    }
    let token = node.token(Role::Read).await;
    let get =
        |query: String| node.client.get(node.private(&format!("/v1/receipts?{query}"))).bearer_auth(&token).send();
    // The index is built behind the commit.
    let mut first = body(get("subject=pager&limit=2".to_owned()).await.unwrap()).await;
    for _ in 0..100 {
        let found = body(get("subject=pager".to_owned()).await.unwrap()).await;
        if found["receipts"].as_array().unwrap().len() == 5 {
            first = body(get("subject=pager&limit=2".to_owned()).await.unwrap()).await;
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut digests = Vec::new();
    let mut page = first;
    loop {
        digests.extend(page["receipts"].as_array().unwrap().iter().map(|receipt| receipt["digest"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        page = body(get(format!("subject=pager&limit=2&after={next}")).await.unwrap()).await;
    }
    assert_eq!(digests.len(), 5);
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 5, "no receipt is on two pages");
    assert_eq!(get("nonsense=1".to_owned()).await.unwrap().status(), 400);
    assert_eq!(get("after=x".to_owned()).await.unwrap().status(), 400);
    node.server.shutdown().await;
}

#[tokio::test]
async fn every_resource_of_the_page_about_the_private_api_is_there() {
    let node = TestNode::start().await;
    let page = include_str!("../../../spec/api.md");
    let mut asked = 0;
    for row in page.lines().filter(|line| line.starts_with("| `GET ") || line.starts_with("| `POST ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (resources, role) = (cells[1], cells[2]);
        let method = if resources.starts_with("`GET") { Method::GET } else { Method::POST };
        for path in resources.split('`').flat_map(|part| part.split(' ')).filter(|part| part.starts_with('/')) {
            let path = path.split('?').next().unwrap().replace("DIGEST", &"A".repeat(43));
            let response = node.client.request(method.clone(), node.private(&path)).send().await.unwrap();
            let expected = if role.is_empty() { 200 } else { 401 };
            assert_eq!(response.status(), expected, "{method} {path}");
            asked += 1;
        }
    }
    assert_eq!(asked, 14, "as many as the router has");
    node.server.shutdown().await;
}
