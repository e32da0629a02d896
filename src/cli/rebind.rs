//! `topup rebind`: a recorded, confirmed change of the gateway's address or the terminal, for a provider that moved.

use super::context::{Context, unix_ms, who};
use super::failure::{Exit, Failure};
use super::output::{Output, Report};
use super::setup;
use crate::ledger::{Access, Ledger};
use crate::plan::{self, Rebound, binding_words};
use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use std::fmt::Write;

#[derive(Debug, Args)]
pub(super) struct RebindArgs {
    /// The reason, which is kept in the ledger's history
    #[arg(long, value_name = "TEXT", required = true)]
    why: String,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

pub(super) fn rebind(context: &Context, args: &RebindArgs) -> Result<Report, Failure> {
    if args.why.trim().is_empty() {
        let message = "--why needs a reason, has none\nhint: --why \"the provider's mail of 3 December\"";
        return Err(Failure::new(Exit::Usage, "why", anyhow!(message)));
    }
    let binding = setup::binding(&context.config)?;
    // Everything that can be wrong with the new address shows before the ledger is touched.
    setup::gateway(&context.config)?;
    let (mut ledger, _lock) = context.open_locked("rebind", Access::Write)?;
    let why = format!("{} ({})", args.why.trim(), who());
    // On a copy first: what would change, or why nothing may.
    let preview = plan::rebind(&mut Ledger::scratch(Some(&context.ledger_path))?, &binding, &why, unix_ms())?;
    let new = binding_words(&binding);
    if preview == Rebound::default() {
        let text = format!("nothing to do: the ledger and its batches are bound to {new}\n");
        return Ok(Report { exit: Exit::Done, json: to_json(&preview, &new), text });
    }
    consent(&format!("{}bind all of that to {new} from now on?", listed(&preview)), args.yes)?;
    let rebound = plan::rebind(&mut ledger, &binding, &why, unix_ms())?;
    let mut text = listed(&rebound);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "bound to {new} from now on, and the reason is kept\nnext: topup doctor");
    Ok(Report { exit: Exit::Done, json: to_json(&rebound, &new), text })
}

fn consent(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let no = |message: &str| Err(Failure::new(Exit::Refused, "no_consent", anyhow!(message.to_owned())));
    if !Output::can_ask() {
        return no("without a terminal this needs --yes; nothing was changed");
    }
    match Output::ask(&format!("{question} type yes: ")).as_deref() {
        Some("yes") => Ok(()),
        Some(_) | None => no("nothing was changed: the answer was not yes"),
    }
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
