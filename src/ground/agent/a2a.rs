//! Recognises A2A calls: REST by path, JSON-RPC by body (`spec/calls.md`, rules CALL-02 and CALL-07 to CALL-14).

use serde_json::{Map, Value};

use super::CallAction;
use super::call::{
    Body, Call, CallFault, Generation, PathFault, Protocol, Request, Shape, Unrecognised, empty_call, plain_call, shown,
};
use crate::ground::canonical::{Rules, parse};
use crate::ground::limits::{MAX_CALL_BYTES, MAX_NAME_CHARS};

mod json;
mod rest;
mod rpc;

pub(super) use json::{member, same_for_some};

/// `method` is the plain HTTP action of the request, `segments` its decoded path.
pub(super) fn recognise(method: CallAction, segments: &[String], request: &Request<'_>) -> Result<Call, Unrecognised> {
    let plain = |fault| Unrecognised { fault, shape: Shape::Http };
    if segments.iter().any(|segment| segment.contains(';')) {
        return Err(plain(CallFault::Path(PathFault::Semicolon)));
    }
    if let Some(matched) = rest::matched(method, segments) {
        let shape = Shape::Rest(matched.generation);
        return rest_call(&matched, request).map_err(|fault| Unrecognised { fault, shape });
    }
    match method {
        CallAction::HttpPost => rpc::call(request),
        CallAction::HttpGet | CallAction::HttpHead | CallAction::HttpOptions => {
            refuse_body(request).map_err(plain)?;
            Ok(plain_call(method, request))
        }
        _ => Err(plain(CallFault::Method(shown(request.method)))),
    }
}

fn rest_call(matched: &rest::Matched, request: &Request<'_>) -> Result<Call, CallFault> {
    let mut call = empty_call(Protocol::A2aRest, matched.generation, matched.action, request);
    call.task.clone_from(&matched.task);
    if let Some(task) = &call.task {
        require_name(task, "id")?;
    }
    if !matched.takes_body {
        refuse_body(request)?;
        return Ok(call);
    }
    let body = whole_body(request)?;
    if body.is_empty() && !matched.needs_body() {
        return Ok(call);
    }
    require_json(request)?;
    let Value::Object(mut message) = parse(body, &Rules::json(MAX_CALL_BYTES))? else {
        return Err(CallFault::Member("body", "an object"));
    };
    // An agent that serves JSON-RPC on every path would take such a body for another call.
    if let Some(name) = message.keys().find(|name| same_for_some(name, "jsonrpc") || same_for_some(name, "method")) {
        return Err(CallFault::MemberUnknown(shown(name)));
    }
    if matches!(call.action, CallAction::SendMessage | CallAction::SendStreamingMessage) {
        rename_request(&mut message)?;
    }
    describe(&mut call, &message)?;
    if matched.task.is_some() && call.task != matched.task {
        return Err(CallFault::TaskTwice);
    }
    call.message = Some(Value::Object(message));
    Ok(call)
}

/// The protobuf definition of A2A 0.3 names a field `request` that it writes `message` in JSON. Protobuf readers take
/// both names, the later one wins, and official SDKs send the former: under either name it is judged, under both it is
/// refused.
fn rename_request(message: &mut Map<String, Value>) -> Result<(), CallFault> {
    let Some(inner) = member(message, "request")?.cloned() else { return Ok(()) };
    if member(message, "message")?.is_some() {
        return Err(CallFault::TwoSpellings(shown("message")));
    }
    message.retain(|name, _| !same_for_some(name, "request"));
    message.insert("message".to_owned(), inner);
    Ok(())
}

/// Takes what sessions and policies need out of `params` or a REST body.
fn describe(call: &mut Call, message: &Map<String, Value>) -> Result<(), CallFault> {
    match call.action {
        CallAction::SendMessage | CallAction::SendStreamingMessage => {
            if let Some(inner) = member(message, "message")? {
                let inner = inner.as_object().ok_or(CallFault::Member("message", "an object"))?;
                call.conversation = text(inner, "contextId")?;
                call.task = text(inner, "taskId")?;
            }
            if let Some(Value::Object(configuration)) = member(message, "configuration")? {
                call.push_callback = configuration.iter().any(is_push_config);
            }
        }
        CallAction::ListTasks => call.conversation = text(message, "contextId")?,
        CallAction::GetTask | CallAction::CancelTask | CallAction::SubscribeToTask => {
            call.task = text(message, "id")?.or(call.task.take());
        }
        CallAction::CreatePushConfig => {
            call.task = text(message, "taskId")?.or(call.task.take());
            call.push_callback = true;
        }
        CallAction::GetPushConfig | CallAction::ListPushConfigs | CallAction::DeletePushConfig => {
            // Version 0.3 names the task by `id`; 1.0 uses that for the configuration.
            let name = if call.generation == Generation::Former { "id" } else { "taskId" };
            call.task = text(message, name)?.or(call.task.take());
        }
        _ => {}
    }
    Ok(())
}

/// Either version's name for a callback inside a message's configuration.
fn is_push_config((name, value): (&String, &Value)) -> bool {
    let push = ["taskPushNotificationConfig", "pushNotificationConfig", "pushNotification"];
    !value.is_null() && push.iter().any(|wanted| same_for_some(name, wanted))
}

/// A text member; an empty one counts as absent, as protobuf writes absent texts.
fn text(object: &Map<String, Value>, name: &'static str) -> Result<Option<String>, CallFault> {
    match member(object, name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            require_name(text, name)?;
            Ok(Some(text.clone()))
        }
        Some(_) => Err(CallFault::Member(name, "a string")),
    }
}

fn require_name(text: &str, name: &'static str) -> Result<(), CallFault> {
    if text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
        return Err(CallFault::Member(name, "at most 256 characters without control characters"));
    }
    Ok(())
}

fn whole_body<'a>(request: &Request<'a>) -> Result<&'a [u8], CallFault> {
    match request.body {
        Body::Whole(bytes) => Ok(bytes),
        Body::Unbuffered => Err(CallFault::BodyNotWhole),
    }
}

fn refuse_body(request: &Request<'_>) -> Result<(), CallFault> {
    match request.body {
        Body::Whole([]) => Ok(()),
        _ => Err(CallFault::BodyUnexpected(shown(request.method))),
    }
}

/// Spec rule CALL-10.
fn require_json(request: &Request<'_>) -> Result<(), CallFault> {
    let types: Vec<&str> = request.header_values("content-type").collect();
    if !matches!(types.as_slice(), [one] if is_json(one)) {
        return Err(CallFault::MediaType(shown(&types.join(", "))));
    }
    match request.header_values("content-encoding").find(|coding| !coding.eq_ignore_ascii_case("identity")) {
        Some(coding) => Err(CallFault::Encoding(shown(coding))),
        None => Ok(()),
    }
}

fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let json = ["application/json", "application/a2a+json"].iter().any(|known| name.eq_ignore_ascii_case(known));
    json && parts.all(|parameter| {
        parameter.eq_ignore_ascii_case("charset=utf-8") || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
    })
}
