//! `topup run`: plans a file, asks for consent, and pays it; the same command again finishes it.

use super::approvals::stored;
use super::args::RunArgs;
use super::next_command::paying_command;
use super::output::{Output, Report};
use super::pay::paid;
use super::plan_view::question;
use super::rehearse::rehearse;
use super::requests;
use super::terminal::Terminal;
use crate::app::pay::Ready;
use crate::app::propose::{self, Consent, PayRequest, ToPay};
use crate::app::rehearse::{DryRun, dry_run};
use crate::app::{BatchName, DraftSummary, Ending, Failure, FileRequest, Run, State, Summary, counted, grouped, noun};
use std::fmt::Write;

pub(super) fn run(terminal: &Terminal, args: &RunArgs) -> Result<Report, Failure> {
    terminal.context().refuse_missing()?;
    let batch = Terminal::batch_name(&args.file, args.batch.as_deref())?;
    let file = requests::file(&args.file, &args.reading, batch)?;
    if args.slice.stop_after.is_some() && (args.rehearse || args.dry_run) {
        let message = "--stop-after bounds what is paid: it says nothing of a dry run or a rehearsal";
        return Err(Failure::said(Ending::Usage, "usage", message));
    }
    if args.rehearse {
        return rehearse(terminal, args, file);
    }
    if args.dry_run {
        return play(terminal, args, &file);
    }
    propose::check_settings(terminal.context())?;
    terminal.bind(&args.metrics)?;
    let request = PayRequest { file, consent: requests::consent(args) };
    match to_pay(terminal, args, &request)? {
        ToPay::Ready(ready) => pay(terminal, ready.stopping_after(args.slice.stop_after)),
        ToPay::Waits(waits) => Ok(Report { ending: Ending::Waits, ..stored(&waits, &args.who) }),
        ToPay::Asks(plan) => {
            ask(&request.file.batch, &plan)?;
            let request = PayRequest { consent: Some(Consent::Read(plan.plan_sha256)), ..request };
            match to_pay(terminal, args, &request)? {
                ToPay::Ready(ready) => pay(terminal, ready.stopping_after(args.slice.stop_after)),
                ToPay::Waits(waits) => Ok(Report { ending: Ending::Waits, ..stored(&waits, &args.who) }),
                ToPay::Asks(_) => Err(Failure::no_consent("nothing was planned and nothing was sent")),
            }
        }
    }
}

fn to_pay(terminal: &Terminal, args: &RunArgs, request: &PayRequest) -> Result<ToPay, Failure> {
    requests::with_identity(&terminal.actor, &args.who, |proposer| {
        propose::plan_to_pay(terminal.context(), request, proposer)
    })
}

fn pay(terminal: &Terminal, ready: Ready) -> Result<Report, Failure> {
    if !ready.has_open_payouts()? {
        terminal.output.note(&format!("batch {} has nothing left to do: no request was sent", ready.batch().name));
    }
    paid(terminal, ready)
}

/// Asks a person about the plan on the screen.
fn ask(batch: &BatchName, plan: &DraftSummary) -> Result<(), Failure> {
    if !Output::can_ask() {
        return Err(Failure::no_consent(
            "without a terminal, paying needs --yes, --confirm-total or --confirm-plan; nothing was sent",
        ));
    }
    match Output::ask(&question(batch, plan)).as_deref() {
        Some("yes") => Ok(()),
        Some(_) | None => Err(Failure::no_consent("nothing was planned and nothing was sent: the answer was not yes")),
    }
}

fn play(terminal: &Terminal, args: &RunArgs, file: &FileRequest) -> Result<Report, Failure> {
    let dry = dry_run(terminal.context(), file, args.export.as_deref(), || terminal.bind(&args.metrics))?;
    if let Some(exported) = &dry.not_paid {
        let rows = counted(exported.rows(), "payout");
        terminal.output.note(&format!("wrote {}: {rows} that would not be paid", exported.path.display()));
    }
    let mut json = Summary::new(&dry.batch, &dry.totals, Run::Ended(&dry.report)).to_json();
    json["checked"] = (dry.to_check - dry.unchecked()).into();
    Ok(Report { ending: dry.ending, json, text: dry_run_text(terminal, args, &dry) })
}

fn dry_run_text(terminal: &Terminal, args: &RunArgs, dry: &DryRun) -> String {
    let DryRun { batch, totals, report, .. } = dry;
    let unchecked = dry.unchecked();
    let mut text = format!("dry run of batch {}: nothing was paid, and nothing is kept\n", batch.name);
    let of = |state| totals.of(state);
    for (label, state) in [("would be paid", State::Planned), ("ineligible", State::Ineligible), ("held", State::Held)]
    {
        let total = of(state);
        // Of a look that was cut short nobody knows who would be paid.
        if total.rows > 0 && (unchecked == 0 || state != State::Planned) {
            let (rows, points) = (counted(total.rows, "payout"), grouped(total.points));
            let _ = writeln!(text, "  {label:<14}{rows:>12} {points:>16} {}", noun(total.points, "point"));
        }
    }
    if batch.skipped_rows > 0 {
        let _ = writeln!(text, "  {:<14}{:>12}", "skipped", counted(batch.skipped_rows, "row"));
    }
    if unchecked == 0 {
        let _ = writeln!(text, "next: {}", paying_command(terminal, args, batch));
        return text;
    }
    let checked = format!("{} of {} checked", grouped(dry.to_check - unchecked), grouped(dry.to_check));
    let stopped = report.stop.as_ref().map(|stop| stop.message.split_once("\nhint: ").unwrap_or((&stop.message, "")));
    let _ = match (report.interrupted, stopped) {
        (true, _) | (false, None) => writeln!(text, "{checked}: it was interrupted\nhint: run the same command again"),
        (false, Some((why, ""))) => writeln!(text, "{checked}: {why}\nhint: run the same command again"),
        (false, Some((why, hint))) => writeln!(text, "{checked}: {why}\nhint: {hint}"),
    };
    text
}
