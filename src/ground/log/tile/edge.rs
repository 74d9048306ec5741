//! Growth: which tiles a batch of new leaves writes.

use super::stitch::subtree_hashes;
use super::{TILE_HEIGHT, Tile, TileAddress, TileError, TileMap, concat};
use crate::ground::crypto::hash::Digest;
use crate::ground::limits::TILE_WIDTH;
use crate::ground::log::merkle::{Frontier, TreeHead};

/// The right edge of a log: all that an append has to know of the tree, about 8 KiB per level of tiles.
///
/// Growing gives a new edge and leaves the old one alone, because the new one is true only after it was committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RightEdge {
    frontier: Frontier,
    rows: Vec<PartialRow>,
}

/// The one unfinished tile of a level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct PartialRow {
    index: u64,
    hashes: Vec<Digest>,
}

/// The bytes to store for one tile: the whole row, which begins with what was stored before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRow {
    /// Level of the tile.
    pub level: u8,
    /// Index of the tile in its level.
    pub index: u64,
    /// 32 bytes for each hash, at most 256 hashes.
    pub bytes: Vec<u8>,
}

/// What a batch of leaves does to a log. It becomes true when all of it is committed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The new head.
    pub head: TreeHead,
    /// Every tile that is new or longer than before, by level, then index.
    pub tiles: Vec<TileRow>,
    /// The edge to grow from next, once the head is committed.
    pub edge: RightEdge,
}

impl RightEdge {
    /// The edge of the empty log.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The tiles that [`RightEdge::load`] needs for a log of `size` leaves: the unfinished one of each level.
    pub fn tiles(size: u64) -> Vec<TileAddress> {
        levels(size).filter_map(|(level, index)| TileAddress::at(level, index, size)).collect()
    }

    /// Takes up a stored log again. The tiles must lead to the head, so that damaged rows stop the log instead of
    /// growing another history from them.
    pub fn load(head: &TreeHead, tiles: &TileMap) -> Result<Self, TileError> {
        let mut rows = Vec::new();
        for (level, index) in levels(head.size) {
            let hashes = match TileAddress::at(level, index, head.size) {
                None => Vec::new(),
                Some(address) => {
                    let tile = tiles.tile(level, index).and_then(|tile| tile.cut(address.width()));
                    tile.ok_or(TileError::Missing { level, index, width: address.width() })?.hashes
                }
            };
            rows.push(PartialRow { index, hashes });
        }
        let nodes = subtree_hashes(&Frontier::addresses(head.size), tiles)?;
        let frontier = Frontier::from_nodes(head.size, nodes).unwrap_or_default();
        let computed = frontier.head();
        if computed != *head {
            return Err(TileError::Root { computed: computed.root, expected: head.root });
        }
        Ok(Self { frontier, rows })
    }

    /// The head of the log that this is the edge of.
    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    /// Appends leaf hashes. Costs one hash a leaf, whatever the size of the log.
    #[must_use]
    pub fn grow(&self, leaf_hashes: &[Digest]) -> Growth {
        let mut edge = self.clone();
        let mut changed = Changes::default();
        for leaf_hash in leaf_hashes {
            let rows = &mut edge.rows;
            edge.frontier.append_with(*leaf_hash, |height, hash| {
                if height % TILE_HEIGHT == 0 {
                    changed.push(rows, height / TILE_HEIGHT, hash);
                }
            });
        }
        Growth { head: edge.frontier.head(), tiles: changed.into_tiles(&edge.rows), edge }
    }
}

/// Level and index of the tile at the right edge of each level that has hashes.
fn levels(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0u8..8).map_while(move |level| {
        let row = size.checked_shr(u32::from(level * TILE_HEIGHT)).filter(|row| *row > 0)?;
        Some((level, row / 256))
    })
}

/// What a batch has written so far: finished tiles, and which levels have an unfinished one that grew.
#[derive(Default)]
struct Changes {
    finished: Vec<TileRow>,
    grown: [bool; 8],
}

impl Changes {
    fn push(&mut self, rows: &mut Vec<PartialRow>, level: u8, hash: Digest) {
        let position = usize::from(level);
        if rows.len() <= position {
            rows.resize_with(position + 1, PartialRow::default);
        }
        let (Some(row), Some(grown)) = (rows.get_mut(position), self.grown.get_mut(position)) else { return };
        row.hashes.push(hash);
        *grown = row.hashes.len() < TILE_WIDTH;
        if !*grown {
            self.finished.push(TileRow { level, index: row.index, bytes: concat(&row.hashes) });
            row.hashes.clear();
            row.index += 1;
        }
    }

    fn into_tiles(self, rows: &[PartialRow]) -> Vec<TileRow> {
        let mut tiles = self.finished;
        for ((level, row), grown) in (0u8..).zip(rows).zip(self.grown) {
            if grown {
                tiles.push(TileRow { level, index: row.index, bytes: concat(&row.hashes) });
            }
        }
        tiles.sort_unstable_by_key(|tile| (tile.level, tile.index));
        tiles
    }
}

impl TileRow {
    /// The row as a tile.
    pub fn tile(&self) -> Result<Tile, TileError> {
        Tile::parse(&self.bytes)
    }
}
