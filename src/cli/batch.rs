//! `topup resume` and `topup resolve`: go on with a batch without its file.

use super::args::BatchArgs;
use super::context::Context;
use super::execute::execute;
use super::failure::Failure;
use super::output::Report;
use super::setup;
use crate::engine::Mode;
use crate::ledger::Access;
use crate::plan;

/// Goes on with a batch.
pub(super) fn go_on(context: &Context, args: &BatchArgs, mode: Mode) -> Result<Report, Failure> {
    let binding = setup::binding(&context.config)?;
    let metrics = args.metrics.bind(context.output)?;
    let command = if mode == Mode::Resolve { "resolve" } else { "resume" };
    let (ledger, _lock) = context.open_locked(command, Access::Write)?;
    let batch = ledger.batch(&args.batch)?;
    plan::check_binding(&batch, &binding)?;
    execute(context, ledger, batch, mode, metrics)
}
