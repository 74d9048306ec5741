//! Tiles: how a tree is stored and served (C2SP tlog-tiles, hash tiles only, height 8).
//!
//! A tile of level `L` holds up to 256 hashes of nodes that stand `8 * L` above the leaves. What lies between two such
//! levels is computed inside one tile by `rs_merkle` with RFC 6962's node hash. A store keeps one row per tile that
//! only grows at its end; a narrower tile of an earlier size is a prefix of it, cut on read.
//!
//! Out of scope: entry bundles (an entry is a digest whose leaf hash the tile shows; what it stands for is not public)
//! and the database.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ground::crypto::hash::{Digest, leaf_hash, node_hash};
use crate::ground::limits::{MAX_TREE_SIZE, TILE_WIDTH};
use crate::ground::problem::ProblemType;

mod edge;
mod stitch;
#[cfg(test)]
mod tests;

pub use edge::{Growth, RightEdge, TileRow};
pub use stitch::{build_consistency, build_inclusion, tiles_for_consistency, tiles_for_inclusion};

/// Levels of the tree that one tile spans: 256 = 2^8.
const TILE_HEIGHT: u8 = 8;

/// Why tiles are of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// Not 1 to 256 whole hashes.
    #[error("{0} bytes are not 1 to 256 hashes")]
    Length(usize),
    /// A tile that the work needs is not there, or is too narrow.
    #[error("the tile `{0}` is missing or too narrow")]
    Missing(TileAddress),
    /// There is no such leaf.
    #[error("there is no leaf {index} in a tree of size {size}")]
    NoSuchLeaf {
        /// Index asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// There is no such older tree.
    #[error("there is no consistency proof from size {from} to size {to}")]
    NoSuchPrefix {
        /// Older size.
        from: u64,
        /// Newer size.
        to: u64,
    },
    /// Not the path of a tile that any log can have.
    #[error("`{0}` is not the path of a tile")]
    Path(String),
    /// The tiles do not lead to the head that they are said to belong to.
    #[error("the tiles lead to the root `{computed}` instead of `{expected}`")]
    Root {
        /// Root computed from the tiles.
        computed: Digest,
        /// Root of the head.
        expected: Digest,
    },
}

impl TileError {
    /// The registered problem: what was asked for does not exist, or this node's own rows are damaged.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::NoSuchLeaf { .. } | Self::NoSuchPrefix { .. } | Self::Path(_) => ProblemType::NotFound,
            Self::Length(_) | Self::Missing(_) | Self::Root { .. } => ProblemType::StorageUnavailable,
        }
    }
}

/// One tile by its place and width. Text form: `tile/0/x001/234`, with `.p/5` when only 5 of 256 hashes are there.
///
/// Only addresses that a tree of at most [`MAX_TREE_SIZE`] leaves has can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileAddress {
    level: u8,
    index: u64,
    width: u16,
}

impl TileAddress {
    /// An address; nothing when no log can have such a tile.
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let address = Self { level, index, width };
        let possible = (1..=TILE_WIDTH).contains(&usize::from(width)) && address.is_within(MAX_TREE_SIZE);
        possible.then_some(address)
    }

    /// The tile at this place, as wide as it is in a tree of `size` leaves; nothing when it is empty there.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = row_length(level, size).saturating_sub(index.checked_mul(256)?).min(256);
        Self::new(level, index, u16::try_from(hashes).ok()?)
    }

    /// Level, from 0: its hashes are nodes `8 * level` above the leaves.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Position in its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes in it, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether a log of `size` leaves has this tile: then it may be served, and is forever the same.
    pub fn is_within(&self, size: u64) -> bool {
        let end = self.index.checked_mul(256).and_then(|start| start.checked_add(u64::from(self.width)));
        end.is_some_and(|end| end <= row_length(self.level, size))
    }
}

/// Hashes that a level of tiles has in a tree of `size` leaves.
fn row_length(level: u8, size: u64) -> u64 {
    level.checked_mul(TILE_HEIGHT).and_then(|shift| size.checked_shr(u32::from(shift))).unwrap_or(0)
}

impl fmt::Display for TileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let mut divisor = 1u64;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if usize::from(self.width) < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TileAddress {
    type Err = TileError;

