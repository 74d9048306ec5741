//! Makes the question to the policy out of a call (`spec/calls.md`, rules CALL-15 and CALL-16).
//!
//! Out of scope: who the parties are. The node knows that from its configuration (outbound) or from the receipt that it
//! accepted (inbound), and brings it.

use serde_json::{Map, Value};

use super::call::{Call, Protocol};
use crate::ground::effect::Effect;
use crate::ground::limits::MAX_NAME_CHARS;
use crate::ground::name::Issuer;
use crate::ground::question::{Action, Entity, Request};
use crate::ground::verdict::Level;

/// Type of an own agent.
pub const AGENT: &str = "Agent";
/// Type of another operator.
pub const PEER: &str = "Peer";
/// Type of a peer's agent, named `<peer issuer>/<agent>`.
pub const PEER_AGENT: &str = "PeerAgent";

/// One party's identity, and whether it is verified or only claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Agent id, or user id or pseudonym.
    pub id: &'a str,
    /// Whether the operator who speaks of it has verified it.
    pub verified: bool,
}

/// What the node knows about both ends of a call.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The other operator.
    pub peer: &'a Issuer,
    /// The route's name: of the peer's agent (outbound), or of the own one (inbound).
    pub route: &'a str,
    /// The agent that calls.
    pub agent: Identity<'a>,
    /// The user that it acts for.
    pub user: Option<Identity<'a>>,
    /// Whether the receipt binds the body.
    pub body_bound: bool,
}

/// What the accepted receipt of an inbound call says.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptFacts {
    /// The level that it was verified at.
    pub level: Level,
    /// The effect that the caller's operator decided.
    pub effect: Effect,
}

