use serde_json::json;

use super::*;
use crate::ground::crypto::hash::Digest;

const EPOCH: &str = "Ml5nBrM8f3m0vIT6yYbnZx8bRzGdC6OnqdbpUOqFcvU";

/// A decision with the members that every decision has, and a binding.
pub(crate) fn decision() -> Decision {
    serde_json::from_value(json!({
        "iss": "https://a.example", "aud": "https://b.example", "iat": 1_800_000_000, "exp": 1_800_000_300,
        "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ab", "sub": "booking-agent",
        "subject": {"type": "Agent", "id": "booking-agent"}, "identity": {"agent": {"basis": "verified", "by": "gateway_path"}},
        "action": {"name": "a2a.send_message"}, "resource": {"type": "PeerAgent", "id": "https://b.example/hotel"},
        "effect": "allow", "reasons": ["policy_permit"], "policies": ["may-book"], "epoch": EPOCH, "assurance": "evaluated",
        "binding": {"body": "unbound", "target": EPOCH},
        "log": {"origin": "a.example/log", "size": 0, "root": Digest::of(b""), "include_by": 1_800_000_060},
    }))
    .unwrap()
}

/// One valid payload of each kind.
pub(crate) fn every_payload() -> Vec<Payload> {
    let log = json!({"origin": "b.example/log", "size": 5, "root": EPOCH, "include_by": 1_800_000_060});
    let receipt = json!({"digest": EPOCH, "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ab"});
    let acknowledgement = json!({
        "iss": "https://b.example", "aud": "https://a.example", "iat": 1_800_000_001,
        "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ac", "receipt": receipt, "effect": "allow", "reasons": ["policy_permit"],
        "policies": [], "epoch": EPOCH, "assurance": "evaluated", "action": {"name": "a2a.send_message"},
        "resource": {"type": "Agent", "id": "hotel"}, "body": "bound", "mode": "enforce", "log": log,
    });
    let outcome = json!({
        "iss": "https://b.example", "aud": "https://a.example", "iat": 1_800_000_002,
        "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ad", "receipt": receipt, "acknowledgement": receipt,
        "observer": "executor", "status": "completed", "http_status": 200,
        "response": {"body": "bound", "content": EPOCH}, "log": log,
    });
    let configuration = json!({
        "iss": "https://b.example", "aud": "https://b.example", "iat": 1_800_000_000,
        "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ae", "event": "start", "number": 1, "after": EPOCH, "by": "cli", "log": log,
    });
    vec![
        Payload::Decision(Box::new(decision())),
        Payload::Acknowledgement(Box::new(serde_json::from_value(acknowledgement).unwrap())),
        Payload::Outcome(Box::new(serde_json::from_value(outcome).unwrap())),
        Payload::Configuration(Box::new(serde_json::from_value(configuration).unwrap())),
    ]
}

/// The member that is at fault once `change` has been made to the kind's valid payload.
fn fault<T>(payload: &T, change: &serde_json::Value, wrap: fn(Box<T>) -> Payload) -> &'static str
where
    T: Serialize + serde::de::DeserializeOwned,
{
    let mut value = serde_json::to_value(payload).unwrap();
    for (name, changed) in change.as_object().unwrap() {
        match changed {
            serde_json::Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            changed => value[name] = changed.clone(),
        }
    }
    wrap(Box::new(serde_json::from_value(value).unwrap())).check().unwrap_err().member
}

#[test]
fn every_kind_passes_its_own_rules() {
    for payload in every_payload() {
        assert_eq!(payload.check(), Ok(()));
    }
}

