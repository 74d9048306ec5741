//! No line of work stands in another's way.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::io::client::tests::patient;
use crate::node::followup::rounds::AT_ONCE;

/// Number `n` of a peer's decisions that nobody answers, with the work of pulling what the peer has about it.
async fn unanswered(scene: &Scene, peer: &PeerServer, n: u8) {
    let payload = Decision { aud: peer.issuer.clone(), jti: id(n), ..decision() };
    let decision = issue(Payload::Decision(Box::new(payload)), &ours::receipt_key()).unwrap();
    let work = Work::pull_evidence(time(NOW)).about(decision.digest, &peer.issuer);
    scene.keep(&decision, vec![work]).await;
}

const EVIDENCE: &str = "/v1/evidence/";

#[tokio::test]
async fn a_peer_that_is_slow_keeps_no_other_waiting() {
    let mut scene = Scene::new().await;
    scene.worker.client = patient();
    let slow = scene.place.approved(60).await;
    slow.fall_silent();
    unanswered(&scene, &slow, 1).await;
    // More than one batch, so that the last piece is taken while the slow peer still says nothing.
    let pieces = u8::try_from(BATCH).unwrap() + 1;
    for n in 2..pieces + 2 {
        unanswered(&scene, &scene.peer, n).await;
    }
    scene.place.hand.advance_ms(5000);
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::new(scene.worker).run(stop.clone()));
    let all = async { tokio::join!(scene.peer.until_asked(EVIDENCE, pieces.into()), slow.until_asked(EVIDENCE, 1)) };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_slow_peer_keeps_no_other_work_about_it_waiting() {
    let mut scene = Scene::new().await;
    scene.worker.client = patient();
    scene.peer.fall_silent();
    // More promises to check than one batch has, all of them older than the rest.
    for n in 0..=BATCH {
        let n = u8::try_from(n).unwrap();
        let acknowledgement = scene.acknowledge(|answer| answer.jti = id(n + 100));
        let work = Work::check_promise(acknowledgement.digest, scene.peer.issuer.clone(), time(NOW));
        scene.keep(&acknowledgement, vec![work]).await;
    }
    unanswered(&scene, &scene.peer, 2).await;
    scene.place.hand.advance_ms(5000);
    let stop = CancellationToken::new();
    let worker = std::mem::replace(&mut scene.worker, worker(&scene.place));
    let running = tokio::spawn(Arc::new(worker).run(stop.clone()));
    let closed = async {
        scene.peer.until_asked("/v1/proofs", AT_ONCE).await;
        scene.peer.until_asked(EVIDENCE, 1).await;
        // A call that broke off is closed while the peer still says nothing.
        scene.begin(&scene.decision).await;
        while scene.own_outcomes(&scene.decision).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), closed).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn work_is_rescheduled_through_the_write_path() {
    let mut scene = Scene::new().await;
    for n in 1..=20 {
        unanswered(&scene, &scene.peer, n).await;
    }
    scene.peer.break_down(503);
    scene.place.hand.advance_ms(5000);
    let (writes, writing) = WritePath::start(Arc::clone(&scene.place.store), scene.place.clock.clone());
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    let whole = std::mem::replace(&mut scene.worker.writes, writes);
    assert_eq!(scene.round().await, Round { taken: 20, settled: 0 });
    // Nothing was written around it: all is left to the lease.
    scene.worker.writes = whole;
    scene.place.hand.advance_ms((LEASE_S - 1) * 1000);
    assert_eq!(scene.round().await.taken, 0);
    scene.place.hand.advance_ms(1000);
    assert_eq!(scene.round().await.taken, 20);
}

#[tokio::test]
async fn a_peer_that_cannot_be_reached_is_not_asked_about_everything() {
    let scene = Scene::new().await;
    for n in 1..=20 {
        unanswered(&scene, &scene.peer, n).await;
    }
    scene.peer.break_down(503);
    scene.place.hand.advance_ms(5000);
    assert_eq!(scene.round().await, Round { taken: 20, settled: 0 });
    assert_eq!(scene.peer.asked_below(EVIDENCE), AT_ONCE);
    // All of it comes again, as if it had been tried.
    assert_eq!(scene.round().await.taken, 0);
    scene.place.hand.advance_ms(5000);
    assert_eq!(scene.round().await.taken, 20);
}
