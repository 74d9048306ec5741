//! Two other implementations, `ct-merkle` and `tlog_tiles`, and ours have to say the same: exhaustively up to 200
//! leaves, by property beyond, where tiles of three levels are stitched.

use std::sync::LazyLock;

use countersign::ground::crypto::hash::{Digest, leaf_hash};
use countersign::ground::log::merkle::{Frontier, TreeHead, verify_consistency, verify_inclusion};
use countersign::ground::log::tile::{
    RightEdge, Tile, TileAddress, TileMap, build_consistency, build_inclusion, tiles_for_consistency,
    tiles_for_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Hash, HashReader, check_record, check_tree, prove_record, prove_tree, stored_hashes, tree_hash};

/// Sizes up to which everything is tried.
const EXHAUSTIVE: u64 = 200;

/// Enough for three levels of tiles: 256 full tiles of level 0 fill one of level 1.
const LARGE: u64 = 66_000;

fn entry(index: u64) -> [u8; 32] {
    Digest::of(&index.to_be_bytes()).0
}

fn leaf(index: u64) -> Digest {
    leaf_hash(&entry(index))
}

/// What `tlog_tiles` stores: every completed node, in its own order.
#[derive(Default)]
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

/// One log kept three times: by us, and by the two oracles.
struct Log {
    edge: RightEdge,
    tiles: TileMap,
    heads: Vec<TreeHead>,
    stored: Stored,
    ct: MemoryBackedTree<Sha256, [u8; 32]>,
}

impl Log {
    fn empty() -> Self {
        let heads = vec![TreeHead::empty()];
        let edge = RightEdge::empty();
        Self { edge, tiles: TileMap::default(), heads, stored: Stored::default(), ct: MemoryBackedTree::new() }
    }

    /// Appends one batch to ours, and the same leaves to the oracles.
    fn append(&mut self, count: u64) {
        let from = self.edge.head().size;
        let mut frontier = (from == 0).then(Frontier::empty);
        let leaves: Vec<Digest> = (from..from + count).map(leaf).collect();
        let growth = self.edge.grow(&leaves);
        for row in &growth.tiles {
            self.tiles.insert(row.level, row.index, row.tile().unwrap());
        }
        for (index, leaf) in (from..).zip(&leaves) {
            self.stored.0.extend(stored_hashes(index, &entry(index), &self.stored).unwrap());
            self.ct.push(entry(index));
            if let Some(frontier) = &mut frontier {
                frontier.append(*leaf);
                self.heads.push(frontier.head());
            }
        }
        if frontier.is_none() {
            self.heads.push(growth.head);
        }
        self.edge = growth.edge;
    }

    fn head(&self, size: u64) -> TreeHead {
        self.heads[usize::try_from(size).unwrap()]
    }

    /// Only the tiles that were asked for, each cut to the width that was asked for.
    fn fetch(&self, addresses: &[TileAddress]) -> TileMap {
        let fetch = |address: &TileAddress| {
            let row: Vec<u8> = tile_of_oracle(*address).read_data(&self.stored).unwrap();
            (address.level(), address.index(), Tile::parse(&row).unwrap())
        };
        addresses.iter().map(fetch).collect()
    }
}

fn tile_of_oracle(address: TileAddress) -> tlog_tiles::Tile {
    tlog_tiles::Tile::new(8, address.level(), address.index(), u32::from(address.width()), false)
}

static LARGE_LOG: LazyLock<Log> = LazyLock::new(|| {
    let mut log = Log::empty();
    log.append(LARGE);
    log
});

fn hashes(proof: &[Hash]) -> Vec<Digest> {
    proof.iter().map(|hash| Digest(hash.0)).collect()
}

fn oracle_accepts_inclusion(index: u64, proof: &[Digest], head: &TreeHead, value: u64) -> [bool; 2] {
    let theirs: Vec<Hash> = proof.iter().map(|hash| Hash(hash.0)).collect();
    let tlog = check_record(&theirs, head.size, Hash(head.root.0), index, Hash(leaf(value).0)).is_ok();
    let outputs: Vec<_> = proof.iter().map(|hash| hash.0.into()).collect();
    let root = RootHash::<Sha256>::new(head.root.0.into(), head.size);
    let ct = root.verify_inclusion(&entry(value), index, &InclusionProof::from_digests(&outputs)).is_ok();
    [tlog, ct]
}

fn oracle_accepts_consistency(from: &TreeHead, to: &TreeHead, proof: &[Digest]) -> [bool; 2] {
    let theirs: Vec<Hash> = proof.iter().map(|hash| Hash(hash.0)).collect();
    let tlog = check_tree(&theirs, to.size, Hash(to.root.0), from.size, Hash(from.root.0)).is_ok();
    let outputs: Vec<_> = proof.iter().map(|hash| hash.0.into()).collect();
    let root = |head: &TreeHead| RootHash::<Sha256>::new(head.root.0.into(), head.size);
    let ct = root(to).verify_consistency(&root(from), &ConsistencyProof::from_digests(&outputs)).is_ok();
    [tlog, ct]
}

