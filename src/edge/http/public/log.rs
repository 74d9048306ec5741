//! `GET /log/checkpoint` and `GET /log/tile/...`: the log as C2SP tlog-tiles serves it. Entry bundles are not public.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::log::tile::TileAddress;
use crate::ground::problem::ProblemType;
use crate::node::logbook::LogbookError;

pub(super) async fn checkpoint(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let published = app.node.logbook.checkpoint().await.map_err(failure)?;
    let published =
        published.ok_or_else(|| Problem::new(ProblemType::NotFound).saying("no checkpoint is published yet"))?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, published.note).into_response())
}

pub(super) async fn tile(State(app): State<Arc<App>>, Path(place): Path<String>) -> Result<Response, Problem> {
    let address: TileAddress = format!("tile/{place}").parse().map_err(|_| ProblemType::NotFound)?;
    let bytes = app.node.logbook.tile(address).await.map_err(failure)?.ok_or(ProblemType::NotFound)?;
    // The hashes under one address never change. A partial tile is of no use any more once the full one is there.
    let cache = match usize::from(address.width()) {
        crate::ground::limits::TILE_WIDTH => "public, max-age=31536000, immutable",
        _ => "public, max-age=600",
    };
    Ok(([(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, cache)], bytes).into_response())
}

/// A log that cannot be read is this node's trouble alone.
pub(in crate::edge::http) fn failure(error: LogbookError) -> Problem {
    match error {
        LogbookError::Store(error) => Problem::storage(error),
        LogbookError::Stopped => ProblemType::NotReady.into(),
        LogbookError::Tiles(_) | LogbookError::Checkpoint(_) => Problem::internal(error),
    }
}
