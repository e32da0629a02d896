//! Compares the provider's statement with the ledger and the plan. It only reads, and makes no call.

use super::context::Context;
use super::failure::{Ending, Failure};
use crate::intake::{LISTED_MAX, Problem, Statement, StatementOptions};
use crate::ledger::{Batch, Lease, NumberOwner, StatementLines};
use crate::plan::{self, Refusal};
use crate::report::{Reconciliation, counted};
use std::path::{Path, PathBuf};

/// A statement that is to be compared.
#[derive(Clone, Debug)]
pub struct ReconcileRequest {
    /// The batch.
    pub batch: String,
    /// The provider's list of transactions.
    pub statement: PathBuf,
    /// How it is read.
    pub options: StatementOptions,
}

/// Compares a statement with a batch, and shows what was found.
pub fn reconcile<T>(
    context: Context<'_>,
    request: &ReconcileRequest,
    show: impl FnOnce(&Reconciliation<'_>) -> T,
) -> Result<(Ending, T), Failure> {
    let ledger = context.open_to_read()?;
    let batch = ledger.batch(&request.batch)?;
    let mut found = Reconciliation::new(&batch);
    if Lease::is_taken(context.settings.ledger_path()) && ledger.has_open_run(batch.id)? {
        found.warnings.push("a run of this batch is going on: reconcile again when it is over".to_owned());
    }
    if let Some(day) = batch.purged_on() {
        found
            .warnings
            .push(format!("the batch was purged on {day}: numbers, points and states are compared, phones not"));
    }
    let lines = ledger.reconcile_with(&batch)?;
    read(request, &lines, &batch, &mut found)?;
    lines.each_payout(|payout, lines| found.payout(payout, lines))?;
    lines.each_stranger(|lines| found.stranger(lines))?;
    if found.has_unexplained() {
        lines.each_payout(|payout, lines| found.explain(payout, lines))?;
    }
    found.is_sealed = plan::is_sealed(&ledger, &batch)?;
    if found.is_beyond_counting() {
        let message = format!(
            "the points of the statement {} add up to more than can be counted (2^64); nothing was compared\nhint: look \
             for cells of the points column that hold something else, such as an order's number",
            request.statement.display()
        );
        return Err(Failure::said(Ending::Refused, "file_refused", message));
    }
    let ending = if found.difference_count() == 0 { Ending::Done } else { Ending::Differs };
    Ok((ending, show(&found)))
}

/// Reads the statement to its end; one line of ours that cannot be read refuses it.
fn read(
    request: &ReconcileRequest,
    held: &StatementLines<'_>,
    batch: &Batch,
    found: &mut Reconciliation<'_>,
) -> Result<(), Failure> {
    let path: &Path = &request.statement;
    let mut statement = Statement::open(path, &request.options)?;
    found.warnings.append(&mut statement.warnings);
    let (mut problems, mut problem_count) = (Vec::new(), 0);
    while let Some(row) = statement.next()? {
        found.line();
        let mut refuse = |more: Vec<Problem>| {
            problem_count += more.len() as u64;
            problems.extend(more);
            problems.truncate(LISTED_MAX);
        };
        if let Some(problem) = row.shape() {
            refuse(vec![problem]);
            continue;
        }
        let Some(number) = row.number.clone() else {
            if row.is_without_number {
                found.without_number()
            } else {
                found.other_program()
            }
            continue;
        };
        let payout = match held.owner(&number)? {
            NumberOwner::Payout(payout) => Some(payout),
            NumberOwner::OtherBatch(name) => {
                found.other_batch(name);
                continue;
            }
            NumberOwner::Nobody if number.is_of(&batch.binding.invoice_prefix) => None,
            NumberOwner::Nobody => {
                found.other_program();
                continue;
            }
        };
        match row.line(number) {
            Ok(line) => held.keep(&line, payout)?,
            Err(more) => refuse(more),
        }
    }
    statement.finish()?;
    if problem_count > 0 {
        let message = format!(
            "the statement {} has {}; nothing was compared\nhint: correct the file, or export it again",
            path.display(),
            counted(problem_count, "problem")
        );
        return Err(Refusal { code: "file_refused", message, hint: None, problems, problem_count, kinds: None }.into());
    }
    Ok(())
}
