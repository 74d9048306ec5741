//! The example and the schema of the configuration say what the program does.

use std::path::Path;

use countersign::edge::config::Config;
use serde_json::Value;

const EXAMPLE: &str = include_str!("../../../examples/node.toml");
const SCHEMA: &str = include_str!("../../../schemas/config.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// A TOML document as the JSON document that the schema speaks of.
fn as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

fn errors(text: &str) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    validator.iter_errors(&as_json(text)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_example_is_a_valid_configuration_and_shows_only_defaults() {
    let folder = Path::new("/data");
    let shown = Config::parse(EXAMPLE, folder).unwrap();
    let bare = Config::parse("issuer = \"https://agents.example\"", folder).unwrap();
    for (shown, default) in [
        (format!("{:?}", shown.log), format!("{:?}", bare.log)),
        (format!("{:?}", shown.limits), format!("{:?}", bare.limits)),
        (format!("{:?}", shown.peers), format!("{:?}", bare.peers)),
        (format!("{:?}", shown.evidence), format!("{:?}", bare.evidence)),
        (format!("{:?}", shown.api), format!("{:?}", bare.api)),
    ] {
        assert_eq!(shown, default);
    }
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    assert_eq!(errors(EXAMPLE), Vec::<String>::new());
    assert_eq!(errors("issuer = \"http://127.0.0.1:7400\""), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let route = "[[inbound]]\nname = \"x\"\npath = \"/x\"\nupstream = \"http://127.0.0.1:1\"\n";
    for text in [
        "public_url = \"https://a.example\"".to_owned(),
        "issuer = \"https://a.example/\"".to_owned(),
        "issuer = \"http://a.example\"".to_owned(),
        "issuer = \"https://a.example\"\nextra = 1".to_owned(),
        "issuer = \"https://a.example\"\n[log]\ncheckpoint_interval_ms = 5".to_owned(),
        "issuer = \"https://a.example\"\n[evidence]\nlevel = \"included\"".to_owned(),
        "issuer = \"https://a.example\"\n[evidence]\ndecision_lifetime_s = 601".to_owned(),
        "issuer = \"https://a.example\"\n[limits]\nbody_bytes = \"1\"".to_owned(),
        format!("issuer = \"https://a.example\"\n{route}mode = \"off\""),
        format!("issuer = \"https://a.example\"\n{route}nme = \"y\""),
        format!("issuer = \"https://a.example\"\n{}", route.replace("\"/x\"", "\"x\"")),
        format!("issuer = \"https://a.example\"\n{}", route.replace("\"x\"", "\"X\"")),
    ] {
        assert!(Config::parse(&text, Path::new("/data")).is_err(), "the program takes\n{text}");
        assert!(!errors(&text).is_empty(), "the schema takes\n{text}");
    }
}

#[test]
fn every_key_of_the_schema_stands_in_the_example() {
    let schema = schema();
    let mut open = vec![(schema["properties"].clone(), String::new())];
    while let Some((properties, place)) = open.pop() {
        for (key, value) in properties.as_object().unwrap() {
            let stands = EXAMPLE.lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.starts_with(&format!("{key} =")) || line.contains(&format!("{key}]"))
            });
            assert!(stands, "{place}{key} is not in the example");
            let item = if value["type"] == "array" { &value["items"] } else { value };
            let item = match item["$ref"].as_str() {
                Some(reference) => &schema["$defs"][reference.rsplit('/').next().unwrap()],
                None => item,
            };
            if item["properties"].is_object() {
                open.push((item["properties"].clone(), format!("{place}{key}.")));
            }
        }
    }
}
