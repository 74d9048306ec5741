//! Outcomes: what came of a call, written down once, after it and off its path.
//!
//! The executing side commits to the response as it passed; the calling side writes what it saw itself, together with
//! the acknowledgement that it got. Out of scope: comparing the two (`followup`).

use crate::ground::crypto::hash::Digest;
use crate::ground::name::Issuer;
use crate::ground::receipt::binding::{Committed, Committer, Nonce};
use crate::ground::receipt::compact::SignedReceipt;
use crate::ground::receipt::payload::{
    BodyBinding, Observer, Outcome, OutcomeStatus, Payload, ReceiptRef, ResponseBinding,
};
use crate::io::store::{Conflict, NewObservation, NewReceipt};
use crate::node::followup::Work;
use crate::node::issuer::{Attachments, Draft, IssueFailure, ReceiptIssuer};
use crate::node::observation::Noticed;
use crate::node::write_path::WriteFailure;

/// One call's end, as one side saw it.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The other operator.
    pub peer: Issuer,
    /// Which side this node was on.
    pub observer: Observer,
    /// The decision.
    pub decision: ReceiptRef,
    /// The acknowledgement, if one was given.
    pub acknowledgement: Option<ReceiptRef>,
    /// How it ended.
    pub status: OutcomeStatus,
    /// The HTTP status and the commitment to the body, if a response began. `None` in the pair: the body is unbound.
    pub response: Option<(u16, Option<Digest>)>,
    /// The peer's acknowledgement, to be kept with it.
    pub received: Option<NewReceipt>,
}

impl Ending {
    /// Whether `told` says exactly this.
    pub fn is_told_by(&self, told: &Outcome) -> bool {
        let draft = Draft { jti: told.jti, iat: told.iat, log: told.log.clone() };
        self.outcome(told.iss.clone(), draft) == *told
    }

    fn outcome(&self, iss: Issuer, draft: Draft) -> Outcome {
        let response = self.response.map(|(_, content)| {
            let body = if content.is_some() { BodyBinding::Bound } else { BodyBinding::Unbound };
            ResponseBinding { body, content }
        });
        Outcome {
            sd: None,
            sd_alg: None,
            acknowledgement: self.acknowledgement.clone(),
            aud: self.peer.clone(),
            ext: None,
            http_status: self.response.map(|(status, _)| status),
            iat: draft.iat,
            iss,
            jti: draft.jti,
            log: draft.log,
            observer: self.observer,
            receipt: self.decision.clone(),
            response,
            status: self.status,
        }
    }
}

/// What writing an outcome down came to.
#[derive(Debug)]
pub enum Recorded {
    /// It stands now.
    Now(SignedReceipt),
    /// This operator's outcome of the call stands already, with this digest: the same one, should an earlier try have
    /// been kept although its answer was lost.
    Before(Digest),
}

/// Follows a response body as it passes.
#[derive(Debug)]
pub struct ResponseWatch {
    committer: Committer,
}

impl ResponseWatch {
    /// Begins with an empty body.
    pub fn new(nonce: &Nonce) -> Self {
        Self { committer: nonce.committer(Committed::Response) }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.committer.update(bytes);
    }

    /// The commitment to all bytes that passed.
    pub fn finish(self) -> Digest {
        self.committer.finish()
    }
}

/// Signs and commits an outcome, unless the call has one. The follow-up may have stored the peer's acknowledgement
/// already, while a long response passed: then the outcome is committed without it.
pub async fn record(issuer: &ReceiptIssuer, mut ending: Ending) -> Result<Recorded, IssueFailure> {
    let received = ending.received.take();
    let committed = match (commit(issuer, &ending, received.clone(), None).await, received) {
        (Err(IssueFailure::Write(WriteFailure::Conflict(Conflict::DuplicateId { existing, .. }))), Some(received)) => {
            let twice = (existing != received.digest).then(|| one_id_twice(&received, existing));
            commit(issuer, &ending, None, twice).await
        }
        (other, _) => other,
    };
    match committed {
        Err(IssueFailure::Write(WriteFailure::Conflict(Conflict::Outcome { existing }))) => {
            Ok(Recorded::Before(existing))
        }
        other => other.map(Recorded::Now),
    }
}

/// A peer that signed two receipts with one id lied, and the two together prove it (DELV-05).
fn one_id_twice(second: &NewReceipt, first: Digest) -> NewObservation {
    let detail = serde_json::json!({ "first": first, "second": second.compact });
    let (kind, peer) = (Noticed::TwoReceiptsOneId.code(), second.iss.clone());
    NewObservation { at: second.iat, kind, peer, about: Some(first), detail: detail.to_string() }
}

async fn commit(
    issuer: &ReceiptIssuer,
    ending: &Ending,
    received: Option<NewReceipt>,
    noticed: Option<NewObservation>,
) -> Result<SignedReceipt, IssueFailure> {
    let outcome = ending.outcome(issuer.name().clone(), issuer.draft()?);
    let promise =
        received.as_ref().map(|received| Work::check_promise(received.digest, received.iss.clone(), outcome.iat));
    let decided_by = match ending.observer {
        Observer::Caller => issuer.name(),
        Observer::Executor => &ending.peer,
    };
    let with = Attachments {
        received,
        ends: Some((decided_by.clone(), ending.decision.jti)),
        followups: promise.into_iter().collect(),
        observations: noticed.into_iter().collect(),
        ..Attachments::default()
    };
    issuer.issue(Payload::Outcome(Box::new(outcome)), with).await
}
