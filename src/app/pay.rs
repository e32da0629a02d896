//! Pays what is approved of a batch, or asks what became of it: one run of the engine, and how it ended.

use super::clock::unix_ms;
use super::context::{Context, News, Watched};
use super::counts::{Counts, LiveCounts};
use super::failure::{Ending, Failure};
use super::runtime::block_on;
use crate::domain::payout_status::State;
use crate::engine::{self, Mode, RunReport, RunSettings, Stop, StopCode};
use crate::gateway::Gateway;
use crate::ledger::{Access, Batch, Lease, Ledger, Purpose, RunLedger, Size, Totals, Under};
use crate::plan::{self, Start};
use crate::report::{DoubtList, IN_DOUBT_MAX, Run, Summary, Verdict};
use std::sync::Arc;
use std::time::Duration;

/// A batch that may be paid, or asked about: nobody else changes its ledger meanwhile.
#[derive(Debug)]
pub struct Ready {
    pub(super) ledger: Ledger,
    pub(super) batch: Batch,
    pub(super) mode: Mode,
    pub(super) under: Under,
    pub(super) lock: Lease,
    pub(super) is_unattended: bool,
    pub(super) stop_after: Option<u64>,
}

impl Ready {
    /// The same, with no more points sent by the run than these; `None`: all that is planned.
    #[must_use]
    pub fn stopping_after(self, points: Option<u64>) -> Self {
        Self { stop_after: points, ..self }
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Whether a run has anything left to do.
    pub fn has_open_payouts(&self) -> Result<bool, Failure> {
        let totals = self.ledger.totals(self.batch.id)?;
        Ok(totals.of(State::Planned).rows + totals.of(State::InDoubt).rows > 0)
    }
}

/// What became of a batch that was to be paid.
pub enum Paid {
    /// A run came to its end.
    Ended(Box<Ended>),
    /// Nothing may be paid before another person approved it: so much.
    Waits(Box<Batch>, Totals, Size),
}

/// How a run ended, and how the batch stands after it.
pub struct Ended {
    /// How it went.
    pub ending: Ending,
    /// The batch, with the new end of its history.
    pub batch: Batch,
    /// Its payouts.
    pub totals: Totals,
    /// The run.
    pub report: RunReport,
    /// What is in doubt.
    pub doubts: DoubtList,
    /// What of the planned payouts waits for another person.
    pub waiting: Size,
}

/// A batch that is to be gone on with.
#[derive(Clone, Debug)]
pub struct GoOn {
    /// The batch.
    pub batch: String,
    /// Whether it may pay, or only asks.
    pub mode: Mode,
    /// Why payouts are paid that another batch credited lately.
    pub repeat_why: Option<String>,
    /// Nobody looks on: whoever pays what is approved may take the run up again by itself.
    pub is_unattended: bool,
}

/// Takes up a batch that is planned. `set_up`: what the door does once the settings are known to be in order, before
/// anything is locked or sent.
pub fn take_up(
    context: Context<'_>,
    request: &GoOn,
    set_up: impl FnOnce() -> Result<(), Failure>,
) -> Result<Ready, Failure> {
    let (purpose, command) = match request.mode {
        Mode::Resolve => (Purpose::Ask, "resolve"),
        Mode::Pay | Mode::CheckMembers => (Purpose::Pay, "resume"),
    };
    let why = request.repeat_why.as_deref().map(|why| context.reason(why));
    let under = context.settings.under(purpose, why, unix_ms())?;
    set_up()?;
    let (mut ledger, lock) = context.open_locked(command, Access::Write)?;
    let mut batch = ledger.batch(&request.batch)?;
    if request.mode == Mode::Pay
        && let Some(line) = plan::take_over(&mut ledger, Some(&batch), &under.binding, under.now)?
    {
        context.door.tell(&News::Note(&line));
        batch = ledger.batch(&request.batch)?;
    }
    Ok(Ready { ledger, batch, mode: request.mode, under, lock, is_unattended: request.is_unattended, stop_after: None })
}

/// Under what a plan is paid, or played.
pub(super) fn under(context: Context<'_>, repeat_why: Option<&str>) -> Result<Under, Failure> {
    context.settings.under(Purpose::Pay, repeat_why.map(|why| context.reason(why)), unix_ms())
}

/// Does what is left of a batch through the gateway of the settings.
pub fn pay(context: Context<'_>, ready: Ready) -> Result<Paid, Failure> {
    let gateway = Arc::new(context.settings.gateway()?);
    pay_through(context, ready, gateway)
}

/// Does what is left of a batch through this gateway.
pub fn pay_through<G: Gateway>(context: Context<'_>, ready: Ready, gateway: Arc<G>) -> Result<Paid, Failure> {
    let Ready { ledger, batch, mode, under, lock: _lock, is_unattended, stop_after } = ready;
    let mut settings = context.settings.run_settings(mode, batch.points)?;
    settings.stop_after = stop_after;
    settings.quiet_before = quiet_before(&ledger, settings.rate_per_s)?;
    settings.shared_pace = Some(context.shared_pace(true));
    settings.is_unattended = is_unattended;
    let policy = settings.policy.clone();
    let ledger = begin(ledger, &batch, &under)?;
    let (waiting, open) = (ledger.waiting()?, ledger.totals()?);
    if mode == Mode::Pay
        && waiting.rows > 0
        && open.of(State::Planned).rows == waiting.rows
        && open.of(State::InDoubt).rows == 0
    {
        ledger.close()?;
        return Ok(Paid::Waits(Box::new(batch), open, waiting));
    }
    let host = batch.binding.gateway_host.clone();
    let report = run_to_its_end(context, settings, &ledger, gateway, host)?;
    // Read again: the chain has a new head.
    let (totals, batch, waiting) = (ledger.totals()?, ledger.batch()?, ledger.waiting()?);
    let doubts = ledger.in_doubt(IN_DOUBT_MAX)?;
    let doubts =
        DoubtList::new(&doubts, totals.of(State::InDoubt).rows, &policy, (under.signed_valid, false), unix_ms());
    ledger.close()?;
    let ending = ending_of(&Summary::new(&batch, &totals, Run::Ended(&report)), &report);
    Ok(Paid::Ended(Box::new(Ended { ending, batch, totals, report, doubts, waiting })))
}

/// The ledger as a run uses it, unless a person has to be asked first.
pub(super) fn begin(ledger: Ledger, batch: &Batch, under: &Under) -> Result<RunLedger, Failure> {
    match plan::start(ledger, batch, under)? {
        Start::Run(run) => Ok(*run),
        Start::Refused(refusal) => Err(refusal.into()),
    }
}

/// The engine, on a runtime of its own that ends with it.
pub(super) fn run_to_its_end<G: Gateway>(
    context: Context<'_>,
    settings: RunSettings,
    ledger: &RunLedger,
    gateway: Arc<G>,
    host: String,
) -> Result<RunReport, Failure> {
    let pace = settings.shared_pace.clone();
    let counts = LiveCounts::new(Counts::new(&ledger.totals()?));
    let watch = context.door.watch(Watched {
        batch: ledger.batch()?.name,
        host,
        rate_per_s: settings.rate_per_s,
        counts: counts.clone(),
        is_kept: !ledger.is_scratch(),
    });
    let report = block_on(async {
        // Lent, not given: it hears a second wish until the end of the run is recorded.
        let mut shutdown = context.door.stop_signal()?;
        let run = engine::run(settings, ledger, gateway, unix_ms, &mut shutdown, |event| {
            counts.apply(&event);
            watch.on_event(&event);
        });
        tokio::select! {
            report = run => report.map_err(Failure::from),
            () = watch.beside() => Err(Failure::said(Ending::Failed, "progress", "progress ended")),
        }
    });
    drop(watch);
    context.note_trouble(pace.as_ref());
    report
}

/// The settings of a use case that only asks.
pub(super) fn asking(context: Context<'_>) -> Result<RunSettings, Failure> {
    let mut settings = context.settings.run_settings(Mode::Resolve, 0)?;
    settings.shared_pace = Some(context.shared_pace(true));
    settings.quiet_before = engine::quiet_after_a_cut(settings.rate_per_s);
    Ok(settings)
}

/// The failure that a use case ends with whose calls ended early.
pub(super) fn early_end(stop: Option<&Stop>, interrupted: bool) -> Option<Failure> {
    if interrupted {
        let message = "interrupted; what was answered is recorded\nhint: run the same command again";
        return Some(Failure::said(Ending::Interrupted, "interrupted", message));
    }
    stop.map(|stop| Failure::said(ending_of_stop(stop.code), stop.code.word(), &stop.message))
}

fn ending_of_stop(code: StopCode) -> Ending {
    match code {
        StopCode::Credentials | StopCode::Clock => Ending::Credentials,
        StopCode::Budget
        | StopCode::Breaker
        | StopCode::Canary
        | StopCode::RateLimited
        | StopCode::Unreachable
        | StopCode::Unavailable
        | StopCode::StopAfter
        | StopCode::Unfinished => Ending::Unfinished,
    }
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

/// How a run ended, by how it stopped and how the batch stands. Resolving leaves planned payouts alone: they are another
/// command's, and the batch is unfinished all the same.
pub(super) fn ending_of(summary: &Summary<'_>, report: &RunReport) -> Ending {
    match (summary.verdict(), report.stop.as_ref().map(|stop| ending_of_stop(stop.code))) {
        (_, Some(Ending::Credentials)) => Ending::Credentials,
        (Verdict::Interrupted, _) => Ending::Interrupted,
        (Verdict::Stopped | Verdict::InDoubt | Verdict::Running | Verdict::Planned, _) => Ending::Unfinished,
        (Verdict::Partial, _) => Ending::Partial,
        (Verdict::Complete, _) => Ending::Done,
    }
}

/// A dry run is done when every member could be asked, whatever was answered.
pub(super) fn ending_of_dry_run(batch: &Batch, totals: &Totals, report: &RunReport) -> Ending {
    let left_out = totals.of(State::Ineligible).rows + totals.of(State::Held).rows + batch.skipped_rows;
    match report.stop.as_ref().map(|stop| ending_of_stop(stop.code)) {
        Some(Ending::Credentials) => Ending::Credentials,
        _ if report.interrupted => Ending::Interrupted,
        Some(_) => Ending::Unfinished,
        None if left_out > 0 => Ending::Partial,
        None => Ending::Done,
    }
}
