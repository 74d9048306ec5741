//! Writes the test vectors of `tests/vectors`: `cargo run --example vectors`.
//!
//! Everything is made from fixed seeds, which the vectors publish: the keys are of no value. Results that a second
//! implementation must reach are written here by hand; only values that cannot be (digests, signatures) are computed.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a generator that cannot generate stops, and a panic says where"
)]

pub(crate) mod binding;
mod bundles;

mod canonical;
mod case;
pub(crate) mod checkpoints;
mod forgery;
mod json;
pub(crate) mod key_sets;
mod keys;
mod leaves;
mod proofs;
pub(crate) mod quorums;
mod receipts;
pub(crate) mod tiles;
pub(crate) mod verdicts;
mod world;

use std::path::Path;

use case::Case;

/// Every file of vectors: its name, and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let areas: [(&str, Vec<Case>); 13] = [
        ("binding", binding::cases()),
        ("bundles", bundles::cases()),
        ("canonical", canonical::cases()),
        ("checkpoints", checkpoints::cases()),
        ("json", json::cases()),
        ("key-sets", key_sets::cases()),
        ("keys", keys::cases()),
        ("leaves", leaves::cases()),
        ("proofs", proofs::cases()),
        ("quorums", quorums::cases()),
        ("receipts", receipts::cases()),
        ("tiles", tiles::cases()),
        ("verdicts", verdicts::cases()),
    ];
    areas.iter().map(|(area, cases)| (format!("{area}.json"), case::file(area, cases))).collect()
}

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    std::fs::create_dir_all(&folder)?;
    files().iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}
