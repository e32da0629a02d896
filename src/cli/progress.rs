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

/// How often the bar says anew what is waited for.
const REFRESH_EVERY: Duration = Duration::from_millis(500);
/// From so long on the gateway's silence is told.
const SILENT: Duration = Duration::from_secs(5);
/// From so long on a wait is told.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Columns that the details of a large batch need beside each other.
const COLUMNS_WIDE: usize = 80;

/// The progress of one run.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    counts: LiveCounts,
    /// What stands between the parts of the details: a line's end where they do not fit beside each other.
    glue: &'static str,
    host: String,
    bar: ProgressBar,
    output: Output,
    /// Whether what happens is recorded for good; a rehearsal and a dry run leave nothing behind.
    is_kept: bool,
}

impl Progress {
    /// Shows these numbers; `host`: who is asked; `is_kept`: whether the run's ledger lasts.
    pub(super) fn new(counts: LiveCounts, output: Output, host: String, is_kept: bool) -> Self {
        let glue = if Output::notes_width().is_some_and(|columns| columns < COLUMNS_WIDE) { "\n" } else { ", " };
        let now = counts.now();
        let on_terminal = std::io::stderr().is_terminal() && !output.quiet && now.done() < now.rows();
        let bar = if on_terminal { bar(&now, glue, &host) } else { ProgressBar::hidden() };
        if on_terminal {
            logging::write_above(&bar);
        }
        Self { counts, glue, host, bar, output, is_kept }
    }

    /// Prints a line now and then while the run goes on; ends with it.
    pub(super) async fn print_lines(&self) {
        // What is waited for changes while nothing happens.
        while !self.bar.is_hidden() {
            tokio::time::sleep(REFRESH_EVERY).await;
            self.move_bar();
        }
        loop {
            tokio::time::sleep(LINE_EVERY).await;
            let line = self.counts.with(|counts| {
                let details = details(counts, self.glue, &self.host);
                format!("{} of {} rows, {details}", grouped(counts.done()), grouped(counts.rows()))
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
            RunEvent::CallBegan { .. } | RunEvent::Waiting { .. } => {}
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
        let (done, details) = self.counts.with(|counts| (counts.done(), details(counts, self.glue, &self.host)));
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

/// Points, calls under way, what is in doubt; then what is waited for, or rate and time left of the last seconds.
fn details(counts: &Counts, glue: &str, host: &str) -> String {
    let (in_doubt, under_way) = counts.in_doubt_and_under_way();
    let mut parts = vec![
        counted(counts.points[State::Credited as usize], "point"),
        format!("{} under way", grouped(under_way)),
        format!("{} in doubt", grouped(in_doubt)),
    ];
    let silent = counts.unanswered_since.map(|since| since.elapsed()).filter(|silent| *silent >= SILENT);
    let wait =
        counts.next_call.map(|at| at.saturating_duration_since(Instant::now())).filter(|wait| *wait >= WORTH_TELLING);
    match (silent, wait) {
        (Some(silent), _) => parts.push(format!("no answer from {host} for {} s, trying on", silent.as_secs())),
        (None, Some(wait)) => {
            // Rounded up: what is due in 0 s has been asked.
            let (s, what) = (wait.as_secs() + 1, if in_doubt > 0 { "asked again" } else { "the next call" });
            parts.push(format!("{what} in {s} s"));
        }
        (None, None) => {
            parts.push(format!("{:.0} calls/s", counts.rate()));
            parts.extend(counts.left().map(|left| format!("{} left", duration(left))));
        }
    }
    if let (None, Some(_), true) = (silent, wait, in_doubt > 0) {
        // "1 in doubt: asked again in 42 s"
        let wait = parts.pop().unwrap_or_default();
        let doubt = parts.pop().unwrap_or_default();
        parts.push(format!("{doubt}: {wait}"));
    }
    parts.join(glue)
}

fn bar(counts: &Counts, glue: &str, host: &str) -> ProgressBar {
    let bar = ProgressBar::new(counts.rows()).with_position(counts.done());
    let template =
        if glue == "\n" { "{wide_bar} {pos}/{len} rows\n{msg}" } else { "{wide_bar} {pos}/{len} rows\n{wide_msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(details(counts, glue, host));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{CallKind, Totals};

    fn moved(from: State, to: State) -> RunEvent {
        RunEvent::Moved { row: 2, points: 100, from, to }
    }

    fn counts() -> Counts {
        let mut counts = Counts::new(&Totals::default());
        counts.payouts[State::Planned as usize] = 3;
        for _ in 0..2 {
            counts.apply(&moved(State::Planned, State::InDoubt));
        }
        counts
    }

    #[test]
    fn calls_under_way_stand_apart_from_what_is_in_doubt() {
        let mut counts = counts();
        counts.apply(&RunEvent::CallBegan { kind: CallKind::TopUp });
        counts.apply(&RunEvent::CallBegan { kind: CallKind::MemberInfo });
        assert_eq!(details(&counts, ", ", "gateway.example"), "0 points, 2 under way, 1 in doubt, 0 calls/s");
    }

    #[test]
    fn what_is_waited_for_is_said() {
        let mut counts = counts();
        counts.apply(&RunEvent::Waiting { span: Duration::from_millis(41_500) });
        assert_eq!(details(&counts, ", ", "gateway.example"), "0 points, 0 under way, 2 in doubt: asked again in 42 s");
        counts.apply(&RunEvent::CallBegan { kind: CallKind::OrderStatus });
        counts.unanswered_since = Instant::now().checked_sub(Duration::from_secs(7));
        let said = details(&counts, ", ", "gateway.example");
        assert!(said.ends_with(", 2 in doubt, no answer from gateway.example for 7 s, trying on"), "{said}");
    }

    #[test]
    fn rate_and_time_left_are_those_of_the_last_seconds() {
        let mut counts = counts();
        // Long ago it was fast; lately it is not.
        counts.started = Instant::now().checked_sub(Duration::from_secs(100)).unwrap_or_else(Instant::now);
        assert!(details(&counts, ", ", "h").ends_with("2 in doubt, 0 calls/s"), "nothing was settled lately");
        counts.apply(&moved(State::InDoubt, State::Credited));
        let said = details(&counts, ", ", "h");
        assert!(said.starts_with("100 points, ") && said.ends_with(" left"), "{said}");
    }
}
