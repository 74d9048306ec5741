//! The node: an operator's living side. It issues, sequences, accepts, remembers peers and follows up.

pub mod issuer;
pub mod logbook;
pub mod operator;
pub mod sequencer;
