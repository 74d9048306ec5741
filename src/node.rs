//! The node: an operator's living side. It issues, sequences, accepts, remembers peers and follows up.

pub mod decider;
pub mod directory;
pub mod followup;
pub mod issuer;
pub mod logbook;
pub mod observation;
pub mod operator;
pub mod policies;
pub mod sequencer;
