//! Rules of `spec/policy.md`, each named by the test that holds it.

mod digests;
mod evaluating;
mod explaining;
mod loading;

use super::*;

/// Roles, tools and a budget: the smallest world in which every kind of rule has something to say.
const SCHEMA: &str = r#"
entity Role;
entity User in [Role] = { level?: Long, joined?: datetime };
entity Tool = { irreversible: Bool };
entity Secret;
type Spend = { remaining: Long, estimate: Long };
action invoke appliesTo { principal: [User], resource: [Tool], context: { spend?: Spend, at?: datetime } };
action pay appliesTo { principal: [User], resource: [Tool], context: { amount: Long, approved?: Bool } };
action guard appliesTo { principal: [Role], resource: [Secret], context: {} };
"#;

const ENTITIES: &str = r#"[
  {"uid": {"type": "User", "id": "rep"}, "attrs": {"level": 1}, "parents": [{"type": "Role", "id": "rep"}]},
  {"uid": {"type": "User", "id": "manager"}, "attrs": {"level": 5}, "parents": [{"type": "Role", "id": "manager"}]},
  {"uid": {"type": "Role", "id": "rep"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Role", "id": "manager"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Tool", "id": "crm.read"}, "attrs": {"irreversible": false}, "parents": []},
  {"uid": {"type": "Tool", "id": "crm.delete"}, "attrs": {"irreversible": true}, "parents": []}
]"#;

fn file(path: &str, text: &str) -> PolicyFile {
    PolicyFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn load_files(files: Vec<PolicyFile>) -> Result<Engine, PolicyError> {
    PolicySource::new(files).and_then(Engine::load)
}

fn try_load(policies: &str) -> Result<Engine, PolicyError> {
    load_files(vec![file(SCHEMA_PATH, SCHEMA), file(ENTITIES_PATH, ENTITIES), file("rules.cedar", policies)])
}

fn load(policies: &str) -> Engine {
    try_load(policies).unwrap_or_else(|error| panic!("{error}"))
}

fn ask(user: &str, action: &str, tool: &str) -> Request {
    Request::new(Entity::new("User", user), Action::new(action), Entity::new("Tool", tool))
}
