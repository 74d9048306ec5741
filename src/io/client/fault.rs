//! What can go wrong with a fetch, grouped by whether the peer could not be reached or answered against the protocol.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::resolve::{AddressRefused, Unresolvable};
use crate::ground::discovery::DiscoveryError;
use crate::ground::problem::ProblemType;
use crate::io::entropy::EntropyError;

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientBuildError {
    /// The CA file is of no use.
    #[error("the CA file `{path}` cannot be used: {reason}")]
    CaFile {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl ClientBuildError {
    pub(super) fn tls(error: &reqwest::Error) -> Self {
        Self::Tls(chain(error))
    }
}

/// What was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The discovery document.
    Discovery,
    /// Acknowledgement and outcome of a decision.
    Evidence,
    /// An inclusion proof.
    Proof,
    /// A tile of the log.
    Tile,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "the discovery document",
            Self::Evidence => "the evidence",
            Self::Proof => "the proof",
            Self::Tile => "the tile",
        })
    }
}

/// Why a fetch came to nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// Not a URL with a host.
    #[error("`{url}` is not a URL with a host")]
    Url {
        /// The text.
        url: String,
    },
    /// Plain http, and loopback is not configured.
    #[error("`{host}` would be reached by plain http, which is only for loopback and only where configured")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The address is not public and not configured.
    #[error("`{host}` has the address {address}, which is neither public nor configured")]
    AddressRefused {
        /// The host.
        host: String,
        /// Its first address.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("`{host}` cannot be resolved: {reason}")]
    Unresolvable {
        /// The host.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// No connection, no trusted certificate, or the connection broke.
    #[error("`{host}` cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the transport says.
        reason: String,
    },
    /// Not finished in time.
    #[error("`{host}` did not send {what} to its end within {seconds} s")]
    Deadline {
        /// The host.
        host: String,
        /// What was asked for.
        what: What,
        /// The time for a whole fetch.
        seconds: f32,
    },
    /// More bytes than are read.
    #[error("`{host}` sends more than the {max_bytes} bytes that {what} may have")]
    TooLarge {
        /// The host.
        host: String,
        /// What was asked for.
        what: What,
        /// The bound.
        max_bytes: usize,
    },
    /// A redirect, which is never followed.
    #[error("`{host}` answers with the redirect {status} instead of {what}; redirects are not followed")]
    Redirected {
        /// The host.
        host: String,
        /// What was asked for.
        what: What,
        /// The HTTP status.
        status: u16,
    },
    /// Another status than 200.
    #[error("`{host}` answers with the status {status} instead of {what}")]
    Status {
        /// The host.
        host: String,
        /// What was asked for.
        what: What,
        /// The HTTP status.
        status: u16,
    },
    /// The answer is not what was asked for.
    #[error("{what} is malformed: {reason}")]
    Malformed {
        /// What was asked for.
        what: What,
        /// What its parser says.
        reason: String,
    },
    /// The discovery document does not hold.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// No nonce for a signed pull.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl FetchError {
    pub(super) fn malformed(what: What, reason: &dyn fmt::Display) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }

    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Url { .. }
            | Self::PlainHttp { .. }
            | Self::AddressRefused { .. }
            | Self::Unresolvable { .. }
            | Self::Unreachable { .. }
            | Self::Deadline { .. } => ProblemType::PeerUnreachable,
            // These the peer's node may cure by itself, as it does when it restarts.
            Self::Status { status: 429 | 500..=599, .. } => ProblemType::PeerUnreachable,
            Self::TooLarge { .. } | Self::Redirected { .. } | Self::Status { .. } | Self::Malformed { .. } => {
                ProblemType::PeerMisbehaved
            }
            Self::Discovery(error) => error.problem(),
            Self::Entropy(_) => ProblemType::Internal,
        }
    }
}

/// What stopped the transport. Our resolver's own answers travel at the bottom of its chain of causes.
pub(super) fn connect_fault(host: &str, error: &reqwest::Error) -> FetchError {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<AddressRefused>()) {
        return FetchError::AddressRefused { host: refused.host.clone(), address: refused.address };
    }
    if let Some(unresolvable) = causes(error).find_map(|cause| cause.downcast_ref::<Unresolvable>()) {
        return FetchError::Unresolvable { host: unresolvable.host.clone(), reason: unresolvable.reason.clone() };
    }
    FetchError::Unreachable { host: host.to_owned(), reason: chain(error) }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// The causes as one line. reqwest's own first line names the URL and says nothing about the cause.
fn chain(error: &reqwest::Error) -> String {
    let text: Vec<String> = causes(error).map(ToString::to_string).collect();
    if text.is_empty() { error.to_string() } else { text.join(": ") }
}
