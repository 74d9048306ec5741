use serde_json::json;

use super::super::*;
use super::world::*;
use crate::ground::keyset::{self, KeySetDocument};
use crate::ground::log::witness::Quorum;
use crate::ground::problem::ProblemType;
use crate::ground::trust::Pins;
use crate::ground::verdict::{Check, CheckResult, Conclusion, Level};

fn judge(bundle: &Bundle) -> BundleReport {
    verify(bundle, &pins(), &Options::at_level(Level::Included))
}

fn failure(report: &BundleReport, number: usize) -> Option<(Check, ProblemType)> {
    report.item(number).unwrap().verdict.failure()
}

#[test]
fn a_whole_story_is_valid_and_says_what_is_missing() {
    let report = judge(&Story::new().bundle());
    assert_eq!(report.verdict, Conclusion::Valid, "{report:#?}");
    assert!(report.findings.is_empty());
    assert_eq!(report.observations, []);
    for check in [Check::Target, Check::Body, Check::Promise, Check::Head] {
        assert!(report.item(1).unwrap().passes(check), "{check}");
    }
    assert!(report.item(3).unwrap().passes(Check::Body));
    assert!((2..=4).all(|number| report.item(number).unwrap().passes(Check::Relation)));
    assert_eq!(report.calls.len(), 2);
    assert_eq!(report.calls[0].stories, Stories::Agree);
    assert_eq!(report.calls[1].stories, Stories::Untold);
    assert_eq!(
        report.withheld,
        [Withheld::ResponseBody { item: 4 }, Withheld::Nonce { item: 5 }, Withheld::Request { item: 5 }]
    );
}

#[test]
fn without_pins_the_best_verdict_is_undetermined() {
    let report = verify(&Story::new().bundle(), &Pins::default(), &Options::at_level(Level::Included));
    assert_eq!(report.verdict, Conclusion::Undetermined);
    assert_eq!(report.operators.len(), 2);
    assert!(report.operators.iter().all(|row| row.standing == Standing::Unpinned && row.fingerprints.len() == 1));
    assert!(report.items.iter().all(|item| !item.is_proven()));
}

#[test]
fn witnesses_count_only_by_the_readers_quorum() {
    let quorum: Quorum = quorum_file().parse().unwrap();
    let mut options = Options::at_level(Level::Witnessed);
    let bundle = Story::new().bundle();
    assert_eq!(verify(&bundle, &pins(), &options).verdict, Conclusion::Undetermined);
    options.quorum = Some(&quorum);
    let report = verify(&bundle, &pins(), &options);
    assert_eq!(report.verdict, Conclusion::Valid);
    assert_eq!(report.item(1).unwrap().verdict.witnessed_time, Some(time(NOW + 112)));
}

#[test]
fn a_tampered_receipt_is_invalid_and_the_others_stand() {
    let story = Story::new();
    let mut items = story.items();
    items[1].receipt = with_payload(&items[1].receipt, |payload| payload["effect"] = json!("deny"));
    let report = judge(&story.bundle_of(items));
    assert_eq!(report.verdict, Conclusion::Invalid);
    assert_eq!(failure(&report, 2), Some((Check::Signature, ProblemType::SignatureInvalid)));
    assert_eq!(failure(&report, 1), None);
    assert!(report.observations.is_empty(), "a forged receipt is held against nobody");
    assert!(report.withheld.contains(&Withheld::Acknowledgement { item: 1 }));
}

#[test]
fn bytes_that_are_no_receipt_are_a_result_and_not_the_end() {
    let story = Story::new();
    let mut items = story.items();
    items[1].receipt = "nonsense".to_owned();
    items[2].proof = Some("nonsense".to_owned());
    let report = judge(&story.bundle_of(items));
    assert_eq!(failure(&report, 2), Some((Check::Format, ProblemType::ReceiptMalformed)));
    assert_eq!(failure(&report, 3), Some((Check::Inclusion, ProblemType::ProofMalformed)));
    assert_eq!(failure(&report, 1), None);
}

#[test]
fn a_forged_operator_does_not_pass_under_the_real_one_s_pin() {
    let mut story = Story::new();
    let mut forger = forger();
    story.acknowledgement = forger.issue(acknowledgement_payload(1, &story.decision));
    let items = vec![story.items().remove(0), forger.item(&story.acknowledgement, 4, NOW + 120)];
    let report = judge(&bundle_of(&[story.a.key_set(), forger.key_set()], items.clone()));
    assert_eq!(report.verdict, Conclusion::Invalid);
    assert_eq!(failure(&report, 2), Some((Check::KeySet, ProblemType::KeySetInvalid)));
    assert!(matches!(&report.operators[1].standing, Standing::Refused { .. }));
    let fingerprint = forger.root().id();
    let issuer = forger.issuer();
    assert!(report.observations.contains(&Observation::ForeignKeySet { issuer, fingerprint }));
    // With the real key set beside it, the forged receipt names a key that the real operator never had.
    let report = judge(&bundle_of(&[story.a.key_set(), forger.key_set(), b().key_set()], items));
    assert_eq!(failure(&report, 2), Some((Check::Key, ProblemType::KeyUnknown)));
}

