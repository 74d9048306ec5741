//! HTTP: the routers of both listeners, and what every request passes on its way.
//!
//! One file per resource. A handler parses, calls a room of the node and renders; it never reaches the store itself.

pub mod private;
pub mod problem;
pub mod public;
pub mod request;

use std::sync::Arc;

use crate::edge::config::Config;
use crate::edge::telemetry::Metrics;
use crate::node::Node;

/// What every handler may use.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The node.
    pub node: Arc<Node>,
    /// What is counted.
    pub metrics: Metrics,
}

impl App {
    /// Puts it together.
    pub fn new(config: Config, node: Arc<Node>) -> Self {
        Self { config, node, metrics: Metrics::new() }
    }
}
