//! What people and machines touch: the command line here, and everything that listens.
//!
//! Nothing is decided on this floor: it reads arguments and requests, calls what stands below, and words the answer.

pub mod cli;
