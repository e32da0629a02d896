//! `topup resume` and `topup resolve`: go on with a batch without its file; and how a run is summed up.

use super::args::BatchArgs;
use super::hints::command;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::pay::{self, Ended, GoOn, Paid, Ready};
use crate::app::{Ending, Failure, Mode, Run, Step, Summary, counted};

/// Goes on with a batch.
pub(super) fn go_on(
    terminal: &Terminal,
    args: &BatchArgs,
    mode: Mode,
    repeat: Option<&str>,
    stop_after: Option<u64>,
) -> Result<Report, Failure> {
    let request = GoOn { batch: args.batch.clone(), mode, repeat_why: repeat.map(str::to_owned), is_unattended: false };
    let ready = pay::take_up(terminal.context(), &request, || terminal.bind(&args.metrics))?;
    paid(terminal, ready.stopping_after(stop_after))
}

/// Pays what is ready, and sums it up.
pub(super) fn paid(terminal: &Terminal, ready: Ready) -> Result<Report, Failure> {
    match pay::pay(terminal.context(), ready)? {
        Paid::Ended(ended) => {
            let Ended { ending, batch, totals, report, doubts, waiting } = *ended;
            let summary = Summary::new(&batch, &totals, Run::Ended(&report)).with_doubts(doubts).with_waiting(waiting);
            Ok(Report { ending, json: summary.to_json(), text: summary.to_text(command) })
        }
        Paid::Waits(batch, totals, waiting) => {
            let json = Summary::new(&batch, &totals, Run::Looked { running: false }).to_json();
            let text = format!(
                "batch {name} waits for another person's approval: {}, {}; nothing was sent\nnext: {}\n",
                counted(waiting.rows, "payout"),
                counted(waiting.points, "point"),
                command(&Step::Approve(batch.name.to_string(), batch.plan_sha256.to_string())),
                name = batch.name,
            );
            Ok(Report { ending: Ending::Waits, json, text })
        }
    }
}
