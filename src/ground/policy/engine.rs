//! The engine: one validated revision of the policy, and the answer to one request.

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    AuthorizationError, Authorizer, CedarSchemaError, Decision, Entities, Entity as CedarEntity, EntityId,
    EntityTypeName, EntityUid, Response, Schema, SchemaFragment,
};
use serde::Serialize;
use serde_json::Value;

use crate::ground::canonical::{self, Rules as JsonRules};
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::{Effect, Reason};
use crate::ground::limits::{MAX_POLICIES, MAX_POLICY_MESSAGE_CHARS, MAX_POLICY_SOURCE_BYTES};
use crate::ground::name::Code;
use crate::ground::policy::epoch::{EngineName, EpochManifest, Named, Revision, RevisionFile};
use crate::ground::policy::facts::{Call, Unfit, chain};
use crate::ground::policy::fault::{PolicyError, PolicyFault, PolicyWarning, cedar_says};
use crate::ground::policy::rules::Rules;
use crate::ground::policy::source::{ENTITIES_PATH, PolicySource, SCHEMA_PATH, SourceText};
use crate::ground::question::Request;

/// Who has to approve before an escalated action is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The role, from `@approver`.
    pub by: Code,
}

/// The answer to one request. The same revision and the same request give the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// Allow, deny or escalate.
    pub effect: Effect,
    /// Why: registered codes, sorted, at least one.
    pub reasons: Vec<Reason>,
    /// Ids of the policies that determined the effect, sorted; the first 32 of them, which is what a receipt carries.
    pub policies: Vec<String>,
    /// How many policies determined the effect.
    pub policies_total: usize,
    /// For the operator alone: what did not evaluate or did not conform. May quote facts, so no receipt carries it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Present exactly when the effect is escalate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// One revision of the operator's policy, ready to answer. Shared between threads behind an `Arc`; a new revision is a
/// new engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) schema: Schema,
    pub(super) rules: Rules,
    /// The folder's entities, and the schema's action groups.
    pub(super) entities: Entities,
    /// The folder's entities as they were written.
    pub(super) known: HashMap<EntityUid, Value>,
    /// The entity types of which nothing need be known: an entity that is not at hand says the same as a bare one.
    pub(super) bare: HashSet<EntityTypeName>,
    /// The schema's actions, by the name that a request uses.
    pub(super) actions: BTreeMap<String, EntityUid>,
    pub(super) authorizer: Authorizer,
    revision: Revision,
}

impl Engine {
    /// Reads and validates a policy folder (POL-01 to POL-06). An error lists every fault that can be told at once.
    pub fn load(source: PolicySource) -> Result<Self, PolicyError> {
        let (schema, schema_digest) = read_schema(&source.schema)?;
        let actions = name_actions(&schema)?;
        let rules = Rules::read(&source.policies, &schema)?;
        let written = source.entities.as_ref().map(read_json).transpose()?;
        let entities = read_entities(written.as_ref(), &schema)?;
        let known = name_entities(written.as_ref())?;
        let entities_digest = written.as_ref().map(digest_json).transpose()?;
        let revision = revise(source, &rules, schema_digest, entities_digest)?;
        let bare = bare_types(&schema);
        Ok(Self { schema, rules, entities, known, bare, actions, authorizer: Authorizer::new(), revision })
    }

    /// The epoch: the digest that decisions name.
    pub fn epoch(&self) -> Digest {
        self.revision.digest
    }

