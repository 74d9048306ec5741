//! The gateway's routes and the agents that may use them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use url::Url;

use super::fault::{ConfigError, invalid};
use super::raw;
use crate::ground::agent::call::RouteProtocol;
use crate::ground::agent::lift::{LiftRule, check_rules};
use crate::ground::limits::MAX_ROUTES;
use crate::ground::name::{Issuer, is_loopback};
use crate::ground::receipt::payload::Mode;

/// First path segments that the public listener answers itself.
const RESERVED: [&str; 5] = [".well-known", "healthz", "log", "v1", "a"];

/// An own agent that peers call.
#[derive(Debug, Clone)]
pub struct InboundRoute {
    /// The agent's name, as the policy sees it.
    pub name: String,
    /// The path prefix on the public listener: begins with a slash, does not end with one.
    pub path: String,
    /// Where the agent listens, without trailing slash.
    pub upstream: Url,
    /// What it speaks.
    pub protocol: RouteProtocol,
    /// Whether refusals take effect.
    pub mode: Mode,
    /// Paths below `path` that need no receipt, such as the agent card's.
    pub open: Vec<String>,
    /// Facts for the policy out of the body.
    pub lift: Vec<LiftRule>,
}

/// A peer's agent that own agents call.
#[derive(Debug, Clone)]
pub struct OutboundRoute {
    /// The agent's name, as the policy and the agents' base paths see it.
    pub name: String,
    /// The operator behind it.
    pub peer: Issuer,
    /// The agent's URL, under the peer's origin or another public URL of it.
    pub url: Url,
    /// What it speaks.
    pub protocol: RouteProtocol,
    /// Facts for the policy out of the body.
    pub lift: Vec<LiftRule>,
}

/// An own agent that calls peers' agents.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its name, as the policy and the receipts see it.
    pub name: String,
    /// The file with the secret of its base path.
    pub secret_file: PathBuf,
}

pub(super) fn inbound(raw: Vec<raw::Inbound>) -> Result<Vec<InboundRoute>, ConfigError> {
    check_count("inbound", raw.len())?;
    check_names("inbound", raw.iter().map(|route| route.name.as_str()))?;
    let routes = raw.into_iter().enumerate();
    let routes: Vec<_> = routes.map(|(at, route)| inbound_route(at, route)).collect::<Result<_, _>>()?;
    for (at, route) in routes.iter().enumerate() {
        // A request belongs to one route, whatever the order in the file.
        if let Some(other) = routes.iter().take(at).find(|other| overlap(&other.path, &route.path)) {
            return Err(invalid(format!("inbound[{at}].path"), format!("overlaps with the route `{}`", other.name)));
        }
    }
    Ok(routes)
}

fn inbound_route(at: usize, raw: raw::Inbound) -> Result<InboundRoute, ConfigError> {
    let key = |name: &str| format!("inbound[{at}].{name}");
    check_rules(&raw.lift).map_err(|error| invalid(key("lift"), error.to_string()))?;
    let first = raw.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if !is_plain_path(&raw.path) || raw.path.ends_with('/') {
        return Err(invalid(key("path"), format!("`{}` is not a path such as `/agents/hotel`", raw.path)));
    }
    if RESERVED.contains(&first) {
        return Err(invalid(key("path"), format!("`/{first}` is the node's own")));
    }
    if let Some(open) = raw.open.iter().find(|open| !is_plain_path(open)) {
        return Err(invalid(key("open"), format!("`{open}` is not a path such as `/.well-known/agent-card.json`")));
    }
    Ok(InboundRoute {
        upstream: base_url(&key("upstream"), &raw.upstream)?,
        name: raw.name,
        path: raw.path,
        protocol: raw.protocol,
        mode: raw.mode,
        open: raw.open,
        lift: raw.lift,
    })
}

pub(super) fn outbound(raw: Vec<raw::Outbound>, issuer: &Issuer) -> Result<Vec<OutboundRoute>, ConfigError> {
    check_count("outbound", raw.len())?;
    check_names("outbound", raw.iter().map(|route| route.name.as_str()))?;
    raw.into_iter().enumerate().map(|(at, route)| outbound_route(at, route, issuer)).collect()
}

fn outbound_route(at: usize, raw: raw::Outbound, issuer: &Issuer) -> Result<OutboundRoute, ConfigError> {
    let key = |name: &str| format!("outbound[{at}].{name}");
    check_rules(&raw.lift).map_err(|error| invalid(key("lift"), error.to_string()))?;
    let peer = super::issuer(&key("peer"), &raw.peer)?;
    if peer == *issuer {
        return Err(invalid(key("peer"), "is this node's own issuer; calls within one operator need no peer"));
    }
    let url = base_url(&key("url"), &raw.url)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(invalid(key("url"), "must be https: the nonce beside a receipt is for the peer's eyes only"));
    }
    Ok(OutboundRoute { name: raw.name, peer, url, protocol: raw.protocol, lift: raw.lift })
}

pub(super) fn agents(raw: Vec<raw::Agent>, folder: &Path) -> Result<Vec<Agent>, ConfigError> {
    check_names("agent", raw.iter().map(|agent| agent.name.as_str()))?;
    Ok(raw.into_iter().map(|raw| Agent { name: raw.name, secret_file: folder.join(raw.secret_file) }).collect())
}

fn check_count(key: &str, count: usize) -> Result<(), ConfigError> {
    if count > MAX_ROUTES { Err(invalid(key, format!("holds more than {MAX_ROUTES} routes"))) } else { Ok(()) }
}

/// Names stand in paths, receipts and policies.
fn check_names<'n>(table: &str, names: impl Iterator<Item = &'n str>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts || !name.chars().all(letter) || name.len() > 64 {
            let rule = "must be 1 to 64 lower-case letters, digits, `-`, `_` or `.`, the first a letter or digit";
            return Err(invalid(format!("{table}[{at}].name"), rule));
        }
        if !seen.insert(name) {
            return Err(invalid(format!("{table}[{at}].name"), format!("`{name}` is there twice")));
        }
    }
    Ok(())
}

fn overlap(one: &str, other: &str) -> bool {
    let under =
        |path: &str, base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    under(one, other) || under(other, one)
}

/// A path in its one spelling: no empty or dot segment, nothing that would have to be encoded.
fn is_plain_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c);
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(plain);
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}

/// An http(s) URL without query, fragment or credentials.
fn base_url(key: &str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.ok_or_else(|| {
        invalid(key, format!("`{text}` is not an http or https URL without query, fragment and credentials"))
    })
}
