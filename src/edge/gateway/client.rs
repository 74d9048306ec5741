//! Sending a call on, to an own agent or to a peer's, and waiting for its answer to begin.

use axum::http::{HeaderMap, Method, Response, Version};
use url::Url;

use super::Settings;
use super::body::Content;

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
        Ok(Ok(response)) => {
            let mut begun: Begun = response.into();
            // What the upstream speaks is between it and us.
            *begun.version_mut() = Version::HTTP_11;
            Ok(begun)
        }
        Ok(Err(error)) if error.is_connect() => Err(CallError::Unreachable(causes(error))),
        Ok(Err(error)) => Err(CallError::Unanswered(causes(error))),
        Err(_) => Err(CallError::Unanswered(format!("nothing within {} s", settings.upstream_timeout.as_secs()))),
    }
}

/// An error with what caused it, for the operator's eyes. A URL's query is the agents' business and may hold secrets.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
