//! Reads and judges a whole file without a ledger: what `topup check` says.

use super::duplicates::Duplicates;
use super::format::Format;
use super::options::IntakeOptions;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::repair::{Repair, RepairKind};
use super::stream::{Intake, Item, Step, open};
use crate::domain::text::{counted, grouped};
use std::collections::BTreeMap;
use std::path::Path;

/// The most problems, and the most repairs, that are listed; the rest is counted.
pub const LISTED_MAX: usize = 1000;

/// What a file is found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// How the file is laid out, where that could be found out.
    pub format: Option<Format>,
    /// The rows with content, without header and total, valid or not.
    pub rows: u64,
    /// The rows that are valid by themselves.
    pub valid_rows: u64,
    /// The points of the valid rows.
    pub points: u64,
    /// The closing total that equals the sum: its row and its points.
    pub control_total: Option<(u64, u64)>,
    /// The rows of the footer behind the list, which hold no payout.
    pub footer_rows: Vec<u64>,
    /// The hidden rows that hold anything: refused, left out or paid, as the options say.
    pub hidden_rows: Vec<u64>,
    /// How many problems there are.
    pub problem_count: u64,
    /// How many of each kind.
    pub problem_kinds: BTreeMap<ProblemKind, u64>,
    /// The first problems: those of the file, then those of rows in the file's order.
    pub problems: Vec<Problem>,
    /// How many repairs there are.
    pub repair_count: u64,
    /// How many of each kind.
    pub repair_kinds: BTreeMap<RepairKind, u64>,
    /// The first repairs, in the file's order.
    pub repairs: Vec<Repair>,
    /// The phones of the first valid rows as they would be sent, after repair: row and number.
    pub phones: Vec<(u64, String)>,
    /// What a person should know and that refuses nothing.
    pub warnings: Vec<String>,
    /// Whether the file could not be read because the operating system failed.
    pub unreadable: bool,
    /// Whether reading stopped before the last row, so that what is counted is not the whole file.
    pub stopped: bool,
    /// The most problems that are listed.
    listed_max: usize,
}

impl CheckReport {
    /// Whether every row could be paid.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problem_count == 0
    }

    fn problem(&mut self, problem: Problem) {
        self.problem_count += 1;
        *self.problem_kinds.entry(problem.kind).or_default() += 1;
        if self.problems.len() < self.listed_max {
            self.problems.push(problem);
        }
    }

    /// Compares the file with the number of rows that the payer expects (`--expect-rows`).
    pub fn expect_rows(&mut self, expected: u64) {
        if self.rows == expected || self.stopped {
            return;
        }
        let message = format!(
            "needs {} (`--expect-rows`), has {}; is this the right file?",
            counted(expected, "row"),
            grouped(self.rows)
        );
        self.problem_of_file(Problem::of_file(ProblemKind::Limit, message));
        self.problems.sort_by_key(|problem| problem.row);
    }

    /// A full list makes room for what concerns every row.
    fn problem_of_file(&mut self, problem: Problem) {
        self.problems.truncate(self.listed_max.saturating_sub(1));
        self.problem(problem);
    }

    fn failed(&mut self, error: &IntakeError) {
        self.stopped = true;
        self.unreadable |= matches!(error, IntakeError::Io { .. });
        self.problem(error.to_problem());
    }
}

/// Judges a file; what is wrong with it is in the report, whatever it is.
#[must_use]
pub fn check(path: &Path, options: &IntakeOptions) -> CheckReport {
    check_listing(path, options, LISTED_MAX)
}

/// The same with another number of problems that are listed.
pub(crate) fn check_listing(path: &Path, options: &IntakeOptions, listed_max: usize) -> CheckReport {
    let mut report = CheckReport { listed_max, ..CheckReport::default() };
    let mut duplicates = Duplicates::new(options.allow_repeat_phones);
    match open(path, options) {
        Ok(intake) => {
            report.format = Some(intake.format().clone());
            if let Err(error) = read_rows(intake, &mut report, &mut duplicates) {
                report.failed(&error);
            } else if let Err(error) = name_duplicates(path, options, &mut report, duplicates) {
                report.failed(&error);
            }
        }
        Err(error) => report.failed(&error),
    }
    // Problems of the file come first, and are listed even where a thousand rows have problems.
    report.problems.sort_by_key(|problem| problem.row);
    report
}

fn read_rows(mut intake: Intake, report: &mut CheckReport, duplicates: &mut Duplicates) -> Result<(), IntakeError> {
    while let Some(step) = intake.step()? {
        report.rows += 1;
        match step {
            Step::Row(judged, repairs, _) => {
                report.valid_rows += 1;
                report.points += u64::from(judged.points.value());
                if report.phones.len() < LISTED_MAX
                    && let Some(phone) = judged.member.phone()
                {
                    report.phones.push((judged.row, phone.as_str().to_owned()));
                }
                duplicates.note_judged(&judged);
                for repair in repairs.drain(..) {
                    report.repair_count += 1;
                    *report.repair_kinds.entry(repair.kind).or_default() += 1;
                    if report.repairs.len() < LISTED_MAX {
                        report.repairs.push(repair);
                    }
                }
            }
            Step::Problems(problems) => problems.drain(..).for_each(|problem| report.problem(problem)),
        }
    }
    let tail = intake.finish()?;
    report.control_total = tail.control_total;
    (report.footer_rows, report.hidden_rows) = (tail.footer_rows, tail.hidden_rows);
    report.warnings = tail.warnings;
    tail.problems.into_iter().for_each(|problem| report.problem_of_file(problem));
    Ok(())
}

fn name_duplicates(
    path: &Path,
    options: &IntakeOptions,
    report: &mut CheckReport,
    duplicates: Duplicates,
) -> Result<(), IntakeError> {
    let Some(mut suspects) = duplicates.suspects() else { return Ok(()) };
    let mut intake = open(path, options)?;
    while let Some(item) = intake.next()? {
        let Item::Row(row, _) = item else { continue };
        if let Some(problem) = suspects.note(&row) {
            report.problem(problem);
        }
    }
    intake.finish().map(|_| ())
}
