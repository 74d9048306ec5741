//! Recognises an HTTP request as a call (`spec/calls.md`, rules CALL-01 to CALL-14).
//!
//! Whoever writes the request must not choose which policy applies to it, so nothing here is lenient: what two readers
//! could take for different calls is refused. Out of scope: buffering, header hygiene beyond what decides the call, and
//! the question to the policy ([`super::question`]).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CallAction, a2a};
use crate::ground::canonical::ReadError;
use crate::ground::problem::ProblemType;

mod path;

pub use path::PathFault;

/// What a route speaks, fixed by its configuration. In JSON and TOML: `"a2a"`, `"http"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteProtocol {
    /// A2A agents, over JSON-RPC and over REST.
    #[default]
    A2a,
    /// Anything else over HTTP; each request is described by its method only.
    Http,
}

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A2A over JSON-RPC 2.0.
    A2aJsonRpc,
    /// A2A over HTTP+JSON.
    A2aRest,
    /// Plain HTTP.
    Http,
}

impl Protocol {
    /// The name that policies see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A2aJsonRpc => "a2a_jsonrpc",
            Self::A2aRest => "a2a_rest",
            Self::Http => "http",
        }
    }
}

/// Which A2A a call is written in; refusals differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// A2A 1.0.
    Current,
    /// A2A 0.3, which is still in the field.
    Former,
}

/// A request's body, as far as the gateway has it.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// All of it; empty when there is none.
    Whole(&'a [u8]),
    /// Larger than the gateway buffers, or a stream.
    Unbuffered,
}

/// One HTTP request below a route.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The path below the route, still percent-encoded, without the query: empty, or with a leading `/`.
    pub path: &'a str,
    /// Header fields, names in any case, in the order of arrival.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Body<'a>,
}

impl<'a> Request<'a> {
    pub(super) fn header_values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// A recognised call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// How it is written.
    pub protocol: Protocol,
    /// Which A2A it is written in; [`Generation::Current`] for plain HTTP.
    pub generation: Generation,
    /// What it does.
    pub action: CallAction,
    /// Whether the answer is a stream of events.
    pub streaming: bool,
    /// The path below the route, as sent.
    pub path: String,
    /// The JSON-RPC id, which a refusal has to repeat: a string, an integer or null.
    pub rpc_id: Option<Value>,
    /// The A2A tenant of a JSON-RPC call.
    pub tenant: Option<String>,
    /// The A2A context id, as the caller says.
    pub conversation: Option<String>,
    /// The A2A task id, as the caller says.
    pub task: Option<String>,
    /// Whether the call asks the agent to push to an address that the caller names.
    pub push_callback: bool,
    /// The extensions that the caller activates (`A2A-Extensions`), in its order.
    pub extensions: Vec<String>,
    /// `params` of a JSON-RPC call, or the body of an A2A REST call.
    pub(super) message: Option<Value>,
}

impl Call {
    /// The shape in which a refusal of this call reaches its caller.
    pub fn shape(&self) -> Shape {
        Shape::new(self.protocol, self.generation, self.rpc_id.clone())
    }
}

/// The shape of a refusal.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A problem document (RFC 9457).
    Http,
    /// A JSON-RPC error with the id of the request; null when it could not be read.
    JsonRpc(Value),
    /// The error document of A2A's HTTP+JSON binding.
    Rest(Generation),
}

impl Shape {
    fn new(protocol: Protocol, generation: Generation, rpc_id: Option<Value>) -> Self {
        match protocol {
            Protocol::Http => Self::Http,
            Protocol::A2aJsonRpc => Self::JsonRpc(rpc_id.unwrap_or(Value::Null)),
            Protocol::A2aRest => Self::Rest(generation),
        }
    }
}

