//! `topup resume` and `topup resolve`: go on with a batch without its file. `topup status`: look at batches.

use super::args::{BatchArgs, StatusArgs};
use super::context::Context;
use super::execute::execute;
use super::failure::{Exit, Failure};
use super::output::Report;
use super::setup;
use crate::domain::standing::State;
use crate::engine::Mode;
use crate::ledger::{Access, Batch, Ledger, RunLock};
use crate::plan;
use crate::report::{Run, Summary, grouped};
use serde_json::json;
use std::fmt::Write;

/// Goes on with a batch.
pub(super) fn go_on(context: &Context, args: &BatchArgs, mode: Mode) -> Result<Report, Failure> {
    let binding = setup::binding(&context.config)?;
    let command = if mode == Mode::Resolve { "resolve" } else { "resume" };
    let (ledger, _lock) = context.open_locked(command, Access::Write)?;
    let batch = ledger.batch(&args.batch)?;
    plan::check_binding(&batch, &binding)?;
    execute(context, ledger, batch, mode)
}

/// Shows one batch, or all.
pub(super) fn status(context: &Context, args: &StatusArgs) -> Result<Report, Failure> {
    let ledger = context.open_to_read()?;
    let running = RunLock::is_held(&context.ledger_path);
    match &args.batch {
        Some(name) => {
            let batch = ledger.batch(name)?;
            let (json, text) = sum_up(&ledger, &batch, running, |summary| summary.to_text())?;
            Ok(Report { exit: Exit::Done, json, text })
        }
        None => {
            let (mut batches, mut text) = (Vec::new(), String::new());
            for batch in ledger.batches()? {
                let (json, line) = sum_up(&ledger, &batch, running, |summary| status_line(summary, &batch))?;
                batches.push(json);
                text.push_str(&line);
            }
            if batches.is_empty() {
                text.push_str("the ledger holds no batch yet\n");
            }
            Ok(Report { exit: Exit::Done, json: json!({"batches": batches}), text })
        }
    }
}

fn sum_up(
    ledger: &Ledger,
    batch: &Batch,
    running: bool,
    to_text: impl FnOnce(&Summary<'_>) -> String,
) -> Result<(serde_json::Value, String), Failure> {
    let totals = ledger.totals(batch.id)?;
    // The lock says that some run lives, the history whether it is this batch's.
    let running = running && ledger.has_open_run(batch.id)?;
    let summary = Summary::new(batch, &totals, Run::Looked { running });
    Ok((summary.to_json(), to_text(&summary)))
}

fn status_line(summary: &Summary<'_>, batch: &Batch) -> String {
    let mut line = format!("{:<24} {:<10}", batch.name.as_str(), summary.verdict().word());
    let credited = summary.of(State::Credited);
    let _ = writeln!(
        line,
        " {:>12} of {:>12} payouts credited, {:>14} of {:>14} points",
        grouped(credited.rows),
        grouped(batch.rows),
        grouped(credited.points),
        grouped(batch.points)
    );
    line
}
