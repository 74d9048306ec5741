//! The integration tests: one binary, so that they link once. Each file is one subject.

mod canonical;
mod foreign;
