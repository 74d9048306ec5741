//! Who may speak to the private listener at all, and with which token.
//!
//! A web page in a browser on this machine can send requests to loopback. Two checks keep it out: browsers put `Origin`
//! on whatever could do harm, and a page that reaches us by a name of its own (DNS rebinding) shows that name in
//! `Host`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::edge::config::Listen;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::problem::ProblemType;
use crate::node::tokens::Role;

/// Refuses web pages and unknown hosts, on every path.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match own_host(request.headers(), request.uri(), &app.config.listen) {
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The name under which a request addresses this node, if it comes from no web page and the name is an own one.
pub(in crate::edge) fn own_host(headers: &HeaderMap, target: &Uri, listen: &Listen) -> Result<Authority, Problem> {
    if headers.contains_key(ORIGIN) {
        return Err(ProblemType::OriginRefused.into());
    }
    let refuse = |why: String| Problem::new(ProblemType::Forbidden).saying(why);
    let host = host(headers, target).ok_or_else(|| refuse("the request names no host, or several".to_owned()))?;
    if is_allowed(&host, listen) {
        return Ok(host);
    }
    Err(refuse(format!("the host `{host}` is not in `listen.private_hosts`")))
}

/// HTTP/1 names the host in a header, HTTP/2 in the target. Two different names are no name.
fn host(headers: &HeaderMap, target: &Uri) -> Option<Authority> {
    let mut named = headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().ok()?.parse::<Authority>().ok()?),
        (Some(_), Some(_)) => return None,
    };
    match (header, target.authority()) {
        (Some(header), Some(target)) => (header == *target).then_some(header),
        (header, target) => header.or_else(|| target.cloned()),
    }
}

/// A page's own name always resolves through DNS, so an address that is typed as one is no rebinding.
fn is_allowed(host: &Authority, listen: &Listen) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if name == "localhost" {
        return true;
    }
    let address = name.parse::<IpAddr>();
    if address.is_ok_and(|address| address.is_loopback() || address == listen.private.ip()) {
        return true;
    }
    let whole = host.as_str().to_ascii_lowercase();
    listen.private_hosts.iter().any(|allowed| *allowed == whole || *allowed == name)
}

/// Asks for a bearer token (RFC 6750) whose role will do.
pub(super) async fn authorize(State((app, needed)): State<(Arc<App>, Role)>, request: Request, next: Next) -> Response {
    match may(&app, request.headers(), needed).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn may(app: &App, headers: &HeaderMap, needed: Role) -> Result<(), Problem> {
    let token = bearer_token(headers).ok_or(ProblemType::Unauthenticated)?;
    let bearer = app.node.tokens.bearer(token).await.map_err(Problem::storage)?;
    let bearer = bearer.ok_or(ProblemType::Unauthenticated)?;
    if bearer.role.may(needed) {
        return Ok(());
    }
    let why =
        format!("this takes a token with the role `{needed}`, and `{}` has the role `{}`", bearer.name, bearer.role);
    Err(Problem::new(ProblemType::Forbidden).saying(why))
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn listen(private: &str, hosts: &[&str]) -> Listen {
        let (public, private) = ("127.0.0.1:1".parse().unwrap(), private.parse().unwrap());
        Listen { public, private, private_hosts: hosts.iter().map(|&host| host.to_owned()).collect(), tls: None }
    }

    fn answer(host: &[&str], uri: &str, listen: &Listen) -> bool {
        let mut request = Request::builder().uri(uri);
        for host in host {
            request = request.header(HOST, *host);
        }
        let request = request.body(Body::empty()).unwrap();
        own_host(request.headers(), request.uri(), listen).is_ok()
    }

    #[test]
    fn loopback_names_and_configured_hosts_are_allowed() {
        let listen = listen("10.0.0.5:7401", &["node.internal", "other.internal:8443"]);
        for host in ["localhost", "LOCALHOST:7401", "127.0.0.1:9", "[::1]:7401", "10.0.0.5:7401", "node.internal:1"] {
            assert!(answer(&[host], "/", &listen), "{host}");
        }
        assert!(answer(&["other.internal:8443"], "/", &listen));
        for host in ["evil.example", "10.0.0.6", "other.internal:1", "localhost.evil.example", "127.0.0.1.evil.example"]
        {
            assert!(!answer(&[host], "/", &listen), "{host}");
        }
    }

    #[test]
    fn one_host_must_be_named_once() {
        let listen = listen("127.0.0.1:7401", &[]);
        assert!(!answer(&[], "/", &listen));
        assert!(!answer(&["localhost", "localhost"], "/", &listen));
        assert!(answer(&[], "http://localhost/x", &listen));
        assert!(!answer(&["localhost"], "http://evil.example/x", &listen));
    }
}
