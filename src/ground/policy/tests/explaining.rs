use super::*;
use crate::ground::effect::Effect;

const RULES: &str = r#"
@id("small") @reason("small payments are fine")
permit (principal in Role::"manager", action == Action::"pay", resource)
when { context.amount <= 100 && !resource.irreversible };
@id("reads") permit (principal == User::"rep", action == Action::"invoke", resource);
@id("never-rep") @reason("reps do not pay") forbid (principal in Role::"rep", action == Action::"pay", resource);
"#;

fn nearest(rules: &str, request: &Request) -> NearestPermit {
    load(rules).explain(request).nearest.unwrap()
}

#[test]
fn pol_20_the_deciding_rules_come_with_reason_and_place() {
    let explanation = load(RULES).explain(&ask("rep", "pay", "crm.read").with_fact("amount", 1));
    assert_eq!(explanation.evaluation.effect, Effect::Deny);
    let [rule] = explanation.rules.as_slice() else { panic!("{explanation:?}") };
    assert_eq!(
        (rule.id.as_str(), rule.effect, rule.reason.as_deref()),
        ("never-rep", "forbid", Some("reps do not pay"))
    );
    assert_eq!(rule.at.to_string(), "rules.cedar:6:1");
    let text = explanation.to_string();
    assert!(
        text.starts_with("deny (policy_forbid)\n  forbid `never-rep` at rules.cedar:6:1: reps do not pay"),
        "{text}"
    );
}

#[test]
fn pol_21_the_nearest_permit_tells_the_condition_and_the_fact() {
    let found = nearest(RULES, &ask("manager", "pay", "crm.read").with_fact("amount", 900));
    assert_eq!((found.id.as_str(), found.fails.part), ("small", Part::When));
    assert_eq!(found.fits, [Part::Action, Part::Principal, Part::Resource]);
    assert!(
        found.fails.text.contains("<= 100") && found.fails.text.contains("context.amount is 900"),
        "{}",
        found.fails.text
    );
    let second = nearest(RULES, &ask("manager", "pay", "crm.delete").with_fact("amount", 9));
    assert!(second.fails.text.contains("resource.irreversible is true"), "{}", second.fails.text);
}

#[test]
fn pol_21_the_nearest_permit_tells_the_scope() {
    let found = nearest(RULES, &ask("someone", "invoke", "crm.read"));
    assert_eq!((found.id.as_str(), found.fails.part), ("reads", Part::Principal));
    assert_eq!(found.fails.text, r#"it is for the principal `User::"rep"`, and this is `User::"someone"`"#);
    let found = nearest(
        r#"@id("a") permit (principal is Role, action in [Action::"guard"], resource);"#,
        &ask("rep", "invoke", "crm.read"),
    );
    assert_eq!(found.fails.text, r#"it is for an action in `Action::"guard"`, and this is `Action::"invoke"`"#);
}

#[test]
fn pol_21_an_unless_that_holds_is_told_and_a_guard_still_guards() {
    let rule = r#"@id("a") permit (principal, action == Action::"invoke", resource)
        when { context has spend && context.spend.remaining > 5 } unless { resource.irreversible || principal == User::"rep" };"#;
    let guarded = nearest(rule, &ask("manager", "invoke", "crm.read"));
    assert!(guarded.fails.text.contains("context has"), "{}", guarded.fails.text);
    let spend = serde_json::json!({ "remaining": 6, "estimate": 0 });
    let unless = nearest(rule, &ask("rep", "invoke", "crm.read").with_fact("spend", spend));
    assert_eq!(unless.fails.part, Part::Unless);
    assert!(unless.fails.text.starts_with("it does not apply when"), "{}", unless.fails.text);
}

#[test]
fn pol_21_there_is_no_nearest_permit_where_one_applies() {
    let rules = r#"@id("p") permit (principal, action, resource); @id("f") forbid (principal, action, resource);"#;
    assert_eq!(load(rules).explain(&ask("rep", "invoke", "crm.read")).nearest, None);
    assert_eq!(load("").explain(&ask("rep", "invoke", "crm.read")).nearest, None);
}

#[test]
fn pol_21_an_unfit_request_is_explained_by_its_fault() {
    let text = load(RULES).explain(&ask("manager", "pay", "crm.read")).to_string();
    assert!(text.starts_with("deny (context_missing)\n") && text.contains("amount"), "{text}");
}
