//! `topup work`: pays approved plans as they come, and says how each run ended.

use super::args::WorkArgs;
use super::hints::command;
use super::notify;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::pay::Ended;
use crate::app::work::{self, WorkRequest};
use crate::app::{Failure, Run, Summary};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn work(terminal: &Terminal, args: &WorkArgs) -> Result<Report, Failure> {
    let request = WorkRequest { poll: args.poll_s.0, rest: args.again_after_s.0, once: args.once };
    if !args.once {
        terminal.output.note("paying approved plans as they come; Ctrl-C ends it");
    }
    // The end of each batch's newest run: a service that goes on for months does not keep all of them.
    let mut ends = BTreeMap::new();
    let ending = work::work(terminal.context(), &request, |ended| {
        let Ended { batch, totals, report, doubts, waiting, .. } = ended;
        let summary =
            Summary::new(batch, totals, Run::Ended(report)).with_doubts(doubts.clone()).with_waiting(*waiting);
        let object = summary.to_json();
        terminal.output.note(&summary.to_text(command));
        if let Some(command) = &args.notify.notify_command {
            notify::notify(command, &object);
        }
        ends.insert(batch.name.to_string(), object);
    })?;
    let text = format!("{} paid or gone on with\n", crate::app::counted(ends.len() as u64, "batch"));
    Ok(Report { ending, json: json!({"batches": ends.into_values().collect::<Vec<_>>()}), text })
}
