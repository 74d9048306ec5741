//! The walk through receipts and log side by side.
//!
//! Receipts come by position, entries by index; both orders nearly agree, so what one side has and the other has not
//! yet is always a short list. Where the walk begins is written down first (head, then last position, then what waits),
//! so that a node that goes on issuing meanwhile makes no difference.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::difference::Difference;
use super::receipts::{self, Begun, Checked};
use super::signers::Signers;
use super::tree::{Past, Tree};
use super::{AuditError, AuditReport, Audited, Progress, Stage};
use crate::ground::crypto::hash::Digest;
use crate::ground::log::checkpoint::UnverifiedCheckpoint;
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::tile::TileError;
use crate::ground::name::{ReceiptId, Timestamp};
use crate::io::store::{Entry, Position, Publication, Store, StoreError, StoredReceipt};
use crate::node::logbook::{Logbook, LogbookError};

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

    /// Goes on in the log up to the entries of receipts that have not been read yet.
    async fn follow(&mut self, until: u64) -> Result<(), StoreError> {
        loop {
            if self.read_entries.is_empty() && !self.read_entries().await? {
                return Ok(());
            }
            let due = self.read_entries.iter().take_while(|entry| entry.position.0 <= until).count();
            let due: Vec<Entry> = self.read_entries.drain(..due).collect();
            for entry in &due {
                self.match_entry(entry);
            }
            if !self.broken {
                self.tree.grow(&due, self.audited.store.as_ref(), &mut self.found).await?;
            }
            if !self.read_entries.is_empty() {
                return Ok(());
            }
        }
    }

    /// Reads the next entries, and tells whether there are any.
    async fn read_entries(&mut self) -> Result<bool, StoreError> {
        let left = self.end.size.saturating_sub(self.next_entry);
        let limit = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        if limit == 0 {
            return Ok(false);
        }
        match self.store().scan_entries(self.next_entry, limit).await {
            Ok(entries) => self.read_entries.extend(entries.into_iter().filter(|entry| entry.index < self.end.size)),
            Err(StoreError::Corrupt { what }) => {
                self.found.push(Difference::Unreadable { place: format!("entries from {}", self.next_entry), what });
                self.broken = true;
                self.next_entry = self.end.size;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        for expected in self.next_entry.. {
            let Some(entry) = self.read_entries.get(usize::try_from(expected - self.next_entry).unwrap_or(usize::MAX))
            else {
                break;
            };
            if entry.index != expected {
                self.miss(expected);
                break;
            }
        }
        if self.read_entries.is_empty() {
            self.miss(self.next_entry);
        }
        self.next_entry = self.read_entries.back().map_or(self.end.size, |entry| entry.index + 1);
        Ok(!self.read_entries.is_empty())
    }

    /// One missing entry is enough: after it no hash can be derived.
    fn miss(&mut self, expected: u64) {
        if !self.broken {
            self.found.push(Difference::EntryMissing { expected });
        }
        self.broken = true;
    }

    fn match_entry(&mut self, entry: &Entry) {
        let position = entry.position.0;
        let Some(own) = self.behind.remove(&position) else {
            if !self.unreadable.contains(&position) {
                self.found.push(Difference::EntryWithoutReceipt { index: entry.index, position });
            }
            return;
        };
        if own.digest != entry.digest {
            let (index, entry, receipt) = (entry.index, entry.digest, own.digest);
            self.found.push(Difference::EntryDigest { index, position, entry, receipt });
        }
        let published = self.published.as_ref().map_or(0, |published| published.head.size);
        if entry.index >= published {
            self.check_promise(position, &own);
        }
    }

    fn check_promise(&mut self, position: u64, own: &Own) {
        if let Some(include_by) = own.include_by.filter(|include_by| *include_by < self.audited.now) {
            self.found.push(Difference::Promise { position, jti: own.jti, include_by });
        }
    }

    async fn check_named(&mut self, named: Named, at_end: bool) -> Result<(), AuditError> {
        if self.broken {
            return Ok(());
        }
        let had = match self.tree.had(named.head) {
            Past::Had => true,
            Past::Other => false,
            Past::Ahead if !at_end => {
                self.ahead.push(named);
                return Ok(());
            }
            Past::Ahead if self.store().head().await?.size < named.head.size => false,
            Past::Ahead | Past::Forgotten => self.stored_tiles_lead_to(named.head).await?,
        };
        if !had {
            let (position, jti, size) = (named.position, named.jti, named.head.size);
            self.found.push(Difference::NamedHead { position, jti, size });
        }
        Ok(())
    }

    /// The stored tiles have been compared with the entries, so they answer for them.
    async fn stored_tiles_lead_to(&self, head: TreeHead) -> Result<bool, AuditError> {
        match Logbook::new(Arc::clone(&self.audited.store)).right_edge(head).await {
            Err(LogbookError::Tiles(TileError::Root { .. })) => Ok(false),
            // Missing tiles are differences of their own.
            Ok(_) | Err(LogbookError::Tiles(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Own receipts that the log has not shown: they wait, or were given an index while the walk was under way.
    async fn settle(&mut self, owns: BTreeMap<u64, Own>) -> Result<(), AuditError> {
        for (position, own) in owns {
            if self.waiting.get(&position) == Some(&own.digest) {
                self.check_promise(position, &own);
            } else if self.store().entry_index(&own.jti, &own.digest).await?.is_none() {
                self.found.push(Difference::NotSequenced { position, jti: own.jti });
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), AuditError> {
        self.follow(u64::MAX).await?;
        let waiting = self.waiting.iter().filter(|(position, _)| **position <= self.last);
        let foreign: Vec<u64> = waiting
            .filter(|(position, digest)| self.behind.get(position).map(|own| own.digest) != Some(**digest))
            .map(|(position, _)| *position)
            .filter(|position| !self.unreadable.contains(position))
            .collect();
        self.found.extend(foreign.into_iter().map(|position| Difference::Waiting { position }));
        let behind = std::mem::take(&mut self.behind);
        self.settle(behind).await?;
        for named in std::mem::take(&mut self.ahead) {
            self.check_named(named, true).await?;
        }
        self.check_published();
        if self.broken {
            return Ok(());
        }
        let derived = self.tree.head();
        if derived != self.end {
            self.found.push(Difference::Head { stored: self.end, derived });
        }
        if let Some(known) = self.audited.head_file
            && self.tree.had(known) != Past::Had
        {
            self.found.push(Difference::HeadFile { known });
        }
        if self.store().head().await? == self.end {
            self.tree.check_edge(self.audited.store.as_ref(), &mut self.found).await?;
        }
        Ok(())
    }

    fn check_published(&mut self) {
        let Some(published) = &self.published else { return };
        match UnverifiedCheckpoint::parse(published.note.as_bytes()) {
            Err(error) => self.found.push(Difference::Checkpoint { error: error.to_string() }),
            Ok(checkpoint) => match self.signers.date(&checkpoint, self.audited.key_set.issuer()) {
                Err(error) => self.found.push(Difference::Checkpoint { error }),
                Ok(time) if checkpoint.claim().head != published.head || time != published.at => {
                    self.found.push(Difference::CheckpointRow);
                }
                Ok(_) => {}
            },
        }
        if !self.broken && self.tree.had(published.head) != Past::Had {
            self.found.push(Difference::CheckpointHead { published: published.head });
        }
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
