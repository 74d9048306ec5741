//! The checks of the log: inclusion, checkpoint, promise, head and witnesses.

use super::Question;
use crate::ground::crypto::hash::leaf_hash;
use crate::ground::crypto::keys::{KeyUse, PublicKey};
use crate::ground::keyset::{KeySetDocument, KeyState, SelfSignedKeySet};
use crate::ground::log::checkpoint::{
    CheckpointError, CosignerKey, LogKey, SignedCheckpoint, UnverifiedCheckpoint, VerifiedCheckpoint,
};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::note::KeyName;
use crate::ground::log::proof::{ConsistencyProof, ProofFile};
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::LogPromise;
use crate::ground::verdict::{Absence, Check, CheckResult, Findings};

/// The two times that a checkpoint can have.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By the operator's own cosignature.
    pub(super) checkpoint: Option<Timestamp>,
    /// By the quorum of witnesses.
    pub(super) witnessed: Option<Timestamp>,
}

const LOG_CHECKS: [Check; 5] = [Check::Inclusion, Check::Checkpoint, Check::Promise, Check::Head, Check::Witnesses];

pub(super) fn check(receipt: &UnverifiedReceipt, question: &Question<'_>, findings: &mut Findings) -> Times {
    let Some(bytes) = question.proof else {
        findings.record_all(&LOG_CHECKS, CheckResult::NotEvaluated(Absence::NoProof));
        return Times::default();
    };
    findings.record_all(&LOG_CHECKS, CheckResult::NotEvaluated(Absence::BlockedByFailure));
    let file = match ProofFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => {
            findings.record(Check::Inclusion, CheckResult::Fail(error.problem()));
            return Times::default();
        }
    };
    let included = file.inclusion.verify(&leaf_hash(&receipt.digest().0), &file.checkpoint.claim().head);
    findings.record_outcome(Check::Inclusion, included.map_err(|_| ProblemType::InclusionInvalid));
    let promise = receipt.claims().log();
    match verify_checkpoint(&file.checkpoint, promise, question) {
        Err(result) => {
            findings.record(Check::Checkpoint, result);
            Times::default()
        }
        Ok(checkpoint) => {
            findings.record(Check::Checkpoint, CheckResult::Pass);
            let times = check_against(&checkpoint, promise, question, findings);
            // A checkpoint dates what it includes and nothing else, or any old one would save what a stolen key signs.
            if included.is_ok() { times } else { Times::default() }
        }
    }
}

/// What only a checkpoint that the operator signed and dated can tell.
fn check_against(
    checkpoint: &VerifiedCheckpoint,
    promise: &LogPromise,
    question: &Question<'_>,
    findings: &mut Findings,
) -> Times {
    // A later checkpoint holds the receipt too: it shows that the receipt was logged, not since when.
    let kept = checkpoint.time() <= promise.include_by;
    let late = CheckResult::NotEvaluated(Absence::LaterCheckpoint);
    findings.record(Check::Promise, if kept { CheckResult::Pass } else { late });
    findings.record(Check::Head, check_head(checkpoint, promise, question));
    let mut times = Times { checkpoint: Some(checkpoint.time()), witnessed: None };
    let witnesses = match question.quorum.filter(|quorum| !quorum.is_none()) {
        None => CheckResult::NotEvaluated(Absence::NoQuorum),
        Some(quorum) => {
            let result = quorum.evaluate(checkpoint.note());
            times.witnessed = result.witnessed_time;
            if result.met { CheckResult::Pass } else { CheckResult::Fail(ProblemType::QuorumNotMet) }
        }
    };
    findings.record(Check::Witnesses, witnesses);
    times
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

fn verify_checkpoint(
    checkpoint: &UnverifiedCheckpoint,
    promise: &LogPromise,
    question: &Question<'_>,
) -> Result<VerifiedCheckpoint, CheckResult> {
    if checkpoint.claim().origin.as_str() != promise.origin {
        return Err(CheckResult::Fail(ProblemType::CheckpointOrigin));
    }
    let key_set = question.trust.key_set().ok_or(CheckResult::NotEvaluated(Absence::NoKeySet))?;
    check_origin(key_set.document(), promise)?;
    verify_with_keys(checkpoint, key_set).map_err(|error| CheckResult::Fail(error.problem()))
}

fn check_origin(document: &KeySetDocument, promise: &LogPromise) -> Result<(), CheckResult> {
    let before = document.predecessor.as_ref().map(|predecessor| &predecessor.origin);
    if promise.origin == document.log.origin || before == Some(&promise.origin) {
        Ok(())
    } else {
        Err(CheckResult::Fail(ProblemType::CheckpointOrigin))
    }
}

/// Tries the log and cosigner keys of a key set on a checkpoint.
pub(in crate::ground) fn verify_with_keys(
    checkpoint: &UnverifiedCheckpoint,
    key_set: &SelfSignedKeySet,
) -> Result<VerifiedCheckpoint, CheckpointError> {
    let names = &key_set.document().log;
    let origin = &checkpoint.claim().origin;
    let signed = verify_log_with_keys(checkpoint, key_set)?;
    let name: KeyName = names.cosigner.parse().map_err(|_| CheckpointError::LogSignatureMissing(origin.clone()))?;
    let dated = usable(key_set, KeyUse::Cosign).map(|key| {
        let key = CosignerKey::new(name.clone(), key.as_dalek());
        key.map_err(|_| CheckpointError::CosignatureMissing(name.clone()))
            .and_then(|key| signed.clone().verify_date(&key))
    });
    first_success(dated).unwrap_or_else(|| Err(CheckpointError::CosignatureMissing(name.clone())))
}

/// Tries the log keys of a key set alone: what two roots of one size need to prove a fork.
pub(in crate::ground) fn verify_log_with_keys(
    checkpoint: &UnverifiedCheckpoint,
    key_set: &SelfSignedKeySet,
) -> Result<SignedCheckpoint, CheckpointError> {
    let origin = &checkpoint.claim().origin;
    let missing = || CheckpointError::LogSignatureMissing(origin.clone());
    let signed = usable(key_set, KeyUse::Log).map(|key| {
        let key = LogKey::new(origin.clone(), key.as_dalek());
        key.map_err(|_| missing()).and_then(|key| checkpoint.clone().verify_log(&key))
    });
    first_success(signed).unwrap_or_else(|| Err(missing()))
}

/// Keys that may have signed: a revoked key's checkpoints are not believed, a pending key has none.
fn usable(key_set: &SelfSignedKeySet, usage: KeyUse) -> impl Iterator<Item = &PublicKey> {
    let may_have_signed = |state| matches!(state, KeyState::Active | KeyState::Retired);
    key_set.of_use(usage).filter(move |(entry, _)| may_have_signed(entry.state)).map(|(_, key)| key)
}

/// The first success, or else the last failure.
fn first_success<T, E>(mut results: impl Iterator<Item = Result<T, E>>) -> Option<Result<T, E>> {
    let mut last = None;
    results
        .find_map(|result| match result {
            Ok(value) => Some(Ok(value)),
            Err(error) => {
                last = Some(Err(error));
                None
            }
        })
        .or(last)
}