    /// Reads a path in its one spelling: no leading zeros, groups of three digits, no `.p/256` (LOG-10).
    fn from_str(text: &str) -> Result<Self, TileError> {
        parse_path(text)
            .filter(|address| address.to_string() == text)
            .ok_or_else(|| TileError::Path(text.chars().take(80).collect()))
    }
}

/// Reads leniently; the caller compares with the one spelling.
fn parse_path(text: &str) -> Option<TileAddress> {
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().ok()?),
        None => (rest, 256),
    };
    let index = groups.split('/').try_fold(0u64, |index, group| {
        let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index.checked_mul(1000)?.checked_add(group)
    })?;
    TileAddress::new(level.parse().ok()?, index, width)
}

/// The hashes of one tile, 1 to 256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    hashes: Vec<Digest>,
}

impl Tile {
    /// Reads a tile's bytes: hashes of 32 bytes, one after the other.
    pub fn parse(bytes: &[u8]) -> Result<Self, TileError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if rest.is_empty() && (1..=TILE_WIDTH).contains(&hashes.len()) {
            Ok(Self { hashes: hashes.iter().map(|hash| Digest(*hash)).collect() })
        } else {
            Err(TileError::Length(bytes.len()))
        }
    }

    /// The first `width` hashes, as an earlier size of the log had them; nothing when there are fewer.
    pub fn cut(&self, width: u16) -> Option<Self> {
        let hashes = self.hashes.get(..usize::from(width)).filter(|hashes| !hashes.is_empty())?;
        Some(Self { hashes: hashes.to_vec() })
    }

    /// The hashes in order.
    pub fn hashes(&self) -> &[Digest] {
        &self.hashes
    }

    /// The bytes that are stored and served.
    pub fn bytes(&self) -> Vec<u8> {
        concat(&self.hashes)
    }

    /// Hash over the whole tile; of a full one this is the hash that the next level holds.
    pub fn root(&self) -> Option<Digest> {
        subtree_root(&self.hashes)
    }

    /// Hash of the node `height` levels (at most 8) above this tile's row that begins at `offset`.
    fn node(&self, offset: usize, height: u8) -> Option<Digest> {
        let end = offset.checked_add(1usize.checked_shl(u32::from(height))?)?;
        subtree_root(self.hashes.get(offset..end)?)
    }
}

fn concat(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Tiles that were read, by place. A tile may be wider than asked for: rows only grow, and a proof takes the prefix.
#[derive(Debug, Clone, Default)]
pub struct TileMap {
    tiles: BTreeMap<(u8, u64), Tile>,
}

impl TileMap {
    /// Keeps a tile under its level and index.
    pub fn insert(&mut self, level: u8, index: u64, tile: Tile) {
        self.tiles.insert((level, index), tile);
    }

    fn tile(&self, level: u8, index: u64) -> Option<&Tile> {
        self.tiles.get(&(level, index))
    }
}

impl FromIterator<(u8, u64, Tile)> for TileMap {
    fn from_iter<I: IntoIterator<Item = (u8, u64, Tile)>>(tiles: I) -> Self {
        Self { tiles: tiles.into_iter().map(|(level, index, tile)| ((level, index), tile)).collect() }
    }
}

/// RFC 6962 for `rs_merkle`, which by default would hash nodes like leaves.
#[derive(Clone)]
struct Rfc6962;

impl rs_merkle::Hasher for Rfc6962 {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        leaf_hash(data).0
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        // A node without a right sibling rises unchanged, which gives the shape that RFC 6962 defines by splitting.
        right.map_or(*left, |right| node_hash(&Digest(*left), &Digest(*right)).0)
    }
}

/// RFC 6962 hash over at most 256 hashes of one row; nothing over none.
fn subtree_root(hashes: &[Digest]) -> Option<Digest> {
    if let [only] = hashes {
        return Some(*only);
    }
    let row: Vec<[u8; 32]> = hashes.iter().map(|hash| hash.0).collect();
    rs_merkle::PartialTree::<Rfc6962>::from_leaves(&row).ok()?.root().map(|root| Digest(*root))
}
