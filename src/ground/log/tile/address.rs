//! Where a tile stands, and the path under which it is served.

use std::fmt;
use std::str::FromStr;

use super::{TILE_HEIGHT, TileError};
use crate::ground::limits::{MAX_TREE_SIZE, TILE_WIDTH};

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
