//! Verification of one receipt: the only source of [`VerifiedReceipt`].
//!
//! Every check of `verdict` is made here or reported as not evaluated, in one pass, by one implementation that the
//! node, the command line and the auditor share. What the verifier wants to know is the [`Question`]; what it trusts
//! comes in as [`Trust`]. Out of scope: replay, which only the accepting node's store can judge.

mod context;
mod logged;
mod signers;

pub(in crate::ground) use signers::is_signed_by_log;

use std::fmt;

use super::compact::UnverifiedReceipt;
use super::payload::Payload;
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::jose::UnverifiedJws;
use crate::ground::crypto::keys::{KeyUse, PublicKey};
use crate::ground::keyset::{KeyEntry, KeyState, PinnedKeySet, SelfSignedKeySet, state_at};
use crate::ground::kind::Kind;
use crate::ground::log::witness::Quorum;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::Nonce;
use crate::ground::verdict::{Absence, Check, CheckResult, CheckRows, Conclusion, Level, Verdict};

/// What the verifier knows about the issuer's keys.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// A key set under a pinned root key.
    Pinned(&'a PinnedKeySet),
    /// A key set that agrees with itself, and no pin: it proves nothing about who signed.
    Unpinned(&'a SelfSignedKeySet),
    /// A pin, and no key set.
    NoKeySet,
    /// Neither.
    Unknown,
    /// A key set that was refused, such as one that another root key signed.
    Refused(ProblemType),
}

impl<'a> Trust<'a> {
    fn key_set(self) -> Option<&'a SelfSignedKeySet> {
        match self {
            Self::Pinned(pinned) => Some(pinned.key_set()),
            Self::Unpinned(key_set) => Some(key_set),
            Self::NoKeySet | Self::Unknown | Self::Refused(_) => None,
        }
    }

    /// Why nothing can be held against a key set, where there is none to use.
    fn absence(self) -> Absence {
        match self {
            Self::Refused(_) => Absence::BlockedByFailure,
            _ => Absence::NoKeySet,
        }
    }
}

/// The HTTP exchange that a receipt is held against. What is `None` was not seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exchange<'a> {
    /// The nonce that came with the request.
    pub nonce: Option<&'a Nonce>,
    /// Method and absolute target URI, built from the receiver's configured public URL.
    pub target: Option<(&'a str, &'a str)>,
    /// The request body: the whole of it.
    pub body: Option<&'a [u8]>,
    /// The response body: the whole of it.
    pub response: Option<&'a [u8]>,
    /// Whether a request body that is unbound, or was not seen, is a failure.
    pub demand_body: bool,
}

/// What a verifier asks of one receipt.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The level at which to conclude.
    pub level: Level,
    /// The one kind that will do.
    pub kind: Option<Kind>,
    /// What is known about the issuer's keys.
    pub trust: Trust<'a>,
    /// The time to judge freshness by; offline verification has none unless it is told.
    pub at: Option<Timestamp>,
    /// Seconds by which the issuer's clock may differ from the verifier's.
    pub skew_s: u64,
    /// Whom the receipt must be made out to.
    pub audience: Option<&'a Issuer>,
    /// The exchange that it must be bound to.
    pub exchange: Option<Exchange<'a>>,
    /// The decision that an acknowledgement or outcome must speak of.
    pub decision: Option<&'a UnverifiedReceipt>,
    /// A C2SP tlog-proof file for it.
    pub proof: Option<&'a [u8]>,
    /// The consistency proof from the head that it names to the proof's checkpoint.
    pub head_proof: Option<&'a [Digest]>,
    /// The witnesses that have to have cosigned.
    pub quorum: Option<&'a Quorum>,
}

impl<'a> Question<'a> {
    /// A question at `level` about signature and log only: no time, audience or exchange.
    pub fn offline(level: Level, trust: Trust<'a>) -> Self {
        Self {
            level,
            kind: None,
            trust,
            at: None,
            skew_s: 0,
            audience: None,
            exchange: None,
            decision: None,
            proof: None,
            head_proof: None,
            quorum: None,
        }
    }
}

/// A receipt that passed every check that its question demanded. Nothing else in the crate can build one, and it
/// cannot be deserialised.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    jws: UnverifiedJws,
    payload: Payload,
    digest: Digest,
    level: Level,
}

impl VerifiedReceipt {
    /// What it says.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// SHA-256 over the compact serialisation.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The compact serialisation.
    pub fn compact(&self) -> &str {
        self.jws.compact()
    }

    /// The level that it was verified at.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl fmt::Debug for VerifiedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedReceipt({}, {}, {})", self.payload.kind(), self.digest, self.level)
    }
}

/// A verdict, and the verified receipt when the verdict is `valid`.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The result of every check.
    pub verdict: Verdict,
    /// The receipt, if it is valid.
    pub receipt: Option<VerifiedReceipt>,
}

