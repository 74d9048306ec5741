//! The compact range: what an append needs of all that came before, in logarithmic space.

use super::{EMPTY_ROOT, NodeAddress, Subtree, TreeHead};
use crate::ground::crypto::hash::{Digest, node_hash};

/// Roots of the perfect subtrees that a tree's size splits into, largest first: one per set bit of the size.
///
/// Appending costs one hash on average, and the space is at most 53 hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Digest>,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub const fn empty() -> Self {
        Self { size: 0, nodes: Vec::new() }
    }

    /// Where the nodes stand that [`Frontier::from_nodes`] takes for a tree of `size` leaves.
    pub fn addresses(size: u64) -> Vec<NodeAddress> {
        Subtree::whole(size).nodes()
    }

    /// Takes up a tree again from its nodes, largest first; nothing when their number does not fit the size.
    pub fn from_nodes(size: u64, nodes: Vec<Digest>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(nodes.len())).then_some(Self { size, nodes })
    }

    /// Appends a leaf hash.
    pub fn append(&mut self, leaf_hash: Digest) {
        self.append_with(leaf_hash, |_, _| {});
    }

    /// Appends a leaf hash and tells every node that it completes: (level, hash) from the leaf (level 0) upwards.
    pub fn append_with(&mut self, leaf_hash: Digest, mut completed: impl FnMut(u8, Digest)) {
        let mut node = leaf_hash;
        completed(0, node);
        let merges = self.size.trailing_ones();
        for level in (1u8..).take(usize::try_from(merges).unwrap_or(0)) {
            // INVARIANT: one node per set bit of `size`, so there is one for each trailing one.
            let Some(left) = self.nodes.pop() else { break };
            node = node_hash(&left, &node);
            completed(level, node);
        }
        self.nodes.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// Size and root. Costs one hash for each set bit of the size.
    pub fn head(&self) -> TreeHead {
        let root = fold_right(self.nodes.iter().copied()).unwrap_or(EMPTY_ROOT);
        TreeHead { size: self.size, root }
    }
}

/// Joins perfect subtrees, largest first, into the hash of the tree that they are: a smaller right side is closed
/// before it is joined to the left (RFC 9162, section 2.1.1).
pub(in crate::ground::log) fn fold_right(nodes: impl DoubleEndedIterator<Item = Digest>) -> Option<Digest> {
    nodes.rev().reduce(|right, left| node_hash(&left, &right))
}
