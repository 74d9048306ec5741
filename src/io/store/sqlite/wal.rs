//! Keeping the write-ahead log short, off the path of the commits.
//!
//! Left to itself, SQLite copies the log back into the database within the commit that made it too long, and that
//! commit then waits for several flushes of the disk. Here a task of its own copies, without ever keeping a writer
//! waiting (`PASSIVE`). Out of scope: when a commit is durable, which the log alone decides (`synchronous = FULL`).

use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Pages at which a commit copies all the same, 64 MiB: the task cannot have been running for about a second of the
/// highest load.
pub(super) const MAX_PAGES: u32 = 8192;

/// How often the task looks.
const EVERY: Duration = Duration::from_millis(500);

/// The task, for as long as a store is open.
#[derive(Debug)]
pub(super) struct WalKeeper {
    stop: CancellationToken,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl WalKeeper {
    pub(super) fn start(readers: SqlitePool) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(keep_short(readers, stop.clone()));
        Self { stop, task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Ends the task and waits for it, so that the connections can be closed.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        if let Some(task) = self.task.lock().await.take() {
            // A task that was cut off with its runtime holds nothing either.
            let _ended = task.await;
        }
    }
}

impl Drop for WalKeeper {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn keep_short(readers: SqlitePool, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let copied = copy_back(&readers).await;
        // The next commit that the disk refuses says so to its caller; nothing is lost by a longer log.
        if let (Err(error), false) = (&copied, failing) {
            tracing::warn!(error = %error, "the write-ahead log cannot be copied into the database");
        }
        failing = copied.is_err();
    }
}

/// Answers in SQLite's order: not 0 if somebody else was copying, the pages in the log, and those of them that are in
/// the database file now.
async fn copy_back(readers: &SqlitePool) -> Result<(i64, i64, i64), sqlx::Error> {
    sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(readers).await
}

#[cfg(test)]
mod tests;