/// Makes every check that the question allows.
pub fn verify(receipt: UnverifiedReceipt, question: &Question<'_>) -> Verification {
    let mut rows = CheckRows::new();
    let claims = receipt.claims();
    let kind_fits = question.kind.is_none_or(|kind| kind == claims.kind());
    let format = if kind_fits { Ok(()) } else { Err(ProblemType::KindUnexpected) };
    rows.record_outcome(Check::Format, format);
    check_trust(question.trust, &mut rows);
    context::check(&receipt, question, &mut rows);
    let times = logged::check(&receipt, question, &mut rows);
    check_signature(&receipt, question.trust, times.witnessed, &mut rows);

    let mut verdict = rows.conclude(question.level);
    verdict.checkpoint_time = times.checkpoint;
    verdict.witnessed_time = times.witnessed;
    let (jws, payload, digest) = receipt.into_parts();
    let valid = verdict.verdict == Conclusion::Valid;
    let receipt = valid.then_some(VerifiedReceipt { jws, payload, digest, level: question.level });
    Verification { verdict, receipt }
}

/// The verdict on bytes that are no receipt.
pub fn refuse_format(problem: ProblemType, level: Level) -> Verdict {
    let mut rows = CheckRows::new();
    rows.record_all(&Check::ALL, CheckResult::NotEvaluated(Absence::BlockedByFailure));
    rows.record(Check::Format, CheckResult::Fail(problem));
    rows.conclude(level)
}

fn check_trust(trust: Trust<'_>, rows: &mut CheckRows) {
    let (issuer, key_set) = match trust {
        Trust::Pinned(_) => (CheckResult::Pass, CheckResult::Pass),
        Trust::Unpinned(_) => {
            (CheckResult::NotEvaluated(Absence::NotPinned), CheckResult::NotEvaluated(Absence::NotPinned))
        }
        Trust::NoKeySet => (CheckResult::Pass, CheckResult::NotEvaluated(Absence::NoKeySet)),
        Trust::Unknown => (CheckResult::NotEvaluated(Absence::NotPinned), CheckResult::NotEvaluated(Absence::NoKeySet)),
        Trust::Refused(problem) => (CheckResult::Pass, CheckResult::Fail(problem)),
    };
    rows.record(Check::Issuer, issuer);
    rows.record(Check::KeySet, key_set);
}

/// Key and signature. A revoked key comes last, because only a witnessed time can save what it signed before.
fn check_signature(receipt: &UnverifiedReceipt, trust: Trust<'_>, witnessed: Option<Timestamp>, rows: &mut CheckRows) {
    let Some(key_set) = trust.key_set() else {
        let absent = CheckResult::NotEvaluated(trust.absence());
        return rows.record_all(&[Check::Key, Check::Signature], absent);
    };
    match find_key(receipt, key_set) {
        Err(problem) => {
            rows.record(Check::Key, CheckResult::Fail(problem));
            rows.record(Check::Signature, CheckResult::NotEvaluated(Absence::BlockedByFailure));
        }
        Ok((entry, key)) => {
            rows.record(Check::Key, key_state(entry, *receipt.claims().iat(), witnessed));
            let signed = receipt.jws().is_signed_by(key);
            rows.record_outcome(Check::Signature, signed.then_some(()).ok_or(ProblemType::SignatureInvalid));
        }
    }
}

fn find_key<'a>(
    receipt: &UnverifiedReceipt,
    key_set: &'a SelfSignedKeySet,
) -> Result<(&'a KeyEntry, &'a PublicKey), ProblemType> {
    if key_set.document().iss != *receipt.claims().iss() {
        return Err(ProblemType::KeyUnknown);
    }
    if key_set.fingerprint() == receipt.kid() {
        return Err(ProblemType::KeyWrongPurpose);
    }
    let (entry, key) = key_set.find(receipt.kid()).ok_or(ProblemType::KeyUnknown)?;
    if entry.usage == KeyUse::Receipt { Ok((entry, key)) } else { Err(ProblemType::KeyWrongPurpose) }
}

/// Whether a key may have signed what dates itself `at`. A revocation names a time that the revoker claims: where
/// witnesses date the receipt or checkpoint before it, that stands; where they date it later, nothing tells whether the
/// claim was made backwards, so nothing is concluded.
fn key_state(entry: &KeyEntry, at: Timestamp, witnessed: Option<Timestamp>) -> CheckResult {
    match (entry.state, witnessed, entry.until) {
        (KeyState::Revoked, Some(_), _) if at < entry.since => CheckResult::Fail(ProblemType::KeyNotActive),
        (KeyState::Revoked, Some(witnessed), Some(until)) if witnessed < until => CheckResult::Pass,
        (KeyState::Revoked, Some(_), _) => CheckResult::NotEvaluated(Absence::RevokedUndated),
        _ => state_at(entry, at).map_or_else(CheckResult::Fail, |()| CheckResult::Pass),
    }
}

#[cfg(test)]
mod tests;
