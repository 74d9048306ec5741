//! Answers on their way back: no card and no redirect may lead a caller past the gateway (`spec/carriage.md`, rules
//! CARD-01 to CARD-09).
//!
//! An SDK reads a card wherever it is told to, whatever media type the answer names. So on an `a2a` route an answer to
//! a GET that begins like a JSON document is held, up to a bound, and looked at; everything else passes as it comes.
//! Out of scope: how a card is rewritten (`ground::agent::card`).

use std::time::Duration;

use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    LOCATION,
};
use axum::http::{Method, StatusCode, response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use url::Url;

use super::client::Begun;
use super::headers;
use crate::ground::agent::CallAction;
use crate::ground::agent::call::{Call, Protocol, RouteProtocol};
use crate::ground::agent::card::{CardError, CardRewrite, Rewritten, looks_like_card, rewrite, rewrite_rpc_answer};
use crate::ground::limits::MAX_CARD_BYTES;

/// Fields that describe the bytes of the upstream's body, or name it elsewhere.
const OF_OTHER_BYTES: [HeaderName; 7] = [
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    ETAG,
    LAST_MODIFIED,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
];

/// What decides how an answer passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage<'a> {
    pub(super) route: RouteProtocol,
    pub(super) method: &'a Method,
    /// The call, if the request was one.
    pub(super) call: Option<&'a Call>,
    /// The URL that was called.
    pub(super) called: &'a Url,
    pub(super) rewrite: CardRewrite<'a>,
    /// Time for an answer that is held.
    pub(super) timeout: Duration,
}

/// An answer that may pass.
#[derive(Debug)]
pub(super) enum Passing {
    /// As it comes, after what was read ahead.
    Stream { head: response::Parts, ahead: Bytes, rest: reqwest::Body },
    /// As a whole: the bytes that came, and those that go on.
    Whole { head: response::Parts, came: Bytes, goes: Bytes },
}

/// An answer that must not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misbehaved {
    /// It broke off while it was held.
    #[error("the answer broke off")]
    BrokeOff,
    /// A card that cannot be made to lead to the gateway.
    #[error(transparent)]
    Card(#[from] CardError),
    /// An encoding that hides whether it is a card.
    #[error("the answer has a content encoding although none was accepted")]
    Encoded,
    /// A redirect to elsewhere.
    #[error("the answer redirects past the gateway")]
    Redirect,
    /// Another protocol, through which nobody can look.
    #[error("the answer switches to another protocol, which nobody asked for")]
    Switches,
    /// Too large to find out whether it is a card.
    #[error("the answer may be an agent card and has more than {MAX_CARD_BYTES} bytes")]
    TooLarge,
    /// It begins like a JSON document and is none, so readers differ about it.
    #[error("the answer begins like a JSON document and is none")]
    Unreadable,
}

/// Whether the answer to this call may be a card, so that its request has to ask for one that can be read.
pub(super) fn may_answer_card(route: RouteProtocol, method: &Method, call: Option<&Call>) -> bool {
    let answers_card = call.is_some_and(|call| call.action.answers_card());
    route == RouteProtocol::A2a && method != Method::HEAD && (answers_card || method == Method::GET)
}

/// Looks at an answer that has begun, and holds it only if it may be a card.
pub(super) async fn examine(begun: Begun, passage: &Passage<'_>) -> Result<Passing, Misbehaved> {
    let (mut head, body) = begun.into_parts();
    if head.status.is_informational() {
        return Err(Misbehaved::Switches);
    }
    head.headers = headers::of_response(&head.headers);
    lead_back(head.status, &mut head.headers, passage)?;
    let held = head.status.is_success() && may_answer_card(passage.route, passage.method, passage.call);
    if !held {
        return Ok(Passing::Stream { head, ahead: Bytes::new(), rest: body });
    }
    let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !head.headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        return Err(Misbehaved::Encoded);
    }
    let is_card = passage.call.is_some_and(|call| call.action.answers_card());
    let holding = hold(body, is_card);
    let held = tokio::time::timeout(passage.timeout, holding).await.map_err(|_| Misbehaved::BrokeOff)??;
    match held {
        Held::All(bytes) => Ok(whole(head, bytes, passage)?),
        Held::Some(..) if is_card => Err(Misbehaved::TooLarge),
        // A task may be larger than any card, and no reader takes one for the other.
        Held::Some(ahead, _) if is_document(&ahead) && is_plain_get(passage) => Err(Misbehaved::TooLarge),
        Held::Some(ahead, rest) => Ok(Passing::Stream { head, ahead, rest }),
    }
}

