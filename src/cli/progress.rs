//! Shows how a run goes on: a bar on a terminal, a line every ten seconds elsewhere, and the log.

use super::logging;
use super::output::Output;
use crate::app::counts::{Counts, LiveCounts};
use crate::app::{RunEvent, State, StopCode, counted, duration, grouped};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Columns that the details of a large batch need beside each other.
const COLUMNS_WIDE: usize = 80;

/// The progress of one run.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    counts: LiveCounts,
    /// What stands between the parts of the details: a line's end where they do not fit beside each other.
    glue: &'static str,
    bar: ProgressBar,
    output: Output,
    /// Whether what happens is recorded for good; a rehearsal and a dry run leave nothing behind.
    is_kept: bool,
}

impl Progress {
    /// Shows these numbers; `is_kept`: whether the run's ledger lasts.
    pub(super) fn new(counts: LiveCounts, output: Output, is_kept: bool) -> Self {
        let glue = if Output::notes_width().is_some_and(|columns| columns < COLUMNS_WIDE) { "\n" } else { ", " };
        let now = counts.now();
        let on_terminal = std::io::stderr().is_terminal() && !output.quiet && now.done() < now.rows();
        let bar = if on_terminal { bar(&now, glue) } else { ProgressBar::hidden() };
        if on_terminal {
            logging::write_above(&bar);
        }
        Self { counts, glue, bar, output, is_kept }
    }

    /// Prints a line now and then while the run goes on; ends with it.
    pub(super) async fn print_lines(&self) {
        if !self.bar.is_hidden() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LINE_EVERY).await;
            let line = self.counts.with(|counts| {
                format!("{} of {} rows, {}", grouped(counts.done()), grouped(counts.rows()), details(counts, self.glue))
            });
            self.output.note(&line);
        }
    }

    /// A note above the bar.
    fn say(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::CallBegan { .. } => {}
            RunEvent::CallEnded { kind, request_id, row, http, code, departed, latency, message } => {
                let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
                let departed_us = departed.map(|departed| u64::try_from(departed.as_micros()).unwrap_or(u64::MAX));
                tracing::debug!(
                    call = kind.word(),
                    request_id,
                    row,
                    http,
                    code,
                    departed_us,
                    latency_ms,
                    said = message,
                    "call ended"
                );
            }
            RunEvent::Moved { row, points, from, to } => {
                tracing::info!(row, points, from = from.word(), to = to.word(), "payout moved");
                self.move_bar();
            }
            RunEvent::NameDiffers { row } => {
                tracing::warn!(row, "the member has another name than the file says, and is paid (names = \"warn\")");
            }
            RunEvent::NameMissing { row } => {
                tracing::warn!(row, "the gateway gives no name to compare with the file's, and the member is paid");
            }
            RunEvent::GatewayAhead => self.say(
                "the gateway knows an invoice_no that this ledger never sent: was the ledger lost, or restored from a \
                 backup?\nfrom here on order status is asked before every first send; what was credited already is \
                 counted as recovered",
            ),
            RunEvent::CanaryConfirmed => tracing::info!("the first payouts are confirmed by order status"),
            RunEvent::SlowedDown { rate_per_s } => {
                tracing::warn!("the gateway asks for less: slowed down to {rate_per_s:.1} requests/s");
            }
            RunEvent::Unavailable { http, pause } => self.say(&format!(
                "HTTP {http} without a code of the gateway's own is all that comes back: no calls for {}",
                duration(*pause)
            )),
            RunEvent::Paused { in_doubt } => self.say(&format!(
                "{} in a row ended without a definite answer: no new top-ups until order status has \
                 settled what is in doubt",
                counted((*in_doubt).into(), "top-up")
            )),
            RunEvent::Probing { row } => self.say(&format!(
                "the gateway answered about everything that was in doubt: row {row} is tried alone, to see whether \
                 it answers top-ups again"
            )),
            RunEvent::ProbeFailed => self.say("no definite answer: no other top-ups for now"),
            RunEvent::WentOn => self.say("the gateway answers top-ups again: the run goes on"),
            RunEvent::Stopping(stop) if stop.code == StopCode::Unfinished => {}
            RunEvent::Stopping(stop) => self.say(&format!("no new top-ups: {stop}")),
            RunEvent::Interrupted if self.is_kept => self.say(
                "interrupted: waiting for the calls that are under way, everything is recorded\nonce more leaves at \
                 once; both resume cleanly",
            ),
            RunEvent::Interrupted => self.say(
                "interrupted: waiting for the calls that are under way; nothing was paid, and nothing is kept\nonce \
                 more leaves at once",
            ),
        }
    }

    fn move_bar(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let (done, details) = self.counts.with(|counts| (counts.done(), details(counts, self.glue)));
        self.bar.set_position(done);
        self.bar.set_message(details);
    }
}

/// How far questions to the gateway have come, where a command only asks.
#[derive(Debug)]
pub(super) struct Asking {
    output: Output,
    all: u64,
    bar: ProgressBar,
    said_at: Instant,
}

impl Asking {
    /// Begins with so many questions.
    pub(super) fn new(output: Output, all: u64) -> Self {
        let on_terminal = std::io::stderr().is_terminal() && !output.quiet && all > 0;
        let bar = if on_terminal { ProgressBar::new(all) } else { ProgressBar::hidden() };
        if on_terminal && let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} numbers, {eta} left") {
            bar.set_style(style);
        }
        Self { output, all, bar, said_at: Instant::now() }
    }

    /// So many are answered.
    pub(super) fn at(&mut self, answered: u64) {
        self.bar.set_position(answered);
        if answered >= self.all {
            self.bar.finish_and_clear();
        } else if self.bar.is_hidden() && self.said_at.elapsed() >= LINE_EVERY {
            self.said_at = Instant::now();
            self.output.note(&format!("{} of {} numbers", grouped(answered), grouped(self.all)));
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Points, what is in doubt, rate and time left.
fn details(counts: &Counts, glue: &str) -> String {
    let elapsed = counts.started.elapsed().as_secs_f64();
    let (rows, done) = (counts.rows(), counts.done());
    let new = done.saturating_sub(counts.done_before);
    let left = if new > 0 && rows > done {
        let left_s = elapsed / new as f64 * (rows - done) as f64;
        format!("{glue}{} left", duration(Duration::from_secs_f64(left_s)))
    } else {
        String::new()
    };
    format!(
        "{} points{glue}{} in doubt ({} points){glue}{:.0} calls/s{left}",
        grouped(counts.points[State::Credited as usize]),
        grouped(counts.payouts[State::InDoubt as usize]),
        grouped(counts.points[State::InDoubt as usize]),
        counts.calls() as f64 / elapsed.max(0.001),
    )
}

fn bar(counts: &Counts, glue: &str) -> ProgressBar {
    let bar = ProgressBar::new(counts.rows()).with_position(counts.done());
    let template =
        if glue == "\n" { "{wide_bar} {pos}/{len} rows\n{msg}" } else { "{wide_bar} {pos}/{len} rows\n{wide_msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(details(counts, glue));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
