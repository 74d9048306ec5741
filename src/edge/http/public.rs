//! The public listener: what other operators and auditors may read, and the inbound gateway.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use crate::edge::http::{App, request};

/// Everything that the public listener answers. What is none of the node's own paths belongs to the inbound gateway.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(request::not_found)
        .method_not_allowed_fallback(request::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), request::on_public))
        .with_state(app)
}
