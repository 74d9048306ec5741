//! JSON-RPC 2.0 as A2A uses it (spec rules CALL-08 and CALL-09).

use serde_json::{Map, Value};

use super::{describe, require_json, text, whole_body};
use crate::ground::agent::CallAction;
use crate::ground::agent::call::{
    Call, CallFault, Generation, Protocol, Request, Shape, Unrecognised, empty_call, shown,
};
use crate::ground::canonical::{Rules, parse};
use crate::ground::limits::MAX_CALL_BYTES;

pub(super) fn call(request: &Request<'_>) -> Result<Call, Unrecognised> {
    let without_id = |fault| Unrecognised { fault, shape: Shape::JsonRpc(Value::Null) };
    let envelope = envelope(request).map_err(without_id)?;
    let id = rpc_id(&envelope).map_err(without_id)?;
    let shape = Shape::JsonRpc(id.clone());
    described(envelope, id, request).map_err(|fault| Unrecognised { fault, shape })
}

fn envelope(request: &Request<'_>) -> Result<Map<String, Value>, CallFault> {
    let body = whole_body(request)?;
    require_json(request)?;
    match parse(body, &Rules::json(MAX_CALL_BYTES))? {
        Value::Object(envelope) => Ok(envelope),
        Value::Array(_) => Err(CallFault::Batch),
        _ => Err(CallFault::Member("body", "a JSON-RPC request object")),
    }
}

/// A notification has no answer, and every A2A method has one.
fn rpc_id(envelope: &Map<String, Value>) -> Result<Value, CallFault> {
    match envelope.get("id") {
        Some(id @ (Value::String(_) | Value::Null)) => Ok(id.clone()),
        Some(Value::Number(id)) if id.is_i64() => Ok(Value::Number(id.clone())),
        _ => Err(CallFault::Member("id", "a string, an integer or null")),
    }
}

fn described(mut envelope: Map<String, Value>, id: Value, request: &Request<'_>) -> Result<Call, CallFault> {
    if let Some(name) = envelope.keys().find(|name| !matches!(name.as_str(), "jsonrpc" | "id" | "method" | "params")) {
        return Err(CallFault::MemberUnknown(shown(name)));
    }
    if envelope.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(CallFault::Member("jsonrpc", "`2.0`"));
    }
    let Some(Value::String(method)) = envelope.get("method") else {
        return Err(CallFault::Member("method", "a string"));
    };
    let (action, generation) = action(method).ok_or_else(|| CallFault::MethodUnknown(shown(method)))?;
    let mut call = empty_call(Protocol::A2aJsonRpc, generation, action, request);
    call.rpc_id = Some(id);
    match envelope.remove("params") {
        None => {}
        Some(Value::Object(params)) => {
            call.tenant = text(&params, "tenant")?;
            describe(&mut call, &params)?;
            call.message = Some(Value::Object(params));
        }
        Some(_) => return Err(CallFault::Member("params", "an object")),
    }
    Ok(call)
}

fn action(method: &str) -> Option<(CallAction, Generation)> {
    CallAction::ALL.iter().copied().find_map(|action| {
        if action.rpc_method() == Some(method) {
            Some((action, Generation::Current))
        } else if action.former_rpc_method() == Some(method) {
            Some((action, Generation::Former))
        } else {
            None
        }
    })
}
