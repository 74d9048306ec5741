use super::*;
use crate::ground::crypto::hash::{Digest, leaf_hash};
use crate::ground::crypto::keys::{CosignPurpose, ReceiptPurpose, SigningKey};
use crate::ground::keyset::tests::{cosign_key, document, issuer, log_key, receipt_key, root};
use crate::ground::keyset::{self, KeySetDocument};
use crate::ground::log::checkpoint::{Checkpoint, CosignerKey, LogKey, UnverifiedCheckpoint};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::ProofFile;
use crate::ground::receipt::binding::Committed;
use crate::ground::receipt::compact::issue;
use crate::ground::receipt::payload::tests::{decision, every_payload};
use crate::ground::receipt::payload::{BodyBinding, Decision, RequestBinding};

const TARGET: (&str, &str) = ("POST", "https://b.example/hotel/rpc");
const BODY: &[u8] = br#"{"jsonrpc":"2.0"}"#;

fn nonce() -> Nonce {
    Nonce::from_bytes([42; 32])
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

fn pinned(document: &KeySetDocument) -> PinnedKeySet {
    keyset::sign(document, &root()).unwrap().pinned(&issuer(), root().id()).unwrap()
}

fn bound() -> Decision {
    let binding = RequestBinding {
        body: BodyBinding::Bound,
        content: Some(nonce().commit(Committed::Body, BODY)),
        target: nonce().commit_target(TARGET.0, TARGET.1),
    };
    Decision { binding: Some(binding), ..decision() }
}

fn signed_by(decision: Decision, key: &SigningKey<ReceiptPurpose>) -> UnverifiedReceipt {
    let issued = issue(Payload::Decision(Box::new(decision)), key).unwrap();
    UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap()
}

fn receipt() -> UnverifiedReceipt {
    signed_by(bound(), &receipt_key())
}

/// A proof file for a log whose only entry is the receipt, dated `at`.
fn proof_of(receipt: &UnverifiedReceipt, at: u64) -> String {
    let names = document().log;
    let log = LogKey::new(names.origin.parse().unwrap(), log_key().public().as_dalek()).unwrap();
    let cosigner = CosignerKey::new(names.cosigner.parse().unwrap(), cosign_key().public().as_dalek()).unwrap();
    let head = TreeHead::new(1, leaf_hash(&receipt.digest().0)).unwrap();
    let checkpoint = Checkpoint { origin: log.origin().clone(), head };
    let mut note = checkpoint.sign(&log, |message| log_key().sign(message)).unwrap();
    note.add(checkpoint.cosign(&cosigner, time(at), |message| cosign_key().sign(message))).unwrap();
    format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{note}")
}

fn result(receipt: UnverifiedReceipt, question: &Question<'_>, check: Check) -> CheckResult {
    verify(receipt, question).verdict.result(check)
}

fn conclusion(receipt: UnverifiedReceipt, question: &Question<'_>) -> Conclusion {
    let verification = verify(receipt, question);
    assert_eq!(verification.receipt.is_some(), verification.verdict.verdict == Conclusion::Valid);
    verification.verdict.verdict
}

#[test]
fn a_signed_receipt_under_a_pinned_key_set_is_valid() {
    let keys = pinned(&document());
    let question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Valid);
}

#[test]
fn without_a_pin_the_best_verdict_is_undetermined() {
    let keys = keyset::sign(&document(), &root()).unwrap();
    for trust in [Trust::Unpinned(&keys), Trust::Unknown, Trust::NoKeySet] {
        let question = Question::offline(Level::Signed, trust);
        assert_eq!(conclusion(receipt(), &question), Conclusion::Undetermined);
    }
    let question = Question::offline(Level::Signed, Trust::Refused(ProblemType::KeySetInvalid));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Invalid);
}

#[test]
fn only_a_receipt_key_of_the_issuer_signs_receipts() {
    let keys = pinned(&document());
    let question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    let stranger = SigningKey::<ReceiptPurpose>::from_seed(&[77; 32]).unwrap();
    let unknown = result(signed_by(bound(), &stranger), &question, Check::Key);
    assert_eq!(unknown, CheckResult::Fail(ProblemType::KeyUnknown));
    // The same seed as the log key: a key that the key set names for another purpose.
    for seed in [[12; 32], [13; 32], [14; 32], [10; 32]] {
        let other = SigningKey::<ReceiptPurpose>::from_seed(&seed).unwrap();
        let wrong = result(signed_by(bound(), &other), &question, Check::Key);
        assert_eq!(wrong, CheckResult::Fail(ProblemType::KeyWrongPurpose));
    }
}

