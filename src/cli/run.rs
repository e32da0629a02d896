//! `topup run`: plans a file, asks for consent, and pays it; the same command again finishes it.

use super::args::{PlanningArgs, RunArgs};
use super::check::intake_options;
use super::context::{Context, unix_ms, who};
use super::execute::{self, execute};
use super::export::Target;
use super::failure::{Exit, Failure};
use super::metrics::MetricsPort;
use super::next_command::paying_command;
use super::output::{Output, Report};
use super::plan_view::{plan_text, refused};
use super::rehearse::rehearse;
use super::{approvals, setup};
use crate::domain::batch_name::{self, BatchName};
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::engine::{Mode, RunReport};
use crate::intake::{self, Intake};
use crate::ledger::{Access, Batch, Ledger, Origin, Purpose, RunLock, Totals, Under};
use crate::plan::{self, DraftSummary, Planned, Resealing, Terms};
use crate::report::{Lang, Run, Summary, counted, grouped};
use anyhow::anyhow;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Report, Failure> {
    context.refuse_missing()?;
    context.say_created(plan_and_pay(context, args))
}

fn plan_and_pay(context: &Context, args: &RunArgs) -> Result<Report, Failure> {
    let batch = batch_name(&args.file, args.batch.as_deref())?;
    let resealing = match &args.confirm_plan {
        _ if args.dry_run || args.rehearse => Resealing::OnACopy,
        Some(plan) => Resealing::Confirmed(plan.clone()),
        None => Resealing::Refused,
    };
    let terms = terms(context, &args.reading, batch, resealing)?;
    if args.rehearse {
        return rehearse(context, args, &terms);
    }
    // Everything that can be wrong with the set-up shows before the ledger is touched.
    setup::gateway(&context.config)?;
    setup::run_settings(&context.config, Mode::Pay, 0)?;
    let metrics = args.metrics.bind(context.output)?;
    if args.dry_run {
        return dry_run(context, args, &terms, metrics);
    }
    // A second run is told so before anything is said about its file; a ledger is made only for a file that opens.
    let lock = context.lock("run")?;
    drop(open_file(&args.file, &args.reading)?);
    let mut ledger = context.open_to_change(Access::Create)?;
    let _lock = match ledger.team()?.policy() {
        Policy::OnePerson => plan_and_approve(context, args, &terms, &mut ledger, lock)?,
        Policy::TwoPersons => {
            let stored = approvals::propose(context, &mut ledger, &args.file, &args.reading, &terms, &args.who)?;
            if let Some(report) = stored {
                return Ok(Report { exit: Exit::Waits, ..report });
            }
            lock
        }
    };
    let batch = ledger.batch(terms.batch.as_str())?;
    if !execute::has_open_payouts(&ledger, &batch)? {
        context.output.note(&format!("batch {} has nothing left to do: no request was sent", batch.name));
    }
    execute(context, ledger, batch, Mode::Pay, &under(context, &terms)?, metrics)
}

/// Plans the file, and approves the plan on the word of whoever typed the command. While a person reads it nothing is open
/// or locked: it is planned again then, and has to be the same plan.
fn plan_and_approve(
    context: &Context,
    args: &RunArgs,
    terms: &Terms,
    ledger: &mut Ledger,
    lock: RunLock,
) -> Result<RunLock, Failure> {
    let origin = origin(context, &args.file, terms);
    let read = match plan::plan(ledger, open_file(&args.file, &args.reading)?, terms, &origin)? {
        Planned::Refused(refusal) => return Err(refused(refusal)),
        Planned::Known(batch, warnings) => {
            warnings.iter().for_each(|warning| context.output.note(&format!("note: {warning}")));
            check_consent_again(args, &batch)?;
            return Ok(lock);
        }
        Planned::Draft(draft) => {
            let summary = draft.summary();
            context.output.note(&plan_text(context, &terms.batch, summary)?);
            if let Some(consent) = consent_by_flag(args, summary.whole.points, &summary.plan_sha256)? {
                draft.seal(&with_reason(consent, terms), unix_ms())?;
                return Ok(lock);
            }
            summary.clone()
        }
    };
    drop(lock);
    let consent = asked_consent(&read)?;
    let lock = context.lock("run")?;
    match plan::plan(ledger, open_file(&args.file, &args.reading)?, terms, &origin)? {
        Planned::Draft(draft) if draft.summary().plan_sha256 == read.plan_sha256 => {
            draft.seal(&with_reason(consent, terms), unix_ms())?;
            Ok(lock)
        }
        Planned::Draft(_) | Planned::Known(..) | Planned::Refused(_) => {
            let message = "the file or the ledger changed while the plan was read; nothing was planned and nothing was sent\n\
                           hint: run the same command again, and read the plan anew";
            Err(Failure::new(Exit::Refused, "changed", anyhow!(message)))
        }
    }
}

