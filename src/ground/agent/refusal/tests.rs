use super::*;

fn escalated() -> Refusal {
    Refusal {
        operator: Some("https://b.example".parse().unwrap()),
        detail: Some("wire transfers need a person".to_owned()),
        receipt: Some(ReceiptId::from_parts(1_700_000_000_000, [1; 10])),
        acknowledgement: Some(ReceiptId::from_parts(1_700_000_000_001, [2; 10])),
        reasons: vec!["acme.wire".parse().unwrap(), "approval_required".parse().unwrap()],
        policies: vec!["wire-needs-approval".to_owned()],
        approval: Some(WantedApproval {
            by: "treasury".parse().unwrap(),
            deadline: Timestamp::from_unix_s(1_700_000_600).unwrap(),
        }),
        ..Refusal::new(RefusedBy::CalleeNode, ProblemType::ApprovalRequired)
    }
}

fn rendered(refusal: &Refusal, shape: &Shape) -> (u16, &'static str, Value) {
    let answer = refusal.answer(shape);
    (answer.status, answer.content_type, serde_json::from_slice(&answer.body).unwrap())
}

const MESSAGE: &str = "refused by the node of the called operator (https://b.example): the operator's policy asks for a \
    person's approval [approval_required]: wire transfers need a person; reasons acme.wire, approval_required; policies \
    wire-needs-approval; receipt 018bcfe5-6800-7101-8101-010101010101; approval by `treasury` before \
    2023-11-14T22:23:20Z would help";

#[test]
fn plain_http_gets_a_problem_document() {
    let (status, content_type, document) = rendered(&escalated(), &Shape::Http);
    let wanted = json!({
        "type": "urn:countersign:problem:approval_required",
        "title": "the operator's policy asks for a person's approval",
        "status": 403,
        "detail": MESSAGE,
        "refused_by": "callee_node",
        "operator": "https://b.example",
        "receipt": "018bcfe5-6800-7101-8101-010101010101",
        "acknowledgement": "018bcfe5-6801-7202-8202-020202020202",
        "reasons": ["acme.wire", "approval_required"],
        "policies": ["wire-needs-approval"],
        "help": "approval",
        "approval": {"by": "treasury", "deadline": 1_700_000_600},
    });
    assert_eq!((status, content_type, document), (403, "application/problem+json", wanted));
}

