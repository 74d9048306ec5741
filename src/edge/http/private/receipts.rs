//! `GET /v1/receipts` and `GET /v1/receipts/{digest}`: searching and reading the receipts that this node holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::malformed;
use crate::edge::http::App;
use crate::edge::http::problem::Problem;
use crate::edge::http::request::Asking;
use crate::ground::crypto::hash::Digest;
use crate::ground::effect::Effect;
use crate::ground::kind::Kind;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::node::archive::{SearchQuery, StoreError, StoredReceipt};

/// Receipts on a page where the caller does not say.
const DEFAULT_PAGE: u32 = 50;

/// The query: receipts that meet every given condition, latest first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    kind: Option<Kind>,
    effect: Option<Effect>,
    subject: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    peer: Option<Issuer>,
    session: Option<String>,
    /// Issued at this time or later.
    since: Option<u64>,
    /// Issued before this time.
    until: Option<u64>,
    /// 1 to 500.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// A page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    receipts: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A receipt for reading; the compact string is what counts.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    digest: Digest,
    jti: ReceiptId,
    kind: Kind,
    iss: Issuer,
    aud: Issuer,
    iat: Timestamp,
    /// When this node committed it.
    stored_at: Timestamp,
    /// The receipt that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    relates_to: Option<Digest>,
    payload: Value,
    receipt: String,
}

/// A receipt with the ones that answer it.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    receipt: Shown,
    answers: Vec<Shown>,
}

pub(super) async fn search(State(app): State<Arc<App>>, Asking(asked): Asking<Asked>) -> Result<Json<Page>, Problem> {
    let limit = asked.limit.unwrap_or(DEFAULT_PAGE);
    let page = app.node.archive.search(&query(asked)?, limit).await.map_err(store_failure)?;
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(Page { receipts: page.receipts.into_iter().map(shown).collect(), next }))
}

pub(super) async fn one(State(app): State<Arc<App>>, Path(digest): Path<String>) -> Result<Json<Whole>, Problem> {
    let digest: Digest = digest.parse().map_err(|_| ProblemType::NotFound)?;
    let receipt = app.node.archive.receipt(&digest).await.map_err(store_failure)?.ok_or(ProblemType::NotFound)?;
    let answers = app.node.archive.answers(&digest).await.map_err(store_failure)?;
    Ok(Json(Whole { receipt: shown(receipt), answers: answers.into_iter().map(shown).collect() }))
}

fn query(asked: Asked) -> Result<SearchQuery, Problem> {
    let time = |seconds: Option<u64>| seconds.map(Timestamp::from_unix_s).transpose().map_err(malformed);
    let after = asked.after.map(|text| text.parse().map_err(malformed));
    Ok(SearchQuery {
        kind: asked.kind,
        effect: asked.effect.map(|effect| effect.as_str().to_owned()),
        subject: asked.subject,
        action: asked.action,
        resource: asked.resource,
        peer: asked.peer,
        session: asked.session,
        since: time(asked.since)?,
        until: time(asked.until)?,
        after: after.transpose()?,
    })
}

fn shown(stored: StoredReceipt) -> Shown {
    let parsed = UnverifiedReceipt::parse(stored.compact.as_bytes()).ok();
    let payload = parsed.and_then(|receipt| serde_json::to_value(receipt.claims()).ok());
    Shown {
        digest: stored.digest,
        jti: stored.jti,
        kind: stored.kind,
        iss: stored.iss,
        aud: stored.aud,
        iat: stored.iat,
        stored_at: stored.at,
        relates_to: stored.relates_to,
        payload: payload.unwrap_or_default(),
        receipt: stored.compact,
    }
}

/// An index that is behind catches up by itself.
fn store_failure(error: StoreError) -> Problem {
    match error {
        StoreError::IndexBehind { .. } => Problem::new(ProblemType::NotReady).because(error),
        error => Problem::storage(error),
    }
}
