//! What the receipts of one call say to each other, and what of the story is missing.

use super::super::calls::sides;
use super::super::document::{Bundle, Item};
use super::super::findings::{Observation, Withheld};
use super::super::report::{CallReport, ItemReport};
use crate::ground::effect::Effect;
use crate::ground::receipt::payload::{
    Acknowledgement, BodyBinding, Decision, Mode, OutcomeStatus, Payload, ResponseBinding,
};

pub(super) fn observations(bundle: &Bundle, items: &[ItemReport], calls: &[CallReport]) -> Vec<Observation> {
    let mut found: Vec<Observation> = calls.iter().flat_map(|call| of_call(call, items)).collect();
    for (item, report) in bundle.items().iter().zip(items) {
        if discloses(item) && nonce_of(item, report, calls, bundle).is_none() {
            found.push(Observation::DisclosedWithoutNonce { item: report.number });
        }
    }
    found
}

fn of_call(call: &CallReport, items: &[ItemReport]) -> Vec<Observation> {
    let mut found = Vec::new();
    let (answers, (executor, caller)) = (acknowledgements(call, items), sides(call, items));
    if answers.len() > 1 {
        found.push(Observation::AcknowledgedTwice { items: answers.iter().map(|(number, _)| *number).collect() });
    }
    let decision = call.decision.and_then(|number| Some((number, decision(items, number)?)));
    for (acknowledgement, answer) in &answers {
        let acknowledgement = *acknowledgement;
        if let Some((decision, asked)) = decision
            && asked.effect != Effect::Allow
            && answer.effect == Effect::Allow
        {
            found.push(Observation::AllowedAgainstDecision { decision, acknowledgement });
        }
        let refused = answer.effect != Effect::Allow && answer.mode == Mode::Enforce;
        for (outcome, told) in &executor {
            let outcome = *outcome;
            if refused && told.status == OutcomeStatus::Completed {
                found.push(Observation::ExecutedAgainstRefusal { acknowledgement, outcome });
            }
            if told.acknowledgement.as_ref().is_some_and(|named| named.jti != answer.jti) {
                found.push(Observation::AcknowledgementDiffers { outcome, acknowledgement });
            }
        }
    }
    for (executor, one) in &executor {
        let differing = caller.iter().filter(|(_, other)| !one.agrees_with(other));
        found.extend(differing.map(|(caller, _)| Observation::OutcomesDiffer { executor: *executor, caller: *caller }));
    }
    found
}

/// The acknowledgements of a call that count, each once.
fn acknowledgements<'a>(call: &CallReport, items: &'a [ItemReport]) -> Vec<(usize, &'a Acknowledgement)> {
    let mut answers: Vec<(usize, &Acknowledgement)> = Vec::new();
    for number in &call.acknowledgements {
        let item = number.checked_sub(1).and_then(|at| items.get(at)).filter(|item| item.counts());
        if let Some(Payload::Acknowledgement(answer)) = item.and_then(|item| item.says.as_ref())
            && !answers.iter().any(|(_, known)| **known == **answer)
        {
            answers.push((*number, answer));
        }
    }
    answers
}

fn decision(items: &[ItemReport], number: usize) -> Option<&Decision> {
    match number.checked_sub(1).and_then(|at| items.get(at))?.says.as_ref()? {
        Payload::Decision(decision) => Some(decision),
        _ => None,
    }
}

fn discloses(item: &Item) -> bool {
    item.request.is_some() || item.response.is_some()
}

/// The nonce of an item: its own, or that of its call's decision.
fn nonce_of<'a>(item: &'a Item, report: &ItemReport, calls: &[CallReport], bundle: &'a Bundle) -> Option<&'a Item> {
    let of_decision = || {
        let among = |call: &&CallReport| call.outcomes.contains(&report.number);
        let number = calls.iter().find(among)?.decision?;
        bundle.items().get(number.checked_sub(1)?).filter(|decision| decision.nonce.is_some())
    };
    if item.nonce.is_some() { Some(item) } else { of_decision() }
}

/// What would belong to the story and is not in the file.
pub(in crate::ground::bundle) fn withheld(
    bundle: &Bundle,
    items: &[ItemReport],
    calls: &[CallReport],
) -> Vec<Withheld> {
    let mut missing = Vec::new();
    for (item, report) in bundle.items().iter().zip(items) {
        let number = report.number;
        let Some(says) = &report.says else { continue };
        if item.proof.is_none() {
            missing.push(Withheld::Proof { item: number });
        }
        match says {
            Payload::Decision(decision) => missing.extend(of_request(number, item, decision)),
            Payload::Outcome(outcome) => {
                let open = nonce_of(item, report, calls, bundle);
                let shown = item.response.as_ref().or_else(|| open?.response.as_ref());
                let bound = |response: &ResponseBinding| response.body == BodyBinding::Bound;
                if outcome.response.as_ref().is_some_and(bound) && shown.is_none_or(|shown| shown.body.is_none()) {
                    missing.push(Withheld::ResponseBody { item: number });
                }
            }
            Payload::Acknowledgement(_) | Payload::Configuration(_) => {}
        }
    }
    missing.extend(calls.iter().flat_map(|call| of_answers(call, items)));
    missing.sort_by_key(|missing| missing.item());
    missing
}

fn of_request(number: usize, item: &Item, decision: &Decision) -> Vec<Withheld> {
    let Some(binding) = &decision.binding else { return Vec::new() };
    let mut missing = Vec::new();
    if item.nonce.is_none() {
        missing.push(Withheld::Nonce { item: number });
    }
    match &item.request {
        None => missing.push(Withheld::Request { item: number }),
        Some(request) if request.body.is_none() && binding.body == BodyBinding::Bound => {
            missing.push(Withheld::RequestBody { item: number });
        }
        Some(_) => {}
    }
    missing
}

fn of_answers(call: &CallReport, items: &[ItemReport]) -> Vec<Withheld> {
    let (answers, (executor, _)) = (acknowledgements(call, items), sides(call, items));
    let mut missing = Vec::new();
    match call.decision {
        Some(number) => {
            let across = decision(items, number).is_some_and(|decision| decision.iss != decision.aud);
            if across && answers.is_empty() {
                missing.push(Withheld::Acknowledgement { item: number });
            }
        }
        None => {
            let first = call.acknowledgements.iter().chain(&call.outcomes).min();
            missing.extend(first.map(|item| Withheld::Decision { item: *item }));
        }
    }
    let forwarded =
        |answer: &&(usize, &Acknowledgement)| answer.1.effect == Effect::Allow || answer.1.mode == Mode::Observe;
    if executor.is_empty() {
        missing.extend(answers.iter().find(forwarded).map(|(item, _)| Withheld::Outcome { item: *item }));
    }
    missing
}