/// Why a request is no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// A JSON-RPC batch.
    #[error("a JSON-RPC batch is several calls in one request")]
    Batch,
    /// The body of an A2A call is larger than the gateway buffers, or a stream.
    #[error("the body of an A2A call must be at hand whole")]
    BodyNotWhole,
    /// A body where none belongs.
    #[error("a `{0}` request with a body")]
    BodyUnexpected(String),
    /// A content coding, through which the body cannot be read.
    #[error("the content encoding `{0}` hides the body")]
    Encoding(String),
    /// The body is not strict JSON.
    #[error("the body is not a JSON document that every reader takes for the same: {0}")]
    Json(Box<ReadError>),
    /// The media type is not JSON, or stands twice.
    #[error("the media type `{0}` is not `application/json` or `application/a2a+json`")]
    MediaType(String),
    /// A member that decides the call has the wrong form.
    #[error("the member `{0}` must be {1}")]
    Member(&'static str, &'static str),
    /// A member of the JSON-RPC envelope that does not belong there.
    #[error("a JSON-RPC request has no member `{0}`")]
    MemberUnknown(String),
    /// An HTTP method outside the table.
    #[error("the method `{0}` is not one that the gateway forwards here")]
    Method(String),
    /// A header that would make the agent see another method or path.
    #[error("the header `{0}` would change the method or the path")]
    Override(String),
    /// A JSON-RPC method outside the table.
    #[error("`{0}` is no A2A method")]
    MethodUnknown(String),
    /// Path and body name different tasks.
    #[error("path and body name different tasks")]
    TaskTwice,
    /// A path that could leave the route or mean two things.
    #[error("the path {0}")]
    Path(PathFault),
    /// Two members that some readers take for one.
    #[error("`{0}` stands in one object in two spellings")]
    TwoSpellings(String),
}

impl From<ReadError> for CallFault {
    fn from(error: ReadError) -> Self {
        Self::Json(Box::new(error))
    }
}

impl CallFault {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::BodyNotWhole => ProblemType::RequestTooLarge,
            Self::Encoding(_) | Self::MediaType(_) => ProblemType::MediaTypeUnsupported,
            _ => ProblemType::CallUnrecognised,
        }
    }
}

/// A request that is no call, with what is needed to say so to its sender.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{fault}")]
pub struct Unrecognised {
    /// What is wrong.
    pub fault: CallFault,
    /// The shape of the refusal.
    pub shape: Shape,
}

/// Recognises a request on a route.
pub fn recognise(route: RouteProtocol, request: &Request<'_>) -> Result<Call, Unrecognised> {
    let plain = |fault| Unrecognised { fault, shape: Shape::Http };
    let method = http_action(request.method).ok_or_else(|| plain(CallFault::Method(shown(request.method))))?;
    refuse_override(request).map_err(plain)?;
    let segments = path::segments(request.path).map_err(|fault| plain(CallFault::Path(fault)))?;
    match route {
        RouteProtocol::Http => Ok(plain_call(method, request)),
        RouteProtocol::A2a => a2a::recognise(method, &segments, request),
    }
}

/// A call that is described by its method alone.
pub(super) fn plain_call(action: CallAction, request: &Request<'_>) -> Call {
    Call {
        streaming: request.header_values("accept").any(|value| value.contains("text/event-stream")),
        ..empty_call(Protocol::Http, Generation::Current, action, request)
    }
}

pub(super) fn empty_call(
    protocol: Protocol,
    generation: Generation,
    action: CallAction,
    request: &Request<'_>,
) -> Call {
    Call {
        protocol,
        generation,
        action,
        streaming: action.is_streaming(),
        path: request.path.to_owned(),
        rpc_id: None,
        tenant: None,
        conversation: None,
        task: None,
        push_callback: false,
        extensions: extensions(request),
        message: None,
    }
}

fn http_action(method: &str) -> Option<CallAction> {
    Some(match method {
        "GET" => CallAction::HttpGet,
        "HEAD" => CallAction::HttpHead,
        "OPTIONS" => CallAction::HttpOptions,
        "POST" => CallAction::HttpPost,
        "PUT" => CallAction::HttpPut,
        "PATCH" => CallAction::HttpPatch,
        "DELETE" => CallAction::HttpDelete,
        _ => return None,
    })
}

/// Fields by which some frameworks take another method or path than those of the request line.
const OVERRIDES: [&str; 5] =
    ["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"];

/// Servers with CGI or WSGI between them and the agent take `X_Original_URL` for the same field.
fn refuse_override(request: &Request<'_>) -> Result<(), CallFault> {
    let field = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut overrides = request.headers.iter().map(|(name, _)| field(name));
    overrides.find(|name| OVERRIDES.contains(&name.as_str())).map_or(Ok(()), |name| Err(CallFault::Override(name)))
}

/// Version 0.3 clients write the header with `X-`.
fn extensions(request: &Request<'_>) -> Vec<String> {
    ["a2a-extensions", "x-a2a-extensions"]
        .into_iter()
        .flat_map(|name| request.header_values(name))
        .flat_map(|value| value.split(','))
        .map(|uri| uri.trim().to_owned())
        .filter(|uri| !uri.is_empty())
        .collect()
}

/// The beginning of a sender's text, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
