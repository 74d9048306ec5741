//! Request bodies: held whole up to a bound, so that they can be judged and bound, and else passed on as they come.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ground::agent::call;
use crate::ground::problem::ProblemType;

/// Bodies of the largest size for which there is room at a time: 128 MiB by default. Connections alone are no bound,
/// because each carries many streams.
const LARGEST_AT_ONCE: usize = 128;

/// Room for the bodies that are held, whoever sends them. What does not fit is refused before memory grows.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// The part of the room that one body takes, given back when its call has its answer.
#[derive(Debug, Default)]
pub(super) struct Share(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room for many bodies of at most `max_bytes`.
    pub(super) fn for_bodies_of(max_bytes: usize) -> Self {
        Self::of_bytes(max_bytes.saturating_mul(LARGEST_AT_ONCE))
    }

    fn of_bytes(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Only what has come counts, so that nobody takes room with a length that is merely announced.
    fn take(&self, bytes: usize, share: &mut Share) -> Result<(), ProblemType> {
        let bytes = u32::try_from(bytes).map_err(|_| ProblemType::Overloaded)?;
        let more = Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| ProblemType::Overloaded)?;
        match &mut share.0 {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

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
    room: &Room,
) -> Result<(Content, Share), ProblemType> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_bytes)) {
        return Ok((Content::Streaming { body, length }, Share::default()));
    }
    let reading = read_some(body, max_bytes, length, room);
    tokio::time::timeout(timeout, reading).await.map_err(|_| ProblemType::RequestTimeout)?
}

async fn read_some(
    body: Body,
    max_bytes: usize,
    length: Option<u64>,
    room: &Room,
) -> Result<(Content, Share), ProblemType> {
    let mut chunks = body.into_data_stream();
    let (mut held, mut share) = (BytesMut::new(), Share::default());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ProblemType::RequestMalformed)?;
        room.take(chunk.len(), &mut share)?;
        held.extend_from_slice(&chunk);
        if held.len() > max_bytes {
            let begun = stream::once(std::future::ready(Ok(held.freeze())));
            return Ok((Content::Streaming { body: Body::from_stream(begun.chain(chunks)), length }, share));
        }
    }
    Ok((Content::Whole(held.freeze()), share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(chunks: &[&'static str]) -> Body {
        let chunks: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes()))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    fn room() -> Room {
        Room::for_bodies_of(1024)
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
            let body = chunked(&["abc", "def"]);
            let (content, _) = read(&HeaderMap::new(), body, max_bytes, Duration::MAX, &room()).await.unwrap();
            assert_eq!(content.whole().is_some(), held, "{max_bytes}");
            assert_eq!(read_all(content).await, "abcdef");
        }
    }

    #[tokio::test]
    async fn an_announced_length_beyond_the_bound_is_not_waited_for() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, "7".parse().unwrap())]);
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let (content, _) = read(&headers, endless, 6, Duration::MAX, &room()).await.unwrap();
        assert_eq!(content.told_length(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let read = read(&HeaderMap::new(), endless, 6, Duration::from_secs(1), &room()).await;
        assert_eq!(read.unwrap_err(), ProblemType::RequestTimeout);
    }

    #[tokio::test]
    async fn all_bodies_together_take_no_more_than_the_room_there_is() {
        let room = Room::of_bytes(8);
        let headers = HeaderMap::new();
        let read = || read(&headers, chunked(&["abc", "def"]), 6, Duration::MAX, &room);
        let (content, share) = read().await.unwrap();
        assert!(content.whole().is_some());
        assert_eq!(read().await.unwrap_err(), ProblemType::Overloaded);
        drop(share);
        for _ in 0..3 {
            assert!(read().await.is_ok());
        }
    }
}