/// A name longer than a receipt can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0} would be longer than {MAX_NAME_CHARS} characters")]
pub struct NameTooLong(&'static str);

/// May our agent call the peer's?
pub fn outbound(parties: &Parties<'_>, call: &Call, facts: Option<Map<String, Value>>) -> Result<Request, NameTooLong> {
    let subject = Entity::new(AGENT, parties.agent.id);
    let resource = peer_entity(parties.peer, parties.route);
    question(subject, resource, call, context("outbound", parties, call, facts))
}

/// May the peer's agent call ours?
pub fn inbound(
    parties: &Parties<'_>,
    receipt: &ReceiptFacts,
    call: &Call,
    facts: Option<Map<String, Value>>,
) -> Result<Request, NameTooLong> {
    let subject = peer_entity(parties.peer, parties.agent.id);
    let resource = Entity::new(AGENT, parties.route);
    let mut context = context("inbound", parties, call, facts);
    let level = Value::from(receipt.level.as_str());
    let effect = Value::from(receipt.effect.as_str());
    let receipt = Map::from_iter([("level".to_owned(), level), ("effect".to_owned(), effect)]);
    context.insert("receipt".to_owned(), Value::Object(receipt));
    question(subject, resource, call, context)
}

/// An issuer has no path, so the first `/` after its authority ends it. Policies find the operator as its parent.
fn peer_entity(peer: &Issuer, agent: &str) -> Entity {
    Entity::new(PEER_AGENT, format!("{peer}/{agent}")).within(PEER, peer.as_str())
}

fn question(
    subject: Entity,
    resource: Entity,
    call: &Call,
    context: Map<String, Value>,
) -> Result<Request, NameTooLong> {
    for (what, id) in [("subject", &subject.id), ("resource", &resource.id)] {
        if id.chars().count() > MAX_NAME_CHARS {
            return Err(NameTooLong(what));
        }
    }
    Ok(Request { subject, action: Action::new(call.action.name()), resource, context })
}

fn context(
    direction: &str,
    parties: &Parties<'_>,
    call: &Call,
    facts: Option<Map<String, Value>>,
) -> Map<String, Value> {
    let mut context = Map::new();
    let mut put = |name: &str, value: Value| context.insert(name.to_owned(), value);
    put("direction", direction.into());
    put("protocol", call.protocol.as_str().into());
    put("peer", parties.peer.as_str().into());
    put("streaming", call.streaming.into());
    put("push_callback", call.push_callback.into());
    put("body", if parties.body_bound { "bound" } else { "unbound" }.into());
    put("path", call.path.as_str().into());
    put("agent_basis", basis(parties.agent).into());
    if let Some(user) = parties.user {
        put("user", user.id.into());
        put("user_basis", basis(user).into());
    }
    if call.protocol != Protocol::Http {
        let named = [("tenant", &call.tenant), ("conversation", &call.conversation), ("task", &call.task)];
        for (name, text) in named {
            if let Some(text) = text {
                put(name, text.as_str().into());
            }
        }
    }
    if let Some(facts) = facts {
        put("facts", Value::Object(facts));
    }
    context
}

const fn basis(identity: Identity<'_>) -> &'static str {
    if identity.verified { "verified" } else { "claimed" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ground::agent::call::{Body, Request, RouteProtocol, recognise};

    fn send() -> Call {
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"tenant":"t","message":{"contextId":"c","taskId":""}}}"#;
        let headers = [("content-type", "application/json")];
        let request = Request { method: "POST", path: "", headers: &headers, body: Body::Whole(body) };
        recognise(RouteProtocol::A2a, &request).unwrap()
    }

    fn parties(peer: &Issuer) -> Parties<'_> {
        let agent = Identity { id: "buyer", verified: true };
        Parties { peer, route: "seller", agent, user: None, body_bound: true }
    }

    #[test]
    fn an_outbound_call_asks_about_the_peers_agent() {
        let peer = "https://b.example".parse().unwrap();
        let question = outbound(&parties(&peer), &send(), None).unwrap();
        let wanted = json!({
            "subject": {"type": "Agent", "id": "buyer"},
            "action": {"name": "a2a.send_message"},
            "resource": {"type": "PeerAgent", "id": "https://b.example/seller"},
            "context": {
                "direction": "outbound", "protocol": "a2a_jsonrpc", "peer": "https://b.example", "streaming": false,
                "push_callback": false, "body": "bound", "path": "", "agent_basis": "verified", "tenant": "t",
                "conversation": "c",
            },
        });
        assert_eq!(serde_json::to_value(question).unwrap(), wanted);
    }

    #[test]
    fn an_inbound_call_asks_about_the_own_agent_and_brings_what_the_receipt_says() {
        let peer = "https://b.example".parse().unwrap();
        let mut parties = parties(&peer);
        parties.user = Some(Identity { id: "p-1", verified: false });
        parties.body_bound = false;
        let receipt = ReceiptFacts { level: Level::Signed, effect: Effect::Allow };
        let facts = Map::from_iter([("amount".to_owned(), json!(12))]);
        let question = inbound(&parties, &receipt, &send(), Some(facts)).unwrap();
        let buyer = Entity::new("PeerAgent", "https://b.example/buyer").within("Peer", "https://b.example");
        assert_eq!(question.subject, buyer);
        assert_eq!(question.resource, Entity::new("Agent", "seller"));
        assert_eq!(question.context["receipt"], json!({"level": "signed", "effect": "allow"}));
        assert_eq!(question.context["facts"], json!({"amount": 12}));
        assert_eq!(question.context["user"], json!("p-1"));
        assert_eq!(question.context["user_basis"], json!("claimed"));
        assert_eq!(question.context["body"], json!("unbound"));
    }

    #[cfg(feature = "node")]
    #[test]
    fn the_starter_policy_knows_every_action_and_every_fact() {
        use crate::ground::agent::CallAction;
        use crate::ground::policy::{Engine, PolicySource, starter};

        let engine = Engine::load(PolicySource::new(starter::files()).unwrap()).unwrap();
        let peer = "https://b.example".parse().unwrap();
        let user = Some(Identity { id: "p-1", verified: true });
        let parties = Parties { user, ..parties(&peer) };
        let receipt = ReceiptFacts { level: Level::Witnessed, effect: Effect::Allow };
        for action in CallAction::ALL.iter().copied() {
            let call = Call { action, task: Some("t".to_owned()), ..send() };
            let facts = Map::from_iter([("amount".to_owned(), json!(12))]);
            for question in [
                outbound(&parties, &call, Some(facts.clone())).unwrap(),
                inbound(&parties, &receipt, &call, Some(facts)).unwrap(),
            ] {
                assert_eq!(engine.evaluate(&question).errors, Vec::<String>::new(), "{action}");
            }
        }
        assert_eq!(engine.evaluate(&outbound(&parties, &send(), None).unwrap()).effect, Effect::Allow);
    }

    #[test]
    fn names_that_no_receipt_could_carry_are_refused() {
        let peer = "https://b.example".parse().unwrap();
        let long = "x".repeat(MAX_NAME_CHARS);
        let parties = Parties { route: &long, ..parties(&peer) };
        assert_eq!(outbound(&parties, &send(), None), Err(NameTooLong("resource")));
    }
}