fn with_reason(consent: String, terms: &Terms) -> String {
    match &terms.repeat_why {
        Some(why) => format!("{consent}; repeats another batch: {why}"),
        None => consent,
    }
}

pub(super) fn batch_name(file: &Path, named: Option<&str>) -> Result<BatchName, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, "batch_name", anyhow!(message));
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let proposal = batch_name::propose(&stem);
    let typed = match named {
        Some(name) => name.to_owned(),
        None if Output::can_ask() => {
            let typed = Output::ask(&format!("batch name [{proposal}]: "));
            // The end of the input is no answer: whoever typed Ctrl-D wanted out.
            typed_name(typed, proposal).ok_or_else(|| no_consent("no batch name was given; nothing was sent"))?
        }
        None => return Err(usage(format!("--batch is required without a terminal\nhint: --batch {proposal}"))),
    };
    BatchName::parse(&typed).map_err(|problem| usage(problem.to_string()))
}

/// What was typed at the question for the batch's name, where Enter alone takes the proposal.
fn typed_name(typed: Option<String>, proposal: String) -> Option<String> {
    typed.map(|typed| if typed.is_empty() { proposal } else { typed })
}

pub(super) fn terms(
    context: &Context,
    args: &PlanningArgs,
    batch: BatchName,
    resealing: Resealing,
) -> Result<Terms, Failure> {
    let config = &context.config;
    Ok(Terms {
        batch,
        binding: setup::binding(config)?,
        settings: setup::sealed_settings(config),
        resealing,
        send_sms: config.yes("payout.send_sms"),
        limits: setup::limits(config)?,
        expect_rows: args.expect_rows,
        allow_repeat_phones: args.how.allow_repeat_phones,
        skip_invalid: args.skip_invalid,
        repeat_why: args.repeat.clone().filter(|why| !why.trim().is_empty()),
        repeat_window_days: setup::repeat_window_days(config)?,
        now: unix_ms(),
    })
}

/// Under what the payouts of a plan are paid, asked about or rehearsed.
pub(super) fn under(context: &Context, terms: &Terms) -> Result<Under, Failure> {
    let mut under = setup::under(&context.config, Purpose::Pay)?;
    under.repeats.why = terms.repeat_why.as_ref().map(|why| format!("{why} ({})", who()));
    Ok(under)
}

pub(super) fn origin(context: &Context, file: &Path, terms: &Terms) -> Origin {
    Origin {
        file_name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        settings: setup::settings_json(&context.config),
        planned_by: who(),
        planned_at: terms.now,
    }
}

pub(super) fn open_file(file: &Path, args: &PlanningArgs) -> Result<Intake, Failure> {
    let options = intake_options(&args.how, args.expect_total)?;
    Ok(intake::open(file, &options)?)
}

/// A person's yes to a plan on the screen.
fn asked_consent(plan: &DraftSummary) -> Result<String, Failure> {
    if !Output::can_ask() {
        return Err(no_consent(
            "without a terminal, paying needs --yes, --confirm-total or --confirm-plan; nothing was sent",
        ));
    }
    let question =
        format!("pay {} points to {} members? type yes to pay: ", grouped(plan.new.points), grouped(plan.members));
    match Output::ask(&question).as_deref() {
        Some("yes") => Ok(format!("yes typed by {}", who())),
        Some(_) | None => Err(no_consent("nothing was planned and nothing was sent: the answer was not yes")),
    }
}

pub(super) fn consent_by_flag(args: &RunArgs, points: u64, plan_sha256: &Sha256) -> Result<Option<String>, Failure> {
    let plan = plan_sha256.to_string();
    if let Some(expected) = args.confirm_total.filter(|expected| *expected != points) {
        return Err(no_consent(&format!(
            "--confirm-total says {expected} points, and the whole plan has {points}; nothing was sent"
        )));
    }
    if let Some(expected) = args.confirm_plan.as_ref().filter(|expected| !expected.eq_ignore_ascii_case(&plan)) {
        return Err(no_consent(&format!("--confirm-plan says {expected}, and the plan is {plan}; nothing was sent")));
    }
    let who = who();
    Ok(match (args.yes, args.confirm_total, &args.confirm_plan) {
        (_, Some(total), _) => Some(format!("--confirm-total {total} by {who}")),
        (_, _, Some(_)) => Some(format!("--confirm-plan {plan} by {who}")),
        (true, None, None) => Some(format!("--yes by {who}")),
        (false, None, None) => None,
    })
}