#[test]
fn json_rpc_gets_an_error_with_status_200_and_its_id() {
    let (status, content_type, document) = rendered(&escalated(), &Shape::JsonRpc(json!("r-1")));
    assert_eq!((status, content_type), (200, "application/json"));
    assert_eq!((&document["jsonrpc"], &document["id"]), (&json!("2.0"), &json!("r-1")));
    let error = &document["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!(-32004), &json!(MESSAGE)));
    let info = &error["data"][0];
    assert_eq!(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!((&info["reason"], &info["domain"]), (&json!("UNSUPPORTED_OPERATION"), &json!("a2a-protocol.org")));
    for (name, value) in [
        ("problem", "urn:countersign:problem:approval_required"),
        ("code", "approval_required"),
        ("refused_by", "callee_node"),
        ("operator", "https://b.example"),
        ("detail", "wire transfers need a person"),
        ("receipt", "018bcfe5-6800-7101-8101-010101010101"),
        ("acknowledgement", "018bcfe5-6801-7202-8202-020202020202"),
        ("reasons", "acme.wire, approval_required"),
        ("policies", "wire-needs-approval"),
        ("help", "approval"),
        ("approval_by", "treasury"),
        ("approval_deadline", "2023-11-14T22:23:20Z"),
    ] {
        assert_eq!(info["metadata"][name], value, "{name}");
    }
}

#[test]
fn rest_gets_a_status_and_0_3_its_own_members_too() {
    let (status, content_type, document) = rendered(&escalated(), &Shape::Rest(Generation::Current));
    assert_eq!((status, content_type), (403, "application/json"));
    assert_eq!(document.as_object().unwrap().len(), 1);
    let error = &document["error"];
    assert_eq!((&error["code"], &error["status"]), (&json!(403), &json!("PERMISSION_DENIED")));
    assert_eq!((&error["message"], &error["details"][0]["reason"]), (&json!(MESSAGE), &json!("UNSUPPORTED_OPERATION")));
    let (_, _, former) = rendered(&escalated(), &Shape::Rest(Generation::Former));
    assert_eq!((&former["type"], &former["message"]), (&json!("UnsupportedOperationError"), &json!(MESSAGE)));
    assert_eq!(former["error"], document["error"]);
}

#[test]
fn each_problem_borrows_the_fitting_a2a_error() {
    for (problem, code) in [
        (ProblemType::ReceiptMissing, -32008),
        (ProblemType::SignatureInvalid, -32008),
        (ProblemType::Expired, -32008),
        (ProblemType::Replayed, -32008),
        (ProblemType::BodyMismatch, -32008),
        (ProblemType::PeerUnknown, -32004),
        (ProblemType::PolicyDenied, -32004),
        (ProblemType::ApprovalRequired, -32004),
        (ProblemType::ContextMissing, -32004),
        (ProblemType::EffectNotAllow, -32004),
        (ProblemType::RateLimited, -32603),
        (ProblemType::KeySetStale, -32603),
        (ProblemType::CallUnrecognised, -32600),
        (ProblemType::RequestTooLarge, -32600),
        (ProblemType::MediaTypeUnsupported, -32005),
        (ProblemType::StorageUnavailable, -32603),
        (ProblemType::PeerUnreachable, -32603),
        (ProblemType::AgentUnreachable, -32603),
    ] {
        let refusal = Refusal::new(RefusedBy::CallerNode, problem);
        let (_, _, document) = rendered(&refusal, &Shape::JsonRpc(Value::Null));
        assert_eq!(document["error"]["code"], code, "{problem}");
    }
}

#[test]
fn no_refusal_carries_empty_or_null_members() {
    fn check(value: &Value) {
        match value {
            Value::Null => panic!("null"),
            Value::String(text) => assert!(!text.is_empty()),
            Value::Array(items) => {
                assert!(!items.is_empty());
                items.iter().for_each(check);
            }
            Value::Object(members) => members.values().for_each(check),
            _ => {}
        }
    }
    for problem in ProblemType::ALL.iter().copied() {
        let refusal = Refusal::new(RefusedBy::Agent, problem);
        for shape in [Shape::Http, Shape::JsonRpc(json!(1)), Shape::Rest(Generation::Former)] {
            check(&rendered(&refusal, &shape).2);
        }
        assert!(refusal.message().contains(problem.code()));
    }
}

#[test]
fn a_message_is_one_bounded_line() {
    let refusal = Refusal { detail: Some("a\r\nb".repeat(1000)), ..escalated() };
    let message = refusal.message();
    assert_eq!(message.chars().count(), MAX_MESSAGE_CHARS);
    assert!(!message.chars().any(char::is_control));
}

/// What `tests/interop` serves to the official SDKs are these bytes, so that what was measured is what is sent.
#[test]
fn the_interop_suite_serves_what_is_rendered_here() {
    let problems = [
        ProblemType::ReceiptMissing,
        ProblemType::PolicyDenied,
        ProblemType::CallUnrecognised,
        ProblemType::StorageUnavailable,
    ];
    let plain = problems.map(|problem| Refusal::new(RefusedBy::CalleeNode, problem));
    let mut cases = Vec::new();
    for refusal in plain.iter().chain([&escalated()]) {
        for (name, shape) in [
            ("jsonrpc", Shape::JsonRpc(json!("ID"))),
            ("rest", Shape::Rest(Generation::Current)),
            ("rest03", Shape::Rest(Generation::Former)),
            ("http", Shape::Http),
        ] {
            let (status, content_type, body) = rendered(refusal, &shape);
            let problem = refusal.problem.code();
            let case = json!({"shape": name, "problem": problem, "status": status, "content_type": content_type, "body": body});
            cases.push(case);
        }
    }
    let served: Value = serde_json::from_str(include_str!("../../../../tests/interop/refusals.json")).unwrap();
    let text = serde_json::to_string_pretty(&cases).unwrap();
    assert_eq!(served, json!(cases), "write this to tests/interop/refusals.json:\n{text}");
}
