//! A call is recognised or refused, whatever its bytes are, and a recognised one keeps its path.
#![no_main]

use countersign::ground::agent::call::{Body, Request, RouteProtocol, recognise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, &[u8], bool)| {
    let (method, path, media, body, plain) = input;
    let headers = [("content-type", media), ("a2a-extensions", media)];
    let route = if plain { RouteProtocol::Http } else { RouteProtocol::A2a };
    let request = Request { method, path, headers: &headers, body: Body::Whole(body) };
    if let Ok(call) = recognise(route, &request) {
        assert_eq!(call.path, path);
        assert!(!path.contains("/../") && !path.contains('\\'), "{path}");
    }
});
