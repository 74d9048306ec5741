//! Countersign: evidence between operators of AI agents.
//!
//! The crate has four floors, and its arrows point only downward: [`ground`] is pure; `io` holds the stores and the
//! client; `node` is the living operator; `edge` is what people and machines touch. Built with
//! `--no-default-features` it is the verifier alone.

#![cfg_attr(test, expect(clippy::string_slice, reason = "tests cut texts that they wrote themselves"))]

#[cfg(feature = "node")]
pub mod edge;
pub mod ground;
#[cfg(feature = "node")]
pub mod io;
#[cfg(feature = "node")]
pub mod node;
