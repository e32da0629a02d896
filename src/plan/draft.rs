//! Writes a new batch's plan into an open transaction, and judges it as a whole before it is sealed.

use super::canonical::Seal;
use super::{Limits, PlanError, Planned, Problems, Refusal, Terms, keys_of, top_up_of};
use crate::domain::payout::Row;
use crate::domain::standing::State;
use crate::intake::{Intake, Item, Problem, ProblemKind, Repair, Tail};
use crate::ledger::{Inserted, Ledger, LedgerError, NewPayout, Origin, Planning, Repeat, UnixMs};

/// Repairs that are listed; the rest is only counted.
const REPAIRS_MAX: usize = 1000;
/// Rows of other batches that a refusal names.
const REPEATS_NAMED: usize = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A plan that waits for its consent. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft<'l> {
    planning: Planning<'l>,
    summary: DraftSummary,
}

/// What a plan comes to.
#[derive(Clone, Debug)]
pub struct DraftSummary {
    /// Payouts.
    pub rows: u64,
    /// Points in all.
    pub points: u64,
    /// Different members.
    pub members: u64,
    /// Payouts whose member has no phone, and so no pre-check.
    pub without_pre_check: u64,
    /// Points of the largest payout.
    pub largest: u64,
    /// Rows of the file that are not paid.
    pub skipped_rows: u64,
    /// The seal.
    pub plan_sha256: [u8; 32],
    /// Cells that were repaired, the first of them.
    pub repairs: Vec<Repair>,
    /// All repaired cells.
    pub repair_count: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Draft<'_> {
    /// What the plan comes to.
    #[must_use]
    pub fn summary(&self) -> &DraftSummary {
        &self.summary
    }

    /// Makes the plan durable, with the consent that was given to it.
    ///
    /// # Errors
    /// When the ledger cannot be written; then nothing of the plan is in it.
    pub fn seal(self, consent: &str, at: UnixMs) -> Result<DraftSummary, LedgerError> {
        self.planning.seal(self.summary.plan_sha256, self.summary.skipped_rows, consent, at)?;
        Ok(self.summary)
    }
}

/// What reading the rows came to.
#[derive(Debug, Default)]
struct Reading {
    problems: Problems,
    skipped_rows: u64,
    without_pre_check: u64,
    repairs: Vec<Repair>,
    repair_count: u64,
}

pub(super) fn draft<'l>(
    ledger: &'l mut Ledger,
    mut intake: Intake,
    terms: &Terms,
    origin: &Origin,
) -> Result<Planned<'l>, PlanError> {
    let has_other_batches = !ledger.batches()?.is_empty();
    let mut planning = ledger.plan(&terms.batch, &terms.binding, origin)?;
    let mut reading = Reading::default();
    while let Some(item) = intake.next()? {
        match item {
            Item::Row(row, repairs) => reading.take_row(&mut planning, &row, repairs, terms)?,
            Item::Problems(problems) => reading.take_problems(problems, terms),
        }
    }
    let tail = intake.finish()?;
    if let Some(refusal) = judge(&mut reading, &tail, planning.size(), terms) {
        return Ok(Planned::Refused(refusal));
    }
    if has_other_batches && let Some(refusal) = judge_repeats(&planning, terms)? {
        return Ok(Planned::Refused(refusal));
    }
    let (rows, points) = planning.size();
    let mut seal = Seal::new();
    planning.in_key_order(|key, top_up| seal.add(key, top_up))?;
    let (members, largest) = planning.members_and_largest()?;
    let summary = DraftSummary {
        rows,
        points,
        members,
        without_pre_check: reading.without_pre_check,
        largest,
        skipped_rows: reading.skipped_rows,
        plan_sha256: seal.close(rows, points),
        repairs: reading.repairs,
        repair_count: reading.repair_count,
        warnings: tail.warnings,
    };
    Ok(Planned::New(Box::new(Draft { planning, summary })))
}

