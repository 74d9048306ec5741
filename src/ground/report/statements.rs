//! What one receipt proves, and what it merely says.

use super::visible;
use super::words::{claims_line, quote};
use crate::ground::bundle::{BundleReport, ItemReport};
use crate::ground::receipt::payload::{Assurance, Basis, BodyBinding, Decision, LogPromise, Payload};
use crate::ground::utc;
use crate::ground::verdict::{Check, Conclusion};

/// The sentences about one receipt.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pub(super) proven: Vec<String>,
    pub(super) claimed: Vec<String>,
}

/// Sorts what a receipt amounts to. Of an invalid one nothing counts; of one whose operator is not pinned nothing is
/// proven.
pub(super) fn statements(report: &BundleReport, item: &ItemReport) -> Statements {
    let mut found = Statements::default();
    let Some(says) = &item.says else { return found };
    if item.verdict.verdict == Conclusion::Invalid {
        return found;
    }
    let (issuer, line) = (says.iss(), claims_line(says));
    if item.is_proven() {
        found.proven.push(format!("{issuer} signed #{}: it {line}.", item.number));
        bound(item, says, &mut found.proven);
        logged(report, item, says.log(), &mut found.proven);
    } else {
        found.claimed.push(format!("That {issuer} signed #{} at all: it {line}.", item.number));
    }
    if item.passes(Check::Relation) {
        let sentence = format!("#{} answers exactly the decision in this file.", item.number);
        found.proven.extend(item.is_proven().then_some(sentence));
    }
    claims(item, says, &mut found.claimed);
    found
}

fn bound(item: &ItemReport, says: &Payload, proven: &mut Vec<String>) {
    let is_outcome = matches!(says, Payload::Outcome(_));
    if let Some((method, target)) = item.request.as_ref().filter(|_| item.passes(Check::Target)) {
        proven.push(format!("#{} was made for the request {} {}.", item.number, visible(method), quote(target)));
    }
    if item.passes(Check::Body) {
        let which = if is_outcome { "response" } else { "request" };
        proven.push(format!("The {which} body in this file is, byte for byte, the one that #{} names.", item.number));
    }
}

fn logged(report: &BundleReport, item: &ItemReport, promise: &LogPromise, proven: &mut Vec<String>) {
    if !(item.passes(Check::Inclusion) && item.passes(Check::Checkpoint)) {
        return;
    }
    let place = item.index.map(|index| format!(" as entry {index}")).unwrap_or_default();
    let number = item.number;
    proven.push(format!(
        "#{number} stands in the log {}{place}, and cannot be taken out unnoticed.",
        visible(&promise.origin)
    ));
    match item.verdict.witnessed_time.filter(|_| item.passes(Check::Witnesses)) {
        Some(time) => proven.push(format!("Your witnesses confirm that #{number} existed by {}.", utc::format(time))),
        None if report.level == crate::ground::verdict::Level::Witnessed => {}
        None if item.passes(Check::Promise) => proven.push(format!(
            "By the log's own date, #{number} was logged by {}, as it had promised.",
            utc::format(promise.include_by)
        )),
        None => {}
    }
}

fn claims(item: &ItemReport, says: &Payload, claimed: &mut Vec<String>) {
    let (number, issuer) = (item.number, says.iss());
    match says {
        Payload::Decision(decision) => identities(number, decision, claimed),
        Payload::Acknowledgement(answer) => {
            if answer.body == BodyBinding::Bound {
                claimed.push(format!("That {issuer} checked the body before it answered (#{number})."));
            }
            claimed.extend(evaluated(number, issuer, answer.assurance));
        }
        Payload::Outcome(_) => {
            claimed.push(format!("That the call came out as #{number} says: this is the word of {issuer}."));
        }
        Payload::Configuration(_) => {}
    }
    if item.verdict.witnessed_time.is_none() {
        claimed.push(format!(
            "The time of #{number}, {}: by the clock of {issuer}, which no witness confirms here.",
            utc::format(*says.iat())
        ));
    }
}

fn evaluated(number: usize, issuer: &crate::ground::name::Issuer, assurance: Assurance) -> Option<String> {
    Some(match assurance {
        Assurance::Evaluated => format!("That the policies of {issuer} lead to #{number}."),
        Assurance::Observed => {
            format!("That another system of {issuer} decided so: its node was only told the result (#{number}).")
        }
    })
}

fn identities(number: usize, decision: &Decision, claimed: &mut Vec<String>) {
    let (issuer, identity) = (&decision.iss, &decision.identity);
    let mut fact = |what: String, basis: &Basis| {
        claimed.push(match basis {
            Basis::Claimed {} => format!("That {what} (#{number}): somebody said so, and {issuer} did not check it."),
            Basis::Verified { by } => {
                format!("That {what} (#{number}): {issuer} says that it checked this, by {}.", quote(by.as_str()))
            }
        });
    };
    fact(format!("the calling agent is {}", quote(&decision.subject.id)), &identity.agent);
    if let Some(basis) = &identity.user {
        fact(format!("it acts for {}", quote(&decision.sub)), basis);
    }
    if let Some(basis) = &identity.delegation {
        fact("the agents before it in the chain handed over to it".to_owned(), basis);
    }
    claimed.extend(evaluated(number, issuer, decision.assurance));
}
