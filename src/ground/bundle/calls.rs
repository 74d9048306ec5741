//! Which receipts speak of one call, and whether its two sides tell the same.

use std::collections::BTreeMap;

use super::report::{CallReport, ItemReport, Stories};
use crate::ground::crypto::hash::Digest;
use crate::ground::receipt::payload::{Observer, Outcome, Payload};

/// Gathers the receipts by decision, in the order in which the calls first come up. `decision_of` gives the number of
/// the decision that an answer speaks of.
pub(super) fn group(items: &[ItemReport], decision_of: impl Fn(usize) -> Option<usize>) -> Vec<CallReport> {
    let mut places: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut calls: Vec<CallReport> = Vec::new();
    for item in items {
        let Some((says, own)) = item.says.as_ref().zip(item.digest) else { continue };
        let is_decision = matches!(says, Payload::Decision(_));
        let named = decision_of(item.number).and_then(|number| items.get(number.checked_sub(1)?)?.digest);
        let Some(digest) = named.or(says.about().map(|about| about.digest)).or(is_decision.then_some(own)) else {
            continue;
        };
        let place = *places.entry(digest).or_insert_with(|| {
            calls.push(empty(digest));
            calls.len() - 1
        });
        let Some(call) = calls.get_mut(place) else { continue };
        match says {
            Payload::Decision(_) => call.decision = call.decision.or(Some(item.number)),
            Payload::Acknowledgement(_) => call.acknowledgements.push(item.number),
            Payload::Outcome(_) => call.outcomes.push(item.number),
            Payload::Configuration(_) => {}
        }
    }
    calls
}

fn empty(digest: Digest) -> CallReport {
    CallReport { digest, decision: None, acknowledgements: Vec::new(), outcomes: Vec::new(), stories: Stories::Untold }
}

/// Holds the outcomes of each call against each other.
pub(super) fn compare(mut calls: Vec<CallReport>, items: &[ItemReport]) -> Vec<CallReport> {
    for call in &mut calls {
        let (executor, caller) = sides(call, items);
        call.stories = match (executor.as_slice(), caller.as_slice()) {
            ([], []) => Stories::Untold,
            ([], _) | (_, []) => Stories::OneSided,
            (executor, caller) => {
                let agree = executor.iter().all(|(_, one)| caller.iter().all(|(_, other)| one.agrees_with(other)));
                if agree { Stories::Agree } else { Stories::Differ }
            }
        };
    }
    calls
}

/// An outcome with its number.
pub(super) type Told<'a> = Vec<(usize, &'a Outcome)>;

/// The outcomes that count, the executor's and the caller's.
pub(super) fn sides<'a>(call: &CallReport, items: &'a [ItemReport]) -> (Told<'a>, Told<'a>) {
    let told = call.outcomes.iter().filter_map(|number| {
        let item = items.get(number.checked_sub(1)?).filter(|item| item.counts())?;
        match item.says.as_ref()? {
            Payload::Outcome(outcome) => Some((*number, &**outcome)),
            _ => None,
        }
    });
    told.partition(|(_, outcome)| outcome.observer == Observer::Executor)
}
