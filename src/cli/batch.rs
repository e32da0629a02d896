//! `topup resume` and `topup resolve`: go on with a batch without its file.

use super::args::BatchArgs;
use super::context::{Context, who};
use super::execute::execute;
use super::failure::Failure;
use super::output::Report;
use super::setup;
use crate::engine::Mode;
use crate::ledger::{Access, Purpose};
use crate::plan;

/// Goes on with a batch.
pub(super) fn go_on(context: &Context, args: &BatchArgs, mode: Mode, repeat: Option<&str>) -> Result<Report, Failure> {
    let purpose = if mode == Mode::Pay { Purpose::Pay } else { Purpose::Ask };
    let mut under = setup::under(&context.config, purpose)?;
    under.repeats.why = repeat.map(|why| format!("{why} ({})", who()));
    let metrics = args.metrics.bind(context.output)?;
    let command = if mode == Mode::Resolve { "resolve" } else { "resume" };
    let (mut ledger, _lock) = context.open_locked(command, Access::Write)?;
    let mut batch = ledger.batch(&args.batch)?;
    if mode == Mode::Pay
        && let Some(line) = plan::take_over(&mut ledger, Some(&batch), &under.binding, under.now)?
    {
        context.output.note(&format!("note: {line}"));
        batch = ledger.batch(&args.batch)?;
    }
    execute(context, ledger, batch, mode, &under, metrics)
}
