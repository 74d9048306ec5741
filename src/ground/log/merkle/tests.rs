use super::*;
use crate::ground::crypto::hash::leaf_hash;

/// The eight entries of the Certificate Transparency reference tree, and its root at every size.
const ENTRIES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn heads() -> Vec<TreeHead> {
    let mut frontier = Frontier::empty();
    let mut heads = vec![frontier.head()];
    for entry in ENTRIES {
        frontier.append(leaf_hash(entry));
        heads.push(frontier.head());
    }
    heads
}

// LOG-01, LOG-02
#[test]
fn the_reference_tree_has_its_published_roots() {
    for ((size, head), root) in (0u64..).zip(heads()).zip(ROOTS) {
        let hex: String = head.root.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((head.size, hex.as_str()), (size, root));
    }
}

// LOG-02
#[test]
fn a_head_of_size_zero_has_the_empty_root_and_no_size_is_beyond_the_bound() {
    assert_eq!(TreeHead::empty().root, Digest::of(b""));
    assert_eq!(TreeHead::new(0, Digest([1; 32])), Err(HeadError::EmptyRoot));
    assert_eq!(TreeHead::new(1 << 53, Digest([1; 32])), Err(HeadError::Size(1 << 53)));
    let json = serde_json::to_string(&TreeHead::empty()).unwrap();
    assert_eq!(json, format!(r#"{{"size":0,"root":"{EMPTY_ROOT}"}}"#));
    assert_eq!(serde_json::from_str::<TreeHead>(&json).unwrap(), TreeHead::empty());
    assert!(serde_json::from_str::<TreeHead>(&json.replace(":0,", ":9007199254740992,")).is_err());
    assert!(serde_json::from_str::<TreeHead>(&json.replace("{", r#"{"time":1,"#)).is_err());
    assert!(serde_json::from_str::<TreeHead>(r#"{"size":0}"#).is_err());
}

// LOG-03
#[test]
fn every_way_an_inclusion_proof_can_fail_has_its_own_error() {
    let heads = heads();
    let (leaf, head) = (leaf_hash(ENTRIES[0]), heads[2]);
    let sibling = leaf_hash(ENTRIES[1]);
    assert_eq!(verify_inclusion(&leaf, 0, &[sibling], &head), Ok(()));
    assert_eq!(verify_inclusion(&leaf, 0, &[], &heads[1]), Ok(()));
    let out_of_range = |index, size| Err(InclusionError::IndexOutOfRange { index, size });
    assert_eq!(verify_inclusion(&leaf, 2, &[sibling], &head), out_of_range(2, 2));
    assert_eq!(verify_inclusion(&leaf, 0, &[], &heads[0]), out_of_range(0, 0));
    assert_eq!(verify_inclusion(&leaf, 0, &[], &head), Err(InclusionError::TooShort { hashes: 0 }));
    assert_eq!(verify_inclusion(&leaf, 0, &[sibling; 2], &head), Err(InclusionError::TooLong { hashes: 2 }));
    let wrong = verify_inclusion(&sibling, 0, &[leaf], &head);
    assert!(matches!(wrong, Err(InclusionError::WrongRoot { expected, .. }) if expected == head.root));
}

// LOG-05, LOG-06, LOG-07, LOG-08
#[test]
fn every_way_a_consistency_proof_can_fail_has_its_own_error() {
    let heads = heads();
    let (two, three) = (heads[2], heads[3]);
    let proof = [leaf_hash(ENTRIES[2])];
    assert_eq!(verify_consistency(&two, &three, &proof), Ok(()));
    assert_eq!(verify_consistency(&two, &two, &[]), Ok(()));
    assert_eq!(verify_consistency(&heads[0], &two, &[]), Err(ConsistencyError::FromEmpty));
    assert_eq!(verify_consistency(&heads[0], &heads[0], &[]), Err(ConsistencyError::FromEmpty));
    assert_eq!(verify_consistency(&three, &two, &[]), Err(ConsistencyError::Shrinks { from: 3, to: 2 }));
    let other = TreeHead { size: 2, root: three.root };
    let fork = ConsistencyError::Fork { size: 2, from: two.root, to: three.root };
    assert_eq!(verify_consistency(&two, &other, &[]), Err(fork));
    assert_eq!(verify_consistency(&two, &two, &proof), Err(ConsistencyError::TooLong { hashes: 1 }));
    assert_eq!(verify_consistency(&two, &three, &[]), Err(ConsistencyError::TooShort { hashes: 0 }));
    assert_eq!(verify_consistency(&three, &heads[4], &[]), Err(ConsistencyError::TooShort { hashes: 0 }));
    assert_eq!(verify_consistency(&two, &three, &[proof[0]; 2]), Err(ConsistencyError::TooLong { hashes: 2 }));
    let wrong_new = verify_consistency(&two, &TreeHead { size: 3, root: two.root }, &proof);
    assert_eq!(wrong_new, Err(ConsistencyError::WrongNewRoot));
    let path = [leaf_hash(ENTRIES[2]), leaf_hash(ENTRIES[3]), two.root];
    assert_eq!(verify_consistency(&three, &heads[4], &path), Ok(()));
    let wrong_old = verify_consistency(&TreeHead { size: 3, root: two.root }, &heads[4], &path);
    assert_eq!(wrong_old, Err(ConsistencyError::WrongOldRoot));
}

#[test]
fn paths_are_planned_only_in_trees_that_can_be() {
    assert_eq!(inclusion_path(3, 3), None);
    assert_eq!(inclusion_path(0, 0), None);
    assert_eq!(inclusion_path(0, MAX_TREE_SIZE + 1), None);
    assert_eq!(inclusion_path(0, MAX_TREE_SIZE).map(|path| path.len()), Some(53));
    assert_eq!(consistency_path(0, 1), None);
    assert_eq!(consistency_path(2, 1), None);
    assert_eq!(consistency_path(5, 5), Some(vec![]));
    assert!(consistency_path(MAX_TREE_SIZE - 1, MAX_TREE_SIZE).is_some_and(|path| path.len() <= 63));
}

#[test]
fn a_frontier_is_taken_up_again_only_with_as_many_nodes_as_its_size_has() {
    let node = Digest([1; 32]);
    assert!(Frontier::from_nodes(5, vec![node; 2]).is_some());
    assert_eq!(Frontier::from_nodes(5, vec![node; 3]), None);
    let levels: Vec<_> = Frontier::addresses(5).iter().map(|node| (node.level, node.index)).collect();
    assert_eq!(levels, [(2, 0), (0, 4)]);
}
