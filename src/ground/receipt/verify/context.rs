//! The checks of the moment: for whom, when, for which request, about which decision.

use super::{Exchange, Question};
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::binding::Committed;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Observer, Payload, ReceiptRef, RequestBinding, ResponseBinding};
use crate::ground::verdict::{Absence, Check, CheckResult, CheckRows};

pub(super) fn check(receipt: &UnverifiedReceipt, question: &Question<'_>, rows: &mut CheckRows) {
    let claims = receipt.claims();
    if let Some(audience) = question.audience {
        let holds = claims.aud() == audience;
        rows.record_outcome(Check::Audience, holds.then_some(()).ok_or(ProblemType::AudienceMismatch));
    }
    if let Some(at) = question.at {
        rows.record_outcome(Check::Freshness, freshness(claims, at, question.skew_s));
    }
    rows.record(Check::Replay, CheckResult::NotEvaluated(Absence::OnlyOnAcceptance));
    check_relation(claims, question.decision, rows);
    match claims {
        Payload::Decision(decision) => check_request(decision.binding.as_ref(), question.exchange, rows),
        Payload::Outcome(outcome) => check_response(outcome.response.as_ref(), question.exchange, rows),
        Payload::Acknowledgement(_) | Payload::Configuration(_) => {
            rows.record(Check::Target, CheckResult::NotEvaluated(Absence::DoesNotApply));
            rows.record(Check::Body, CheckResult::NotEvaluated(Absence::DoesNotApply));
        }
    }
}

/// Only a decision expires: the other kinds state what was, and must merely not come from the future.
fn freshness(claims: &Payload, at: Timestamp, skew_s: u64) -> Result<(), ProblemType> {
    let (starts, ends) = match claims {
        Payload::Decision(decision) => (decision.nbf.unwrap_or(decision.iat).max(decision.iat), Some(decision.exp)),
        _ => (*claims.iat(), None),
    };
    if starts > at.plus(skew_s) {
        Err(ProblemType::NotYetValid)
    } else if ends.is_some_and(|end| end.plus(skew_s) <= at) {
        Err(ProblemType::Expired)
    } else {
        Ok(())
    }
}

fn check_request(binding: Option<&RequestBinding>, exchange: Option<Exchange<'_>>, rows: &mut CheckRows) {
    let (Some(exchange), Some(binding)) = (exchange, binding) else {
        let result = match (exchange, binding) {
            (Some(_), None) => CheckResult::Fail(ProblemType::BindingMissing),
            (None, None) => CheckResult::NotEvaluated(Absence::DoesNotApply),
            (None, Some(_)) | (Some(_), Some(_)) => CheckResult::NotEvaluated(Absence::NotAsked),
        };
        rows.record(Check::Target, result);
        return rows.record(Check::Body, result);
    };
    let Some(nonce) = exchange.nonce else {
        rows.record(Check::Target, CheckResult::Fail(ProblemType::NonceMissing));
        return rows.record(Check::Body, CheckResult::NotEvaluated(Absence::BlockedByFailure));
    };
    if let Some((method, target)) = exchange.target {
        let holds = nonce.commit_target(method, target).ct_eq(&binding.target);
        rows.record_outcome(Check::Target, holds.then_some(()).ok_or(ProblemType::TargetMismatch));
    }
    let body = match (binding.content, exchange.body) {
        (Some(content), Some(body)) if nonce.commit(Committed::Body, body).ct_eq(&content) => CheckResult::Pass,
        (Some(_), Some(_)) => CheckResult::Fail(ProblemType::BodyMismatch),
        _ if exchange.demand_body => CheckResult::Fail(ProblemType::BodyUnbound),
        (Some(_), None) => CheckResult::NotEvaluated(Absence::BodyNotSeen),
        (None, _) => CheckResult::NotEvaluated(Absence::Unbound),
    };
    rows.record(Check::Body, body);
}

fn check_response(response: Option<&ResponseBinding>, exchange: Option<Exchange<'_>>, rows: &mut CheckRows) {
    rows.record(Check::Target, CheckResult::NotEvaluated(Absence::DoesNotApply));
    let Some(response) = response else {
        return rows.record(Check::Body, CheckResult::NotEvaluated(Absence::DoesNotApply));
    };
    let result = match (exchange.and_then(|seen| seen.response.zip(seen.nonce)), response.content) {
        (_, None) => CheckResult::NotEvaluated(Absence::Unbound),
        (None, Some(_)) => CheckResult::NotEvaluated(Absence::NotAsked),
        (Some((body, nonce)), Some(content)) if nonce.commit(Committed::Response, body).ct_eq(&content) => {
            CheckResult::Pass
        }
        (Some(_), Some(_)) => CheckResult::Fail(ProblemType::BodyMismatch),
    };
    rows.record(Check::Body, result);
}

/// An answer counts only if the operator that the decision is made out to gave it, to the operator that decided, and
/// it names that very decision.
fn check_relation(claims: &Payload, decision: Option<&UnverifiedReceipt>, rows: &mut CheckRows) {
    let Some(about) = claims.about() else {
        return rows.record(Check::Relation, CheckResult::NotEvaluated(Absence::DoesNotApply));
    };
    let Some(decision) = decision else { return };
    let asked = decision.claims();
    let by_caller = matches!(claims, Payload::Outcome(outcome) if outcome.observer == Observer::Caller);
    let (from, to) = if by_caller { (asked.iss(), asked.aud()) } else { (asked.aud(), asked.iss()) };
    let named = ReceiptRef { digest: decision.digest(), jti: *asked.jti() };
    let outcome = if claims.iss() != from || claims.aud() != to {
        Err(ProblemType::AcknowledgementIssuer)
    } else if *about != named || !matches!(asked, Payload::Decision(_)) {
        Err(ProblemType::AcknowledgementOther)
    } else {
        Ok(())
    };
    rows.record_outcome(Check::Relation, outcome);
}
