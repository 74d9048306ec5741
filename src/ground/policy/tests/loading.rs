use super::*;
use crate::ground::limits::{MAX_POLICY_FILES, MAX_POLICY_RULES, MAX_POLICY_SOURCE_BYTES};

/// The faults as a person reads them.
fn refusal(policies: &str) -> Vec<String> {
    try_load(policies).unwrap_err().faults().iter().map(ToString::to_string).collect()
}

fn refusal_of_files(files: Vec<PolicyFile>) -> PolicyFault {
    load_files(files).unwrap_err().faults()[0].clone()
}

#[test]
fn pol_01_a_folder_has_policies_one_schema_and_perhaps_entities() {
    assert_eq!(refusal_of_files(vec![file("a.cedar", "")]), PolicyFault::SchemaMissing);
    for stray in ["a.ceder", "sub/schema.cedarschema", "entities.yaml"] {
        let fault = refusal_of_files(vec![file(SCHEMA_PATH, SCHEMA), file(stray, "")]);
        assert_eq!(fault, PolicyFault::FileUnexpected { path: stray.to_owned() });
    }
    for path in ["../a.cedar", "./a.cedar", "/a.cedar", "a//b.cedar", "a\\b.cedar", "a\nb.cedar", ""] {
        let fault = refusal_of_files(vec![file(SCHEMA_PATH, SCHEMA), file(path, "")]);
        assert!(matches!(fault, PolicyFault::PathMalformed { .. }), "{path:?}: {fault}");
    }
    let repeated = vec![file("a.cedar", ""), file(SCHEMA_PATH, SCHEMA), file("a.cedar", "")];
    assert_eq!(refusal_of_files(repeated), PolicyFault::PathRepeated { path: "a.cedar".to_owned() });
    let binary = PolicyFile { path: "a.cedar".to_owned(), bytes: vec![0xff] };
    assert!(matches!(refusal_of_files(vec![file(SCHEMA_PATH, SCHEMA), binary]), PolicyFault::NotText { .. }));
    let notes = [".git/config", "README.md", "sub/.hidden"].map(|path| file(path, "anything"));
    assert!(load_files([vec![file(SCHEMA_PATH, SCHEMA)], notes.into()].concat()).is_ok());
}

