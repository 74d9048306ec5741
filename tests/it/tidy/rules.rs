//! The numbered rules of `spec/` (`JSON-07`, `RCPT-12`): each is defined once, and whoever names one names a real one.
//!
//! A rule is defined where a line of a spec page starts with its id as the cell of a table, as a heading or in bold. It
//! is named wherever its id stands, and by a test whose name begins with it (`json_07_…`).

use std::collections::{BTreeMap, BTreeSet};

use super::source::idents;

/// Pages whose every rule must be named by a test or a vector.
const FINISHED: &[&str] = &["spec/canonical.md"];

type Text = (String, String);

fn is_spec(path: &str) -> bool {
    path.starts_with("spec/") && path.ends_with(".md")
}

/// Test code and vectors; not these rules' own tests, which name rules that do not exist.
fn is_test(path: &str) -> bool {
    (path.starts_with("tests/") || path.ends_with("/tests.rs") || path.starts_with("src/"))
        && !path.ends_with("tidy/rules.rs")
}

pub(super) fn complaints(texts: &[Text]) -> Vec<String> {
    let defined = definitions(texts);
    let families: BTreeSet<&str> = defined.keys().filter_map(|id| Some(id.split_once('-')?.0)).collect();
    let twice = defined.iter().filter(|(_, pages)| pages.len() > 1);
    let mut complaints: Vec<String> =
        twice.map(|(id, pages)| format!("{id} is defined in {}", pages.join(" and "))).collect();
    for (path, text) in texts.iter().filter(|(path, _)| is_spec(path) || is_test(path)) {
        let named = mentions(text, &families);
        let unknown = named.iter().filter(|id| !defined.contains_key(*id));
        complaints.extend(unknown.map(|id| format!("{path}: names {id}, which no page of spec/ defines")));
    }
    complaints
}

pub(super) fn untested(texts: &[Text]) -> Vec<String> {
    let defined = definitions(texts);
    let families: BTreeSet<&str> = defined.keys().filter_map(|id| Some(id.split_once('-')?.0)).collect();
    let tests = texts.iter().filter(|(path, _)| is_test(path));
    let named: BTreeSet<String> = tests.flat_map(|(_, text)| mentions(text, &families)).collect();
    let finished = |pages: &[&str]| pages.iter().any(|page| FINISHED.contains(page));
    let silent = defined.iter().filter(|(id, pages)| finished(pages) && !named.contains(*id));
    silent.map(|(id, _)| format!("{id} is named by no test")).collect()
}

/// Every rule, with the pages that define it (one page twice, if it stands there twice).
fn definitions(texts: &[Text]) -> BTreeMap<String, Vec<&str>> {
    let mut defined: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, text) in texts.iter().filter(|(path, _)| is_spec(path)) {
        for line in text.lines() {
            if let Some(id) = definition(line) {
                defined.entry(id).or_default().push(path);
            }
        }
    }
    defined
}

/// The rule that this line defines: `| JSON-01 |`, `### JSON-01 …` or `- **JSON-01** …`.
fn definition(line: &str) -> Option<String> {
    let start = line.trim_start_matches(|mark: char| " |#*->`".contains(mark));
    let id = ids(start).next().filter(|id| start.starts_with(id.as_str()))?;
    let rest = start[id.len()..].trim_start();
    (line.starts_with('#') || rest.is_empty() || rest.starts_with(['|', '*', '`', ':'])).then_some(id)
}

/// Ids of the known families, so that `UTF-16` is not taken for a rule.
fn mentions(text: &str, families: &BTreeSet<&str>) -> BTreeSet<String> {
    let in_names = idents(text).filter_map(|(_, word)| {
        let (family, rest) = word.split_once('_')?;
        let number = rest.get(..2).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        let ends = rest.get(2..).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        ends.then(|| format!("{}-{number}", family.to_uppercase()))
    });
    let is_known = |id: &String| id.split_once('-').is_some_and(|(family, _)| families.contains(family));
    ids(text).chain(in_names).filter(is_known).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> Vec<Text> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    const PAGE: (&str, &str) = ("spec/canonical.md", "| JSON-01 | size |\n- **JSON-02** text, see\nJSON-01, UTF-16\n");

    #[test]
    fn rules_that_no_page_defines_are_found() {
        for (path, text) in [
            ("tests/it/a.rs", "fn json_03_is_unknown() {}"),
            ("tests/vectors/a.json", "{\"rule\": \"JSON-07\"}"),
            ("src/ground/a/tests.rs", "// JSON-99"),
            ("spec/other.md", "as JSON-12 says"),
        ] {
            assert_eq!(complaints(&texts(&[PAGE, (path, text)])).len(), 1, "{path}");
        }
        let good = ("tests/it/a.rs", "fn json_01_and_json_02() {} // JSON-02, UTF-16, SHA-256");
        assert!(complaints(&texts(&[PAGE, good])).is_empty());
    }

    #[test]
    fn a_rule_that_is_defined_twice_is_found() {
        assert_eq!(complaints(&texts(&[PAGE, ("spec/other.md", "### JSON-01\n")])).len(), 1);
        assert_eq!(complaints(&texts(&[("spec/a.md", "| AB-01 |\n| AB-01 |\n")])).len(), 1);
    }

    #[test]
    fn a_rule_that_no_test_names_is_found() {
        let named = ("tests/it/a.rs", "fn json_01_holds() {}");
        assert_eq!(untested(&texts(&[PAGE, named])), ["JSON-02 is named by no test"]);
        assert!(untested(&texts(&[PAGE, named, ("tests/vectors/b.json", "JSON-02")])).is_empty());
    }
}
