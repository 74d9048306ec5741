//! The clients that carry agents' calls on: to peers' agents inside the fences of every fetch, and to own agents.
//!
//! A call has no deadline of its own, because a stream may last as long as it likes while something comes. Out of
//! scope: the time for an answer to begin, which whoever calls sets.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};

use super::fault::ClientBuildError;
use super::tls;

/// Time to reach an agent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after which a silent stream counts as broken. Agents that think for long send comments in between.
const SILENCE_MAX: Duration = Duration::from_secs(15 * 60);

/// No redirects, because a receipt is bound to one target, and no proxy that the environment names.
pub(super) fn carrier(builder: ClientBuilder) -> ClientBuilder {
    builder
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_MAX)
        .pool_idle_timeout(Duration::from_secs(30))
}

/// A client for the operator's own agents, which may be wherever the configuration says.
pub fn own_agents() -> Result<Client, ClientBuildError> {
    tls::build(|| carrier(Client::builder()), None)
}
