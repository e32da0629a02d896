//! Judges a file as a whole: limits, differences from the plan, and what other batches pay.

use super::findings::Reading;
use super::kinds::RowKinds;
use super::refusal::{PlanError, Refusal, day, since};
use super::terms::{Limits, Terms};
use crate::domain::hint::{Choice, Hint, Step};
use crate::domain::payout::Row;
use crate::domain::payout_status::State;
use crate::domain::text::{counted, grouped};
use crate::intake::{Problem, ProblemKind, Tail};
use crate::ledger::{Batch, Changed, LedgerError, MissingPayout, Planning, Repeat, Repeated, Size};
use std::collections::BTreeSet;
use std::path::Path;

/// Rows of other batches that a refusal names.
const REPEATS_NAMED: usize = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a person should know of payouts that were paid, or maybe paid, and are gone from the file.
pub(super) fn gone_said(kinds: &RowKinds) -> Option<String> {
    let paid = kinds.gone.of(State::Credited).rows + kinds.gone.of(State::InDoubt).rows;
    let what = "no longer in the file, but paid or maybe paid, which is not undone";
    (paid > 0).then(|| format!("{what}: {} of the batch", counted(paid, "payout")))
}

/// Counts what is gone; what is still open is a problem: someone took it out, and a rerun must not pay it.
pub(super) fn gone(planning: &Planning<'_>, reading: &mut Reading, terms: &Terms) -> Result<(), PlanError> {
    let mut paid = Vec::new();
    planning.gone(|payout| {
        reading.kinds.gone.add(payout.state, payout.points);
        match payout.state {
            State::Planned | State::Held => {
                let message = format!(
                    "was planned as row {} and is {}, and the file no longer has it{}; put it back, or cancel it",
                    payout.row,
                    payout.state.word(),
                    if terms.skip_invalid { ", or has it twice" } else { "" }
                );
                let problem = Problem::of_file(ProblemKind::Differs, message);
                reading.problems.add(problem.with_found(&payout.invoice_no));
            }
            State::Credited | State::InDoubt => paid.push(payout),
            State::Declined | State::Ineligible | State::Cancelled => {}
        }
    })?;
    if planning.new_size().rows == 0 {
        return Ok(());
    }
    let mut rekeyed = BTreeSet::new();
    for payout in paid {
        if let Some(row) = planning.new_row_like(&payout)? {
            reading.problems.add(another_key(&payout, row));
            // Without the flag, reading the row counted it so already.
            if terms.allow_repeat_phones && rekeyed.insert(row) {
                reading.kinds.another_key += 1;
                reading.kinds.new.rows -= 1;
                reading.kinds.new.points -= payout.points;
            }
        }
    }
    Ok(())
}

/// A paid row that is gone while a new one pays its member the same: it is that row under another key (another
/// reference, a column gained or lost), and would be paid again. No flag says otherwise.
fn another_key(gone: &MissingPayout, row: u64) -> Problem {
    let message = format!(
        "is new, and pays the same member the same points as row {} of the plan, which is {} and no longer in the file; \
         give the row its reference and columns back, or put that row back beside it",
        gone.row,
        gone.state.word()
    );
    Problem::of_row(row, ProblemKind::Differs, message).with_found(&gone.invoice_no)
}

/// A row of more points than one payout may have.
pub(super) fn over_limit(row: &Row, limit: u64) -> Problem {
    let message = format!("needs at most {} (limits.points_per_payout)", counted(limit, "point"));
    Problem::of_row(row.row, ProblemKind::Limit, message).with_found(&row.points.value().to_string())
}

