//! The other operator's answer to a call of ours: whether we may call it, and what its acknowledgement is worth.
//!
//! An acknowledgement counts only if the operator that the decision was made out to signed it, for us, about that very
//! decision (`spec/delivery.md`). What does not count is noticed: an observation that blames nobody. Out of scope:
//! asking for what did not come (`followup`), and how the answer travelled (`edge`).

use std::sync::Arc;

use serde_json::json;

use crate::ground::effect::Effect;
use crate::ground::kind::Kind;
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use crate::ground::receipt::payload::{Payload, ReceiptRef};
use crate::ground::receipt::verify::{Question, Trust, verify};
use crate::ground::verdict::Level;
use crate::io::clock::Clock;
use crate::io::store::{NewReceipt, Store};
use crate::node::directory::{Directory, Refusal};
use crate::node::issuer::verified_receipt;
use crate::node::observation::{Note, Noticed, note_once};

/// Fields in place of one acknowledgement that are kept: two show that there was more than one, and no peer can fill
/// the store with what is none.
const MAX_KEPT: usize = 2;

/// An acknowledgement that counts.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Its name.
    pub named: ReceiptRef,
    /// What the other operator decided.
    pub effect: Effect,
    /// Its row, to be stored with the outcome.
    pub received: NewReceipt,
}

/// An answer without an acknowledgement that counts.
#[derive(Debug, Clone)]
pub struct Unacknowledged {
    /// Why.
    pub problem: ProblemType,
    /// What came in its place: kept, because somebody may have to explain it.
    pub found: Vec<String>,
    /// Whether that could be judged. Without the peer's keys nothing can be said against it.
    judged: bool,
}

/// Reads answers. Clones share everything.
#[derive(Debug, Clone)]
pub struct Answers {
    store: Arc<dyn Store>,
    clock: Clock,
    issuer: Issuer,
    directory: Arc<Directory>,
    skew_s: u64,
}

impl Answers {
    /// Reads answers to decisions of `issuer`. Clocks may differ by `skew_s` seconds.
    pub fn new(store: Arc<dyn Store>, clock: Clock, issuer: Issuer, directory: Arc<Directory>, skew_s: u64) -> Self {
        Self { store, clock, issuer, directory, skew_s }
    }

    /// Whether evidence is exchanged with `peer` now, so that a call may be sent to it.
    pub async fn may_call(&self, peer: &Issuer) -> Result<(), ProblemType> {
        self.directory.standing(peer).await.map(|_| ()).map_err(|refusal| refusal.problem())
    }

    /// Checks what came as acknowledgement of `decision`. Two are as good as none: nobody could say which one counts.
    pub async fn read(&self, decision: &SignedReceipt, values: &[&[u8]]) -> Result<Acknowledged, Unacknowledged> {
        let found = || values.iter().take(MAX_KEPT).map(|value| shown(value)).collect();
        let refuse = |problem| Unacknowledged { problem, found: found(), judged: true };
        let [value] = values else { return Err(refuse(ProblemType::AcknowledgementMissing)) };
        let receipt = UnverifiedReceipt::parse(value).map_err(|error| refuse(error.problem()))?;
        let asked = UnverifiedReceipt::parse(decision.compact.as_bytes()).map_err(|error| refuse(error.problem()))?;
        let peer = self.directory.standing_for(asked.claims().aud(), receipt.kid()).await;
        let peer = peer.map_err(|refusal: Refusal| Unacknowledged { judged: false, ..refuse(refusal.problem()) })?;
        let question = Question {
            kind: Some(Kind::Acknowledgement),
            at: Some(self.clock.now()),
            skew_s: self.skew_s,
            audience: Some(&self.issuer),
            decision: Some(&asked),
            ..Question::offline(Level::Signed, Trust::Pinned(&peer.key_set))
        };
        let verification = verify(receipt, &question);
        let problem = || verification.verdict.problem().unwrap_or(ProblemType::Internal);
        let verified = verification.receipt.as_ref().ok_or_else(|| refuse(problem()))?;
        let Payload::Acknowledgement(payload) = verified.payload() else {
            return Err(refuse(ProblemType::KindUnexpected));
        };
        let named = ReceiptRef { digest: verified.digest(), jti: payload.jti };
        Ok(Acknowledged { named, effect: payload.effect, received: verified_receipt(verified, None) })
    }

    /// Keeps the observation that an answer to `decision` came without an acknowledgement that counts.
    pub async fn note(&self, decision: &SignedReceipt, answer: &Unacknowledged) {
        if !answer.judged {
            return;
        }
        let noticed = match answer.found.as_slice() {
            [] => Noticed::AnswerUnacknowledged,
            _ => Noticed::AnswerInvalid,
        };
        let detail = json!({ "problem": answer.problem, "found": answer.found });
        let note = Note { noticed, peer: decision.payload.aud(), about: decision.digest, detail };
        if let Err(error) = note_once(&*self.store, self.clock.now(), note).await {
            tracing::warn!(error = %error, about = %decision.digest, "an observation could not be kept");
        }
    }
}

/// Header bytes as text, at most as many as a receipt may have.
fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().take(crate::ground::limits::MAX_DECISION_BYTES).collect()
}
