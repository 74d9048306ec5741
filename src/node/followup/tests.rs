use tokio::sync::watch;

use super::rounds::{BATCH, LEASE_S, terms};
use super::*;
use crate::ground::crypto::hash::Digest;
use crate::ground::evidence::Evidence;
use crate::ground::keyset::tests as ours;
use crate::ground::kind::Kind;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::ReceiptId;
use crate::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt, issue};
use crate::ground::receipt::payload::tests::{decision, every_payload};
use crate::ground::receipt::payload::{
    Acknowledgement, Decision, LogPromise, Observer, Outcome, OutcomeStatus, Payload, ReceiptRef,
};
use crate::io::client::tests::client;
use crate::io::client::tests::server::{NOW, PeerServer, time};
use crate::io::store::Admission;
use crate::node::directory::tests::Place;
use crate::node::issuer::{CaughtUp, received_receipt};
use crate::node::operator::OnlineKeys;
use crate::node::write_path::WritePath;

mod closing;
mod rounds;

fn id(number: u8) -> ReceiptId {
    ReceiptId::from_parts(NOW * 1000, [number; 10])
}

/// `https://a.example` with one decision for a peer.
struct Scene {
    place: Place,
    peer: PeerServer,
    worker: FollowUp,
    decision: SignedReceipt,
}

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

fn worker(place: &Place) -> FollowUp {
    let (operator, store, clock) = (Arc::new(operator()), &place.store, &place.clock);
    let writes = WritePath::start(Arc::clone(store), clock.clone()).0;
    let (_, head) = watch::channel(TreeHead::empty());
    let caught_up = CaughtUp::since(time(NOW + 10_000_000));
    FollowUp {
        store: Arc::clone(store),
        writes: writes.clone(),
        operator: Arc::clone(&operator),
        directory: Arc::clone(&place.directory),
        client: client(),
        clock: clock.clone(),
        issuer: ReceiptIssuer::new(operator, writes, clock.clone(), head, 60, caught_up),
        running: RunningCalls::default(),
    }
}

fn parsed(signed: &SignedReceipt) -> UnverifiedReceipt {
    UnverifiedReceipt::parse(signed.compact.as_bytes()).unwrap()
}

impl Scene {
    async fn new() -> Self {
        let place = Place::new().await;
        let peer = place.approved(20).await;
        let payload = Decision { aud: peer.issuer.clone(), jti: id(1), ..decision() };
        let decision = issue(Payload::Decision(Box::new(payload)), &ours::receipt_key()).unwrap();
        let worker = worker(&place);
        Self { place, peer, worker, decision }
    }

    async fn keep(&self, signed: &SignedReceipt, followups: Vec<NewFollowup>) {
        let receipts = vec![received_receipt(&parsed(signed), None)];
        let admission = Admission { receipts, followups, ..Admission::default() };
        let kept = self.place.store.commit(time(NOW), &[admission]).await.unwrap();
        assert_eq!(kept, [Ok(())]);
    }

    /// Stores the decision with the work of pulling what the peer has about it.
    async fn decide(&self) {
        let work = Work::pull_evidence(time(NOW)).about(self.decision.digest, &self.peer.issuer);
        self.keep(&self.decision, vec![work]).await;
        self.place.hand.advance_ms(5000);
    }

    fn promise(&self) -> LogPromise {
        LogPromise { include_by: time(NOW + 60), origin: self.peer.log_origin(), root: Digest::of(b""), size: 0 }
    }

    fn reference(&self) -> ReceiptRef {
        ReceiptRef { digest: self.decision.digest, jti: id(1) }
    }

    fn sign(&self, payload: Payload) -> SignedReceipt {
        issue(payload, &self.peer.receipt_key(1)).unwrap()
    }

    fn acknowledge(&self, edit: impl FnOnce(&mut Acknowledgement)) -> SignedReceipt {
        let Some(Payload::Acknowledgement(mut payload)) = every_payload().into_iter().nth(1) else { panic!("none") };
        payload.iss = self.peer.issuer.clone();
        payload.receipt = self.reference();
        payload.jti = id(2);
        payload.log = self.promise();
        edit(&mut payload);
        self.sign(Payload::Acknowledgement(payload))
    }

    fn outcome(&self, acknowledgement: &SignedReceipt, edit: impl FnOnce(&mut Outcome)) -> Payload {
        let Some(Payload::Outcome(mut payload)) = every_payload().into_iter().nth(2) else { panic!("none") };
        payload.iss = self.peer.issuer.clone();
        payload.receipt = self.reference();
        payload.acknowledgement = Some(ReceiptRef { digest: acknowledgement.digest, jti: id(2) });
        payload.jti = id(3);
        payload.log = self.promise();
        edit(&mut payload);
        Payload::Outcome(payload)
    }

