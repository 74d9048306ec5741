//! Who comes in by the private door: an own agent, and not a web page in somebody's browser.
//!
//! A page could reach a loopback port with a request of its own, or under a name that it makes resolve to loopback. The
//! first carries `Origin`, the second a foreign `Host`; both are turned away before anything is said.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;

use super::headers::TOKEN;
use super::{AGENT_PREFIX, AgentSecret};
use crate::ground::problem::ProblemType;

/// A request of an own agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entered<'a> {
    /// Position of the agent.
    pub(super) agent: usize,
    /// The code of what proved that it is the agent.
    pub(super) proved_by: &'static str,
    /// The name of the route.
    pub(super) route: &'a str,
    /// What follows the route, still percent-encoded, without the query.
    pub(super) rest: &'a str,
    /// The path that leads to the route.
    pub(super) base: &'a str,
}

/// The authority under which the node was addressed, if it is one of its own.
pub(super) fn host<'a>(parts: &'a Parts, private_hosts: &[String]) -> Result<&'a str, ProblemType> {
    if parts.headers.contains_key(ORIGIN) {
        return Err(ProblemType::OriginRefused);
    }
    let mut named = parts.headers.get_all(HOST).iter();
    let in_header = named.next().map(|value| value.to_str().unwrap_or_default());
    let in_target = parts.uri.authority().map(Authority::as_str);
    let host = match (in_header, named.next(), in_target) {
        (Some(host), None, None) | (None, None, Some(host)) => host,
        (Some(host), None, Some(target)) if host.eq_ignore_ascii_case(target) => host,
        _ => return Err(ProblemType::OriginRefused),
    };
    if is_own(host, private_hosts) { Ok(host) } else { Err(ProblemType::OriginRefused) }
}

fn is_own(host: &str, private_hosts: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let configured = |own: &String| own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(host);
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback())
        || private_hosts.iter().any(configured)
}

/// Finds the agent by its secret: in the path, or in the token field, in which case the path has none. `None` for every
/// request that is not an agent's, whatever is wrong with it.
pub(super) fn enter<'a>(parts: &'a Parts, agents: &[AgentSecret]) -> Option<Entered<'a>> {
    let path = parts.uri.path();
    let below = path.strip_prefix(AGENT_PREFIX)?;
    let mut tokens = parts.headers.get_all(TOKEN).iter();
    let (secret, proved_by, after) = match (tokens.next(), tokens.next()) {
        (None, _) => {
            let (secret, after) = below.split_once('/')?;
            (secret, "gateway_path", after)
        }
        (Some(token), None) => (token.to_str().ok()?, "gateway_token", below),
        (Some(_), Some(_)) => return None,
    };
    let agent = find(secret, agents)?;
    let end = after.find('/').unwrap_or(after.len());
    let (route, rest) = after.split_at_checked(end)?;
    let base = path.strip_suffix(rest)?;
    Some(Entered { agent, proved_by, route, rest, base })
}

/// Compares with every secret, so that time does not tell which one was nearly right.
fn find(secret: &str, agents: &[AgentSecret]) -> Option<usize> {
    let mut found = None;
    for (at, agent) in agents.iter().enumerate() {
        if agent.secret.is(secret) {
            found = Some(at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::io::secret_files::Secret;

    fn parts(uri: &str, fields: &[(&str, &str)]) -> Parts {
        let request = fields.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_own_names_are_answered_to() {
        let own = ["node.internal".to_owned()];
        for good in ["localhost", "LOCALHOST:7401", "127.0.0.1:7401", "127.9.9.9", "[::1]:7401", "node.internal:80"] {
            assert_eq!(host(&parts("/a/x/y", &[("host", good)]), &own), Ok(good));
        }
        for bad in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7401", "x@localhost", "10.0.0.1", ""]
        {
            assert_eq!(host(&parts("/a/x/y", &[("host", bad)]), &own), Err(ProblemType::OriginRefused), "{bad}");
        }
    }

    #[test]
    fn pages_and_ambiguous_hosts_are_turned_away() {
        for fields in [
            &[("host", "localhost"), ("origin", "http://localhost")][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[],
        ] {
            assert_eq!(host(&parts("/a/x/y", fields), &[]), Err(ProblemType::OriginRefused));
        }
        let both = parts("http://evil.example/a/x/y", &[("host", "localhost")]);
        assert_eq!(host(&both, &[]), Err(ProblemType::OriginRefused));
    }

    #[test]
    fn an_agent_is_found_by_its_secret_alone() {
        let agent = |name: &str| AgentSecret { name: name.to_owned(), secret: Secret::generate().unwrap() };
        let agents = [agent("one"), agent("two")];
        let secret = agents[1].secret.reveal();
        let path = format!("/a/{secret}/seller/message:send?x=1");
        let by_path = parts(&path, &[]);
        let entered = enter(&by_path, &agents).unwrap();
        assert_eq!((entered.agent, entered.route, entered.rest), (1, "seller", "/message:send"));
        assert_eq!(entered.base, format!("/a/{secret}/seller"));
        let by_token = parts("/a/seller", &[("countersign-token", secret)]);
        let entered = enter(&by_token, &agents).unwrap();
        assert_eq!((entered.agent, entered.route, entered.rest, entered.base), (1, "seller", "", "/a/seller"));
        for (path, fields) in [
            ("/a/wrong/seller", &[][..]),
            ("/a/", &[]),
            ("/a/seller", &[("countersign-token", "wrong")]),
            ("/a/seller", &[("countersign-token", secret), ("countersign-token", secret)]),
        ] {
            assert_eq!(enter(&parts(path, fields), &agents), None, "{path}");
        }
    }
}