impl Reading {
    fn take_row(
        &mut self,
        planning: &mut Planning<'_>,
        row: &Row,
        repairs: Vec<Repair>,
        terms: &Terms,
    ) -> Result<(), PlanError> {
        self.repair_count += repairs.len() as u64;
        let room = REPAIRS_MAX.saturating_sub(self.repairs.len());
        self.repairs.extend(repairs.into_iter().take(room));
        let limit = terms.limits.points_per_payout.unwrap_or(u64::MAX);
        if u64::from(row.points.value()) > limit {
            let message = format!("needs at most {limit} points (limits.points_per_payout)");
            let found = row.points.value().to_string();
            self.problems.add(Problem::of_row(row.row, ProblemKind::Limit, message).with_found(&found));
            return Ok(());
        }
        for key in keys_of(row) {
            let top_up = top_up_of(row, &key, terms);
            let name = row.name.as_deref();
            let new = NewPayout { row: row.row, key: &key, top_up: &top_up, name, extra: &row.extra };
            match planning.insert(&new)? {
                Inserted::New => {
                    self.without_pre_check += u64::from(row.member.phone().is_none());
                    return Ok(());
                }
                Inserted::Duplicate { row: first } if row.reference.is_some() || !terms.allow_repeat_phones => {
                    self.duplicate(row, first);
                    return Ok(());
                }
                Inserted::Duplicate { .. } => {}
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, row: &Row, first: u64) {
        let (column, message) = match &row.reference {
            Some(_) => ("reference", format!("is the reference of row {first} too; a reference names one row")),
            None => (
                "phone",
                format!("is the member of row {first} too; give each row a reference, or say --allow-repeat-phones"),
            ),
        };
        let found = row.reference.clone().unwrap_or_else(|| row.member.masked());
        let problem = Problem::of_row(row.row, ProblemKind::Duplicate, message);
        self.problems.add(problem.in_column(column).with_found(&found));
    }

    fn take_problems(&mut self, problems: Vec<Problem>, terms: &Terms) {
        if terms.skip_invalid && problems.iter().all(Problem::skippable) {
            self.skipped_rows += 1;
        } else {
            problems.into_iter().for_each(|problem| self.problems.add(problem));
        }
    }
}

/// Judges the file as a whole.
fn judge(reading: &mut Reading, tail: &Tail, (rows, points): (u64, u64), terms: &Terms) -> Option<Refusal> {
    for problem in &tail.problems {
        reading.problems.add(problem.clone());
    }
    let Limits { points_per_batch, rows_per_batch, .. } = terms.limits;
    let limits = [
        ("rows", rows, rows_per_batch, "limits.rows_per_batch"),
        ("points", points, points_per_batch, "limits.points_per_batch"),
    ];
    for (what, found, limit, key) in limits {
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            let message = format!("needs at most {limit} {what} ({key}), has {found}");
            reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
        }
    }
    if let Some(expected) = terms.expect_rows.filter(|expected| *expected != rows + reading.skipped_rows) {
        let message = format!("needs {expected} rows (--expect-rows), has {}", rows + reading.skipped_rows);
        reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
    }
    let problems = std::mem::take(&mut reading.problems);
    (problems.count > 0).then(|| {
        let message = format!(
            "the file was refused for {} problem{}; nothing was planned and nothing was sent\nhint: correct the cells \
             that are listed, and run the same command again",
            problems.count,
            if problems.count == 1 { "" } else { "s" }
        );
        problems.into_refusal("file_refused", message)
    })
}

/// A payout that another batch may still pay is never sent under a second number; one that another batch paid lately
/// is a question.
fn judge_repeats(planning: &Planning<'_>, terms: &Terms) -> Result<Option<Refusal>, PlanError> {
    let open = [State::Planned, State::InDoubt, State::Held];
    let (count, repeats) = planning.repeats(&open, 0, REPEATS_NAMED)?;
    if count > 0 {
        let batch = repeats.first().map(|repeat| repeat.batch.clone()).unwrap_or_default();
        let message = format!(
            "{count} rows would pay members the same points that another batch has not finished yet\nhint: finish it \
             first: `topup resume {batch}`; or cancel those payouts there"
        );
        return Ok(Some(refusal_of(repeats, count, "repeated_open", message)));
    }
    let since = terms.now - i64::from(terms.repeat_window_days) * DAY_MS;
    let (count, repeats) = planning.repeats(&[State::Credited], since, REPEATS_NAMED)?;
    if terms.repeat_why.is_some() || count == 0 || count * 2 < planning.size().0 {
        return Ok(None);
    }
    let message = format!(
        "{count} of {} rows pay members the same points that another batch credited in the last {} days\nhint: if \
         that is meant, say why: --repeat \"the reason\"",
        planning.size().0,
        terms.repeat_window_days
    );
    Ok(Some(refusal_of(repeats, count, "repeated_credited", message)))
}

fn refusal_of(repeats: Vec<Repeat>, count: u64, code: &'static str, message: String) -> Refusal {
    let problem = |repeat: Repeat| {
        let message =
            format!("same member and points as row {} of batch {}, {}", repeat.other_row, repeat.batch, when(&repeat));
        Problem::of_row(repeat.row, ProblemKind::Duplicate, message)
    };
    Refusal { code, message, problems: repeats.into_iter().map(problem).collect(), problem_count: count }
}

fn when(repeat: &Repeat) -> String {
    let credited_at = repeat.credited_at.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    match credited_at {
        Some(at) => format!("{} on {}", repeat.state.word(), at.strftime("%Y-%m-%d")),
        None => repeat.state.word().to_owned(),
    }
}
