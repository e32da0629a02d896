//! Listens to what a run tells, and holds it against what the ledger and the network saw.

use super::audit::Read;
use super::coverage::Coverage;
use super::network::Network;
use super::scenario::Ending;
use std::collections::BTreeMap;
use tokio::time::Instant;
use topup::engine::{Mode, RunEvent, RunReport, StopCode};

/// A run gives up after so many probes in a row without a definite answer.
const PROBES_MAX: u32 = 3;

/// What one run told so far.
#[derive(Debug)]
pub(crate) struct RecordedEvents {
    /// Payouts by state, as a listener counts them.
    states: BTreeMap<String, i64>,
    stopping: Option<StopCode>,
    /// Probes in a row that failed.
    probes_failed: u32,
    interrupted: bool,
    events_before: usize,
}

impl RecordedEvents {
    pub(crate) fn new(before: &Read) -> Self {
        let mut states = BTreeMap::new();
        for payout in &before.payouts {
            *states.entry(payout.state.clone()).or_default() += 1;
        }
        Self { states, stopping: None, probes_failed: 0, interrupted: false, events_before: before.events.len() }
    }

    pub(crate) fn take(&mut self, event: &RunEvent, network: &mut Network) {
        network.trace.line(Instant::now(), || format!("told {event:?}"));
        match event {
            RunEvent::Moved { from, to, .. } => {
                *self.states.entry(from.word().to_owned()).or_default() -= 1;
                *self.states.entry(to.word().to_owned()).or_default() += 1;
            }
            RunEvent::Paused { .. } => network.coverage.hit("breaker: paused"),
            RunEvent::Probing { .. } => {
                network.alone = Some(None);
                network.coverage.hit("breaker: probed");
            }
            RunEvent::ProbeFailed => {
                network.alone = None;
                self.probes_failed += 1;
                network.coverage.hit("breaker: probe failed");
            }
            RunEvent::WentOn => {
                network.alone = None;
                self.probes_failed = 0;
                network.coverage.hit("breaker: went on");
            }
            RunEvent::Stopping(stop) => self.stopping = Some(stop.code),
            RunEvent::Interrupted => self.interrupted = true,
            RunEvent::GatewayAhead => network.coverage.hit("run: gateway ahead"),
            RunEvent::CanaryConfirmed => network.coverage.hit("run: canary confirmed"),
            RunEvent::NameDiffers { .. } => network.coverage.hit("run: name warned"),
            RunEvent::NameMissing { .. } => network.coverage.hit("run: name missing"),
            RunEvent::SlowedDown { .. } => network.coverage.hit("run: slowed down"),
            RunEvent::Unavailable { .. } => network.coverage.hit("run: waited for the gateway"),
            RunEvent::CallBegan { .. } | RunEvent::CallEnded { .. } | RunEvent::Waiting { .. } => {}
        }
    }

    /// Whether an error of the ledger is what the ending asked for.
    pub(crate) fn may_fail(&self, ending: Ending) -> bool {
        matches!(ending, Ending::WriteFails(_) | Ending::CommitFails(_))
    }

    /// The report of a run that ended on its own.
    pub(crate) fn check(
        &self,
        report: &RunReport,
        after: &Read,
        mode: Mode,
        requests: usize,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        coverage.hit(match (&report.stop, report.interrupted) {
            (_, true) => "run: interrupted",
            (None, false) if after.events.len() == self.events_before => "run: nothing to do",
            (None, false) => "run: complete",
            (Some(stop), false) => stop_word(stop.code),
        });
        if report.requests.all() != requests as u64 {
            return Err(format!("the report counts {} requests, {requests} left", report.requests.all()));
        }
        if report.interrupted != self.interrupted {
            return Err("an interruption was not told, or told without one".to_owned());
        }
        if self.stopping.is_some() && report.stop.as_ref().map(|stop| stop.code) != self.stopping {
            return Err(format!("the run told {:?} and reports {:?}", self.stopping, report.stop));
        }
        for (state, count) in &self.states {
            if *count != i64::try_from(after.count(state)).unwrap_or(-1) {
                return Err(format!("a listener counts {count} {state}, the ledger holds {}", after.count(state)));
            }
        }
        if self.probes_failed > PROBES_MAX {
            return Err(format!("{} probes failed in a row", self.probes_failed));
        }
        let planned = after.count("planned");
        if mode == Mode::Pay && planned > 0 && report.stop.is_none() && !report.interrupted {
            return Err(format!("V3: {planned} payouts stay planned, and the report gives no reason"));
        }
        Ok(())
    }
}

fn stop_word(code: StopCode) -> &'static str {
    match code {
        StopCode::Budget => "stop: budget",
        StopCode::StopAfter => "stop: after so many points",
        StopCode::Breaker => "stop: breaker",
        StopCode::Credentials => "stop: credentials",
        StopCode::Clock => "stop: clock",
        StopCode::Canary => "stop: canary",
        StopCode::RateLimited => "stop: rate_limited",
        StopCode::Unreachable => "stop: unreachable",
        StopCode::Unavailable => "stop: unavailable",
        StopCode::Unfinished => "stop: unfinished",
    }
}
