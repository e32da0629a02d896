//! Judges a file as a whole: limits, differences from the plan, and what other batches pay.

use super::draft::Reading;
use super::{Limits, PlanError, Problems, Refusal, Terms};
use crate::domain::batch_name::BatchName;
use crate::domain::standing::State;
use crate::intake::{Problem, ProblemKind, Tail};
use crate::ledger::{Gone, Planning, Repeat, Size};

/// Rows of other batches that a refusal names.
const REPEATS_NAMED: usize = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Payouts of the batch that the file no longer names.
#[derive(Debug, Default)]
pub(super) struct GoneRows {
    /// Still to be paid, or held: someone took them out, and a rerun must not pay them.
    pub(super) open: u64,
    /// Paid, or maybe paid.
    paid: u64,
}

impl GoneRows {
    /// What a person should know of them.
    pub(super) fn said(&self) -> Option<String> {
        let what = "are no longer in the file, and were paid or may have been: that is not undone";
        (self.paid > 0).then(|| format!("{} payouts of the batch {what}", self.paid))
    }
}

/// Counts what is gone; what is still open is a problem.
pub(super) fn gone(planning: &Planning<'_>, problems: &mut Problems) -> Result<GoneRows, PlanError> {
    let mut gone = GoneRows::default();
    let mut paid = Vec::new();
    planning.gone(|payout| match payout.state {
        State::Planned | State::Held => {
            gone.open += 1;
            let message = format!(
                "was planned as row {} and is {}, and the file no longer has it; put it back, or close it with \
                 `topup cancel`",
                payout.row,
                payout.state.word()
            );
            problems.add(Problem::of_file(ProblemKind::Differs, message).with_found(&payout.invoice_no));
        }
        State::Credited | State::InDoubt => paid.push(payout),
        State::Declined | State::Ineligible | State::Cancelled => {}
    })?;
    gone.paid = paid.len() as u64;
    if planning.new_size().rows > 0 {
        paid.iter().try_for_each(|payout| rekeyed(planning, payout, problems))?;
    }
    Ok(gone)
}

/// A paid row that is gone while a new one pays its member the same: it is that row under another key (another
/// reference, a column gained or lost), and would be paid again. No flag says otherwise.
fn rekeyed(planning: &Planning<'_>, gone: &Gone, problems: &mut Problems) -> Result<(), PlanError> {
    if let Some(row) = planning.new_row_like(gone)? {
        let message = format!(
            "is new, and pays the same member the same points as row {} of the plan, which is {} and no longer in the \
             file; give the row its reference and columns back, or put that row back beside it",
            gone.row,
            gone.state.word()
        );
        problems.add(Problem::of_row(row, ProblemKind::Differs, message).with_found(&gone.invoice_no));
    }
    Ok(())
}

/// Judges limits and everything that was found row by row. `known`: the batch, if it was planned before.
pub(super) fn file(
    reading: &mut Reading,
    tail: &Tail,
    whole: Size,
    gone: u64,
    known: Option<&BatchName>,
    terms: &Terms,
) -> Option<Refusal> {
    for problem in &tail.problems {
        reading.problems.add(problem.clone());
    }
    let Limits { points_per_batch, rows_per_batch, .. } = terms.limits;
    let limits = [
        ("rows", whole.rows, rows_per_batch, "limits.rows_per_batch"),
        ("points", whole.points, points_per_batch, "limits.points_per_batch"),
    ];
    for (what, found, limit, key) in limits {
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            let message = format!("needs at most {limit} {what} ({key}), has {found}");
            reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
        }
    }
    if let Some(expected) = terms.expect_rows.filter(|expected| *expected != tail.rows) {
        let message = format!("needs {expected} rows (--expect-rows), has {}", tail.rows);
        reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
    }
    let changed = reading.changed;
    let problems = std::mem::take(&mut reading.problems);
    if problems.count == 0 {
        return None;
    }
    let Some(batch) = known.filter(|_| changed + gone > 0) else {
        let message = format!(
            "the file was refused for {} problem{}; nothing was planned and nothing was sent\nhint: correct the cells \
             that are listed, and run the same command again",
            problems.count,
            if problems.count == 1 { "" } else { "s" }
        );
        return Some(problems.into_refusal("file_refused", message));
    };
    let others = problems.count - changed - gone;
    let message = format!(
        "the file differs from the plan of batch {batch}: {changed} rows changed, {gone} gone before they were paid, \
         {others} other problems; nothing was sent\nhint: `topup resume {batch}` finishes the plan as it is"
    );
    Some(problems.into_refusal("plan_differs", message))
}

/// A payout that another batch may still pay is never sent under a second number; one that another batch paid lately
/// is a question.
pub(super) fn repeats(planning: &Planning<'_>, reading: &Reading, terms: &Terms) -> Result<Option<Refusal>, PlanError> {
    let open = [State::Planned, State::InDoubt, State::Held];
    let (count, repeats) = planning.repeats(&open, 0, REPEATS_NAMED)?;
    if count > 0 {
        let batch = repeats.first().map(|repeat| repeat.batch.clone()).unwrap_or_default();
        let message = format!(
            "{count} rows would pay members the same points that another batch has not finished yet\nhint: finish it \
             first: `topup resume {batch}`; or close those payouts there: `topup cancel {batch}`"
        );
        return Ok(Some(refusal_of(repeats, count, "repeated_open", message)));
    }
    let since = terms.now - i64::from(terms.repeat_window_days) * DAY_MS;
    let (count, repeats) = planning.repeats(&[State::Credited], since, REPEATS_NAMED)?;
    let rows = planning.new_size().rows + reading.known_rows;
    if terms.repeat_why.is_some() || count == 0 || count * 2 < rows {
        return Ok(None);
    }
    let message = format!(
        "{count} of {rows} rows pay members the same points that another batch credited in the last {} days\nhint: if \
         that is meant, say why: --repeat \"the reason\"",
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
