//! Shows how a run goes on: a bar on a terminal, a line every ten seconds elsewhere, and the log.

use super::logging;
use super::output::Output;
use crate::domain::payout_status::State;
use crate::engine::{RunEvent, StopCode};
use crate::ledger::Totals;
use crate::report::{duration, grouped};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Columns that the details of a large batch need beside each other.
const COLUMNS_WIDE: usize = 80;

/// The progress of one run.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    counts: Arc<Mutex<Counts>>,
    bar: ProgressBar,
    output: Output,
    /// Whether what happens is recorded for good; a rehearsal and a dry run leave nothing behind.
    is_kept: bool,
}

#[derive(Clone, Debug)]
struct Counts {
    started: Instant,
    rows: u64,
    /// Rows that need nothing further.
    done: u64,
    done_before: u64,
    credited_points: u64,
    in_doubt: u64,
    in_doubt_points: u64,
    calls: u64,
    /// What stands between the parts of the details: a line's end where they do not fit beside each other.
    glue: &'static str,
}

impl Progress {
    /// Begins with what the ledger says; `is_kept`: whether that ledger lasts.
    pub(super) fn new(totals: &Totals, output: Output, is_kept: bool) -> Self {
        let open = [State::Planned, State::InDoubt].map(|state| totals.of(state).rows).iter().sum::<u64>();
        let done = totals.rows() - open;
        let counts = Counts {
            started: Instant::now(),
            rows: totals.rows(),
            done,
            done_before: done,
            credited_points: totals.of(State::Credited).points,
            in_doubt: totals.of(State::InDoubt).rows,
            in_doubt_points: totals.of(State::InDoubt).points,
            calls: 0,
            glue: if Output::notes_width().is_some_and(|columns| columns < COLUMNS_WIDE) { "\n" } else { ", " },
        };
        let on_terminal = std::io::stderr().is_terminal() && !output.quiet && open > 0;
        let bar = if on_terminal { bar(&counts) } else { ProgressBar::hidden() };
        if on_terminal {
            logging::write_above(&bar);
        }
        Self { counts: Arc::new(Mutex::new(counts)), bar, output, is_kept }
    }

    /// Prints a line now and then while the run goes on; ends with it.
    pub(super) async fn print_lines(self) {
        if !self.bar.is_hidden() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LINE_EVERY).await;
            self.output.note(&self.counts().line());
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A note above the bar.
    fn say(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) fn apply(&self, event: &RunEvent) {
        match event {
            RunEvent::CallBegan { .. } => {}
            RunEvent::CallEnded { kind, request_id, row, http, code, departed, latency, message } => {
                self.counts().calls += 1;
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
                self.moved(u64::from(*points), *from, *to);
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
                "{in_doubt} top-ups in a row ended without a definite answer: no new top-ups until order status has \
                 settled what is in doubt"
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

    fn moved(&self, points: u64, from: State, to: State) {
        let counts = &mut *self.counts();
        let is_open = |state| matches!(state, State::Planned | State::InDoubt);
        match (is_open(from), is_open(to)) {
            (true, false) => counts.done += 1,
            (false, true) => counts.done -= 1,
            (true, true) | (false, false) => {}
        }
        if to == State::Credited {
            counts.credited_points += points;
        }
        if from == State::InDoubt {
            counts.in_doubt = counts.in_doubt.saturating_sub(1);
            counts.in_doubt_points = counts.in_doubt_points.saturating_sub(points);
        }
        if to == State::InDoubt {
            counts.in_doubt += 1;
            counts.in_doubt_points += points;
        }
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(counts.done);
        self.bar.set_message(counts.details());
    }
}

impl Counts {
    /// Points, what is in doubt, rate and time left.
    fn details(&self) -> String {
        let glue = self.glue;
        let elapsed = self.started.elapsed().as_secs_f64();
        let new = self.done - self.done_before;
        let left = if new > 0 && self.rows > self.done {
            let left_s = elapsed / new as f64 * (self.rows - self.done) as f64;
            format!("{glue}{} left", duration(Duration::from_secs_f64(left_s)))
        } else {
            String::new()
        };
        format!(
            "{} points{glue}{} in doubt ({} points){glue}{:.0} calls/s{left}",
            grouped(self.credited_points),
            grouped(self.in_doubt),
            grouped(self.in_doubt_points),
            self.calls as f64 / elapsed.max(0.001),
        )
    }

    fn line(&self) -> String {
        format!("{} of {} rows, {}", grouped(self.done), grouped(self.rows), self.details())
    }
}

fn bar(counts: &Counts) -> ProgressBar {
    let bar = ProgressBar::new(counts.rows).with_position(counts.done);
    let template = if counts.glue == "\n" {
        "{wide_bar} {pos}/{len} rows\n{msg}"
    } else {
        "{wide_bar} {pos}/{len} rows\n{wide_msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(counts.details());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
