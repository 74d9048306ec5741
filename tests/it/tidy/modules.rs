//! Every Rust file belongs to a build: its parent declares it, and it lies beside its folder.

use super::source::{Source, idents};

pub(super) fn orphans(sources: &[Source]) -> Vec<String> {
    sources.iter().filter_map(|source| orphan(source, sources)).collect()
}

fn orphan(source: &Source, sources: &[Source]) -> Option<String> {
    let path = source.path.as_str();
    let (folder, file) = path.rsplit_once('/')?;
    let name = file.strip_suffix(".rs")?;
    let in_tree = path.starts_with("src/") || path.starts_with("tests/it/");
    if name == "mod" {
        return Some(format!("{path}: a module stands in a file of its own name beside its folder"));
    }
    if !in_tree || matches!(path, "src/lib.rs" | "src/main.rs" | "tests/it/main.rs") {
        return None;
    }
    let parents = match folder {
        "src" => vec!["src/lib.rs".to_owned(), "src/main.rs".to_owned()],
        "tests/it" => vec!["tests/it/main.rs".to_owned()],
        folder => vec![format!("{folder}.rs")],
    };
    let declares = |parent: &&Source| parents.contains(&parent.path) && declares(&parent.code, name);
    sources.iter().find(declares).is_none().then(|| format!("{path}: not declared in {}", parents.join(" or ")))
}

fn declares(code: &str, name: &str) -> bool {
    let words: Vec<(usize, &str)> = idents(code).collect();
    words.windows(2).any(|pair| {
        let end = pair[1].0 + pair[1].1.len();
        pair[0].1 == "mod" && pair[1].1 == name && code[end..].trim_start().starts_with(';')
    })
}

/// The room whose own file this is: a module right below a floor.
pub(super) fn room(path: &str) -> Option<&str> {
    let mut parts = path.strip_suffix(".rs")?.strip_prefix("src/")?.split('/');
    let room = parts.nth(1)?;
    parts.next().is_none().then_some(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        orphans(&files.iter().map(|(path, text)| Source::new(*path, *text)).collect::<Vec<_>>())
    }

    #[test]
    fn declared_files_pass() {
        let files = [
            ("src/lib.rs", "pub mod ground;"),
            ("src/ground.rs", "mod log;\n#[cfg(test)]\nmod tests;"),
            ("src/ground/log.rs", ""),
            ("src/ground/tests.rs", ""),
            ("tests/it/main.rs", "mod a;"),
            ("tests/it/a.rs", ""),
            ("benches/issue.rs", ""),
        ];
        assert_eq!(complaints(&files), Vec::<String>::new());
    }

    #[test]
    fn forgotten_files_are_found() {
        for (parent, text, forgotten) in [
            ("tests/it/main.rs", "// mod a;", "tests/it/a.rs"),
            ("tests/it/main.rs", "mod ab;", "tests/it/a.rs"),
            ("src/lib.rs", "mod a { }", "src/a.rs"),
            ("src/ground.rs", "mod log;", "src/ground/log/tile.rs"),
        ] {
            let found = complaints(&[("src/lib.rs", "mod ground;"), (parent, text), (forgotten, "")]);
            assert!(found.iter().any(|complaint| complaint.starts_with(forgotten)), "{forgotten}: {found:?}");
        }
    }

    #[test]
    fn files_named_after_no_module_are_found() {
        assert_eq!(complaints(&[("src/ground/mod.rs", "")]).len(), 1);
    }
}
