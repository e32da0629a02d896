//! `topup reconcile`: compares the provider's statement with the ledger and the plan.

use super::args::ReconcileArgs;
use super::hints::command;
use super::output::Report;
use super::requests;
use super::terminal::Terminal;
use crate::app::Failure;
use crate::app::reconcile::reconcile as compare;

pub(super) fn reconcile(terminal: &Terminal, args: &ReconcileArgs) -> Result<Report, Failure> {
    let statement = args.statement.display().to_string();
    let (ending, (json, text)) = compare(terminal.context(), &requests::reconcile(args)?, |found| {
        (found.to_json(), found.to_text(&statement, command))
    })?;
    Ok(Report { ending, json, text })
}
