//! Tiles: how a tree is stored and served (C2SP tlog-tiles, hash tiles only, height 8).
//!
//! A tile of level `L` holds up to 256 hashes of nodes that stand `8 * L` above the leaves. What lies between two such
//! levels is computed inside one tile by `rs_merkle` with RFC 6962's node hash. A store keeps one row per tile that
//! only grows at its end; a narrower tile of an earlier size is a prefix of it, cut on read.
//!
//! Out of scope: entry bundles (an entry is a digest whose leaf hash the tile shows; what it stands for is not public)
//! and the database.

use std::collections::BTreeMap;

use crate::ground::crypto::hash::{Digest, leaf_hash, node_hash};
use crate::ground::limits::TILE_WIDTH;
use crate::ground::problem::ProblemType;

mod address;
mod edge;
mod stitch;
#[cfg(test)]
mod tests;

pub use address::TileAddress;
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
    #[error("the tile {index} of level {level} is missing or has fewer than {width} hashes")]
    Missing {
        /// Level of the tile.
        level: u8,
        /// Index of the tile in its level.
        index: u64,
        /// Hashes that it must have at least.
        width: u16,
    },
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
            Self::Length(_) | Self::Missing { .. } | Self::Root { .. } => ProblemType::StorageUnavailable,
        }
    }
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

    /// The tile of that level and index, if it was inserted.
    pub fn tile(&self, level: u8, index: u64) -> Option<&Tile> {
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