fn is_plain_get(passage: &Passage<'_>) -> bool {
    passage.call.is_none_or(|call| call.action == CallAction::HttpGet)
}

/// A redirect leads to the gateway or nowhere (CARD-09). `Location` of other answers is left out where it leads
/// elsewhere.
fn lead_back(status: StatusCode, headers: &mut HeaderMap, passage: &Passage<'_>) -> Result<(), Misbehaved> {
    let mut locations = headers.get_all(LOCATION).iter();
    let (Some(location), another) = (locations.next(), locations.next()) else { return Ok(()) };
    let led = location.to_str().ok().filter(|_| another.is_none()).and_then(|text| {
        let mut to = passage.called.join(text).ok()?;
        to.set_fragment(None);
        passage.rewrite.at_gateway(to.as_str())
    });
    match led.and_then(|led| HeaderValue::try_from(led).ok()) {
        Some(led) => {
            headers.insert(LOCATION, led);
        }
        None if status.is_redirection() => return Err(Misbehaved::Redirect),
        None => {
            headers.remove(LOCATION);
        }
    }
    Ok(())
}

/// What was read of a body.
#[derive(Debug)]
enum Held {
    All(Bytes),
    Some(Bytes, reqwest::Body),
}

/// Reads until it is clear that the body is no document, or to its end, or beyond the bound. A stream of events is
/// given back with its first bytes.
async fn hold(mut body: reqwest::Body, is_card: bool) -> Result<Held, Misbehaved> {
    let mut held = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| Misbehaved::BrokeOff)?.into_data() else { continue };
        held.extend_from_slice(&bytes);
        let begun = held.iter().any(|byte| !byte.is_ascii_whitespace());
        if held.len() > MAX_CARD_BYTES || (!is_card && begun && !is_document(&held)) {
            return Ok(Held::Some(held.freeze(), body));
        }
    }
    Ok(Held::All(held.freeze()))
}

/// Whether some JSON reader would take what begins like this for an object: in UTF-8, with or without its mark, or in
/// the wider encodings, whose readers find them by a mark or by the zeros.
fn is_document(begin: &[u8]) -> bool {
    let significant = begin.trim_ascii_start();
    significant.first().is_some_and(|byte| matches!(byte, b'{' | 0x00 | 0xEF | 0xFE | 0xFF))
}

fn whole(mut head: response::Parts, came: Bytes, passage: &Passage<'_>) -> Result<Passing, Misbehaved> {
    let goes = match rewritten(&came, passage)? {
        None => came.clone(),
        Some(rewritten) => {
            if rewritten.was_signed || !rewritten.dropped.is_empty() {
                let dropped = rewritten.dropped.join(" ");
                tracing::debug!(was_signed = rewritten.was_signed, %dropped, "rewrote an agent card");
            }
            for name in OF_OTHER_BYTES {
                head.headers.remove(name);
            }
            rewritten.body.into()
        }
    };
    Ok(Passing::Whole { head, came, goes })
}

fn rewritten(came: &[u8], passage: &Passage<'_>) -> Result<Option<Rewritten>, Misbehaved> {
    let is_card = passage.call.is_some_and(|call| call.action.answers_card());
    let is_rpc = passage.call.is_some_and(|call| call.protocol == Protocol::A2aJsonRpc);
    if is_card && is_rpc {
        return Ok(rewrite_rpc_answer(came, &passage.rewrite)?);
    }
    if is_card || looks_like_card(came) {
        return Ok(Some(rewrite(came, &passage.rewrite)?));
    }
    if is_document(came) && serde_json::from_slice::<serde_json::Value>(came).is_err() {
        return Err(Misbehaved::Unreadable);
    }
    Ok(None)
}

