//! From an AuthZEN request to what Cedar evaluates: names, attributes and context, each held against the schema.

use std::borrow::Cow;
use std::collections::HashSet;

use cedar_policy::{
    Context, Entities, Entity as CedarEntity, EntityId, EntityTypeName, EntityUid, Request as CedarRequest,
    RequestValidationError, RestrictedExpression, validate_scope_variables,
};
use serde_json::{Map, Value, json};

use crate::ground::effect::Reason;
use crate::ground::limits::{MAX_JSON_DEPTH, MAX_NAME_CHARS};
use crate::ground::policy::engine::Engine;
use crate::ground::question::{Entity, Request};

/// Why a request is denied before any policy is asked.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Unfit {
    fn unknown(message: String) -> Self {
        Self { reason: Reason::EntityUnknown, message }
    }

    fn missing(message: String) -> Self {
        Self { reason: Reason::ContextMissing, message }
    }
}

/// A request that conforms to the schema, and the entities to evaluate it with.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: CedarRequest,
    pub(super) entities: Cow<'a, Entities>,
    pub(super) principal: EntityUid,
    pub(super) action: EntityUid,
    pub(super) resource: EntityUid,
}

impl<'a> Call<'a> {
    pub(super) fn prepare(engine: &'a Engine, request: &Request) -> Result<Self, Unfit> {
        let action =
            engine.actions.get(&request.action.name).cloned().ok_or_else(|| {
                Unfit::unknown(format!("the schema has no action `{}`", shortened(&request.action.name)))
            })?;
        let principal = entity_uid(&request.subject.kind, &request.subject.id)?;
        let resource = entity_uid(&request.resource.kind, &request.resource.id)?;
        validate_scope_variables(&principal, &action, &resource, &engine.schema).map_err(|error| unfit(&error))?;
        for facts in
            [&request.context, &request.subject.properties, &request.action.properties, &request.resource.properties]
        {
            check_depth(facts)?;
        }
        let entities = entities(engine, [(&principal, &request.subject), (&resource, &request.resource)])?;
        let facts = facts(request)?;
        let uids = [&principal, &action, &resource];
        let request = conforming(engine, uids, &facts)?;
        Ok(Self { request, entities, principal, action, resource })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

/// Everything below walks values by recursion.
fn check_depth(facts: &Map<String, Value>) -> Result<(), Unfit> {
    let deep = facts.iter().find(|(_, value)| is_deeper_than(value, MAX_JSON_DEPTH));
    deep.map_or(Ok(()), |(name, _)| {
        Err(Unfit::missing(format!("the fact `{}` nests deeper than {MAX_JSON_DEPTH} levels", shortened(name))))
    })
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match (value, levels.checked_sub(1)) {
        (Value::Array(items), Some(left)) => items.iter().any(|item| is_deeper_than(item, left)),
        (Value::Object(members), Some(left)) => members.values().any(|member| is_deeper_than(member, left)),
        (Value::Array(_) | Value::Object(_), None) => true,
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => false,
    }
}

fn entity_uid(kind: &str, id: &str) -> Result<EntityUid, Unfit> {
    let type_name: EntityTypeName =
        kind.parse().map_err(|_| Unfit::unknown(format!("`{}` is not the name of an entity type", shortened(kind))))?;
    let length = id.chars().take(MAX_NAME_CHARS + 1).count();
    if length == 0 || length > MAX_NAME_CHARS || id.chars().any(char::is_control) {
        return Err(Unfit::unknown(format!("`{}` is not a name of 1 to {MAX_NAME_CHARS} characters", shortened(id))));
    }
    Ok(EntityUid::from_type_name_and_id(type_name, EntityId::new(id)))
}

/// The context of the request, with the properties of its action.
fn facts(request: &Request) -> Result<Cow<'_, Map<String, Value>>, Unfit> {
    if request.action.properties.is_empty() {
        return Ok(Cow::Borrowed(&request.context));
    }
    let mut facts = request.context.clone();
    match facts.insert("action".to_owned(), Value::Object(request.action.properties.clone())) {
        None => Ok(Cow::Owned(facts)),
        Some(_) => {
            Err(Unfit::missing("`context.action` and the action's own properties say the same thing twice".to_owned()))
        }
    }
}

/// Builds the request from typed pairs, which costs a third of reading JSON by the schema. Only where the schema
/// wants what JSON has no type for (times, decimals, addresses, entities) is it read that way.
fn conforming(engine: &Engine, uids: [&EntityUid; 3], facts: &Map<String, Value>) -> Result<CedarRequest, Unfit> {
    let [principal, action, resource] = uids;
    let build = |context: Context| {
        CedarRequest::new(principal.clone(), action.clone(), resource.clone(), context, Some(&engine.schema))
            .map_err(Box::new)
    };
    match build(plain_context(facts)?) {
        Ok(request) => Ok(request),
        Err(error) if is_about_context(&error) => {
            let json = Value::Object(facts.clone());
            let context = Context::from_json_value(json, Some((&engine.schema, action)))
                .map_err(|error| Unfit::missing(chain(&error)))?;
            build(context).map_err(|error| unfit(&error))
        }
        Err(error) => Err(unfit(&error)),
    }
}

fn plain_context(facts: &Map<String, Value>) -> Result<Context, Unfit> {
    let pairs = facts.iter().map(|(name, value)| Ok((name.clone(), expression(value, name)?)));
    let pairs = pairs.collect::<Result<Vec<_>, Unfit>>()?;
    Context::from_pairs(pairs).map_err(|error| Unfit::missing(chain(&error)))
}

fn expression(value: &Value, name: &str) -> Result<RestrictedExpression, Unfit> {
    match value {
        Value::Bool(value) => Ok(RestrictedExpression::new_bool(*value)),
        Value::String(value) => Ok(RestrictedExpression::new_string(value.clone())),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Ok(RestrictedExpression::new_long(value)),
            None => {
                Err(Unfit::missing(format!("the fact `{name}` has the number {number}, which is no 64-bit integer")))
            }
        },
        Value::Null => Err(Unfit::missing(format!("the fact `{name}` is null, which is no fact"))),
        Value::Array(items) => {
            let items = items.iter().map(|item| expression(item, name)).collect::<Result<Vec<_>, _>>()?;
            Ok(RestrictedExpression::new_set(items))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| Ok((key.clone(), expression(value, name)?)));
            RestrictedExpression::new_record(members.collect::<Result<Vec<_>, Unfit>>()?)
                .map_err(|error| Unfit::missing(chain(&error)))
        }
    }
}

