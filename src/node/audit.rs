//! The audit of a store (`countersign log fsck`): everything that can be derived is derived again and compared.
//!
//! Receipts are read from their bytes, their signatures checked, their columns compared; the log is grown anew from its
//! entries, tile by tile, up to the head, the published checkpoint and the head file; epochs and key sets must chain.
//! Runs beside a living node, in memory that does not grow with the log, and changes nothing. What is derived from
//! receipts for convenience only, the search index, is left to the database's own check. Out of scope: repairing.

mod difference;
mod epochs;
mod receipts;
mod signers;
mod tree;
mod walk;

use std::sync::Arc;

use serde::Serialize;

pub use difference::{Column, Difference};

use crate::ground::keyset::PinnedKeySet;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::Timestamp;
use crate::io::store::{Store, StoreError};
use crate::node::logbook::LogbookError;
use signers::Signers;
use walk::Walk;

/// Differences that a report keeps; the others are counted. One broken page of a disk makes hundreds.
const MAX_KEPT: usize = 1000;

/// Why an audit could not be finished. It says nothing about the store's contents.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be read.
    #[error(transparent)]
    Logbook(#[from] LogbookError),
    /// A background task was lost.
    #[error("a background task was lost: {0}")]
    Task(String),
}

/// What is audited, and against what.
#[derive(Debug, Clone)]
pub struct Audited {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The operator's present key set.
    pub key_set: PinnedKeySet,
    /// What the head file knows.
    pub head_file: Option<TreeHead>,
    /// The time to judge promises by.
    pub now: Timestamp,
    /// Whether the database's own check runs as well, which reads every page of it.
    pub database: bool,
}

/// What an audit is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The database's own check. There is no telling how far it is.
    Database,
    /// Receipts and log.
    Receipts,
    /// Epochs.
    Epochs,
}

/// How far an audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is at.
    pub stage: Stage,
    /// Receipts that are done.
    pub done: u64,
    /// Receipts that there are.
    pub of: u64,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Receipts checked.
    pub receipts: u64,
    /// Those among them that the operator issued.
    pub own: u64,
    /// Log entries checked.
    pub entries: u64,
    /// Own receipts that wait for the log.
    pub waiting: u64,
    /// Full tiles derived again.
    pub tiles: u64,
    /// Epochs checked.
    pub epochs: u64,
    /// Key sets checked.
    pub key_sets: u64,
    /// The head that the entries give.
    pub head: Option<TreeHead>,
    /// The published checkpoint's head.
    pub published: Option<TreeHead>,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub more: u64,
}

impl AuditReport {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.more == 0
    }

    fn take(&mut self, found: &mut Vec<Difference>) {
        for difference in found.drain(..) {
            if self.differences.len() < MAX_KEPT {
                self.differences.push(difference);
            } else {
                self.more += 1;
            }
        }
    }
}

/// Audits a store.
pub async fn run(audited: &Audited, progress: &(dyn Fn(Progress) + Send + Sync)) -> Result<AuditReport, AuditError> {
    let store = audited.store.as_ref();
    let mut report = AuditReport::default();
    let mut found = Vec::new();
    if audited.database {
        progress(Progress { stage: Stage::Database, done: 0, of: 0 });
        found.extend(store.check_database().await?.into_iter().map(|complaint| Difference::Database { complaint }));
    }
    let signers = load_signers(audited, &mut found).await?;
    report.take(&mut found);

    let mut walk = Walk::begin(audited, signers).await?;
    walk.run(&mut report, progress).await?;
    progress(Progress { stage: Stage::Epochs, done: report.receipts, of: report.receipts });
    report.epochs = epochs::check(store, walk.begun(), &mut found).await?;
    report.key_sets = walk.signers().count();
    report.take(&mut found);
    Ok(report)
}

/// The operator's own key sets and those of all peers. Others come in as their receipts are met.
async fn load_signers(audited: &Audited, found: &mut Vec<Difference>) -> Result<Signers, StoreError> {
    let store = audited.store.as_ref();
    let mut signers = Signers::new(audited.key_set.key_set());
    signers.load(store, audited.key_set.issuer(), found).await?;
    for peer in store.peers().await? {
        signers.load(store, &peer.issuer, found).await?;
    }
    Ok(signers)
}
