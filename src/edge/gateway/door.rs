//! Who comes in by the private door: an own agent, known by a secret.
//!
//! Out of scope: web pages and foreign host names, which the listener's guard turns away.

use axum::http::request::Parts;

use super::headers::TOKEN;
use super::{AGENT_PREFIX, AgentSecret};

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
