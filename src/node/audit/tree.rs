//! The log grown again, leaf by leaf, out of its entries; every tile and head on the way is held against the store.

use std::collections::{BTreeMap, VecDeque};

use super::difference::Difference;
use crate::ground::crypto::hash::{Digest, leaf_hash};
use crate::ground::log::merkle::{Frontier, TreeHead};
use crate::ground::log::tile::{Growth, RightEdge};
use crate::io::store::{Entry, Store, StoreError, TileAt};

/// Heads that are kept to compare with those that receipts name. A receipt names the head that was published when it
/// was issued, and issuing stops when the log is half a minute behind: at 6,000 receipts a second that is 180,000.
const KEPT_HEADS: usize = 1 << 18;

/// What the log never had, as far as this can be told from memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// It had this head.
    Had,
    /// It had another root at this size.
    Other,
    /// Too long ago to tell from memory.
    Forgotten,
    /// Not grown so far yet.
    Ahead,
}

/// The growing tree.
#[derive(Debug)]
pub(super) struct Tree {
    frontier: Frontier,
    edge: RightEdge,
    recent: VecDeque<Digest>,
    /// Roots at sizes that somebody asked for beforehand.
    wanted: BTreeMap<u64, Option<Digest>>,
    pub(super) tiles: u64,
}

impl Tree {
    /// The empty tree, which will remember its roots at these sizes.
    pub(super) fn new(wanted: impl IntoIterator<Item = u64>) -> Self {
        let mut tree = Self {
            frontier: Frontier::empty(),
            edge: RightEdge::empty(),
            recent: VecDeque::new(),
            wanted: wanted.into_iter().map(|size| (size, None)).collect(),
            tiles: 0,
        };
        tree.remember(TreeHead::empty());
        tree
    }

    /// Size and root.
    pub(super) fn head(&self) -> TreeHead {
        self.edge.head()
    }

    /// Whether the log had this head.
    pub(super) fn had(&self, head: TreeHead) -> Past {
        let size = self.head().size;
        if head.size > size {
            return Past::Ahead;
        }
        let wanted = self.wanted.get(&head.size).copied().flatten();
        let back = usize::try_from(size - head.size).unwrap_or(usize::MAX);
        let recent = self.recent.len().checked_sub(back.saturating_add(1)).and_then(|at| self.recent.get(at).copied());
        match wanted.or(recent) {
            Some(root) if root == head.root => Past::Had,
            Some(_) => Past::Other,
            None => Past::Forgotten,
        }
    }

    /// Takes further entries, and compares what they give with the stored tiles.
    pub(super) async fn grow(
        &mut self,
        entries: &[Entry],
        store: &dyn Store,
        found: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        let leaves: Vec<Digest> = entries.iter().map(|entry| leaf_hash(&entry.digest.0)).collect();
        for leaf in &leaves {
            self.frontier.append(*leaf);
            self.remember(self.frontier.head());
        }
        let growth = self.edge.grow(&leaves);
        compare(&growth, store, found).await?;
        self.tiles +=
            u64::try_from(growth.tiles.iter().filter(|tile| tile.bytes.len() == 256 * 32).count()).unwrap_or(0);
        self.edge = growth.edge;
        Ok(())
    }

    fn remember(&mut self, head: TreeHead) {
        if self.recent.len() == KEPT_HEADS {
            self.recent.pop_front();
        }
        self.recent.push_back(head.root);
        if let Some(root) = self.wanted.get_mut(&head.size) {
            *root = Some(head.root);
        }
    }

    /// The tiles at the right edge must end where the entries end. To be asked only of a log that did not move.
    pub(super) async fn check_edge(&self, store: &dyn Store, found: &mut Vec<Difference>) -> Result<(), StoreError> {
        let size = self.head().size;
        let mut at = Vec::new();
        for level in 0u8..8 {
            let row = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
            let width = usize::try_from(row % 256).unwrap_or(0);
            at.push((TileAt { level, index: row / 256 }, width * 32));
            at.push((TileAt { level, index: row / 256 + 1 }, 0));
        }
        let places: Vec<TileAt> = at.iter().map(|(at, _)| *at).collect();
        for ((at, bytes), stored) in at.iter().zip(store.tiles(&places).await?) {
            if stored.map_or(0, |stored| stored.len()) > *bytes {
                found.push(Difference::Tile { level: at.level, index: at.index });
            }
        }
        Ok(())
    }
}

/// A stored tile must begin with what the entries give; a log that moves on meanwhile only adds to it.
async fn compare(growth: &Growth, store: &dyn Store, found: &mut Vec<Difference>) -> Result<(), StoreError> {
    let places: Vec<TileAt> = growth.tiles.iter().map(|tile| TileAt { level: tile.level, index: tile.index }).collect();
    if places.is_empty() {
        return Ok(());
    }
    for (derived, stored) in growth.tiles.iter().zip(store.tiles(&places).await?) {
        if !stored.is_some_and(|stored| stored.starts_with(&derived.bytes)) {
            found.push(Difference::Tile { level: derived.level, index: derived.index });
        }
    }
    Ok(())
}
