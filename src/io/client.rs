//! The one HTTP client for what this node fetches from other operators' nodes.
//!
//! A peer's name is an address that a stranger may choose, so every fetch is fenced: https only (plain http for
//! loopback where configured), no redirects, no proxies, addresses checked after resolution, a bound for every kind of
//! answer that is enforced chunk by chunk, and one deadline for all of it. Media types are not looked at: what an
//! answer is, its strict parser decides. Nothing that a receipt or a document names is fetched, save the endpoints
//! that a peer's own discovery document gives under its own origin.
//!
//! Out of scope: what agents' calls say, which the gateway carries with [`PeerClient::calls`] (`edge`), and whether
//! what was fetched is true (`ground`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;

use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::{HttpPurpose, SigningKey};
use crate::ground::discovery::{DISCOVERY_PATH, Discovered, Endpoints};
use crate::ground::evidence::Evidence;
use crate::ground::limits::{MAX_DISCOVERY_BYTES, MAX_EVIDENCE_BYTES, MAX_PROOF_BYTES, MAX_TILE_BYTES};
use crate::ground::log::tile::{Tile, TileAddress};
use crate::ground::message_signature::sign_pull;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::io::entropy::random;

mod address;
mod calls;
mod fault;
mod fetch;
mod resolve;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

pub use address::{AddressRules, Network, NetworkError};
pub use calls::own_agents;
pub use fault::{ClientBuildError, FetchError, What};

use resolve::CheckedResolver;

/// Whom the client may reach, and for how long it tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// Whether loopback addresses may be reached, and by plain http: for tests and the demo.
    pub allow_loopback: bool,
    /// Networks that may be reached by https although they are not public.
    pub allow_networks: Vec<Network>,
    /// A PEM file of the only certificate authorities that count; without it the platform's count.
    pub ca_file: Option<PathBuf>,
    /// The time for a whole fetch: resolving, connecting, asking, and reading to the end.
    pub deadline: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        // Ten seconds are enough for the largest answer over a slow line, and few enough that a peer that sends a byte
        // a second holds nobody up for long.
        Self { allow_loopback: false, allow_networks: Vec::new(), ca_file: None, deadline: Duration::from_secs(10) }
    }
}

/// Fetches from peers. Clones share connections.
#[derive(Debug, Clone)]
pub struct PeerClient {
    http: reqwest::Client,
    calls: reqwest::Client,
    rules: Arc<AddressRules>,
    deadline: Duration,
}

impl PeerClient {
    /// Builds the client; reads the CA file.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientBuildError> {
        let rules = Arc::new(AddressRules::new(config.allow_loopback, config.allow_networks.clone()));
        let builder = || {
            reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .https_only(!config.allow_loopback)
                .dns_resolver(CheckedResolver::new(Arc::clone(&rules)))
                .connect_timeout(config.deadline)
                .pool_max_idle_per_host(2)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        };
        let fenced = || {
            calls::carrier(reqwest::Client::builder())
                .https_only(!config.allow_loopback)
                .dns_resolver(CheckedResolver::new(Arc::clone(&rules)))
        };
        let http = tls::build(builder, config.ca_file.as_deref())?;
        let calls = tls::build(fenced, config.ca_file.as_deref())?;
        Ok(Self { http, calls, rules, deadline: config.deadline })
    }

    /// The client that carries agents' calls to the URLs that the operator configured: names resolve to open addresses
    /// only, and no redirect is followed.
    pub fn calls(&self) -> &reqwest::Client {
        &self.calls
    }

    /// The operator's discovery document, and the key set in it, which agrees with itself and is not trusted yet.
    pub async fn discovery(&self, issuer: &Issuer) -> Result<Discovered, FetchError> {
        let url = format!("{issuer}{DISCOVERY_PATH}");
        let bytes = self.get(What::Discovery, &url, MAX_DISCOVERY_BYTES).await?;
        Ok(Discovered::parse(&bytes, issuer)?)
    }

    /// The inclusion proof file of a receipt, unread, if the peer has one.
    pub async fn proof(
        &self,
        endpoints: &Endpoints,
        jti: &ReceiptId,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let url = endpoints.proof(jti, digest);
        absent(self.get(What::Proof, &url, MAX_PROOF_BYTES).await)
    }

    /// One tile of the peer's log.
    pub async fn tile(&self, endpoints: &Endpoints, address: &TileAddress) -> Result<Tile, FetchError> {
        let bytes = self.get(What::Tile, &endpoints.tile(address), MAX_TILE_BYTES).await?;
        let tile = Tile::parse(&bytes).map_err(|error| FetchError::malformed(What::Tile, &error))?;
        tile.cut(address.width()).ok_or_else(|| FetchError::malformed(What::Tile, &"narrower than asked for"))
    }

    /// What the peer has about our decision, if anything: a pull, signed with our key at `now` (RFC 9421).
    pub async fn evidence(
        &self,
        endpoints: &Endpoints,
        decision: &Digest,
        key: &SigningKey<HttpPurpose>,
        now: Timestamp,
    ) -> Result<Option<Evidence>, FetchError> {
        let url = endpoints.evidence(decision);
        let nonce = Digest(random()?).to_string();
        let fields = sign_pull("GET", &url, now, &nonce, key);
        let request = self.http.get(&url).header("signature-input", fields.input).header("signature", fields.signature);
        let Some(bytes) = absent(self.fetch(What::Evidence, &url, request, MAX_EVIDENCE_BYTES).await)? else {
            return Ok(None);
        };
        Evidence::parse(&bytes).map(Some).map_err(|error| FetchError::malformed(What::Evidence, &error))
    }
}

/// "Not found" is an answer where the peer may have nothing yet.
fn absent<T>(fetched: Result<T, FetchError>) -> Result<Option<T>, FetchError> {
    match fetched {
        Ok(value) => Ok(Some(value)),
        Err(FetchError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
