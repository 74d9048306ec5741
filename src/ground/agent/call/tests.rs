use serde_json::json;

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json");

fn on(route: RouteProtocol, method: &str, path: &str, body: &str) -> Result<Call, Unrecognised> {
    let headers = if body.is_empty() { vec![] } else { vec![JSON] };
    recognise(route, &Request { method, path, headers: &headers, body: Body::Whole(body.as_bytes()) })
}

fn a2a(method: &str, path: &str, body: &str) -> Result<Call, Unrecognised> {
    on(RouteProtocol::A2a, method, path, body)
}

fn rpc(body: &str) -> Result<Call, Unrecognised> {
    a2a("POST", "", body)
}

fn fault(result: Result<Call, Unrecognised>) -> CallFault {
    result.unwrap_err().fault
}

#[test]
fn every_json_rpc_method_of_the_table_is_its_action() {
    for action in CallAction::ALL.iter().copied() {
        let methods = [(action.rpc_method(), Generation::Current), (action.former_rpc_method(), Generation::Former)];
        for (method, generation) in methods {
            let Some(method) = method else { continue };
            let body = json!({"jsonrpc": "2.0", "id": "1", "method": method, "params": {}}).to_string();
            let call = rpc(&body).unwrap();
            assert_eq!((call.action, call.generation), (action, generation), "{method}");
            assert_eq!(call.protocol, Protocol::A2aJsonRpc);
            assert_eq!(call.streaming, action.is_streaming());
            assert_eq!(call.shape(), Shape::JsonRpc(json!("1")));
        }
    }
}

