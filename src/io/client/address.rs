//! Which addresses may be connected to. Only global unicast addresses (RFC 6890 and the IANA special-purpose
//! registries) are free; every other one must be configured, because a peer's name may resolve to anything inside our
//! own network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A network in CIDR form, such as `10.20.0.0/16` or `fd00:1::/32`; the bits after the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Text that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network: expected an address, `/`, and a prefix length after which all bits are zero")]
pub struct NetworkError(String);

impl Network {
    const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), prefix }
    }

    const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix }
    }

    /// Whether the address is in this network. Families do not mix.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => (net.to_bits() ^ ip.to_bits()) & self.mask_v4() == 0,
            (IpAddr::V6(net), IpAddr::V6(ip)) => (net.to_bits() ^ ip.to_bits()) & self.mask_v6() == 0,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn mask_v4(&self) -> u32 {
        u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(self.prefix))).unwrap_or(0)
    }

    fn mask_v6(&self) -> u128 {
        u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(self.prefix))).unwrap_or(0)
    }

    fn is_whole(&self) -> bool {
        match self.address {
            IpAddr::V4(net) => self.prefix <= 32 && net.to_bits() & !self.mask_v4() == 0,
            IpAddr::V6(net) => self.prefix <= 128 && net.to_bits() & !self.mask_v6() == 0,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let read = || {
            let (address, prefix) = text.split_once('/')?;
            let network = Self { address: address.parse().ok()?, prefix: prefix.parse().ok()? };
            network.is_whole().then_some(network)
        };
        read().ok_or_else(|| NetworkError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// IPv4 networks that are not global unicast (IANA IPv4 Special-Purpose Address Registry, and multicast).
const SPECIAL_V4: [Network; 14] = [
    Network::v4(0, 0, 0, 8),       // "this network", RFC 791
    Network::v4(10, 0, 0, 8),      // private, RFC 1918
    Network::v4(100, 64, 0, 10),   // shared by carriers, RFC 6598
    Network::v4(127, 0, 0, 8),     // loopback, RFC 1122
    Network::v4(169, 254, 0, 16),  // link-local, RFC 3927: cloud metadata stands here
    Network::v4(172, 16, 0, 12),   // private, RFC 1918
    Network::v4(192, 0, 0, 24),    // protocol assignments, RFC 6890
    Network::v4(192, 0, 2, 24),    // documentation, RFC 5737
    Network::v4(192, 88, 99, 24),  // 6to4 relays, RFC 7526
    Network::v4(192, 168, 0, 16),  // private, RFC 1918
    Network::v4(198, 18, 0, 15),   // benchmarks, RFC 2544
    Network::v4(198, 51, 100, 24), // documentation, RFC 5737
    Network::v4(203, 0, 113, 24),  // documentation, RFC 5737
    Network::v4(224, 0, 0, 3),     // multicast, reserved and broadcast, RFC 5771 and RFC 1112
];

/// The only IPv6 network with global unicast addresses (RFC 4291).
const GLOBAL_V6: Network = Network::v6(0x2000, 0, 0, 3);

/// What in it is not (IANA IPv6 Special-Purpose Address Registry).
const SPECIAL_V6: [Network; 4] = [
    Network::v6(0x2001, 0, 0, 23), // protocol assignments with Teredo, RFC 2928 and RFC 4380
    Network::v6(0x2001, 0x0db8, 0, 32), // documentation, RFC 3849
    Network::v6(0x2002, 0, 0, 16), // 6to4, which hides an IPv4 address, RFC 3056
    Network::v6(0x3fff, 0, 0, 20), // documentation, RFC 9637
];

/// Whether an IPv4 address stands inside, at the end (RFC 6052): IPv6-only networks reach the IPv4 world through it.
const NAT64: Network = Network::v6(0x0064, 0xff9b, 0, 96);

/// Which addresses may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRules {
    allow_loopback: bool,
    allow_networks: Vec<Network>,
}

impl AddressRules {
    /// Global unicast addresses, and what is configured.
    pub fn new(allow_loopback: bool, allow_networks: Vec<Network>) -> Self {
        Self { allow_loopback, allow_networks }
    }

    /// Whether loopback addresses may be reached, also by plain http.
    pub fn allow_loopback(&self) -> bool {
        self.allow_loopback
    }

    /// Whether this address may be connected to. An IPv4 address inside an IPv6 one is judged as itself.
    pub fn permit(&self, address: IpAddr) -> bool {
        let address = unwrap_v4(address);
        (self.allow_loopback && address.is_loopback())
            || self.allow_networks.iter().any(|network| network.contains(address))
            || is_global(address)
    }
}

fn unwrap_v4(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) if NAT64.contains(address) => {
            let [.., a, b, c, d] = ip.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        canonical => canonical,
    }
}

fn is_global(address: IpAddr) -> bool {
    let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
    match address {
        IpAddr::V4(_) => !among(&SPECIAL_V4),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !among(&SPECIAL_V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_global_addresses_are_free() {
        let rules = AddressRules::new(false, Vec::new());
        for free in ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert!(rules.permit(ip(free)), "{free}");
        }
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!rules.permit(ip(closed)), "{closed}");
        }
    }

    #[test]
    fn what_is_configured_may_be_reached() {
        let rules = AddressRules::new(false, vec!["10.20.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        assert!(rules.permit(ip("10.20.3.4")) && rules.permit(ip("::ffff:10.20.3.4")) && rules.permit(ip("fd00:1::9")));
        assert!(!rules.permit(ip("10.21.0.1")) && !rules.permit(ip("fd00:2::1")) && !rules.permit(ip("127.0.0.1")));
        let rules = AddressRules::new(true, Vec::new());
        assert!(rules.permit(ip("127.0.0.1")) && rules.permit(ip("::1")) && rules.permit(ip("::ffff:127.0.0.1")));
        assert!(!rules.permit(ip("10.0.0.1")));
    }

    #[test]
    fn a_network_has_one_spelling() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "192.168.1.7/32"] {
            assert_eq!(good.parse::<Network>().map(|network| network.to_string()), Ok(good.to_owned()));
        }
        for bad in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0", "fd00::/129", "host/8", "10.0.0.0/-1", ""] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(ip("255.1.2.3")));
    }
}
