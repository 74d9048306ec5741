//! The node: an operator's living side. It issues, sequences, accepts, remembers peers and follows up.

pub mod decider;
pub mod issuer;
pub mod logbook;
pub mod operator;
pub mod policies;
pub mod sequencer;
