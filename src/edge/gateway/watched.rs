//! A response body that is followed while it passes, and never held.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::ending::Closing;
use crate::ground::receipt::binding::Nonce;
use crate::node::outcomes::ResponseWatch;

/// Commits to a body on its way and closes the call at its end.
#[derive(Debug)]
pub(super) struct Watch {
    passed: ResponseWatch,
    closing: Closing,
    http_status: u16,
}

impl Watch {
    /// Follows the body of a response that has begun.
    pub(super) fn new(nonce: &Nonce, mut closing: Closing, http_status: u16) -> Self {
        closing.began(http_status);
        Self { passed: ResponseWatch::new(nonce), closing, http_status }
    }

    /// The body ends here.
    pub(super) fn complete(self) {
        self.closing.completed(self.http_status, self.passed.finish());
    }
}

/// A body on its way. Trailers do not pass: nothing binds them.
#[derive(Debug)]
pub(super) struct Watched {
    /// What was read ahead of the rest.
    ahead: Option<Bytes>,
    rest: reqwest::Body,
    /// Bytes that are to come, if that is known. A server does not ask for more than it announced, so the end has to be
    /// noticed with the last byte.
    left: Option<u64>,
    watch: Option<Watch>,
}

impl Watched {
    pub(super) fn new(ahead: Bytes, rest: reqwest::Body, watch: Option<Watch>) -> Self {
        let left = rest.size_hint().exact().map(|rest| rest.saturating_add(length(&ahead)));
        let mut body = Self { ahead: Some(ahead).filter(|ahead| !ahead.is_empty()), rest, left, watch };
        if body.left == Some(0) {
            body.complete();
        }
        body
    }

    fn pass(&mut self, bytes: &Bytes) {
        if let Some(watch) = &mut self.watch {
            watch.passed.update(bytes);
        }
        self.left = self.left.map(|left| left.saturating_sub(length(bytes)));
        if self.left == Some(0) {
            self.complete();
        }
    }

    fn complete(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.complete();
        }
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(ahead) = this.ahead.take() {
            this.pass(&ahead);
            return Poll::Ready(Some(Ok(Frame::data(ahead))));
        }
        loop {
            match std::task::ready!(Pin::new(&mut this.rest).poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        this.pass(&bytes);
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                Some(Err(error)) => {
                    // Dropping it says that the call broke off.
                    this.watch = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    this.complete();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.watch.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    #[tokio::test]
    async fn trailers_do_not_pass() {
        let trailers = http::HeaderMap::from_iter([(http::HeaderName::from_static("x-total"), "2".parse().unwrap())]);
        let frames = [Frame::data(Bytes::from("one ")), Frame::data(Bytes::from("two")), Frame::trailers(trailers)];
        let frames = frames.map(Ok::<_, std::convert::Infallible>);
        let body = reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(frames)));
        let collected = Watched::new(Bytes::from("zero "), body, None).collect().await.unwrap();
        assert!(collected.trailers().is_none());
        assert_eq!(collected.to_bytes(), "zero one two");
    }
}
