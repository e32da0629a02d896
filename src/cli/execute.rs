//! Runs the engine for a command: signals, progress, and the summary at the end.

use super::context::{Context, unix_ms};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::metrics::{Metrics, MetricsPort, serve};
use super::output::Report;
use super::plan_view::refused;
use super::progress::Progress;
use super::run_metrics::RunMetrics;
use super::setup;
use crate::domain::payout_status::State;
use crate::engine::{self, Mode, RunReport, Stop, StopCode};
use crate::gateway::HttpGateway;
use crate::ledger::{Batch, Ledger, RunLedger, Size, Totals, Under};
use crate::plan::{self, Start};
use crate::report::{DoubtList, IN_DOUBT_MAX, Run, Summary, Verdict, counted, grouped};
use anyhow::Context as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Does what is left of a batch, and sums it up.
pub(super) fn execute(
    context: &Context,
    ledger: Ledger,
    batch: Batch,
    mode: Mode,
    under: &Under,
    metrics: Option<MetricsPort>,
) -> Result<Report, Failure> {
    let gateway = Arc::new(setup::gateway(&context.config)?);
    let mut settings = setup::run_settings(&context.config, mode, batch.points)?;
    settings.quiet_before = quiet_before(&ledger, settings.rate_per_s)?;
    settings.shared_pace = Some(context.shared_pace(true));
    let policy = settings.policy.clone();
    let run_ledger = begin(ledger, &batch, under)?;
    let waiting = run_ledger.waiting()?;
    let open = run_ledger.totals()?;
    if mode == Mode::Pay
        && waiting.rows > 0
        && open.of(State::Planned).rows == waiting.rows
        && open.of(State::InDoubt).rows == 0
    {
        return waits(&batch, run_ledger, waiting);
    }
    let report = run_to_its_end(context, settings, &run_ledger, gateway, metrics)?;
    let totals = run_ledger.totals()?;
    // Read again: the chain has a new head.
    let batch = run_ledger.batch()?;
    let doubts = run_ledger.in_doubt(IN_DOUBT_MAX)?;
    let doubts = DoubtList::new(&doubts, totals.of(State::InDoubt).rows, &policy, under.signed_valid, unix_ms());
    run_ledger.close()?;
    let summary = Summary::new(&batch, &totals, Run::Ended(&report)).with_doubts(doubts);
    let exit = exit_of(&summary, mode, &report);
    Ok(Report { exit, json: summary.to_json(), text: summary.to_text() })
}

/// Nothing may be paid before somebody approved it.
fn waits(batch: &Batch, ledger: RunLedger, waiting: Size) -> Result<Report, Failure> {
    let totals = ledger.totals()?;
    ledger.close()?;
    let json = Summary::new(batch, &totals, Run::Looked { running: false }).to_json();
    let text = format!(
        "batch {name} waits for another person's approval: {}, {} points; nothing was sent\nnext: topup approve {name} --plan \
         {}\n",
        counted(waiting.rows, "payout"),
        grouped(waiting.points),
        batch.plan_sha256,
        name = batch.name,
    );
    Ok(Report { exit: Exit::Waits, json, text })
}

/// The ledger as a run uses it, unless a person has to be asked first.
pub(super) fn begin(ledger: Ledger, batch: &Batch, under: &Under) -> Result<RunLedger, Failure> {
    match plan::start(ledger, batch, under)? {
        Start::Run(run) => Ok(*run),
        Start::Refused(refusal) => Err(refused(refusal)),
    }
}

/// The engine, on a runtime of its own that ends with it.
pub(super) fn run_to_its_end(
    context: &Context,
    settings: engine::RunSettings,
    ledger: &RunLedger,
    gateway: Arc<HttpGateway>,
    metrics: Option<MetricsPort>,
) -> Result<RunReport, Failure> {
    let (totals, pace) = (ledger.totals()?, settings.shared_pace.clone());
    let progress = Progress::new(&totals, context.output, !ledger.is_scratch());
    let served = match metrics {
        Some(port) => {
            let gauges = RunMetrics::new(ledger.batch()?.name.as_str(), &totals, settings.rate_per_s);
            Some((port, Metrics::new(gauges)))
        }
        None => None,
    };
    let report = block_on(async {
        // Lent, not given: it hears the second Ctrl-C until the end of the run is recorded.
        let mut shutdown = Interrupt::listen()?;
        // A task of its own, which ends with the runtime: whoever reads never holds the run up.
        let metrics = served.map(|(port, metrics)| {
            tokio::spawn(serve(port, metrics.clone()));
            metrics
        });
        let run = engine::run(settings, ledger, gateway, unix_ms, &mut shutdown, |event| {
            if let Some(metrics) = &metrics {
                metrics.apply(&event);
            }
            progress.apply(&event);
        });
        tokio::select! {
            report = run => report.map_err(Failure::from),
            () = progress.clone().print_lines() => Err(Failure::new(Exit::Failed, "progress", anyhow::anyhow!("progress ended"))),
        }
    });
    progress.finish();
    context.note_trouble(pace.as_ref());
    report
}

