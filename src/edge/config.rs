//! The configuration: one TOML file, read strictly once, into values that the rest of the program can rely on.
//!
//! Every key has its unit in its name, secrets are named by their file, and whatever is left out has a default that
//! works on a laptop. Out of scope: what the data folder holds beside this file (`data_folder`), the log's names (the
//! key set fixes them), and policies.

mod fault;
mod keys;
mod raw;
mod routes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use fault::ConfigError;
pub use routes::{Agent, InboundRoute, OutboundRoute};

use crate::ground::limits::{MAX_CALL_BYTES, MAX_DECISION_LIFETIME_S, MAX_INCLUDE_WITHIN_S, MAX_SKEW_S};
use crate::ground::name::Issuer;
use crate::ground::verdict::Level;
use crate::io::client::Network;
use fault::{invalid, within};

/// The name of the configuration file in a data folder.
pub const CONFIG_FILE: &str = "countersign.toml";

/// Largest configuration file that is read: some thousand routes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The operator's permanent name.
    pub issuer: Issuer,
    /// The origin at which peers reach the public listener, and to which their receipts are bound.
    pub public_url: Issuer,
    /// Where to listen.
    pub listen: Listen,
    /// The pace of the log.
    pub log: LogPace,
    /// Bounds on what strangers and clients can make the node do.
    pub limits: Limits,
    /// How peers are reached.
    pub peers: Peers,
    /// What is demanded of evidence, and how long our own is good.
    pub evidence: Evidence,
    /// How the private interface answers.
    pub api: Api,
    /// Own agents that peers call.
    pub inbound: Vec<InboundRoute>,
    /// Peers' agents that own agents call.
    pub outbound: Vec<OutboundRoute>,
    /// Own agents that call.
    pub agents: Vec<Agent>,
}

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The public listener. Port 0 takes any free one.
    pub public: SocketAddr,
    /// The private listener.
    pub private: SocketAddr,
    /// Values of `Host` that the private listener answers to, beside loopback names.
    pub private_hosts: Vec<String>,
    /// TLS of the public listener; without it, a proxy in front has to bring TLS.
    pub tls: Option<Tls>,
}

/// Certificate files in PEM form.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, leaf first.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// The pace of the log.
#[derive(Debug, Clone, Copy)]
pub struct LogPace {
    /// Time between two checkpoints while there is something new.
    pub checkpoint_interval: Duration,
    /// Seconds within which every receipt promises to be in a published checkpoint.
    pub include_within_s: u64,
}

/// Bounds on work.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request body that the gateway holds to judge and bind it.
    pub body_bytes: usize,
    /// Connections of each listener at a time.
    pub connections: usize,
    /// Connections of one client address to the public listener at a time.
    pub connections_per_address: usize,
    /// Time for a request's headers to arrive, and for an idle connection to be used again.
    pub header_timeout: Duration,
    /// Time for a request's body to arrive, and for a stalled reader to take something.
    pub body_timeout: Duration,
    /// Time for an agent behind the node, or a peer, to begin its answer.
    pub upstream_timeout: Duration,
    /// Requests per second of one client address to the public listener; 0 sets no bound.
    pub stranger_requests_per_s: u32,
    /// Receipts per second of one approved peer that are answered with a signed acknowledgement; 0 sets no bound.
    pub peer_receipts_per_s: u32,
    /// Time that a shutdown waits for running requests.
    pub shutdown: Duration,
}

/// How peers are reached.
#[derive(Debug, Clone)]
pub struct Peers {
    /// Whether a peer may be a plain-http loopback address.
    pub allow_loopback: bool,
    /// Private networks in which a peer may be.
    pub allow_networks: Vec<Network>,
    /// The only certificate authorities that count for peers' nodes, in PEM form; without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// Time between two looks at a peer's key set.
    pub refresh: Duration,
}

/// What is demanded of evidence, and how long our own is good.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    /// The level that inbound receipts must reach.
    pub level: Level,
    /// Whether an inbound receipt must bind the body.
    pub demand_body: bool,
    /// Seconds by which other operators' clocks may differ.
    pub skew_s: u64,
    /// Seconds for which our decisions are valid.
    pub decision_lifetime_s: u64,
    /// Seconds that an escalated action waits for its approval.
    pub approval_wait_s: u64,
}

/// How the private interface answers.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    /// Whether AuthZEN answers carry the receipt in `context` without being asked.
    pub inline_receipts: bool,
    /// The longest that `wait=included` holds an answer.
    pub wait_included: Duration,
}

impl Config {
    /// Reads and checks the file. File names in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|error| ConfigError::In { path: path.to_owned(), error: Box::new(error) })
    }

    /// Checks a configuration whose file names are relative to `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let raw = keys::read(text)?;
        let issuer = issuer("issuer", &raw.issuer)?;
        let public_url = raw.public_url.as_ref().map(|url| self::issuer("public_url", url)).transpose()?;
        let public_url = public_url.unwrap_or_else(|| issuer.clone());
        let config = Self {
            listen: listen(&raw.listen, folder),
            log: log(&raw.log)?,
            limits: limits(&raw.limits)?,
            peers: peers(raw.peers, folder, &issuer)?,
            evidence: evidence(&raw.evidence)?,
            api: api(&raw.api)?,
            inbound: routes::inbound(raw.inbound)?,
            outbound: routes::outbound(raw.outbound, &issuer)?,
            agents: routes::agents(raw.agent, folder)?,
            issuer,
            public_url,
        };
        Ok(config)
    }

    /// The URL of an inbound path, as peers address it.
    pub fn public_url_of(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }
}

