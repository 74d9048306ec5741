//! Request bodies: held whole up to a bound, so that they can be judged and bound, and else passed on as they come.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};

use crate::ground::agent::call;
use crate::ground::problem::ProblemType;

/// A request body.
#[derive(Debug)]
pub(super) enum Content {
    /// All of it.
    Whole(Bytes),
    /// More than is held: what came already, and the rest.
    Streaming {
        /// The body from its first byte on.
        body: Body,
        /// Its length, if its sender told it.
        length: Option<u64>,
    },
}

impl Content {
    /// As far as it can be judged.
    pub(super) fn as_judged(&self) -> call::Body<'_> {
        match self {
            Self::Whole(bytes) => call::Body::Whole(bytes),
            Self::Streaming { .. } => call::Body::Unbuffered,
        }
    }

    /// The bytes, if all of them are here.
    pub(super) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Streaming { .. } => None,
        }
    }

    /// The length that the forwarded request announces, where the client cannot know it.
    pub(super) fn told_length(&self) -> Option<u64> {
        match self {
            Self::Whole(_) => None,
            Self::Streaming { length, .. } => *length,
        }
    }

    pub(super) fn into_outgoing(self) -> Option<reqwest::Body> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(bytes.into()),
            Self::Streaming { body, .. } => Some(reqwest::Body::wrap_stream(body.into_data_stream())),
        }
    }
}

/// Reads a body of at most `max_bytes` within `timeout`; a larger one is left a stream.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Content, ProblemType> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_bytes)) {
        return Ok(Content::Streaming { body, length });
    }
    let reading = read_some(body, max_bytes, length);
    tokio::time::timeout(timeout, reading).await.map_err(|_| ProblemType::RequestTimeout)?
}

async fn read_some(body: Body, max_bytes: usize, length: Option<u64>) -> Result<Content, ProblemType> {
    let mut chunks = body.into_data_stream();
    let mut held = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ProblemType::RequestMalformed)?;
        held.extend_from_slice(&chunk);
        if held.len() > max_bytes {
            let begun = stream::once(std::future::ready(Ok(held.freeze())));
            return Ok(Content::Streaming { body: Body::from_stream(begun.chain(chunks)), length });
        }
    }
    Ok(Content::Whole(held.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes()))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    async fn read_all(content: Content) -> Bytes {
        match content {
            Content::Whole(bytes) => bytes,
            Content::Streaming { body, .. } => axum::body::to_bytes(body, 1000).await.unwrap(),
        }
    }

    #[tokio::test]
    async fn a_body_within_the_bound_is_held_whole_and_a_larger_one_loses_nothing() {
        for (max_bytes, held) in [(6, true), (5, false), (2, false)] {
            let content = read(&HeaderMap::new(), chunked(&["abc", "def"]), max_bytes, Duration::MAX).await.unwrap();
            assert_eq!(content.whole().is_some(), held, "{max_bytes}");
            assert_eq!(read_all(content).await, "abcdef");
        }
    }

    #[tokio::test]
    async fn an_announced_length_beyond_the_bound_is_not_waited_for() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, "7".parse().unwrap())]);
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let content = read(&headers, endless, 6, Duration::MAX).await.unwrap();
        assert_eq!(content.told_length(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let read = read(&HeaderMap::new(), endless, 6, Duration::from_secs(1)).await;
        assert_eq!(read.unwrap_err(), ProblemType::RequestTimeout);
    }
}
