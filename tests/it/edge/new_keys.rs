//! What a peer makes of receipts under keys that were replaced or revoked, by the real program and over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::edge::data_folder::DataFolder;
use countersign::ground::name::Issuer;
use countersign::node::directory::Refreshed;
use countersign::node::tokens::Role;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::TestNode;
use super::two::{TwoOperators, arrival, asked, post};

/// A node that was ended, to be started again where it was.
struct Ended {
    place: TempDir,
    address: SocketAddr,
}

impl Ended {
    async fn end(node: TestNode) -> Self {
        let TestNode { server, place, .. } = node;
        let address = server.public_address();
        assert!(server.shutdown().await);
        Self { place, address }
    }

    async fn start(self) -> TestNode {
        let folder = DataFolder::open(self.folder()).unwrap();
        TestNode::listening(self.place, folder, "", self.address).await
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("node")
    }

    /// What a thief of its online keys has, who listens elsewhere.
    fn stolen(&self) -> Self {
        let place = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-rp").arg(self.folder()).arg(place.path()).status().unwrap();
        assert!(copied.success());
        Self { place, address: "127.0.0.1:0".parse().unwrap() }
    }
}

fn key(folder: &Path, arguments: &[&str]) -> Value {
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let program = program.args(["--json", "key"]).args(arguments).arg("--config").arg(folder);
    let output = program.arg("--root").arg(folder.join("root.jwk")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A decision of `node` for B.
async fn decide(node: &TestNode, asked: &Value) -> Value {
    let (status, decided) = post(node, "/v1/decisions", Role::Decide, asked).await;
    assert_eq!(status, 200, "{decided:#}");
    decided
}

/// What B makes of a decision of `issuer`: its verdict, and how accepting it came out.
async fn judged(b: &TestNode, issuer: &Issuer, asked: &Value, decided: &Value) -> (Value, u16, Value) {
    let shown = json!({ "receipt": decided["receipt"], "kind": "decision" });
    let (_, verdict) = post(b, "/v1/verify", Role::Verify, &shown).await;
    let (status, accepted) = post(b, "/v1/accept", Role::Accept, &arrival(decided, asked, issuer)).await;
    (verdict, status, accepted)
}

#[tokio::test]
async fn a_peer_takes_old_receipts_and_new_ones_across_a_rotation_and_none_of_a_revoked_key() {
    let two = TwoOperators::start().await;
    let asked = asked(&two);
    let issuer = two.a.server.node().operator.issuer().clone();
    let before = decide(&two.a, &asked).await;

    let TwoOperators { a, b } = two;
    let a = Ended::end(a).await;
    let rotated = key(&a.folder(), &["rotate", "receipt"]);
    let a = a.start().await;
    assert_eq!(rotated["number"], 2);
    // The new key is unknown to B, which looks for it at once; what the old one signed in its time still counts.
    let after = decide(&a, &asked).await;
    for decided in [&after, &before] {
        let (verdict, status, accepted) = judged(&b, &issuer, &asked, decided).await;
        assert_eq!((&verdict["verdict"], status), (&json!("valid"), 200), "{verdict:#} {accepted:#}");
        assert_eq!(accepted["proceed"], true);
    }

    let a = Ended::end(a).await;
    let thief = a.stolen();
    let kid = rotated["made"]["kid"].as_str().unwrap();
    let revoked = key(&a.folder(), &["revoke", kid, "--reason", "stolen"]);
    assert_eq!((&revoked["number"], &revoked["previous"]), (&json!(3), &rotated["digest"]));
    let (a, thief) = (a.start().await, thief.start().await);
    let forged = decide(&thief, &asked).await;
    // As it does in the background every `peers.refresh_s`.
    assert_eq!(b.server.node().directory.refresh(&issuer).await.unwrap(), Refreshed::Changed);
    let (verdict, status, refused) = judged(&b, &issuer, &asked, &forged).await;
    assert_eq!(verdict["verdict"], "invalid");
    let row = verdict["checks"].as_array().unwrap().iter().find(|row| row["check"] == "key").unwrap();
    assert_eq!(row["code"], "key_revoked", "{verdict:#}");
    assert_eq!((status, &refused["type"]), (403, &json!("urn:countersign:problem:key_revoked")), "{refused:#}");

    let replaced = decide(&a, &asked).await;
    let (verdict, status, _) = judged(&b, &issuer, &asked, &replaced).await;
    assert_eq!((&verdict["verdict"], status), (&json!("valid"), 200), "{verdict:#}");
    for node in [a, b, thief] {
        node.server.shutdown().await;
    }
}
