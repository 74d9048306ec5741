//! One wording for each thing that can be said, shared by page and terminal.

use super::visible;
use crate::ground::bundle::{Finding, Observation, Stories, Withheld};
use crate::ground::effect::Effect;
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::payload::{
    Acknowledgement, Approval, ConfigurationEvent, Decision, Mode, Observer, Outcome, OutcomeStatus, Payload,
};
use crate::ground::utc;
use crate::ground::verdict::{Absence, Check, CheckResult, Conclusion, Level};

/// A name that a receipt gives, in quotation marks.
pub(super) fn quote(text: &str) -> String {
    format!("“{}”", visible(text))
}

/// What a check asks, for people.
pub(super) const fn check_title(check: Check) -> &'static str {
    match check {
        Check::Format => "The statement has the right form",
        Check::Issuer => "You pinned the operator's root key",
        Check::KeySet => "The operator's key set is signed by that root key",
        Check::Key => "The signing key was good when it signed",
        Check::Signature => "The signature is right",
        Check::Audience => "It is made out to whoever checks it",
        Check::Freshness => "It was valid at the time that you gave",
        Check::Target => "It belongs to the disclosed request",
        Check::Body => "It belongs to the disclosed body",
        Check::Replay => "It was used only once",
        Check::Relation => "It answers the decision in this file",
        Check::Inclusion => "It stands in the operator's log",
        Check::Checkpoint => "The log's state is signed and dated",
        Check::Promise => "It was logged by the promised time",
        Check::Head => "The log only grew since it was issued",
        Check::Witnesses => "Enough witnesses confirm the log",
    }
}

/// Why a check says nothing.
pub(super) const fn absence(absence: Absence) -> &'static str {
    match absence {
        Absence::BlockedByFailure => "an earlier check failed",
        Absence::DoesNotApply => "does not apply to this kind of receipt",
        Absence::NotAsked => "nothing was given to hold it against",
        Absence::NotPinned => "no root key is pinned for the operator",
        Absence::NoKeySet => "no key set of the operator is at hand",
        Absence::NoProof => "no inclusion proof is at hand",
        Absence::NoHeadProof => "no proof from the state of the log that the receipt names",
        Absence::NoQuorum => "no quorum of witnesses was given",
        Absence::Unbound => "the receipt leaves the body open",
        Absence::BodyNotSeen => "the body is not at hand",
        Absence::OnlyOnAcceptance => "only the node that accepts it can tell",
        Absence::LaterCheckpoint => "the proof is of a later time: it shows that it was logged, not when",
        Absence::RevokedUndated => "the key is revoked, and no witnessed time shows that the receipt is older",
    }
}

/// The result of a check: its state in one word, and why.
pub(super) fn result(result: CheckResult) -> (&'static str, String) {
    match result {
        CheckResult::Pass => ("pass", String::new()),
        CheckResult::Fail(problem) => ("fail", format!("{problem}: {}", problem.title())),
        CheckResult::NotEvaluated(why) => ("not evaluated", absence(why).to_owned()),
    }
}

/// The answer in a sentence.
pub(super) const fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Valid => "Every statement in this file holds.",
        Conclusion::Invalid => "Something in this file does not hold.",
        Conclusion::Undetermined => {
            "Nothing in this file is refuted, but something that is needed to confirm it is missing."
        }
    }
}

/// What a level demands.
pub(super) const fn level(level: Level) -> &'static str {
    match level {
        Level::Signed => "each statement is signed by the operator that it names",
        Level::Included => "each statement is signed by the operator that it names, and stands in that operator's log",
        Level::Witnessed => {
            "each statement is signed by the operator that it names, stands in that operator's log, and enough of \
             your witnesses confirm the log"
        }
    }
}

/// What a receipt says, without its issuer, in one line.
pub fn claims_line(claims: &Payload) -> String {
    match claims {
        Payload::Decision(decision) => decided(decision),
        Payload::Acknowledgement(answer) => acknowledged(answer),
        Payload::Outcome(outcome) => came_out(outcome),
        Payload::Configuration(change) => {
            let event = match change.event {
                ConfigurationEvent::Start => "started with",
                ConfigurationEvent::Apply => "put into force",
            };
            format!("{event} the policies of epoch {} ({})", change.number, change.after)
        }
    }
}

fn decided(decision: &Decision) -> String {
    let agent = quote(&decision.subject.id);
    let user = decision.act.as_ref().map(|_| format!(", for {},", quote(&decision.sub))).unwrap_or_default();
    let action = quote(&decision.action.name);
    let resource = format!("{} {}", visible(&decision.resource.kind), quote(&decision.resource.id));
    let wish = format!("{agent}{user} to do {action} on {resource}");
    match decision.effect {
        Effect::Allow => format!("allowed {wish}"),
        Effect::Deny => format!("refused {wish}"),
        Effect::Escalate => format!("did not yet allow {wish}{}", approval(decision.approval.as_ref())),
    }
}

fn acknowledged(answer: &Acknowledgement) -> String {
    let effect = match answer.effect {
        Effect::Allow => "allowed it".to_owned(),
        Effect::Deny => "refused it".to_owned(),
        Effect::Escalate => format!("did not yet allow it{}", approval(answer.approval.as_ref())),
    };
    let observed = if answer.mode == Mode::Observe { " (observing only: the call goes on in any case)" } else { "" };
    format!("took in the decision, and {effect}{observed}")
}

fn approval(approval: Option<&Approval>) -> String {
    let until = |approval: &Approval| {
        format!(": {} must approve until {}", quote(approval.by.as_str()), time(approval.deadline))
    };
    approval.map(until).unwrap_or_default()
}

