//! What can be typed about a run beside what it pays: who looks on, and who is told.

use clap::Args;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Where to serve metrics.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Serve Prometheus metrics at http://ADDR/metrics while it runs, as in 127.0.0.1:9464; loopback only
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
}

/// How much of a plan is paid.
#[derive(Debug, Args)]
pub(crate) struct SliceArgs {
    /// Send at most so many points in this run, and leave the rest planned
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) stop_after: Option<u64>,
}

/// Whom to tell how a run ended.
#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// When the run ends, however it ends, run CMD through sh with the JSON of --json on its stdin, for at most 30 s
    #[arg(long, value_name = "CMD")]
    pub(crate) notify_command: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    /// Pay what is approved now, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Look into the ledger again after so many seconds, 0.01 to 86,400
    #[arg(long, value_name = "S", default_value = "5")]
    pub(crate) poll_s: Seconds,
    /// Go on with a batch that ended with payouts in doubt or planned after so many seconds, 0.01 to 86,400
    #[arg(long, value_name = "S", default_value = "600")]
    pub(crate) again_after_s: Seconds,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

/// A time in seconds, fractions allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.parse().ok().filter(|seconds| (0.01..=86_400.0).contains(seconds));
        let seconds = seconds.ok_or_else(|| format!("needs seconds from 0.01 to 86400, has {text:?}"))?;
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}
