//! The question: may this subject do this action to this resource, given these facts?
//!
//! The members and their names are those of the OpenID AuthZEN Authorization API 1.0, section 5; members that it does
//! not know are left aside when a request is read, as it demands. They stand in canonical order, because every decision
//! commits to its question's canonical form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A subject or a resource (AuthZEN, sections 5.1 and 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Which one.
    pub id: String,
    /// What is known about it: the entity's attributes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// The kind of thing: a Cedar entity type of the schema, such as `Agent` or `Acme::Agent`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it belongs to, such as the `Peer` of a `PeerAgent`. AuthZEN has no such member: the node alone sets it, and
    /// a caller cannot put itself into a group.
    #[serde(skip)]
    pub parents: Vec<EntityName>,
}

impl Entity {
    /// A thing of which nothing but its name is known.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), properties: Map::new(), parents: Vec::new() }
    }

    /// This thing as a member of another.
    #[must_use]
    pub fn within(mut self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.parents.push(EntityName { kind: kind.into(), id: id.into() });
        self
    }
}

/// The name of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityName {
    /// A Cedar entity type of the schema.
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// An action (AuthZEN, section 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Name of an action of the schema, such as `a2a.send_message`.
    pub name: String,
    /// What is known about it. Cedar's actions have no attributes: policies see these as `context.action`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

impl Action {
    /// An action of which nothing but its name is known.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), properties: Map::new() }
    }
}

/// An access evaluation request (AuthZEN, section 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// To do what.
    pub action: Action,
    /// The facts of this call: booleans, integers, strings, arrays and objects of them. Times, decimals and addresses
    /// are strings in Cedar's form; the schema says which.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// To what.
    pub resource: Entity,
    /// Who asks.
    pub subject: Entity,
}

impl Request {
    /// A request without facts.
    pub fn new(subject: Entity, action: Action, resource: Entity) -> Self {
        Self { subject, action, resource, context: Map::new() }
    }

    /// This request with one more fact.
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context.insert(name.into(), value.into());
        self
    }
}
