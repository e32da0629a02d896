//! What can be typed about a run beside what it pays: who looks on, and who is told.

use clap::Args;
use std::net::SocketAddr;

/// Where to serve metrics.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Serve Prometheus metrics at http://ADDR/metrics while it runs, as in 127.0.0.1:9464; loopback only
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
}

/// Whom to tell how a run ended.
#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// When the run ends, however it ends, run CMD through sh with the JSON of --json on its stdin, for at most 30 s
    #[arg(long, value_name = "CMD")]
    pub(crate) notify_command: Option<String>,
}