    /// What this node saw of the call itself.
    async fn observe(&self, acknowledgement: &SignedReceipt, edit: impl FnOnce(&mut Outcome)) {
        let payload = self.outcome(acknowledgement, |outcome| {
            outcome.iss = ours::issuer();
            outcome.aud = self.peer.issuer.clone();
            outcome.observer = Observer::Caller;
            outcome.jti = id(4);
            edit(outcome);
        });
        self.keep(&issue(payload, &ours::receipt_key()).unwrap(), Vec::new()).await;
    }

    fn serve(&self, acknowledgement: Option<&SignedReceipt>, outcome: Option<&SignedReceipt>) {
        let compact = |signed: &SignedReceipt| signed.compact.clone();
        let evidence = Evidence { acknowledgement: acknowledgement.map(compact), outcome: outcome.map(compact) };
        let url = self.peer.endpoints().evidence(&self.decision.digest);
        self.peer.set_url(&url, serde_json::to_vec(&evidence).unwrap());
    }

    async fn round(&self) -> Round {
        self.worker.run_once().await.unwrap()
    }

    /// Works until everything is settled, passing the time between.
    async fn work_off(&self) {
        for _ in 0..100 {
            self.round().await;
            self.place.hand.advance_ms(4_000_000);
            self.place.directory.refresh(&self.peer.issuer).await.ok();
        }
        assert_eq!(self.round().await.taken, 0);
    }

    async fn kinds(&self) -> Vec<Kind> {
        let related = self.place.store.related(&self.decision.digest).await.unwrap();
        related.into_iter().map(|row| row.kind).collect()
    }

    async fn noticed(&self, noticed: Noticed) -> Vec<serde_json::Value> {
        let found = self.place.noticed(noticed).await;
        found.iter().map(|detail| serde_json::from_str(detail).unwrap()).collect()
    }
}

#[tokio::test]
async fn both_answers_are_pulled_verified_and_stored() {
    let scene = Scene::new().await;
    scene.decide().await;
    assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
    let acknowledgement = scene.acknowledge(|_| ());
    scene.serve(Some(&acknowledgement), None);
    scene.place.hand.advance_ms(5000);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
    assert_eq!(scene.kinds().await, [Kind::Acknowledgement]);
    let outcome = scene.sign(scene.outcome(&acknowledgement, |_| ()));
    scene.serve(Some(&acknowledgement), Some(&outcome));
    scene.observe(&acknowledgement, |_| ()).await;
    scene.place.hand.advance_ms(10_000);
    scene.round().await;
    assert_eq!(scene.kinds().await, [Kind::Acknowledgement, Kind::Outcome, Kind::Outcome]);
    for noticed in [Noticed::OutcomeDisagrees, Noticed::AnswerInvalid, Noticed::OutcomeMissing] {
        assert_eq!(scene.noticed(noticed).await, Vec::<serde_json::Value>::new());
    }
}

#[tokio::test]
async fn outcomes_that_differ_are_noticed_once() {
    let scene = Scene::new().await;
    scene.decide().await;
    let acknowledgement = scene.acknowledge(|_| ());
    let outcome = scene.sign(scene.outcome(&acknowledgement, |_| ()));
    scene.serve(Some(&acknowledgement), Some(&outcome));
    scene
        .observe(&acknowledgement, |outcome| {
            outcome.status = OutcomeStatus::Aborted;
            outcome.http_status = None;
            outcome.response = None;
        })
        .await;
    scene.round().await;
    let noticed = scene.noticed(Noticed::OutcomeDisagrees).await;
    assert_eq!(noticed.len(), 1);
    assert_eq!(noticed[0]["caller"]["status"], "aborted");
    assert_eq!(noticed[0]["executor"]["http_status"], 200);
}

