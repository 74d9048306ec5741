//! Pulling the other half: the acknowledgement and the outcome of our decision.

use serde_json::json;

use super::compare::{self, compare};
use super::{FollowUp, Next, SKEW_S, Work, is_final};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::evidence::Evidence;
use crate::ground::kind::Kind;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Acknowledgement, Mode, Outcome, Payload};
use crate::ground::receipt::verify::{Question, Trust, VerifiedReceipt, verify};
use crate::ground::verdict::Level;
use crate::io::store::{Admission, Conflict, Followup, StoreError, StoredReceipt};
use crate::node::directory::{ApprovedPeer, Refusal};
use crate::node::issuer::verified_receipt;
use crate::node::observation::Noticed;
use crate::node::write_path::WriteFailure;

/// What we hold about one decision.
#[derive(Debug, Default)]
struct Held {
    acknowledgement: Option<(Digest, Box<Acknowledgement>)>,
    executor: Option<Box<Outcome>>,
    caller: Option<Box<Outcome>>,
}

impl Held {
    /// Reads stored receipts: those of the peer were verified before they were stored, and ours are ours.
    fn read(stored: &[StoredReceipt], work: &Followup) -> Result<Self, StoreError> {
        let mut held = Self::default();
        for row in stored {
            let receipt = parse_stored(row)?;
            let from_peer = row.iss == work.peer;
            match receipt.claims() {
                Payload::Acknowledgement(payload) if from_peer => {
                    held.acknowledgement = Some((row.digest, payload.clone()));
                }
                Payload::Outcome(payload) if from_peer => held.executor = Some(payload.clone()),
                Payload::Outcome(payload) => held.caller = Some(payload.clone()),
                Payload::Acknowledgement(_) | Payload::Decision(_) | Payload::Configuration(_) => {}
            }
        }
        Ok(held)
    }

    /// An outcome follows only where the call reached the agent.
    fn expects_outcome(&self) -> bool {
        let reached = |answer: &Acknowledgement| answer.effect == Effect::Allow || answer.mode == Mode::Observe;
        self.acknowledgement.as_ref().is_none_or(|(_, answer)| reached(answer))
    }

    fn lacks(&self) -> Vec<Noticed> {
        let mut lacks = Vec::new();
        if self.acknowledgement.is_none() {
            lacks.push(Noticed::AcknowledgementMissing);
        }
        if self.executor.is_none() && self.expects_outcome() {
            lacks.push(Noticed::OutcomeMissing);
        }
        lacks
    }
}

pub(super) fn parse_stored(row: &StoredReceipt) -> Result<UnverifiedReceipt, StoreError> {
    let parsed = UnverifiedReceipt::parse(row.compact.as_bytes());
    parsed.map_err(|error| StoreError::corrupt(format!("the receipt `{}`: {error}", row.digest)))
}

impl FollowUp {
    pub(super) async fn pull_evidence(&self, work: &Followup, left: &mut Admission) -> Result<Next, WriteFailure> {
        let Some(row) = self.store.receipt(&work.subject).await? else { return Ok(Next::Done) };
        let decision = parse_stored(&row)?;
        let held = Held::read(&self.store.related(&work.subject).await?, work)?;
        if held.lacks().is_empty() {
            return Ok(self.conclude(work, &held, left).await?);
        }
        let missing = |held: &Held, why: ProblemType| {
            let detail = json!({ "problem": why });
            held.lacks().into_iter().map(|noticed| (noticed, detail.clone())).collect()
        };
        let peer = match self.directory.standing(&work.peer).await {
            Ok(peer) => peer,
            Err(Refusal::Store(error)) => return Err(error.into()),
            Err(refusal) if is_final(&refusal) => return Ok(Next::Done),
            Err(refusal) => return Ok(Next::Again(missing(&held, refusal.problem()))),
        };
        let key = &self.operator.keys().http;
        match self.client.evidence(&peer.endpoints, &work.subject, key, self.clock.now()).await {
            Ok(None) => Ok(Next::Again(missing(&held, ProblemType::NotFound))),
            Err(error) => {
                tracing::info!(peer = %work.peer, error = %error, "evidence was not pulled");
                Ok(Next::after(&error, missing(&held, error.problem())))
            }
            Ok(Some(evidence)) => {
                self.take(work, &decision, &peer, &held, &evidence, left).await?;
                let held = Held::read(&self.store.related(&work.subject).await?, work)?;
                match held.lacks().is_empty() {
                    true => Ok(self.conclude(work, &held, left).await?),
                    false => Ok(Next::Again(missing(&held, ProblemType::NotFound))),
                }
            }
        }
    }

