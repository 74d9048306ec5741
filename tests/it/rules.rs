//! The numbered rules of `spec/` (`JSON-07`, `RCPT-12`): each is defined once, whoever names one names a real one, and
//! each is held by a vector, by a test whose name begins with it (`json_07_…`), or by a test that stands in the list of
//! rules about a running node, in `spec/README.md`. What comments say holds nothing.
//!
//! A rule is defined where a line of a page starts with its id: as the cell of a table, as a heading, or in bold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::vectors;

/// Path from the root, and text.
type Text = (String, String);

/// Folders whose texts define or name rules.
const FOLDERS: &[&str] = &["spec", "src", "tests", "examples"];

fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let path = entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            match entry.extension().and_then(|ending| ending.to_str()) {
                _ if entry.is_dir() => folders.push(entry),
                Some("md" | "rs" | "json" | "py") => texts.push((path, fs::read_to_string(entry).unwrap())),
                _ => {}
            }
        }
    }
    texts
}

fn is_page(path: &str) -> bool {
    path.starts_with("spec/") && path.ends_with(".md")
}

/// The part of a file that only test builds have; nothing of a file that has none.
fn tests_of<'a>(path: &str, text: &'a str) -> &'a str {
    let whole = path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.contains("/contract/");
    match text.find("#[cfg(test)]\nmod tests {") {
        _ if !path.ends_with(".rs") => "",
        _ if whole => text,
        Some(at) => &text[at..],
        None => "",
    }
}

/// What functions of the stores' contract begin with, which a macro makes tests of every store.
const CONTRACT: &str = "database: &dyn Database)";

/// The functions that a build runs as tests.
fn test_names(texts: &[Text]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in texts.iter().map(|(path, text)| tests_of(path, text)) {
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            let function = line.split_once("fn ").and_then(|(before, rest)| Some((before, rest.split_once('(')?)));
            match function {
                Some((_, (name, rest))) if marked || rest.starts_with(CONTRACT) => {
                    names.insert(name.to_owned());
                    marked = false;
                }
                _ => marked = (marked && line.starts_with("#[")) || is_mark(line),
            }
        }
    }
    names
}

fn is_mark(line: &str) -> bool {
    line == "#[test]" || line.starts_with("#[tokio::test")
}

/// Every rule, with the pages that define it (one page twice, if it stands there twice).
fn definitions(texts: &[Text]) -> BTreeMap<String, Vec<&str>> {
    let mut defined: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, text) in texts.iter().filter(|(path, _)| is_page(path)) {
        for id in text.lines().filter_map(definition) {
            defined.entry(id).or_default().push(path);
        }
    }
    defined
}

/// The rule that this line defines: `| JSON-01 |`, `### JSON-01 …` or `- **JSON-01** …`.
fn definition(line: &str) -> Option<String> {
    let start = line.trim_start_matches(|mark: char| " |#*-".contains(mark));
    let id = ids(start).next().filter(|id| start.starts_with(id.as_str()))?;
    let marked = ["- **", "**", "| ", "#"].iter().any(|mark| line.starts_with(mark));
    let rest = start[id.len()..].trim_start();
    (marked && (line.starts_with(['#', '-', '*']) || rest.starts_with('|'))).then_some(id)
}

/// Whatever has the form of an id: two to eight capitals, a hyphen, two digits.
fn ids(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-');
    words.filter(|word| is_id(word)).map(str::to_owned)
}

fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(family, number)| {
        (2..=8).contains(&family.len())
            && family.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() == 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The rule that a test's name begins with.
fn rule_of(name: &str) -> Option<String> {
    let (family, rest) = name.split_once('_')?;
    let id = format!("{}-{}", family.to_uppercase(), rest.split('_').next()?);
    is_id(&id).then_some(id)
}

/// The list of `spec/README.md`: rules, and the test that holds each.
fn listed(texts: &[Text]) -> BTreeSet<(String, String)> {
    let page = texts.iter().find(|(path, _)| path == "spec/README.md").map_or("", |(_, text)| text);
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split('|').map(str::trim);
        let test = cells.next()?.trim_matches('`');
        let rule = cells.next().filter(|id| is_id(id))?;
        Some((rule.to_owned(), test.to_owned()))
    });
    rows.collect()
}

/// Rules that are defined twice, and names of rules that no page defines.
fn misnamed(texts: &[Text]) -> Vec<String> {
    let defined = definitions(texts);
    // `UTF-16` has the form of a rule and is of no family.
    let families: BTreeSet<&str> = defined.keys().filter_map(|id| Some(id.split_once('-')?.0)).collect();
    let known = |id: &String| id.split_once('-').is_some_and(|(family, _)| families.contains(family));
    let twice = defined.iter().filter(|(_, pages)| pages.len() > 1);
    let mut complaints: Vec<String> =
        twice.map(|(id, pages)| format!("{id} is defined in {}", pages.join(" and "))).collect();
    for (path, text) in texts.iter().filter(|(path, _)| path != "tests/it/rules.rs") {
        let unknown: BTreeSet<String> = ids(text).filter(known).filter(|id| !defined.contains_key(id)).collect();
        complaints.extend(unknown.iter().map(|id| format!("{path}: names {id}, which no page of spec/ defines")));
    }
    let named = test_names(texts).iter().filter_map(|name| rule_of(name)).collect::<BTreeSet<_>>();
    let unknown = named.iter().filter(|id| known(id) && !defined.contains_key(*id));
    complaints.extend(unknown.map(|id| format!("a test is named for {id}, which no page of spec/ defines")));
    complaints
}