/// Judges limits and everything that was found row by row. `known`: the batch, if it was planned before.
pub(super) fn file(
    reading: &mut Reading,
    tail: &Tail,
    whole: Size,
    known: Option<&Batch>,
    terms: &Terms,
) -> Option<Refusal> {
    for problem in &tail.problems {
        reading.problems.add(problem.clone());
    }
    let Limits { points_per_batch, rows_per_batch, .. } = terms.limits;
    let limits = [
        ("row", whole.rows, rows_per_batch, "limits.rows_per_batch"),
        ("point", whole.points, points_per_batch, "limits.points_per_batch"),
    ];
    for (what, found, limit, key) in limits {
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            let message = format!("needs at most {} ({key}), has {}", counted(limit, what), grouped(found));
            reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
        }
    }
    if let Some(expected) = terms.expect_rows.filter(|expected| *expected != tail.rows) {
        let message = format!("needs {}, as you said, has {}", counted(expected, "row"), grouped(tail.rows));
        reading.problems.add(Problem::of_file(ProblemKind::Limit, message));
    }
    let mut problems = std::mem::take(&mut reading.problems);
    if problems.count == 0 && known.is_none() && whole.rows == 0 {
        // What would be skipped is all that there is.
        problems = std::mem::take(&mut reading.skipped);
        let message = "needs a row that can be paid, has none; correct the rows";
        problems.add(Problem::of_file(ProblemKind::Empty, message));
    }
    if problems.count == 0 {
        return None;
    }
    let kinds = std::mem::take(&mut reading.kinds);
    let changed = kinds.changed.all().rows;
    let gone = kinds.gone.of(State::Planned).rows + kinds.gone.of(State::Held).rows;
    let Some(batch) = known.filter(|_| changed + gone > 0) else {
        let message = format!(
            "the file was refused for {}; nothing was planned and nothing was sent\nhint: correct what is listed, and \
             run the same command again",
            counted(problems.count, "problem")
        );
        return Some(problems.into_refusal("file_refused", message, kinds));
    };
    let message = format!(
        "the file differs from the plan of batch {name}, begun on {}: {} changed, {gone} gone before they were paid, {}; \
         nothing was sent",
        day(batch.planned_at),
        counted(changed, "row"),
        counted(problems.count - changed - gone, "other problem"),
        name = batch.name
    );
    let hint = Hint::from(Step::Resume(Some(batch.name.to_string()))).words(" finishes the plan as it is");
    Some(Refusal { hint: Some(hint), ..problems.into_refusal("plan_differs", message, kinds) })
}

/// A payout that another batch may still pay is never sent under a second number; one that another batch paid lately
/// is a question.
pub(super) fn repeats(
    planning: &Planning<'_>,
    reading: &mut Reading,
    terms: &Terms,
) -> Result<Option<Refusal>, PlanError> {
    let open = planning.open_elsewhere(REPEATS_NAMED)?;
    let rows = planning.new_size().rows + reading.kinds.known.all().rows;
    let since = terms.now - i64::from(terms.repeat_window_days) * DAY_MS;
    if open.count > 0 {
        // Most of the file was paid already: that is the stronger reason, and finishing the rest would not help.
        let paid = planning.credited_elsewhere(since, REPEATS_NAMED).ok();
        let paid = paid.filter(|paid| terms.repeat_why.is_none() && paid.is_half_of(rows));
        reading.kinds.repeated = open.count + paid.as_ref().map_or(0, |paid| paid.count);
        let refusal = match paid {
            None => repeated(open, rows, terms.repeat_window_days, reading.kinds.clone()),
            Some(paid) => both(paid, &open, rows, terms.repeat_window_days, reading.kinds.clone()),
        };
        return Ok(Some(refusal));
    }
    let credited = match planning.credited_elsewhere(since, REPEATS_NAMED) {
        Ok(credited) => credited,
        // Without its key nobody can say whom a purged batch paid: only a person's word goes over that.
        Err(LedgerError::PurgeKey { .. }) if terms.repeat_why.is_some() => return Ok(None),
        Err(LedgerError::PurgeKey { path, found }) => return Ok(Some(keyless(&path, found, reading, terms))),
        Err(error) => return Err(error.into()),
    };
    reading.kinds.repeated = credited.count;
    if terms.repeat_why.is_some() || !credited.is_half_of(rows) {
        return Ok(None);
    }
    Ok(Some(repeated(credited, rows, terms.repeat_window_days, reading.kinds.clone())))
}

