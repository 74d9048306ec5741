//! One vector, and the file that holds those of an area: one case a line, each in canonical form.

use countersign::ground::canonical;
use serde_json::{Value, json};

/// What is given, what must come out, and which rules say so.
pub(crate) struct Case {
    name: String,
    rules: Vec<String>,
    input: Value,
    expect: Value,
}

/// A case. `rules` are joined by spaces.
pub(crate) fn case(name: impl Into<String>, rules: &str, input: Value, expect: Value) -> Case {
    let rules = rules.split(' ').map(str::to_owned).collect();
    Case { name: name.into(), rules, input, expect }
}

/// What is expected of bytes that are refused.
pub(crate) fn fail(code: &str) -> Value {
    json!({"result": "fail", "code": code})
}

/// The text of an area's file.
pub(crate) fn file(area: &str, cases: &[Case]) -> String {
    let line = |case: &Case| {
        let value = json!({"name": case.name, "rule": case.rules, "input": case.input, "expect": case.expect});
        String::from_utf8(canonical::to_vec(&value).unwrap()).unwrap()
    };
    let lines: Vec<String> = cases.iter().map(line).collect();
    format!("{{\"area\":\"{area}\",\"cases\":[\n{}\n]}}\n", lines.join(",\n"))
}
