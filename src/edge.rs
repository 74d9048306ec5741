//! The edge: what people and machines touch. Listeners, the command line, configuration and telemetry.
//!
//! Nothing is decided on this floor: it reads arguments and requests, calls what stands below, and words the answer.

pub mod cli;
pub mod config;
pub mod data_folder;
pub mod gateway;
pub mod http;
pub mod server;
pub mod telemetry;
