use super::*;
use crate::ground::log::merkle::TreeHead;

fn grown(count: u64) -> (RightEdge, TileMap, TreeHead) {
    let leaves: Vec<Digest> = (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect();
    let growth = RightEdge::empty().grow(&leaves);
    let tiles = growth.tiles.iter().map(|row| (row.level, row.index, row.tile().unwrap())).collect();
    (growth.edge, tiles, growth.head)
}

// LOG-10
#[test]
fn a_tile_path_has_one_spelling() {
    for good in ["tile/0/000", "tile/0/001.p/1", "tile/2/x001/x234/067", "tile/0/x001/000.p/255", "tile/6/000.p/31"] {
        assert_eq!(good.parse::<TileAddress>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "tile/0/",
        "tile/0/1",
        "tile/0/0000",
        "tile/00/000",
        "tile/+0/000",
        "tile/0/+00",
        "tile/0/-01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1.p/1",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001/x001",
        "tile/0/x001",
        "tile/0/x001/001/",
        "/tile/0/001",
        "tile/entries/000",
        "tile/7/000",
        "tile/6/000",
        "tile/64/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(bad.parse::<TileAddress>(), Err(TileError::Path(bad.to_owned())), "{bad}");
    }
}

// LOG-11
#[test]
fn a_tile_is_served_when_the_log_is_large_enough_for_its_width() {
    let tile: TileAddress = "tile/0/001.p/5".parse().unwrap();
    assert!(!tile.is_within(260));
    assert!(tile.is_within(261));
    assert!(tile.is_within(100_000));
    let above: TileAddress = "tile/1/000.p/1".parse().unwrap();
    assert!(!above.is_within(255));
    assert!(above.is_within(256));
    assert_eq!(TileAddress::at(0, 1, 256), None);
    assert_eq!(TileAddress::at(0, 1, 300).map(|tile| tile.width()), Some(44));
    assert_eq!(TileAddress::at(0, u64::MAX, 300), None);
    assert_eq!(TileAddress::at(200, 0, 300), None);
}

// LOG-09
#[test]
fn tile_bytes_are_whole_hashes() {
    for bad in [0, 31, 33, 257 * 32] {
        assert_eq!(Tile::parse(&vec![0; bad]), Err(TileError::Length(bad)));
    }
    let tile = Tile::parse(&[7; 96]).unwrap();
    assert_eq!(tile.bytes(), [7; 96]);
    assert_eq!(tile.cut(2).map(|tile| tile.bytes()), Some(vec![7; 64]));
    assert_eq!((tile.cut(0), tile.cut(4)), (None, None));
}

// LOG-09
#[test]
fn the_root_of_a_full_tile_is_the_hash_that_the_next_level_holds() {
    let (_, tiles, head) = grown(256);
    let full = tiles.tile(0, 0).unwrap();
    assert_eq!(full.root(), Some(head.root));
    assert_eq!(tiles.tile(1, 0).unwrap().hashes(), [head.root]);
}

#[test]
fn growing_leaves_the_edge_it_grew_from_alone() {
    let (edge, _, head) = grown(300);
    let before = edge.clone();
    let growth = edge.grow(&[Digest([1; 32])]);
    assert_eq!((edge.head(), &edge), (head, &before));
    assert_eq!(growth.head.size, 301);
    assert_eq!(growth.tiles.iter().map(|row| (row.level, row.index)).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!(edge.grow(&[]).tiles, []);
    assert_eq!(edge.grow(&[]).edge, edge);
}

#[test]
fn a_damaged_or_missing_row_stops_the_log() {
    let (edge, mut tiles, head) = grown(300);
    assert_eq!(RightEdge::load(&head, &tiles), Ok(edge));
    let mut bytes = tiles.tile(0, 1).unwrap().bytes();
    bytes[5] ^= 1;
    tiles.insert(0, 1, Tile::parse(&bytes).unwrap());
    assert!(matches!(RightEdge::load(&head, &tiles), Err(TileError::Root { expected, .. }) if expected == head.root));
    tiles.insert(0, 1, Tile::parse(&[0; 32]).unwrap());
    let missing = TileError::Missing { level: 0, index: 1, width: 44 };
    assert_eq!(RightEdge::load(&head, &tiles), Err(missing));
    assert_eq!(RightEdge::load(&TreeHead::empty(), &TileMap::default()), Ok(RightEdge::empty()));
}

#[test]
fn rows_that_grew_since_still_give_the_older_tree() {
    let (_, _, old) = grown(300);
    let (_, tiles, head) = grown(700);
    assert_eq!(RightEdge::load(&old, &tiles).map(|edge| edge.head()), Ok(old));
    let leaf = leaf_hash(&299u64.to_be_bytes());
    assert_eq!(build_inclusion(299, 300, &tiles).unwrap().verify(&leaf, &old), Ok(()));
    assert_eq!(build_consistency(300, 700, &tiles).unwrap().verify(&old, &head), Ok(()));
}

#[test]
fn a_proof_names_the_tile_that_it_lacks() {
    let needed = tiles_for_inclusion(0, 300).unwrap();
    assert_eq!(needed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tile/0/000", "tile/0/001.p/44"]);
    assert!(matches!(build_inclusion(0, 300, &TileMap::default()), Err(TileError::Missing { .. })));
    assert_eq!(build_inclusion(3, 3, &TileMap::default()), Err(TileError::NoSuchLeaf { index: 3, size: 3 }));
    assert_eq!(tiles_for_consistency(3, 2), Err(TileError::NoSuchPrefix { from: 3, to: 2 }));
    assert_eq!(tiles_for_consistency(0, 300), Ok(vec![]));
    assert_eq!(build_consistency(0, 300, &TileMap::default()).unwrap().hashes, []);
}
