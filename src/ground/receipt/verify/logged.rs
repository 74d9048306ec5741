//! The checks of the log: inclusion, checkpoint, promise, head and witnesses.

use super::signers::verify_with_keys;
use super::{Question, key_state};
use crate::ground::crypto::hash::leaf_hash;
use crate::ground::crypto::keys::KeyUse;
use crate::ground::keyset::{KeyEntry, KeySetDocument, KeyState, SelfSignedKeySet};
use crate::ground::log::checkpoint::{UnverifiedCheckpoint, VerifiedCheckpoint};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::note::Note;
use crate::ground::log::proof::{ConsistencyProof, ProofFile, ProofFileError};
use crate::ground::log::witness::QuorumResult;
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::LogPromise;
use crate::ground::verdict::{Absence, Check, CheckResult, CheckRows};

/// The two times that a checkpoint can have.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By the operator's own cosignature.
    pub(super) checkpoint: Option<Timestamp>,
    /// By the quorum of witnesses.
    pub(super) witnessed: Option<Timestamp>,
}

const LOG_CHECKS: [Check; 5] = [Check::Inclusion, Check::Checkpoint, Check::Promise, Check::Head, Check::Witnesses];

pub(super) fn check(receipt: &UnverifiedReceipt, question: &Question<'_>, rows: &mut CheckRows) -> Times {
    let Some(bytes) = question.proof else {
        rows.record_all(&LOG_CHECKS, CheckResult::NotEvaluated(Absence::NoProof));
        return Times::default();
    };
    rows.record_all(&LOG_CHECKS, CheckResult::NotEvaluated(Absence::BlockedByFailure));
    let file = match ProofFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            // A path leads nowhere without the head of its checkpoint: the row at fault is the checkpoint's.
            let row = match error {
                ProofFileError::Checkpoint(_) => Check::Checkpoint,
                _ => Check::Inclusion,
            };
            rows.record(row, CheckResult::Fail(error.problem()));
            return Times::default();
        }
    };
    let included = file.inclusion.verify(&leaf_hash(&receipt.digest().0), &file.checkpoint.claim().head);
    rows.record_outcome(Check::Inclusion, included.map_err(|_| ProblemType::InclusionInvalid));
    let promise = receipt.claims().log();
    match verify_checkpoint(&file.checkpoint, promise, question) {
        Err(result) => {
            rows.record(Check::Checkpoint, result);
            Times::default()
        }
        Ok((checkpoint, quorum)) => {
            rows.record(Check::Checkpoint, CheckResult::Pass);
            rows.record(Check::Head, check_head(&checkpoint, promise, question));
            let times = check_times(&checkpoint, quorum, promise, rows);
            // A checkpoint dates what it includes and nothing else, or any old one would save what a stolen key signs.
            if included.is_ok() { times } else { Times::default() }
        }
    }
}

/// What the date and the witnesses of a checkpoint tell.
fn check_times(
    checkpoint: &VerifiedCheckpoint,
    quorum: Option<QuorumResult>,
    promise: &LogPromise,
    rows: &mut CheckRows,
) -> Times {
    // A later checkpoint holds the receipt too: it shows that the receipt was logged, not since when.
    let kept = checkpoint.time() <= promise.include_by;
    let late = CheckResult::NotEvaluated(Absence::LaterCheckpoint);
    rows.record(Check::Promise, if kept { CheckResult::Pass } else { late });
    let witnesses = match &quorum {
        None => CheckResult::NotEvaluated(Absence::NoQuorum),
        Some(result) if result.met => CheckResult::Pass,
        Some(_) => CheckResult::Fail(ProblemType::QuorumNotMet),
    };
    rows.record(Check::Witnesses, witnesses);
    Times { checkpoint: Some(checkpoint.time()), witnessed: quorum.and_then(|result| result.witnessed_time) }
}

fn check_head(checkpoint: &VerifiedCheckpoint, promise: &LogPromise, question: &Question<'_>) -> CheckResult {
    let Ok(known) = TreeHead::new(promise.size, promise.root) else {
        return CheckResult::Fail(ProblemType::HeadInconsistent);
    };
    let proof = match question.head_proof {
        Some(hashes) => ConsistencyProof { hashes: hashes.to_vec() },
        // The empty tree and the very same tree need no proof.
        // At one size there is one root, so another root needs no proof either: it fails here.
        None if known == TreeHead::empty() || known.size == checkpoint.head().size => ConsistencyProof::default(),
        None => return CheckResult::NotEvaluated(Absence::NoHeadProof),
    };
    let consistent = proof.verify(&known, checkpoint.head());
    consistent.map_or(CheckResult::Fail(ProblemType::HeadInconsistent), |()| CheckResult::Pass)
}

/// The checkpoint under its keys, and what its cosignatures amount to.
fn verify_checkpoint(
    checkpoint: &UnverifiedCheckpoint,
    promise: &LogPromise,
    question: &Question<'_>,
) -> Result<(VerifiedCheckpoint, Option<QuorumResult>), CheckResult> {
    if checkpoint.claim().origin.as_str() != promise.origin {
        return Err(CheckResult::Fail(ProblemType::CheckpointOrigin));
    }
    let key_set = question.trust.key_set().ok_or(CheckResult::NotEvaluated(question.trust.absence()))?;
    check_origin(key_set.document(), promise)?;
    let verified = verify_with_keys(checkpoint, key_set).map_err(|error| CheckResult::Fail(error.problem()));
    let (checkpoint, signers) = verified?;
    let quorum = weigh(checkpoint.note(), key_set, question);
    check_signers(signers, checkpoint.time(), quorum.as_ref().and_then(|result| result.witnessed_time))?;
    Ok((checkpoint, quorum))
}

/// Whoever stole the cosigning key can date anything, and a quorum may name that very key: revoked, it counts as no
/// witness.
fn weigh(note: &Note, key_set: &SelfSignedKeySet, question: &Question<'_>) -> Option<QuorumResult> {
    let quorum = question.quorum.filter(|quorum| !quorum.is_none())?;
    let revoked = key_set.of_use(KeyUse::Cosign).filter(|(entry, _)| entry.state == KeyState::Revoked);
    let revoked: Vec<_> = revoked.map(|(_, key)| *key.as_dalek()).collect();
    Some(quorum.evaluate_without(note, &revoked))
}

/// Holds the checkpoint's date against the lives of the keys that signed it. What fails goes before what is open.
fn check_signers(signers: [&KeyEntry; 2], date: Timestamp, witnessed: Option<Timestamp>) -> Result<(), CheckResult> {
    let results = signers.map(|entry| key_state(entry, date, witnessed));
    let failed = results.iter().find(|result| matches!(result, CheckResult::Fail(_)));
    let first = failed.or_else(|| results.iter().find(|result| **result != CheckResult::Pass));
    first.map_or(Ok(()), |result| Err(*result))
}

fn check_origin(document: &KeySetDocument, promise: &LogPromise) -> Result<(), CheckResult> {
    let before = document.predecessor.as_ref().map(|predecessor| &predecessor.origin);
    if promise.origin == document.log.origin || before == Some(&promise.origin) {
        Ok(())
    } else {
        Err(CheckResult::Fail(ProblemType::CheckpointOrigin))
    }
}
