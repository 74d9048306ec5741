//! The node: an operator's living side. It issues, sequences, accepts, remembers peers and follows up.

pub mod acceptor;
pub mod audit;
pub mod bundles;
pub mod decider;
pub mod directory;
pub mod followup;
pub mod issuer;
pub mod logbook;
pub mod observation;
pub mod operator;
pub mod outcomes;
pub mod policies;
pub mod rate;
pub mod sequencer;