/// Every proof that differs from a good one in one hash: a bit flipped, one left out, one too many.
fn broken(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![[proof, &[Digest([0; 32])]].concat(), [&[Digest([0; 32])], proof].concat()];
    for position in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[position].0[31] ^= 1;
        let mut shorter = proof.to_vec();
        shorter.remove(position);
        let mut doubled = proof.to_vec();
        doubled.insert(position, proof[position]);
        all.extend([flipped, shorter, doubled]);
    }
    all
}

// LOG-01, LOG-02, LOG-03
#[test]
fn inclusion_agrees_with_both_oracles_and_breaks_with_any_change_up_to_200_leaves() {
    let mut log = Log::empty();
    for size in 1..=EXHAUSTIVE {
        log.append(1);
        let head = log.edge.head();
        assert_eq!(head.root.0, tree_hash(size, &log.stored).unwrap().0, "root at {size}");
        assert_eq!(head.root.0.as_slice(), log.ct.root().as_bytes().as_slice(), "root at {size}");
        for index in 0..size {
            let proof = build_inclusion(index, size, &log.tiles).unwrap().hashes;
            assert_eq!(proof, hashes(&prove_record(size, index, &log.stored).unwrap()));
            let ct = log.ct.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>(), ct.as_bytes());
            assert_eq!(verify_inclusion(&leaf(index), index, &proof, &head), Ok(()));
            for wrong in broken(&proof) {
                assert!(verify_inclusion(&leaf(index), index, &wrong, &head).is_err(), "{index} of {size}");
            }
            for other in [index.wrapping_sub(1), index + 1, size] {
                assert!(verify_inclusion(&leaf(index), other, &proof, &head).is_err(), "{other} of {size}");
            }
            assert!(verify_inclusion(&leaf(index + 1), index, &proof, &head).is_err());
        }
    }
}

// LOG-04
#[test]
fn a_wrong_size_is_accepted_only_where_both_oracles_accept_it_too() {
    let mut log = Log::empty();
    log.append(EXHAUSTIVE);
    for size in 1..EXHAUSTIVE {
        for index in 0..size {
            let proof = build_inclusion(index, size, &log.tiles).unwrap().hashes;
            for wrong in [size - 1, size + 1] {
                let head = TreeHead { size: wrong, root: log.head(size).root };
                let ours = verify_inclusion(&leaf(index), index, &proof, &head).is_ok();
                // Sizes that share a leaf's path share its proof: what binds the size is the checkpoint's signature.
                if wrong > index {
                    assert_eq!([ours; 2], oracle_accepts_inclusion(index, &proof, &head, index), "{index} of {wrong}");
                } else {
                    assert!(!ours);
                }
            }
        }
    }
}

// LOG-05, LOG-06, LOG-07
#[test]
fn consistency_agrees_with_both_oracles_and_breaks_with_any_change_up_to_200_leaves() {
    let mut log = Log::empty();
    let mut roots = vec![TreeHead::empty()];
    for to in 1..=EXHAUSTIVE {
        log.append(1);
        let head = log.edge.head();
        roots.push(head);
        for from in 1..=to {
            let old = roots[usize::try_from(from).unwrap()];
            let proof = build_consistency(from, to, &log.tiles).unwrap().hashes;
            if from < to {
                assert_eq!(proof, hashes(&prove_tree(to, from, &log.stored).unwrap()), "{from} to {to}");
                let ct = log.ct.prove_consistency(usize::try_from(to - from).unwrap());
                assert_eq!(proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>(), ct.as_bytes());
            } else {
                assert_eq!(proof, []);
            }
            assert_eq!(verify_consistency(&old, &head, &proof), Ok(()), "{from} to {to}");
            for wrong in broken(&proof) {
                assert!(verify_consistency(&old, &head, &wrong).is_err(), "{from} to {to}");
            }
            let forged = TreeHead { size: from, root: Digest([9; 32]) };
            assert!(verify_consistency(&forged, &head, &proof).is_err());
            let forged = TreeHead { size: to, root: Digest([9; 32]) };
            assert!(verify_consistency(&old, &forged, &proof).is_err());
            if from < to {
                assert!(verify_consistency(&head, &old, &proof).is_err());
                let other = TreeHead { size: from + 1, root: old.root };
                let accepted = verify_consistency(&other, &head, &proof).is_ok();
                assert_eq!([accepted; 2], oracle_accepts_consistency(&other, &head, &proof), "{from} to {to}");
                let other = TreeHead { size: to + 1, root: head.root };
                let accepted = verify_consistency(&old, &other, &proof).is_ok();
                assert_eq!([accepted; 2], oracle_accepts_consistency(&old, &other, &proof), "{from} to {to}");
            }
        }
    }
}