/// Runs a command's asynchronous part, on this thread alone: signatures, the one thing that takes its time, have
/// threads of their own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    current_thread()?.block_on(work)
}

/// A runtime without threads of its own.
pub(super) fn current_thread() -> Result<Runtime, Failure> {
    built(&mut tokio::runtime::Builder::new_current_thread())
}

/// A runtime with a thread of its own, for what goes on beside a command; what runs on it ends when it is dropped.
pub(super) fn background() -> Result<Runtime, Failure> {
    built(tokio::runtime::Builder::new_multi_thread().worker_threads(1))
}

fn built(builder: &mut tokio::runtime::Builder) -> Result<Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .context("starting the runtime")
        .map_err(|error| Failure::new(Exit::Failed, "runtime", error))
}

/// The settings of a command that only asks.
pub(super) fn asking(context: &Context) -> Result<engine::RunSettings, Failure> {
    let mut settings = setup::run_settings(&context.config, Mode::Resolve, 0)?;
    settings.shared_pace = Some(context.shared_pace(true));
    settings.quiet_before = engine::quiet_after_a_cut(settings.rate_per_s);
    Ok(settings)
}

/// The failure that a command ends with whose calls ended early.
pub(super) fn early_end(stop: Option<&Stop>, interrupted: bool) -> Option<Failure> {
    if interrupted {
        let message = "interrupted; what was answered is recorded\nhint: run the same command again";
        return Some(Failure::new(Exit::Interrupted, "interrupted", anyhow::anyhow!(message)));
    }
    let stop = stop?;
    let exit = match stop.code {
        StopCode::Credentials | StopCode::Clock => Exit::Credentials,
        StopCode::Budget
        | StopCode::Breaker
        | StopCode::Canary
        | StopCode::RateLimited
        | StopCode::Unreachable
        | StopCode::Unavailable
        | StopCode::Unfinished => Exit::Unfinished,
    };
    Some(Failure::new(exit, stop.code.word(), anyhow::anyhow!(stop.message.clone())))
}

/// How long the first request has to wait: a run that was killed may have sent until a moment ago.
fn quiet_before(ledger: &Ledger, rate_per_s: f64) -> Result<Duration, Failure> {
    if ledger.is_unused()? {
        return Ok(Duration::ZERO);
    }
    let quiet = engine::quiet_after_a_cut(rate_per_s);
    let Some(ended_at) = ledger.last_run_ended_at()? else { return Ok(quiet) };
    let since_ms = unix_ms() - ended_at;
    // A clock that went back says nothing about how long ago that was.
    let since = u64::try_from(since_ms).map(Duration::from_millis).unwrap_or(Duration::ZERO);
    Ok(quiet.saturating_sub(since))
}

/// The exit status of a run, by how it ended and how the batch stands.
pub(super) fn exit_of(summary: &Summary<'_>, mode: Mode, report: &RunReport) -> Exit {
    let stop = report.stop.as_ref().map(|stop| stop.code);
    match (summary.verdict(), stop) {
        (_, Some(StopCode::Credentials | StopCode::Clock)) => Exit::Credentials,
        (Verdict::Interrupted, _) => Exit::Interrupted,
        (Verdict::Stopped | Verdict::InDoubt | Verdict::Running, _) => Exit::Unfinished,
        // Resolving leaves planned payouts alone: they are another command's.
        (Verdict::Planned, _) if mode == Mode::Resolve => Exit::Unfinished,
        (Verdict::Planned, _) => Exit::Unfinished,
        (Verdict::Partial, _) => Exit::Partial,
        (Verdict::Complete, _) => Exit::Done,
    }
}

/// Whether a batch has anything left that a run could do.
pub(super) fn has_open_payouts(ledger: &Ledger, batch: &Batch) -> Result<bool, Failure> {
    let totals = ledger.totals(batch.id)?;
    Ok(totals.of(State::Planned).rows + totals.of(State::InDoubt).rows > 0)
}

/// A dry run is done when every member could be asked, whatever was answered.
pub(super) fn dry_run_exit(batch: &Batch, totals: &Totals, report: &RunReport) -> Exit {
    let left_out = totals.of(State::Ineligible).rows + totals.of(State::Held).rows + batch.skipped_rows;
    match report.stop.as_ref().map(|stop| stop.code) {
        Some(StopCode::Credentials | StopCode::Clock) => Exit::Credentials,
        _ if report.interrupted => Exit::Interrupted,
        Some(_) => Exit::Unfinished,
        None if left_out > 0 => Exit::Partial,
        None => Exit::Done,
    }
}
