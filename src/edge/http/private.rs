//! The private listener: decisions, verification, search, and the outbound gateway.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use crate::edge::http::{App, request};

/// Everything that the private listener answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(request::not_found)
        .method_not_allowed_fallback(request::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), request::on_private))
        .with_state(app)
}
