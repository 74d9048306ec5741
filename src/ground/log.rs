//! The transparency log: an RFC 6962 Merkle tree in the formats of C2SP.
//!
//! One module per format: [`merkle`] is the tree and the strict verification of its proofs, [`tile`] how it is stored
//! and served, [`note`] signed notes, [`checkpoint`] signed and dated tree heads, [`proof`] what a holder of an entry
//! carries away, [`witness`] who else saw a checkpoint and whether that is enough.
//!
//! `spec/log.md` holds the rules; comments name them (`LOG-07`). Out of scope: what an entry stands for (the log knows
//! digests, never receipts), where tiles are kept, and when a checkpoint is made.

pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod tile;
pub mod witness;
