//! Writes what a check found for people: what is wrong first, what was repaired, what to do.

use super::table::{Table, left};
use crate::domain::column_role::ColumnRole;
use crate::domain::hint::{Step, StepText};
use crate::domain::text::{counted, grouped, is_invisible};
use crate::intake::{CheckReport, Problem, ProblemKind, Repair, RepairKind};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many rows of problems, and how many of repairs, are shown; the rest is counted.
const ROWS_SHOWN: usize = 20;

/// Words that stand out on a terminal, and nothing besides the words elsewhere.
#[derive(Clone, Copy, Debug)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }
}

/// The report on a file, as text; with escape sequences where `colour` asks for them.
#[must_use]
pub fn check_text(report: &CheckReport, file: &str, colour: bool, step_text: StepText) -> String {
    let paint = Paint { colour };
    let mut text = String::new();
    let verdict = if report.is_ok() {
        paint.good("ok")
    } else {
        paint.bad(&format!("refused, {} found", counted(report.problem_count, "problem")))
    };
    line(&mut text, &format!("{}: {verdict}", paint.bold(&visible(file))));
    facts(&mut text, report);
    let (whole, rows): (Vec<&Problem>, Vec<&Problem>) =
        report.problems.iter().partition(|problem| problem.row.is_none() || !problem.kind.skippable());
    whole_file(&mut text, paint, &whole);
    row_problems(&mut text, paint, report, &rows);
    repairs(&mut text, paint, report);
    if !report.warnings.is_empty() {
        line(&mut text, &format!("\n{}", paint.bold("Please look at")));
        report.warnings.iter().for_each(|warning| line(&mut text, &format!("  {}", visible(warning))));
    }
    line(&mut text, &format!("\n{}", closing(report, !whole.is_empty(), step_text)));
    text
}

/// What a stranger's file says, safe for a terminal: control characters could move its cursor, and invisible or
/// direction marks could make a number look like another.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\n' || c == '\r' {
                '⏎'
            } else if c.is_control() || is_invisible(c) {
                '·'
            } else {
                c
            }
        })
        .collect()
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// How the file was understood.
fn facts(text: &mut String, report: &CheckReport) {
    let Some(format) = &report.format else { return };
    let mut read_as = format.encoding.to_owned();
    if let Some(delimiter) = format.delimiter {
        let name = if delimiter == '\t' { "TAB".to_owned() } else { format!("«{delimiter}»") };
        let _ = write!(read_as, ", cells separated by {name}");
    }
    if let Some(sheet) = &format.sheet {
        let _ = write!(read_as, ", sheet «{}»", visible(sheet));
    }
    if format.header_row > 1 {
        let _ = write!(read_as, ", header in row {}", format.header_row);
    }
    line(text, &format!("  read as  {read_as}"));
    let width = format.columns.iter().map(|(meaning, _)| meaning.word().len()).max().unwrap_or(0);
    for (place, (meaning, header)) in format.columns.iter().enumerate() {
        let label = if place == 0 { "columns" } else { "" };
        line(text, &format!("  {label:<7}  {:<width$}  «{}»", meaning.word(), visible(header)));
    }
    let kept: Vec<String> = format
        .headers
        .iter()
        .filter(|header| is_kept(header, report))
        .map(|header| format!("«{}»", visible(header)))
        .collect();
    if !kept.is_empty() {
        line(text, &format!("  kept     {}, for the results only", kept.join(", ")));
    }
    sums(text, report);
}

/// Rows and points, and what they are of where not every row counts.
fn sums(text: &mut String, report: &CheckReport) {
    let all_valid = report.valid_rows == report.rows;
    let read = if report.stopped { " before reading stopped" } else { "" };
    let valid = if all_valid {
        String::new()
    } else {
        let whose = if report.valid_rows == 1 { "its" } else { "their" };
        format!(", of which {} without a problem of {whose} own", grouped(report.valid_rows))
    };
    line(text, &format!("  rows     {}{read}{valid}", grouped(report.rows)));
    let of = if all_valid { "" } else { " in those" };
    let total = match report.control_total {
        None => String::new(),
        Some((row, points)) if points == report.points => format!(", as the total in row {row} says"),
        Some((row, points)) => format!("; {} in all rows, as the total in row {row} says", grouped(points)),
    };
    line(text, &format!("  points   {}{of}{total}", grouped(report.points)));
}

fn is_kept(header: &str, report: &CheckReport) -> bool {
    let mapped = report.format.iter().flat_map(|format| &format.columns).any(|(_, named)| named == header);
    !header.is_empty() && !mapped
}

fn whole_file(text: &mut String, paint: Paint, problems: &[&Problem]) {
    if problems.is_empty() {
        return;
    }
    line(text, &format!("\n{}", paint.bad("The whole file")));
    for problem in problems.iter().take(ROWS_SHOWN) {
        let place = match (problem.row, &problem.column) {
            (Some(row), Some(column)) => format!("row {row}, {column}: "),
            (Some(row), None) => format!("row {row}: "),
            (None, _) => String::new(),
        };
        let found = if problem.found.is_empty() { String::new() } else { format!("«{}»: ", problem.found) };
        line(text, &visible(&format!("  {place}{found}{}", problem.message)));
    }
    rest(text, (problems.len() as u64).saturating_sub(ROWS_SHOWN as u64), "problem");
}

