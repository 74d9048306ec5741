//! The tree: heads, and the strict verification of inclusion and consistency (RFC 9162, section 2.1).
//!
//! Verification takes the proof hash by hash and refuses one too few and one too many, so that a proof has one form.
//! Out of scope: where proofs come from ([`super::tile`]) and who signed the head ([`super::checkpoint`]).

use serde::{Deserialize, Serialize};

use crate::ground::crypto::hash::{Digest, node_hash};
use crate::ground::limits::MAX_TREE_SIZE;
use crate::ground::problem::ProblemType;

mod frontier;
mod path;
#[cfg(test)]
mod tests;

pub use frontier::Frontier;
pub(in crate::ground::log) use frontier::fold_right;
pub use path::{NodeAddress, Subtree, consistency_path, inclusion_path};

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

/// Why an inclusion proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InclusionError {
    /// The tree has no such leaf.
    #[error("there is no leaf {index} in a tree of size {size}")]
    IndexOutOfRange {
        /// Index that the proof names.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The proof goes on after the root is reached.
    #[error("the inclusion proof has {hashes} hashes, more than its place in the tree takes")]
    TooLong {
        /// Hashes in the proof.
        hashes: usize,
    },
    /// The proof ends before the root is reached.
    #[error("the inclusion proof has {hashes} hashes, fewer than its place in the tree takes")]
    TooShort {
        /// Hashes in the proof.
        hashes: usize,
    },
    /// The proof leads to another root.
    #[error("the inclusion proof leads to the root `{computed}` instead of `{expected}`")]
    WrongRoot {
        /// Root that the proof leads to.
        computed: Digest,
        /// Root of the tree head.
        expected: Digest,
    },
}

impl InclusionError {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        ProblemType::InclusionInvalid
    }
}

/// Why a consistency proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsistencyError {
    /// One size, two roots.
    #[error("two roots for the size {size}: `{from}` and `{to}`")]
    Fork {
        /// Size of both heads.
        size: u64,
        /// Root of the older head.
        from: Digest,
        /// Root of the newer head.
        to: Digest,
    },
    /// The older tree is empty, of which RFC 9162 knows no proof.
    #[error("there is no consistency proof from the empty tree")]
    FromEmpty,
    /// The newer tree is smaller.
    #[error("a tree of size {to} cannot extend one of size {from}")]
    Shrinks {
        /// Size of the older head.
        from: u64,
        /// Size of the newer head.
        to: u64,
    },
    /// The proof goes on after both roots are reached.
    #[error("the consistency proof has {hashes} hashes, more than these sizes take")]
    TooLong {
        /// Hashes in the proof.
        hashes: usize,
    },
    /// The proof ends before both roots are reached.
    #[error("the consistency proof has {hashes} hashes, fewer than these sizes take")]
    TooShort {
        /// Hashes in the proof.
        hashes: usize,
    },
    /// The proof leads to another root than that of the older head.
    #[error("the consistency proof leads to another root for the older size")]
    WrongOldRoot,
    /// The proof leads to another root than that of the newer head.
    #[error("the consistency proof leads to another root for the newer size")]
    WrongNewRoot,
}

impl ConsistencyError {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        ProblemType::HeadInconsistent
    }
}

/// Checks that the leaf with this hash stands at `index` of the tree (RFC 9162, section 2.1.3.2).
///
/// A proof does not establish the size of the tree: several sizes share a path. What binds the size is the signature
/// over the head, so only a verified checkpoint's head makes the answer mean anything.
pub fn verify_inclusion(
    leaf_hash: &Digest,
    index: u64,
    proof: &[Digest],
    head: &TreeHead,
) -> Result<(), InclusionError> {
    let last = match head.size.checked_sub(1) {
        Some(last) if index <= last => last,
        _ => return Err(InclusionError::IndexOutOfRange { index, size: head.size }),
    };
    let mut position = Position { node: index, last };
    let mut computed = *leaf_hash;
    for sibling in proof {
        if position.at_root() {
            return Err(InclusionError::TooLong { hashes: proof.len() });
        }
        if position.sibling_is_left() {
            computed = node_hash(sibling, &computed);
            position.skip_levels_without_sibling();
        } else {
            computed = node_hash(&computed, sibling);
        }
        position.ascend();
    }
    if !position.at_root() {
        return Err(InclusionError::TooShort { hashes: proof.len() });
    }
    if computed != head.root {
        return Err(InclusionError::WrongRoot { computed, expected: head.root });
    }
    Ok(())
}

/// Checks that the tree of `from` is a prefix of the tree of `to` (RFC 9162, section 2.1.4.2).
///
/// Equal heads take the empty proof. There is no proof from size 0: whoever accepts "nothing was known before" says so
/// itself, as [`super::proof::ConsistencyProof::verify`] does.
pub fn verify_consistency(from: &TreeHead, to: &TreeHead, proof: &[Digest]) -> Result<(), ConsistencyError> {
    let hashes = proof.len();
    if from.size > to.size {
        return Err(ConsistencyError::Shrinks { from: from.size, to: to.size });
    }
    let Some(old_last) = from.size.checked_sub(1) else {
        return Err(ConsistencyError::FromEmpty);
    };
    if from.size == to.size {
        return match (from.root == to.root, proof.is_empty()) {
            (false, _) => Err(ConsistencyError::Fork { size: from.size, from: from.root, to: to.root }),
            (true, false) => Err(ConsistencyError::TooLong { hashes }),
            (true, true) => Ok(()),
        };
    }
    // A perfect older tree is itself a node of the newer one, so its root is known and left out of the proof.
    let (start, rest) = if from.size.is_power_of_two() {
        (from.root, proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(ConsistencyError::TooShort { hashes })?
    };
    let mut position = Position { node: old_last, last: to.size.saturating_sub(1) };
    while position.node & 1 == 1 {
        position.ascend();
    }
    let (mut old, mut new) = (start, start);
    for sibling in rest {
        if position.at_root() {
            return Err(ConsistencyError::TooLong { hashes });
        }
        if position.sibling_is_left() {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            position.skip_levels_without_sibling();
        } else {
            new = node_hash(&new, sibling);
        }
        position.ascend();
    }
    if !position.at_root() {
        return Err(ConsistencyError::TooShort { hashes });
    }
    if old != from.root {
        return Err(ConsistencyError::WrongOldRoot);
    }
    if new != to.root {
        return Err(ConsistencyError::WrongNewRoot);
    }
    Ok(())
}

/// Where a verifier stands on its way up: the node's index in its level, and that level's last index (`fn` and `sn` of
/// RFC 9162).
struct Position {
    node: u64,
    last: u64,
}

impl Position {
    fn at_root(&self) -> bool {
        self.last == 0
    }

    /// The last node of a level has nothing to its right, so the next hash of the proof stands to its left.
    fn sibling_is_left(&self) -> bool {
        self.node & 1 == 1 || self.node == self.last
    }

    /// The rightmost node of an odd level rises unchanged until it is a right child.
    fn skip_levels_without_sibling(&mut self) {
        while self.node & 1 == 0 && self.node != 0 {
            self.ascend();
        }
    }

    fn ascend(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}
