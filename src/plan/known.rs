//! Compares a file with the batch that it was planned as: the same rows go on, any difference is refused.

use super::{PlanError, Planned, Problems, Terms, keys_of, top_up_of};
use crate::domain::payout::{Row, TopUp};
use crate::intake::{Intake, Item, Problem, ProblemKind};
use crate::ledger::{Batch, Compared, Comparison, Ledger};

/// How a file differs from a plan.
#[derive(Debug, Default)]
struct Differences {
    problems: Problems,
    invalid: u64,
    new: u64,
    changed: u64,
}

pub(super) fn compare<'l>(
    ledger: &'l Ledger,
    mut intake: Intake,
    terms: &Terms,
    batch: Batch,
) -> Result<Planned<'l>, PlanError> {
    let mut comparison = ledger.compare(batch.id)?;
    let mut differences = Differences::default();
    let mut skipped_rows = 0;
    while let Some(item) = intake.next()? {
        match item {
            Item::Row(row, _) => differences.add_row(&mut comparison, &row, terms)?,
            Item::Problems(problems) if terms.skip_invalid && problems.iter().all(Problem::skippable) => {
                skipped_rows += 1;
            }
            Item::Problems(problems) => {
                differences.invalid += 1;
                problems.into_iter().for_each(|problem| differences.problems.add(problem));
            }
        }
    }
    let tail = intake.finish()?;
    for problem in tail.problems {
        differences.invalid += 1;
        differences.problems.add(problem);
    }
    let gone = batch.rows - comparison.seen();
    let Differences { problems, invalid, new, changed } = differences;
    if invalid + new + changed + gone == 0 && skipped_rows == batch.skipped_rows {
        return Ok(Planned::Known(Box::new(batch)));
    }
    let message = format!(
        "the file differs from the plan of batch {name} ({rows} rows): {changed} changed, {new} new, {gone} gone, \
         {invalid} not valid, {skipped_rows} skipped where the plan skipped {skipped}\nhint: `topup resume {name}` \
         finishes the plan as it is; pay other rows under another batch name",
        name = batch.name,
        rows = batch.rows,
        skipped = batch.skipped_rows,
    );
    Ok(Planned::Refused(problems.into_refusal("plan_differs", message)))
}

impl Differences {
    fn add_row(&mut self, comparison: &mut Comparison<'_>, row: &Row, terms: &Terms) -> Result<(), PlanError> {
        for key in keys_of(row) {
            let top_up = top_up_of(row, &key, terms);
            match comparison.compare(&key, &top_up)? {
                Compared::Same => return Ok(()),
                Compared::Changed { row: planned_row, planned, state } => {
                    self.changed += 1;
                    self.problems.add(
                        Problem::of_row(
                            row.row,
                            ProblemKind::Changed,
                            changes(&planned, &top_up, planned_row, state.word()),
                        )
                        .with_found(&row.points.value().to_string()),
                    );
                    return Ok(());
                }
                Compared::New => {
                    self.new += 1;
                    let message = "is not in the plan of the batch";
                    self.problems.add(Problem::of_row(row.row, ProblemKind::Changed, message));
                    return Ok(());
                }
                Compared::Duplicate => {}
            }
        }
        self.invalid += 1;
        let message = "has the same reference as an earlier row; a reference names one row of the batch";
        self.problems.add(Problem::of_row(row.row, ProblemKind::Duplicate, message));
        Ok(())
    }
}

/// Which values differ, and what was planned.
fn changes(planned: &TopUp, found: &TopUp, planned_row: u64, state: &str) -> String {
    let mut changes = Vec::new();
    if planned.points != found.points {
        changes.push(format!("{} points, now {}", planned.points.value(), found.points.value()));
    }
    if planned.member != found.member {
        changes.push(format!("member {}, now {}", planned.member.masked(), found.member.masked()));
    }
    if planned.send_sms != found.send_sms {
        changes.push(format!("send_sms {}, now {}", planned.send_sms, found.send_sms));
    }
    if planned.receipt != found.receipt {
        changes.push("another receipt".to_owned());
    }
    format!("was planned as row {planned_row} with {}, and is {state}", changes.join("; "))
}
