//! Two operators' nodes, and the whole loop between them over their interfaces, without a gateway.

use std::net::TcpListener;
use std::time::Duration;

use countersign::edge::data_folder::{DataFolder, InitOptions};
use countersign::ground::name::Issuer;
use countersign::io::clock::Clock;
use countersign::node::bundles::{Disclosure, GatherError, Gatherer};
use countersign::node::tokens::Role;
use serde_json::{Value, json};

use super::{TestNode, body};

/// Two nodes that are each other's approved peers.
pub(crate) struct TwoOperators {
    pub(crate) a: TestNode,
    pub(crate) b: TestNode,
}

impl TwoOperators {
    pub(crate) async fn start() -> Self {
        let (a, b) = (reachable().await, reachable().await);
        for (one, other) in [(&a, &b), (&b, &a)] {
            let operator = &other.server.node().operator;
            let fingerprint = operator.key_set().key_set().fingerprint();
            one.server.node().directory.add(operator.issuer(), Some(fingerprint)).await.unwrap();
        }
        Self { a, b }
    }

    pub(crate) async fn shutdown(self) {
        self.a.server.shutdown().await;
        self.b.server.shutdown().await;
    }
}

/// A node whose issuer is the address that it listens on.
async fn reachable() -> TestNode {
    let place = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer: Issuer = format!("http://{address}").parse().unwrap();
    let private = "127.0.0.1:0".parse().unwrap();
    let options = InitOptions { issuer, public: address, private, log_origin: None, at: Clock::system().now() };
    let folder: DataFolder = DataFolder::create(place.path().join("node"), &options).await.unwrap().folder;
    TestNode::listening(place, folder, "", address).await
}

pub(super) async fn post(node: &TestNode, path: &str, role: Role, document: &Value) -> (u16, Value) {
    let request = node.client.post(node.private(path)).bearer_auth(node.token(role).await);
    let request = request.header("content-type", "application/json").body(document.to_string());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), body(response).await)
}

pub(super) fn asked(two: &TwoOperators) -> Value {
    let b = two.b.server.node().operator.issuer();
    json!({
        "evaluation": {
            "subject": { "type": "Agent", "id": "billing" },
            "action": { "name": "a2a.send_message" },
            "resource": { "type": "PeerAgent", "id": format!("{b}/travel") },
        },
        "effect": "allow",
        "audience": b,
        "request": { "method": "POST", "target": format!("{b}/agents/travel"), "body": "e30" },
    })
}

pub(super) fn arrival(decided: &Value, asked: &Value, issuer: &Issuer) -> Value {
    json!({
        "receipt": decided["receipt"],
        "nonce": decided["headers"]["Countersign-Nonce"],
        "request": asked["request"],
        "evaluation": {
            "subject": { "type": "PeerAgent", "id": format!("{issuer}/billing") },
            "action": { "name": "a2a.send_message" },
            "resource": { "type": "Agent", "id": "travel" },
        },
        "effect": "allow",
    })
}

