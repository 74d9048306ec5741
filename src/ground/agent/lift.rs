//! Lifts typed facts out of a call's body for the policy (`spec/calls.md`, rules CALL-17 to CALL-20).
//!
//! A fact that is asked for and is not there denies the call: a policy never sees half of what it was written for. Out
//! of scope: the meaning of facts, and anything that is not in the body.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::a2a::member;
use super::call::{Body, Call};
use super::{CallAction, call::Protocol};
use crate::ground::canonical::{Rules, parse};
use crate::ground::limits::{MAX_CALL_BYTES, MAX_CODE_CHARS, MAX_LIFT_RULES, MAX_NAME_CHARS, MAX_SAFE_INTEGER};

/// What a fact is. In JSON and TOML: `"string"`, `"integer"`, `"boolean"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactType {
    /// Text of at most `max_length` characters.
    String,
    /// A number without fraction within ±(2^53 - 1).
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// One fact that a route lifts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct LiftRule {
    name: String,
    pointer: Vec<String>,
    fact_type: FactType,
    max_length: usize,
    actions: Vec<CallAction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    name: String,
    pointer: String,
    #[serde(rename = "type")]
    fact_type: FactType,
    #[serde(default = "default_length")]
    max_length: usize,
    actions: Vec<CallAction>,
}

const fn default_length() -> usize {
    MAX_NAME_CHARS
}

/// Why a configured rule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiftRuleError {
    /// A rule that applies to nothing.
    #[error("the lift rule `{0}` names no action")]
    Actions(String),
    /// Two rules of one route lift the same fact of one action.
    #[error("two lift rules give the fact `{0}` of one action")]
    Duplicate(String),
    /// Not a name.
    #[error("`{0}` is not a fact's name: expected lower-case letters, digits and `_`, at most 64 characters")]
    Name(String),
    /// Not a JSON pointer into a document.
    #[error("`{0}` is not a JSON pointer to a member: expected `/` and names, with `~0` for `~` and `~1` for `/`")]
    Pointer(String),
    /// More rules than a route takes.
    #[error("a route takes at most {MAX_LIFT_RULES} lift rules")]
    TooMany,
}

impl TryFrom<RawRule> for LiftRule {
    type Error = LiftRuleError;

    fn try_from(raw: RawRule) -> Result<Self, LiftRuleError> {
        Self::new(&raw.name, &raw.pointer, raw.fact_type, raw.max_length, raw.actions)
    }
}

impl LiftRule {
    /// Builds a rule. `max_length` counts characters and matters for strings only.
    pub fn new(
        name: &str,
        pointer: &str,
        fact_type: FactType,
        max_length: usize,
        actions: Vec<CallAction>,
    ) -> Result<Self, LiftRuleError> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(word) || name.len() > MAX_CODE_CHARS
        {
            return Err(LiftRuleError::Name(name.to_owned()));
        }
        if actions.is_empty() {
            return Err(LiftRuleError::Actions(name.to_owned()));
        }
        let pointer = read_pointer(pointer).ok_or_else(|| LiftRuleError::Pointer(pointer.to_owned()))?;
        Ok(Self { name: name.to_owned(), pointer, fact_type, max_length, actions })
    }

    /// The fact's name: `context.facts.<name>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the fact is.
    pub fn fact_type(&self) -> FactType {
        self.fact_type
    }

    /// The actions whose calls must have the fact.
    pub fn actions(&self) -> &[CallAction] {
        &self.actions
    }
}

/// Checks what the rules of one route must hold together.
pub fn check_rules(rules: &[LiftRule]) -> Result<(), LiftRuleError> {
    if rules.len() > MAX_LIFT_RULES {
        return Err(LiftRuleError::TooMany);
    }
    for (at, rule) in rules.iter().enumerate() {
        let same = |other: &&LiftRule| {
            other.name == rule.name && other.actions.iter().any(|action| rule.actions.contains(action))
        };
        if rules.iter().skip(at + 1).any(|other| same(&other)) {
            return Err(LiftRuleError::Duplicate(rule.name.clone()));
        }
    }
    Ok(())
}

/// A fact that is asked for and not there; the call is denied with `context_missing`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact `{name}` {why}")]
pub struct ContextMissing {
    /// The fact's name.
    pub name: String,
    /// Why it cannot be had.
    pub why: WhyMissing,
}