    /// The revision, for keeping.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What is allowed and yet probably not meant.
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.rules.warnings
    }

    /// Names of the actions that a request can ask for, sorted.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// Answers one request (POL-10 to POL-16). Never fails: what cannot be evaluated is denied.
    pub fn evaluate(&self, request: &Request) -> Evaluation {
        match Call::prepare(self, request) {
            Ok(call) => self.decide(&call),
            Err(unfit) => Evaluation::unfit(&unfit),
        }
    }

    /// The two passes. Errors come first: Cedar skips a policy that fails to evaluate, so a forbid that overflows would
    /// pass for one that does not apply.
    pub(super) fn decide(&self, call: &Call<'_>) -> Evaluation {
        let first = self.authorizer.is_authorized(&call.request, &self.rules.all, &call.entities);
        if let Some(failed) = Evaluation::failed(&first) {
            return failed;
        }
        let ids = determining(&first);
        match first.decision() {
            Decision::Allow => Evaluation::of(Effect::Allow, Reason::PolicyPermit, ids),
            Decision::Deny if ids.is_empty() => Evaluation::of(Effect::Deny, Reason::DefaultDeny, ids),
            Decision::Deny => match self.liftable(&ids) {
                Some(by) => self.decide_as_if_approved(call, ids, by),
                None => Evaluation::of(Effect::Deny, Reason::PolicyForbid, ids),
            },
        }
    }

    /// The second pass: nobody is asked to approve what would be denied anyway.
    fn decide_as_if_approved(&self, call: &Call<'_>, ids: Vec<String>, by: Code) -> Evaluation {
        let second = self.authorizer.is_authorized(&call.request, &self.rules.approved, &call.entities);
        if let Some(failed) = Evaluation::failed(&second) {
            return failed;
        }
        match second.decision() {
            Decision::Allow => {
                let escalated = Evaluation::of(Effect::Escalate, Reason::ApprovalRequired, ids);
                Evaluation { approval: Some(Approval { by }), ..escalated }
            }
            Decision::Deny => Evaluation::of(Effect::Deny, Reason::PolicyForbid, ids),
        }
    }

    /// The one role that may lift all these forbids; `None` when there is no such role.
    fn liftable(&self, forbids: &[String]) -> Option<Code> {
        let mut roles = forbids.iter().map(|id| self.rules.by_id.get(id).and_then(|rule| rule.approver.as_ref()));
        let first = roles.next()??;
        roles.all(|role| role == Some(first)).then(|| first.clone())
    }

    /// Whether this entity, of which a request says nothing, can be evaluated with the folder's entities as they are.
    pub(super) fn is_known_or_bare(&self, uid: &EntityUid) -> bool {
        self.known.contains_key(uid) || self.bare.contains(uid.type_name())
    }
}

impl Evaluation {
    fn of(effect: Effect, reason: Reason, ids: Vec<String>) -> Self {
        let policies_total = ids.len();
        let mut policies = ids;
        policies.truncate(MAX_POLICIES);
        Self { effect, reasons: vec![reason], policies, policies_total, errors: Vec::new(), approval: None }
    }

    fn unfit(unfit: &Unfit) -> Self {
        Self { errors: vec![bounded(&unfit.message)], ..Self::of(Effect::Deny, unfit.reason, Vec::new()) }
    }

    /// The deny that any evaluation error makes, naming the policies that failed.
    fn failed(response: &Response) -> Option<Self> {
        let mut ids = Vec::new();
        let mut errors = Vec::new();
        for error in response.diagnostics().errors() {
            let AuthorizationError::PolicyEvaluationError(policy) = error;
            ids.push(id_text(policy.policy_id()));
            errors.push(bounded(&chain(error)));
        }
        ids.sort_unstable();
        errors.sort_unstable();
        errors.truncate(MAX_POLICIES);
        (!ids.is_empty()).then(|| Self { errors, ..Self::of(Effect::Deny, Reason::EngineError, ids) })
    }
}

fn bounded(message: &str) -> String {
    message.chars().take(MAX_POLICY_MESSAGE_CHARS).collect()
}

fn id_text(id: &cedar_policy::PolicyId) -> String {
    let text: &str = id.as_ref();
    text.to_owned()
}

/// The policies that determined a response, sorted: Cedar gives them in no order.
fn determining(response: &Response) -> Vec<String> {
    let mut ids: Vec<String> = response.diagnostics().reason().map(id_text).collect();
    ids.sort_unstable();
    ids
}

fn read_schema(file: &SourceText) -> Result<(Schema, Digest), PolicyError> {
    let syntax = |error: &CedarSchemaError| {
        let (at, message) = cedar_says(&DetailedError::from(error), SCHEMA_PATH, &file.text, 0);
        PolicyError::from(PolicyFault::Syntax { at, message })
    };
    let (schema, _) = Schema::from_cedarschema_str(&file.text).map_err(|error| syntax(&error))?;
    let (fragment, _) = SchemaFragment::from_cedarschema_str(&file.text).map_err(|error| syntax(&error))?;
    let json = fragment.to_json_value().map_err(|error| unwritable(SCHEMA_PATH, &error))?;
    Ok((schema, digest_json(&json)?))
}

