//! The file as it is written: every key, with what its absence means.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use crate::ground::agent::call::RouteProtocol;
use crate::ground::agent::lift::LiftRule;
use crate::ground::receipt::payload::Mode;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    /// Required, and permanent: every receipt names it.
    pub(super) issuer: String,
    /// Absent: the issuer.
    pub(super) public_url: Option<String>,
    #[serde(default)]
    pub(super) listen: Listen,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) peers: Peers,
    #[serde(default)]
    pub(super) evidence: Evidence,
    #[serde(default)]
    pub(super) api: Api,
    /// Absent: peers call no agent of ours.
    #[serde(default)]
    pub(super) inbound: Vec<Inbound>,
    /// Absent: our agents call no agent of a peer.
    #[serde(default)]
    pub(super) outbound: Vec<Outbound>,
    /// Absent: the outbound gateway is closed.
    #[serde(default)]
    pub(super) agent: Vec<Agent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub(super) public: SocketAddr,
    pub(super) private: SocketAddr,
    pub(super) private_hosts: Vec<String>,
    /// Absent: plain HTTP, for loopback or behind a proxy that brings TLS.
    pub(super) tls: Option<Tls>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) checkpoint_interval_ms: u64,
    pub(super) include_within_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) body_bytes: usize,
    pub(super) connections: usize,
    pub(super) connections_per_address: usize,
    pub(super) header_timeout_s: u64,
    pub(super) body_timeout_s: u64,
    pub(super) upstream_timeout_s: u64,
    pub(super) stranger_requests_per_s: u32,
    pub(super) peer_receipts_per_s: u32,
    pub(super) shutdown_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Peers {
    /// Absent: only where this node is itself a plain-http loopback identity.
    pub(super) allow_loopback: Option<bool>,
    /// Absent: peers are in public networks only.
    pub(super) allow_networks: Vec<String>,
    /// Absent: the authorities that the operating system trusts.
    pub(super) ca_file: Option<PathBuf>,
    pub(super) refresh_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Evidence {
    pub(super) level: String,
    pub(super) demand_body: bool,
    pub(super) skew_s: u64,
    pub(super) decision_lifetime_s: u64,
    pub(super) approval_wait_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Api {
    pub(super) inline_receipts: bool,
    pub(super) wait_included_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbound {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) upstream: String,
    /// Absent: `a2a`.
    #[serde(default)]
    pub(super) protocol: RouteProtocol,
    /// Absent: `enforce`.
    #[serde(default = "enforce")]
    pub(super) mode: Mode,
    /// Absent: nothing is open.
    #[serde(default)]
    pub(super) open: Vec<String>,
    /// Absent: the policy sees no fact of the body.
    #[serde(default)]
    pub(super) lift: Vec<LiftRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbound {
    pub(super) name: String,
    pub(super) peer: String,
    pub(super) url: String,
    /// Absent: `a2a`.
    #[serde(default)]
    pub(super) protocol: RouteProtocol,
    /// Absent: the policy sees no fact of the body.
    #[serde(default)]
    pub(super) lift: Vec<LiftRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) secret_file: PathBuf,
}

const fn enforce() -> Mode {
    Mode::Enforce
}

impl Default for Listen {
    fn default() -> Self {
        // Loopback: a node is shown to the world on purpose, not by a missing key.
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            public: SocketAddr::new(loopback, 7400),
            private: SocketAddr::new(loopback, 7401),
            private_hosts: Vec::new(),
            tls: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { checkpoint_interval_ms: 1000, include_within_s: 60 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            connections: 1024,
            connections_per_address: 256,
            header_timeout_s: 15,
            body_timeout_s: 30,
            upstream_timeout_s: 60,
            stranger_requests_per_s: 500,
            peer_receipts_per_s: 500,
            shutdown_s: 10,
        }
    }
}

impl Default for Peers {
    fn default() -> Self {
        Self { allow_loopback: None, allow_networks: Vec::new(), ca_file: None, refresh_s: 300 }
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            level: "signed".to_owned(),
            demand_body: true,
            skew_s: 30,
            decision_lifetime_s: 120,
            approval_wait_s: 300,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { inline_receipts: false, wait_included_s: 10 }
    }
}
