//! `topup rebind`: a recorded, confirmed change of the gateway's address or the terminal, for a provider that moved.

use super::args::RebindArgs;
use super::hints::command;
use super::output::Report;
use super::terminal::Terminal;
use crate::app::rebind::{self, Rebound, binding_words};
use crate::app::{Failure, Step};
use serde_json::json;
use std::fmt::Write;

pub(super) fn rebind(terminal: &Terminal, args: &RebindArgs) -> Result<Report, Failure> {
    let (rebound, binding) = rebind::rebind(terminal.context(), &args.why, |rebound, binding| {
        let question =
            format!("{}bind all of that to {} from now on? type yes: ", listed(rebound), binding_words(binding));
        Terminal::consent(&question, args.yes, "nothing was changed: the answer was not yes")
    })?;
    let new = binding_words(&binding);
    let text = if rebound == Rebound::default() {
        format!("nothing to do: the ledger and its batches are bound to {new}\n")
    } else {
        let next = command(&Step::Doctor);
        format!("{}bound to {new} from now on, and the reason is kept\nnext: {next}\n", listed(&rebound))
    };
    Ok(Terminal::shown(to_json(&rebound, &new), text))
}

/// What was bound to something else.
fn listed(rebound: &Rebound) -> String {
    let mut text = String::new();
    if let Some(ledger) = &rebound.ledger {
        let _ = writeln!(text, "the ledger was bound to {ledger}");
    }
    for (batch, binding) in &rebound.batches {
        let _ = writeln!(text, "batch {batch} was bound to {}", binding_words(binding));
    }
    text
}

fn to_json(rebound: &Rebound, new: &str) -> serde_json::Value {
    let batches: Vec<_> =
        rebound.batches.iter().map(|(batch, was)| json!({"batch": batch, "was": binding_words(was)})).collect();
    json!({"bound_to": new, "ledger_was": rebound.ledger, "batches": batches})
}
