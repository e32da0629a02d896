//! Sends what the run tells to stderr and, with `--log`, to a file as JSON lines.

use crate::app::{Ending, Failure, output_file, private_file};
use anyhow::Context as _;
use indicatif::ProgressBar;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// The bar that is on the screen: a log line goes above it, not through it.
static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// Puts log lines above this bar from now on.
pub(super) fn write_above(bar: &ProgressBar) {
    let _ = BAR.set(bar.clone());
}

/// Starts logging. Own events only: other crates' could hold what must not be written down.
pub(super) fn start(quiet: bool, verbose: u8, log: Option<&Path>, ledger: Option<&Path>) -> Result<(), Failure> {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let own = |level| tracing_subscriber::filter::Targets::new().with_target("topup", level);
    let ansi = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let stderr =
        fmt::layer().with_writer(|| AboveBar).with_ansi(ansi).without_time().with_target(false).with_filter(own(level));
    if let Some(path) = log {
        output_file::regular_and_no_ledger(path, ledger)?;
    }
    let file = log.map(|path| {
        private_file::options()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("opening the log {}", path.display()))
    });
    let file = file.transpose().map_err(|error| Failure::new(Ending::Usage, "log", error))?;
    let file = file.map(|file| {
        // A log that cannot be written any more must not end a run: the history is in the ledger.
        let writer = std::sync::Mutex::new(file);
        fmt::layer().json().log_internal_errors(false).with_writer(writer).with_filter(own(LevelFilter::DEBUG))
    });
    // A second start in one process (tests) keeps the first.
    let _ = Registry::default().with(stderr).with(file).try_init();
    Ok(())
}

struct AboveBar;

impl Write for AboveBar {
    /// Never fails: what cannot be shown is no reason to say so on the same screen, where saying it would panic.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = match BAR.get() {
            Some(bar) => bar.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        };
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