#[test]
fn another_operators_key_set_says_nothing() {
    let other = KeySetDocument { iss: "https://c.example".parse().unwrap(), ..document() };
    let keys = keyset::sign(&other, &root()).unwrap();
    let question = Question::offline(Level::Signed, Trust::Unpinned(&keys));
    assert_eq!(result(receipt(), &question, Check::Key), CheckResult::Fail(ProblemType::KeyUnknown));
}

#[test]
fn a_key_counts_within_its_time_and_a_revoked_one_only_with_a_witnessed_time() {
    let mut revoked = document();
    revoked.keys[0].state = KeyState::Revoked;
    revoked.keys[0].until = Some(time(1_800_000_100));
    revoked.keys[0].reason = Some("lost".to_owned());
    let entry = &revoked.keys[0];
    let iat = time(1_800_000_000);
    assert_eq!(key_state(entry, iat, None), CheckResult::Fail(ProblemType::KeyRevoked));
    assert_eq!(key_state(entry, iat, Some(time(1_800_000_099))), CheckResult::Pass);
    let undated = CheckResult::NotEvaluated(Absence::RevokedUndated);
    assert_eq!(key_state(entry, iat, Some(time(1_800_000_100))), undated);
    let keys = pinned(&revoked);
    let question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Invalid);
    let mut late = document();
    late.keys[0].since = time(1_800_000_001);
    let keys = pinned(&late);
    let question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    assert_eq!(result(receipt(), &question, Check::Key), CheckResult::Fail(ProblemType::KeyNotActive));
}

#[test]
fn the_audience_is_one_operator() {
    let keys = pinned(&document());
    let (mine, other) = ("https://b.example".parse().unwrap(), "https://c.example".parse().unwrap());
    let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    question.audience = Some(&mine);
    assert_eq!(conclusion(receipt(), &question), Conclusion::Valid);
    question.audience = Some(&other);
    assert_eq!(result(receipt(), &question, Check::Audience), CheckResult::Fail(ProblemType::AudienceMismatch));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Invalid);
}

#[test]
fn freshness_is_judged_only_when_a_time_is_given() {
    let keys = pinned(&document());
    let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    assert_eq!(result(receipt(), &question, Check::Freshness), CheckResult::NotEvaluated(Absence::NotAsked));
    question.skew_s = 5;
    for (at, expected) in [
        (1_799_999_994, CheckResult::Fail(ProblemType::NotYetValid)),
        (1_799_999_995, CheckResult::Pass),
        (1_800_000_304, CheckResult::Pass),
        (1_800_000_305, CheckResult::Fail(ProblemType::Expired)),
    ] {
        question.at = Some(time(at));
        assert_eq!(result(receipt(), &question, Check::Freshness), expected, "{at}");
    }
    let held_back = Decision { nbf: Some(time(1_800_000_200)), ..bound() };
    question.at = Some(time(1_800_000_100));
    let early = result(signed_by(held_back, &receipt_key()), &question, Check::Freshness);
    assert_eq!(early, CheckResult::Fail(ProblemType::NotYetValid));
}

#[test]
fn a_receipt_is_bound_to_its_request() {
    let keys = pinned(&document());
    let (nonce, other) = (nonce(), Nonce::from_bytes([43; 32]));
    let exchange = Exchange { nonce: Some(&nonce), target: Some(TARGET), body: Some(BODY), ..Exchange::default() };
    let ask = |exchange: Exchange<'_>, check| {
        let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
        question.exchange = Some(exchange);
        result(receipt(), &question, check)
    };
    assert_eq!(ask(exchange, Check::Target), CheckResult::Pass);
    assert_eq!(ask(exchange, Check::Body), CheckResult::Pass);
    let tampered = Exchange { body: Some(b"{}"), ..exchange };
    assert_eq!(ask(tampered, Check::Body), CheckResult::Fail(ProblemType::BodyMismatch));
    for target in
        [("GET", TARGET.1), ("POST", "https://b.example/hotel/rpc?x"), ("POST", "https://c.example/hotel/rpc")]
    {
        let moved = Exchange { target: Some(target), ..exchange };
        assert_eq!(ask(moved, Check::Target), CheckResult::Fail(ProblemType::TargetMismatch));
    }
    let reopened = Exchange { nonce: Some(&other), ..exchange };
    assert_eq!(ask(reopened, Check::Target), CheckResult::Fail(ProblemType::TargetMismatch));
    let silent = Exchange { nonce: None, ..exchange };
    assert_eq!(ask(silent, Check::Target), CheckResult::Fail(ProblemType::NonceMissing));
    let unseen = Exchange { body: None, ..exchange };
    assert_eq!(ask(unseen, Check::Body), CheckResult::NotEvaluated(Absence::BodyNotSeen));
    let demanded = Exchange { body: None, demand_body: true, ..exchange };
    assert_eq!(ask(demanded, Check::Body), CheckResult::Fail(ProblemType::BodyUnbound));
}

