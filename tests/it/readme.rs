//! What the README says about the configuration is what the schema says.

use serde_json::Value;

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../schemas/config.schema.json");

/// Every key below a schema, as `table.key` or `table[].key`, with its default as TOML.
fn keys(root: &Value, schema: &Value, path: &str, found: &mut Vec<(String, Option<String>)>) {
    let referred = schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#')));
    let object = referred.unwrap_or(schema);
    if let Some(properties) = object["properties"].as_object() {
        let dot = if path.is_empty() { "" } else { "." };
        properties.iter().for_each(|(name, inner)| keys(root, inner, &format!("{path}{dot}{name}"), found));
    } else if object["items"]["$ref"].is_string() || object["items"]["properties"].is_object() {
        keys(root, &object["items"], &format!("{path}[]"), found);
    } else {
        found.push((path.to_owned(), schema.get("default").or_else(|| object.get("default")).map(Value::to_string)));
    }
}

/// The cells of the rows whose first one is a key.
fn rows() -> Vec<(String, String)> {
    let table = README.split("## Configuration").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        (cells[1].to_owned(), cells[2].to_owned())
    })
    .collect()
}

#[test]
fn the_readme_has_every_key_of_the_configuration_with_its_default() {
    let root: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut schema = Vec::new();
    keys(&root, &root, "", &mut schema);
    let mut shown = rows();
    let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let mut wanted: Vec<String> = schema.iter().map(|(name, _)| name.clone()).collect();
    wanted.sort();
    shown.sort();
    assert_eq!(names(&shown), wanted);
    for (name, default) in schema.into_iter().filter_map(|(name, default)| Some((name, default?))) {
        let (_, said) = shown.iter().find(|(shown, _)| *shown == name).unwrap();
        assert_eq!(*said, default, "{name}");
    }
}

#[test]
fn the_readme_has_the_two_commands_on_lines_of_their_own() {
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(README.lines().any(|line| line == command), "{command}");
    }
}
