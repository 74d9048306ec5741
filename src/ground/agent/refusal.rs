//! Refusals in the shape that the caller's own library understands (`spec/carriage.md`, rules REFUSE-01 to REFUSE-07).
//!
//! A refusal says who refused, why, with which receipt, and what would help; once in fields, and once in the message,
//! because some SDKs keep nothing else. Out of scope: response headers (`Countersign-Receipt`, `Retry-After`), which
//! the edge adds, and the forward-auth paths, which answer with a status alone.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::{Generation, Shape};
use crate::ground::name::{Code, Issuer, ReceiptId, Timestamp};
use crate::ground::problem::{Fault, Help, ProblemType};

/// Characters of a refusal's message at most: it ends up in logs and in a model's context.
const MAX_MESSAGE_CHARS: usize = 1000;

/// Which of the three that a call passes refused it. The words are the same on both sides, so that a refusal can pass
/// the caller's gateway unchanged. In JSON: `"caller_node"`, `"callee_node"`, `"agent"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// The node of the operator whose agent calls.
    CallerNode,
    /// The node of the operator whose agent is called.
    CalleeNode,
    /// The called agent, or its absence.
    Agent,
}

impl RefusedBy {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallerNode => "caller_node",
            Self::CalleeNode => "callee_node",
            Self::Agent => "agent",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::CallerNode => "the caller's own node",
            Self::CalleeNode => "the node of the called operator",
            Self::Agent => "the called agent's side",
        }
    }
}

impl fmt::Display for RefusedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose approval would help, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedApproval {
    /// The role.
    pub by: Code,
    /// When the question is moot.
    pub deadline: Timestamp,
}

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who refused.
    pub by: RefusedBy,
    /// The operator of the node that refused.
    pub operator: Option<Issuer>,
    /// What it is.
    pub problem: ProblemType,
    /// This occurrence in words, for people; never an internal error.
    pub detail: Option<String>,
    /// The decision receipt of the call.
    pub receipt: Option<ReceiptId>,
    /// The acknowledgement that says the same, signed.
    pub acknowledgement: Option<ReceiptId>,
    /// Why, as stable codes.
    pub reasons: Vec<Code>,
    /// The policies that determined it.
    pub policies: Vec<String>,
    /// Whose approval would help.
    pub approval: Option<WantedApproval>,
    /// What would help.
    pub help: Help,
}

/// A rendered refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Refusal {
    /// A refusal that says no more than its problem; the rest is filled in.
    pub fn new(by: RefusedBy, problem: ProblemType) -> Self {
        Self {
            by,
            operator: None,
            problem,
            detail: None,
            receipt: None,
            acknowledgement: None,
            reasons: Vec::new(),
            policies: Vec::new(),
            approval: None,
            help: problem.help(),
        }
    }

    /// Renders the refusal. A streaming call gets the same answer: SDKs take a plain JSON answer for the error it is.
    pub fn answer(&self, shape: &Shape) -> Answer {
        let (status, content_type, document) = match shape {
            Shape::Http => (self.problem.status(), "application/problem+json", self.problem_document()),
            Shape::JsonRpc(id) => (200, "application/json", self.rpc_error(id)),
            Shape::Rest(generation) => (self.problem.status(), "application/json", self.rest_error(*generation)),
        };
        Answer { status, content_type, body: document.to_string().into_bytes() }
    }

    /// The essentials in one line.
    pub fn message(&self) -> String {
        let mut text = format!("refused by {}", self.by.in_words());
        if let Some(operator) = &self.operator {
            text += &format!(" ({operator})");
        }
        text += &format!(": {} [{}]", self.problem.title(), self.problem.code());
        if let Some(detail) = &self.detail {
            text += &format!(": {detail}");
        }
        if !self.reasons.is_empty() {
            text += &format!("; reasons {}", self.joined_reasons());
        }
        if !self.policies.is_empty() {
            text += &format!("; policies {}", self.policies.join(", "));
        }
        if let Some(receipt) = &self.receipt {
            text += &format!("; receipt {receipt}");
        }
        text += &format!("; {}", self.help_in_words());
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE_CHARS).collect()
    }

    fn help_in_words(&self) -> String {
        match (&self.approval, self.help) {
            (Some(approval), _) => format!("approval by `{}` before {} would help", approval.by, approval.deadline),
            (None, Help::None) => "trying again does not help".to_owned(),
            (None, Help::Retry) => "trying again later may help".to_owned(),
            (None, Help::NewReceipt) => "a new receipt for this request may help".to_owned(),
            (None, Help::Approval) => "a person's approval would help".to_owned(),
            (None, Help::Operator) => "the operators have to settle it".to_owned(),
        }
    }

    fn joined_reasons(&self) -> String {
        self.reasons.iter().map(Code::as_str).collect::<Vec<_>>().join(", ")
    }

    /// RFC 9457, with the same extension members wherever they have a value.
    fn problem_document(&self) -> Value {
        let mut document = Map::new();
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("type", self.problem.uri().into());
        put("title", self.problem.title().into());
        put("status", self.problem.status().into());
        put("detail", self.message().into());
        put("refused_by", self.by.as_str().into());
        put("help", json!(self.help));
        if !self.reasons.is_empty() {
            put("reasons", json!(self.reasons));
        }
        if !self.policies.is_empty() {
            put("policies", json!(self.policies));
        }
        if let Some(approval) = &self.approval {
            put("approval", json!(approval));
        }
        for (name, id) in [("receipt", &self.receipt), ("acknowledgement", &self.acknowledgement)] {
            if let Some(id) = id {
                put(name, json!(id));
            }
        }
        if let Some(operator) = &self.operator {
            put("operator", operator.as_str().into());
        }
        Value::Object(document)
    }

    fn rpc_error(&self, id: &Value) -> Value {
        let error = A2aError::of(self.problem);
        let data = [self.error_info(error)];
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": error.rpc_code(), "message": self.message(), "data": data}})
    }

    /// A `google.rpc.Status` as A2A writes it. Clients of 0.3 look for `type` and `message` at the top instead.
    fn rest_error(&self, generation: Generation) -> Value {
        let error = A2aError::of(self.problem);
        let mut document = json!({"error": {
            "code": self.problem.status(),
            "status": error.grpc_status(),
            "message": self.message(),
            "details": [self.error_info(error)],
        }});
        if let (Generation::Former, Some(object)) = (generation, document.as_object_mut()) {
            object.insert("type".to_owned(), error.former_type().into());
            object.insert("message".to_owned(), self.message().into());
        }
        document
    }

    /// Texts only, and none empty: the metadata of an `ErrorInfo` is a map of strings.
    fn error_info(&self, error: A2aError) -> Value {
        let mut metadata = Map::new();
        let mut put = |name: &str, text: String| {
            if !text.is_empty() {
                metadata.insert(name.to_owned(), text.into());
            }
        };
        put("problem", self.problem.uri());
        put("code", self.problem.code().to_owned());
        put("refused_by", self.by.as_str().to_owned());
        put("help", json!(self.help).as_str().unwrap_or_default().to_owned());
        put("operator", self.operator.as_ref().map(Issuer::to_string).unwrap_or_default());
        put("detail", self.detail.clone().unwrap_or_default());
        put("receipt", self.receipt.as_ref().map(ReceiptId::to_string).unwrap_or_default());
        put("acknowledgement", self.acknowledgement.as_ref().map(ReceiptId::to_string).unwrap_or_default());
        put("reasons", self.joined_reasons());
        put("policies", self.policies.join(", "));
        if let Some(approval) = &self.approval {
            put("approval_by", approval.by.to_string());
            put("approval_deadline", approval.deadline.to_string());
        }
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": error.reason(),
            "domain": "a2a-protocol.org",
            "metadata": metadata,
        })
    }
}

