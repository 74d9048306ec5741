//! The first half: the desk calls, and each operator decides by its own policy.

use std::time::Duration;

use super::DemoError;
use super::desk::Answer;
use super::stage::{Operator, Stage};
use super::story::{Story, short};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Acknowledgement, Decision, Outcome, OutcomeStatus, Payload};

/// How long a side may take to write down what came of a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The price of the room that is booked in the end.
pub(super) const BOOKED_FOR: u64 = 420;

/// Tells it, and answers the digest of the allowed call's decision.
pub(super) async fn tell(stage: &Stage, story: &mut Story<'_>) -> Result<Digest, DemoError> {
    let rpc = card(stage, story).await?;
    let allowed = allowed(stage, story, &rpc).await?;
    denied(stage, story, &rpc).await?;
    refused_by_the_other(stage, story, &rpc).await?;
    escalated(stage, story, &rpc).await?;
    Ok(allowed)
}

/// The decision that an answer names, out of the caller's store.
async fn decision(operator: &Operator, answer: &Answer) -> Result<(Digest, Decision, usize), DemoError> {
    let unexpected = || DemoError::Unexpected(format!("no decision is named in the answer: {}", answer.body));
    let named = answer.receipt_id.clone().unwrap_or_else(|| answer.refusal("receipt").to_owned());
    let jti = named.parse().map_err(|_| unexpected())?;
    let row = operator.server.node().archive.receipt_by_id(operator.issuer(), &jti).await?.ok_or_else(unexpected)?;
    let receipt = UnverifiedReceipt::parse(row.compact.as_bytes()).map_err(|_| unexpected())?;
    match receipt.claims() {
        Payload::Decision(decision) => Ok((row.digest, (**decision).clone(), row.compact.len())),
        _ => Err(unexpected()),
    }
}

/// The answers to a decision that one side holds.
#[derive(Default)]
struct Answers {
    acknowledgement: Option<Acknowledgement>,
    own_outcome: Option<Outcome>,
}

async fn answers(operator: &Operator, decision: &Digest) -> Result<Answers, DemoError> {
    let mut answers = Answers::default();
    for row in operator.server.node().archive.answers(decision).await? {
        let Ok(receipt) = UnverifiedReceipt::parse(row.compact.as_bytes()) else { continue };
        match receipt.claims() {
            Payload::Acknowledgement(payload) => answers.acknowledgement = Some((**payload).clone()),
            Payload::Outcome(payload) if payload.iss == *operator.issuer() => {
                answers.own_outcome = Some((**payload).clone());
            }
            Payload::Outcome(_) | Payload::Decision(_) | Payload::Configuration(_) => {}
        }
    }
    Ok(answers)
}

