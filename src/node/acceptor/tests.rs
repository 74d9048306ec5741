use tokio::sync::watch;

use super::*;
use crate::ground::effect::Effect;
use crate::ground::keyset::tests as ours;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::ReceiptId;
use crate::ground::policy::starter;
use crate::ground::question::{Action, Entity, Request};
use crate::ground::receipt::binding::Committed;
use crate::ground::receipt::compact::issue;
use crate::ground::receipt::payload::tests::decision;
use crate::ground::receipt::payload::{BodyBinding, LogPromise, RequestBinding};
use crate::io::client::tests::server::{NOW, PeerServer, time};
use crate::node::directory::tests::Place;
use crate::node::issuer::CaughtUp;
use crate::node::operator::{OnlineKeys, Operator};
use crate::node::policies::Policies;
use crate::node::write_path::WritePath;

const TARGET: &str = "https://a.example/desk/rpc";
const BODY: &[u8] = br#"{"jsonrpc":"2.0"}"#;
const SKEW_S: u64 = 30;

fn operator() -> Operator {
    let keys = OnlineKeys {
        receipt: ours::receipt_key(),
        log: ours::log_key(),
        cosign: ours::cosign_key(),
        http: crate::ground::crypto::keys::SigningKey::from_seed(&[14; 32]).unwrap(),
    };
    let key_set = crate::ground::keyset::sign(&ours::document(), &ours::root()).unwrap();
    Operator::new(ours::issuer(), key_set, keys).unwrap()
}

/// `https://a.example`, a peer, and the peer's decision about one request.
struct Scene {
    place: Place,
    peer: PeerServer,
    acceptor: Acceptor,
    receipt: SignedReceipt,
    nonce: String,
}

impl Scene {
    async fn new() -> Self {
        let place = Place::new().await;
        let peer = place.approved(20).await;
        let (store, clock) = (Arc::clone(&place.store), place.clock.clone());
        let (_, head) = watch::channel(TreeHead::empty());
        let caught_up = CaughtUp::since(time(NOW + 10_000));
        let operator = Arc::new(operator());
        let writes = WritePath::start(Arc::clone(&store), clock.clone()).0;
        let issuer = ReceiptIssuer::new(operator, writes, clock.clone(), head, 60, caught_up);
        let policies = Policies::open(Arc::clone(&store), &issuer, || Ok(starter::files())).await.unwrap();
        let decider = Decider::new(Arc::clone(&store), issuer.clone(), policies, 120, 300);
        let rate = Rate { per_s: 100, burst: 100 };
        let terms = Terms { level: Level::Signed, demand_body: true, skew_s: SKEW_S, rate };
        let peers = Arc::clone(&place.directory);
        let acceptor = Acceptor::new(store, clock, issuer, decider, peers, terms, Timestamp::EPOCH);
        let (receipt, nonce) = decided(&peer, 1, None);
        Self { place, peer, acceptor, receipt, nonce }
    }

    fn arrival(&self) -> Arrival<'_> {
        Arrival {
            receipt: self.receipt.compact.as_bytes(),
            nonce: Some(&self.nonce),
            method: "POST",
            target: TARGET,
            body: Some(BODY),
            proof: None,
        }
    }

    async fn accept(&self, arrival: &Arrival<'_>) -> Result<Acceptance, NotAccepted> {
        let ask = |_: &Decision, _| {
            let subject = Entity::new("PeerAgent", "https://b.example/booking-agent");
            let request = Request::new(subject, Action::new("a2a.send_message"), Entity::new("Agent", "desk"));
            Asked { request, refused: None, observed: None }
        };
        self.acceptor.accept(arrival, Handling { mode: Mode::Enforce, forwards: true }, ask).await
    }
}

