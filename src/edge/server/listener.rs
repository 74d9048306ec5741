//! One listener: bound, served, ended.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use super::guard::{Bounds, Guard};
use super::{ServeError, outcome};
use crate::edge::config::{Config, Limits, Tls};

/// Bytes of a request's head. Enough for a receipt of the largest size beside the headers of an ordinary call.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Header fields of one request.
const MAX_HEADERS: usize = 100;

/// Requests of one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 128;

/// Time for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom a listener is for, and how much of them it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    name: &'static str,
    address: SocketAddr,
    limits: Limits,
    per_address: usize,
}

impl Scope {
    pub(super) fn public(config: &Config) -> Self {
        let (address, limits) = (config.listen.public, config.limits);
        Self { name: "public", address, limits, per_address: limits.connections_per_address }
    }

    /// The clients of the private listener are few, and its own.
    pub(super) fn private(config: &Config) -> Self {
        let (address, limits) = (config.listen.private, config.limits);
        Self { name: "private", address, limits, per_address: limits.connections }
    }
}

#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Listener {
    pub(super) async fn start(scope: &Scope, tls: Option<&Tls>, router: Router) -> Result<Self, ServeError> {
        let bind_error = |source| ServeError::Bind { listener: scope.name, address: scope.address, source };
        let socket = TcpListener::bind(scope.address).map_err(bind_error)?;
        socket.set_nonblocking(true).map_err(bind_error)?;
        let address = socket.local_addr().map_err(bind_error)?;
        let handle = Handle::new();
        let bounds = Bounds::new(scope.limits.connections, scope.per_address, scope.limits.body_timeout);
        let mut server = axum_server::from_tcp(socket).map_err(bind_error)?.handle(handle.clone());
        shape(&mut server, &scope.limits);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = match tls {
            None => {
                let server = server.acceptor(Guard::new(NoDelayAcceptor::new(), bounds));
                tokio::spawn(server.serve(service))
            }
            Some(tls) => {
                // Whoever embeds the node may have chosen a provider already; then that one stays.
                let _chosen = rustls::crypto::ring::default_provider().install_default();
                let config = RustlsConfig::from_pem_chain_file(&tls.cert_file, &tls.key_file).await;
                let config = config.map_err(|source| ServeError::Tls { cert_file: tls.cert_file.clone(), source })?;
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(HANDSHAKE_TIMEOUT);
                let acceptor = acceptor.acceptor(Guard::new(NoDelayAcceptor::new(), bounds));
                tokio::spawn(server.acceptor(acceptor).serve(service))
            }
        };
        Ok(Self { address, handle, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn ended(&mut self) -> String {
        outcome(&mut self.task).await
    }

    /// Takes no more connections, lets running requests end, and cuts off what has not after `bound`.
    pub(super) async fn shutdown(mut self, bound: Duration) -> bool {
        self.handle.graceful_shutdown(Some(bound));
        let ended = tokio::time::timeout(bound + Duration::from_secs(1), &mut self.task).await;
        self.task.abort();
        ended.is_ok()
    }
}

/// A client that sends its head a byte at a time, or holds an idle connection, is cut off.
fn shape<A>(server: &mut axum_server::Server<SocketAddr, A>, limits: &Limits) {
    let builder = server.http_builder();
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    http1.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    http2.max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX));
    http2.keep_alive_interval(limits.header_timeout).keep_alive_timeout(limits.header_timeout);
}
