//! `topup reconcile`: holds the provider's statement against the ledger and the plan.

use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::Report;
use super::plan_view::refused;
use crate::domain::statement::LineStatus;
use crate::intake::{LISTED_MAX, Problem, Statement, StatementColumn, StatementOptions};
use crate::ledger::{Batch, NumberOwner, RunLock, StatementLines};
use crate::plan::{self, Refusal};
use crate::report::{Reconciliation, counted};
use anyhow::anyhow;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup reconcile 2026-11 --statement transactions.csv\n  \
    topup reconcile 2026-11 --statement transactions.xlsx --column invoice_no=\"Mã GD đối tác\"\n  \
    topup reconcile 2026-11 --statement transactions.csv --status credited=\"Đã ghi có\"\n\n\
    It only reads, and makes no call. Exit status: 0 all agree, 8 some differ, 3 the statement cannot be used.\n\
    A statement may hold other batches' and other programs' lines: they are counted and left aside.")]
pub(super) struct ReconcileArgs {
    /// The batch
    batch: String,
    /// The provider's transaction list: CSV, XLSX, XLS or ODS, with a header row
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// Worksheet of a workbook
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Name a column by hand; MEANING is invoice_no, phone, points, time or status
    #[arg(long, value_name = "MEANING=HEADER")]
    column: Vec<String>,
    /// Say what a word of the status column means: credited, failed, open or reversed
    #[arg(long, value_name = "MEANING=WORD")]
    status: Vec<String>,
    /// The mark that groups thousands of points, where the file does not tell: . or ,
    #[arg(long, value_name = "MARK")]
    points_grouping: Option<char>,
    /// Count hidden rows and columns too
    #[arg(long)]
    include_hidden: bool,
}

pub(super) fn reconcile(context: &Context, args: &ReconcileArgs) -> Result<Report, Failure> {
    let options = options(args)?;
    let ledger = context.open_to_read()?;
    let batch = ledger.batch(&args.batch)?;
    let mut found = Reconciliation::new(&batch);
    if RunLock::is_held(&context.ledger_path) && ledger.has_open_run(batch.id)? {
        found.warnings.push("a run of this batch is going on: reconcile again when it is over".to_owned());
    }
    if let Some(day) = batch.purged_on() {
        found
            .warnings
            .push(format!("the batch was purged on {day}: numbers, points and states are compared, phones not"));
    }
    let held = ledger.reconcile_with(&batch)?;
    read(args, &options, &held, &batch, &mut found)?;
    held.each_payout(|payout, lines| found.payout(payout, lines))?;
    held.each_stranger(|lines| found.stranger(lines))?;
    if found.has_unexplained() {
        held.each_payout(|payout, lines| found.explain(payout, lines))?;
    }
    found.is_sealed = plan::is_sealed(&ledger, &batch)?;
    if found.is_beyond_counting() {
        let message = format!(
            "the points of the statement {} add up to more than can be counted (2^64); nothing was compared\nhint: look \
             for cells of the points column that hold something else, such as an order's number",
            args.statement.display()
        );
        return Err(Failure::new(Exit::Refused, "file_refused", anyhow!(message)));
    }
    let exit = if found.difference_count() == 0 { Exit::Done } else { Exit::Differs };
    let text = found.to_text(&args.statement.display().to_string());
    Ok(Report { exit, json: found.to_json(), text })
}

fn options(args: &ReconcileArgs) -> Result<StatementOptions, Failure> {
    let usage = |code, message: String| Failure::new(Exit::Usage, code, anyhow!(message));
    let column = |text: &String| {
        let named = text.split_once('=').and_then(|(word, header)| {
            let header = Some(header.to_owned()).filter(|header| !header.trim().is_empty())?;
            Some((StatementColumn::parse(word)?, header))
        });
        named.ok_or_else(|| {
            let words = StatementColumn::ALL.map(StatementColumn::word).join(", ");
            usage("column", format!("--column takes MEANING=HEADER, found {text:?}\nhint: MEANING is one of {words}"))
        })
    };
    let status = |text: &String| {
        let named = text.split_once('=').and_then(|(word, cell)| {
            let cell = Some(cell.to_owned()).filter(|cell| !cell.trim().is_empty())?;
            Some((LineStatus::from_word(word)?, cell))
        });
        named.ok_or_else(|| {
            let words = LineStatus::ALL.map(LineStatus::word).join(", ");
            usage("status", format!("--status takes MEANING=WORD, found {text:?}\nhint: MEANING is one of {words}"))
        })
    };
    if let Some(mark) = args.points_grouping.filter(|mark| !matches!(mark, '.' | ',')) {
        return Err(usage("points_grouping", format!("--points-grouping takes . or , and found {mark:?}")));
    }
    Ok(StatementOptions {
        sheet: args.sheet.clone(),
        columns: args.column.iter().map(column).collect::<Result<_, _>>()?,
        statuses: args.status.iter().map(status).collect::<Result<_, _>>()?,
        points_grouping: args.points_grouping,
        include_hidden: args.include_hidden,
    })
}

/// Reads the statement to its end; one line of ours that cannot be read refuses it.
fn read(
    args: &ReconcileArgs,
    options: &StatementOptions,
    held: &StatementLines<'_>,
    batch: &Batch,
    found: &mut Reconciliation<'_>,
) -> Result<(), Failure> {
    let mut statement = Statement::open(&args.statement, options)?;
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
            args.statement.display(),
            counted(problem_count, "problem")
        );
        return Err(refused(Refusal { code: "file_refused", message, problems, problem_count, kinds: None }));
    }
    Ok(())
}
