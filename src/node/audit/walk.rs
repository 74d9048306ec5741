//! The walk through receipts and log side by side.
//!
//! Receipts come by position, entries by index; both orders nearly agree, so what one side has and the other has not
//! yet is always a short list. Where the walk begins is written down first (head, then last position, then what waits),
//! so that a node that goes on issuing meanwhile makes no difference.

mod entries;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::difference::Difference;
use super::receipts::{self, Begun, Checked};
use super::signers::Signers;
use super::tree::Tree;
use super::{AuditError, AuditReport, Audited, Progress, Stage};
use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::{ReceiptId, Timestamp};
use crate::io::store::{Entry, Position, Publication, Store, StoreError, StoredReceipt};

/// Receipts and entries that are read at once: some 8 MB.
const PAGE: u32 = 4096;

/// Waiting rows that are read at once. Issuing stops long before so many wait.
const MAX_WAITING: u32 = 1 << 20;

/// Positions after which an own receipt that the log has not shown yet is looked up by itself.
const PATIENCE: u64 = 1 << 17;

/// An own receipt whose entry has not been met yet.
#[derive(Debug)]
struct Own {
    jti: ReceiptId,
    digest: Digest,
    include_by: Option<Timestamp>,
}

/// A head that a receipt names, and which receipt.
#[derive(Debug, Clone, Copy)]
struct Named {
    position: u64,
    jti: ReceiptId,
    head: TreeHead,
}

