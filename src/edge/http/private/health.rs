//! `GET /healthz`, `GET /readyz`, `GET /metrics`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::edge::telemetry::Snapshot;

/// The process answers. Whether it can do its work is `/readyz`.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when nothing is in the way, else 503; the body says what is, and what somebody should look at.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let readiness = app.node.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// What a Prometheus server scrapes.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let node = &app.node;
    let log_entries = node.published.borrow().size;
    let snapshot = Snapshot {
        log_entries,
        log_lag_s: node.caught_up.lag_s(node.clock.now()),
        epoch: node.policies.active().number,
        ready: node.readiness().await.ready,
    };
    let text = app.metrics.text(&snapshot).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