#[test]
fn an_unbound_body_passes_only_where_it_may() {
    let keys = pinned(&document());
    let nonce = nonce();
    let target = nonce.commit_target(TARGET.0, TARGET.1);
    let binding = RequestBinding { body: BodyBinding::Unbound, content: None, target };
    let unbound = signed_by(Decision { binding: Some(binding), ..decision() }, &receipt_key());
    let mut exchange = Exchange { nonce: Some(&nonce), target: Some(TARGET), body: Some(BODY), ..Exchange::default() };
    let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    question.exchange = Some(exchange);
    assert_eq!(result(unbound.clone(), &question, Check::Body), CheckResult::NotEvaluated(Absence::Unbound));
    exchange.demand_body = true;
    question.exchange = Some(exchange);
    assert_eq!(result(unbound, &question, Check::Body), CheckResult::Fail(ProblemType::BodyUnbound));
}

#[test]
fn inclusion_needs_the_log_of_the_promise_signed_and_dated() {
    let keys = pinned(&document());
    let proof = proof_of(&receipt(), 1_800_000_010);
    let mut question = Question::offline(Level::Included, Trust::Pinned(&keys));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Undetermined);
    question.proof = Some(proof.as_bytes());
    let verification = verify(receipt(), &question);
    assert_eq!(verification.verdict.verdict, Conclusion::Valid, "{:?}", verification.verdict);
    assert_eq!(verification.verdict.checkpoint_time, Some(time(1_800_000_010)));
    assert_eq!(verification.verdict.result(Check::Promise), CheckResult::Pass);
    assert_eq!(verification.verdict.result(Check::Head), CheckResult::Pass);

    let late = proof_of(&receipt(), 1_800_000_061);
    question.proof = Some(late.as_bytes());
    assert_eq!(result(receipt(), &question, Check::Promise), CheckResult::NotEvaluated(Absence::LaterCheckpoint));

    let other = signed_by(Decision { effect: crate::ground::effect::Effect::Deny, ..bound() }, &receipt_key());
    assert_eq!(result(other, &question, Check::Inclusion), CheckResult::Fail(ProblemType::InclusionInvalid));

    let undated: String = proof.split_inclusive('\n').take(8).collect();
    question.proof = Some(undated.as_bytes());
    assert_eq!(result(receipt(), &question, Check::Checkpoint), CheckResult::Fail(ProblemType::CheckpointUndated));
    question.proof = Some(b"nonsense");
    assert_eq!(result(receipt(), &question, Check::Inclusion), CheckResult::Fail(ProblemType::ProofMalformed));
}

#[test]
fn a_checkpoint_of_another_log_or_key_proves_nothing() {
    let proof = proof_of(&receipt(), 1_800_000_010);
    let mut other_log = decision();
    other_log.log.origin = "a.example/other".to_owned();
    let moved = signed_by(other_log, &receipt_key());
    let keys = pinned(&document());
    let mut question = Question::offline(Level::Included, Trust::Pinned(&keys));
    question.proof = Some(proof.as_bytes());
    assert_eq!(result(moved, &question, Check::Checkpoint), CheckResult::Fail(ProblemType::CheckpointOrigin));

    let mut revoked = document();
    revoked.keys[1].state = KeyState::Revoked;
    revoked.keys[1].until = Some(time(1_800_000_000));
    revoked.keys[1].reason = Some("lost".to_owned());
    let keys = pinned(&revoked);
    question.trust = Trust::Pinned(&keys);
    assert_eq!(result(receipt(), &question, Check::Checkpoint), CheckResult::Fail(ProblemType::KeyRevoked));
}