pub(super) struct Walk<'a> {
    audited: &'a Audited,
    signers: Arc<Signers>,
    published: Option<Publication>,
    end: TreeHead,
    last: u64,
    waiting: BTreeMap<u64, Digest>,
    watermark: Timestamp,
    tree: Tree,
    /// Whether an entry is missing, so that nothing can be said of the tree any more.
    broken: bool,
    next_entry: u64,
    read_entries: VecDeque<Entry>,
    behind: BTreeMap<u64, Own>,
    unreadable: BTreeSet<u64>,
    last_named: Option<(u64, Digest)>,
    ahead: Vec<Named>,
    begun: Vec<Begun>,
    found: Vec<Difference>,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(audited: &'a Audited, signers: Signers) -> Result<Self, StoreError> {
        let store = audited.store.as_ref();
        let published = store.published().await?;
        let end = store.head().await?;
        let last = last_position(store).await?;
        let waiting = store.unsequenced(MAX_WAITING).await?;
        let wanted = [published.as_ref().map(|published| published.head.size), audited.head_file.map(|head| head.size)];
        Ok(Self {
            audited,
            signers: Arc::new(signers),
            published,
            end,
            last,
            waiting: waiting.into_iter().map(|row| (row.position.0, row.digest)).collect(),
            watermark: store.replay_watermark().await?,
            tree: Tree::new(wanted.into_iter().flatten()),
            broken: false,
            next_entry: 0,
            read_entries: VecDeque::new(),
            behind: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            last_named: None,
            ahead: Vec::new(),
            begun: Vec::new(),
            found: Vec::new(),
        })
    }

    /// The epochs that own receipts began.
    pub(super) fn begun(&self) -> &[Begun] {
        &self.begun
    }

    /// Everybody whose receipts were met.
    pub(super) fn signers(&self) -> &Signers {
        &self.signers
    }

    fn store(&self) -> &'a dyn Store {
        self.audited.store.as_ref()
    }

    pub(super) async fn run(
        &mut self,
        report: &mut AuditReport,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), AuditError> {
        let mut after = 0;
        while after < self.last {
            progress(Progress { stage: Stage::Receipts, done: after, of: self.last });
            let (rows, reached) = self.read_page(after).await?;
            after = reached;
            report.receipts += count(rows.len());
            let checked = self.check_page(rows).await?;
            report.own += count(checked.iter().filter(|checked| checked.own).count());
            self.match_page(checked, after).await?;
            report.take(&mut self.found);
        }
        self.finish().await?;
        report.entries = self.tree.head().size;
        report.waiting = count(self.waiting.len());
        report.tiles = self.tree.tiles;
        report.head = (!self.broken).then(|| self.tree.head());
        report.published = self.published.as_ref().map(|published| published.head);
        report.take(&mut self.found);
        Ok(())
    }

    /// The next receipts, and how far that reached.
    async fn read_page(&mut self, after: u64) -> Result<(Vec<StoredReceipt>, u64), StoreError> {
        let mut rows = match self.store().scan_receipts(Position(after), PAGE).await {
            Err(StoreError::Corrupt { .. }) => return self.read_one_by_one(after).await,
            other => other?,
        };
        rows.retain(|row| row.position.0 <= self.last);
        let reached =
            if rows.len() < PAGE as usize { self.last } else { rows.last().map_or(self.last, |row| row.position.0) };
        Ok((rows, reached))
    }

    /// Reads past rows that cannot be read.
    async fn read_one_by_one(&mut self, after: u64) -> Result<(Vec<StoredReceipt>, u64), StoreError> {
        let (mut rows, mut at) = (Vec::new(), after);
        let until = after.saturating_add(u64::from(PAGE)).min(self.last);
        while at < until {
            match self.store().scan_receipts(Position(at), 1).await {
                Ok(row) => {
                    at = row.first().map_or(until, |row| row.position.0);
                    rows.extend(row);
                }
                Err(StoreError::Corrupt { what }) => {
                    at += 1;
                    self.unreadable.insert(at);
                    self.found.push(Difference::Unreadable { place: format!("the receipt at position {at}"), what });
                }
                Err(error) => return Err(error),
            }
        }
        rows.retain(|row| row.position.0 <= until);
        Ok((rows, until))
    }

    /// Signatures are most of the work, so all cores share it.
    async fn check_page(&mut self, mut rows: Vec<StoredReceipt>) -> Result<Vec<Checked>, AuditError> {
        let issuers: BTreeSet<_> = rows.iter().map(|row| row.iss.clone()).collect();
        for issuer in issuers.iter().filter(|issuer| !self.signers.knows(issuer)).cloned().collect::<Vec<_>>() {
            let mut signers = Signers::clone(&self.signers);
            signers.load(self.store(), &issuer, &mut self.found).await?;
            self.signers = Arc::new(signers);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = rows.len().div_ceil(cores).max(1);
        let mut tasks = Vec::new();
        while !rows.is_empty() {
            let rest = rows.split_off(share.min(rows.len()));
            let part = std::mem::replace(&mut rows, rest);
            let (identity, signers) = (self.store().identity().clone(), Arc::clone(&self.signers));
            tasks.push(tokio::task::spawn_blocking(move || receipts::check(&part, &identity, &signers)));
        }
        let mut page = Vec::new();
        for task in tasks {
            let (checked, found) = task.await.map_err(|error| AuditError::Task(error.to_string()))?;
            page.extend(checked);
            self.found.extend(found);
        }
        Ok(page)
    }

    /// Holds a page against the rest of the store.
    async fn match_page(&mut self, page: Vec<Checked>, reached: u64) -> Result<(), AuditError> {
        let mut sessions: BTreeMap<&str, u64> = BTreeMap::new();
        let mut named = Vec::new();
        for checked in &page {
            let Some(said) = &checked.says else { continue };
            if let Some((id, seq)) = &said.session {
                let last = sessions.entry(id).or_default();
                *last = (*last).max(*seq);
            }
            if checked.own {
                named.extend(self.named(checked, said.head));
            }
            self.check_replay(checked, said).await?;
            self.begun.extend(said.epoch.clone());
        }
        self.check_sessions(&sessions).await?;
        self.check_outcomes(&page).await?;
        for checked in page.iter().filter(|checked| checked.own) {
            let include_by = checked.says.as_ref().map(|said| said.include_by);
            let own = Own { jti: checked.jti, digest: checked.digest, include_by };
            self.behind.insert(checked.position, own);
        }
        self.follow(reached).await?;
        for named in named {
            self.check_named(named, false).await?;
        }
        let patient = reached.saturating_sub(PATIENCE);
        let newer = self.behind.split_off(&patient);
        let old = std::mem::replace(&mut self.behind, newer);
        self.settle(old).await
    }

    /// The head that a receipt names, unless the receipt before it named the same.
    fn named(&mut self, checked: &Checked, head: (u64, Digest)) -> Option<Named> {
        if self.last_named.replace(head) == Some(head) {
            return None;
        }
        let (position, jti) = (checked.position, checked.jti);
        match TreeHead::new(head.0, head.1) {
            Ok(head) => Some(Named { position, jti, head }),
            Err(_) => {
                self.found.push(Difference::NamedHead { position, jti, size: head.0 });
                None
            }
        }
    }

    async fn check_replay(&mut self, checked: &Checked, said: &receipts::Said) -> Result<(), StoreError> {
        let Some((issuer, good_until)) = &said.acceptable else { return Ok(()) };
        if *good_until <= self.audited.now || *good_until <= self.watermark {
            return Ok(());
        }
        if self.store().accepted(issuer, &checked.jti).await? != Some(checked.digest) {
            self.found.push(Difference::Replay { issuer: issuer.clone(), jti: checked.jti });
        }
        Ok(())
    }

    async fn check_sessions(&mut self, sessions: &BTreeMap<&str, u64>) -> Result<(), StoreError> {
        for (id, receipt) in sessions {
            let stored = self.store().session(id).await?;
            if stored < *receipt {
                self.found.push(Difference::Session { id: (*id).to_owned(), stored, receipt: *receipt });
            }
        }
        Ok(())
    }

    async fn check_outcomes(&mut self, page: &[Checked]) -> Result<(), StoreError> {
        let ends = |checked: &Checked| checked.says.as_ref().and_then(|said| said.ends.clone());
        let outcomes: Vec<_> = page.iter().filter_map(|checked| Some((checked, ends(checked)?))).collect();
        let calls: Vec<_> = outcomes.iter().map(|(_, call)| call.clone()).collect();
        for ((checked, _), stands) in outcomes.iter().zip(self.store().outcomes(&calls).await?) {
            if stands != Some(checked.digest) {
                self.found.push(Difference::Outcome { position: checked.position, jti: checked.jti });
            }
        }
        Ok(())
    }
}

/// The last position, also where the row that stands there cannot be read.
async fn last_position(store: &dyn Store) -> Result<u64, StoreError> {
    match store.recent(1).await {
        Err(StoreError::Corrupt { .. }) => {}
        other => return Ok(other?.last().map_or(0, |row| row.position.0)),
    }
    // Something stands after `low`, nothing after `high`.
    let (mut low, mut high) = (0, u64::try_from(i64::MAX).unwrap_or(u64::MAX));
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match store.scan_receipts(Position(middle), 1).await {
            Ok(rows) if rows.is_empty() => high = middle,
            Ok(_) | Err(StoreError::Corrupt { .. }) => low = middle,
            Err(error) => return Err(error),
        }
    }
    Ok(high)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
