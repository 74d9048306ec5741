//! The house rules of this repository that neither rustfmt nor clippy knows, held by tests.
//!
//! Each rule is a pure function from text to complaints, tried on bad text at the foot of its file, so that a rule
//! that no longer bites is found as well as text that breaks it. Out of scope: taste.

mod floors;
mod modules;
mod shape;
mod source;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// Built or fetched, not written here.
const NOT_OURS: &[&str] = &["target", "corpus", "artifacts", "node_modules", "__pycache__"];

/// Files that tools write, full of names that people must not write.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json"];

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let hidden = name.starts_with('.') && name != ".ci" && name != ".gitignore";
        match path.is_dir() {
            _ if hidden || NOT_OURS.contains(&name) || GENERATED.contains(&name) => {}
            true => walk(&path, files),
            false => files.push(path),
        }
    }
}

/// Every text of the repository, with its path from the root.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    let relative = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    // Bytes that are not text are vectors or key material, which no rule here is about.
    files.iter().filter_map(|path| Some((relative(path), fs::read_to_string(path).ok()?))).collect()
}

fn sources() -> Vec<Source> {
    let is_rust = |path: &str| path.ends_with(".rs");
    texts().into_iter().filter(|(path, _)| is_rust(path)).map(|(path, text)| Source::new(path, text)).collect()
}

fn none(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_walk_sees_the_repository() {
    let paths: Vec<String> = texts().into_iter().map(|(path, _)| path).collect();
    for expected in ["Cargo.toml", "src/lib.rs", "src/ground/canonical/lex.rs", "spec/canonical.md", "tests/it/tidy.rs"]
    {
        assert!(paths.iter().any(|path| path == expected), "{expected} is missing");
    }
}

#[test]
fn arrows_run_only_downward() {
    none(sources().iter().flat_map(floors::complaints));
}

#[test]
fn files_and_functions_stay_readable() {
    none(sources().iter().flat_map(shape::complaints));
}

#[test]
fn every_room_stands_in_the_architecture() {
    let texts = texts();
    let (_, page) = texts.iter().find(|(path, _)| path == "spec/architecture.md").unwrap();
    let rooms: Vec<&str> = texts.iter().filter_map(|(path, _)| modules::room(path)).collect();
    assert!(rooms.contains(&"write_path"), "{rooms:?}");
    let missing = rooms.into_iter().filter(|room| !page.contains(&format!("\n| `{room}` | ")));
    none(missing.map(|room| format!("{room} is missing in spec/architecture.md")));
}

#[test]
fn verified_types_cannot_be_deserialised() {
    none(sources().iter().flat_map(shape::deserialised_proofs));
}

#[test]
fn every_file_is_part_of_a_build() {
    none(modules::orphans(&sources()));
}

#[test]
fn names_say_what_things_are() {
    none(sources().iter().flat_map(words::vague_names));
}

#[test]
fn nothing_is_left_for_later() {
    none(texts().iter().flat_map(|(path, text)| words::unfinished(path, text)));
    none(sources().iter().flat_map(words::unfinished_macros));
}

#[test]
fn the_repository_speaks_only_of_the_product() {
    none(texts().iter().flat_map(|(path, text)| words::foreign(path, text)));
}