#[tokio::test]
async fn an_answer_that_does_not_verify_is_noticed_and_not_taken() {
    type Answer = fn(&Scene) -> SignedReceipt;
    let answers: [(Answer, &str); 4] = [
        (
            |scene| {
                let stranger = crate::ground::crypto::keys::SigningKey::from_seed(&[99; 32]).unwrap();
                issue(scene.acknowledge(|_| ()).payload, &stranger).unwrap()
            },
            "key_unknown",
        ),
        (
            |scene| scene.acknowledge(|answer| answer.receipt.digest = Digest::of(b"another decision")),
            "acknowledgement_other",
        ),
        (|scene| scene.sign(scene.outcome(&scene.acknowledge(|_| ()), |_| ())), "kind_unexpected"),
        (
            |scene| {
                scene.acknowledge(|answer| {
                    answer.iat = time(NOW + 1000);
                    answer.log.include_by = time(NOW + 1000);
                })
            },
            "not_yet_valid",
        ),
    ];
    for (answer, problem) in answers {
        let scene = Scene::new().await;
        scene.decide().await;
        scene.serve(Some(&answer(&scene)), None);
        scene.round().await;
        assert_eq!(scene.kinds().await, Vec::<Kind>::new());
        let noticed = scene.noticed(Noticed::AnswerInvalid).await;
        assert_eq!(noticed.len(), 1);
        assert_eq!(noticed[0]["problem"], problem);
        assert!(noticed[0]["receipt"].is_string());
    }
}

#[tokio::test]
async fn an_answer_under_a_key_that_was_just_rotated_in_is_taken() {
    let scene = Scene::new().await;
    scene.decide().await;
    scene.peer.show(&scene.peer.key_set(2, None));
    let answer = issue(scene.acknowledge(|_| ()).payload, &scene.peer.receipt_key(2)).unwrap();
    scene.serve(Some(&answer), None);
    scene.round().await;
    assert_eq!(scene.kinds().await, [Kind::Acknowledgement]);
}

#[tokio::test]
async fn two_receipts_with_one_id_are_both_kept() {
    let scene = Scene::new().await;
    scene.decide().await;
    let acknowledgement = scene.acknowledge(|_| ());
    scene.keep(&acknowledgement, Vec::new()).await;
    // The outcome takes the acknowledgement's id.
    let outcome = scene.sign(scene.outcome(&acknowledgement, |outcome| outcome.jti = id(2)));
    scene.serve(Some(&acknowledgement), Some(&outcome));
    scene.round().await;
    let noticed = scene.noticed(Noticed::TwoReceiptsOneId).await;
    assert_eq!(noticed[0]["second"], outcome.compact);
    assert_eq!(noticed[0]["first"], acknowledgement.digest.to_string());
}

#[tokio::test]
async fn what_one_piece_of_work_notices_twice_is_kept_once() {
    let scene = Scene::new().await;
    scene.decide().await;
    let stranger = crate::ground::crypto::keys::SigningKey::from_seed(&[99; 32]).unwrap();
    let acknowledgement = issue(scene.acknowledge(|_| ()).payload, &stranger).unwrap();
    let outcome = issue(scene.outcome(&acknowledgement, |_| ()), &stranger).unwrap();
    scene.serve(Some(&acknowledgement), Some(&outcome));
    scene.round().await;
    assert_eq!(scene.noticed(Noticed::AnswerInvalid).await.len(), 1);
}

#[tokio::test]
async fn what_never_comes_is_noticed_in_the_end() {
    let scene = Scene::new().await;
    scene.decide().await;
    scene.work_off().await;
    assert_eq!(scene.noticed(Noticed::AcknowledgementMissing).await.len(), 1);
    assert_eq!(scene.noticed(Noticed::OutcomeMissing).await.len(), 1);
    let asked = scene.peer.asked(&format!("/v1/evidence/{}", scene.decision.digest));
    assert_eq!(asked, MAX_ATTEMPTS as usize);
}

#[tokio::test]
async fn a_refused_call_has_no_outcome_to_wait_for() {
    let scene = Scene::new().await;
    scene.decide().await;
    let refusal = scene.acknowledge(|answer| {
        answer.effect = crate::ground::effect::Effect::Deny;
        answer.reasons = vec!["default_deny".parse().unwrap()];
    });
    scene.serve(Some(&refusal), None);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
}

#[tokio::test]
async fn a_removed_peer_is_left_alone_and_a_suspended_one_waits() {
    let scene = Scene::new().await;
    scene.decide().await;
    scene.place.directory.suspend(&scene.peer.issuer).await.unwrap();
    assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
    scene.place.directory.remove(&scene.peer.issuer).await.unwrap();
    scene.place.hand.advance_ms(5000);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    assert_eq!(scene.peer.asked(&format!("/v1/evidence/{}", scene.decision.digest)), 0);
}

/// A scene whose peer has an acknowledgement with this log in it, received and to be followed up.
async fn received(log: impl FnOnce(&Scene) -> LogPromise) -> (Scene, SignedReceipt) {
    let scene = Scene::new().await;
    let log = log(&scene);
    let acknowledgement = scene.acknowledge(|answer| answer.log = log);
    let work = Work::check_promise(acknowledgement.digest, scene.peer.issuer.clone(), time(NOW));
    scene.keep(&acknowledgement, vec![work]).await;
    scene.place.hand.advance_ms(3000);
    (scene, acknowledgement)
}