/// Number `n` of the peer's decisions about `POST` of the body to the target, and what opens it.
fn decided(peer: &PeerServer, n: u8, retry_of: Option<ReceiptId>) -> (SignedReceipt, String) {
    let nonce = Nonce::from_bytes([42; 32]);
    let binding = RequestBinding {
        body: BodyBinding::Bound,
        content: Some(nonce.commit(Committed::Body, BODY)),
        target: nonce.commit_target("POST", TARGET),
    };
    let payload = Decision {
        iss: peer.issuer.clone(),
        aud: ours::issuer(),
        iat: time(NOW),
        exp: time(NOW + 300),
        jti: ReceiptId::from_parts(NOW * 1000, [n; 10]),
        retry_of,
        effect: Effect::Allow,
        binding: Some(binding),
        log: LogPromise { include_by: time(NOW + 60), origin: peer.log_origin(), root: Digest::of(b""), size: 0 },
        ..decision()
    };
    let receipt = issue(Payload::Decision(Box::new(payload)), &peer.receipt_key(1)).unwrap();
    (receipt, nonce.to_text())
}

#[tokio::test]
async fn the_same_receipt_again_gets_the_stored_answer_even_after_its_end() {
    let scene = Scene::new().await;
    let Acceptance::Fresh(accepted) = scene.accept(&scene.arrival()).await.unwrap() else { panic!("not fresh") };
    let answer = accepted.acknowledgement.compact;
    for later_s in [0, 300 + SKEW_S, 1000] {
        scene.place.hand.set(time(NOW + later_s));
        match scene.accept(&scene.arrival()).await.unwrap() {
            Acceptance::Duplicate { acknowledgement, decision } => {
                assert_eq!((acknowledgement, decision), (answer.clone(), scene.receipt.digest), "{later_s}");
            }
            Acceptance::Fresh(_) => panic!("forwarded again after {later_s} s"),
        }
    }
}

#[tokio::test]
async fn an_expired_receipt_is_answered_only_if_all_else_holds() {
    let scene = Scene::new().await;
    scene.accept(&scene.arrival()).await.unwrap();
    scene.place.hand.set(time(NOW + 1000));
    let other = Nonce::from_bytes([43; 32]).to_text();
    let good = scene.arrival();
    for (what, arrival) in [
        ("another method", Arrival { method: "PUT", ..good }),
        ("another target", Arrival { target: "https://a.example/other", ..good }),
        ("another body", Arrival { body: Some(b"{}"), ..good }),
        ("no body", Arrival { body: None, ..good }),
        ("another nonce", Arrival { nonce: Some(&other), ..good }),
        ("no nonce", Arrival { nonce: None, ..good }),
    ] {
        let refused = scene.accept(&arrival).await.unwrap_err();
        assert_eq!(refused.problem, ProblemType::Expired, "{what}");
    }
    // One that was never accepted is merely expired.
    let fresh = Scene::new().await;
    fresh.place.hand.set(time(NOW + 1000));
    assert_eq!(fresh.accept(&fresh.arrival()).await.unwrap_err().problem, ProblemType::Expired);
}

#[tokio::test]
async fn a_retry_is_a_new_receipt_and_a_new_call() {
    let mut scene = Scene::new().await;
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Fresh(_))));
    let first = *scene.receipt.payload.jti();
    (scene.receipt, scene.nonce) = decided(&scene.peer, 2, Some(first));
    let Ok(Acceptance::Fresh(accepted)) = scene.accept(&scene.arrival()).await else { panic!("not fresh") };
    let Payload::Decision(claims) = accepted.decision.payload() else { panic!("no decision") };
    assert_eq!(claims.retry_of, Some(first));
}

#[tokio::test]
async fn what_was_issued_before_a_restored_node_started_is_refused_unless_its_answer_is_there() {
    let mut scene = Scene::new().await;
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Fresh(_))));
    scene.acceptor.issued_from = time(NOW + 1);
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Duplicate { .. })));
    (scene.receipt, scene.nonce) = decided(&scene.peer, 2, None);
    let refused = scene.accept(&scene.arrival()).await.unwrap_err();
    assert_eq!(refused.problem, ProblemType::IssuedBeforeWatermark);
    scene.acceptor.issued_from = time(NOW);
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Fresh(_))));
}

#[tokio::test]
async fn a_used_receipt_does_not_use_up_what_its_issuer_may_send() {
    let mut scene = Scene::new().await;
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Fresh(_))));
    for _ in 0..200 {
        assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Duplicate { .. })));
    }
    (scene.receipt, scene.nonce) = decided(&scene.peer, 2, None);
    assert!(matches!(scene.accept(&scene.arrival()).await, Ok(Acceptance::Fresh(_))));
}
