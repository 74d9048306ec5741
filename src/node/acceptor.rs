//! Accepting: a counterparty's decision receipt is checked, judged, consumed and acknowledged, at most once.
//!
//! [`Acceptor::inspect`] only looks; [`Acceptor::accept`] consumes. Everything is checked first, and the replay entry,
//! the received receipt and the acknowledgement become durable in one commit, so that nothing is consumed without an
//! answer. The byte-identical receipt gets the stored answer again and is never acted upon a second time. Normative
//! text: `spec/delivery.md`. Out of scope: what the request means to the policy, which the caller brings.

mod answer;

use std::sync::Arc;

use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::Nonce;
use crate::ground::receipt::compact::{SignedReceipt, UnverifiedReceipt};
use crate::ground::receipt::payload::{Decision, Mode, Payload};
use crate::ground::receipt::verify::{Exchange, Question, Trust, VerifiedReceipt, refuse_format, verify};
use crate::ground::verdict::{Check, CheckResult, Level, Verdict};
use crate::io::clock::Clock;
use crate::io::store::{Conflict, Store};
use crate::node::decider::{Decider, Judgement};
use crate::node::directory::Directory;
use crate::node::issuer::{IssueFailure, ReceiptIssuer};
use crate::node::observation::{Note, Noticed, note_once};
use crate::node::rate::{Rate, RateLimit};
use crate::node::write_path::WriteFailure;

pub use answer::Asked;

/// Peers whose acknowledgements are counted at once: more than any operator approves.
const MAX_RATED_PEERS: usize = 4096;

/// What this operator demands of receipts.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The level.
    pub level: Level,
    /// Whether the body has to be bound and to match.
    pub demand_body: bool,
    /// Seconds by which clocks may differ.
    pub skew_s: u64,
    /// Acknowledgements for one peer.
    pub rate: Rate,
}

/// What came in, as this node saw it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The bytes of the receipt.
    pub receipt: &'a [u8],
    /// The text of the nonce.
    pub nonce: Option<&'a str>,
    /// The method of the request.
    pub method: &'a str,
    /// The absolute target URI, under this node's public URL.
    pub target: &'a str,
    /// The whole body, if it was seen.
    pub body: Option<&'a [u8]>,
    /// A tlog-proof for the receipt, if there is one.
    pub proof: Option<&'a [u8]>,
}

/// What becomes of a call whose receipt is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Handling {
    /// Whether a refusal keeps it from the agent.
    pub mode: Mode,
    /// Whether this process forwards it, and will see its end.
    pub forwards: bool,
}

impl Handling {
    /// Whether a call that is judged like this goes on to the agent.
    pub fn goes_on(self, effect: Effect) -> bool {
        effect == Effect::Allow || self.mode == Mode::Observe
    }
}

/// A receipt that was consumed.
#[derive(Debug)]
pub struct Accepted {
    /// The decision.
    pub decision: VerifiedReceipt,
    /// What opens it.
    pub nonce: Nonce,
    /// What this operator decided.
    pub judgement: Judgement,
    /// The durable answer.
    pub acknowledgement: SignedReceipt,
    /// The result of every check.
    pub verdict: Verdict,
}

/// What accepting came to.
#[derive(Debug)]
pub enum Acceptance {
    /// It is consumed now; the judgement says whether the call may go on.
    Fresh(Box<Accepted>),
    /// It was consumed before. The stored answer, in its compact form; the call must not go on.
    Duplicate {
        /// The acknowledgement that was given then.
        acknowledgement: String,
        /// The digest of the decision.
        decision: Digest,
    },
}

/// Why a receipt was not consumed.
#[derive(Debug)]
pub struct NotAccepted {
    /// The registered problem.
    pub problem: ProblemType,
    /// The result of every check, as far as it came to that.
    pub verdict: Option<Box<Verdict>>,
    /// Who is said to have signed. Nobody has to believe it.
    pub claimed_issuer: Option<Issuer>,
    /// For this operator's eyes: what was expected and what came, or what failed.
    pub detail: Option<String>,
}

impl NotAccepted {
    fn of(problem: ProblemType) -> Self {
        Self { problem, verdict: None, claimed_issuer: None, detail: None }
    }

    fn said_by(self, issuer: &Issuer) -> Self {
        Self { claimed_issuer: Some(issuer.clone()), ..self }
    }
}

/// Accepts receipts. Clones share everything.
#[derive(Debug, Clone)]
pub struct Acceptor {
    store: Arc<dyn Store>,
    clock: Clock,
    issuer: ReceiptIssuer,
    decider: Decider,
    directory: Arc<Directory>,
    terms: Terms,
    issued_from: Timestamp,
    rates: Arc<RateLimit<Issuer>>,
}