#[test]
fn a_checkpoint_under_a_revoked_key_stands_where_witnesses_date_it_before() {
    let witness = SigningKey::<CosignPurpose>::from_seed(&[50; 32]).unwrap();
    let cosigner = CosignerKey::new("w.example".parse().unwrap(), witness.public().as_dalek()).unwrap();
    let quorum = format!("witness w {cosigner}\nquorum w\n").parse::<Quorum>().unwrap();
    let proof = proof_of(&receipt(), 1_800_000_010);
    let mut file = ProofFile::parse(proof.as_bytes()).unwrap();
    let line = file.checkpoint.claim().cosign(&cosigner, time(1_800_000_020), |bytes| witness.sign(bytes));
    let mut note = file.checkpoint.note().clone();
    note.add(line).unwrap();
    file.checkpoint = UnverifiedCheckpoint::parse(note.to_string().as_bytes()).unwrap();
    let proof = file.to_string();
    for (number, until, expected) in [
        (1, 1_800_000_021, CheckResult::Pass),
        (2, 1_800_000_021, CheckResult::Pass),
        (1, 1_800_000_020, CheckResult::NotEvaluated(Absence::RevokedUndated)),
        (2, 1_800_000_020, CheckResult::NotEvaluated(Absence::RevokedUndated)),
    ] {
        let mut revoked = document();
        revoked.keys[number].state = KeyState::Revoked;
        revoked.keys[number].until = Some(time(until));
        revoked.keys[number].reason = Some("stolen".to_owned());
        let keys = pinned(&revoked);
        let mut question = Question::offline(Level::Included, Trust::Pinned(&keys));
        (question.proof, question.quorum) = (Some(proof.as_bytes()), Some(&quorum));
        assert_eq!(result(receipt(), &question, Check::Checkpoint), expected, "{number} {until}");
        question.quorum = None;
        let claimed = result(receipt(), &question, Check::Checkpoint);
        assert_eq!(claimed, CheckResult::Fail(ProblemType::KeyRevoked));
    }
}

#[test]
fn the_named_head_must_be_a_prefix() {
    let keys = pinned(&document());
    let mut ahead = bound();
    ahead.log.size = 5;
    ahead.log.root = Digest::of(b"some root");
    let ahead = signed_by(ahead, &receipt_key());
    let proof = proof_of(&ahead, 1_800_000_010);
    let mut question = Question::offline(Level::Included, Trust::Pinned(&keys));
    question.proof = Some(proof.as_bytes());
    assert_eq!(result(ahead.clone(), &question, Check::Head), CheckResult::NotEvaluated(Absence::NoHeadProof));
    question.head_proof = Some(&[]);
    assert_eq!(result(ahead.clone(), &question, Check::Head), CheckResult::Fail(ProblemType::HeadInconsistent));
    assert_eq!(conclusion(ahead, &question), Conclusion::Invalid);
}

#[test]
fn witnesses_count_by_quorum() {
    let keys = pinned(&document());
    let names = document().log;
    let cosigner = CosignerKey::new(names.cosigner.parse().unwrap(), cosign_key().public().as_dalek()).unwrap();
    let rule = |k: usize| format!("witness one {cosigner}\ngroup all {k} one\nquorum all\n").parse::<Quorum>();
    let proof = proof_of(&receipt(), 1_800_000_010);
    let met = rule(1).unwrap();
    let mut question = Question::offline(Level::Witnessed, Trust::Pinned(&keys));
    question.proof = Some(proof.as_bytes());
    assert_eq!(conclusion(receipt(), &question), Conclusion::Undetermined);
    question.quorum = Some(&met);
    let verification = verify(receipt(), &question);
    assert_eq!(verification.verdict.verdict, Conclusion::Valid);
    assert_eq!(verification.verdict.witnessed_time, Some(time(1_800_000_010)));
    let stranger = SigningKey::<ReceiptPurpose>::from_seed(&[50; 32]).unwrap();
    let stranger = CosignerKey::new("w.example".parse().unwrap(), stranger.public().as_dalek()).unwrap();
    let unmet = format!("witness w {stranger}\nquorum w\n").parse::<Quorum>().unwrap();
    question.quorum = Some(&unmet);
    assert_eq!(result(receipt(), &question, Check::Witnesses), CheckResult::Fail(ProblemType::QuorumNotMet));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Invalid);
}

#[test]
fn a_witnessed_checkpoint_dates_only_what_it_includes() {
    let mut revoked = document();
    revoked.keys[0].state = KeyState::Revoked;
    revoked.keys[0].until = Some(time(1_800_000_100));
    revoked.keys[0].reason = Some("stolen".to_owned());
    let keys = pinned(&revoked);
    let names = document().log;
    let cosigner = CosignerKey::new(names.cosigner.parse().unwrap(), cosign_key().public().as_dalek()).unwrap();
    let quorum = format!("witness one {cosigner}\nquorum one\n").parse::<Quorum>().unwrap();
    let proof = proof_of(&receipt(), 1_800_000_010);
    let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    (question.proof, question.quorum) = (Some(proof.as_bytes()), Some(&quorum));
    assert_eq!(conclusion(receipt(), &question), Conclusion::Valid);

    let forged = signed_by(Decision { effect: crate::ground::effect::Effect::Deny, ..bound() }, &receipt_key());
    let verdict = verify(forged, &question).verdict;
    assert_eq!(verdict.result(Check::Inclusion), CheckResult::Fail(ProblemType::InclusionInvalid));
    assert_eq!(verdict.result(Check::Key), CheckResult::Fail(ProblemType::KeyRevoked));
    assert_eq!((verdict.verdict, verdict.witnessed_time), (Conclusion::Invalid, None));

    let mut early = Decision { iat: time(1_789_999_999), exp: time(1_790_000_300), ..bound() };
    early.log.include_by = time(1_790_000_060);
    let early = signed_by(early, &receipt_key());
    let proof = proof_of(&early, 1_800_000_010);
    question.proof = Some(proof.as_bytes());
    assert_eq!(result(early, &question, Check::Key), CheckResult::Fail(ProblemType::KeyNotActive));
}