/// The consent is kept with the plan; one that is given again has to fit it.
fn check_consent_again(args: &RunArgs, batch: &Batch) -> Result<(), Failure> {
    consent_by_flag(args, batch.points, &batch.plan_sha256).map(drop)
}

fn no_consent(message: &str) -> Failure {
    Failure::new(Exit::Refused, "no_consent", anyhow!(message.to_owned()))
}

/// Plans and pre-checks on a copy of the ledger, which is gone afterwards.
fn dry_run(context: &Context, args: &RunArgs, terms: &Terms, metrics: Option<MetricsPort>) -> Result<Report, Failure> {
    let target = args.export.as_deref().map(|path| Target::new(context, path, Lang::En)).transpose()?;
    let existing = context.ledger_path.exists().then_some(context.ledger_path.as_path());
    let mut scratch = Ledger::scratch(existing)?;
    let intake = open_file(&args.file, &args.reading)?;
    let origin = origin(context, &args.file, terms);
    match plan::plan(&mut scratch, intake, terms, &origin)? {
        Planned::Refused(refusal) => return Err(refused(refusal)),
        Planned::Known(_, warnings) => {
            warnings.iter().for_each(|warning| context.output.note(&format!("note: {warning}")));
        }
        Planned::Draft(draft) => {
            context.output.note(&plan_text(context, &terms.batch, draft.summary())?);
            draft.seal("dry run", unix_ms())?;
        }
    }
    let batch = scratch.batch(terms.batch.as_str())?;
    let mut settings = setup::run_settings(&context.config, Mode::CheckMembers, 0)?;
    // A rehearsal leaves nothing behind where there is no ledger yet.
    settings.shared_pace = Some(context.shared_pace(context.ledger_path.exists()));
    let ledger = execute::begin(scratch, &batch, &under(context, terms)?)?;
    let gateway = Arc::new(setup::gateway(&context.config)?);
    let report = execute::run_to_its_end(context, settings, &ledger, gateway, metrics)?;
    let totals = ledger.totals()?;
    let summary = Summary::new(&batch, &totals, Run::Ended(&report));
    let text = dry_run_text(context, args, &batch, &totals, &report);
    let exit = execute::dry_run_exit(&batch, &totals, &report);
    if let (Some(target), Some(scratch)) = (target, ledger.into_scratch()) {
        write_not_paid(context, &target, &scratch, &batch)?;
    }
    Ok(Report { exit, json: summary.to_json(), text })
}

/// The members who would not be paid, with reasons, from the copy of the ledger.
fn write_not_paid(context: &Context, target: &Target<'_>, scratch: &Ledger, batch: &Batch) -> Result<(), Failure> {
    let not_paid = [State::Declined, State::Ineligible, State::Held, State::Cancelled];
    let exported = target.write(context, scratch, batch.name.as_str(), (&not_paid, true))?;
    let rows = counted(exported.rows(), "payout");
    context.output.note(&format!("wrote {}: {rows} that would not be paid", exported.path.display()));
    Ok(())
}

fn dry_run_text(context: &Context, args: &RunArgs, batch: &Batch, totals: &Totals, report: &RunReport) -> String {
    let mut text = format!("dry run of batch {}: nothing was paid, and nothing is kept\n", batch.name);
    for (label, state) in [("would be paid", State::Planned), ("ineligible", State::Ineligible), ("held", State::Held)]
    {
        let total = totals.of(state);
        if total.rows > 0 {
            let _ = writeln!(
                text,
                "  {label:<14}{:>12} {:>16} points",
                counted(total.rows, "payout"),
                grouped(total.points)
            );
        }
    }
    if batch.skipped_rows > 0 {
        let _ = writeln!(text, "  {:<14}{:>12}", "skipped", counted(batch.skipped_rows, "row"));
    }
    if report.interrupted {
        text.push_str("not all of that is checked: it was interrupted\n");
    } else if let Some(stop) = &report.stop {
        let _ = writeln!(text, "not all of that is checked: {stop}");
    }
    let _ = writeln!(text, "next: {}", paying_command(context, args, batch));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_input_names_no_batch() {
        let named = |typed: Option<&str>| typed_name(typed.map(str::to_owned), "proposal".to_owned());
        assert_eq!(named(None), None);
        assert_eq!(named(Some("")).as_deref(), Some("proposal"));
        assert_eq!(named(Some("mine")).as_deref(), Some("mine"));
    }
}
