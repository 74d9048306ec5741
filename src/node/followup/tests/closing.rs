//! Calls that nobody ended.

use super::*;
use crate::ground::effect::Effect;
use crate::node::outcomes::{self, Ending, Recorded};

impl Scene {
    /// Stores a decision about a call that was begun, with the work of closing it.
    pub(super) async fn begin(&self, decision: &SignedReceipt) {
        let work = Work::close_call(time(NOW)).about(decision.digest, &self.peer.issuer);
        self.keep(decision, vec![work]).await;
        self.place.hand.advance_ms(CLOSE_AFTER_S * 1000);
    }

    pub(super) async fn own_outcomes(&self, decision: &SignedReceipt) -> Vec<Outcome> {
        let rows = self.place.store.related(&decision.digest).await.unwrap();
        let own = rows.iter().filter(|row| row.iss == ours::issuer());
        let parsed = own.map(|row| UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap().claims().clone());
        parsed
            .filter_map(|payload| if let Payload::Outcome(outcome) = payload { Some(*outcome) } else { None })
            .collect()
    }
}

#[tokio::test]
async fn a_call_that_nobody_ended_is_closed_as_aborted() {
    let scene = Scene::new().await;
    scene.begin(&scene.decision).await;
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    let outcomes = scene.own_outcomes(&scene.decision).await;
    let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((outcome.status, outcome.observer), (OutcomeStatus::Aborted, Observer::Caller));
    assert_eq!((&outcome.receipt, &outcome.aud), (&scene.reference(), &scene.peer.issuer));
    assert_eq!((outcome.http_status, &outcome.response, &outcome.acknowledgement), (None, &None, &None));
}

#[tokio::test]
async fn an_executor_closes_a_call_under_its_acknowledgement() {
    let scene = Scene::new().await;
    let payload = Decision { iss: scene.peer.issuer.clone(), aud: ours::issuer(), jti: id(1), ..decision() };
    let decision = scene.sign(Payload::Decision(Box::new(payload)));
    scene.begin(&decision).await;
    let Payload::Acknowledgement(mut answer) = scene.acknowledge(|_| ()).payload else { panic!("none") };
    answer.iss = ours::issuer();
    answer.aud = scene.peer.issuer.clone();
    answer.receipt.digest = decision.digest;
    let answer = issue(Payload::Acknowledgement(answer), &ours::receipt_key()).unwrap();
    scene.keep(&answer, Vec::new()).await;
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    let outcomes = scene.own_outcomes(&decision).await;
    let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((outcome.status, outcome.observer), (OutcomeStatus::Aborted, Observer::Executor));
    assert_eq!(outcome.acknowledgement, Some(ReceiptRef { digest: answer.digest, jti: id(2) }));
}

#[tokio::test]
async fn a_call_that_runs_is_not_closed_however_long_it_lasts() {
    let scene = Scene::new().await;
    let running = scene.worker.running.begin(scene.decision.digest);
    scene.begin(&scene.decision).await;
    for _ in 0..MAX_ATTEMPTS + 5 {
        assert_eq!(scene.round().await, Round { taken: 1, settled: 0 });
        scene.place.hand.advance_ms(CLOSE_AFTER_S * 1000);
    }
    assert_eq!(scene.own_outcomes(&scene.decision).await, []);
    drop(running);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    assert_eq!(scene.own_outcomes(&scene.decision).await.len(), 1);
}

#[tokio::test]
async fn a_call_that_was_ended_is_closed_without_a_word() {
    let scene = Scene::new().await;
    scene.begin(&scene.decision).await;
    let ending = Ending {
        peer: scene.peer.issuer.clone(),
        observer: Observer::Caller,
        decision: scene.reference(),
        acknowledgement: None,
        status: OutcomeStatus::Failed,
        response: None,
        received: None,
    };
    let Ok(Recorded::Now(first)) = outcomes::record(&scene.worker.issuer, ending.clone()).await else { panic!("none") };
    // A try whose answer was lost is made again.
    let Ok(Recorded::Before(again)) = outcomes::record(&scene.worker.issuer, ending).await else { panic!("two") };
    assert_eq!(again, first.digest);
    assert_eq!(scene.round().await, Round { taken: 1, settled: 1 });
    let outcomes = scene.own_outcomes(&scene.decision).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.status).collect::<Vec<_>>(), [OutcomeStatus::Failed]);
}

#[tokio::test]
async fn an_acknowledgement_with_the_id_of_another_is_kept_as_the_second_of_two() {
    let scene = Scene::new().await;
    scene.begin(&scene.decision).await;
    let first = scene.acknowledge(|_| ());
    let second = scene.acknowledge(|payload| payload.effect = Effect::Deny);
    assert_ne!(first.digest, second.digest);
    scene.keep(&first, Vec::new()).await;
    for (n, answer) in [(11, &first), (12, &second)] {
        let ending = Ending {
            peer: scene.peer.issuer.clone(),
            observer: Observer::Caller,
            decision: ReceiptRef { digest: scene.decision.digest, jti: id(n) },
            acknowledgement: Some(ReceiptRef { digest: answer.digest, jti: id(2) }),
            status: OutcomeStatus::Failed,
            response: None,
            received: Some(received_receipt(&parsed(answer), None)),
        };
        let recorded = outcomes::record(&scene.worker.issuer, ending).await;
        assert!(matches!(recorded, Ok(Recorded::Now(_))), "{recorded:?}");
    }
    let noticed = scene.place.noticed(Noticed::TwoReceiptsOneId).await;
    let [detail] = noticed.as_slice() else { panic!("{noticed:?}") };
    assert!(detail.contains(&second.compact) && detail.contains(&first.digest.to_string()), "{detail}");
}