#[test]
fn every_rest_path_of_the_table_is_its_action() {
    use CallAction::*;
    let rows = [
        ("POST", "/message:send", "{}", SendMessage, None),
        ("POST", "/message:stream", "{}", SendStreamingMessage, None),
        ("GET", "/tasks/t1", "", GetTask, Some("t1")),
        ("HEAD", "/tasks/t1", "", GetTask, Some("t1")),
        ("GET", "/tasks", "", ListTasks, None),
        ("POST", "/tasks/t1:cancel", "", CancelTask, Some("t1")),
        ("POST", "/tasks/t1:cancel", r#"{"id":"t1"}"#, CancelTask, Some("t1")),
        ("GET", "/tasks/t1:subscribe", "", SubscribeToTask, Some("t1")),
        ("POST", "/tasks/t1:subscribe", "", SubscribeToTask, Some("t1")),
        ("POST", "/tasks/t1/pushNotificationConfigs", r#"{"taskId":"t1","id":"c"}"#, CreatePushConfig, Some("t1")),
        ("GET", "/tasks/t1/pushNotificationConfigs/c1", "", GetPushConfig, Some("t1")),
        ("GET", "/tasks/t1/pushNotificationConfigs", "", ListPushConfigs, Some("t1")),
        ("DELETE", "/tasks/t1/pushNotificationConfigs/c1", "", DeletePushConfig, Some("t1")),
        ("GET", "/extendedAgentCard", "", GetExtendedAgentCard, None),
        ("GET", "/.well-known/agent-card.json", "", GetAgentCard, None),
        ("HEAD", "/.well-known/agent.json", "", GetAgentCard, None),
    ];
    for (method, path, body, action, task) in rows {
        for (prefix, generation) in [
            ("", Generation::Current),
            ("/tenant", Generation::Current),
            ("/a2a/rest", Generation::Current),
            ("/v1", Generation::Former),
        ] {
            let path = format!("{prefix}{path}");
            let call = a2a(method, &path, body).unwrap();
            assert_eq!((call.action, call.generation), (action, generation), "{method} {path}");
            assert_eq!((call.protocol, call.task.as_deref()), (Protocol::A2aRest, task), "{method} {path}");
            assert_eq!(call.shape(), Shape::Rest(generation));
        }
    }
    assert_eq!(a2a("GET", "/v1/card", "").unwrap().action, GetExtendedAgentCard);
}

#[test]
fn paths_match_as_the_most_generous_server_would() {
    for (method, path, body, action) in [
        ("GET", "/Tasks/t1", "", CallAction::GetTask),
        ("GET", "/tasks/t1/", "", CallAction::GetTask),
        ("GET", "/t%61sks/t1", "", CallAction::GetTask),
        ("POST", "/tasks/t1%3Acancel", "", CallAction::CancelTask),
        ("POST", "/MESSAGE:SEND/", "{}", CallAction::SendMessage),
        ("GET", "/tasks/t1:cancel", "", CallAction::GetTask),
        ("GET", "/tasks/tasks", "", CallAction::GetTask),
    ] {
        assert_eq!(a2a(method, path, body).unwrap().action, action, "{path}");
    }
}

#[test]
fn what_is_no_a2a_call_is_plain_http_only_if_it_reads() {
    for (method, action) in
        [("GET", CallAction::HttpGet), ("HEAD", CallAction::HttpHead), ("OPTIONS", CallAction::HttpOptions)]
    {
        let call = a2a(method, "/docs", "").unwrap();
        assert_eq!((call.action, call.protocol, call.path.as_str()), (action, Protocol::Http, "/docs"));
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(fault(a2a(method, "/docs", "")), CallFault::Method(method.to_owned()));
    }
    assert!(matches!(fault(a2a("POST", "/docs", "")), CallFault::MediaType(_)));
    assert_eq!(fault(a2a("GET", "/docs", "{}")), CallFault::BodyUnexpected("GET".to_owned()));
    assert_eq!(fault(a2a("GET", "/tasks/t1", "{}")), CallFault::BodyUnexpected("GET".to_owned()));
}

#[test]
fn an_http_route_describes_requests_by_their_method() {
    for (method, action) in [
        ("GET", CallAction::HttpGet),
        ("HEAD", CallAction::HttpHead),
        ("OPTIONS", CallAction::HttpOptions),
        ("POST", CallAction::HttpPost),
        ("PUT", CallAction::HttpPut),
        ("PATCH", CallAction::HttpPatch),
        ("DELETE", CallAction::HttpDelete),
    ] {
        let call = on(RouteProtocol::Http, method, "/message:send;v=1", "").unwrap();
        assert_eq!((call.action, call.protocol), (action, Protocol::Http));
        assert_eq!(call.shape(), Shape::Http);
    }
    let stream =
        Request { method: "POST", path: "/x", headers: &[("Accept", "text/event-stream")], body: Body::Unbuffered };
    assert!(recognise(RouteProtocol::Http, &stream).unwrap().streaming);
}

#[test]
fn other_methods_and_overrides_of_method_or_path_are_refused_everywhere() {
    for route in [RouteProtocol::A2a, RouteProtocol::Http] {
        for method in ["get", "CONNECT", "TRACE", "SEND", ""] {
            assert_eq!(fault(on(route, method, "/", "")), CallFault::Method(method.to_owned()));
        }
        for header in [
            "X-HTTP-Method",
            "x-http-method-override",
            "X-Method-Override",
            "X-Original-URL",
            "x-rewrite-url",
            "X_HTTP_Method_Override",
            "x_original.url",
        ] {
            let headers = [(header, "DELETE")];
            let request = Request { method: "GET", path: "/", headers: &headers, body: Body::Whole(b"") };
            assert!(matches!(fault(recognise(route, &request)), CallFault::Override(_)), "{header}");
        }
        assert_eq!(fault(on(route, "GET", "/a/../b", "")), CallFault::Path(PathFault::DotSegment));
    }
    assert_eq!(fault(a2a("GET", "/tasks;x/t", "")), CallFault::Path(PathFault::Semicolon));
}

#[test]
fn a_body_cannot_smuggle_another_call() {
    for (body, wanted) in [
        (r#"[{"jsonrpc":"2.0","id":1,"method":"GetTask"}]"#, CallFault::Batch),
        (r#"[]"#, CallFault::Batch),
        (r#""SendMessage""#, CallFault::Member("body", "a JSON-RPC request object")),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","Method":"SendMessage"}"#,
            CallFault::MemberUnknown("Method".to_owned()),
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","extra":1}"#, CallFault::MemberUnknown("extra".to_owned())),
        (r#"{"jsonrpc":"2.0","method":"GetTask"}"#, CallFault::Member("id", "a string, an integer or null")),
        (r#"{"jsonrpc":"2.0","id":true,"method":"GetTask"}"#, CallFault::Member("id", "a string, an integer or null")),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"GetTask"}"#, CallFault::Member("id", "a string, an integer or null")),
        (r#"{"jsonrpc":"1.0","id":1,"method":"GetTask"}"#, CallFault::Member("jsonrpc", "`2.0`")),
        (r#"{"id":1,"method":"GetTask"}"#, CallFault::Member("jsonrpc", "`2.0`")),
        (r#"{"jsonrpc":"2.0","id":1}"#, CallFault::Member("method", "a string")),
        (r#"{"jsonrpc":"2.0","id":1,"method":["GetTask"]}"#, CallFault::Member("method", "a string")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"getTask"}"#, CallFault::MethodUnknown("getTask".to_owned())),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tasks/send"}"#, CallFault::MethodUnknown("tasks/send".to_owned())),
        (r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":[]}"#, CallFault::Member("params", "an object")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":7}}"#, CallFault::Member("id", "a string")),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"contextId":"a","context_id":"b"}}}"#,
            CallFault::TwoSpellings("contextId".to_owned()),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{},"Me\u017fsage":{}}}"#,
            CallFault::TwoSpellings("message".to_owned()),
        ),
    ] {
        assert_eq!(fault(rpc(body)), wanted, "{body}");
        assert_eq!(wanted.problem(), ProblemType::CallUnrecognised);
    }
}

#[test]
fn bytes_that_two_parsers_could_read_differently_are_refused() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"GetTask"}"#;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","method":"SendMessage"}"#.as_bytes().to_vec(),
        r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","meth\u006fd":"SendMessage"}"#.as_bytes().to_vec(),
        r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"taskId":"a","taskId":"b"}}}"#.into(),
        [b"\xEF\xBB\xBF", call.as_bytes()].concat(),
        [call.as_bytes(), call.as_bytes()].concat(),
        call.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        format!("{call}//").into_bytes(),
        format!("/**/{call}").into_bytes(),
        call.replace('1', "NaN").into_bytes(),
        vec![b'['; 100_000],
    ] {
        let request = Request { method: "POST", path: "/", headers: &[JSON], body: Body::Whole(&body) };
        let refused = recognise(RouteProtocol::A2a, &request).unwrap_err();
        assert!(matches!(refused.fault, CallFault::Json(_)), "{}", String::from_utf8_lossy(&body));
        assert_eq!(refused.shape, Shape::JsonRpc(Value::Null));
    }
}

#[test]
fn media_types_and_codings_that_hide_the_body_are_refused() {
    let body = Body::Whole(br#"{"jsonrpc":"2.0","id":1,"method":"GetTask"}"#);
    let recognised =
        |headers: &[(&str, &str)]| recognise(RouteProtocol::A2a, &Request { method: "POST", path: "", headers, body });
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/a2a+json"] {
        assert!(recognised(&[("Content-Type", good)]).is_ok(), "{good}");
    }
    for bad in ["text/plain", "application/json; charset=utf-16", "application/json-patch+json", ""] {
        assert!(matches!(fault(recognised(&[("Content-Type", bad)])), CallFault::MediaType(_)), "{bad}");
    }
    assert!(matches!(fault(recognised(&[])), CallFault::MediaType(_)));
    assert!(matches!(fault(recognised(&[JSON, JSON])), CallFault::MediaType(_)));
    let coded = fault(recognised(&[JSON, ("content-encoding", "gzip")]));
    assert_eq!((coded.problem(), coded), (ProblemType::MediaTypeUnsupported, CallFault::Encoding("gzip".to_owned())));
    assert!(recognised(&[JSON, ("content-encoding", "identity")]).is_ok());
}

#[test]
fn a_call_whose_body_is_not_at_hand_is_refused() {
    for path in ["", "/message:send"] {
        let request = Request { method: "POST", path, headers: &[JSON], body: Body::Unbuffered };
        assert_eq!(fault(recognise(RouteProtocol::A2a, &request)).problem(), ProblemType::RequestTooLarge);
    }
    let request = Request { method: "GET", path: "/tasks/t", headers: &[], body: Body::Unbuffered };
    assert!(matches!(fault(recognise(RouteProtocol::A2a, &request)), CallFault::BodyUnexpected(_)));
}

#[test]
fn a_rest_body_is_no_json_rpc_and_names_no_other_task() {
    for name in ["method", "Method", "JSONRPC", "json_rpc"] {
        let body = json!({name: "SendMessage"}).to_string();
        assert_eq!(fault(a2a("POST", "/message:send", &body)), CallFault::MemberUnknown(name.to_owned()));
    }
    assert_eq!(fault(a2a("POST", "/tasks/a:cancel", r#"{"id":"b"}"#)), CallFault::TaskTwice);
    assert_eq!(fault(a2a("POST", "/tasks/a/pushNotificationConfigs", r#"{"task_id":"b"}"#)), CallFault::TaskTwice);
    assert!(matches!(fault(a2a("POST", "/message:send", "[]")), CallFault::Member("body", _)));
    assert!(matches!(fault(a2a("POST", "/message:send", "")), CallFault::MediaType(_)));
}

#[test]
fn conversation_task_tenant_and_callback_are_taken_from_where_each_version_puts_them() {
    let of = |method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": null, "method": method, "params": params}).to_string();
        let call = rpc(&body).unwrap();
        (call.conversation, call.task, call.tenant, call.push_callback)
    };
    let text = |text: &str| Some(text.to_owned());
    let message = json!({"tenant": "x", "message": {"context_id": "c", "taskId": "t"}});
    assert_eq!(of("SendMessage", message), (text("c"), text("t"), text("x"), false));
    assert_eq!(of("message/stream", json!({"message": {"contextId": ""}})), (None, None, None, false));
    for name in ["taskPushNotificationConfig", "pushNotificationConfig", "push_notification_config"] {
        let params = json!({"configuration": {name: {"url": "https://x"}}});
        assert_eq!(of("message/send", params), (None, None, None, true), "{name}");
    }
    assert_eq!(of("ListTasks", json!({"contextId": "c"})), (text("c"), None, None, false));
    assert_eq!(of("tasks/cancel", json!({"id": "t"})), (None, text("t"), None, false));
    assert_eq!(
        of("CreateTaskPushNotificationConfig", json!({"taskId": "t", "id": "c"})),
        (None, text("t"), None, true)
    );
    assert_eq!(of("GetTaskPushNotificationConfig", json!({"taskId": "t", "id": "c"})), (None, text("t"), None, false));
    assert_eq!(of("tasks/pushNotificationConfig/get", json!({"id": "t"})), (None, text("t"), None, false));
    let long = "x".repeat(257);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": long}}).to_string();
    assert!(matches!(fault(rpc(&body)), CallFault::Member("id", _)));
}

#[test]
fn a_rest_message_may_be_called_request_but_not_stand_there_twice() {
    let sent = |path: &str, body: &str| a2a("POST", path, body);
    for path in ["/v1/message:send", "/message:stream"] {
        let call = sent(path, r#"{"request":{"context_id":"c"}}"#).unwrap();
        assert_eq!(call.conversation.as_deref(), Some("c"), "{path}");
        for body in [
            r#"{"message":{"contextId":"c"},"request":{"contextId":"d"}}"#,
            r#"{"Request":{"contextId":"d"},"message":null}"#,
            r#"{"request":{},"Request":{}}"#,
        ] {
            assert!(matches!(fault(sent(path, body)), CallFault::TwoSpellings(_)), "{path} {body}");
        }
    }
    // Nobody reads it so in JSON-RPC.
    let call =
        rpc(r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"request":{"contextId":"c"}}}"#).unwrap();
    assert_eq!(call.conversation, None);
}

#[test]
fn extensions_are_read_from_both_header_names() {
    let headers = [JSON, ("A2A-Extensions", "urn:a, urn:b,"), ("X-A2A-Extensions", "urn:c")];
    let request = Request { method: "POST", path: "/message:send", headers: &headers, body: Body::Whole(b"{}") };
    assert_eq!(recognise(RouteProtocol::A2a, &request).unwrap().extensions, ["urn:a", "urn:b", "urn:c"]);
}

#[test]
fn a_refused_json_rpc_call_keeps_its_id_where_it_could_be_read() {
    let refused = rpc(r#"{"jsonrpc":"2.0","id":"r-1","method":"Nope"}"#).unwrap_err();
    assert_eq!(refused.shape, Shape::JsonRpc(json!("r-1")));
}
