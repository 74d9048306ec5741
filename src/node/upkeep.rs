//! What has to be done now and then behind the calls: the search index, and forgetting replay entries that expired.
//!
//! Out of scope: what concerns peers (`followup`), and the log (`sequencer`).

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::Payload;
use crate::io::clock::Clock;
use crate::io::store::{Position, SearchRow, Store, StoreError, StoredReceipt};

/// Receipts that one step of the indexer takes: about ten milliseconds of the database's writer.
const INDEX_BATCH: u32 = 512;

/// How often the indexer looks for receipts. A search misses what is younger than this.
const INDEX_EVERY: Duration = Duration::from_millis(500);

/// How often replay entries are purged.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// Seconds that a replay entry outlives its receipt: a clock that is set back by less than this cannot reach a time at
/// which a forgotten receipt is valid again. Beyond it, the store's watermark refuses.
const PURGE_MARGIN_S: u64 = 300;

/// Keeps the search index up to date until `stop`, and once more after it.
pub async fn index_receipts(store: Arc<dyn Store>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(INDEX_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            _ = ticks.tick() => false,
        };
        if let Err(error) = catch_up(store.as_ref()).await {
            tracing::error!(error = %error, "the search index does not move");
        }
        if stopping {
            return;
        }
    }
}

/// Takes every receipt that waits into the index.
pub async fn catch_up(store: &dyn Store) -> Result<(), StoreError> {
    loop {
        let waiting = store.unindexed(INDEX_BATCH).await?;
        let rows: Vec<_> = waiting.iter().map(indexed).collect();
        if rows.is_empty() {
            return Ok(());
        }
        store.index(&rows).await?;
    }
}

fn indexed(stored: &StoredReceipt) -> SearchRow {
    // What is stored was parsed before; bytes that do not parse any more are found by fsck, and only by it.
    match UnverifiedReceipt::parse(stored.compact.as_bytes()) {
        Ok(receipt) => search_row(stored.position, receipt.claims()),
        Err(_) => SearchRow::bare(stored.position),
    }
}

/// By what the receipt at `position`, which says this, is found.
pub fn search_row(position: Position, says: &Payload) -> SearchRow {
    let bare = SearchRow::bare(position);
    match says {
        Payload::Decision(decision) => SearchRow {
            effect: Some(decision.effect.as_str().to_owned()),
            subject: Some(decision.subject.id.clone()),
            action: Some(decision.action.name.clone()),
            resource: Some(decision.resource.id.clone()),
            session: decision.session.as_ref().map(|session| session.id.clone()),
            ..bare
        },
        Payload::Acknowledgement(answer) => SearchRow {
            effect: Some(answer.effect.as_str().to_owned()),
            action: Some(answer.action.name.clone()),
            resource: Some(answer.resource.id.clone()),
            ..bare
        },
        Payload::Outcome(_) | Payload::Configuration(_) => bare,
    }
}

/// Forgets expired replay entries until `stop`.
pub async fn purge_replay(store: Arc<dyn Store>, clock: Clock, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PURGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match store.purge_replay(clock.now().minus(PURGE_MARGIN_S)).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "forgot expired replay entries"),
            Err(error) => tracing::error!(error = %error, "expired replay entries cannot be forgotten"),
        }
    }
}