/// The errors of A2A that refusals borrow. Official SDKs keep the metadata of errors that they know, and of no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum A2aError {
    ContentTypeNotSupported,
    ExtensionSupportRequired,
    Internal,
    InvalidRequest,
    UnsupportedOperation,
}

impl A2aError {
    const fn of(problem: ProblemType) -> Self {
        match (problem, problem.fault(), problem.help()) {
            (ProblemType::MediaTypeUnsupported, ..) => Self::ContentTypeNotSupported,
            (ProblemType::CallUnrecognised | ProblemType::RequestTooLarge | ProblemType::RequestMalformed, ..) => {
                Self::InvalidRequest
            }
            // A missing or unusable receipt, and nothing else.
            (_, Fault::Sender | Fault::Evidence, Help::NewReceipt) => Self::ExtensionSupportRequired,
            // What may pass by itself: frameworks try again after an internal error, and not after an unsupported
            // operation.
            (_, Fault::Node | Fault::Upstream, _) | (_, _, Help::Retry) => Self::Internal,
            _ => Self::UnsupportedOperation,
        }
    }

    const fn rpc_code(self) -> i32 {
        match self {
            Self::ContentTypeNotSupported => -32005,
            Self::ExtensionSupportRequired => -32008,
            Self::Internal => -32603,
            Self::InvalidRequest => -32600,
            Self::UnsupportedOperation => -32004,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::ContentTypeNotSupported => "CONTENT_TYPE_NOT_SUPPORTED",
            Self::ExtensionSupportRequired => "EXTENSION_SUPPORT_REQUIRED",
            Self::Internal => "INTERNAL_ERROR",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::UnsupportedOperation => "UNSUPPORTED_OPERATION",
        }
    }

    const fn grpc_status(self) -> &'static str {
        match self {
            Self::ContentTypeNotSupported | Self::InvalidRequest => "INVALID_ARGUMENT",
            Self::ExtensionSupportRequired => "FAILED_PRECONDITION",
            Self::Internal => "UNAVAILABLE",
            Self::UnsupportedOperation => "PERMISSION_DENIED",
        }
    }

    /// The class name that REST clients of A2A 0.3 look for.
    const fn former_type(self) -> &'static str {
        match self {
            Self::ContentTypeNotSupported => "ContentTypeNotSupportedError",
            Self::ExtensionSupportRequired => "ExtensionSupportRequiredError",
            Self::Internal => "InternalError",
            Self::InvalidRequest => "InvalidRequestError",
            Self::UnsupportedOperation => "UnsupportedOperationError",
        }
    }
}

#[cfg(test)]
mod tests;
