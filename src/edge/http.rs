//! HTTP: the routers of both listeners, and what every request passes on its way.
//!
//! One file per resource. A handler parses, calls a room of the node and renders; it never reaches the store itself.

pub mod private;
pub mod problem;
pub mod public;
pub mod request;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;

use crate::edge::config::Config;
use crate::edge::gateway::Gateway;
use crate::edge::telemetry::Metrics;
use crate::node::Node;
use crate::node::rate::{Rate, RateLimit};

/// Client addresses whose requests are counted at a time. At a hundred bytes each they take less than a megabyte.
const MAX_RATED_CLIENTS: usize = 8192;

/// What every handler may use.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The node.
    pub node: Arc<Node>,
    /// Carries agents' calls.
    pub gateway: Gateway,
    /// What is counted.
    pub metrics: Metrics,
    discovery: Bytes,
    strangers: Option<RateLimit<IpAddr>>,
}

impl App {
    /// Puts it together.
    pub fn new(config: Config, node: Arc<Node>, gateway: Gateway) -> Self {
        let per_s = config.limits.stranger_requests_per_s;
        // After a pause a client may use two seconds' worth at once.
        let rate = Rate { per_s, burst: per_s.saturating_mul(2) };
        let strangers = (per_s > 0).then(|| RateLimit::new(rate, MAX_RATED_CLIENTS));
        let discovery = public::discovery_document(&node.operator, &config).unwrap_or_default();
        let metrics = Metrics::new(gateway.counts());
        Self { config, node, gateway, metrics, discovery, strangers }
    }

    /// Whether a client address may make one more request of which nothing shows that a peer sent it.
    pub fn admit_stranger(&self, client: IpAddr) -> bool {
        let Some(limit) = &self.strangers else { return true };
        limit.take(&network_of(client), self.node.clock.now_ms())
    }
}

/// One IPv6 client has a whole /64 to choose its address from.
pub(in crate::edge) fn network_of(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_cannot_hop_within_its_network() {
        let address = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
    }
}
