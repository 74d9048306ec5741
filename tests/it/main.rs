//! The integration tests: one binary, so that they link once. Each file is one subject.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what the tests' own functions cannot do is a failed test, and a panic says where"
)]

mod audit;
mod canonical;
mod cli;
mod commands;
mod edge;
mod foreign;
mod keys;
mod log;
mod message_signature;
mod problems;
mod readme;
mod rules;
mod schemas;
mod tidy;
mod vectors;
mod write_path;
