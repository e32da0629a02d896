//! Sums a batch up: for scripts as JSON, for people as a few lines.

use super::in_doubt::DoubtList;
use super::table::{Table, left, right};
use super::words::duration;
use crate::domain::hint::{Step, StepText};
use crate::domain::payout_status::State;
use crate::domain::text::{counted, grouped};
use crate::engine::{CallKind, RunReport, Stop};
use crate::ledger::{Batch, Size, Total, Totals};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// How a batch stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every row credited.
    Complete,
    /// Finished; some declined, ineligible, held, cancelled or skipped.
    Partial,
    /// Some may or may not have been credited.
    InDoubt,
    /// Stopped early, for a reason.
    Stopped,
    /// The user ended the run.
    Interrupted,
    /// A run is going on.
    Running,
    /// Some wait to be paid.
    Planned,
}

impl Verdict {
    /// The word for it in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::InDoubt => "in_doubt",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Running => "running",
            Self::Planned => "planned",
        }
    }
}

/// What a command that sends, or only looks, knows beside the ledger.
#[derive(Clone, Copy, Debug)]
pub enum Run<'r> {
    /// The command made calls, or had none to make.
    Ended(&'r RunReport),
    /// The command only looked; whether a run is going on.
    Looked {
        /// A run is going on.
        running: bool,
    },
}

/// A batch, summed up.
#[derive(Clone, Debug)]
pub struct Summary<'s> {
    batch: &'s Batch,
    totals: &'s Totals,
    run: Run<'s>,
    doubts: DoubtList,
    /// What of the planned payouts waits for another person.
    waiting: Size,
}

impl<'s> Summary<'s> {
    /// Sums up a batch.
    #[must_use]
    pub fn new(batch: &'s Batch, totals: &'s Totals, run: Run<'s>) -> Self {
        Self { batch, totals, run, doubts: DoubtList::default(), waiting: Size::default() }
    }

    /// With what is in doubt listed.
    #[must_use]
    pub fn with_doubts(mut self, doubts: DoubtList) -> Self {
        self.doubts = doubts;
        self
    }

    /// With what of the planned payouts waits for another person.
    #[must_use]
    pub fn with_waiting(mut self, waiting: Size) -> Self {
        self.waiting = waiting;
        self
    }

    /// What is in doubt.
    pub(super) fn doubts(&self) -> &DoubtList {
        &self.doubts
    }

    /// Whether another run could change anything: pay what is planned, or settle what is in doubt.
    pub(super) fn has_work(&self) -> bool {
        self.totals.of(State::Planned).rows > self.waiting.rows || self.doubts.has_settling()
    }

