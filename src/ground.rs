//! The pure ground: formats, signatures, the Merkle log's mathematics, policy and verdicts.
//!
//! Nothing here reads a clock, a socket, a file or a source of randomness, and nothing is async: whatever the world
//! knows comes in as an argument. Everything that decides whether evidence holds lives here once, and the node, the
//! command line, the auditor and the tests all call it.

pub mod agent;
pub mod bundle;
pub mod canonical;
pub mod crypto;
pub mod discovery;
pub mod effect;
pub mod evidence;
pub mod keyset;
pub mod kind;
pub mod limits;
pub mod log;
pub mod message_signature;
pub mod name;
#[cfg(feature = "node")]
pub mod policy;
pub mod problem;
pub mod question;
pub mod receipt;
pub mod report;
pub mod trust;
pub mod utc;
pub mod verdict;
