//! Header fields: which are the node's own, and which may pass.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The receipt: a decision on requests, an acknowledgement on responses.
pub(super) const RECEIPT: HeaderName = HeaderName::from_static("countersign-receipt");
/// What opens the receipt's commitments.
pub(super) const NONCE: HeaderName = HeaderName::from_static("countersign-nonce");
/// An own agent's secret, in place of the one in its base path.
pub(super) const TOKEN: HeaderName = HeaderName::from_static("countersign-token");
/// The user that an own agent says it acts for.
pub(super) const USER: HeaderName = HeaderName::from_static("countersign-user");
/// What the node found, told to the own agent.
pub(super) const VERDICT: HeaderName = HeaderName::from_static("countersign-verdict");
/// The id of the call's decision, told to the own agent.
pub(super) const RECEIPT_ID: HeaderName = HeaderName::from_static("countersign-receipt-id");
/// The operator that calls, told to the own agent.
pub(super) const PEER: HeaderName = HeaderName::from_static("countersign-peer");
/// The agent that calls, told to the own agent.
pub(super) const AGENT: HeaderName = HeaderName::from_static("countersign-agent");
/// What this operator decided, told to the own agent.
pub(super) const EFFECT: HeaderName = HeaderName::from_static("countersign-effect");
/// How the call ended, where the node answers in its agent's place, told to the caller's node.
pub(super) const OUTCOME: HeaderName = HeaderName::from_static("countersign-outcome");

/// What a field says when there is nothing to say. A field that is left out could be put in by somebody else.
pub(super) const NONE: HeaderValue = HeaderValue::from_static("none");

/// Fields of one connection (RFC 9110, section 7.6.1), and those that announce other ways to the same place, which
/// would lead past the gateway (RFC 7838).
const NOT_FORWARDED: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a field is one of ours, or would become one: behind CGI and WSGI an agent reads `Countersign_Peer` as
/// `Countersign-Peer`, and some servers turn any mark between words into the same.
fn is_ours(name: &HeaderName) -> bool {
    let mark = name.as_str().strip_prefix("countersign").and_then(|rest| rest.bytes().next());
    mark.is_some_and(|mark| !mark.is_ascii_alphanumeric())
}

/// The fields that pass from one side to the other.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let listed: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passes = |name: &HeaderName| {
        !NOT_FORWARDED.contains(name) && !is_ours(name) && !listed.iter().any(|listed| listed == name.as_str())
    };
    headers.iter().filter(|(name, _)| passes(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The fields of a request that go on to the other side. Its length and its host are set anew.
pub(super) fn of_request(headers: &HeaderMap) -> HeaderMap {
    let mut passing = end_to_end(headers);
    for name in [header::HOST, header::EXPECT, header::CONTENT_LENGTH] {
        passing.remove(name);
    }
    passing
}

/// The fields of a response that go back.
pub(super) fn of_response(headers: &HeaderMap) -> HeaderMap {
    let mut passing = end_to_end(headers);
    for name in [header::ALT_SVC, header::REFRESH] {
        passing.remove(name);
    }
    passing
}

/// Text as a field's value: what is not visible ASCII is percent-encoded, and so is the percent sign.
pub(super) fn value(text: &str) -> HeaderValue {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    // Visible ASCII is always a header value.
    HeaderValue::try_from(written).unwrap_or(NONE)
}

/// All values of a field, as bytes.
pub(super) fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::limits::{MAX_ANSWER_BYTES, MAX_RESPONSE_HEADER_BYTES};

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn ours_and_those_of_one_connection_do_not_pass() {
        let headers = map(&[
            ("authorization", "Bearer x"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("countersign-anything", "1"),
            ("countersign_peer", "https://b.example"),
            ("countersign.agent", "x"),
            ("te", "trailers"),
            ("host", "a"),
            ("a2a-version", "1.0"),
        ]);
        assert_eq!(of_request(&headers), map(&[("authorization", "Bearer x"), ("a2a-version", "1.0")]));
        let headers = map(&[("alt-svc", "h3=\":443\""), ("etag", "\"1\""), ("countersign-receipt", "x")]);
        assert_eq!(of_response(&headers), map(&[("etag", "\"1\"")]));
    }

    #[test]
    fn any_name_can_be_told_in_a_field() {
        assert_eq!(value("https://b.example"), "https://b.example");
        assert_eq!(value("zoë 100%"), "zo%C3%AB%20100%25");
    }

    #[test]
    fn our_fields_of_one_response_stay_within_their_bound() {
        let outcome = OUTCOME.as_str().len() + "unreachable".len() + 4;
        assert!(RECEIPT.as_str().len() + MAX_ANSWER_BYTES + 4 + outcome <= MAX_RESPONSE_HEADER_BYTES);
    }
}
