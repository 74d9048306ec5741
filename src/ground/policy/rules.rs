//! The policies of a folder: read, named by their `@id`, their annotations checked, validated against the schema.

use std::collections::BTreeMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use serde_json::Value;

use crate::ground::canonical;
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::{MAX_POLICY_ID_CHARS, MAX_POLICY_REASON_CHARS, MAX_POLICY_RULES, MAX_SAFE_INTEGER};
use crate::ground::name::Code;
use crate::ground::policy::fault::{Location, PolicyError, PolicyFault, PolicyWarning, cedar_says};
use crate::ground::policy::source::SourceText;

/// Who approves when `@outcome("require_approval")` names nobody.
const DEFAULT_APPROVER: &str = "operator";

/// What we keep of one policy beside its Cedar form.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) at: Location,
    pub(super) effect: Effect,
    /// The `@reason`: static text for people.
    pub(super) reason: Option<String>,
    /// Who may lift this forbid; `None` when nobody may.
    pub(super) approver: Option<Code>,
    /// SHA-256 over the canonical JSON form: the same under comments, white space and order.
    pub(super) digest: Digest,
}

/// A validated set of policies.
#[derive(Debug)]
pub(super) struct Rules {
    /// Every policy.
    pub(super) all: PolicySet,
    /// Every policy but the forbids that an approval lifts: what would apply if a person had approved.
    pub(super) approved: PolicySet,
    /// What we keep of each policy, by its id.
    pub(super) by_id: BTreeMap<String, Rule>,
    pub(super) warnings: Vec<PolicyWarning>,
}

impl Rules {
    pub(super) fn read(files: &[SourceText], schema: &Schema) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        for file in files {
            reader.read_file(file);
        }
        let found = reader.policies.len();
        if found > MAX_POLICY_RULES {
            reader.faults.push(PolicyFault::TooManyRules { found, limit: MAX_POLICY_RULES });
        }
        PolicyError::check(reader.faults)?;
        let all = policy_set(reader.policies.values().cloned())?;
        let lifted = |id: &str| reader.by_id.get(id).is_some_and(|rule| rule.approver.is_some());
        let kept = reader.policies.iter().filter(|(id, _)| !lifted(id)).map(|(_, policy)| policy.clone());
        let approved = policy_set(kept)?;
        let warnings = validate(&all, schema, files, &reader.by_id)?;
        Ok(Self { all, approved, by_id: reader.by_id, warnings })
    }
}

fn policy_set(policies: impl Iterator<Item = Policy>) -> Result<PolicySet, PolicyError> {
    // Ids are known to be unique; the engine's own refusal is still reported rather than trusted away.
    PolicySet::from_policies(policies)
        .map_err(|error| PolicyFault::Unwritable { path: "*.cedar".to_owned(), message: error.to_string() }.into())
}

#[derive(Default)]
struct Reader {
    policies: BTreeMap<String, Policy>,
    by_id: BTreeMap<String, Rule>,
    faults: Vec<PolicyFault>,
}

impl Reader {
    fn read_file(&mut self, file: &SourceText) {
        let set: PolicySet = match file.text.parse() {
            Ok(set) => set,
            Err(errors) => return self.faults.extend(syntax_faults(&errors, file)),
        };
        for template in set.templates() {
            let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
            self.faults.push(PolicyFault::Template { at: Location::of(&file.path, &file.text, offset) });
        }
        for policy in set.policies() {
            let offset = policy.as_ref().loc().map_or(0, |loc| loc.start());
            let at = Location::of(&file.path, &file.text, offset);
            if let Err(fault) = self.read_policy(policy, at) {
                self.faults.push(fault);
            }
        }
    }

    fn read_policy(&mut self, policy: &Policy, at: Location) -> Result<(), PolicyFault> {
        let Some(id) = policy.annotation("id") else { return Err(PolicyFault::IdMissing { at }) };
        let length = id.chars().take(MAX_POLICY_ID_CHARS + 1).count();
        if length == 0 || length > MAX_POLICY_ID_CHARS || id.chars().any(char::is_control) {
            return Err(PolicyFault::IdMalformed { at, id: id.chars().take(MAX_POLICY_ID_CHARS).collect() });
        }
        if let Some(first) = self.by_id.get(id) {
            return Err(PolicyFault::IdRepeated { at, id: id.to_owned(), first: first.at.clone() });
        }
        let approver = approver(policy, id, &at)?;
        let reason = reason(policy, id, &at)?;
        let digest = digest(policy, id, &at)?;
        let rule = Rule { at, effect: policy.effect(), reason, approver, digest };
        self.policies.insert(id.to_owned(), policy.new_id(PolicyId::new(id)));
        self.by_id.insert(id.to_owned(), rule);
        Ok(())
    }
}