fn is_about_context(error: &RequestValidationError) -> bool {
    matches!(error, RequestValidationError::InvalidContext(_) | RequestValidationError::TypeOfContext(_))
}

fn unfit(error: &RequestValidationError) -> Unfit {
    if is_about_context(error) { Unfit::missing(chain(error)) } else { Unfit::unknown(chain(error)) }
}

/// The folder's entities, and what the request says of its subject and its resource. Most requests name nothing but
/// ids, and those are evaluated with the folder's entities as they are.
fn entities<'a>(engine: &'a Engine, named: [(&EntityUid, &Entity); 2]) -> Result<Cow<'a, Entities>, Unfit> {
    let mut said = Vec::new();
    for (uid, entity) in one_voice(named)? {
        if entity.properties.is_empty() && entity.parents.is_empty() && engine.is_known_or_bare(uid) {
            continue;
        }
        said.push(described(engine, uid, entity)?);
    }
    if said.is_empty() {
        return Ok(Cow::Borrowed(&engine.entities));
    }
    let entities = engine.entities.clone().upsert_entities(said, Some(&engine.schema));
    entities.map(Cow::Owned).map_err(|error| Unfit::missing(chain(&error)))
}

/// A subject that acts on itself is one entity: what is said of it must be said once, or alike.
fn one_voice<'e>(
    named: [(&'e EntityUid, &'e Entity); 2],
) -> Result<impl Iterator<Item = (&'e EntityUid, &'e Entity)>, Unfit> {
    let [(subject, said), (resource, again)] = named;
    let silent = |entity: &Entity| entity.properties.is_empty() && entity.parents.is_empty();
    let (first, second) = match subject == resource {
        true if said == again || silent(again) => (Some((subject, said)), None),
        true if silent(said) => (None, Some((resource, again))),
        true => return Err(Unfit::missing(format!("the request says two different things of `{subject}`"))),
        false => (Some((subject, said)), Some((resource, again))),
    };
    Ok(first.into_iter().chain(second))
}

/// One entity of the request. What the folder says of it stands: a caller cannot overwrite an attribute that the
/// operator wrote down, nor take the entity out of its groups.
fn described(engine: &Engine, uid: &EntityUid, entity: &Entity) -> Result<CedarEntity, Unfit> {
    let mut parents = HashSet::new();
    for parent in &entity.parents {
        parents.insert(entity_uid(&parent.kind, &parent.id)?);
    }
    let known = engine.known.get(uid);
    if entity.properties.is_empty() && known.is_none() {
        return Ok(CedarEntity::new_no_attrs(uid.clone(), parents));
    }
    let mut attributes = entity.properties.clone();
    let mut parents: Vec<Value> = parents.iter().map(name_json).collect();
    let mut tags = Value::Object(Map::new());
    if let Some(known) = known {
        attributes.extend(known.get("attrs").and_then(Value::as_object).cloned().unwrap_or_default());
        parents.extend(known.get("parents").and_then(Value::as_array).cloned().unwrap_or_default());
        tags = known.get("tags").cloned().unwrap_or(tags);
    }
    let json = json!({ "uid": name_json(uid), "attrs": attributes, "parents": parents, "tags": tags });
    CedarEntity::from_json_value(json, Some(&engine.schema)).map_err(|error| Unfit::missing(chain(&error)))
}

fn name_json(uid: &EntityUid) -> Value {
    json!({ "type": uid.type_name().to_string(), "id": uid.id().unescaped() })
}

/// An error with its causes: Cedar's outermost message often only says that something did not conform.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.ends_with(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    message
}
