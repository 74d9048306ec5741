//! Proofs out of tiles: which to read, and then, without reading any more, the hashes.

use std::collections::BTreeSet;

use super::{TILE_HEIGHT, TileAddress, TileError, TileMap};
use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::{NodeAddress, Subtree, consistency_path, fold_right, inclusion_path};
use crate::ground::log::proof::{ConsistencyProof, InclusionProof};

/// The tiles that the inclusion proof of a leaf takes, each as wide as a log of `size` leaves has it.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Result<Vec<TileAddress>, TileError> {
    let path = inclusion_path(index, size).ok_or(TileError::NoSuchLeaf { index, size })?;
    Ok(tiles_for(&path, size))
}

/// The tiles that the consistency proof between two sizes takes; none from size 0, where the proof is empty.
pub fn tiles_for_consistency(from: u64, to: u64) -> Result<Vec<TileAddress>, TileError> {
    Ok(tiles_for(&consistency_or_empty(from, to)?, to))
}

/// Builds the inclusion proof of a leaf in a tree of `size` leaves from the tiles of [`tiles_for_inclusion`].
pub fn build_inclusion(index: u64, size: u64, tiles: &TileMap) -> Result<InclusionProof, TileError> {
    let path = inclusion_path(index, size).ok_or(TileError::NoSuchLeaf { index, size })?;
    Ok(InclusionProof { index, hashes: build(&path, tiles)? })
}

/// Builds the consistency proof between two sizes from the tiles of [`tiles_for_consistency`].
pub fn build_consistency(from: u64, to: u64, tiles: &TileMap) -> Result<ConsistencyProof, TileError> {
    Ok(ConsistencyProof { hashes: build(&consistency_or_empty(from, to)?, tiles)? })
}

fn consistency_or_empty(from: u64, to: u64) -> Result<Vec<Subtree>, TileError> {
    if from == 0 { Ok(Vec::new()) } else { consistency_path(from, to).ok_or(TileError::NoSuchPrefix { from, to }) }
}

fn tiles_for(path: &[Subtree], size: u64) -> Vec<TileAddress> {
    let places: BTreeSet<_> =
        path.iter().flat_map(Subtree::nodes).map(|node| Place::of(&node)).map(Place::key).collect();
    places.into_iter().filter_map(|(level, index)| TileAddress::at(level, index, size)).collect()
}

fn build(path: &[Subtree], tiles: &TileMap) -> Result<Vec<Digest>, TileError> {
    let mut proof = Vec::with_capacity(path.len());
    for subtree in path {
        proof.extend(fold_right(subtree_hashes(&subtree.nodes(), tiles)?.into_iter()));
    }
    Ok(proof)
}

/// The hash of each node, from the tile that it stands in.
pub(super) fn subtree_hashes(nodes: &[NodeAddress], tiles: &TileMap) -> Result<Vec<Digest>, TileError> {
    nodes.iter().map(|node| Place::of(node).hash(tiles)).collect()
}

/// Where in the tiles a perfect subtree stands: `height` above the row of a tile, from `offset` on.
#[derive(Clone, Copy)]
struct Place {
    level: u8,
    index: u64,
    offset: u8,
    height: u8,
}

impl Place {
    fn of(node: &NodeAddress) -> Self {
        let height = node.level % TILE_HEIGHT;
        let [.., offset] = (node.index << height).to_be_bytes();
        Self { level: node.level / TILE_HEIGHT, index: (node.index << height) / 256, offset, height }
    }

    fn key(self) -> (u8, u64) {
        (self.level, self.index)
    }

    fn hash(self, tiles: &TileMap) -> Result<Digest, TileError> {
        let tile = tiles.tile(self.level, self.index);
        tile.and_then(|tile| tile.node(usize::from(self.offset), self.height)).ok_or(TileError::Missing {
            level: self.level,
            index: self.index,
            width: u16::from(self.offset) + (1 << self.height),
        })
    }
}
