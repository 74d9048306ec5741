//! Bounds on connections: how many there may be, of one client and of all, and how long a reader may stall.
//!
//! A connection beyond the bound is closed at once: the listener stays free for the others, and memory is bounded by
//! the number of connections. Out of scope: how fast a head and a body must arrive (`listener`, `http`).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::edge::http::network_of;

/// The bounds of one listener, shared by its connections.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    total: usize,
    per_address: usize,
    stall: Duration,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Bounds {
    pub(super) fn new(total: usize, per_address: usize, stall: Duration) -> Self {
        Self { total, per_address, stall, open: Arc::default() }
    }

    fn enter(&self, client: IpAddr) -> Option<Seat> {
        let client = network_of(client);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let of_client = open.get(&client).copied().unwrap_or_default();
        if all >= self.total || of_client >= self.per_address {
            return None;
        }
        open.insert(client, of_client + 1);
        Some(Seat { client, open: Arc::clone(&self.open) })
    }
}

/// One connection's place, given back when it ends.
#[derive(Debug)]
struct Seat {
    client: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.client);
            }
        }
    }
}

/// Lets connections in within the bounds.
#[derive(Debug, Clone)]
pub(super) struct Guard<A> {
    inner: A,
    bounds: Bounds,
}

impl<A> Guard<A> {
    pub(super) fn new(inner: A, bounds: Bounds) -> Self {
        Self { inner, bounds }
    }
}

impl<A, S> Accept<TcpStream, S> for Guard<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Guarded<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let seat = stream.peer_addr().ok().and_then(|peer: SocketAddr| self.bounds.enter(peer.ip()));
        let stall = self.bounds.stall;
        let inner = self.inner.accept(stream, service);
        Box::pin(async move {
            let seat = seat.ok_or_else(|| io::Error::other("too many connections"))?;
            let (stream, service) = inner.await?;
            Ok((Guarded { stream, stall, stalled: None, _seat: seat }, service))
        })
    }
}

/// A connection that gives its place back when it ends, and that ends when its client takes nothing for too long.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    _seat: Seat,
}

impl<S> Guarded<S> {
    /// Passes progress on, and turns a wait that lasts too long into an error.
    fn watch<T>(&mut self, result: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + stall)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(result, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(result, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_no_client_takes_them_all() {
        let bounds = Bounds::new(3, 2, Duration::from_secs(1));
        let client = |last| IpAddr::from([10, 0, 0, last]);
        let first = bounds.enter(client(1)).unwrap();
        let _second = bounds.enter(client(1)).unwrap();
        assert!(bounds.enter(client(1)).is_none());
        let _third = bounds.enter(client(2)).unwrap();
        assert!(bounds.enter(client(3)).is_none());
        drop(first);
        let _fourth = bounds.enter(client(3)).unwrap();
        assert_eq!(bounds.open.lock().unwrap().len(), 3);
    }

    #[test]
    fn an_ipv6_client_has_no_more_places_than_any_other() {
        let bounds = Bounds::new(9, 1, Duration::from_secs(1));
        let _first = bounds.enter("2001:db8:1:2::1".parse().unwrap()).unwrap();
        assert!(bounds.enter("2001:db8:1:2::2".parse().unwrap()).is_none());
        assert!(bounds.enter("2001:db8:1:3::1".parse().unwrap()).is_some());
    }
}