#[test]
fn an_answer_must_come_from_the_audience_and_name_the_decision() {
    let asked = receipt();
    let all = every_payload();
    let Some(Payload::Acknowledgement(template)) = all.get(1).cloned() else { panic!("an acknowledgement") };
    let relation = |edit: &dyn Fn(&mut crate::ground::receipt::payload::Acknowledgement)| {
        let mut answer = template.clone();
        answer.receipt.digest = asked.digest();
        answer.receipt.jti = *asked.claims().jti();
        edit(&mut answer);
        let issued = issue(Payload::Acknowledgement(answer), &receipt_key()).unwrap();
        let answer = UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap();
        let mut question = Question::offline(Level::Signed, Trust::Unknown);
        question.decision = Some(&asked);
        result(answer, &question, Check::Relation)
    };
    assert_eq!(relation(&|_| ()), CheckResult::Pass);
    let issuer = CheckResult::Fail(ProblemType::AcknowledgementIssuer);
    assert_eq!(relation(&|answer| answer.iss = "https://c.example".parse().unwrap()), issuer);
    assert_eq!(relation(&|answer| answer.aud = "https://c.example".parse().unwrap()), issuer);
    let other = CheckResult::Fail(ProblemType::AcknowledgementOther);
    assert_eq!(relation(&|answer| answer.receipt.digest = Digest::of(b"")), other);
}

#[test]
fn an_answer_to_what_is_no_decision_names_another() {
    let all = every_payload();
    let (Some(asked @ Payload::Acknowledgement(_)), Some(Payload::Outcome(mut outcome))) =
        (all.get(1).cloned(), all.get(2).cloned())
    else {
        panic!("an acknowledgement and an outcome")
    };
    (outcome.iss, outcome.aud) = (asked.aud().clone(), asked.iss().clone());
    let issued = issue(asked, &receipt_key()).unwrap();
    let asked = UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap();
    (outcome.receipt.digest, outcome.receipt.jti) = (asked.digest(), *asked.claims().jti());
    let issued = issue(Payload::Outcome(outcome), &receipt_key()).unwrap();
    let outcome = UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap();
    let mut question = Question::offline(Level::Signed, Trust::Unknown);
    question.decision = Some(&asked);
    let other = CheckResult::Fail(ProblemType::AcknowledgementOther);
    assert_eq!(result(outcome, &question, Check::Relation), other);
}

#[test]
fn a_response_is_bound_to_its_outcome() {
    let nonce = nonce();
    let all = every_payload();
    let Some(Payload::Outcome(mut outcome)) = all.get(2).cloned() else { panic!("an outcome") };
    outcome.response.as_mut().unwrap().content = Some(nonce.commit(Committed::Response, b"done"));
    let issued = issue(Payload::Outcome(outcome), &receipt_key()).unwrap();
    let outcome = UnverifiedReceipt::parse(issued.compact.as_bytes()).unwrap();
    let ask = |response: &[u8]| {
        let mut question = Question::offline(Level::Signed, Trust::Unknown);
        question.exchange = Some(Exchange { nonce: Some(&nonce), response: Some(response), ..Exchange::default() });
        result(outcome.clone(), &question, Check::Body)
    };
    assert_eq!(ask(b"done"), CheckResult::Pass);
    assert_eq!(ask(b"gone"), CheckResult::Fail(ProblemType::BodyMismatch));
}

#[test]
fn a_receipt_of_another_kind_is_not_taken() {
    let keys = pinned(&document());
    let mut question = Question::offline(Level::Signed, Trust::Pinned(&keys));
    question.kind = Some(Kind::Acknowledgement);
    assert_eq!(result(receipt(), &question, Check::Format), CheckResult::Fail(ProblemType::KindUnexpected));
    assert_eq!(refuse_format(ProblemType::ReceiptMalformed, Level::Signed).verdict, Conclusion::Invalid);
}
