//! The tree of RFC 6962 and RFC 9162, section 2.1: heads, growth, which nodes a proof takes, and its verification.
//!
//! Out of scope: where the nodes are kept ([`super::tile`]) and who signed a head ([`super::checkpoint`]).

use serde::{Deserialize, Serialize};

use crate::ground::crypto::hash::Digest;
use crate::ground::limits::MAX_TREE_SIZE;

mod frontier;
mod path;
#[cfg(test)]
mod tests;
mod verify;

pub use frontier::Frontier;
pub(in crate::ground::log) use frontier::fold_right;
pub use path::{NodeAddress, Subtree, consistency_path, inclusion_path};
pub use verify::{ConsistencyError, InclusionError, verify_consistency, verify_inclusion};

/// Root of the tree without leaves: SHA-256 of nothing (RFC 9162, section 2.1.1).
pub const EMPTY_ROOT: Digest = Digest([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Number of leaves and root of a tree. Never one without the other: a root alone does not say which tree it closes.
///
/// In JSON `{"size": 3, "root": "<base64url>"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedHead")]
pub struct TreeHead {
    /// Number of leaves, at most [`MAX_TREE_SIZE`].
    pub size: u64,
    /// RFC 6962 root hash.
    pub root: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedHead {
    size: u64,
    root: Digest,
}

impl TryFrom<UncheckedHead> for TreeHead {
    type Error = HeadError;

    fn try_from(head: UncheckedHead) -> Result<Self, HeadError> {
        Self::new(head.size, head.root)
    }
}

/// A size and a root that cannot stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Size 0 with a root other than that of the empty tree.
    #[error("the tree of size 0 has another root than the empty tree")]
    EmptyRoot,
    /// More leaves than any log may have.
    #[error("the tree size {0} is beyond 2^53 - 1")]
    Size(u64),
}

impl TreeHead {
    /// Puts a size and a root together; refuses what no log can have.
    pub fn new(size: u64, root: Digest) -> Result<Self, HeadError> {
        if size > MAX_TREE_SIZE {
            return Err(HeadError::Size(size));
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(HeadError::EmptyRoot);
        }
        Ok(Self { size, root })
    }

    /// The head of the tree without leaves.
    pub const fn empty() -> Self {
        Self { size: 0, root: EMPTY_ROOT }
    }
}