#[test]
fn a_decision_alone_is_valid_and_its_answer_withheld() {
    let story = Story::new();
    let report = judge(&story.bundle_of(story.items().into_iter().take(1).collect()));
    assert_eq!(report.verdict, Conclusion::Valid);
    assert_eq!(report.withheld, [Withheld::Acknowledgement { item: 1 }]);
    let report = judge(&story.bundle_of(vec![story.items().remove(2)]));
    assert_eq!(report.withheld, [Withheld::Decision { item: 1 }]);
}

#[test]
fn a_disclosed_body_must_be_the_one_that_was_bound() {
    let story = Story::new();
    let mut items = story.items();
    items[0].request.as_mut().unwrap().body = Some(b"{}".to_vec());
    items[2].response.as_mut().unwrap().body = Some(b"{}".to_vec());
    let report = judge(&story.bundle_of(items));
    assert_eq!(failure(&report, 1), Some((Check::Body, ProblemType::BodyMismatch)));
    assert_eq!(failure(&report, 3), Some((Check::Body, ProblemType::BodyMismatch)));
}

#[test]
fn what_is_disclosed_without_a_nonce_is_observed_and_not_judged() {
    let story = Story::new();
    let mut items = story.items();
    items[0].nonce = None;
    let report = judge(&story.bundle_of(items));
    assert_eq!(report.verdict, Conclusion::Valid);
    for item in [1, 3] {
        assert!(report.observations.contains(&Observation::DisclosedWithoutNonce { item }));
    }
    assert!(report.withheld.contains(&Withheld::Nonce { item: 1 }));
}

#[test]
fn two_outcomes_that_differ_blame_nobody() {
    let mut story = Story::new();
    let mut other = outcome_payload(1, "caller", &story.decision, &story.acknowledgement);
    other["http_status"] = json!(500);
    other["jti"] = json!("01932f3c-7b1a-7c3e-9f00-0123456789ff");
    story.observed = story.a.issue(other);
    let report = judge(&story.bundle());
    assert_eq!(report.verdict, Conclusion::Valid);
    assert_eq!(report.calls[0].stories, Stories::Differ);
    assert!(report.observations.contains(&Observation::OutcomesDiffer { executor: 3, caller: 4 }));
}

#[test]
fn an_executed_call_that_was_refused_is_observed() {
    let mut story = Story::new();
    let told = outcome_payload(2, "executor", &story.second, &story.escalated);
    let told = story.b.issue(told);
    let mut items = story.items();
    items.push(story.b.item(&told, story.b.leaves.len(), NOW + 250));
    // The others' checkpoints are of the log before this entry, and nothing links the two.
    let report = judge(&story.bundle_of(items));
    assert!(report.observations.contains(&Observation::ExecutedAgainstRefusal { acknowledgement: 6, outcome: 7 }));
}

#[test]
fn two_receipts_of_one_id_prove_a_lie_only_under_the_pin() {
    let mut story = Story::new();
    let mut twin = decision_payload(1);
    twin["effect"] = json!("deny");
    twin["reasons"] = json!(["policy_forbid"]);
    let twin = story.a.issue(twin);
    let mut items = story.items();
    items.push(story.a.item(&twin, story.a.leaves.len(), NOW + 240));
    let bundle = story.bundle_of(items);
    let report = judge(&bundle);
    assert_eq!(report.verdict, Conclusion::Invalid);
    assert!(matches!(report.findings.as_slice(), [Finding::ReceiptIdTwice { items: [1, 7], .. }]));
    assert_eq!(report.findings[0].issuer(), &story.a.issuer());
    let report = verify(&bundle, &Pins::default(), &Options::at_level(Level::Included));
    assert!(report.findings.is_empty());
    let unproven = |observation: &Observation| matches!(observation, Observation::UnprovenIdTwice { .. });
    assert!(report.observations.iter().any(unproven));
}