    /// How the batch stands.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.run {
            Run::Ended(report) if report.interrupted => return Verdict::Interrupted,
            Run::Ended(report) if report.stop.is_some() => return Verdict::Stopped,
            Run::Looked { running: true } => return Verdict::Running,
            Run::Ended(_) | Run::Looked { running: false } => {}
        }
        let rows = |state| self.totals.of(state).rows;
        let closed = [State::Declined, State::Ineligible, State::Held, State::Cancelled];
        if rows(State::InDoubt) > 0 {
            Verdict::InDoubt
        } else if rows(State::Planned) > 0 {
            Verdict::Planned
        } else if closed.into_iter().any(|state| rows(state) > 0) || self.batch.skipped_rows > 0 {
            Verdict::Partial
        } else {
            Verdict::Complete
        }
    }

    /// Rows and points in a state.
    #[must_use]
    pub fn of(&self, state: State) -> Total {
        self.totals.of(state)
    }

    /// Why the run stopped early.
    #[must_use]
    pub fn stop(&self) -> Option<&'s Stop> {
        match self.run {
            Run::Ended(report) => report.stop.as_ref(),
            Run::Looked { .. } => None,
        }
    }

    /// One JSON object, as scripts rely on it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("batch", json!(self.batch.name.as_str()));
        put("verdict", json!(self.verdict().word()));
        put("rows", json!(self.batch.rows + self.batch.skipped_rows));
        put("points", json!(self.batch.points));
        put("plan", json!(self.batch.plan_sha256.to_string()));
        if let Some(day) = self.batch.purged_on() {
            put("purged_on", json!(day));
        }
        for state in State::ALL {
            let Total { rows, points, recovered } = self.totals.of(state);
            let total = match state {
                State::Credited => json!({"rows": rows, "points": points, "recovered": recovered}),
                State::Planned
                | State::InDoubt
                | State::Declined
                | State::Ineligible
                | State::Held
                | State::Cancelled => json!({"rows": rows, "points": points}),
            };
            put(state.word(), total);
        }
        put("skipped", json!({"rows": self.batch.skipped_rows}));
        let (requests, elapsed_s) = match self.run {
            Run::Looked { .. } => (Value::Null, Value::Null),
            Run::Ended(report) => {
                let counts: Map<String, Value> = CallKind::ALL
                    .into_iter()
                    .map(|kind| (kind.word().to_owned(), json!(report.requests.of(kind))))
                    .collect();
                (Value::Object(counts), json!((report.elapsed.as_secs_f64() * 1000.0).round() / 1000.0))
            }
        };
        put("requests", requests);
        put("elapsed_s", elapsed_s);
        put(
            "reason",
            self.stop().map_or(Value::Null, |stop| {
                let message = stop.message.split("\nhint: ").next().unwrap_or_default();
                json!({"code": stop.code.word(), "message": message})
            }),
        );
        Value::Object(object)
    }

    /// A few lines for people.
    #[must_use]
    pub fn to_text(&self, step_text: StepText) -> String {
        self.table() + &self.end(step_text)
    }

    /// The batch, its verdict, and payouts and points by state.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "batch {}: {}", self.batch.name, self.headline());
        let mut table = Table::new(2, 0, [left(11), right(11), right(16), left(0)]);
        table.row(["", "payouts", "points", ""]);
        for state in State::ALL {
            let Total { rows, points, recovered } = self.totals.of(state);
            let beside = match recovered {
                0 => String::new(),
                _ => format!("   ({} of them recovered: credited earlier)", grouped(recovered)),
            };
            if rows > 0 {
                table.row([label(state).to_owned(), grouped(rows), grouped(points), beside]);
            }
        }
        if self.batch.skipped_rows > 0 {
            table.row(["skipped", &grouped(self.batch.skipped_rows), "", ""]);
        }
        table.row(["in all", &grouped(self.batch.rows), &grouped(self.batch.points), ""]);
        text.push_str(&table.to_text());
        if let Some(day) = self.batch.purged_on() {
            let _ = writeln!(text, "purged on {day}: names and phones are removed, what became of each payout is kept");
        }
        text
    }

    /// What the run did, where the history ends, and what to type next.
    fn end(&self, step_text: StepText) -> String {
        let mut text = String::new();
        if let Run::Ended(report) = self.run {
            let of = |kind| grouped(report.requests.of(kind));
            let _ = writeln!(
                text,
                "requests: {} member info, {} top-up, {} order status, in {}",
                of(CallKind::MemberInfo),
                of(CallKind::TopUp),
                of(CallKind::OrderStatus),
                duration(report.elapsed)
            );
        }
        text.push_str(&self.history_end());
        text.push_str(&self.next_step(step_text));
        text
    }

    /// What to keep, so that a history that was cut off shows.
    pub(super) fn history_end(&self) -> String {
        format!("history ends with {}\n", &self.batch.chain_head.to_string()[..16])
    }

    /// The batch that is summed up.
    pub(super) fn batch(&self) -> &'s Batch {
        self.batch
    }

    fn headline(&self) -> String {
        match self.verdict() {
            Verdict::Complete => "complete, every payout is credited".to_owned(),
            Verdict::Partial => "finished, and some payouts were not paid".to_owned(),
            Verdict::InDoubt => "some payouts may or may not have been credited".to_owned(),
            Verdict::Stopped => format!(
                "stopped early: {}",
                self.stop().map_or("", |stop| stop.message.split("\nhint: ").next().unwrap_or_default())
            ),
            Verdict::Interrupted => "interrupted, and everything is recorded".to_owned(),
            Verdict::Running => "a run is going on".to_owned(),
            Verdict::Planned => "planned, and not all of it paid yet".to_owned(),
        }
    }

    /// The points at stake, if any are.
    pub(super) fn at_stake(&self) -> String {
        let in_doubt = self.totals.of(State::InDoubt);
        if in_doubt.rows == 0 {
            return String::new();
        }
        format!(
            "{}, {}, may or may not have been credited: none of it is sent again until the gateway \
             says what became of it\n",
            counted(in_doubt.rows, "payout"),
            counted(in_doubt.points, "point")
        )
    }

    /// What to type next, if anything.
    fn next_step(&self, step_text: StepText) -> String {
        let name = &self.batch.name;
        let mut text = self.at_stake() + &self.doubts.settling_text();
        let hint = self.stop().and_then(|stop| stop.message.split_once("\nhint: ")).map(|(_, hint)| hint);
        match self.verdict() {
            Verdict::Complete | Verdict::Running => {}
            Verdict::Partial => {
                let _ =
                    writeln!(text, "who was not paid, and why: {}", step_text(&Step::Status(Some(name.to_string()))));
            }
            Verdict::Stopped => {
                if let Some(hint) = hint {
                    let _ = writeln!(text, "hint: {hint}");
                }
                if self.has_work() {
                    let _ = writeln!(text, "next: {}", step_text(&Step::Resume(Some(name.to_string()))));
                }
            }
            Verdict::InDoubt | Verdict::Interrupted | Verdict::Planned => {
                if self.has_work() {
                    let _ = writeln!(text, "next: {}", step_text(&Step::Resume(Some(name.to_string()))));
                }
            }
        }
        if self.waiting.rows > 0 {
            let _ = writeln!(
                text,
                "{}, {}, wait for another person's approval: {}",
                counted(self.waiting.rows, "payout"),
                counted(self.waiting.points, "point"),
                step_text(&Step::Approve(name.to_string(), self.batch.plan_sha256.to_string()))
            );
        }
        text + &self.doubts.to_text(name, step_text)
    }
}

/// A state's word with a blank, as people write it.
pub fn label(state: State) -> &'static str {
    match state {
        State::InDoubt => "in doubt",
        State::Planned | State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled => {
            state.word()
        }
    }
}
