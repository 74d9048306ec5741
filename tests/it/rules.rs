//! Every numbered rule of `spec/` is held by a vector, by a test that names it, or stands in the list of rules about a
//! running node, in `spec/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::vectors;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false if entry.to_str().unwrap().ends_with(ending) => found.push(entry),
                false => {}
            }
        }
    }
    found
}

/// Two to eight capitals, a hyphen, two digits.
fn is_rule(word: &str) -> bool {
    word.split_once('-').is_some_and(|(family, number)| {
        family.len() >= 2
            && family.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() == 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The rules that the pages define: an id that a line begins with, behind the marks of a list, a table or bold type.
fn defined() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for page in files("spec", ".md") {
        if page.ends_with("spec/README.md") {
            continue;
        }
        for line in fs::read_to_string(page).unwrap().lines() {
            let marked = line.starts_with("- **") || line.starts_with("**") || line.starts_with("| ");
            let start = line.trim_start_matches(['-', ' ', '*', '|']);
            let id: String = start.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            if marked && is_rule(&id) {
                rules.insert(id);
            }
        }
    }
    rules
}

/// The list of `spec/README.md`: a rule, and the test that holds it, if there is one yet.
fn behaviour() -> BTreeMap<String, String> {
    let page = fs::read_to_string(root().join("spec/README.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split('|').map(str::trim);
        let test = cells.next()?.trim_matches('`');
        let rule = cells.next().filter(|id| is_rule(id))?;
        Some((rule.to_owned(), test.to_owned()))
    });
    rows.collect()
}

fn code() -> String {
    let sources = [files("src", ".rs"), files("tests/it", ".rs")].concat();
    sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn named_by_vectors() -> BTreeSet<String> {
    let rules = |case: &serde_json::Value| {
        let rules = case["rule"].as_array().unwrap().iter();
        rules.map(|rule| rule.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    vectors::all().iter().flat_map(|vector| rules(&vector.case)).collect()
}

#[test]
fn every_rule_is_held_by_a_vector_or_a_test() {
    let (vectors, behaviour, code) = (named_by_vectors(), behaviour(), code());
    for rule in defined() {
        let function = format!("{}_", rule.to_lowercase().replace('-', "_"));
        let held = vectors.contains(&rule) || behaviour.contains_key(&rule) || code.contains(&function);
        // The tests of these pages name their rules in comments.
        let named = ["CALL-", "LOG-", "POL-"].iter().any(|family| rule.starts_with(family)) && code.contains(&rule);
        assert!(held || named, "{rule} has no vector and no test");
    }
}

#[test]
fn vectors_and_the_list_name_rules_that_exist() {
    let defined = defined();
    for rule in named_by_vectors().iter().chain(behaviour().keys()) {
        assert!(defined.contains(rule), "{rule} is defined by no page of spec/");
    }
}

#[test]
fn tests_in_the_list_exist() {
    let code = code();
    for (rule, test) in behaviour().iter().filter(|(_, test)| *test != "none yet") {
        assert!(code.contains(&format!("fn {test}(")), "{rule}: there is no test `{test}`");
    }
}