/// Things of one kind: their heading, how many there are, and the first of them.
struct Group<'r, T> {
    title: &'static str,
    count: u64,
    shown: Vec<&'r T>,
}

fn groups<'r, T, K: Ord + Copy>(
    items: impl Iterator<Item = &'r T>,
    kind: impl Fn(&T) -> K,
    title: impl Fn(K) -> &'static str,
    counts: &BTreeMap<K, u64>,
) -> Vec<Group<'r, T>> {
    let mut shown: BTreeMap<K, Vec<&'r T>> = BTreeMap::new();
    for item in items.take(ROWS_SHOWN) {
        shown.entry(kind(item)).or_default().push(item);
    }
    let of = |(kind, shown): (K, Vec<&'r T>)| Group {
        title: title(kind),
        count: counts.get(&kind).copied().unwrap_or(0),
        shown,
    };
    shown.into_iter().map(of).collect()
}

fn row_problems(text: &mut String, paint: Paint, report: &CheckReport, rows: &[&Problem]) {
    if rows.is_empty() {
        return;
    }
    line(text, &format!("\n{}", paint.bad("Rows to correct")));
    let groups = groups(rows.iter().copied(), |problem| problem.kind, ProblemKind::title, &report.problem_kinds);
    let shown: u64 = groups.iter().map(|group| group.shown.len() as u64).sum();
    for group in &groups {
        line(text, &format!("  {}", paint.bold(&format!("{} ({})", group.title, grouped(group.count)))));
        text.push_str(&table(group.shown.iter().map(|problem| problem_cells(problem))));
    }
    let of_rows: u64 = report.problem_kinds.iter().filter(|(kind, _)| kind.skippable()).map(|(_, count)| count).sum();
    rest(text, of_rows.saturating_sub(shown), "problem");
}

fn problem_cells(problem: &Problem) -> [String; 3] {
    let row = problem.row.map_or_else(String::new, |row| format!("row {row}"));
    let column = problem.column.clone().unwrap_or_default();
    let found = if problem.found.is_empty() { column } else { format!("{column} «{}»", problem.found) };
    [row, visible(&found), visible(&problem.message)]
}

fn repairs(text: &mut String, paint: Paint, report: &CheckReport) {
    if report.repairs.is_empty() {
        return;
    }
    line(text, &format!("\n{}", paint.bold("Read otherwise than written; please confirm")));
    let groups = groups(report.repairs.iter(), |repair| repair.kind, RepairKind::title, &report.repair_kinds);
    let shown: u64 = groups.iter().map(|group| group.shown.len() as u64).sum();
    for group in &groups {
        line(text, &format!("  {}", paint.bold(&format!("{} ({})", group.title, grouped(group.count)))));
        text.push_str(&table(group.shown.iter().map(|repair| repair_cells(repair))));
    }
    rest(text, report.repair_count.saturating_sub(shown), "repair");
}

fn repair_cells(repair: &Repair) -> [String; 3] {
    [format!("row {}", repair.row), format!("«{}»", visible(&repair.from)), format!("is read as {}", repair.to)]
}

fn rest(text: &mut String, count: u64, what: &str) {
    if count > 0 {
        line(text, &format!("  … and {} more; the JSON lists up to 1,000", counted(count, what)));
    }
}

fn table(rows: impl Iterator<Item = [String; 3]>) -> String {
    let mut table = Table::new(4, 2, [left(0); 3]);
    rows.for_each(|row| table.row(row));
    table.to_text()
}

fn closing(report: &CheckReport, is_whole_file: bool, step_text: StepText) -> String {
    if report.is_ok() {
        return ok_closing(report, step_text);
    }
    if is_whole_file {
        return "hint: nothing can be paid from this file as it is; do what is said above, and check it again."
            .to_owned();
    }
    format!(
        "hint: correct these rows in the spreadsheet, save it, and check it again; `{}` would pay the other rows only.",
        step_text(&Step::RunSkippingInvalid)
    )
}

fn ok_closing(report: &CheckReport, step_text: StepText) -> String {
    let has_notes = !(report.repairs.is_empty() && report.warnings.is_empty());
    let condition = if has_notes { ", if what is listed above is as you mean it" } else { "" };
    let mut text = format!("Nothing is wrong with this file{condition}.");
    let mut columns = report.format.iter().flat_map(|format| &format.columns);
    if !columns.any(|(meaning, _)| *meaning == ColumnRole::Reference) {
        text.push_str(" A column «reference» with a key of your own for every row would let you correct phones later.");
    }
    let _ = write!(
        text,
        "\nnext: `{}` with this file, the same options and the name of a batch shows the plan, and asks before it pays.",
        step_text(&Step::Run)
    );
    text
}