#[tokio::test]
async fn a_promise_is_kept_when_a_checkpoint_of_its_time_has_the_receipt() {
    let (scene, receipt) = received(Scene::promise).await;
    assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
    scene.peer.serve_log(&[receipt.digest], NOW + 4, &id(2));
    scene.place.hand.advance_ms(5000);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    let noticed = scene.noticed(Noticed::PromiseKept).await;
    let proof = noticed[0]["proof"].as_str().unwrap().parse().unwrap();
    let proof = scene.place.store.blob(&proof).await.unwrap().unwrap();
    assert!(proof.starts_with(b"c2sp.org/tlog-proof@v1\n"));
}

#[tokio::test]
async fn the_head_that_a_receipt_names_must_be_a_prefix_of_the_log() {
    let first = Digest::of(b"the first entry");
    let known = |scene: &Scene, entry: Digest| {
        let head = PeerServer::head(&[entry]);
        LogPromise { size: head.size, root: head.root, ..scene.promise() }
    };
    let (scene, receipt) = received(|scene| known(scene, first)).await;
    scene.peer.serve_log(&[first, receipt.digest], NOW + 4, &id(2));
    scene.round().await;
    assert_eq!(scene.noticed(Noticed::PromiseKept).await[0]["head"]["result"], "pass");

    let (scene, receipt) = received(|scene| known(scene, Digest::of(b"another first entry"))).await;
    scene.peer.serve_log(&[first, receipt.digest], NOW + 4, &id(2));
    scene.work_off().await;
    assert_eq!(scene.noticed(Noticed::PromiseUnproven).await[0]["problem"], "head_inconsistent");
}

#[tokio::test]
async fn a_later_checkpoint_shows_that_a_receipt_is_logged_and_not_since_when() {
    let (scene, receipt) = received(Scene::promise).await;
    scene.peer.serve_log(&[receipt.digest], NOW + 61, &id(2));
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    assert_eq!(scene.noticed(Noticed::IncludedLater).await.len(), 1);
}

#[tokio::test]
async fn a_missing_proof_is_noticed_soon_after_the_promised_time() {
    let (scene, receipt) = received(Scene::promise).await;
    scene.round().await;
    assert_eq!(scene.noticed(Noticed::PromiseUnproven).await.len(), 0);
    scene.place.hand.advance_ms(118_000);
    scene.round().await;
    assert_eq!(scene.noticed(Noticed::PromiseUnproven).await[0]["problem"], "proof_missing");
    // It may still come, late.
    scene.peer.serve_log(&[receipt.digest], NOW + 200, &id(2));
    scene.place.hand.advance_ms(10_000);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    assert_eq!(scene.noticed(Noticed::IncludedLater).await.len(), 1);
}

#[tokio::test]
async fn work_of_a_worker_that_died_is_taken_again() {
    let scene = Scene::new().await;
    scene.decide().await;
    let lost = scene.place.store.take_followups(terms(scene.place.clock.now()), BATCH, &[]).await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!(scene.round().await.taken, 0);
    scene.place.hand.advance_ms(LEASE_S * 1000);
    assert_eq!(scene.round().await.taken, 1);
}

#[tokio::test]
async fn work_that_a_clock_ahead_put_off_is_taken_when_the_clock_is_right_again() {
    let scene = Scene::new().await;
    scene.decide().await;
    let right = scene.place.clock.now();
    scene.place.hand.set(right.plus(200_000_000));
    assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
    scene.place.hand.set(right);
    assert_eq!(scene.round().await.taken, 1);
    assert_eq!(scene.round().await.taken, 0);
}

#[test]
fn tries_come_ever_later_for_about_half_a_day() {
    let waits: Vec<u64> = (1..MAX_ATTEMPTS).map(backoff_s).collect();
    assert_eq!(waits[..4], [5, 10, 20, 40]);
    assert!(waits.is_sorted() && waits.iter().all(|wait| *wait <= 3600));
    assert!((8..16).contains(&(waits.iter().sum::<u64>() / 3600)));
}

#[test]
fn every_kind_of_work_has_one_code() {
    for work in Work::ALL {
        assert_eq!(work.as_str().parse::<Code>(), Ok(work.code()));
        assert_eq!(Work::of(&work.code()), Some(work));
    }
}
