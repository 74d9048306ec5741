//! The policy folder that a new node begins with: calls between operators as `spec/calls.md` names them, denied by
//! default, with an example of each kind of rule.

use crate::ground::policy::source::{PolicyFile, SCHEMA_PATH};

/// The files, sorted by path.
pub fn files() -> Vec<PolicyFile> {
    let texts = [
        ("inbound.cedar", include_str!("starter/inbound.cedar")),
        ("outbound.cedar", include_str!("starter/outbound.cedar")),
        (SCHEMA_PATH, include_str!("starter/schema.cedarschema")),
    ];
    texts.map(|(path, text)| PolicyFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ground::effect::Effect;
    use crate::ground::policy::{Action, Engine, Entity, PolicySource, Request};

    fn engine() -> Engine {
        Engine::load(PolicySource::new(files()).unwrap()).unwrap()
    }

    fn peer_agent() -> Entity {
        Entity::new("PeerAgent", "https://b.example/travel").within("Peer", "https://b.example")
    }

    fn facts(request: Request, direction: &str) -> Request {
        request
            .with_fact("direction", direction)
            .with_fact("protocol", "a2a_jsonrpc")
            .with_fact("peer", "https://b.example")
            .with_fact("streaming", false)
            .with_fact("push_callback", false)
            .with_fact("body", "bound")
            .with_fact("agent_basis", "verified")
    }

    fn outbound(action: &str) -> Request {
        facts(Request::new(Entity::new("Agent", "billing"), Action::new(action), peer_agent()), "outbound")
    }

    fn inbound(action: &str) -> Request {
        facts(Request::new(peer_agent(), Action::new(action), Entity::new("Agent", "billing")), "inbound")
            .with_fact("receipt", json!({ "level": "signed", "effect": "allow" }))
    }

    #[test]
    fn the_starter_validates_without_a_warning() {
        assert_eq!(engine().warnings(), []);
    }

    #[test]
    fn our_agents_talk_to_peers_and_read_but_do_not_write_over_http() {
        let engine = engine();
        for action in ["a2a.send_message", "a2a.get_task", "a2a.get_agent_card", "http.get"] {
            assert_eq!(engine.evaluate(&outbound(action)).effect, Effect::Allow, "{action}");
        }
        for action in ["http.post", "http.delete"] {
            assert_eq!(engine.evaluate(&outbound(action)).effect, Effect::Deny, "{action}");
        }
    }

    #[test]
    fn a_large_amount_waits_for_the_operator() {
        let amount = |amount: i64| outbound("a2a.send_message").with_fact("facts", json!({ "amount": amount }));
        let engine = engine();
        assert_eq!(engine.evaluate(&amount(1000)).effect, Effect::Allow);
        let large = engine.evaluate(&amount(1001));
        assert_eq!(large.effect, Effect::Escalate);
        assert_eq!(large.approval.unwrap().by.as_str(), "operator");
    }

    #[test]
    fn a_peer_needs_its_own_operator_s_allow_and_a_bound_body() {
        let engine = engine();
        assert_eq!(engine.evaluate(&inbound("a2a.send_message")).effect, Effect::Allow);
        let refused =
            inbound("a2a.send_message").with_fact("receipt", json!({ "level": "signed", "effect": "escalate" }));
        assert_eq!(engine.evaluate(&refused).effect, Effect::Deny);
        let unbound = inbound("a2a.send_message").with_fact("body", "unbound");
        assert_eq!(engine.evaluate(&unbound).policies, ["inbound-body-is-bound"]);
        assert_eq!(engine.evaluate(&inbound("a2a.create_push_config")).effect, Effect::Deny);
        let hidden = inbound("a2a.send_message").with_fact("push_callback", true);
        assert_eq!(engine.evaluate(&hidden).policies, ["inbound-no-push-address"]);
        assert_eq!(engine.evaluate(&inbound("http.get")).effect, Effect::Deny);
    }

    #[test]
    fn an_answer_with_internal_data_stays_inside() {
        let engine = engine();
        let answer = Request::new(Entity::new("Agent", "billing"), Action::new("respond"), Entity::new("User", "u-17"));
        assert_eq!(engine.evaluate(&answer).effect, Effect::Allow);
        let internal = answer.with_fact("labels", json!(["internal", "crm"]));
        assert_eq!(engine.evaluate(&internal).effect, Effect::Deny);
    }
}