/// The names that an agent's card may use for the place where the agent listens: on one machine, one port has several.
pub(super) fn names_of(upstream: &Url) -> Vec<Url> {
    let mut names = vec![upstream.clone()];
    if crate::ground::name::is_loopback(upstream) {
        for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"] {
            let mut name = upstream.clone();
            if name.set_host(Some(host)).is_ok() {
                names.push(name);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use axum::http::Response;

    use super::*;
    use crate::ground::agent::call::{self, recognise};

    struct Route {
        upstreams: Vec<Url>,
        gateway: Url,
        called: Url,
    }

    fn route() -> Route {
        let url = |text: &str| Url::parse(text).unwrap();
        Route {
            upstreams: vec![url("https://b.example/s")],
            gateway: url("http://g/a"),
            called: url("https://b.example/s/x"),
        }
    }

    fn get(path: &str) -> Call {
        let request = call::Request { method: "GET", path, headers: &[], body: call::Body::Whole(b"") };
        recognise(RouteProtocol::A2a, &request).unwrap()
    }

    async fn examined(call: &Call, answer: Response<&'static str>) -> Result<Passing, Misbehaved> {
        let route = route();
        let passage = Passage {
            route: RouteProtocol::A2a,
            method: &Method::GET,
            call: Some(call),
            called: &route.called,
            rewrite: CardRewrite { upstreams: &route.upstreams, gateway: &route.gateway, announcement: None },
            timeout: Duration::MAX,
        };
        examine(answer.map(reqwest::Body::from), &passage).await
    }

    fn answer(body: &'static str) -> Response<&'static str> {
        Response::new(body)
    }

    const CARD: &str = r#"{"url":"https://b.example/s/rpc","skills":[]}"#;

    #[tokio::test]
    async fn a_card_is_rewritten_wherever_and_however_it_is_served() {
        for path in ["/.well-known/agent-card.json", "/cards/mine", "/tasks/1"] {
            let Passing::Whole { goes, .. } = examined(&get(path), answer(CARD)).await.unwrap() else {
                panic!("{path}")
            };
            assert!(std::str::from_utf8(&goes).unwrap().contains("http://g/a/rpc"), "{path}");
        }
        let spaced = "\r\n {\"url\":\"https://b.example/s/rpc\",\"skills\":[]}";
        let mut answer = answer(spaced);
        answer.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
        assert!(
            matches!(examined(&get("/x"), answer).await.unwrap(), Passing::Whole { goes, .. } if goes.starts_with(b"{"))
        );
    }

    #[tokio::test]
    async fn what_readers_could_take_for_a_card_and_the_gateway_could_not_is_held_back() {
        for body in [
            "\u{FEFF}{\"url\":\"https://c.example\",\"skills\":[]}",
            r#"{"url":"https://c.example","skills":[],"x":NaN}"#,
            "\u{0}{\u{0}}",
            r#"{"url":"https://c.example","skills":[]}"#,
        ] {
            assert!(examined(&get("/x"), answer(body)).await.is_err(), "{body}");
        }
        let mut encoded = answer(CARD);
        encoded.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(matches!(examined(&get("/x"), encoded).await, Err(Misbehaved::Encoded)));
    }

    #[tokio::test]
    async fn what_is_no_document_passes_as_it_comes() {
        for body in ["data: 1\n\n", "<html>", "[1]", ": keep\n"] {
            let Passing::Stream { ahead, .. } = examined(&get("/x"), answer(body)).await.unwrap() else {
                panic!("{body}")
            };
            assert_eq!(ahead, body);
        }
    }

    #[tokio::test]
    async fn an_answer_in_another_protocol_is_held_back() {
        let mut switched = answer("");
        *switched.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        assert!(matches!(examined(&get("/x"), switched).await, Err(Misbehaved::Switches)));
    }

    #[tokio::test]
    async fn a_redirect_leads_back_or_nowhere() {
        let redirect = |to: &str| {
            let mut answer = answer("");
            *answer.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            answer.headers_mut().insert(LOCATION, to.parse().unwrap());
            answer
        };
        for to in ["https://b.example/s/y", "y", "/s/y", "y#part"] {
            let Passing::Stream { head, .. } = examined(&get("/x"), redirect(to)).await.unwrap() else {
                panic!("{to}")
            };
            assert_eq!(head.headers[LOCATION], "http://g/a/y", "{to}");
        }
        for to in ["https://c.example/s/y", "/elsewhere", "//c.example/s", "http://b.example/s/y", "mailto:x"] {
            assert!(matches!(examined(&get("/x"), redirect(to)).await, Err(Misbehaved::Redirect)), "{to}");
        }
        let mut created = redirect("https://c.example/s/y");
        *created.status_mut() = StatusCode::CREATED;
        let Passing::Whole { head, .. } = examined(&get("/x"), created).await.unwrap() else { panic!() };
        assert!(!head.headers.contains_key(LOCATION));
    }
}
