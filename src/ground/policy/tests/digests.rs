use super::*;
use crate::ground::canonical;
use crate::ground::crypto::hash::Digest;

const RULE: &str =
    r#"@id("a") @reason("r") permit (principal, action == Action::"pay", resource) when { context.amount < 10 };"#;
const OTHER: &str = r#"@id("b") forbid (principal == User::"rep", action, resource);"#;

fn epoch(policies: &str) -> (Digest, Digest) {
    let engine = load(policies);
    (engine.epoch(), engine.revision().manifest.policy_set)
}

#[test]
fn pol_30_the_policy_set_digest_keeps_under_comments_white_space_and_order() {
    let (plain, set) = epoch(&format!("{RULE}{OTHER}"));
    let spaced = RULE.replace(", ", ",\n   ").replace("permit", "// said a person\npermit");
    for same in [format!("{OTHER}{RULE}"), format!("{spaced}\n\n{OTHER} // end"), format!("{RULE}\n{OTHER}")] {
        let (bytes, meaning) = epoch(&same);
        assert_eq!(meaning, set, "{same}");
        assert_ne!(bytes, plain, "{same}");
    }
}

#[test]
fn pol_30_the_policy_set_digest_changes_with_meaning_and_annotations() {
    let (_, set) = epoch(RULE);
    for (from, to) in
        [("< 10", "< 11"), (r#"("r")"#, r#"("s")"#), (r#"("a")"#, r#"("c")"#), ("permit", "forbid"), ("when", "unless")]
    {
        assert_ne!(epoch(&RULE.replace(from, to)).1, set, "{to}");
    }
    assert_ne!(epoch(&format!("{RULE}{OTHER}")).1, set);
}

#[test]
fn pol_30_integers_that_canonical_json_would_round_are_refused() {
    let rule = |amount: i64| RULE.replace("10", &amount.to_string());
    assert!(try_load(&rule(9_007_199_254_740_991)).is_ok());
    for large in [9_007_199_254_740_992, i64::MAX, i64::MIN + 1] {
        let error = try_load(&rule(large)).unwrap_err();
        assert!(matches!(error.faults(), [PolicyFault::IntegerTooLarge { value, .. }] if *value == large), "{error}");
    }
}

#[test]
fn pol_31_the_epoch_is_recomputed_from_the_kept_bytes() {
    let engine = load(&format!("{RULE}{OTHER}"));
    let revision = engine.revision();
    assert_eq!(Digest::of(&revision.manifest_bytes), engine.epoch());
    assert_eq!(canonical::to_vec(&revision.manifest).unwrap(), revision.manifest_bytes);
    let paths: Vec<&str> = revision.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["entities.json", "rules.cedar", "schema.cedarschema"]);
    for kept in &revision.files {
        assert_eq!(Digest::of(&kept.bytes), kept.digest);
    }
    let kept =
        revision.files.iter().rev().map(|kept| PolicyFile { path: kept.path.clone(), bytes: kept.bytes.clone() });
    assert_eq!(load_files(kept.collect()).unwrap().revision(), revision);
}

#[test]
fn pol_31_the_epoch_changes_with_every_file() {
    let files = |schema: &str, entities: Option<&str>, path: &str| {
        let entities = entities.map(|text| file(ENTITIES_PATH, text));
        let files = [file(SCHEMA_PATH, schema), file(path, RULE)].into_iter().chain(entities);
        load_files(files.collect()).unwrap().revision().clone()
    };
    let base = files(SCHEMA, None, "a.cedar");
    let commented = files(&format!("{SCHEMA}// more"), None, "a.cedar");
    assert_ne!(base.digest, commented.digest);
    assert_eq!(base.manifest.schema, commented.manifest.schema);
    assert_ne!(base.manifest.schema, files(&format!("{SCHEMA}entity More;"), None, "a.cedar").manifest.schema);
    assert_ne!(base.digest, files(SCHEMA, Some("[]"), "a.cedar").digest);
    assert_ne!(base.digest, files(SCHEMA, None, "b.cedar").digest);
    let spaced = files(SCHEMA, Some("[ ]"), "a.cedar");
    assert_eq!(spaced.manifest.entities, files(SCHEMA, Some("[]"), "a.cedar").manifest.entities);
}

#[test]
fn pol_31_every_load_of_the_same_bytes_has_the_same_epoch() {
    let load = || load_files(starter::files()).unwrap();
    let epoch = load().epoch();
    assert!((0..50).all(|_| load().epoch() == epoch));
}