#[test]
fn pol_01_a_folder_is_bounded() {
    let many = (0..=MAX_POLICY_FILES).map(|n| file(&format!("{n}.cedar"), "")).collect();
    assert!(matches!(refusal_of_files(many), PolicyFault::TooManyFiles { .. }));
    let large = vec![file("a.cedar", &" ".repeat(MAX_POLICY_SOURCE_BYTES + 1))];
    assert!(matches!(refusal_of_files(large), PolicyFault::TooLarge { .. }));
    let rules: Vec<String> =
        (0..=MAX_POLICY_RULES).map(|n| format!(r#"@id("{n}") permit (principal, action, resource);"#)).collect();
    assert!(matches!(try_load(&rules.concat()).unwrap_err().faults(), [PolicyFault::TooManyRules { .. }]));
}

#[test]
fn pol_02_faults_say_where_and_what_to_do() {
    let missing = refusal("// first line\n  permit (principal, action, resource);");
    assert_eq!(missing.len(), 1);
    assert!(missing[0].starts_with("rules.cedar:2:3: this policy has no id: write `@id(\"a-name\")`"), "{missing:?}");
    let syntax = refusal("@id(\"a\")\npermit (principal, action resource);");
    assert!(syntax[0].starts_with("rules.cedar:2:27: "), "{syntax:?}");
    let schema = load_files(vec![file(SCHEMA_PATH, "entity A;\nentity A;\naction x appliesTo {")]).unwrap_err();
    assert!(schema.to_string().starts_with("schema.cedarschema:3:"), "{schema}");
}

#[test]
fn pol_02_all_faults_are_told_at_once() {
    let faults = refusal(
        r#"permit (principal, action, resource);
           @id("") permit (principal, action, resource);
           @id("a") permit (principal == ?principal, action, resource);
           @id("b") permit (principal, action, resource);
           @id("b") forbid (principal, action, resource);"#,
    );
    assert_eq!(faults.len(), 4, "{faults:#?}");
    assert!(faults[3].contains("is taken by the policy at rules.cedar:4:12"), "{faults:#?}");
}

#[test]
fn pol_03_an_id_is_1_to_128_characters_without_controls() {
    let with_id = |id: &str| try_load(&format!(r#"@id("{id}") permit (principal, action, resource);"#));
    assert!(with_id(&"ä".repeat(128)).is_ok());
    for bad in ["", &"a".repeat(129), r"a\nb", r"\u{7f}"] {
        let error = with_id(bad).unwrap_err();
        assert!(matches!(error.faults(), [PolicyFault::IdMalformed { .. }]), "{bad}: {error}");
    }
}

#[test]
fn pol_03_ids_are_unique_over_all_files() {
    let rule = r#"@id("a") permit (principal, action, resource);"#;
    let files = vec![file(SCHEMA_PATH, SCHEMA), file("z.cedar", rule), file("sub/a.cedar", rule)];
    let PolicyFault::IdRepeated { at, first, .. } = refusal_of_files(files) else { panic!("not refused") };
    assert_eq!((first.path.as_str(), at.path.as_str()), ("sub/a.cedar", "z.cedar"));
}

#[test]
fn pol_04_templates_are_refused() {
    let error = try_load(r#"@id("t") permit (principal == ?principal, action, resource);"#).unwrap_err();
    assert!(matches!(error.faults(), [PolicyFault::Template { .. }]), "{error}");
}

#[test]
fn pol_05_policies_are_validated_strictly() {
    for (rule, says) in [
        (r#"permit (principal, action == Action::"pay", resource) when { context.amuont > 1 };"#, "amuont"),
        (r#"permit (principal, action == Action::"invoke", resource) when { context.spend.remaining > 1 };"#, "spend"),
        (r#"permit (principal == Robot::"r", action, resource);"#, "Robot"),
        (r#"permit (principal, action == Action::"destroy", resource);"#, "destroy"),
        (r#"permit (principal, action, resource is Tool) when { resource.irreversible == 1 };"#, "compatible"),
    ] {
        let error = try_load(&format!("@id(\"a\")\n{rule}")).unwrap_err();
        let fault = &error.faults()[0];
        assert!(matches!(fault, PolicyFault::Invalid { .. }), "{fault}");
        let text = fault.to_string();
        assert!(text.starts_with("rules.cedar:2:") && text.contains(says), "{text}");
    }
}

#[test]
fn pol_05_a_policy_that_can_never_apply_is_warned_of() {
    let engine = load("\n@id(\"a\") permit (principal is Tool, action == Action::\"invoke\", resource);");
    assert!(!engine.warnings().is_empty());
    assert!(engine.warnings().iter().all(|warning| warning.at.line == 2), "{:?}", engine.warnings());
}

#[test]
fn pol_05_entities_conform_to_the_schema() {
    let with = |entities: &str| load_files(vec![file(SCHEMA_PATH, SCHEMA), file(ENTITIES_PATH, entities)]);
    assert!(with(ENTITIES).is_ok());
    for bad in [
        "{}",
        "[",
        r#"[{"uid": {"type": "Tool", "id": "t"}, "attrs": {}, "parents": []}]"#,
        r#"[{"uid": {"type": "Robot", "id": "t"}, "attrs": {}, "parents": []}]"#,
        r#"[{"uid": {"type": "Role", "id": "t"}, "uid": {"type": "Role", "id": "u"}, "attrs": {}, "parents": []}]"#,
        r#"[{"uid": {"type": "User", "id": "t"}, "attrs": {"level": 9007199254740993}, "parents": []}]"#,
    ] {
        let error = with(bad).unwrap_err();
        assert!(matches!(error.faults(), [PolicyFault::Entities { .. }]), "{bad}: {error}");
    }
}

#[test]
fn pol_05_action_names_are_unique_over_namespaces() {
    let schema = "namespace A { entity E; action go appliesTo { principal: [E], resource: [E] }; }
                  namespace B { entity E; action go appliesTo { principal: [E], resource: [E] }; }";
    let fault = refusal_of_files(vec![file(SCHEMA_PATH, schema)]);
    assert_eq!(fault, PolicyFault::ActionAmbiguous { name: "go".to_owned() });
}

#[test]
fn pol_06_annotations_of_ours_are_spelt_right_or_refused() {
    for annotations in [
        r#"@outcome("require-approval") forbid"#,
        r#"@outcome("require_approval") permit"#,
        r#"@approver("operator") forbid"#,
        r#"@outcome("require_approval") @approver("The Boss") forbid"#,
        r#"@reason("") permit"#,
        r#"@reason("two\nlines") permit"#,
    ] {
        let error = try_load(&format!(r#"@id("a") {annotations} (principal, action, resource);"#)).unwrap_err();
        assert!(matches!(error.faults(), [PolicyFault::Annotation { .. }]), "{annotations}: {error}");
    }
    load(r#"@id("a") @owner("anyone's own annotation") permit (principal, action, resource);"#);
}
