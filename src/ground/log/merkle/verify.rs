//! Strict verification of inclusion and consistency (RFC 9162, sections 2.1.3.2 and 2.1.4.2).
//!
//! One hash too few and one too many are refused, so that a proof has one form.

use super::TreeHead;
use crate::ground::crypto::hash::{Digest, node_hash};
use crate::ground::problem::ProblemType;

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
    let mut computed = *leaf_hash;
    let climbed = Position { node: index, last }.climb(proof, |sibling, side| {
        computed = match side {
            Side::Left => node_hash(sibling, &computed),
            Side::Right => node_hash(&computed, sibling),
        }
    });
    climbed.map_err(|length| match length {
        WrongLength::TooLong => InclusionError::TooLong { hashes: proof.len() },
        WrongLength::TooShort => InclusionError::TooShort { hashes: proof.len() },
    })?;
    if computed == head.root { Ok(()) } else { Err(InclusionError::WrongRoot { computed, expected: head.root }) }
}

/// Checks that the tree of `from` is a prefix of the tree of `to` (RFC 9162, section 2.1.4.2).
///
/// Equal heads take the empty proof. There is no proof from size 0: whoever accepts "nothing was known before" says so
/// itself, as [`ConsistencyProof::verify`](crate::ground::log::proof::ConsistencyProof::verify) does.
pub fn verify_consistency(from: &TreeHead, to: &TreeHead, proof: &[Digest]) -> Result<(), ConsistencyError> {
    let hashes = proof.len();
    if from.size > to.size {
        return Err(ConsistencyError::Shrinks { from: from.size, to: to.size });
    }
    let (Some(old_last), Some(last)) = (from.size.checked_sub(1), to.size.checked_sub(1)) else {
        return Err(ConsistencyError::FromEmpty);
    };
    if from.size == to.size && from.root != to.root {
        return Err(ConsistencyError::Fork { size: from.size, from: from.root, to: to.root });
    }
    if from.size == to.size {
        return if proof.is_empty() { Ok(()) } else { Err(ConsistencyError::TooLong { hashes }) };
    }
    // A perfect older tree is itself a node of the newer one, so its root is known and left out of the proof.
    let (start, rest) = if from.size.is_power_of_two() {
        (from.root, proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(ConsistencyError::TooShort { hashes })?
    };
    let (mut old, mut new) = (start, start);
    let climbed = Position::of_last_perfect_subtree(old_last, last).climb(rest, |sibling, side| match side {
        Side::Left => (old, new) = (node_hash(sibling, &old), node_hash(sibling, &new)),
        Side::Right => new = node_hash(&new, sibling),
    });
    climbed.map_err(|length| match length {
        WrongLength::TooLong => ConsistencyError::TooLong { hashes },
        WrongLength::TooShort => ConsistencyError::TooShort { hashes },
    })?;
    match (old == from.root, new == to.root) {
        (true, true) => Ok(()),
        (false, _) => Err(ConsistencyError::WrongOldRoot),
        (true, false) => Err(ConsistencyError::WrongNewRoot),
    }
}

/// Where a verifier stands on its way up: the node's index in its level, and that level's last index (`fn` and `sn` of
/// RFC 9162).
struct Position {
    node: u64,
    last: u64,
}

/// On which side of the node a hash of the proof stands.
enum Side {
    Left,
    Right,
}

/// The root was reached before the end of the proof, or not at all.
enum WrongLength {
    TooLong,
    TooShort,
}

impl Position {
    /// Where the consistency proof begins: the largest perfect subtree at the right edge of the older tree.
    fn of_last_perfect_subtree(old_last: u64, last: u64) -> Self {
        let height = old_last.trailing_ones();
        // Only 2^64 leaves would have a height of 64.
        let shift = |index: u64| index.checked_shr(height).unwrap_or(0);
        Self { node: shift(old_last), last: shift(last) }
    }

    /// Goes up to the root, one hash of the proof a step, and takes neither more nor fewer than there are steps.
    fn climb(mut self, proof: &[Digest], mut step: impl FnMut(&Digest, Side)) -> Result<(), WrongLength> {
        for sibling in proof {
            if self.last == 0 {
                return Err(WrongLength::TooLong);
            }
            // The last node of a level has nothing to its right.
            if self.node & 1 == 1 || self.node == self.last {
                step(sibling, Side::Left);
                // On an odd level it rose unchanged until it became a right child.
                while self.node & 1 == 0 && self.node != 0 {
                    self.ascend();
                }
            } else {
                step(sibling, Side::Right);
            }
            self.ascend();
        }
        if self.last == 0 { Ok(()) } else { Err(WrongLength::TooShort) }
    }

    fn ascend(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}
