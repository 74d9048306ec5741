//! The rows of the log: what waits for an index, what has one, and the head that both parties of a swap agree on.

use crate::ground::crypto::hash::Digest;
use crate::ground::log::merkle::TreeHead;
use crate::ground::name::Timestamp;
use crate::io::store::Position;

/// An own receipt that has no log index yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsequenced {
    /// Which receipt.
    pub position: Position,
    /// Its digest: the entry that the log takes.
    pub digest: Digest,
}

/// An own receipt that has its log index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The log index, from 0.
    pub index: u64,
    /// Which receipt.
    pub position: Position,
    /// Its digest.
    pub digest: Digest,
}

/// Where a tile stands in the tree (C2SP tlog-tiles).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileAt {
    /// The level: 0 holds leaf hashes.
    pub level: u8,
    /// The index within the level.
    pub index: u64,
}

/// A tile: up to 256 concatenated hashes. One that is not full may grow and never changes what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Where it stands.
    pub at: TileAt,
    /// 32 bytes per hash.
    pub hashes: Vec<u8>,
}

/// One step of the head, with everything that the new head covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadAdvance {
    /// The head that the step starts from.
    pub from: TreeHead,
    /// The head that it reaches.
    pub to: TreeHead,
    /// The new entries: every index from `from.size` up to `to.size`, in order.
    pub entries: Vec<Entry>,
    /// The tiles that the step fills or grows.
    pub tiles: Vec<Tile>,
}

/// How a step of the head came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The step is taken and durable.
    Advanced,
    /// Someone else moved the head first. Nothing was kept.
    HeadMoved {
        /// The head as it is.
        current: TreeHead,
    },
}

/// A signed checkpoint to be served to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// What it commits to.
    pub head: TreeHead,
    /// The time of the operator's own cosignature on it.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// How a publication came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publish {
    /// It is the published checkpoint now, durably.
    Published,
    /// What is published is larger, or as large and not older, or as large with another root. Nothing was kept.
    Stale {
        /// The published checkpoint.
        current: Publication,
    },
    /// It is larger than the committed head, or as large with another root: nobody may sign that. Nothing was kept.
    NotCommitted {
        /// The committed head.
        head: TreeHead,
    },
}
