//! Name resolution that hands on only addresses that may be connected to, so that what was checked is what is used.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::AddressRules;

/// Every address of a host is closed to this client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` has the address {address}, which is neither public nor configured")]
pub(super) struct AddressRefused {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

/// A name that could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` cannot be resolved: {reason}")]
pub(super) struct Unresolvable {
    pub(super) host: String,
    pub(super) reason: String,
}

/// Resolves with the operating system, and filters.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    rules: Arc<AddressRules>,
}

impl CheckedResolver {
    pub(super) fn new(rules: Arc<AddressRules>) -> Self {
        Self { rules }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        let host = name.as_str().to_owned();
        Box::pin(async move {
            // Port 0 asks for none; the connector puts in the one of the URL.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found = found.map_err(|error| Unresolvable { host: host.clone(), reason: error.to_string() })?;
            let (open, closed): (Vec<SocketAddr>, Vec<SocketAddr>) = found.partition(|found| rules.permit(found.ip()));
            match (open.is_empty(), closed.first()) {
                (false, _) => Ok(Box::new(open.into_iter()) as Addrs),
                (true, Some(closed)) => Err(AddressRefused { host, address: closed.ip() }.into()),
                (true, None) => Err(Unresolvable { host, reason: "it has no address".to_owned() }.into()),
            }
        })
    }
}
