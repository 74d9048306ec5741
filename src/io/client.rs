//! The client for other operators' nodes.

mod address;

pub use address::{AddressRules, Network, NetworkError};