fn came_out(outcome: &Outcome) -> String {
    let side = match outcome.observer {
        Observer::Executor => "executed the call",
        Observer::Caller => "saw the call",
    };
    let status = match outcome.status {
        OutcomeStatus::Completed => "a whole response passed",
        OutcomeStatus::Aborted => "the response broke off",
        OutcomeStatus::Failed => "the agent gave no usable response",
        OutcomeStatus::Unreachable => "the agent was not reached",
    };
    let http = outcome.http_status.map(|status| format!(", HTTP status {status}")).unwrap_or_default();
    format!("{side}: {status}{http}")
}

/// Whether the two sides tell the same.
pub(super) const fn stories(stories: Stories) -> &'static str {
    match stories {
        Stories::Agree => "Both sides tell the same outcome.",
        Stories::Differ => "The two sides tell different outcomes. That alone does not show which of them is right.",
        Stories::OneSided => "Only one side's word about the outcome is here.",
        Stories::Untold => "Nobody's word about an outcome is here.",
    }
}

/// A finding in a sentence. Receipts are named by number, as `#3`.
pub(super) fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Fork { issuer, origin, size, roots: [one, other], items: [first, second] } => format!(
            "{issuer} showed two histories of its log {}: at {size} entries the log key signed the root {one} (proof \
             of #{first}) and the root {other} (proof of #{second}).",
            visible(origin)
        ),
        Finding::KeySetTwice { issuer, number, digests: [one, other] } => {
            format!("The root key of {issuer} signed two different key sets of number {number}: {one} and {other}.")
        }
        Finding::LeafTwice { issuer, origin, index, items: [first, second] } => format!(
            "{issuer} put two different receipts (#{first} and #{second}) at entry {index} of its log {}.",
            visible(origin)
        ),
        Finding::ReceiptIdTwice { issuer, jti, items: [first, second] } => {
            format!("{issuer} signed two different receipts (#{first} and #{second}) under the one id {jti}.")
        }
    }
}

/// An observation in a sentence.
pub(super) fn observation(observation: &Observation) -> String {
    match observation {
        Observation::AcknowledgedTwice { items } => {
            format!("One decision has several different acknowledgements: {}.", numbers(items))
        }
        Observation::AcknowledgementDiffers { outcome, acknowledgement } => {
            format!("The outcome #{outcome} names another acknowledgement than #{acknowledgement}.")
        }
        Observation::AllowedAgainstDecision { decision, acknowledgement } => format!(
            "The caller's own decision #{decision} is not to allow the call, and the acknowledgement \
             #{acknowledgement} lets it through."
        ),
        Observation::ConsistencyNotShown { origin, from, to } if from == to => {
            format!("Two different states of the log {} with {from} entries are shown.", visible(origin))
        }
        Observation::ConsistencyNotShown { origin, from, to } => format!(
            "No proof here shows that the log {} with {from} entries is the beginning of the one with {to}.",
            visible(origin)
        ),
        Observation::DisclosedWithoutNonce { item } => {
            format!("A request or response is shown with #{item}, but no nonce that would tie it to the receipt.")
        }
        Observation::ExecutedAgainstRefusal { acknowledgement, outcome } => format!(
            "The acknowledgement #{acknowledgement} stops the call, and the outcome #{outcome} of the same operator \
             says that it was carried out."
        ),
        Observation::ForeignKeySet { issuer, fingerprint } => format!(
            "The file holds a key set under the name {issuer} that the pinned root key did not sign (its root key is \
             {fingerprint}). Anybody can make one; it was not used."
        ),
        Observation::KeySetUnreadable { number, error } => {
            format!("Key set {number} cannot be used: {}.", visible(error))
        }
        Observation::OutcomesDiffer { executor, caller } => format!(
            "The executor's outcome #{executor} and the caller's outcome #{caller} of one call differ. That alone \
             does not show which of them is right."
        ),
        Observation::SeveralRoots { issuer, fingerprints } => format!(
            "{} different root keys claim the name {issuer}, and no pin tells which is right.",
            fingerprints.len()
        ),
        Observation::UnprovenIdTwice { issuer, items: [first, second] } => format!(
            "#{first} and #{second} carry one id under the name {issuer}; it is not proven that {issuer} signed both."
        ),
    }
}

/// Receipts by number, as `#1, #2 and #4`.
pub(super) fn numbers(items: &[usize]) -> String {
    and(items.iter().map(|item| format!("#{item}")))
}

/// A list in a sentence.
pub(super) fn and(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    match items.pop() {
        Some(last) if !items.is_empty() => format!("{} and {last}", items.join(", ")),
        only => only.unwrap_or_default(),
    }
}

/// A time for people.
pub(super) fn time(time: Timestamp) -> String {
    utc::format(time).replace('T', " ").replace('Z', " UTC")
}

/// What is missing, in a phrase without its receipt.
pub(super) const fn withheld(withheld: Withheld) -> &'static str {
    match withheld {
        Withheld::Acknowledgement { .. } => "the other operator's acknowledgement",
        Withheld::Decision { .. } => "the decision that this answers",
        Withheld::Outcome { .. } => "the outcome, by the operator that executed the call",
        Withheld::Nonce { .. } => "the nonce: without it nobody can check which request the decision was for",
        Withheld::Proof { .. } => "the proof that it stands in its operator's log",
        Withheld::Request { .. } => "the request's method and address",
        Withheld::RequestBody { .. } => "the request's body, so what exactly was asked stays closed",
        Withheld::ResponseBody { .. } => "the response's body, so what exactly was answered stays closed",
    }
}

/// How to compare a fingerprint.
pub(super) fn how_to_compare(issuer: &Issuer) -> String {
    format!(
        "Ask {issuer} for its root fingerprint over a channel that whoever gave you this file does not control: in \
         person, by a phone number that you already have, in a signed contract."
    )
}