/// Words what repeats another batch: of so many rows of a file, or of a batch.
pub(super) fn repeated(repeated: Repeated, rows: u64, window_days: u32, kinds: RowKinds) -> Refusal {
    let Repeated { is_open, count, list } = repeated;
    let batch = list.first().map_or_else(String::new, |first| first.batch.clone());
    if is_open {
        let rows = counted(count, "row");
        let message = format!("{rows} would pay members the same points that another batch has not finished yet");
        let hint = Hint::of("finish it first: ").step(Step::Resume(Some(batch.clone())));
        // What is in doubt cannot be closed.
        let hint = if list.iter().all(|repeat| repeat.state == State::InDoubt) {
            hint
        } else {
            hint.words("; or close there what was never sent: ").step(Step::Cancel(Some(batch)))
        };
        return Refusal { hint: Some(hint), ..refusal_of(list, &kinds, "repeated_open", message) };
    }
    let message = format!(
        "{} of {} pay members the same points that another batch credited in the last {}",
        grouped(count),
        counted(rows, "row"),
        counted(window_days.into(), "day"),
    );
    let hint = Hint::of("if that is meant, say why: ").choice(Choice::WhyRepeated);
    Refusal { hint: Some(hint), ..refusal_of(list, &kinds, "repeated_credited", message) }
}

/// What was credited elsewhere, and behind it what is not finished there.
fn both(paid: Repeated, open: &Repeated, rows: u64, window_days: u32, kinds: RowKinds) -> Refusal {
    let refusal = repeated(paid, rows, window_days, kinds);
    let (message, _) = refusal.message.split_once("\nhint: ").unwrap_or((&refusal.message, ""));
    let message = format!("{message}, and {} more that another batch has not finished yet", grouped(open.count));
    let hint = Hint::of("is this the file of another batch? look there first: ")
        .step(Step::Status(open.list.first().map(|first| first.batch.clone())));
    Refusal { message, hint: Some(hint), code: "repeated_open", ..refusal }
}

/// A setting that was sealed with the plan is another one: what was consented to is not what would be paid.
pub(super) fn setting_changed(batch: &Batch, changed: &Changed, seal: Option<&str>) -> Refusal {
    let Changed { setting, then, now } = changed;
    let hint = match seal {
        Some(seal) => {
            Hint::of("set it back; the plan under the new setting is ").choice(Choice::Plan(Some(seal.to_owned())))
        }
        None => Hint::of("set it back; or look at the plan under the new setting (")
            .step(Step::DryRun(batch.name.to_string()))
            .words("), and confirm it with ")
            .choice(Choice::Plan(None)),
    };
    let message = format!(
        "batch {} was planned with {setting} = {then}, and the configuration says {now}; nothing was sent",
        batch.name
    );
    Refusal { code: "setting_changed", message, hint: Some(hint), problems: Vec::new(), problem_count: 0, kinds: None }
}

/// Whom purged batches paid lately cannot be told, so the file may repeat them.
fn keyless(path: &Path, found: &str, reading: &Reading, terms: &Terms) -> Refusal {
    let message = format!(
        "purged batches credited payouts in the last {} days, and the key that tells whom is not in {}: expected the \
         file that the first purge made, found {found}; nothing was planned and nothing was sent",
        terms.repeat_window_days,
        path.display()
    );
    let kinds = Some(Box::new(reading.kinds.clone()));
    let hint = Hint::of("put the file back from its backup; or, if it is sure that no row repeats them, say why: ")
        .choice(Choice::WhyRepeated);
    Refusal { code: "purge_key", message, hint: Some(hint), problems: Vec::new(), problem_count: 0, kinds }
}

fn refusal_of(repeats: Vec<Repeat>, kinds: &RowKinds, code: &'static str, message: String) -> Refusal {
    let problem = |repeat: Repeat| {
        let message = format!(
            "same member and points as row {} of batch {} (begun on {}), {}",
            repeat.other_row,
            repeat.batch,
            day(repeat.planned_at),
            since(repeat.state, repeat.credited_at)
        );
        Problem::of_row(repeat.row, ProblemKind::Duplicate, message)
    };
    let problems = repeats.into_iter().map(problem).collect();
    Refusal { code, message, hint: None, problems, problem_count: kinds.repeated, kinds: Some(Box::new(kinds.clone())) }
}