/// Rules that neither a vector nor a test holds, and rows of the list that name no test.
fn unheld(texts: &[Text], vectors: &BTreeSet<String>) -> Vec<String> {
    let (names, listed) = (test_names(texts), listed(texts));
    let by_name: BTreeSet<String> = names.iter().filter_map(|name| rule_of(name)).collect();
    let in_list: BTreeSet<&String> = listed.iter().map(|(rule, _)| rule).collect();
    let held = |rule: &String| vectors.contains(rule) || by_name.contains(rule) || in_list.contains(rule);
    let silent = definitions(texts).into_keys().filter(|rule| !held(rule));
    let mut complaints: Vec<String> = silent.map(|rule| format!("{rule} has no vector and no test")).collect();
    let missing = listed.iter().filter(|(_, test)| !names.contains(test));
    complaints.extend(missing.map(|(rule, test)| format!("{rule}: there is no test `{test}`")));
    complaints
}

fn named_by_vectors() -> BTreeSet<String> {
    let rules = |case: &serde_json::Value| {
        let rules = case["rule"].as_array().unwrap().iter();
        rules.map(|rule| rule.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    vectors::all().iter().flat_map(|vector| rules(&vector.case)).collect()
}

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_rule_is_held_by_a_vector_or_a_test() {
    none(&unheld(&texts(), &named_by_vectors()));
}

#[test]
fn every_rule_that_is_named_is_defined_once() {
    none(&misnamed(&texts()));
}

mod complaints {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> Vec<Text> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    const PAGE: (&str, &str) = ("spec/canonical.md", "| JSON-01 | size |\n- **JSON-02** text, see\nJSON-01, UTF-16\n");

    fn missing(files: &[(&str, &str)], vectors: &[&str]) -> Vec<String> {
        unheld(&texts(files), &vectors.iter().map(|rule| (*rule).to_owned()).collect())
    }

    #[test]
    fn rules_that_no_page_defines_are_found() {
        for (path, text) in [
            ("tests/it/a.rs", "#[test]\nfn json_03_is_unknown() {}"),
            ("tests/vectors/a.json", "{\"rule\": \"JSON-07\"}"),
            ("src/ground/a.rs", "// JSON-99"),
            ("spec/other.md", "as JSON-12 says"),
        ] {
            assert_eq!(misnamed(&texts(&[PAGE, (path, text)])).len(), 1, "{path}");
        }
        let good = ("tests/it/a.rs", "#[test]\nfn json_01_and_json_02() {} // JSON-02, UTF-16, SHA-256");
        assert_eq!(misnamed(&texts(&[PAGE, good])), [""; 0]);
    }

    #[test]
    fn a_rule_that_is_defined_twice_is_found() {
        assert_eq!(misnamed(&texts(&[PAGE, ("spec/other.md", "### JSON-01\n")])).len(), 1);
        assert_eq!(misnamed(&texts(&[("spec/a.md", "| AB-01 |\n| AB-01 |\n")])).len(), 1);
    }

    #[test]
    fn a_rule_is_held_by_tests_and_vectors_and_by_nothing_else() {
        let second = ["JSON-02 has no vector and no test"];
        assert_eq!(missing(&[PAGE], &["JSON-01"]), second);
        assert_eq!(missing(&[PAGE, ("src/a.rs", "// JSON-02\nfn json_02_holds() {}")], &["JSON-01"]), second);
        assert_eq!(missing(&[PAGE, ("tests/it/a.rs", "// JSON-02\nfn json_02_helps() {}")], &["JSON-01"]), second);
        assert_eq!(missing(&[PAGE, ("tests/it/a.rs", "#[test]\nfn json_02_holds() {}")], &["JSON-01"]), [""; 0]);
        assert_eq!(missing(&[PAGE], &["JSON-01", "JSON-02"]), [""; 0]);
    }

    #[test]
    fn a_row_of_the_list_counts_with_its_test_alone() {
        let list = ("spec/README.md", "| `it_holds` | JSON-02 |");
        let tests = ("src/a.rs", "#[cfg(test)]\nmod tests {\n    #[tokio::test]\n    async fn it_holds() {}\n}\n");
        assert_eq!(missing(&[PAGE, list, tests], &["JSON-01"]), [""; 0]);
        let production = ("src/a.rs", "fn it_holds() {}");
        assert_eq!(missing(&[PAGE, list, production], &["JSON-01"]), ["JSON-02: there is no test `it_holds`"]);
    }
}
