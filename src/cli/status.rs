//! `topup status`: shows all batches, or one; with `--watch` again and again while a run of it goes on.

use super::approvals::names;
use super::context::{Context, unix_ms};
use super::execute::block_on;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::output::{Canvas, Output, Report};
use super::setup;
use crate::domain::approval::ProposalKind;
use crate::domain::payout_status::State;
use crate::domain::proposal::Proposals;
use crate::domain::team::Policy;
use crate::engine::Mode;
use crate::ledger::{Batch, Ledger, RunLock, Totals};
use crate::report::{
    DoubtList, IN_DOUBT_MAX, Run, SKIPPED_MAX, StatusView, Summary, batches_text, skipped_json, skipped_text,
};
use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use std::time::Duration;

/// How often a watched batch is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    topup status                       all batches\n  \
    topup status 2026-11               one batch: progress, reasons, what is in doubt and held, what to type next\n  \
    topup status 2026-11 --watch       the same, again every second while a run goes on\n  \
    topup status 2026-11 --json        for scripts\n\n\
    It reads beside a live run and never slows it down.")]
pub(super) struct StatusArgs {
    /// The batch; all of them where none is named
    pub(super) batch: Option<String>,
    /// Draw again every second until no run goes on any more, or Ctrl-C; needs a terminal
    #[arg(long, requires = "batch")]
    pub(super) watch: bool,
}

/// Shows one batch, or all.
pub(super) fn status(context: &Context, args: &StatusArgs) -> Result<Report, Failure> {
    match &args.batch {
        Some(name) if args.watch => watch(context, name),
        Some(name) => look(context, name).map(|(report, _)| report),
        None => all(context),
    }
}

fn all(context: &Context) -> Result<Report, Failure> {
    let ledger = context.open_to_read()?;
    let lock_is_held = RunLock::is_held(&context.ledger_path);
    let mut looked_at = Vec::new();
    for batch in ledger.batches()? {
        let (totals, running) = stand(&ledger, &batch, lock_is_held)?;
        looked_at.push((batch, totals, running));
    }
    let summaries: Vec<Summary<'_>> = looked_at
        .iter()
        .map(|(batch, totals, running)| Summary::new(batch, totals, Run::Looked { running: *running }))
        .collect();
    let batches: Vec<serde_json::Value> = summaries.iter().map(Summary::to_json).collect();
    let width = Output::screen_width().unwrap_or(usize::MAX);
    Ok(Report { exit: Exit::Done, json: json!({"batches": batches}), text: batches_text(&summaries, width) })
}

/// The batch at this moment, and whether a run of it goes on.
fn look(context: &Context, name: &str) -> Result<(Report, bool), Failure> {
    let ledger = context.open_to_read()?;
    let batch = ledger.batch(name)?;
    let (totals, running) = stand(&ledger, &batch, RunLock::is_held(&context.ledger_path))?;
    let policy = setup::run_settings(&context.config, Mode::Pay, 0)?.policy;
    let signed_valid = setup::signed_valid(&context.config)?;
    let found = ledger.in_doubt(batch.id, IN_DOUBT_MAX)?;
    let doubts = DoubtList::new(&found, totals.of(State::InDoubt).rows, &policy, signed_valid, unix_ms());
    let (listed, unlisted) = doubts.to_json();
    let summary = Summary::new(&batch, &totals, Run::Looked { running }).with_doubts(doubts);
    let now = unix_ms();
    let glance = ledger.batch_details(batch.id, now, running)?;
    let skipped = ledger.skipped(&batch, SKIPPED_MAX)?;
    let proposals = ledger.proposals(&batch)?;
    let text = StatusView { summary: &summary, glance: &glance, now }.to_text()
        + &skipped_text(&skipped, batch.skipped_rows)
        + &waiting_text(&batch, &proposals, ledger.team()?.policy());
    let mut json = summary.to_json();
    if let serde_json::Value::Object(object) = &mut json {
        object.insert("plans".to_owned(), plans_json(&proposals));
        object.insert("in_doubt_listed".to_owned(), listed);
        object.insert("in_doubt_unlisted".to_owned(), json!(unlisted));
        let (listed, unlisted) = skipped_json(&skipped, batch.skipped_rows);
        object.insert("skipped_listed".to_owned(), listed);
        object.insert("skipped_unlisted".to_owned(), json!(unlisted));
    }
    Ok((Report { exit: Exit::Done, json, text }, running))
}

/// Every version of the plan, oldest first: how it stands, who proposed it, and who approved it.
fn plans_json(proposals: &Proposals) -> serde_json::Value {
    let plans = proposals.all().iter().filter(|proposal| proposal.kind == ProposalKind::Plan);
    plans
        .map(|plan| {
            json!({
                "version": plan.version, "state": plan.state.word(), "seal": plan.seal.to_string(),
                "proposed_by": plan.by.to_string(), "approved_by": names(&plan.approved_by),
            })
        })
        .collect()
}

/// What waits for a person's word, and how it is given.
fn waiting_text(batch: &Batch, proposals: &Proposals, policy: Policy) -> String {
    let Some(waits) = proposals.open_under(policy) else { return String::new() };
    format!(
        "waits for approval: {} {}, proposed by {}\nnext: topup approve {} --plan {}\n",
        waits.kind.word(),
        waits.version,
        waits.by,
        batch.name,
        waits.seal.to_string(),
    )
}

fn stand(ledger: &Ledger, batch: &Batch, lock_is_held: bool) -> Result<(Totals, bool), Failure> {
    // The lock says that some run lives, the history whether it is this batch's.
    let running = lock_is_held && ledger.has_open_run(batch.id)?;
    Ok((ledger.totals(batch.id)?, running))
}

/// Draws until no run goes on any more or the user had enough; what was seen last stays on the screen.
fn watch(context: &Context, name: &str) -> Result<Report, Failure> {
    if Output::screen_width().is_none() || context.output.json {
        let message = format!(
            "--watch draws on a terminal, and stdout is none, or --json was asked for\nhint: topup status {name} --json"
        );
        return Err(Failure::new(Exit::Usage, "no_terminal", anyhow!(message)));
    }
    block_on(async {
        let ended = Interrupt::listen()?;
        tokio::pin!(ended);
        let (mut report, mut running) = look(context, name)?;
        let canvas = Canvas::open();
        while running {
            canvas.draw(&format!("{}\nCtrl-C ends the watching, not the run", report.text));
            tokio::select! {
                () = &mut ended => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            (report, running) = look(context, name)?;
        }
        Ok(report)
    })
}
