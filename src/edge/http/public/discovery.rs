//! `GET /.well-known/countersign`: who this operator is and where its evidence is (`spec/discovery.md`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::edge::config::Config;
use crate::edge::http::App;
use crate::ground::canonical;
use crate::ground::discovery::{DiscoveryDocument, Route};
use crate::node::operator::Operator;

/// The document does not change while the node runs, so it is made once. `None` cannot come of an operator, whose
/// active keys were checked.
pub(in crate::edge::http) fn make(operator: &Operator, config: &Config) -> Option<Bytes> {
    let routes = config.inbound.iter().map(|route| Route { mode: route.mode, path: route.path.clone() }).collect();
    let document = DiscoveryDocument::of(operator.key_set().key_set(), routes)?;
    canonical::to_vec(&document).ok().map(Bytes::from)
}

pub(super) async fn document(State(app): State<Arc<App>>) -> Response {
    // A minute: peers look every few minutes, and a revoked key should not live on in caches.
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=60")];
    (headers, app.discovery.clone()).into_response()
}