impl Acceptor {
    /// An acceptor on these terms. Receipts issued before `issued_from` are refused, unless the store has their answer.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        issuer: ReceiptIssuer,
        decider: Decider,
        directory: Arc<Directory>,
        terms: Terms,
        issued_from: Timestamp,
    ) -> Self {
        let rates = Arc::new(RateLimit::new(terms.rate, MAX_RATED_PEERS));
        Self { store, clock, issuer, decider, directory, terms, issued_from, rates }
    }

    /// The time of issue from which on receipts are taken without having been answered before.
    pub fn issued_from(&self) -> Timestamp {
        self.issued_from
    }

    /// Checks a receipt against a request and changes nothing.
    pub async fn inspect(&self, arrival: &Arrival<'_>) -> Result<(VerifiedReceipt, Verdict), NotAccepted> {
        let receipt = UnverifiedReceipt::parse(arrival.receipt).map_err(|error| NotAccepted {
            verdict: Some(Box::new(refuse_format(error.problem(), self.terms.level))),
            detail: Some(error.to_string()),
            ..NotAccepted::of(error.problem())
        })?;
        let issuer = receipt.claims().iss().clone();
        let peer = self.directory.standing_for(&issuer, receipt.kid()).await;
        let peer = peer.map_err(|refusal| NotAccepted {
            detail: Some(refusal.to_string()),
            ..NotAccepted::of(refusal.problem()).said_by(&issuer)
        })?;
        let nonce = read_nonce(arrival.nonce).map_err(|problem| NotAccepted::of(problem).said_by(&issuer))?;
        let exchange = Exchange {
            nonce: nonce.as_ref(),
            target: Some((arrival.method, arrival.target)),
            body: arrival.body,
            response: None,
            demand_body: self.terms.demand_body,
        };
        let question = Question {
            kind: Some(Kind::Decision),
            at: Some(self.clock.now()),
            skew_s: self.terms.skew_s,
            audience: Some(self.issuer.name()),
            exchange: Some(exchange),
            proof: arrival.proof,
            ..Question::offline(self.terms.level, Trust::Pinned(&peer.key_set))
        };
        let detail = expectation(&receipt, arrival);
        let verification = verify(receipt, &question);
        match verification.receipt {
            Some(receipt) => Ok((receipt, verification.verdict)),
            None => Err(NotAccepted {
                problem: verification.verdict.problem().unwrap_or(ProblemType::Internal),
                verdict: Some(Box::new(verification.verdict)),
                claimed_issuer: Some(issuer),
                detail: Some(detail),
            }),
        }
    }

    /// Checks, judges, consumes and acknowledges. `ask` makes the question to the policy out of the verified decision;
    /// `bound` tells it whether the body was checked.
    pub async fn accept(
        &self,
        arrival: &Arrival<'_>,
        handling: Handling,
        ask: impl FnOnce(&Decision, bool) -> Asked + Send,
    ) -> Result<Acceptance, NotAccepted> {
        let (decision, verdict) = match self.inspect(arrival).await {
            Ok(found) => found,
            Err(refused) => return self.given_before(arrival, refused).await,
        };
        let Payload::Decision(claims) = decision.payload().clone() else {
            return Err(NotAccepted::of(ProblemType::KindUnexpected));
        };
        // Before the rate: whoever has a used receipt could otherwise use up what its issuer may send.
        if let Some(accepted) = self.used(&claims).await? {
            return self.repeated(&decision, &claims.iss, accepted).await;
        }
        if claims.iat < self.issued_from {
            return Err(NotAccepted::of(ProblemType::IssuedBeforeWatermark).said_by(&claims.iss));
        }
        if !self.rates.take(&claims.iss, self.clock.now_ms()) {
            return Err(NotAccepted::of(ProblemType::RateLimited).said_by(&claims.iss));
        }
        let body_checked = verdict.result(Check::Body) == CheckResult::Pass;
        let asked = ask(&claims, body_checked);
        let judgement = answer::judge(&self.decider, &claims, &asked);
        let nonce =
            read_nonce(arrival.nonce).ok().flatten().ok_or_else(|| NotAccepted::of(ProblemType::NonceMissing))?;
        let draft = answer::Answer {
            decision: &decision,
            claims: &claims,
            asked: &asked,
            judgement: &judgement,
            body_checked,
            handling,
        };
        match draft.commit(self, arrival, &nonce).await {
            Ok(acknowledgement) => {
                Ok(Acceptance::Fresh(Box::new(Accepted { decision, nonce, judgement, acknowledgement, verdict })))
            }
            Err(IssueFailure::Write(WriteFailure::Conflict(
                Conflict::Replay { accepted } | Conflict::DuplicateId { existing: accepted, .. },
            ))) => self.repeated(&decision, &claims.iss, accepted).await,
            Err(failure) => Err(NotAccepted {
                detail: Some(failure.to_string()),
                ..NotAccepted::of(failure.problem()).said_by(&claims.iss)
            }),
        }
    }

    /// The digest of the receipt that was accepted under this id. For an early answer: only the commit decides.
    async fn used(&self, claims: &Decision) -> Result<Option<Digest>, NotAccepted> {
        self.store.accepted(&claims.iss, &claims.jti).await.map_err(|error| NotAccepted {
            detail: Some(error.to_string()),
            ..NotAccepted::of(ProblemType::StorageUnavailable).said_by(&claims.iss)
        })
    }

    /// The very receipt that was consumed before is answered as it was then, even after it expired: its sender may
    /// have lost the answer. Everything else of it has to hold as before: whoever merely holds a copy of the receipt,
    /// out of a bundle for instance, does not have the nonce that opens it, and learns nothing.
    async fn given_before(&self, arrival: &Arrival<'_>, refused: NotAccepted) -> Result<Acceptance, NotAccepted> {
        let expired = |verdict: &Verdict| verdict.fails_only(Check::Freshness, ProblemType::Expired);
        let only_expired = refused.verdict.as_deref().is_some_and(expired);
        let Some(issuer) = refused.claimed_issuer.clone().filter(|_| only_expired) else { return Err(refused) };
        if !self.rates.take(&issuer, self.clock.now_ms()) {
            return Err(NotAccepted::of(ProblemType::RateLimited).said_by(&issuer));
        }
        let digest = Digest::of(arrival.receipt);
        match self.stored_answer(digest).await {
            Ok(Some(acknowledgement)) => Ok(Acceptance::Duplicate { acknowledgement, decision: digest }),
            _ => Err(refused),
        }
    }

    /// One id was used twice. The same receipt is a duplicate; another one is a lie that both receipts prove together,
    /// so both are kept.
    async fn repeated(
        &self,
        decision: &VerifiedReceipt,
        iss: &Issuer,
        accepted: Digest,
    ) -> Result<Acceptance, NotAccepted> {
        let failed =
            |detail: String| NotAccepted { detail: Some(detail), ..NotAccepted::of(ProblemType::StorageUnavailable) };
        if accepted == decision.digest() {
            let stored = self.stored_answer(accepted).await.map_err(|error| failed(error.to_string()))?;
            let acknowledgement = stored.ok_or_else(|| failed("the acknowledgement is not in the store".to_owned()))?;
            return Ok(Acceptance::Duplicate { acknowledgement, decision: accepted });
        }
        let detail = serde_json::json!({ "first": accepted, "second": decision.compact() });
        let note = Note { noticed: Noticed::TwoReceiptsOneId, peer: iss, about: accepted, detail };
        note_once(&*self.store, self.clock.now(), note).await.map_err(|error| failed(error.to_string()))?;
        Err(NotAccepted::of(ProblemType::Replayed).said_by(iss))
    }

    async fn stored_answer(&self, decision: Digest) -> Result<Option<String>, crate::io::store::StoreError> {
        let related = self.store.related(&decision).await?;
        let own = |kind: Kind, iss: &Issuer| kind == Kind::Acknowledgement && iss == self.issuer.name();
        Ok(related.into_iter().find(|stored| own(stored.kind, &stored.iss)).map(|stored| stored.compact))
    }
}

fn read_nonce(text: Option<&str>) -> Result<Option<Nonce>, ProblemType> {
    text.map(Nonce::parse).transpose().map_err(|_| ProblemType::NonceInvalid)
}

/// A query may hold secrets, and this text goes to the operator's log.
fn path_of(target: &str) -> String {
    target.split_once('?').map_or_else(|| target.to_owned(), |(path, _)| format!("{path}?…"))
}

/// For the operator that verifies: what the receipt names, and what this node saw.
fn expectation(receipt: &UnverifiedReceipt, arrival: &Arrival<'_>) -> String {
    let claims = receipt.claims();
    let body = arrival.body.map_or("a body that was not seen".to_owned(), |body| format!("{} body bytes", body.len()));
    format!(
        "receipt {} is made out to {}; this request is {} {} with {body}",
        claims.jti(),
        claims.aud(),
        arrival.method,
        path_of(arrival.target)
    )
}

#[cfg(test)]
mod tests;
