//! `topup status`: shows all batches, or one; with `--watch` again and again while a run of it goes on.

use super::approvals::names;
use super::args::StatusArgs;
use super::hints::command;
use super::interrupt::Interrupt;
use super::output::{Canvas, Output, Report};
use super::terminal::Terminal;
use crate::app::runtime::block_on;
use crate::app::status::{self, Look};
use crate::app::{
    Batch, Ending, Failure, Policy, ProposalKind, Proposals, Run, StatusView, Step, Summary, batches_text,
    skipped_json, skipped_text,
};
use serde_json::json;
use std::time::Duration;

/// Plans and decisions whose people are named, the newest first.
const WHO_MAX: usize = 3;
/// How often a watched batch is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Shows one batch, or all.
pub(super) fn status(terminal: &Terminal, args: &StatusArgs) -> Result<Report, Failure> {
    match &args.batch {
        Some(name) if args.watch => watch(terminal, name),
        Some(name) => look(terminal, name).map(|(report, _)| report),
        None => all(terminal),
    }
}

fn all(terminal: &Terminal) -> Result<Report, Failure> {
    let stands = status::all(terminal.context())?;
    let summaries: Vec<Summary<'_>> = stands
        .iter()
        .map(|stand| Summary::new(&stand.batch, &stand.totals, Run::Looked { running: stand.running }))
        .collect();
    let batches: Vec<serde_json::Value> = summaries.iter().map(Summary::to_json).collect();
    let width = Output::screen_width().unwrap_or(usize::MAX);
    Ok(Terminal::shown(json!({"batches": batches}), batches_text(&summaries, width, command)))
}

/// The batch at this moment, and whether a run of it goes on.
fn look(terminal: &Terminal, name: &str) -> Result<(Report, bool), Failure> {
    let Look { stand, now, doubts, details, skipped, proposals, policy } = status::look(terminal.context(), name)?;
    let (batch, running) = (&stand.batch, stand.running);
    let (listed, unlisted) = doubts.to_json();
    let summary = Summary::new(batch, &stand.totals, Run::Looked { running }).with_doubts(doubts);
    let text = StatusView { summary: &summary, glance: &details, now }.to_text(command)
        + &skipped_text(&skipped, batch.skipped_rows, command)
        + &who_text(&proposals)
        + &waiting_text(batch, &proposals, policy);
    let mut json = summary.to_json();
    if let serde_json::Value::Object(object) = &mut json {
        object.insert("plans".to_owned(), plans_json(&proposals));
        object.insert("in_doubt_listed".to_owned(), listed);
        object.insert("in_doubt_unlisted".to_owned(), json!(unlisted));
        let (listed, unlisted) = skipped_json(&skipped, batch.skipped_rows);
        object.insert("skipped_listed".to_owned(), listed);
        object.insert("skipped_unlisted".to_owned(), json!(unlisted));
    }
    Ok((Terminal::shown(json, text), running))
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

/// Whose plan it is, and who approved it or decided since.
fn who_text(proposals: &Proposals) -> String {
    let mut text = String::new();
    for proposal in proposals.all().iter().rev().take(WHO_MAX) {
        let by = if proposal.approved_by.is_empty() {
            String::new()
        } else {
            format!(", approved by {}", names(&proposal.approved_by).join(" and "))
        };
        let (kind, version, state) = (proposal.kind.word(), proposal.version, proposal.state.word());
        text.push_str(&format!("{kind} {version}, {state}: proposed by {}{by}\n", proposal.by));
    }
    text
}

/// What waits for a person's word, and how it is given.
fn waiting_text(batch: &Batch, proposals: &Proposals, policy: Policy) -> String {
    let Some(waits) = proposals.open_under(policy) else { return String::new() };
    format!(
        "waits for approval: {} {}, proposed by {}\nnext: {}\n",
        waits.kind.word(),
        waits.version,
        waits.by,
        command(&Step::Approve(batch.name.to_string(), waits.seal.to_string())),
    )
}

/// Draws until no run goes on any more or the user had enough; what was seen last stays on the screen.
fn watch(terminal: &Terminal, name: &str) -> Result<Report, Failure> {
    if Output::screen_width().is_none() || terminal.output.json {
        let message = format!(
            "--watch draws on a terminal, and stdout is none, or --json was asked for\nhint: topup status {name} --json"
        );
        return Err(Failure::said(Ending::Usage, "no_terminal", message));
    }
    block_on(async {
        let ended = Interrupt::listen()?;
        tokio::pin!(ended);
        let (mut report, mut running) = look(terminal, name)?;
        let canvas = Canvas::open();
        while running {
            canvas.draw(&format!("{}\nCtrl-C ends the watching, not the run", report.text));
            tokio::select! {
                () = &mut ended => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            (report, running) = look(terminal, name)?;
        }
        Ok(report)
    })
}
