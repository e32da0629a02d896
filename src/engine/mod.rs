//! The run: takes payouts up from the ledger, makes their calls, and makes each outcome durable.
//!
//! Architecture invariant: one coordinator alone decides and writes to the ledger; workers only make calls. Nothing
//! here prints: a run tells what happens as a stream of [`RunEvent`]s.

mod breaker;
mod canary;
mod coordinator;
mod event;
mod inquiry;
mod members;
mod outcome;
mod pacer;
mod settings;
mod source;
mod worker;

pub use event::{CallKind, Requests, RunEvent, RunReport, Stop, StopCode};
pub use inquiry::{Asked, Decision, Inquiry, InquiryReport, ask};
pub use settings::{Mode, Names, RunSettings};

use crate::domain::standing::{Impossible, State};
use crate::gateway::Gateway;
use crate::ledger::{BatchEvent, LedgerError, RunLedger, UnixMs};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Why a run could not do its job. Refusals and stops are no errors: they are in the ledger and the report.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An event contradicted a payout's history.
    #[error("a broken invariant stopped the run: {0}\nhint: keep the ledger and report this; nothing was sent on it")]
    Impossible(#[from] Impossible),
}

/// Runs a batch until nothing is left to do, something stops it, or `shutdown` ends.
///
/// # Errors
/// When the ledger fails or contradicts itself. Everything that left is in doubt in the ledger then.
pub async fn run<G: Gateway>(
    settings: RunSettings,
    ledger: &RunLedger,
    gateway: Arc<G>,
    clock: impl Fn() -> UnixMs,
    shutdown: impl Future<Output = ()>,
    on_event: impl FnMut(RunEvent),
) -> Result<RunReport, EngineError> {
    let mode = settings.mode;
    if !has_work(mode, ledger)? {
        let requests = Requests::default();
        return Ok(RunReport { requests, stop: None, interrupted: false, elapsed: Duration::ZERO });
    }
    let run_id = format!("{:08x}", settings.seed & 0xffff_ffff);
    ledger.record_batch(clock(), BatchEvent::RunStarted(format!("{mode:?} {run_id}"))).await?;
    let mut coordinator = coordinator::Coordinator::new(settings, run_id, ledger, gateway, &clock, on_event)?;
    coordinator.run(shutdown).await?;
    let mut report = coordinator.into_report();
    if report.stop.is_none() && !report.interrupted && mode == Mode::Pay {
        report.stop = unfinished(ledger)?;
    }
    let reason = match (&report.stop, report.interrupted) {
        (_, true) => "interrupted",
        (Some(stop), false) => stop.code.word(),
        (None, false) => "done",
    };
    ledger.record_batch(clock(), BatchEvent::RunEnded(reason.to_owned())).await?;
    Ok(report)
}

fn has_work(mode: Mode, ledger: &RunLedger) -> Result<bool, LedgerError> {
    let totals = ledger.totals()?;
    let (planned, in_doubt) = (totals.of(State::Planned).rows > 0, totals.of(State::InDoubt).rows > 0);
    Ok(match mode {
        Mode::Pay => planned || in_doubt,
        Mode::Resolve => in_doubt,
        Mode::CheckMembers => planned,
    })
}

fn unfinished(ledger: &RunLedger) -> Result<Option<Stop>, LedgerError> {
    let planned = ledger.totals()?.of(State::Planned).rows;
    Ok((planned > 0).then(|| Stop {
        code: StopCode::Unfinished,
        message: format!(
            "{planned} payouts got no usable answer from the gateway and stay planned\nhint: run the same command \
             again"
        ),
    }))
}
