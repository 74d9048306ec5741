//! The wire types of the OpenID AuthZEN Authorization API 1.0: evaluation, evaluations, and the metadata document.
//!
//! Unknown members are ignored, as the specification demands; everything else is read strictly. Out of scope: the
//! search endpoints, which this node does not serve and does not announce, and the decision itself (`policy`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ground::canonical::{ReadError, Rules, parse};
use crate::ground::limits::{MAX_EVALUATION_BYTES, MAX_EVALUATIONS, MAX_NAME_CHARS};
use crate::ground::question::Request;

/// How far a batch is evaluated (section 7.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// All of it.
    #[default]
    ExecuteAll,
    /// Up to the first deny.
    DenyOnFirstDeny,
    /// Up to the first permit.
    PermitOnFirstPermit,
}

impl Semantic {
    /// Whether this decision is the last that the caller wants.
    pub const fn stops_after(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

/// What the `evaluations` endpoint is asked (section 7.1).
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluations {
    /// No batch: answered like a single evaluation, with a single decision.
    Single(Box<Request>),
    /// Questions with the defaults filled in, at least one, in the order of the request.
    Batch(Semantic, Vec<Request>),
}

/// One answer (section 6.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the action may go ahead.
    pub decision: bool,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// The answers to a batch (section 7.2); fewer than there were questions if the semantic stopped early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationsResponse {
    /// In the order of the questions.
    pub evaluations: Vec<Decision>,
}

/// The metadata document (section 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The base URL by which the caller reached this decision point.
    pub policy_decision_point: String,
    /// URL of the evaluation endpoint.
    pub access_evaluation_endpoint: String,
    /// URL of the evaluations endpoint.
    pub access_evaluations_endpoint: String,
}

impl Metadata {
    /// For a node at `base`, a URL without trailing slash.
    pub fn at(base: &str) -> Self {
        Self {
            policy_decision_point: base.to_owned(),
            access_evaluation_endpoint: format!("{base}/access/v1/evaluation"),
            access_evaluations_endpoint: format!("{base}/access/v1/evaluations"),
        }
    }
}

/// Why a request is no AuthZEN request. Its text is the message of the 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthzenError {
    /// Not strict JSON.
    #[error("the body is no JSON document: {0}")]
    Json(#[from] ReadError),
    /// A member is missing or of the wrong type.
    #[error("{place}: {problem}")]
    Member {
        /// Where: `request`, or `evaluations[3]`.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// An empty, overlong or unprintable name.
    #[error("{place}: `{member}` must be 1 to {MAX_NAME_CHARS} characters without control characters")]
    Name {
        /// Where.
        place: String,
        /// Which name.
        member: &'static str,
    },
    /// More items than one request may hold.
    #[error("`evaluations` holds more than {MAX_EVALUATIONS} items")]
    TooMany,
}

/// Reads the body of `POST /access/v1/evaluation`.
pub fn parse_evaluation(body: &[u8]) -> Result<Request, AuthzenError> {
    evaluation("request", &Value::Object(object(body)?))
}

/// Reads the body of `POST /access/v1/evaluations`. Without a non-empty `evaluations` it is a single evaluation.
pub fn parse_evaluations(body: &[u8]) -> Result<Evaluations, AuthzenError> {
    let mut request = object(body)?;
    let malformed = |problem: &str| AuthzenError::Member { place: "request".to_owned(), problem: problem.to_owned() };
    let items = match request.remove("evaluations") {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(malformed("`evaluations` must be an array")),
    };
    let semantic = semantic(request.remove("options").as_ref())?;
    if items.is_empty() {
        return evaluation("request", &Value::Object(request)).map(|question| Evaluations::Single(Box::new(question)));
    }
    if items.len() > MAX_EVALUATIONS {
        return Err(AuthzenError::TooMany);
    }
    let merged = items.into_iter().enumerate().map(|(at, item)| with_defaults(&request, at, item));
    merged.collect::<Result<_, _>>().map(|questions| Evaluations::Batch(semantic, questions))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, AuthzenError> {
    match parse(body, &Rules::json(MAX_EVALUATION_BYTES))? {
        Value::Object(object) => Ok(object),
        _ => Err(AuthzenError::Member { place: "request".to_owned(), problem: "must be a JSON object".to_owned() }),
    }
}

fn semantic(options: Option<&Value>) -> Result<Semantic, AuthzenError> {
    #[derive(Default, Deserialize)]
    struct Options {
        #[serde(default)]
        evaluations_semantic: Semantic,
    }
    if options.is_some_and(|options| !options.is_object()) {
        let problem = "`options` must be an object".to_owned();
        return Err(AuthzenError::Member { place: "request".to_owned(), problem });
    }
    let options = options.map_or_else(|| Ok(Options::default()), Options::deserialize);
    options
        .map(|options| options.evaluations_semantic)
        .map_err(|error| AuthzenError::Member { place: "options".to_owned(), problem: error.to_string() })
}

/// An item's member replaces the default as a whole (section 7.1.1).
fn with_defaults(request: &Map<String, Value>, at: usize, item: Value) -> Result<Request, AuthzenError> {
    let place = format!("evaluations[{at}]");
    let Value::Object(item) = item else {
        return Err(AuthzenError::Member { place, problem: "must be a JSON object".to_owned() });
    };
    let mut merged = Map::new();
    for name in ["subject", "action", "resource", "context"] {
        if let Some(value) = item.get(name).or_else(|| request.get(name)) {
            merged.insert(name.to_owned(), value.clone());
        }
    }
    evaluation(&place, &Value::Object(merged))
}

/// Reads a single evaluation that stands inside another document; `place` names it in the error.
pub fn evaluation(place: &str, value: &Value) -> Result<Request, AuthzenError> {
    // The derived readers would take an array of the members' values for an object.
    for name in ["subject", "action", "resource", "context"] {
        if value.get(name).is_some_and(|member| !member.is_object()) {
            let problem = format!("`{name}` must be an object");
            return Err(AuthzenError::Member { place: place.to_owned(), problem });
        }
    }
    let question = Request::deserialize(value)
        .map_err(|error| AuthzenError::Member { place: place.to_owned(), problem: error.to_string() })?;
    let names = [
        ("subject.type", &question.subject.kind),
        ("subject.id", &question.subject.id),
        ("action.name", &question.action.name),
        ("resource.type", &question.resource.kind),
        ("resource.id", &question.resource.id),
    ];
    for (member, text) in names {
        let length = text.chars().count();
        if length == 0 || length > MAX_NAME_CHARS || text.chars().any(char::is_control) {
            return Err(AuthzenError::Name { place: place.to_owned(), member });
        }
    }
    Ok(question)
}

#[cfg(test)]
mod tests;
