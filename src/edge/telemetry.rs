//! What the node tells about itself: log lines and metrics.
//!
//! Labels of metrics come from closed sets only, never from what a peer or a client sends. Never logged: bodies,
//! tokens, nonces, keys. Out of scope: receipts, which are evidence and not telemetry.

mod metrics;

use std::io::IsTerminal as _;

pub use metrics::{ListenerName, Metrics, Snapshot};
use tracing_subscriber::EnvFilter;

/// The environment variable that says what is logged, such as `info` or `countersign=debug`.
pub const LOG_VARIABLE: &str = "COUNTERSIGN_LOG";

/// Starts logging to standard error: lines for people on a terminal, JSON anywhere else. Does nothing the second time.
pub fn start_logging() {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Somebody else may log already, in tests and in programs that embed the node.
    let _already =
        if std::io::stderr().is_terminal() { lines.try_init() } else { lines.json().flatten_event(true).try_init() };
}