    /// Compares the two sides' outcomes once both are there. Our own comes when the call ends, which may be after the
    /// peer's.
    async fn conclude(&self, work: &Followup, held: &Held, left: &mut Admission) -> Result<Next, StoreError> {
        if let (Some((digest, _)), Some(executor)) = (&held.acknowledgement, &held.executor) {
            let named = executor.acknowledgement.as_ref().map(|named| named.digest);
            if named != Some(*digest) {
                let detail = json!({ "problem": ProblemType::AcknowledgementOther, "held": digest, "named": named });
                self.note(work, left, Noticed::AnswerInvalid, detail).await?;
            }
        }
        match (&held.executor, &held.caller) {
            (Some(executor), Some(caller)) => {
                if let Some(difference) = compare(executor, caller) {
                    self.note(work, left, Noticed::OutcomeDisagrees, difference).await?;
                }
                Ok(Next::Done)
            }
            (Some(_), None) => Ok(Next::Again(Vec::new())),
            (None, _) => Ok(Next::Done),
        }
    }

    /// Stores what we do not have yet, each receipt for itself.
    async fn take(
        &self,
        work: &Followup,
        decision: &UnverifiedReceipt,
        peer: &ApprovedPeer,
        held: &Held,
        evidence: &Evidence,
        left: &mut Admission,
    ) -> Result<(), WriteFailure> {
        let answers = [
            (Kind::Acknowledgement, held.acknowledgement.is_none(), &evidence.acknowledgement),
            (Kind::Outcome, held.executor.is_none(), &evidence.outcome),
        ];
        for (kind, wanted, compact) in answers {
            if let (true, Some(compact)) = (wanted, compact) {
                self.take_one(work, decision, peer, (kind, compact), left).await?;
            }
        }
        Ok(())
    }

    async fn take_one(
        &self,
        work: &Followup,
        decision: &UnverifiedReceipt,
        peer: &ApprovedPeer,
        (kind, compact): (Kind, &str),
        left: &mut Admission,
    ) -> Result<(), WriteFailure> {
        let invalid = |problem: ProblemType| compare::invalid(kind, problem, compact);
        let receipt = match UnverifiedReceipt::parse(compact.as_bytes()) {
            Ok(receipt) => receipt,
            Err(error) => return Ok(self.note(work, left, Noticed::AnswerInvalid, invalid(error.problem())).await?),
        };
        // A peer that rotated its keys since its last refresh answers under a key that we have yet to see.
        let peer = match self.directory.standing_for(&work.peer, receipt.kid()).await {
            Ok(fresh) => fresh,
            Err(Refusal::Store(error)) => return Err(error.into()),
            Err(_) => peer.clone(),
        };
        let mut question = Question::offline(Level::Signed, Trust::Pinned(&peer.key_set));
        question.kind = Some(kind);
        question.at = Some(self.clock.now());
        question.skew_s = SKEW_S;
        question.audience = Some(self.operator.issuer());
        question.decision = Some(decision);
        let verification = verify(receipt, &question);
        let Some(verified) = verification.receipt else {
            let problem = verification.verdict.problem().unwrap_or(ProblemType::Internal);
            return Ok(self.note(work, left, Noticed::AnswerInvalid, invalid(problem)).await?);
        };
        self.keep(work, &verified, left).await
    }

    async fn keep(&self, work: &Followup, receipt: &VerifiedReceipt, left: &mut Admission) -> Result<(), WriteFailure> {
        let row = verified_receipt(receipt, None);
        let followups = vec![Work::check_promise(row.digest, row.iss.clone(), self.clock.now())];
        match self.writes.commit(Admission { receipts: vec![row], followups, ..Admission::default() }).await {
            Err(WriteFailure::Conflict(Conflict::DuplicateId { existing, .. })) if existing != receipt.digest() => {
                let detail = json!({ "first": existing, "second": receipt.compact() });
                Ok(self.note_about(work, existing, left, Noticed::TwoReceiptsOneId, detail).await?)
            }
            // The gateway stored the same receipt first.
            Ok(()) | Err(WriteFailure::Conflict(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}
