//! Words what a statement was found to say of a batch: a page for people, one JSON object for scripts.

use super::reconciliation::{Found, Kind, LISTED_MAX, Reconciliation, Tally};
use super::table::{Table, left, right};
use crate::domain::hint::{Step, StepText};
use crate::domain::payout_status::State;
use crate::domain::statement::{Difference, Line, ShownPhone};
use crate::domain::text::{counted, grouped};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Findings of each kind that are printed for people.
const PRINTED_MAX: usize = 20;

impl Reconciliation<'_> {
    /// One JSON object, as scripts rely on it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let tally = |tally: Tally| json!({"rows": tally.rows, "points": tally.points});
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("batch", json!(self.batch.name.as_str()));
        put("verdict", json!(if self.difference_count() == 0 { "equal" } else { "differ" }));
        put("equal", tally(self.equal));
        for kind in Kind::ALL {
            put(kind.word(), tally(self.of(kind).0));
        }
        put("on_neither", tally(self.nowhere));
        put("in_doubt", tally(self.in_doubt));
        put("credited", json!({"ledger": tally(self.credited_here), "statement": tally(self.credited_there)}));
        put(
            "lines",
            json!({"all": self.lines, "other_batches": self.other_batches, "other_programs": self.other_programs,
                   "without_number": self.without_number}),
        );
        put("plan_is_sealed", json!(self.is_sealed));
        put("difference_count", json!(self.difference_count()));
        let differences = Kind::ALL.into_iter().flat_map(|kind| self.of(kind).1.map(found_json));
        put("differences", differences.collect());
        put("warnings", json!(self.warnings));
        Value::Object(object)
    }

    /// A page for people.
    #[must_use]
    pub fn to_text(&self, statement: &str, step_text: StepText) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let count = self.difference_count();
        let verdict = if count == 0 { "they agree".to_owned() } else { counted(count, "difference") };
        let _ = writeln!(text, "{statement} against batch {}: {verdict}", self.batch.name);
        let mut table = Table::new(2, 0, [left(14), right(12), right(18)]);
        table.row(["", "payouts", "points"]);
        let mut row = |label: &str, tally: Tally, always: bool| {
            if tally.rows > 0 || always {
                table.row([label, &grouped(tally.rows), &grouped(tally.points)]);
            }
        };
        row("equal", self.equal, true);
        for kind in Kind::ALL {
            row(label(kind), self.of(kind).0, false);
        }
        row("on neither", self.nowhere, false);
        text.push_str(&table.to_text());
        let (here, there) = (self.credited_here, self.credited_there);
        let _ = writeln!(
            text,
            "credited: {} in {} by the ledger, {} in {} by the statement",
            counted(here.points, "point"),
            counted(here.rows, "payout"),
            counted(there.points, "point"),
            counted(there.rows, "line")
        );
        text.push_str(&self.elsewhere());
        if !self.is_sealed {
            text.push_str("THE PLAN: the payouts in the ledger are not those that it was sealed with\n");
        }
        for kind in Kind::ALL {
            self.section(kind, &mut text);
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "note: {warning}");
        }
        text.push_str(&self.next_steps(step_text));
        text
    }

    /// Lines that are not this batch's.
    fn elsewhere(&self) -> String {
        let mut parts = Vec::new();
        for (batch, lines) in &self.other_batches {
            parts.push(format!("{} of batch {batch}", grouped(*lines)));
        }
        if self.other_programs > 0 {
            parts.push(format!("{} of other programs", grouped(self.other_programs)));
        }
        if self.without_number > 0 {
            parts.push(format!("{} without a number", grouped(self.without_number)));
        }
        if parts.is_empty() {
            return String::new();
        }
        format!("left aside, of {}: {}\n", counted(self.lines, "line"), parts.join(", "))
    }

    fn section(&self, kind: Kind, text: &mut String) {
        let (tally, found) = self.of(kind);
        if tally.rows == 0 {
            return;
        }
        let _ = writeln!(text, "\n{}", heading(kind));
        for found in found.take(PRINTED_MAX) {
            let _ = writeln!(text, "  {}", found_line(found));
        }
        if tally.rows > PRINTED_MAX as u64 {
            let more = tally.rows - PRINTED_MAX as u64;
            let listed = grouped(LISTED_MAX as u64);
            let _ = writeln!(text, "  … and {} more: the JSON lists the first {listed} of a kind", grouped(more));
        }
    }

    /// What to type, or whom to ask.
    fn next_steps(&self, step_text: StepText) -> String {
        let name = self.batch.name.as_str();
        let resolve = step_text(&Step::Resolve(name.to_owned()));
        let mut text = String::new();
        let has = |wanted: fn(&Difference) -> bool| self.found.iter().any(|found| found.what.iter().any(wanted));
        if self.of(Kind::PaidTwice).0.rows > 0 || has(|it| *it == Difference::EarlierNumber) {
            text.push_str(
                "hint: raise what was paid twice with the provider at once, with the numbers above; run nothing of this batch \
                 before that is clear\n",
            );
        }
        if self.of(Kind::OnlyThere).0.rows > 0 {
            let _ = writeln!(
                text,
                "hint: another ledger of this merchant paid what is only there (name that one), or this ledger is \
                 an old copy: run nothing from it before that is clear"
            );
        }
        if has(|it| matches!(it, Difference::DoubtCredited | Difference::DoubtFailed)) {
            let _ = writeln!(text, "next: {resolve}   (a statement settles no doubt, the gateway's answer does)");
        }
        if has(|it| matches!(it, Difference::NotHere | Difference::FailedThere | Difference::NotThere)) {
            let _ = writeln!(
                text,
                "next: {}   (asks the gateway about every number)",
                step_text(&Step::Verify(Some(name.to_owned())))
            );
        }
        if self.in_doubt.rows > 0 {
            let _ = writeln!(
                text,
                "note: {}, {}, in doubt and not on the statement: that proves nothing; {resolve}",
                counted(self.in_doubt.rows, "payout"),
                counted(self.in_doubt.points, "point")
            );
        }
        text
    }
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::PaidTwice => "paid twice",
        Kind::OnlyThere => "only there",
        Kind::Different => "different",
        Kind::OnlyHere => "only here",
    }
}

fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::PaidTwice => "PAID TWICE: the statement credits these more than once",
        Kind::OnlyThere => "ONLY THERE: numbers of this program that this ledger never made",
        Kind::Different => "DIFFERENT: on the statement, and not as planned or recorded",
        Kind::OnlyHere => "ONLY HERE: credited by the ledger, and not on the statement (does it cover their time?)",
    }
}

fn found_line(found: &Found) -> String {
    let mut line = String::new();
    if let Some((row, reference, member, points, state)) = &found.payout {
        let reference = reference.as_ref().map(|reference| format!(" ({reference})")).unwrap_or_default();
        let _ =
            write!(line, "row {row}{reference}, {member}, {}, {}, ", counted((*points).into(), "point"), words(*state));
    }
    let _ = write!(line, "{}", found.number);
    let what: Vec<&str> = found.what.iter().map(|it| it.text()).chain(found.explained.as_deref()).collect();
    if !what.is_empty() {
        let _ = write!(line, ": {}", what.join("; "));
    }
    let lines: Vec<String> = found.lines.iter().map(|line| line_text(line, found)).collect();
    if !lines.is_empty() {
        let more = found.line_count.saturating_sub(lines.len() as u64);
        let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
        let _ = write!(line, " [{}{more}]", lines.join("; "));
    }
    if let Some(at) = found.credited_at.filter(|_| found.kind == Kind::OnlyHere).and_then(time) {
        let _ = write!(line, " [credited {at}]");
    }
    line
}

/// A line of the statement, as far as it says something that is not said already.
fn line_text(line: &Line, found: &Found) -> String {
    let mut text = format!("line {}: {}", line.row, line.status.word());
    if let Some(points) = line.points {
        let _ = write!(text, " {}", counted(points, "point"));
    }
    if let Some(phone) = &line.phone {
        let _ = write!(text, " to {}", phone.shown());
    }
    if line.number != found.number {
        let _ = write!(text, " under {}", line.number);
    }
    if let Some(time) = &line.time {
        let _ = write!(text, ", {time}");
    }
    text
}

fn words(state: State) -> &'static str {
    match state {
        State::InDoubt => "in doubt",
        State::Planned | State::Credited | State::Declined | State::Ineligible | State::Held | State::Cancelled => {
            state.word()
        }
    }
}

fn time(at: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(at).ok().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn found_json(found: &Found) -> Value {
    let lines: Vec<Value> = found
        .lines
        .iter()
        .map(|line| {
            json!({"row": line.row, "invoice_no": line.number.as_str(), "status": line.status.word(),
                   "points": line.points, "phone": line.phone.as_ref().map(ShownPhone::shown), "time": line.time})
        })
        .collect();
    let what: Vec<&str> = found.what.iter().map(|it| it.word()).collect();
    let message: Vec<&str> = found.what.iter().map(|it| it.text()).chain(found.explained.as_deref()).collect();
    let payout = found.payout.as_ref();
    json!({
        "kind": found.kind.word(),
        "row": payout.map(|payout| payout.0),
        "reference": payout.and_then(|payout| payout.1.as_deref()),
        "member": payout.map(|payout| payout.2.as_str()),
        "invoice_no": found.number.as_str(),
        "points": payout.map(|payout| payout.3),
        "state": payout.map(|payout| payout.4.word()),
        "credited_at": found.credited_at.and_then(time),
        "what": what,
        "message": message.join("; "),
        "line_count": found.line_count,
        "lines": lines,
    })
}