#[tokio::test]
async fn a_decision_is_accepted_once_and_both_sides_come_to_hold_both_halves() {
    let two = TwoOperators::start().await;
    let asked = asked(&two);
    let (status, decided) = post(&two.a, "/v1/decisions", Role::Decide, &asked).await;
    assert_eq!(status, 200, "{decided:#}");
    let arrival = arrival(&decided, &asked, two.a.server.node().operator.issuer());

    let (status, accepted) = post(&two.b, "/v1/accept", Role::Accept, &arrival).await;
    assert_eq!(status, 200, "{accepted:#}");
    assert_eq!((&accepted["proceed"], &accepted["duplicate"]), (&json!(true), &json!(false)));
    assert_eq!(accepted["verdict"]["verdict"], "valid");
    let (_, again) = post(&two.b, "/v1/accept", Role::Accept, &arrival).await;
    assert_eq!((&again["proceed"], &again["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(again["acknowledgement"], accepted["acknowledgement"]);

    let ended = json!({
        "decision": decided["digest"], "status": "completed", "http_status": 200, "response": { "body": "b2s" },
    });
    let (status, executor) = post(&two.b, "/v1/outcomes", Role::Decide, &ended).await;
    assert_eq!((status, &executor["observer"]), (200, &json!("executor")), "{executor:#}");
    let (status, repeated) = post(&two.b, "/v1/outcomes", Role::Decide, &ended).await;
    assert_eq!((status, &repeated), (200, &executor), "the outcome that stands");
    for (member, other) in
        [("status", json!("aborted")), ("http_status", json!(500)), ("response", json!({ "body": "" }))]
    {
        let mut changed = ended.clone();
        changed[member] = other;
        let (status, problem) = post(&two.b, "/v1/outcomes", Role::Decide, &changed).await;
        assert_eq!(
            (status, &problem["type"]),
            (409, &json!("urn:countersign:problem:outcome_recorded")),
            "{problem:#}"
        );
    }
    let mut seen = ended.clone();
    seen["acknowledgement"] = accepted["acknowledgement"].clone();
    let (status, caller) = post(&two.a, "/v1/outcomes", Role::Decide, &seen).await;
    assert_eq!((status, &caller["observer"]), (200, &json!("caller")), "{caller:#}");
    let outcome = json!({
        "receipt": executor["receipt"], "nonce": decided["headers"]["Countersign-Nonce"],
        "response": { "body": "b2s" }, "decision": decided["receipt"], "kind": "outcome",
    });
    let (_, verdict) = post(&two.a, "/v1/verify", Role::Verify, &outcome).await;
    assert_eq!(verdict["verdict"], "valid", "{verdict:#}");

    // The caller's node fetches by itself what its own agent did not report: here the executor's outcome.
    let digest = decided["digest"].as_str().unwrap().parse().unwrap();
    let archive = &two.a.server.node().archive;
    let both = async {
        while archive.answers(&digest).await.unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    two.shutdown().await;
}

#[tokio::test]
async fn what_does_not_belong_to_the_request_is_refused_with_the_verdict() {
    let two = TwoOperators::start().await;
    let asked = asked(&two);
    let (_, decided) = post(&two.a, "/v1/decisions", Role::Decide, &asked).await;
    let good = arrival(&decided, &asked, two.a.server.node().operator.issuer());
    let changed = |path: &[&str], value: Value| {
        let mut changed = good.clone();
        let mut place = &mut changed;
        for key in path {
            place = &mut place[*key];
        }
        *place = value;
        changed
    };
    for (arrival, code) in [
        (changed(&["request", "body"], json!("e34")), "body_mismatch"),
        (changed(&["request", "target"], json!("https://b.example/other")), "target_mismatch"),
        (
            changed(&["request"], json!({ "method": "POST", "target": good["request"]["target"], "unbound": true })),
            "body_unbound",
        ),
        (changed(&["nonce"], Value::Null), "nonce_missing"),
        (changed(&["nonce"], json!("short")), "nonce_invalid"),
        (changed(&["receipt"], json!("nonsense")), "receipt_malformed"),
    ] {
        let (status, problem) = post(&two.b, "/v1/accept", Role::Accept, &arrival).await;
        assert_eq!(problem["type"], format!("urn:countersign:problem:{code}"), "{status} {problem:#}");
    }
    let (_, elsewhere) = post(&two.a, "/v1/accept", Role::Accept, &good).await;
    assert_eq!(elsewhere["type"], "urn:countersign:problem:peer_unknown", "its own receipt is no peer's");
    let (status, _) = post(&two.b, "/v1/accept", Role::Accept, &good).await;
    assert_eq!(status, 200, "no refusal consumed it");
    two.shutdown().await;
}

#[tokio::test]
async fn an_acknowledgement_by_somebody_else_does_not_count() {
    let two = TwoOperators::start().await;
    let asked = asked(&two);
    let (_, first) = post(&two.a, "/v1/decisions", Role::Decide, &asked).await;
    let (_, second) = post(&two.a, "/v1/decisions", Role::Decide, &asked).await;
    let arrival = arrival(&first, &asked, two.a.server.node().operator.issuer());
    let (_, accepted) = post(&two.b, "/v1/accept", Role::Accept, &arrival).await;
    let other = json!({
        "decision": second["digest"], "status": "aborted", "acknowledgement": accepted["acknowledgement"],
    });
    let (_, problem) = post(&two.a, "/v1/outcomes", Role::Decide, &other).await;
    assert_eq!(problem["type"], "urn:countersign:problem:acknowledgement_other", "{problem:#}");
    let unaccepted = json!({ "decision": second["digest"], "status": "failed" });
    let (status, _) = post(&two.b, "/v1/outcomes", Role::Decide, &unaccepted).await;
    assert_eq!(status, 404, "the executor never got it");
    two.shutdown().await;
}

#[tokio::test]
async fn peers_are_listed_with_their_standing() {
    let two = TwoOperators::start().await;
    let request = two.a.client.get(two.a.private("/v1/peers")).bearer_auth(two.a.token(Role::Read).await);
    let listed = body(request.send().await.unwrap()).await;
    assert_eq!(listed["peers"][0]["state"], "approved");
    assert!(listed["peers"][0].get("hindrance").is_none(), "{listed:#}");
    two.shutdown().await;
}

#[tokio::test]
async fn a_body_that_the_receipts_do_not_commit_to_is_not_disclosed() {
    let two = TwoOperators::start().await;
    let (_, decided) = post(&two.a, "/v1/decisions", Role::Decide, &asked(&two)).await;
    let digest = decided["digest"].as_str().unwrap().parse().unwrap();
    let gatherer = Gatherer::new(two.a.store().await, two.a.server.node().operator.key_set().clone());
    let gather = async |body: &[u8]| {
        let disclosure = Disclosure { request_body: Some(body.to_vec()), ..Disclosure::default() };
        gatherer.gather(&[digest], &disclosure, Clock::system().now()).await
    };
    assert!(gather(b"{}").await.is_ok());
    assert!(matches!(gather(b"{ }").await, Err(GatherError::OtherBody("request"))));
    two.shutdown().await;
}
