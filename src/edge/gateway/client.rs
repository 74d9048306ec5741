//! The HTTP clients that carry calls on: one to own agents, one to peers.
//!
//! Neither follows a redirect, because a receipt is bound to one target, nor uses a proxy that the environment names. A
//! stream may last as long as it likes, as long as something comes.

use std::time::Duration;

use axum::http::{HeaderMap, Method, Response};
use reqwest::redirect;
use url::Url;

use super::body::Content;
use super::{GatewayError, Settings};
use crate::edge::config::Peers;

/// Time to reach an agent or a peer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time after which a silent stream counts as broken. Agents that think for long send comments in between.
const SILENCE_MAX: Duration = Duration::from_secs(15 * 60);

/// The clients.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) agents: reqwest::Client,
    pub(super) peers: reqwest::Client,
}

/// A response that has begun.
pub(super) type Begun = Response<reqwest::Body>;

/// Why no response began.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Nobody was reached.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// Somebody was reached and gave no answer.
    #[error("no answer: {0}")]
    Unanswered(String),
}

impl Clients {
    pub(super) fn new(_peers: &Peers) -> Result<Self, GatewayError> {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let build = || carrier(reqwest::Client::builder()).build().map_err(|error| GatewayError(error.to_string()));
        Ok(Self { agents: build()?, peers: build()? })
    }
}

/// What both clients have in common.
fn carrier(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_MAX)
        .pool_idle_timeout(Duration::from_secs(30))
}

/// Sends a call and waits for its answer to begin.
pub(super) async fn send(
    client: &reqwest::Client,
    settings: &Settings,
    method: Method,
    url: Url,
    headers: HeaderMap,
    content: Content,
) -> Result<Begun, CallError> {
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    *request.body_mut() = content.into_outgoing();
    let begun = tokio::time::timeout(settings.upstream_timeout, client.execute(request)).await;
    match begun {
        Ok(Ok(response)) => Ok(response.into()),
        Ok(Err(error)) if error.is_connect() => Err(CallError::Unreachable(causes(&error))),
        Ok(Err(error)) => Err(CallError::Unanswered(causes(&error))),
        Err(_) => Err(CallError::Unanswered(format!("nothing within {} s", settings.upstream_timeout.as_secs()))),
    }
}

/// An error with what caused it, for the operator's eyes.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