fn unwritable(path: &str, error: &dyn std::error::Error) -> PolicyError {
    PolicyFault::Unwritable { path: path.to_owned(), message: chain(error) }.into()
}

/// Digest of a value whose canonical form exists.
fn digest_json(json: &Value) -> Result<Digest, PolicyError> {
    let bytes = canonical::to_vec(json).map_err(|error| unwritable(SCHEMA_PATH, &error))?;
    Ok(Digest::of(&bytes))
}

/// Requests name an action without a namespace, so each name must stand for one action.
fn name_actions(schema: &Schema) -> Result<BTreeMap<String, EntityUid>, PolicyError> {
    let mut actions = BTreeMap::new();
    for action in schema.actions() {
        let name = action.id().unescaped().to_owned();
        if actions.insert(name.clone(), action.clone()).is_some() {
            return Err(PolicyFault::ActionAmbiguous { name }.into());
        }
    }
    Ok(actions)
}

fn bare_types(schema: &Schema) -> HashSet<EntityTypeName> {
    let conforms = |kind: &&EntityTypeName| {
        let uid = EntityUid::from_type_name_and_id((*kind).clone(), EntityId::new("anything"));
        Entities::empty().add_entities([CedarEntity::with_uid(uid)], Some(schema)).is_ok()
    };
    schema.entity_types().filter(conforms).cloned().collect()
}

fn entities_fault(message: String) -> PolicyError {
    PolicyFault::Entities { message }.into()
}

fn read_json(file: &SourceText) -> Result<Value, PolicyError> {
    // Integers only: Cedar has no other numbers, and the digest is over the canonical form.
    canonical::parse(file.text.as_bytes(), &JsonRules::receipt(MAX_POLICY_SOURCE_BYTES))
        .map_err(|error| entities_fault(error.to_string()))
}

fn read_entities(written: Option<&Value>, schema: &Schema) -> Result<Entities, PolicyError> {
    let json = written.cloned().unwrap_or(Value::Array(Vec::new()));
    Entities::from_json_value(json, Some(schema)).map_err(|error| entities_fault(chain(&error)))
}

fn name_entities(written: Option<&Value>) -> Result<HashMap<EntityUid, Value>, PolicyError> {
    let mut known = HashMap::new();
    for entity in written.and_then(Value::as_array).into_iter().flatten() {
        let uid = entity.get("uid").cloned().unwrap_or(Value::Null);
        let uid = EntityUid::from_json(uid).map_err(|error| entities_fault(chain(&error)))?;
        known.insert(uid, entity.clone());
    }
    Ok(known)
}

fn revise(
    source: PolicySource,
    rules: &Rules,
    schema: Digest,
    entities: Option<Digest>,
) -> Result<Revision, PolicyError> {
    let named = rules.by_id.iter().map(|(id, rule)| Named { id: id.clone(), digest: rule.digest });
    let policies: Vec<Named> = named.collect();
    let policy_set = canonical::to_vec(&policies).map(|bytes| Digest::of(&bytes));
    let policy_set = policy_set.map_err(|error| unwritable("*.cedar", &error))?;
    let keep = |file: SourceText| {
        let bytes = file.text.into_bytes();
        RevisionFile { path: file.path, digest: Digest::of(&bytes), bytes }
    };
    let files: Vec<RevisionFile> = source.into_files().into_iter().map(keep).collect();
    let engine = EngineName {
        name: "cedar".to_owned(),
        version: cedar_policy::get_sdk_version().to_string(),
        lang: cedar_policy::get_lang_version().to_string(),
    };
    let named = files.iter().map(|file| Named { id: file.path.clone(), digest: file.digest }).collect();
    let manifest = EpochManifest { v: 1, engine, schema, entities, policies, policy_set, files: named };
    Revision::new(manifest, files).map_err(|error| unwritable(ENTITIES_PATH, &error))
}
