//! What the receipts of one call prove, and what they merely say.
//!
//! What they say stands beside it, so the sentences here name receipts by number and gather those of which the same
//! holds.

use std::collections::BTreeMap;

use super::visible;
use super::words::{and, numbers, quote, time};
use crate::ground::bundle::{BundleReport, ItemReport};
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::payload::{Assurance, Basis, BodyBinding, Decision, Payload};
use crate::ground::verdict::{Check, Conclusion};

/// The sentences about some receipts.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pub(super) proven: Vec<String>,
    pub(super) claimed: Vec<String>,
}

/// A receipt that is not refuted, with what it says.
type Told<'a> = (&'a ItemReport, &'a Payload);

/// Sorts what the receipts amount to. Of invalid ones nothing counts; where an operator is not pinned nothing is
/// proven.
pub(super) fn statements(report: &BundleReport, numbers: &[usize]) -> Statements {
    let items = numbers.iter().filter_map(|number| report.item(*number));
    let told: Vec<Told<'_>> = items
        .filter(|item| item.verdict.verdict != Conclusion::Invalid)
        .filter_map(|item| Some((item, item.says.as_ref()?)))
        .collect();
    let (proven, open): (Vec<Told<'_>>, Vec<Told<'_>>) = told.iter().partition(|(item, _)| item.is_proven());
    let mut found = Statements::default();
    if !proven.is_empty() {
        found.proven.push(format!("Who made these statements: {}.", by_issuer(&proven)));
        disclosed(&proven, &mut found.proven);
        logged(&proven, &mut found.proven);
    }
    if !open.is_empty() {
        found.claimed.push(format!("Who made these statements: {}, so the file says.", by_issuer(&open)));
    }
    claims(&told, &mut found.claimed);
    found
}

fn by_issuer(told: &[Told<'_>]) -> String {
    let mut groups: BTreeMap<&Issuer, Vec<usize>> = BTreeMap::new();
    told.iter().for_each(|(item, says)| groups.entry(says.iss()).or_default().push(item.number));
    and(groups.into_iter().map(|(issuer, items)| format!("{} by {issuer}", numbers(&items))))
}

fn disclosed(proven: &[Told<'_>], sentences: &mut Vec<String>) {
    let answers: Vec<usize> = of(proven, |(item, _)| item.passes(Check::Relation));
    if !answers.is_empty() {
        sentences.push(format!("That no other decision than this one is meant in {}.", numbers(&answers)));
    }
    for (item, says) in proven {
        let number = item.number;
        if let Some((method, target)) = item.request.as_ref().filter(|_| item.passes(Check::Target)) {
            sentences.push(format!("That #{number} was made for the request {} {}.", visible(method), quote(target)));
        }
        if item.passes(Check::Body) {
            let which = if matches!(says, Payload::Outcome(_)) { "response" } else { "request" };
            sentences.push(format!(
                "That the {which} body in this file is, byte for byte, the one that #{number} is about."
            ));
        }
    }
}

fn logged(proven: &[Told<'_>], sentences: &mut Vec<String>) {
    let mut logs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (item, says) in proven {
        if item.passes(Check::Inclusion) && item.passes(Check::Checkpoint) {
            let place = item.index.map(|index| format!(" (entry {index})")).unwrap_or_default();
            logs.entry(&says.log().origin).or_default().push(format!("#{}{place}", item.number));
        }
    }
    for (origin, items) in logs {
        let (it, origin) = (if items.len() == 1 { "it" } else { "they" }, visible(origin));
        let items = and(items.into_iter());
        sentences.push(format!("That the log {origin} holds {items}, from where {it} cannot be taken unnoticed."));
    }
    let kept = of(proven, |(item, _)| item.passes(Check::Promise) && !item.passes(Check::Witnesses));
    if !kept.is_empty() {
        sentences
            .push(format!("That {} kept the promise to be logged in time, by the log's own date.", numbers(&kept)));
    }
    let mut witnessed: BTreeMap<Timestamp, Vec<usize>> = BTreeMap::new();
    for (item, _) in proven.iter().filter(|(item, _)| item.passes(Check::Witnesses)) {
        if let Some(time) = item.verdict.witnessed_time {
            witnessed.entry(time).or_default().push(item.number);
        }
    }
    if !witnessed.is_empty() {
        let dated = and(witnessed.into_iter().map(|(at, items)| format!("{} by {}", numbers(&items), time(at))));
        sentences.push(format!("Since when these exist at the latest, by the word of your witnesses: {dated}."));
    }
}

fn of(told: &[Told<'_>], holds: impl Fn(&Told<'_>) -> bool) -> Vec<usize> {
    told.iter().filter(|told| holds(told)).map(|(item, _)| item.number).collect()
}

fn claims(told: &[Told<'_>], sentences: &mut Vec<String>) {
    for (item, says) in told {
        if let Payload::Decision(decision) = says {
            identities(item.number, decision, sentences);
        }
    }
    let evaluated = of(told, |(_, says)| assurance(says) == Some(Assurance::Evaluated));
    if !evaluated.is_empty() {
        sentences.push(format!("That the operators' policies lead to {}.", numbers(&evaluated)));
    }
    let observed = of(told, |(_, says)| assurance(says) == Some(Assurance::Observed));
    if !observed.is_empty() {
        sentences.push(format!(
            "That another system decided {} so: the operator's node was only told the result.",
            numbers(&observed)
        ));
    }
    let checked =
        |says: &Payload| matches!(says, Payload::Acknowledgement(answer) if answer.body == BodyBinding::Bound);
    let checked = of(told, |(_, says)| checked(says));
    if !checked.is_empty() {
        sentences.push(format!("That the body was checked before {} was given.", numbers(&checked)));
    }
    let outcomes = of(told, |(_, says)| matches!(says, Payload::Outcome(_)));
    if !outcomes.is_empty() {
        sentences.push(format!(
            "That the call came out as told in {}: an outcome is its operator's word.",
            numbers(&outcomes)
        ));
    }
    let undated = of(told, |(item, _)| item.verdict.witnessed_time.is_none());
    if !undated.is_empty() {
        sentences.push(format!("The times of {}: no witness confirms them here.", numbers(&undated)));
    }
}

fn assurance(says: &Payload) -> Option<Assurance> {
    match says {
        Payload::Decision(decision) => Some(decision.assurance),
        Payload::Acknowledgement(answer) => Some(answer.assurance),
        Payload::Outcome(_) | Payload::Configuration(_) => None,
    }
}

fn identities(number: usize, decision: &Decision, sentences: &mut Vec<String>) {
    let (issuer, identity) = (&decision.iss, &decision.identity);
    let mut fact = |what: String, basis: &Basis| {
        sentences.push(match basis {
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
}
