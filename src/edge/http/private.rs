//! The private listener: decisions, verification, search, and the outbound gateway.
//!
//! Every request passes the guard: it names an allowed host and comes from no web page. Behind it, each resource asks
//! for a bearer token with its role; only health, readiness and the AuthZEN metadata are open.

mod accept;
mod authzen;
mod decisions;
mod facts;
pub(in crate::edge) mod guard;
mod health;
mod json;
mod outcomes;
mod peers;
mod receipts;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use crate::edge::gateway::outbound_router;
use crate::edge::http::public::proof;
use crate::edge::http::{App, request};
use crate::node::tokens::Role;

/// Everything that the private listener answers.
pub fn router(app: Arc<App>) -> Router {
    let for_role = |role: Role, routes: Vec<(&str, MethodRouter<Arc<App>>)>| {
        let router = routes.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
        router.route_layer(from_fn_with_state((Arc::clone(&app), role), guard::authorize))
    };
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/.well-known/authzen-configuration", get(authzen::metadata))
        .merge(for_role(
            Role::Decide,
            vec![
                ("/access/v1/evaluation", post(authzen::evaluation)),
                ("/access/v1/evaluations", post(authzen::evaluations)),
                ("/v1/decisions", post(decisions::decide)),
                ("/v1/outcomes", post(outcomes::record)),
            ],
        ))
        .merge(for_role(Role::Accept, vec![("/v1/accept", post(accept::accept))]))
        .merge(for_role(Role::Verify, vec![("/v1/verify", post(verify::verify))]))
        .merge(for_role(
            Role::Read,
            vec![
                ("/v1/receipts", get(receipts::search)),
                ("/v1/receipts/{digest}", get(receipts::one)),
                ("/v1/proofs", get(proof)),
                ("/v1/peers", get(peers::list)),
            ],
        ))
        .merge(for_role(Role::Metrics, vec![("/metrics", get(health::metrics))]))
        .fallback(request::not_found)
        .method_not_allowed_fallback(request::method_not_allowed)
        .with_state(Arc::clone(&app))
        .merge(outbound_router(app.gateway.clone()))
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(from_fn_with_state(app, request::on_private))
}