/// Answers are written down after the call has passed, off its path; an outcome follows only where it was executed.
async fn settled(operator: &Operator, decision: &Digest, executed: bool) -> Result<Answers, DemoError> {
    let waiting = async {
        loop {
            let found = answers(operator, decision).await?;
            if found.acknowledgement.is_some() && (found.own_outcome.is_some() || !executed) {
                return Ok(found);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_elapsed) => answers(operator, decision).await,
    }
}

async fn card(stage: &Stage, story: &mut Story<'_>) -> Result<String, DemoError> {
    story.begin("card", "the desk reads booking's agent card");
    let url = stage.desk.read_card().await?;
    story.line("booking", &format!("says in its card that it is at {}/rpc", stage.booking.url()));
    story.line("nodes", "rewrite that on the way, so that no call can pass them by");
    let inside = url.starts_with(stage.desk.base());
    story.fact("through_gateway", inside);
    story.expect(inside, || format!("the card leads to `{url}`, which is not the desk's gateway"));
    story.end();
    Ok(url)
}

async fn allowed(stage: &Stage, story: &mut Story<'_>, rpc: &str) -> Result<Digest, DemoError> {
    story.begin("allowed", "an allowed call");
    story.line("desk", &format!("asks booking for a room at {BOOKED_FOR}"));
    let answer = stage.desk.book(rpc, BOOKED_FOR).await?;
    let (digest, decided, bytes) = decision(&stage.atlas, &answer).await?;
    let policies = decided.policies.join(", ");
    story.line("Atlas", &format!("decides {} by its rule `{policies}`", decided.effect));
    story.line(
        "",
        &format!("signs receipt {} ({bytes} bytes), and only then sends the call", short(&decided.jti.to_string())),
    );
    let (here, there) = (settled(&stage.atlas, &digest, true).await?, settled(&stage.birch, &digest, true).await?);
    if let Some(answer) = &there.acknowledgement {
        let jti = short(&answer.jti.to_string());
        story.line("Birch", &format!("verifies it against Atlas's pinned key, decides {} itself", answer.effect));
        story.line("", &format!("signs acknowledgement {jti} for Atlas"));
    }
    let text = answer.text().unwrap_or_default().to_owned();
    story.line("booking", &format!("answers “{text}”"));
    let agree = match (&here.own_outcome, &there.own_outcome) {
        (Some(caller), Some(executor)) => executor.agrees_with(caller) && caller.status == OutcomeStatus::Completed,
        _ => false,
    };
    story.line("both", "sign what came of it: the same response, seen from two sides");
    story.fact("decision", decided.jti.to_string());
    story.fact("digest", digest.to_string());
    story.fact("answer", text.as_str());
    story.expect(decided.effect == Effect::Allow, || format!("Atlas decided {}", decided.effect));
    story.expect(text.starts_with("booked"), || format!("booking answered {}", answer.body));
    story.expect(stage.booking.booked() == 1, || format!("booking was reached {} times", stage.booking.booked()));
    story.expect(here.acknowledgement == there.acknowledgement && here.acknowledgement.is_some(), || {
        "the two sides do not hold the same acknowledgement".to_owned()
    });
    story.expect(agree, || "the two outcomes do not agree".to_owned());
    story.end();
    Ok(digest)
}

async fn denied(stage: &Stage, story: &mut Story<'_>, rpc: &str) -> Result<(), DemoError> {
    story.begin("denied", "a denied call");
    story.line("desk", "asks for a room at 9000");
    let (before, answer) = (stage.booking.booked(), stage.desk.book(rpc, 9000).await?);
    let (digest, decided, _) = decision(&stage.atlas, &answer).await?;
    story.line("Atlas", &format!("decides {}: rule `{}`", decided.effect, decided.policies.join(", ")));
    story.line("desk", &format!("hears [{}] from {}", answer.code(), answer.refusal("refused_by")));
    story.line("Birch", "never hears of it; Atlas's log has the refusal all the same");
    story.fact("decision", decided.jti.to_string());
    story.fact("code", answer.code());
    let unknown = stage.birch.server.node().archive.receipt(&digest).await?.is_none();
    story.expect(decided.effect == Effect::Deny, || format!("Atlas decided {}", decided.effect));
    story.expect(decided.policies.iter().any(|id| id == "atlas-budget"), || format!("by {:?}", decided.policies));
    refused(story, &answer, "policy_denied", "caller_node");
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.expect(unknown, || "Birch holds the receipt".to_owned());
    story.end();
    Ok(())
}

async fn refused_by_the_other(stage: &Stage, story: &mut Story<'_>, rpc: &str) -> Result<(), DemoError> {
    story.begin("refused", "a call that the other operator refuses");
    story.line("desk", "asks for a suite at 900");
    let (before, answer) = (stage.booking.booked(), stage.desk.book(rpc, 900).await?);
    let (digest, decided, _) = decision(&stage.atlas, &answer).await?;
    let (here, there) = (settled(&stage.atlas, &digest, false).await?, settled(&stage.birch, &digest, false).await?);
    story.line("Atlas", &format!("decides {}", decided.effect));
    if let Some(answer) = &there.acknowledgement {
        let reasons: Vec<&str> = answer.reasons.iter().map(|code| code.as_str()).collect();
        story.line("Birch", &format!("decides {} ({}), and signs that as well", answer.effect, reasons.join(", ")));
    }
    story.line("desk", &format!("hears [{}] from {}", answer.code(), answer.refusal("refused_by")));
    story.fact("decision", decided.jti.to_string());
    story.fact("code", answer.code());
    let denied =
        |answers: &Answers| answers.acknowledgement.as_ref().is_some_and(|answer| answer.effect == Effect::Deny);
    refused(story, &answer, "policy_denied", "callee_node");
    story.expect(denied(&here) && denied(&there), || "the signed refusal is not on both sides".to_owned());
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.end();
    Ok(())
}

async fn escalated(stage: &Stage, story: &mut Story<'_>, rpc: &str) -> Result<(), DemoError> {
    story.begin("escalated", "an escalated call");
    story.line("desk", "asks for a week at 1800");
    let (before, answer) = (stage.booking.booked(), stage.desk.book(rpc, 1800).await?);
    let (_, decided, _) = decision(&stage.atlas, &answer).await?;
    story.line("Atlas", &format!("decides {}: rule `{}`", decided.effect, decided.policies.join(", ")));
    let (by, deadline) = (answer.refusal("approval_by"), answer.refusal("approval_deadline"));
    story.line("desk", &format!("hears [{}]: `{by}` may approve until {deadline}", answer.code()));
    story.fact("decision", decided.jti.to_string());
    story.fact("code", answer.code());
    story.fact("approval_by", by);
    story.expect(decided.effect == Effect::Escalate, || format!("Atlas decided {}", decided.effect));
    story.expect(by == "operator", || format!("approval is asked of `{by}`"));
    refused(story, &answer, "approval_required", "caller_node");
    story.expect(stage.booking.booked() == before, || "the call reached booking".to_owned());
    story.end();
    Ok(())
}

/// A refusal in the shape that A2A clients understand: HTTP 200, a JSON-RPC error, code and refuser in its data.
pub(super) fn refused(story: &mut Story<'_>, answer: &Answer, code: &str, by: &str) {
    story.expect(answer.status == 200, || format!("the status is {}", answer.status));
    story.expect(answer.code() == code, || format!("expected [{code}], and got {}", answer.body));
    story.expect(answer.refusal("refused_by") == by, || format!("refused by `{}`", answer.refusal("refused_by")));
}