#[test]
fn a_decision_that_contradicts_itself_is_refused() {
    let long = "x".repeat(257);
    let actor = json!({"sub": "booking-agent"});
    let mut deep = actor.clone();
    for _ in 0..8 {
        deep = json!({"sub": "booking-agent", "act": deep});
    }
    let claimed = json!({"basis": "claimed"});
    for (change, member) in [
        (json!({"sub": ""}), "sub"),
        (json!({"sub": long}), "sub"),
        (json!({"sub": "a\u{7}"}), "sub"),
        (json!({"sub": "other"}), "subject.id"),
        (json!({"act": actor}), "identity.user"),
        (json!({"act": deep, "identity": {"agent": claimed, "user": claimed, "delegation": claimed}}), "act"),
        (
            json!({"act": {"sub": "booking-agent", "act": {"sub": "x"}}, "identity": {"agent": claimed, "user": claimed}}),
            "identity.delegation",
        ),
        (json!({"identity": {"agent": claimed, "user": claimed}}), "identity.user"),
        (json!({"exp": 1_800_000_601}), "exp"),
        (json!({"exp": 1_800_000_000}), "exp"),
        (json!({"exp": 1_700_000_000}), "exp"),
        (json!({"nbf": 1_800_000_300}), "nbf"),
        (json!({"reasons": []}), "reasons"),
        (json!({"reasons": ["policy_permit", "policy_permit"]}), "reasons"),
        (json!({"reasons": ["policy_permit", "default_deny"]}), "reasons"),
        (json!({"policies": ["b", "a"]}), "policies"),
        (json!({"effect": "escalate"}), "approval"),
        (json!({"approval": {"by": "manager", "deadline": 1_800_000_100}}), "approval"),
        (json!({"binding": null}), "binding"),
        (json!({"binding": {"body": "bound", "target": EPOCH}}), "binding.content"),
        (json!({"binding": {"body": "unbound", "target": EPOCH, "content": EPOCH}}), "binding.content"),
        (json!({"session": {"id": "", "seq": 1}}), "session.id"),
        (json!({"session": {"id": "a b", "seq": 1}}), "session.id"),
        (json!({"session": {"id": "s", "seq": 0}}), "session.seq"),
        (json!({"obligations": []}), "obligations"),
        (json!({"parents": []}), "parents"),
        (json!({"_sd": []}), "_sd"),
        (json!({"_sd_alg": "sha-256"}), "_sd_alg"),
        (json!({"_sd": [EPOCH], "_sd_alg": "md5"}), "_sd_alg"),
        (
            json!({"log": {"origin": "a b", "size": 0, "root": Digest::of(b""), "include_by": 1_800_000_060}}),
            "log.origin",
        ),
        (json!({"log": {"origin": "a", "size": 1, "root": Digest::of(b""), "include_by": 1_800_000_060}}), "log.root"),
        (json!({"log": {"origin": "a", "size": 0, "root": EPOCH, "include_by": 1_800_000_060}}), "log.root"),
        (
            json!({"log": {"origin": "a", "size": 9_007_199_254_740_992_u64, "root": EPOCH, "include_by": 1_800_000_060}}),
            "log.size",
        ),
        (json!({"log": {"origin": "a", "size": 1, "root": EPOCH, "include_by": 1_799_999_999}}), "log.include_by"),
        (json!({"log": {"origin": "a", "size": 1, "root": EPOCH, "include_by": 1_800_086_401}}), "log.include_by"),
        (json!({"policies": ["p".repeat(129)]}), "policies"),
        (json!({"retry_of": decision().jti}), "retry_of"),
    ] {
        assert_eq!(fault(&decision(), &change, Payload::Decision), member, "{change}");
    }
}

#[test]
fn a_chain_of_delegation_is_read_and_kept() {
    let mut value = serde_json::to_value(decision()).unwrap();
    value["sub"] = json!("user-7f3a");
    value["act"] = json!({"sub": "booking-agent", "act": {"sub": "planner"}});
    value["identity"]["user"] = json!({"basis": "claimed"});
    value["identity"]["delegation"] = json!({"basis": "claimed"});
    let payload = Payload::Decision(Box::new(serde_json::from_value(value).unwrap()));
    assert_eq!(payload.check(), Ok(()));
}

#[test]
fn answers_that_contradict_themselves_are_refused() {
    let all = every_payload();
    let [
        _,
        Payload::Acknowledgement(acknowledgement),
        Payload::Outcome(outcome),
        Payload::Configuration(configuration),
    ] = all.as_slice()
    else {
        panic!("one of each kind")
    };
    assert_eq!(fault(&**acknowledgement, &json!({"effect": "escalate"}), Payload::Acknowledgement), "approval");
    for (change, member) in [
        (json!({"acknowledgement": null}), "acknowledgement"),
        (json!({"http_status": null}), "response"),
        (json!({"http_status": 99}), "http_status"),
        (json!({"response": null, "http_status": null}), "response"),
        (json!({"status": "unreachable"}), "response"),
        (json!({"response": {"body": "bound"}}), "response.content"),
    ] {
        assert_eq!(fault(&**outcome, &change, Payload::Outcome), member, "{change}");
    }
    for (change, member) in [
        (json!({"aud": "https://a.example"}), "aud"),
        (json!({"number": 0}), "number"),
        (json!({"number": 2}), "before"),
        (json!({"before": EPOCH}), "before"),
    ] {
        assert_eq!(fault(&**configuration, &change, Payload::Configuration), member, "{change}");
    }
}

#[test]
fn two_outcomes_agree_when_what_both_saw_is_the_same() {
    let all = every_payload();
    let Some(Payload::Outcome(executor)) = all.get(2) else { panic!("an outcome") };
    let mut caller = executor.clone();
    caller.observer = Observer::Caller;
    assert!(executor.agrees_with(&caller));
    caller.response = Some(ResponseBinding { body: BodyBinding::Unbound, content: None });
    assert!(executor.agrees_with(&caller));
    caller.response = Some(ResponseBinding { body: BodyBinding::Bound, content: Some(Digest::of(b"other")) });
    assert!(!executor.agrees_with(&caller));
    caller.response = executor.response.clone();
    caller.http_status = Some(500);
    assert!(!executor.agrees_with(&caller));
}