/// Why a fact cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WhyMissing {
    /// The gateway does not have the body whole.
    #[error("stands in a body that is not at hand whole")]
    BodyNotWhole,
    /// The body is no strict JSON.
    #[error("stands in a body that is no strict JSON")]
    NotJson,
    /// Nothing stands where the pointer leads, or null.
    #[error("is missing")]
    NotThere,
    /// The text is longer than the rule allows.
    #[error("is too long")]
    TooLong,
    /// A member on the way stands in two spellings.
    #[error("could be read in two ways")]
    TwoSpellings,
    /// A value of another type.
    #[error("is of the wrong type")]
    WrongType,
}

/// The facts that the rules ask of this call; `None` when no rule applies to it. `body` is read for plain HTTP only.
pub fn lift(rules: &[LiftRule], call: &Call, body: Body<'_>) -> Result<Option<Map<String, Value>>, ContextMissing> {
    let mut applicable = rules.iter().filter(|rule| rule.actions.contains(&call.action)).peekable();
    let Some(first) = applicable.peek() else { return Ok(None) };
    let missing = |rule: &LiftRule, why| ContextMissing { name: rule.name.clone(), why };
    let parsed;
    let document = if call.protocol == Protocol::Http {
        parsed = read_body(body).map_err(|why| missing(first, why))?;
        Some(&parsed)
    } else {
        call.message.as_ref()
    };
    let mut facts = Map::new();
    for rule in applicable {
        let fact = rule.fact(document).map_err(|why| missing(rule, why))?;
        facts.insert(rule.name.clone(), fact);
    }
    Ok(Some(facts))
}

fn read_body(body: Body<'_>) -> Result<Value, WhyMissing> {
    match body {
        Body::Whole(bytes) => parse(bytes, &Rules::json(MAX_CALL_BYTES)).map_err(|_| WhyMissing::NotJson),
        Body::Unbuffered => Err(WhyMissing::BodyNotWhole),
    }
}

impl LiftRule {
    fn fact(&self, document: Option<&Value>) -> Result<Value, WhyMissing> {
        let mut value = document.ok_or(WhyMissing::NotThere)?;
        for name in &self.pointer {
            value = step(value, name)?;
        }
        match (self.fact_type, value) {
            (_, Value::Null) => Err(WhyMissing::NotThere),
            (FactType::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (FactType::Integer, Value::Number(number)) => integer(number).map(Value::from).ok_or(WhyMissing::WrongType),
            (FactType::String, Value::String(text)) if text.chars().count() > self.max_length => {
                Err(WhyMissing::TooLong)
            }
            (FactType::String, Value::String(_)) => Ok(value.clone()),
            _ => Err(WhyMissing::WrongType),
        }
    }
}

/// One step of a JSON pointer (RFC 6901, section 4). The name must be exact; a second member that some reader takes for
/// it refuses.
fn step<'a>(value: &'a Value, name: &str) -> Result<&'a Value, WhyMissing> {
    match value {
        Value::Object(object) => {
            member(object, name).map_err(|_| WhyMissing::TwoSpellings)?;
            object.get(name).ok_or(WhyMissing::NotThere)
        }
        Value::Array(items) => {
            let plain = name == "0" || !name.starts_with('0');
            let index = name.parse::<usize>().ok().filter(|_| plain && name.bytes().all(|b| b.is_ascii_digit()));
            index.and_then(|index| items.get(index)).ok_or(WhyMissing::NotThere)
        }
        _ => Err(WhyMissing::NotThere),
    }
}

/// `12.0` counts as 12: A2A metadata is a protobuf Struct, and official SDKs write every number in it that way.
fn integer(number: &serde_json::Number) -> Option<i64> {
    let bound = i64::try_from(MAX_SAFE_INTEGER).ok()?;
    let whole = number.as_i64().or_else(|| {
        let double = number.as_f64().filter(|double| double.fract() == 0.0)?;
        // The decimal form of a whole double within the bound is exact; beyond it, it does not parse or is refused
        // below.
        format!("{double:.0}").parse().ok()
    })?;
    (-bound..=bound).contains(&whole).then_some(whole)
}

fn read_pointer(pointer: &str) -> Option<Vec<String>> {
    pointer.strip_prefix('/')?.split('/').map(unescape).collect()
}

fn unescape(token: &str) -> Option<String> {
    let mut text = String::with_capacity(token.len());
    let mut rest = token.chars();
    while let Some(c) = rest.next() {
        match c {
            '~' => match rest.next()? {
                '0' => text.push('~'),
                '1' => text.push('/'),
                _ => return None,
            },
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests;
