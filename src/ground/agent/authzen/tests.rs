use serde_json::json;

use super::*;

fn question() -> Value {
    json!({
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "1"},
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut request = question();
    request[name] = value;
    request
}

fn single(request: &Value) -> Result<Request, String> {
    parse_evaluation(request.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn batch(request: &Value) -> Result<Evaluations, String> {
    parse_evaluations(request.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_question_round_trips_and_unknown_members_are_ignored() {
    let mut request = with("context", json!({"time": "now"}));
    request["subject"]["properties"] = json!({"role": "clerk"});
    let read = single(&request).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), request);
    request["more"] = json!(1);
    request["subject"]["more"] = json!(1);
    assert_eq!(single(&request), Ok(read));
}

#[test]
fn malformed_questions_are_named() {
    for (request, message) in [
        (json!([]), "request: must be a JSON object"),
        (json!({}), "request: missing field `action`"),
        (with("subject", json!({"type": "user"})), "missing field `id`"),
        (with("subject", json!(["user", "alice"])), "`subject` must be an object"),
        (with("subject", json!({"type": "user", "id": 1})), "invalid type"),
        (with("subject", json!({"type": "", "id": "a"})), "`subject.type` must be 1 to 256"),
        (with("action", json!({"name": "a\u{7}"})), "`action.name` must be"),
        (with("resource", json!({"type": "r", "id": "x".repeat(257)})), "`resource.id` must be"),
        (with("context", Value::Null), "`context` must be an object"),
        (with("subject", json!({"type": "u", "id": "a", "properties": []})), "invalid type"),
    ] {
        let error = single(&request).unwrap_err();
        assert!(error.contains(message), "{error} / {message}");
    }
    let twice = br#"{"action":{"name":"a"},"action":{"name":"b"}}"#;
    assert!(matches!(parse_evaluation(twice), Err(AuthzenError::Json(_))));
}

#[test]
fn without_items_a_batch_is_a_single_question() {
    let wanted = Evaluations::Single(Box::new(single(&question()).unwrap()));
    assert_eq!(batch(&question()), Ok(wanted.clone()));
    assert_eq!(batch(&with("evaluations", json!([]))), Ok(wanted));
}

#[test]
fn items_replace_the_defaults_member_by_member() {
    let mut request = with("context", json!({"a": 1}));
    request["evaluations"] = json!([
        {},
        {"resource": {"type": "record", "id": "2"}, "context": {"b": 2}},
        {"subject": {"type": "user", "id": "bob", "properties": {"x": 1}}},
    ]);
    let Ok(Evaluations::Batch(semantic, items)) = batch(&request) else { panic!("not a batch") };
    assert_eq!((semantic, items.len()), (Semantic::ExecuteAll, 3));
    assert_eq!(items[0].context, single(&with("context", json!({"a": 1}))).unwrap().context);
    assert_eq!((items[1].resource.id.as_str(), items[1].context.get("a")), ("2", None));
    assert_eq!(items[2].subject.properties.get("x"), Some(&json!(1)));
}

#[test]
fn malformed_batches_are_named() {
    let empty = json!({"evaluations": [question(), {}]});
    assert_eq!(batch(&empty).unwrap_err(), "evaluations[1]: missing field `action`");
    assert!(batch(&with("evaluations", json!({}))).unwrap_err().contains("must be an array"));
    assert!(batch(&with("evaluations", json!([7]))).unwrap_err().contains("evaluations[0]: must be a JSON object"));
    assert!(batch(&with("evaluations", json!(vec![json!({}); 101]))).unwrap_err().contains("more than 100"));
    assert!(batch(&with("options", json!(["execute_all"]))).unwrap_err().contains("`options` must be an object"));
    let unknown = with("options", json!({"evaluations_semantic": "best_effort"}));
    assert!(batch(&unknown).unwrap_err().contains("unknown variant `best_effort`"));
}

#[test]
fn each_semantic_stops_where_it_says() {
    for (name, after_deny, after_permit) in
        [("execute_all", false, false), ("deny_on_first_deny", true, false), ("permit_on_first_permit", false, true)]
    {
        let mut request = with("options", json!({"evaluations_semantic": name, "other": 1}));
        request["evaluations"] = json!([{}]);
        let Ok(Evaluations::Batch(semantic, _)) = batch(&request) else { panic!("not a batch") };
        assert_eq!((semantic.stops_after(false), semantic.stops_after(true)), (after_deny, after_permit), "{name}");
    }
}

#[test]
fn answers_carry_no_empty_context() {
    let response = EvaluationsResponse { evaluations: vec![Decision { decision: true, context: Map::new() }] };
    assert_eq!(serde_json::to_value(response).unwrap(), json!({"evaluations": [{"decision": true}]}));
    let metadata = serde_json::to_value(Metadata::at("https://a.example")).unwrap();
    assert_eq!(metadata["access_evaluations_endpoint"], "https://a.example/access/v1/evaluations");
}
