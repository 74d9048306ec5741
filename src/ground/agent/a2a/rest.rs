//! The paths of A2A's HTTP+JSON binding, and of the agent card (spec rule CALL-07).

use super::CallAction;
use super::Generation;

/// A path that is an A2A call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) action: CallAction,
    pub(super) generation: Generation,
    /// The task that the path names.
    pub(super) task: Option<String>,
    /// Whether a body belongs to the request.
    pub(super) takes_body: bool,
}

impl Matched {
    /// Cancelling and subscribing may come without one.
    pub(super) fn needs_body(&self) -> bool {
        !matches!(self.action, CallAction::CancelTask | CallAction::SubscribeToTask)
    }
}

/// Literal segments match in any case and a trailing slash was cut, since some servers do the same.
pub(super) fn matched(method: CallAction, segments: &[String]) -> Option<Matched> {
    use CallAction::{HttpDelete as Delete, HttpGet as Get, HttpHead as Head, HttpPost as Post};
    // Servers answer HEAD by running the handler of GET.
    let method = if method == Head { Get } else { method };
    let is = |segment: &str, literal: &str| segment.eq_ignore_ascii_case(literal);
    let texts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (prefix, action, task) = match (method, texts.as_slice()) {
        (Get | Delete, [prefix @ .., tasks, id, configs, _config])
            if is(tasks, "tasks") && is(configs, "pushNotificationConfigs") =>
        {
            let action = if method == Get { CallAction::GetPushConfig } else { CallAction::DeletePushConfig };
            (prefix, action, Some(*id))
        }
        (Get | Post, [prefix @ .., tasks, id, configs])
            if is(tasks, "tasks") && is(configs, "pushNotificationConfigs") =>
        {
            let action = if method == Get { CallAction::ListPushConfigs } else { CallAction::CreatePushConfig };
            (prefix, action, Some(*id))
        }
        (Get | Post, [prefix @ .., tasks, last]) if is(tasks, "tasks") && verb(last).is_some() => {
            let (id, action) = verb(last)?;
            // Cancelling is a POST; a GET of such a path would be a task whose id ends in `:cancel`.
            let fits = action == CallAction::SubscribeToTask || method == Post;
            (prefix, if fits { action } else { CallAction::GetTask }, Some(if fits { id } else { *last }))
        }
        (Get, [prefix @ .., well_known, card])
            if is(well_known, ".well-known") && (is(card, "agent-card.json") || is(card, "agent.json")) =>
        {
            (prefix, CallAction::GetAgentCard, None)
        }
        (Get, [prefix @ .., tasks, id]) if is(tasks, "tasks") => (prefix, CallAction::GetTask, Some(*id)),
        (Get, [prefix @ .., v1, card]) if is(v1, "v1") && is(card, "card") => {
            (prefix, CallAction::GetExtendedAgentCard, None)
        }
        (Get, [prefix @ .., card]) if is(card, "extendedAgentCard") => (prefix, CallAction::GetExtendedAgentCard, None),
        (Get, [prefix @ .., tasks]) if is(tasks, "tasks") => (prefix, CallAction::ListTasks, None),
        (Post, [prefix @ .., send]) if is(send, "message:send") => (prefix, CallAction::SendMessage, None),
        (Post, [prefix @ .., stream]) if is(stream, "message:stream") => {
            (prefix, CallAction::SendStreamingMessage, None)
        }
        _ => return None,
    };
    let former = prefix.last().is_some_and(|segment| is(segment, "v1"));
    let generation = if former { Generation::Former } else { Generation::Current };
    let takes_body = method == Post;
    Some(Matched { action, generation, task: task.map(str::to_owned), takes_body })
}

/// The task id and the action of a last segment `{id}:cancel` or `{id}:subscribe`.
fn verb(segment: &str) -> Option<(&str, CallAction)> {
    let (id, verb) = segment.rsplit_once(':')?;
    let action = match verb.to_ascii_lowercase().as_str() {
        "cancel" => CallAction::CancelTask,
        "subscribe" => CallAction::SubscribeToTask,
        _ => return None,
    };
    (!id.is_empty()).then_some((id, action))
}
