//! One stored receipt by itself: digest, form, signature, columns and what opens it.

use super::difference::{Column, Difference};
use super::signers::Signers;
use crate::ground::canonical;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Decision, Observer, Payload};
use crate::io::store::{Identity, StoredReceipt};
use crate::node::decider::Opened;

/// What the rest of the audit has to know of a receipt.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) position: u64,
    pub(super) jti: ReceiptId,
    /// Computed, not read.
    pub(super) digest: Digest,
    pub(super) own: bool,
    pub(super) says: Option<Said>,
}

/// What the receipt itself says, as far as rows depend on it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) include_by: Timestamp,
    pub(super) head: (u64, Digest),
    pub(super) session: Option<(String, u64)>,
    pub(super) epoch: Option<Begun>,
    /// A received decision: who signed it, and until when it could be accepted.
    pub(super) acceptable: Option<(Issuer, Timestamp)>,
    /// An own outcome: issuer and id of the decision about the call.
    pub(super) ends: Option<(Issuer, ReceiptId)>,
}

/// The epoch that a configuration receipt begins.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) position: u64,
    pub(super) jti: ReceiptId,
    pub(super) receipt: Digest,
    pub(super) number: u64,
    pub(super) before: Option<Digest>,
    pub(super) after: Digest,
}

/// Checks a page's receipts on whichever thread this runs.
pub(super) fn check(rows: &[StoredReceipt], identity: &Identity, signers: &Signers) -> (Vec<Checked>, Vec<Difference>) {
    let mut differences = Vec::new();
    let checked = rows.iter().map(|row| check_one(row, identity, signers, &mut differences)).collect();
    (checked, differences)
}

fn check_one(row: &StoredReceipt, identity: &Identity, signers: &Signers, found: &mut Vec<Difference>) -> Checked {
    let position = row.position.0;
    let digest = Digest::of(row.compact.as_bytes());
    if digest != row.digest {
        found.push(Difference::ReceiptDigest { position, stored: row.digest, computed: digest });
    }
    let mut checked = Checked { position, jti: row.jti, digest, own: row.iss == identity.issuer, says: None };
    let receipt = match UnverifiedReceipt::parse(row.compact.as_bytes()) {
        Ok(receipt) => receipt,
        Err(error) => {
            found.push(Difference::ReceiptMalformed { position, error: error.to_string() });
            return checked;
        }
    };
    let claims = receipt.claims().clone();
    checked.own = *claims.iss() == identity.issuer;
    compare_columns(row, &claims, found);
    if checked.own && claims.log().origin != identity.origin {
        found.push(Difference::Origin { position, jti: *claims.jti(), origin: claims.log().origin.clone() });
    }
    if let Err(problem) = signers.check(receipt) {
        let (jti, issuer) = (*claims.jti(), claims.iss().clone());
        found.push(match problem {
            None => Difference::SignerUnknown { position, jti, issuer },
            Some(problem) => Difference::ReceiptSignature { position, jti, issuer, problem },
        });
    }
    if let Some(what) = row.opening.is_some().then(|| unopened(row, &claims)).flatten() {
        found.push(Difference::Opening { position, jti: *claims.jti(), what });
    }
    checked.says = Some(said(position, digest, checked.own, &claims));
    checked
}

fn compare_columns(row: &StoredReceipt, claims: &Payload, found: &mut Vec<Difference>) {
    let same = [
        (Column::Jti, row.jti == *claims.jti()),
        (Column::Kind, row.kind == claims.kind()),
        (Column::Iss, row.iss == *claims.iss()),
        (Column::Aud, row.aud == *claims.aud()),
        (Column::Iat, row.iat == *claims.iat()),
        (Column::RelatesTo, row.relates_to == claims.about().map(|about| about.digest)),
        (Column::IncludeBy, row.include_by == Some(claims.log().include_by)),
    ];
    let differing = same.into_iter().filter(|(_, same)| !same);
    let (position, jti) = (row.position.0, *claims.jti());
    found.extend(differing.map(|(column, _)| Difference::ReceiptColumn { position, jti, column }));
}

fn said(position: u64, receipt: Digest, own: bool, claims: &Payload) -> Said {
    let promise = claims.log();
    let mut said = Said {
        include_by: promise.include_by,
        head: (promise.size, promise.root),
        session: None,
        epoch: None,
        acceptable: None,
        ends: None,
    };
    match claims {
        Payload::Decision(decision) if own => {
            said.session = decision.session.as_ref().map(|session| (session.id.clone(), session.seq));
        }
        Payload::Decision(decision) => said.acceptable = Some((decision.iss.clone(), decision.exp)),
        Payload::Configuration(change) if own => {
            let (number, before, after) = (change.number, change.before, change.after);
            said.epoch = Some(Begun { position, jti: change.jti, receipt, number, before, after });
        }
        Payload::Outcome(outcome) if own => {
            let decided_by = match outcome.observer {
                Observer::Caller => outcome.iss.clone(),
                Observer::Executor => outcome.aud.clone(),
            };
            said.ends = Some((decided_by, outcome.receipt.jti));
        }
        Payload::Acknowledgement(_) | Payload::Outcome(_) | Payload::Configuration(_) => {}
    }
    said
}

/// The commitment that the stored opening does not open, if there is one.
fn unopened(row: &StoredReceipt, claims: &Payload) -> Option<&'static str> {
    let Some(opened) = row.opening.as_ref().and_then(Opened::from_opening) else { return Some("commitments") };
    let inputs = match claims {
        Payload::Decision(decision) => decision.inputs,
        Payload::Acknowledgement(acknowledgement) => acknowledgement.inputs,
        Payload::Outcome(_) | Payload::Configuration(_) => None,
    };
    if let (Some(commitment), Some(salt), Some(value)) = (inputs, &opened.salt, &opened.inputs) {
        let bytes = canonical::to_vec(value).unwrap_or_default();
        if Nonce::parse(salt).ok().map(|salt| salt.commit(Committed::Inputs, &bytes)) != Some(commitment) {
            return Some("inputs");
        }
    }
    match claims {
        Payload::Decision(decision) => unopened_target(&opened, decision),
        Payload::Acknowledgement(_) | Payload::Outcome(_) | Payload::Configuration(_) => None,
    }
}

fn unopened_target(opened: &Opened, decision: &Decision) -> Option<&'static str> {
    let (binding, nonce) = (decision.binding.as_ref()?, opened.nonce.as_ref()?);
    let (method, target) = (opened.method.as_ref()?, opened.target.as_ref()?);
    let Ok(nonce) = Nonce::parse(nonce) else { return Some("target") };
    (nonce.commit_target(method, target) != binding.target).then_some("target")
}
