//! Words that do not belong in this repository.
//!
//! The words are written in two halves here, so that this file does not hold what it forbids.

use super::source::{Source, idents, line_of};

/// Names that say nothing about what a thing is.
const VAGUE: &[&str] = &["util", "utils", "helper", "helpers", "manager"];

/// Marks of unfinished work.
const UNFINISHED: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("XX", "X")];

/// Words about how and where the repository was made, and hosts that a build must be free to replace by a mirror.
const FOREIGN: &[(&str, &str)] = &[
    ("helper", " agent"),
    ("session", " note"),
    ("/wo", "rk/"),
    ("work", "tree"),
    ("shared/", "design"),
    ("shared/", "notes"),
    ("crates", ".io"),
    ("pypi", ".org"),
    ("npm", "js"),
    ("co-authored", "-by"),
];

/// Declared names, files included, one of whose words is vague.
pub(super) fn vague_names(source: &Source) -> Vec<String> {
    let words: Vec<(usize, &str)> = idents(&source.code).collect();
    let declares = |word: &str| matches!(word, "mod" | "struct" | "enum" | "trait" | "type" | "fn");
    let declared = words.windows(2).filter(|pair| declares(pair[0].1)).map(|pair| pair[1].1);
    let files = source.path.split(['/', '.']);
    declared.chain(files).filter(|name| is_vague(name)).map(|name| format!("{}: `{name}`", source.path)).collect()
}

fn is_vague(name: &str) -> bool {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() || matches!(character, '_' | '-') {
            words.push(' ');
        }
        words.extend(character.to_lowercase().filter(|c| c.is_alphanumeric()));
    }
    words.split(' ').any(|word| VAGUE.contains(&word))
}

pub(super) fn unfinished(path: &str, text: &str) -> Vec<String> {
    let marks: Vec<String> = UNFINISHED.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let found = idents(text).filter(|(_, word)| marks.iter().any(|mark| mark == word));
    found.map(|(at, word)| format!("{path}:{}: `{word}`", line_of(text, at))).collect()
}

/// Clippy sees these only in code that the build at hand compiles; this sees every file.
pub(super) fn unfinished_macros(source: &Source) -> Vec<String> {
    let is_macro = |(at, word): &(usize, &str)| {
        matches!(*word, "todo" | "unimplemented" | "dbg") && source.code[at + word.len()..].starts_with('!')
    };
    idents(&source.code).filter(is_macro).map(|(_, word)| format!("{}: `{word}!`", source.path)).collect()
}

pub(super) fn foreign(path: &str, text: &str) -> Vec<String> {
    let words: Vec<String> = FOREIGN.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let mut complaints = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            complaints.push(format!("{path}:{}: `{word}`", at + 1));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vague_names_are_found_where_they_are_declared() {
        for (path, text) in [
            ("src/node/utils.rs", ""),
            ("src/helpers/a.rs", ""),
            ("src/a.rs", "struct PeerManager;"),
            ("src/a.rs", "mod util {}"),
            ("src/a.rs", "fn hash_helper() {}"),
        ] {
            assert_eq!(vague_names(&Source::new(path, text)).len(), 1, "{path}: {text}");
        }
        let good = Source::new("src/a.rs", "use tokio_util::sync::Token; fn utility() {} // helper\n");
        assert!(vague_names(&good).is_empty());
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        for (a, b) in UNFINISHED {
            assert_eq!(unfinished("a.md", &format!("x\n<!-- {a}{b}: y -->")), [format!("a.md:2: `{a}{b}`")]);
        }
        assert!(unfinished("a.md", "autodoc and mastodon").is_empty());
        for bad in ["fn f() { todo!() }", "fn f() { dbg!(x) }", "fn f() { unimplemented!() }"] {
            assert_eq!(unfinished_macros(&Source::new("src/a.rs", bad)).len(), 1, "{bad}");
        }
        assert!(unfinished_macros(&Source::new("src/a.rs", "// dbg!(x)\nfn todo() {}")).is_empty());
    }

    #[test]
    fn foreign_words_are_found_in_any_case() {
        for (a, b) in FOREIGN {
            let text = format!("one\nsee {}{b} there", a.to_uppercase());
            assert_eq!(foreign("README.md", &text), [format!("README.md:2: `{a}{b}`")]);
        }
        assert!(foreign("README.md", "An agent of the operator works.").is_empty());
    }
}
