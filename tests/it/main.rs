//! The integration tests: one binary, so that they link once. Each file is one subject.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests' own functions cannot do is a failed test, and a panic says where"
)]

mod cli;
