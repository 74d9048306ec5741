//! Hashes, keyed commitments, keys and compact signatures.

pub mod hash;
