//! Paths of tiles, and what a log of a size serves under them.

use countersign::ground::crypto::hash::Digest;
use countersign::ground::log::tile::TileAddress;
use countersign::ground::problem::ProblemType;
use serde_json::{Value, json};

use super::case::{Case, case, fail};
use super::world::Log;

/// Reads the path of an input and, where it says how many entries the log has, the tile under it.
pub(crate) fn answer(input: &Value) -> Result<Value, ProblemType> {
    let tile: TileAddress = input["path"].as_str().unwrap().parse().map_err(|_| ProblemType::NotFound)?;
    let mut answer = json!({"result": "pass", "level": tile.level(), "index": tile.index(), "width": tile.width()});
    let Some(size) = input.get("size").and_then(Value::as_u64) else { return Ok(answer) };
    if !tile.is_within(size) {
        return Err(ProblemType::NotFound);
    }
    let log = Log::holding(None, size.try_into().unwrap());
    let whole = log.tiles.tile(tile.level(), tile.index()).unwrap();
    answer["digest"] = json!(Digest::of(&whole.cut(tile.width()).unwrap().bytes()));
    Ok(answer)
}

pub(crate) fn cases() -> Vec<Case> {
    let place = |path: &str, level: u8, index: u64, width: u16| {
        let expect = json!({"result": "pass", "level": level, "index": index, "width": width});
        case(path, "LOG-10", json!({"path": path}), expect)
    };
    let refused = |name: &str, path: &str| case(name, "LOG-10", json!({"path": path}), fail("not_found"));
    let served = |path: &str, size: u64| {
        let input = json!({"path": path, "size": size});
        let expect = answer(&input).unwrap();
        case(format!("{path} at {size}"), "LOG-09 LOG-11", input, expect)
    };
    let missing = |path: &str, size: u64| {
        let input = json!({"path": path, "size": size});
        case(format!("no {path} at {size}"), "LOG-09 LOG-11", input, fail("not_found"))
    };
    vec![
        place("tile/0/000", 0, 0, 256),
        place("tile/0/001.p/1", 0, 1, 1),
        place("tile/0/x001/000.p/255", 0, 1000, 255),
        place("tile/2/x001/x234/067", 2, 1_234_067, 256),
        place("tile/6/000.p/31", 6, 0, 31),
        refused("an empty path", ""),
        refused("a path without an index", "tile/0/"),
        refused("an index of one digit", "tile/0/1"),
        refused("an index of four digits", "tile/0/0000"),
        refused("a level with a leading zero", "tile/00/000"),
        refused("a level with a sign", "tile/+0/000"),
        refused("an index with a sign", "tile/0/+00"),
        refused("a width of 0", "tile/0/000.p/0"),
        refused("a width of 256", "tile/0/000.p/256"),
        refused("a width with a leading zero", "tile/0/000.p/01"),
        refused("no width", "tile/0/000.p/"),
        refused("two widths", "tile/0/000.p/1.p/1"),
        refused("a group of zeros before the index", "tile/0/x000/001"),
        refused("a first group without its mark", "tile/0/001/001"),
        refused("a last group with a mark", "tile/0/x001/x001"),
        refused("a slash at the end", "tile/0/000/"),
        refused("a slash at the beginning", "/tile/0/000"),
        refused("a tile of entries", "tile/entries/000"),
        refused("a level that no tree has", "tile/7/000"),
        refused("a tile wider than any tree", "tile/6/000.p/32"),
        served("tile/0/000", 600),
        served("tile/0/000.p/255", 600),
        served("tile/0/001", 600),
        served("tile/0/002.p/88", 600),
        served("tile/0/002.p/1", 600),
        served("tile/1/000.p/2", 600),
        served("tile/1/000.p/1", 600),
        missing("tile/0/002.p/89", 600),
        missing("tile/0/002", 600),
        missing("tile/0/003.p/1", 600),
        missing("tile/1/000.p/3", 600),
        missing("tile/1/000", 600),
        missing("tile/2/000.p/1", 600),
        missing("tile/0/000.p/1", 0),
    ]
}
