//! `GET /v1/peers`: the operators that this one exchanges evidence with. Changing them is the command line's.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, Timestamp};

/// All peers, removed ones included.
#[derive(Debug, Serialize)]
pub(super) struct Peers {
    peers: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    issuer: Issuer,
    state: &'static str,
    /// The thumbprint of the pinned root key.
    fingerprint: Digest,
    added: Timestamp,
    changed: Timestamp,
    /// Why its evidence is not taken now, though it is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    hindrance: Option<&'static str>,
}

pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Peers>, Problem> {
    let mut peers = Vec::new();
    for peer in app.node.directory.peers().await.map_err(Problem::storage)? {
        let standing = app.node.directory.standing(&peer.issuer).await;
        peers.push(Shown {
            state: peer.state.as_str(),
            fingerprint: peer.fingerprint,
            added: peer.added,
            changed: peer.changed,
            hindrance: standing.err().map(|refusal| refusal.problem().code()),
            issuer: peer.issuer,
        });
    }
    Ok(Json(Peers { peers }))
}