fn issuer(key: &str, text: &str) -> Result<Issuer, ConfigError> {
    text.parse().map_err(|error| invalid(key, format!("{error}")))
}

fn listen(raw: &raw::Listen, folder: &Path) -> Listen {
    let tls = raw.tls.as_ref();
    let tls = tls.map(|tls| Tls { cert_file: folder.join(&tls.cert_file), key_file: folder.join(&tls.key_file) });
    let private_hosts = raw.private_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
    Listen { public: raw.public, private: raw.private, private_hosts, tls }
}

fn log(raw: &raw::Log) -> Result<LogPace, ConfigError> {
    let interval_ms = within("log.checkpoint_interval_ms", raw.checkpoint_interval_ms, 10..=60_000)?;
    let include_within_s = within("log.include_within_s", raw.include_within_s, 2..=MAX_INCLUDE_WITHIN_S)?;
    // Issuing stops at half the promise, so a promise of less than four intervals would stop an idle node.
    if include_within_s * 1000 < 4 * interval_ms {
        return Err(invalid("log.include_within_s", "must be at least four times `log.checkpoint_interval_ms`"));
    }
    Ok(LogPace { checkpoint_interval: Duration::from_millis(interval_ms), include_within_s })
}

fn limits(raw: &raw::Limits) -> Result<Limits, ConfigError> {
    let seconds = |key, value| within(key, value, 1..=3600).map(Duration::from_secs);
    Ok(Limits {
        body_bytes: within("limits.body_bytes", raw.body_bytes, 1024..=MAX_CALL_BYTES)?,
        connections: within("limits.connections", raw.connections, 1..=65_536)?,
        connections_per_address: within("limits.connections_per_address", raw.connections_per_address, 1..=65_536)?,
        header_timeout: seconds("limits.header_timeout_s", raw.header_timeout_s)?,
        body_timeout: seconds("limits.body_timeout_s", raw.body_timeout_s)?,
        upstream_timeout: seconds("limits.upstream_timeout_s", raw.upstream_timeout_s)?,
        stranger_requests_per_s: raw.stranger_requests_per_s,
        peer_receipts_per_s: raw.peer_receipts_per_s,
        shutdown: seconds("limits.shutdown_s", raw.shutdown_s)?,
    })
}

fn peers(raw: raw::Peers, folder: &Path, issuer: &Issuer) -> Result<Peers, ConfigError> {
    let network = |text: &String| {
        text.parse::<Network>().map_err(|_| {
            invalid("peers.allow_networks", format!("`{text}` is not a network such as `10.0.0.0/8` or `fd00::/8`"))
        })
    };
    Ok(Peers {
        // A loopback identity has only loopback peers.
        allow_loopback: raw.allow_loopback.unwrap_or_else(|| issuer.is_loopback_http()),
        allow_networks: raw.allow_networks.iter().map(network).collect::<Result<_, _>>()?,
        ca_file: raw.ca_file.map(|file| folder.join(file)),
        // A key set older than an hour is not trusted any more (KEYS-16), so looks come at least twice as
        // often.
        refresh: within("peers.refresh_s", raw.refresh_s, 5..=1800).map(Duration::from_secs)?,
    })
}

fn evidence(raw: &raw::Evidence) -> Result<Evidence, ConfigError> {
    let lifetime_s = within("evidence.decision_lifetime_s", raw.decision_lifetime_s, 5..=MAX_DECISION_LIFETIME_S)?;
    let level = raw.level.parse::<Level>();
    let level = level.map_err(|_| {
        invalid("evidence.level", format!("`{}` is not `signed`, `included` or `witnessed`", raw.level))
    })?;
    if level != Level::Signed {
        // A receipt is used within seconds of its signature, before its proof can travel with it.
        return Err(invalid(
            "evidence.level",
            "only `signed` can be demanded of a call; later checks follow by themselves",
        ));
    }
    Ok(Evidence {
        level,
        demand_body: raw.demand_body,
        skew_s: within("evidence.skew_s", raw.skew_s, 0..=MAX_SKEW_S)?,
        decision_lifetime_s: lifetime_s,
        approval_wait_s: within("evidence.approval_wait_s", raw.approval_wait_s, 1..=31_536_000)?,
    })
}

fn api(raw: &raw::Api) -> Result<Api, ConfigError> {
    let wait_included = within("api.wait_included_s", raw.wait_included_s, 1..=300).map(Duration::from_secs)?;
    Ok(Api { inline_receipts: raw.inline_receipts, wait_included })
}

#[cfg(test)]
mod tests;