// LOG-09, LOG-11
#[test]
fn a_batch_writes_exactly_the_tiles_that_the_oracle_names_with_the_same_bytes() {
    let mut log = Log::empty();
    for batch in [1, 254, 1, 1, 0, 255, 256, 257, 3, 65_000 - 1028, 535, 1, 2, 100] {
        let from = log.edge.head().size;
        let leaves: Vec<Digest> = (from..from + batch).map(leaf).collect();
        let growth = log.edge.grow(&leaves);
        log.append(batch);
        let expected = tlog_tiles::Tile::new_tiles(8, from, from + batch);
        let ours: Vec<_> = growth.tiles.iter().map(|row| (row.level, row.index, row.bytes.len() / 32)).collect();
        let theirs: Vec<_> = expected
            .iter()
            .map(|tile| (tile.level(), tile.level_index(), usize::try_from(tile.width()).unwrap()))
            .collect();
        assert_eq!(ours, theirs, "from {from} by {batch}");
        for (row, tile) in growth.tiles.iter().zip(&expected) {
            assert_eq!(row.bytes, tile.read_data(&log.stored).unwrap());
        }
        assert_eq!(growth.head.root.0, tree_hash(from + batch, &log.stored).unwrap().0);
        let edge = RightEdge::load(&growth.head, &log.fetch(&RightEdge::tiles(from + batch))).unwrap();
        assert_eq!(edge, growth.edge, "reloaded at {}", from + batch);
    }
}

// LOG-03, LOG-05
#[test]
fn proofs_hold_around_every_tile_boundary() {
    let log = &*LARGE_LOG;
    for size in [255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_281, 65_535, 65_536, 65_537, 65_792, 65_793, LARGE] {
        let head = log.head(size);
        for index in [0, 1, 255, 256, size / 2, size - 2, size - 1].into_iter().filter(|index| *index < size) {
            let tiles = log.fetch(&tiles_for_inclusion(index, size).unwrap());
            let proof = build_inclusion(index, size, &tiles).unwrap();
            assert_eq!(proof.hashes, hashes(&prove_record(size, index, &log.stored).unwrap()));
            assert_eq!(proof.verify(&leaf(index), &head), Ok(()));
        }
        for from in [1, 2, 255, 256, 257, 65_535, 65_536, size - 1, size].into_iter().filter(|from| *from <= size) {
            let tiles = log.fetch(&tiles_for_consistency(from, size).unwrap());
            let proof = build_consistency(from, size, &tiles).unwrap();
            assert_eq!(proof.verify(&log.head(from), &head), Ok(()), "{from} to {size}");
        }
    }
}

// LOG-10
#[test]
fn tile_paths_are_the_oracles_without_its_height() {
    for (level, index, width) in [(0, 0, 1), (0, 999, 256), (0, 1000, 255), (1, 1_234_067, 256), (2, 1_000_000, 7)] {
        let address = TileAddress::new(level, index, width).unwrap();
        assert_eq!(address.to_string(), tile_of_oracle(address).path().replacen("tile/8/", "tile/", 1));
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    // LOG-03
    #[test]
    fn inclusion_in_a_large_log_agrees_with_the_oracles((size, index) in (1..=LARGE).prop_flat_map(|s| (Just(s), 0..s))) {
        let log = &*LARGE_LOG;
        let tiles = log.fetch(&tiles_for_inclusion(index, size).unwrap());
        let proof = build_inclusion(index, size, &tiles).unwrap().hashes;
        let head = log.head(size);
        prop_assert_eq!(&proof, &hashes(&prove_record(size, index, &log.stored).unwrap()));
        prop_assert_eq!(verify_inclusion(&leaf(index), index, &proof, &head), Ok(()));
        prop_assert_eq!(oracle_accepts_inclusion(index, &proof, &head, index), [true; 2]);
        for wrong in broken(&proof) {
            prop_assert!(verify_inclusion(&leaf(index), index, &wrong, &head).is_err());
        }
    }

    // LOG-05
    #[test]
    fn consistency_in_a_large_log_agrees_with_the_oracles((to, from) in (2..=LARGE).prop_flat_map(|s| (Just(s), 1..s))) {
        let log = &*LARGE_LOG;
        let tiles = log.fetch(&tiles_for_consistency(from, to).unwrap());
        let proof = build_consistency(from, to, &tiles).unwrap().hashes;
        let (old, new) = (log.head(from), log.head(to));
        prop_assert_eq!(&proof, &hashes(&prove_tree(to, from, &log.stored).unwrap()));
        prop_assert_eq!(verify_consistency(&old, &new, &proof), Ok(()));
        prop_assert_eq!(oracle_accepts_consistency(&old, &new, &proof), [true; 2]);
        for wrong in broken(&proof) {
            prop_assert!(verify_consistency(&old, &new, &wrong).is_err());
        }
    }

    // LOG-10
    #[test]
    fn every_tile_path_round_trips(level in 0u8..6, index in 0u64..1 << 20, width in 1u16..=256) {
        if let Some(address) = TileAddress::new(level, index, width) {
            prop_assert_eq!(address.to_string().parse::<TileAddress>(), Ok(address));
        }
    }
}
