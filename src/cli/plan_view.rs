//! Words a plan before anything is asked, or why there is none: one line for each kind of row, then what is behind it.

use crate::app::{
    BatchName, ByState, DraftSummary, Mode, Problem, Refusal, RowKinds, Settings, Size, State, duration, grouped,
    hidden_cell,
};
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;

/// Problems and repairs that are printed for people; scripts get more of them.
const PRINTED_MAX: usize = 20;

/// What is about to be paid, for the person who decides.
pub(super) fn plan_text(settings: &Settings, name: &BatchName, plan: &DraftSummary) -> String {
    let mut text = format!("plan of batch {name}\n{}", kinds_text(&plan.kinds));
    let mut line = |label: &str, value: String| {
        let _ = writeln!(text, "  {label:<34}{value:>10}");
    };
    line("members to be paid", grouped(plan.members));
    line("largest payout", grouped(plan.largest));
    if plan.whole != plan.new {
        line("rows of the whole plan", grouped(plan.whole.rows));
        line("points of the whole plan", grouped(plan.whole.points));
    }
    if plan.without_pre_check > 0 {
        line("without pre-check", grouped(plan.without_pre_check));
    }
    // Settings that a run could not take were refused before anything was planned.
    if let Ok(rate_per_s) = settings.run_settings(Mode::Pay, plan.whole.points).map(|run| run.rate_per_s) {
        let requests = plan.new.rows * 2 - plan.without_pre_check;
        let expected = Duration::from_secs_f64(requests as f64 / rate_per_s);
        let _ = writeln!(text, "  expected duration {} at {rate_per_s} requests/s", duration(expected));
    }
    if let Ok(words) = settings.late_words() {
        let _ = writeln!(text, "  late top-ups: {words}");
    }
    let _ = writeln!(text, "  plan {}", plan.plan_sha256);
    for repair in plan.repairs.iter().take(PRINTED_MAX) {
        let [from, to] = [&repair.from, &repair.to].map(|value| hidden_cell(&repair.column, value));
        let _ = writeln!(text, "  row {}, {}: read {from:?} as {to:?}", repair.row, repair.column);
    }
    if plan.repair_count > PRINTED_MAX as u64 {
        let _ = writeln!(text, "  … {} cells were repaired in all", grouped(plan.repair_count));
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  note: {warning}");
    }
    text.push_str("points cannot be recalled once they are credited");
    text
}

/// The same for scripts.
pub(super) fn kinds_json(kinds: &RowKinds) -> serde_json::Value {
    let size = |size: Size| json!({"rows": size.rows, "points": size.points});
    json!({
        "new": size(kinds.new), "already_planned": size(kinds.known.all()), "changed": size(kinds.changed.all()),
        "gone": size(kinds.gone.all()), "another_key": kinds.another_key, "repeated": kinds.repeated,
        "doubled": kinds.doubled, "to_correct": kinds.to_correct, "skipped": kinds.skipped,
    })
}

/// One line for each kind of row that the file has, the new ones always.
fn kinds_text(kinds: &RowKinds) -> String {
    let mut text = format!("  {:<34}{:>10}{:>18}\n", "", "rows", "points");
    let mut line = |label: &str, rows: u64, points: Option<u64>| {
        let points = points.map(grouped).unwrap_or_default();
        let _ = writeln!(text, "{}", format!("  {label:<34}{:>10}{points:>18}", grouped(rows)).trim_end());
    };
    line("new", kinds.new.rows, Some(kinds.new.points));
    let mut some = |label: &str, rows: u64| {
        if rows > 0 {
            line(label, rows, None);
        }
    };
    some("  of these in another batch too", kinds.repeated);
    some("another key for a member", kinds.another_key);
    some("repeated in the file", kinds.doubled);
    some("to be corrected", kinds.to_correct);
    some("skipped", kinds.skipped);
    for (label, by_state) in [
        ("already in the plan", &kinds.known),
        ("changed since they were planned", &kinds.changed),
        ("gone from the file", &kinds.gone),
    ] {
        by_state_text(&mut text, label, by_state);
    }
    text
}

fn by_state_text(text: &mut String, label: &str, by_state: &ByState) {
    let mut line = |label: &str, Size { rows, points }: Size| {
        if rows > 0 {
            let _ = writeln!(text, "  {label:<34}{:>10}{:>18}", grouped(rows), grouped(points));
        }
    };
    line(label, by_state.all());
    for state in State::ALL {
        line(&format!("  of these {}", state.word().replace('_', " ")), by_state.of(state));
    }
}

/// What stands behind the message of a refusal: what the rows are, and the first problems.
pub(super) fn refusal_text(refusal: &Refusal) -> String {
    let mut text = String::new();
    if let Some(kinds) = &refusal.kinds {
        let _ = write!(text, "\n{}", kinds_text(kinds).trim_end());
    }
    for problem in refusal.problems.iter().take(PRINTED_MAX) {
        let _ = write!(text, "\n  {}", problem_line(&problem.masked()));
    }
    if refusal.problem_count > PRINTED_MAX as u64 && !refusal.problems.is_empty() {
        let more = refusal.problem_count.saturating_sub(PRINTED_MAX as u64);
        let _ = write!(text, "\n  … and {} more", grouped(more));
    }
    text
}

/// The same for scripts: all problems that are listed.
pub(super) fn refusal_json(refusal: &Refusal) -> serde_json::Value {
    let problems: Vec<serde_json::Value> =
        refusal.problems.iter().map(|problem| problem_json(&problem.masked())).collect();
    json!({"problem_count": refusal.problem_count, "problems": problems})
}

/// A problem as scripts read it.
pub(super) fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({"row": problem.row, "column": problem.column, "found": problem.found, "message": problem.message})
}

fn problem_line(problem: &Problem) -> String {
    let mut line = problem.row.map_or_else(|| "the file".to_owned(), |row| format!("row {row}"));
    let column = problem.column.as_deref().unwrap_or_default();
    if !column.is_empty() {
        let _ = write!(line, ", {column}");
    }
    if !problem.found.is_empty() {
        let _ = write!(line, ", {:?}", problem.found);
    }
    let _ = write!(line, ": {}", problem.message);
    line
}
