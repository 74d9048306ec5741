//! The log's side of the walk: every entry is met with the receipt that it stands for, and every head that was named or
//! published with the tree that the entries make.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Named, Own, PAGE, Walk};
use crate::ground::log::checkpoint::UnverifiedCheckpoint;
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::tile::TileError;
use crate::io::store::{Entry, StoreError};
use crate::node::audit::AuditError;
use crate::node::audit::difference::Difference;
use crate::node::audit::tree::Past;
use crate::node::logbook::{Logbook, LogbookError};

impl Walk<'_> {
    /// Goes on in the log up to the entries of receipts that have not been read yet.
    pub(super) async fn follow(&mut self, until: u64) -> Result<(), StoreError> {
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

    pub(super) async fn check_named(&mut self, named: Named, at_end: bool) -> Result<(), AuditError> {
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
    pub(super) async fn settle(&mut self, owns: BTreeMap<u64, Own>) -> Result<(), AuditError> {
        for (position, own) in owns {
            if self.waiting.get(&position) == Some(&own.digest) {
                self.check_promise(position, &own);
            } else if self.store().entry_index(&own.jti, &own.digest).await?.is_none() {
                self.found.push(Difference::NotSequenced { position, jti: own.jti });
            }
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self) -> Result<(), AuditError> {
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
