//! The edge: what people and machines touch. Listeners, the command line, configuration and telemetry.

pub mod config;
pub mod data_folder;
pub mod gateway;
pub mod http;
pub mod server;
pub mod telemetry;
