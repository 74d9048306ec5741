//! The public listener: what other operators and auditors may read, and the inbound gateway.
//!
//! The node's own resources are cheap to answer and still cost something, so each client address has a rate. Everything
//! else belongs to the gateway, which judges by receipts.

mod discovery;
mod evidence;
mod log;
mod proofs;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::edge::gateway::inbound_router;
use crate::edge::http::problem::Problem;
use crate::edge::http::{App, request};
use crate::ground::discovery::DISCOVERY_PATH;
use crate::ground::problem::ProblemType;

pub(super) use discovery::make as discovery_document;
pub(super) use log::failure as log_failure;
pub(super) use proofs::proof;

/// Everything that the public listener answers. What is none of the node's own paths belongs to the inbound gateway.
pub fn router(app: Arc<App>) -> Router {
    let own = Router::new()
        .route(DISCOVERY_PATH, get(discovery::document))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/tile/{*place}", get(log::tile))
        .route("/v1/proofs", get(proof))
        .route("/v1/evidence/{digest}", get(evidence::evidence))
        .route_layer(from_fn_with_state(Arc::clone(&app), bound_client));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(own)
        .fallback_service(inbound_router(app.gateway.clone()))
        .method_not_allowed_fallback(request::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), request::on_public))
        .with_state(app)
}

/// Refuses a client that asks more often than it may.
async fn bound_client(
    State(app): State<Arc<App>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !app.admit_stranger(client.ip()) {
        return Problem::new(ProblemType::RateLimited).into_response();
    }
    next.run(request).await
}
