//! Hashes, keys and compact signatures.

pub mod hash;
pub mod jose;
pub mod keys;
