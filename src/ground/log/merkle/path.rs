//! Which subtrees a proof consists of, found without reading anything.

use crate::ground::limits::MAX_TREE_SIZE;

/// A perfect subtree: the node over the leaves `index << level` to `(index + 1) << level`, without the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeAddress {
    /// Height over the leaves, which are level 0.
    pub level: u8,
    /// Position in its level, from 0.
    pub index: u64,
}

/// A subtree that RFC 6962's recursion meets: the leaves from `start` to `end`, without the last. Perfect, or ragged at
/// the right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subtree {
    start: u64,
    end: u64,
}

impl Subtree {
    /// The whole tree of `size` leaves.
    pub const fn whole(size: u64) -> Self {
        Self { start: 0, end: size }
    }

    /// The perfect subtrees that it consists of, largest (leftmost) first.
    pub fn nodes(&self) -> Vec<NodeAddress> {
        let (mut start, mut nodes) = (self.start, Vec::new());
        while let Some(level) = self.end.saturating_sub(start).checked_ilog2() {
            // `ilog2` of a u64 is at most 63.
            nodes.push(NodeAddress { level: u8::try_from(level).unwrap_or(63), index: start >> level });
            start += 1 << level;
        }
        nodes
    }

    fn leaves(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The two halves of RFC 6962: the left one is the largest power of two below the number of leaves.
    fn split(&self) -> (Self, Self) {
        let left = self.leaves().next_power_of_two() / 2;
        let middle = self.start.saturating_add(left);
        (Self { start: self.start, end: middle }, Self { start: middle, end: self.end })
    }
}

/// The subtrees whose hashes are the inclusion proof of a leaf, in the order of the proof (the leaf's sibling first;
/// RFC 9162, section 2.1.3.1). Nothing when there is no such leaf or no such tree.
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<Subtree>> {
    if index >= size || size > MAX_TREE_SIZE {
        return None;
    }
    let (mut tree, mut path) = (Subtree::whole(size), Vec::new());
    while tree.leaves() > 1 {
        let (left, right) = tree.split();
        let (next, sibling) = if index < right.start { (left, right) } else { (right, left) };
        path.push(sibling);
        tree = next;
    }
    path.reverse();
    Some(path)
}

/// The subtrees whose hashes are the consistency proof between two sizes, in the order of the proof (RFC 9162, section
/// 2.1.4.1); empty for equal sizes. Nothing from size 0, to a smaller size, or to no possible size.
pub fn consistency_path(from: u64, to: u64) -> Option<Vec<Subtree>> {
    if from == 0 || from > to || to > MAX_TREE_SIZE {
        return None;
    }
    let (mut tree, mut path) = (Subtree::whole(to), Vec::new());
    while tree.end != from {
        let (left, right) = tree.split();
        let (next, sibling) = if from <= right.start { (left, right) } else { (right, left) };
        path.push(sibling);
        tree = next;
    }
    // A subtree that starts at 0 is the whole older tree, whose root the verifier has.
    if tree.start != 0 {
        path.push(tree);
    }
    path.reverse();
    Some(path)
}
