use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::ground::effect::{Effect, Reason};

const PERMIT_ALL: &str = r#"@id("anyone") permit (principal, action, resource);"#;

/// A manager may delete once somebody approves; a rep may not delete at all.
const TWO_PASSES: &str = r#"
@id("reads") permit (principal, action == Action::"invoke", resource) unless { resource.irreversible };
@id("managers") permit (principal in Role::"manager", action == Action::"invoke", resource);
@id("irreversible") @outcome("require_approval") @approver("supervisor")
forbid (principal, action == Action::"invoke", resource) when { resource.irreversible };
"#;

fn reasons(engine: &Engine, request: &Request) -> (Effect, Vec<Reason>) {
    let evaluation = engine.evaluate(request);
    (evaluation.effect, evaluation.reasons)
}

#[test]
fn pol_10_without_a_permit_everything_is_denied() {
    let engine = load("");
    assert_eq!(reasons(&engine, &ask("rep", "invoke", "crm.read")), (Effect::Deny, vec![Reason::DefaultDeny]));
}

#[test]
fn pol_10_a_forbid_beats_every_permit() {
    let engine = load(&format!(r#"{PERMIT_ALL} @id("no") forbid (principal, action, resource);"#));
    let evaluation = engine.evaluate(&ask("rep", "invoke", "crm.read"));
    assert_eq!((evaluation.effect, evaluation.reasons), (Effect::Deny, vec![Reason::PolicyForbid]));
    assert_eq!(evaluation.policies, ["no"]);
}

#[test]
fn pol_11_unknown_names_are_denied_as_unknown() {
    let engine = load(PERMIT_ALL);
    let unknown = [
        Request::new(Entity::new("Robot", "r"), Action::new("invoke"), Entity::new("Tool", "crm.read")),
        Request::new(Entity::new("not a type", "r"), Action::new("invoke"), Entity::new("Tool", "crm.read")),
        Request::new(Entity::new("User", ""), Action::new("invoke"), Entity::new("Tool", "crm.read")),
        Request::new(Entity::new("User", "a\u{0}"), Action::new("invoke"), Entity::new("Tool", "crm.read")),
        Request::new(Entity::new("User", "rep"), Action::new("destroy"), Entity::new("Tool", "crm.read")),
        Request::new(Entity::new("User", "rep"), Action::new("invoke"), Entity::new("Secret", "s")),
        Request::new(Entity::new("Tool", "crm.read"), Action::new("invoke"), Entity::new("Tool", "crm.read")),
    ];
    for request in unknown {
        assert_eq!(reasons(&engine, &request), (Effect::Deny, vec![Reason::EntityUnknown]), "{request:?}");
    }
}

#[test]
fn pol_12_facts_that_do_not_fit_the_schema_deny() {
    let engine = load(PERMIT_ALL);
    let pay = || ask("rep", "pay", "crm.read");
    assert_eq!(engine.evaluate(&pay().with_fact("amount", 1)).effect, Effect::Allow);
    for unfit in [
        pay(),
        pay().with_fact("amount", "1"),
        pay().with_fact("amount", 1.5),
        pay().with_fact("amount", u64::MAX),
        pay().with_fact("amount", Value::Null),
        pay().with_fact("amount", 1).with_fact("more", 1),
        ask("rep", "invoke", "crm.read").with_fact("spend", json!({ "remaining": 1 })),
        ask("rep", "invoke", "crm.read").with_fact("at", "yesterday"),
        ask("rep", "invoke", "unknown.tool"),
    ] {
        assert_eq!(reasons(&engine, &unfit), (Effect::Deny, vec![Reason::ContextMissing]), "{unfit:?}");
        assert_eq!(engine.evaluate(&unfit).errors.len(), 1);
    }
}

#[test]
fn pol_12_a_fact_that_nests_too_deep_denies() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let engine = load(PERMIT_ALL);
    let deep = |request: &Request| engine.evaluate(request).errors[0].contains("nests deeper than 32 levels");
    let pay = ask("rep", "pay", "crm.read");
    assert!(!deep(&pay.clone().with_fact("amount", nested(32))));
    assert!(deep(&pay.clone().with_fact("amount", nested(33))));
    let mut request = pay.with_fact("amount", 1);
    request.subject.properties = Map::from_iter([("level".to_owned(), nested(33))]);
    assert!(deep(&request));
    assert_eq!(reasons(&engine, &request), (Effect::Deny, vec![Reason::ContextMissing]));
}

#[test]
fn pol_12_times_are_strings_in_the_request_and_times_in_the_policy() {
    let engine = load(
        r#"@id("later") permit (principal, action == Action::"invoke", resource)
           when { context has at && context.at > datetime("2026-01-01") };"#,
    );
    let at = |time: &str| ask("rep", "invoke", "crm.read").with_fact("at", time);
    assert_eq!(engine.evaluate(&at("2026-06-01T12:00:00Z")).effect, Effect::Allow);
    assert_eq!(engine.evaluate(&at("2025-06-01T12:00:00Z")).effect, Effect::Deny);
}

#[test]
fn pol_13_the_request_describes_entities_that_the_folder_does_not() {
    let engine = load(r#"@id("safe") permit (principal, action, resource is Tool) unless { resource.irreversible };"#);
    let mut request = ask("stranger", "invoke", "new.tool");
    assert_eq!(reasons(&engine, &request).1, [Reason::ContextMissing]);
    request.resource.properties = Map::from_iter([("irreversible".to_owned(), json!(false))]);
    assert_eq!(engine.evaluate(&request).effect, Effect::Allow);
    request.resource.properties = Map::from_iter([("irreversible".to_owned(), json!(true))]);
    assert_eq!(engine.evaluate(&request).effect, Effect::Deny);
}

#[test]
fn pol_13_the_request_cannot_overwrite_what_the_folder_says() {
    let engine = load(
        r#"@id("safe") permit (principal is User in Role::"manager", action, resource is Tool)
           when { principal has level && principal.level > 4 && principal has joined } unless { resource.irreversible };"#,
    );
    let mut request = ask("manager", "invoke", "crm.delete");
    request.subject.properties = Map::from_iter([("joined".to_owned(), json!("2020-01-01"))]);
    request.resource.properties = Map::from_iter([("irreversible".to_owned(), json!(false))]);
    assert_eq!(engine.evaluate(&request).effect, Effect::Deny);
    request.resource = Entity::new("Tool", "crm.read");
    assert_eq!(engine.evaluate(&request).effect, Effect::Allow, "what the folder does not say is added");
    request.subject.properties.insert("level".to_owned(), json!(1));
    assert_eq!(engine.evaluate(&request).effect, Effect::Allow, "what it says stands");
}

#[test]
fn pol_13_only_the_node_puts_an_entity_into_a_group() {
    let engine = load(r#"@id("managers") permit (principal in Role::"manager", action, resource);"#);
    let json = json!({
        "subject": { "type": "User", "id": "x", "parents": [{ "type": "Role", "id": "manager" }] },
        "action": { "name": "invoke" },
        "resource": { "type": "Tool", "id": "crm.read" }
    });
    let mut request: Request = serde_json::from_value(json).unwrap();
    assert_eq!(engine.evaluate(&request).effect, Effect::Deny);
    request.subject = request.subject.within("Role", "manager");
    assert_eq!(engine.evaluate(&request).effect, Effect::Allow);
}

#[test]
fn pol_13_an_action_s_properties_are_context() {
    let schema =
        r"entity A; action go appliesTo { principal: [A], resource: [A], context: { action?: { fast: Bool } } };";
    let rules =
        r#"@id("slow") permit (principal, action, resource) when { context has action && !context.action.fast };"#;
    let engine = load_files(vec![file(SCHEMA_PATH, schema), file("r.cedar", rules)]).unwrap();
    let mut request = Request::new(Entity::new("A", "a"), Action::new("go"), Entity::new("A", "b"));
    assert_eq!(engine.evaluate(&request).effect, Effect::Deny);
    request.action.properties = Map::from_iter([("fast".to_owned(), json!(false))]);
    assert_eq!(engine.evaluate(&request).effect, Effect::Allow);
    let twice = request.with_fact("action", json!({ "fast": false }));
    assert_eq!(reasons(&engine, &twice), (Effect::Deny, vec![Reason::ContextMissing]));
}

#[test]
fn pol_13_a_subject_acting_on_itself_is_described_once() {
    let schema = r"entity A = { open?: Bool }; action go appliesTo { principal: [A], resource: [A], context: {} };";
    let rules = r#"@id("open") permit (principal, action, resource) when { principal has open && principal.open };"#;
    let engine = load_files(vec![file(SCHEMA_PATH, schema), file("r.cedar", rules)]).unwrap();
    let said = |open: bool| {
        let properties = Map::from_iter([("open".to_owned(), json!(open))]);
        Entity { properties, ..Entity::new("A", "a") }
    };
    let ask = |subject, resource| reasons(&engine, &Request::new(subject, Action::new("go"), resource));
    assert_eq!(ask(said(true), Entity::new("A", "a")).0, Effect::Allow);
    assert_eq!(ask(Entity::new("A", "a"), said(true)).0, Effect::Allow);
    assert_eq!(ask(said(true), said(false)), (Effect::Deny, vec![Reason::ContextMissing]));
    assert_eq!(ask(said(false), said(true)), (Effect::Deny, vec![Reason::ContextMissing]));
}

#[test]
fn pol_14_a_forbid_that_overflows_denies() {
    let engine = load(&format!(
        r#"{PERMIT_ALL}
        @id("budget") forbid (principal, action == Action::"invoke", resource)
        when {{ context has spend && context.spend.remaining + context.spend.estimate < 0 }};"#
    ));
    let spend = |estimate: i64| {
        ask("rep", "invoke", "crm.read").with_fact("spend", json!({ "remaining": i64::MAX, "estimate": estimate }))
    };
    assert_eq!(engine.evaluate(&spend(0)).effect, Effect::Allow);
    let overflow = engine.evaluate(&spend(1));
    assert_eq!((overflow.effect, overflow.reasons), (Effect::Deny, vec![Reason::EngineError]));
    assert_eq!(overflow.policies, ["budget"]);
    assert!(overflow.errors[0].contains("overflow"), "{:?}", overflow.errors);
}

#[test]
fn pol_15_policy_ids_are_sorted_and_at_most_32_are_named() {
    let forbid = |n: usize| format!(r#"@id("f{n:02}") forbid (principal, action, resource);"#);
    let rules: Vec<String> = (0..40).rev().map(forbid).collect();
    let engine = load(&rules.concat());
    let expected: Vec<String> = (0..32).map(|n| format!("f{n:02}")).collect();
    for _ in 0..20 {
        let evaluation = engine.evaluate(&ask("rep", "invoke", "crm.read"));
        assert_eq!((evaluation.policies, evaluation.policies_total), (expected.clone(), 40));
    }
}

#[test]
fn pol_16_escalation_is_for_what_an_approval_would_allow() {
    let engine = load(TWO_PASSES);
    for (user, tool, effect, reason, policies) in [
        ("manager", "crm.read", Effect::Allow, Reason::PolicyPermit, vec!["managers", "reads"]),
        ("rep", "crm.read", Effect::Allow, Reason::PolicyPermit, vec!["reads"]),
        ("manager", "crm.delete", Effect::Escalate, Reason::ApprovalRequired, vec!["irreversible"]),
        ("rep", "crm.delete", Effect::Deny, Reason::PolicyForbid, vec!["irreversible"]),
    ] {
        let evaluation = engine.evaluate(&ask(user, "invoke", tool));
        assert_eq!((evaluation.effect, evaluation.reasons), (effect, vec![reason]), "{user} {tool}");
        assert_eq!(evaluation.policies, policies);
        let by = (effect == Effect::Escalate).then_some("supervisor");
        assert_eq!(evaluation.approval.as_ref().map(|approval| approval.by.as_str()), by);
    }
}

#[test]
fn pol_16_one_forbid_that_nobody_can_lift_denies() {
    let engine =
        load(&format!(r#"{TWO_PASSES} @id("frozen") forbid (principal, action, resource == Tool::"crm.delete");"#));
    let evaluation = engine.evaluate(&ask("manager", "invoke", "crm.delete"));
    assert_eq!((evaluation.effect, evaluation.reasons), (Effect::Deny, vec![Reason::PolicyForbid]));
    assert_eq!(evaluation.policies, ["frozen", "irreversible"]);
}

#[test]
fn pol_16_no_single_role_lifts_the_forbids_of_two() {
    let lifted_by = |role: &str| {
        let other = format!(
            r#"{TWO_PASSES} @id("also") @outcome("require_approval") @approver("{role}")
            forbid (principal, action, resource == Tool::"crm.delete");"#
        );
        load(&other).evaluate(&ask("manager", "invoke", "crm.delete"))
    };
    assert_eq!(lifted_by("supervisor").effect, Effect::Escalate);
    assert_eq!(lifted_by("treasurer").effect, Effect::Deny);
    assert_eq!(lifted_by("treasurer").approval, None);
}

#[test]
fn the_seeds_budget_example_is_a_comparison_in_micro_units() {
    let engine = load(&format!(
        r#"{PERMIT_ALL}
        @id("daily-budget") forbid (principal, action == Action::"invoke", resource)
        unless {{ context has spend && context.spend.remaining >= context.spend.estimate }};"#
    ));
    let spent = |micro: i64| {
        let spend = json!({ "remaining": 50_000_000 - micro, "estimate": 120_000 });
        engine.evaluate(&ask("rep", "invoke", "crm.read").with_fact("spend", spend)).effect
    };
    assert_eq!((spent(48_730_000), spent(49_950_000)), (Effect::Allow, Effect::Deny));
}

#[test]
fn an_engine_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&load(PERMIT_ALL));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn any_request()(
        kind in prop_oneof![Just("User".to_owned()), Just("Tool".to_owned()), ".{0,12}"],
        subject in prop_oneof![Just("rep".to_owned()), Just("manager".to_owned()), ".{0,12}"],
        action in prop_oneof![Just("invoke".to_owned()), Just("pay".to_owned()), ".{0,12}"],
        resource in prop_oneof![Just("crm.read".to_owned()), Just("crm.delete".to_owned()), ".{0,12}"],
        properties in prop::collection::vec((prop_oneof![Just("level".to_owned()), "[a-z]{1,6}"], any_json()), 0..2),
        facts in prop::collection::vec((prop_oneof![Just("amount".to_owned()), Just("spend".to_owned()), "[a-z]{1,6}"], any_json()), 0..3),
    ) -> Request {
        let mut request = Request::new(Entity::new(kind, subject), Action::new(action), Entity::new("Tool", resource));
        request.subject.properties = properties.into_iter().collect();
        request.context = facts.into_iter().collect();
        request
    }
}

proptest! {
    #[test]
    fn an_empty_set_never_allows(request in any_request()) {
        let evaluation = load("").evaluate(&request);
        prop_assert_eq!(evaluation.effect, Effect::Deny);
        prop_assert!(!evaluation.reasons.is_empty());
    }

    #[test]
    fn a_permit_for_managers_never_allows_anyone_else(request in any_request()) {
        let engine = load(r#"@id("managers") permit (principal in Role::"manager", action, resource);"#);
        let evaluation = engine.evaluate(&request);
        if request.subject.id != "manager" {
            prop_assert_eq!(evaluation.effect, Effect::Deny);
        }
        prop_assert_eq!(engine.explain(&request).evaluation, evaluation);
    }
}
