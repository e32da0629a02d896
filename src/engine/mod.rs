//! The run: takes payouts up from the ledger, makes their calls, and makes each outcome durable.
//!
//! Architecture invariant: one coordinator alone decides and writes to the ledger; workers only make calls. Nothing
//! here prints: a run tells what happens as a stream of [`RunEvent`]s.

mod breaker;
mod canary;
mod clocks;
mod coordinator;
mod dispatch;
mod earlier_runs;
mod error;
mod event;
mod inquiry;
mod members;
mod outcome;
mod pacer;
mod probe;
mod queue;
mod reach;
mod settings;
mod shared_pace;
mod slots;
mod source;
mod tally;
mod worker;

pub use error::EngineError;
pub use event::{CallKind, Requests, RunEvent, RunReport, Stop, StopCode};
pub use inquiry::{Asked, Decision, Inquiry, ask};
pub use pacer::quiet_after_a_cut;
pub use settings::{Mode, Names, NamesMissing, RunSettings};
pub use shared_pace::SharedPace;

use crate::domain::payout_status::State;
use crate::domain::text::counted;
use crate::gateway::Gateway;
use crate::ledger::{BatchEvent, LedgerError, RunLedger, UnixMs};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

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
    ledger.check_may_call()?;
    if !has_work(mode, ledger)? {
        let requests = Requests::default();
        return Ok(RunReport { requests, checked: 0, stop: None, interrupted: false, elapsed: Duration::ZERO });
    }
    let run_id = format!("{:08x}", settings.seed & 0xffff_ffff);
    let beginning = beginning(mode, &run_id, settings.is_unattended);
    ledger.record_batch(clock(), BatchEvent::RunStarted(beginning)).await?;
    let mut coordinator = coordinator::Coordinator::new(settings, run_id, ledger, gateway, &clock, on_event)?;
    coordinator.run(shutdown).await?;
    let (unchecked, trouble) = (coordinator.unchecked(), coordinator.trouble());
    let mut report = coordinator.into_report();
    if report.stop.is_none() && !report.interrupted {
        report.stop = match mode {
            Mode::Pay => unfinished(ledger, &trouble)?,
            Mode::CheckMembers => not_all_checked(unchecked, &trouble),
            Mode::Resolve => None,
        };
    }
    let reason = match (&report.stop, report.interrupted) {
        (_, true) => INTERRUPTED,
        (Some(stop), false) => stop.code.word(),
        (None, false) => "done",
    };
    ledger.record_batch(clock(), BatchEvent::RunEnded(reason.to_owned())).await?;
    Ok(report)
}

/// How the beginning of a run that pays begins, as its history keeps it.
pub const PAYING: &str = "Pay ";
/// How the beginning of a run ends that nobody looked on at.
const UNATTENDED: &str = " unattended";

/// How a run ends, as its history keeps it, that somebody stopped.
pub const INTERRUPTED: &str = "interrupted";

fn beginning(mode: Mode, run_id: &str, is_unattended: bool) -> String {
    format!("{mode:?} {run_id}{}", if is_unattended { UNATTENDED } else { "" })
}

/// Whether nobody looked on at a run, by its beginning as its history keeps it.
#[must_use]
pub fn was_unattended(beginning: &str) -> bool {
    beginning.ends_with(UNATTENDED)
}

fn has_work(mode: Mode, ledger: &RunLedger) -> Result<bool, LedgerError> {
    let totals = ledger.totals()?;
    let planned = totals.of(State::Planned).rows > ledger.waiting()?.rows;
    let in_doubt = totals.of(State::InDoubt).rows > 0;
    Ok(match mode {
        Mode::Pay => planned || in_doubt,
        Mode::Resolve => in_doubt,
        Mode::CheckMembers => planned,
    })
}

/// A payout whose member gave no usable answer is not one that would be paid.
fn not_all_checked(unchecked: u64, trouble: &str) -> Option<Stop> {
    (unchecked > 0).then(|| Stop {
        code: StopCode::Unfinished,
        message: format!(
            "{} could not be checked: the gateway gave no usable answer{trouble}\nhint: run the same command again",
            counted(unchecked, "payout")
        ),
    })
}

fn unfinished(ledger: &RunLedger, trouble: &str) -> Result<Option<Stop>, LedgerError> {
    let planned = ledger.totals()?.of(State::Planned).rows.saturating_sub(ledger.waiting()?.rows);
    Ok((planned > 0).then(|| Stop {
        code: StopCode::Unfinished,
        message: format!(
            "the gateway gave no usable answer about {}: nothing was credited there, and it is still to be paid{trouble}\nhint: \
             run the same command again",
            counted(planned, "payout")
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::answer::{Answer, Reply};
    use crate::domain::backoff::Backoff;
    use crate::domain::payout_process::Policy;
    use crate::gateway::{Received, Request};
    use crate::ledger::Ledger;
    use crate::ledger::fixture::{planned, under};

    /// Answers every call with one HTTP status and no code.
    struct Always(u16);

    impl Gateway for Always {
        type Prepared = ();

        async fn prepare(&self, _request: Request, _request_id: &str) -> Result<(), String> {
            Ok(())
        }

        async fn send(&self, (): ()) -> Received {
            let answer = Answer { http: self.0, ..Answer::default() };
            Received { reply: Reply::Answered(answer), message: String::new() }
        }
    }

    fn one_payout() -> RunLedger {
        let (ledger, batch) = planned(Ledger::in_memory().unwrap(), 1);
        ledger.into_run(batch, &under()).unwrap()
    }

    #[test]
    fn the_beginning_of_a_run_says_whether_it_pays_and_whether_somebody_looked_on() {
        let said = [(Mode::Pay, true), (Mode::Pay, false), (Mode::Resolve, true)]
            .map(|(mode, is_unattended)| beginning(mode, "1a2b3c4d", is_unattended));
        let read = said.each_ref().map(|said| (said.starts_with(PAYING), was_unattended(said)));
        assert_eq!(read, [(true, true), (true, false), (false, true)]);
    }

    fn settings(mode: Mode) -> RunSettings {
        RunSettings {
            mode,
            policy: Policy {
                settle: Duration::from_secs(60),
                late: Duration::ZERO,
                queries_max: 10,
                resends_max: 3,
                resubmit: true,
                member_checks_max: 8,
                idle_sends_max: 8,
                backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) },
            },
            names: Names::Hold,
            names_missing: NamesMissing::Hold,
            rate_per_s: 20.0,
            max_in_flight: 10,
            timeout: Duration::from_secs(30),
            fence: None,
            canary_rows: 0,
            breaker_in_doubt: 20,
            breaker_refused: 3,
            budget_points: 1000,
            stop_after: None,
            quiet_before: Duration::ZERO,
            shared_pace: None,
            is_unattended: false,
            seed: 1,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rehearsal_says_whom_it_could_not_check() {
        let ledger = one_payout();
        let run =
            run(settings(Mode::CheckMembers), &ledger, Arc::new(Always(500)), || 0, std::future::pending(), |_| {});
        let stop = run.await.unwrap().stop.unwrap();
        assert_eq!(stop.code, StopCode::Unfinished);
        assert!(stop.message.starts_with("1 payout could not be checked"), "{}", stop.message);
    }
}