#[test]
fn a_made_up_twin_does_not_hide_a_real_one() {
    let mut story = Story::new();
    let mut twin = decision_payload(1);
    twin["effect"] = json!("deny");
    twin["reasons"] = json!(["policy_forbid"]);
    let twin = story.a.issue(twin);
    let made_up = with_payload(&story.decision.compact, |payload| payload["sub"] = json!("somebody"));
    let mut items = vec![Item::new(made_up)];
    items.extend(story.items());
    items.push(Item::new(twin.compact));
    let report = judge(&story.bundle_of(items));
    assert!(matches!(report.findings.as_slice(), [Finding::ReceiptIdTwice { items: [2, 8], .. }]));
}

#[test]
fn two_roots_of_one_size_prove_a_fork() {
    let story = Story::new();
    let mut other = story.a.clone();
    other.leaves[0] = crate::ground::crypto::hash::Digest::of(b"another past");
    let mut items = story.items();
    let mut forked = other.item(&story.observed, other.leaves.len(), NOW + 240);
    forked.head_proof = None;
    items.push(forked);
    let report = judge(&story.bundle_of(items));
    assert_eq!(report.verdict, Conclusion::Invalid);
    let [Finding::Fork { items, size, .. }] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert_eq!((*items, *size), ([4, 7], 6));
}

#[test]
fn two_leaves_at_one_index_prove_a_lie() {
    let story = Story::new();
    let mut other = a();
    let mut replaced = decision_payload(1);
    replaced["jti"] = json!("01932f3c-7b1a-7c3e-9f00-0123456789fe");
    let replaced = other.issue(replaced);
    other.leaves.push(crate::ground::crypto::hash::Digest::of(b"more"));
    let mut items = story.items();
    items.push(other.item(&replaced, 5, NOW + 120));
    let report = judge(&story.bundle_of(items));
    assert!(matches!(report.findings.as_slice(), [Finding::LeafTwice { index: 3, items: [1, 7], .. }]));
}

#[test]
fn two_key_sets_of_one_number_are_a_finding_and_refused() {
    let story = Story::new();
    let again = KeySetDocument { iat: time(NOW), ..story.a.document() };
    let again = keyset::sign(&again, &story.a.root()).unwrap();
    let report = judge(&bundle_of(&[story.a.key_set(), again, story.b.key_set()], story.items()));
    assert_eq!(failure(&report, 1), Some((Check::KeySet, ProblemType::KeySetRolledBack)));
    assert!(matches!(report.findings.as_slice(), [Finding::KeySetTwice { number: 1, .. }]));
}

#[test]
fn checkpoints_are_linked_only_by_proofs_that_are_here() {
    let story = Story::new();
    let report = judge(&story.bundle());
    let log = report.logs.iter().find(|log| log.origin == "a.example/log").unwrap();
    // The caller's outcome was issued when the log had the four entries of the first checkpoint.
    assert_eq!((log.checkpoints.len(), log.one_history), (2, Some(true)));
    let mut items = story.items();
    items[3].head_proof = None;
    let report = judge(&story.bundle_of(items));
    let missing = Observation::ConsistencyNotShown { origin: "a.example/log".to_owned(), from: 4, to: 6 };
    assert_eq!(report.observations, [missing]);
    let mut items = story.items();
    items[3].head_proof = Some(no_proof());
    let report = judge(&story.bundle_of(items));
    assert_eq!(failure(&report, 4), Some((Check::Head, ProblemType::HeadInconsistent)));
}

#[test]
fn a_later_key_set_of_the_reader_revokes_what_the_bundle_shows() {
    let story = Story::new();
    let mut later = story.a.document();
    later.number = 2;
    later.previous = Some(story.a.key_set().digest());
    later.keys[0].state = keyset::KeyState::Revoked;
    later.keys[0].until = Some(time(NOW));
    later.keys[0].reason = Some("laptop stolen".to_owned());
    let later = [keyset::sign(&later, &story.a.root()).unwrap().compact().to_owned()];
    let options = Options { key_sets: &later, ..Options::at_level(Level::Included) };
    let report = verify(&story.bundle(), &pins(), &options);
    assert_eq!(failure(&report, 1), Some((Check::Key, ProblemType::KeyRevoked)));
}

#[test]
fn a_swapped_decision_fails_the_relation() {
    let mut story = Story::new();
    let mut other = decision_payload(1);
    other["reasons"] = json!(["external"]);
    let other = story.a.issue(other);
    let mut items = story.items();
    items[0] = story.a.item(&other, story.a.leaves.len(), NOW + 240);
    let report = judge(&story.bundle_of(items));
    assert_eq!(failure(&report, 2), Some((Check::Relation, ProblemType::AcknowledgementOther)));
    assert_eq!(
        report.item(1).unwrap().verdict.result(Check::Relation),
        CheckResult::NotEvaluated(crate::ground::verdict::Absence::DoesNotApply)
    );
}