fn syntax_faults(errors: &cedar_policy::ParseErrors, file: &SourceText) -> Vec<PolicyFault> {
    let fault = |error| {
        let (at, message) = cedar_says(&DetailedError::from(error), &file.path, &file.text, 0);
        PolicyFault::Syntax { at, message }
    };
    errors.iter().map(fault).collect()
}

/// Reads `@outcome` and `@approver`. A misspelt one would turn an escalation into a plain deny, or name the wrong
/// person, so nothing but the known spellings is taken.
fn approver(policy: &Policy, id: &str, at: &Location) -> Result<Option<Code>, PolicyFault> {
    let fault = |name, value: &str, expected| PolicyFault::Annotation {
        at: at.clone(),
        id: id.to_owned(),
        name,
        value: value.chars().take(MAX_POLICY_ID_CHARS).collect(),
        expected,
    };
    match (policy.annotation("outcome"), policy.annotation("approver")) {
        (None, None) => Ok(None),
        (None, Some(role)) => Err(fault("approver", role, "stands only beside `@outcome(\"require_approval\")`")),
        (Some(outcome), _) if outcome != "require_approval" => {
            Err(fault("outcome", outcome, "must be `require_approval`, the only outcome that there is"))
        }
        (Some(outcome), _) if policy.effect() == Effect::Permit => {
            Err(fault("outcome", outcome, "stands only on a forbid: an approval lifts a forbid, it never permits"))
        }
        (Some(_), role) => {
            let role = role.unwrap_or(DEFAULT_APPROVER);
            let code = role.parse().map_err(|_| {
                fault("approver", role, "must be a role such as `operator`: lower-case letters, digits and `_`")
            })?;
            Ok(Some(code))
        }
    }
}

fn reason(policy: &Policy, id: &str, at: &Location) -> Result<Option<String>, PolicyFault> {
    let Some(text) = policy.annotation("reason") else { return Ok(None) };
    let length = text.chars().take(MAX_POLICY_REASON_CHARS + 1).count();
    if (1..=MAX_POLICY_REASON_CHARS).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(Some(text.to_owned()));
    }
    Err(PolicyFault::Annotation {
        at: at.clone(),
        id: id.to_owned(),
        name: "reason",
        value: text.chars().take(MAX_POLICY_ID_CHARS).collect(),
        expected: "must have 1 to 512 characters and no control characters",
    })
}

fn digest(policy: &Policy, id: &str, at: &Location) -> Result<Digest, PolicyFault> {
    let unwritable = |message| PolicyFault::Unwritable { path: at.path.clone(), message };
    let json = policy.to_json().map_err(|error| unwritable(error.to_string()))?;
    if let Some(value) = integer_too_large(&json) {
        return Err(PolicyFault::IntegerTooLarge { at: at.clone(), id: id.to_owned(), value });
    }
    canonical::to_vec(&json).map(|bytes| Digest::of(&bytes)).map_err(|error| unwritable(error.to_string()))
}

/// An integer that canonical JSON would round, if there is one.
fn integer_too_large(json: &Value) -> Option<i64> {
    match json {
        Value::Number(number) => number.as_i64().filter(|value| value.unsigned_abs() > MAX_SAFE_INTEGER),
        Value::Array(items) => items.iter().find_map(integer_too_large),
        Value::Object(members) => members.values().find_map(integer_too_large),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

fn validate(
    set: &PolicySet,
    schema: &Schema,
    files: &[SourceText],
    by_id: &BTreeMap<String, Rule>,
) -> Result<Vec<PolicyWarning>, PolicyError> {
    let result = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    let place = |id: &PolicyId, says: &DetailedError| {
        let id: &str = id.as_ref();
        let rule = by_id.get(id);
        let file = rule.and_then(|rule| files.iter().find(|file| file.path == rule.at.path));
        let (path, text) = file.map_or(("", ""), |file| (&file.path, &file.text));
        let (mut at, message) = cedar_says(says, path, text, 0);
        // Some findings are about the policy as a whole and point nowhere.
        if let (true, Some(rule)) = (says.source_locations.is_empty(), rule) {
            at = rule.at.clone();
        }
        (at, message)
    };
    let mut faults = Vec::new();
    for error in result.validation_errors() {
        let (at, message) = place(error.policy_id(), &DetailedError::from(error));
        faults.push(PolicyFault::Invalid { at, id: error.policy_id().to_string(), message });
    }
    PolicyError::check(faults)?;
    let mut warnings = Vec::new();
    for warning in result.validation_warnings() {
        let (at, message) = place(warning.policy_id(), &DetailedError::from(warning));
        warnings.push(PolicyWarning { at, message });
    }
    warnings.sort_unstable();
    warnings.dedup();
    Ok(warnings)
}
