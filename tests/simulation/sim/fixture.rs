//! Lives one seed: a safety phase of runs under faults, then everything heals and must finish.

use super::Outcome;
use super::audit::{Read, Seen};
use super::clock::{self, BEGINNING_MS};
use super::gateway::SimulatedGateway;
use super::invariants;
use super::ledgers::Ledgers;
use super::network::Network;
use super::pool::Connections;
use super::process::{Ended, Process};
use super::recorded_events::RecordedEvents;
use super::scenario::{Ending, FaultyRun, Loss, Scenario};
use super::trace::Trace;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use topup::engine::{self, EngineError, Mode, RunReport, RunSettings};
use topup::ledger::{Ledger, Purpose, Under};

/// A run that takes longer than this, in virtual time, never ends.
const LONGEST_RUN: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long it takes somebody to set the clock right.
const CLOCK_SET_IN: Duration = Duration::from_secs(1);

/// One seed's life.
pub(super) struct Fixture {
    seed: u64,
    pub(super) scenario: Scenario,
    pub(super) network: Arc<Mutex<Network>>,
    pub(super) ledgers: Ledgers,
    seen: Seen,
    /// How often each number was sent again, by the ledger in use.
    pub(super) resends: BTreeMap<String, u32>,
    pub(super) rng: Rng,
    pub(super) epoch: Instant,
    pub(super) clock_is_off_by_ms: i64,
    /// When a command that only asks let its last request leave, which the pace beside the ledger keeps.
    asked_at: Option<Instant>,
    runs: u32,
}

/// How a run ended, as far as the phases care.
#[derive(Debug)]
struct RunEnd {
    /// It returned a report.
    report: Option<RunReport>,
    requests: usize,
    /// The ledger after it.
    read: Read,
}

impl Fixture {
    pub(super) fn new(seed: u64, with_lines: bool, connections: Connections) -> Self {
        clock::begin();
        let epoch = Instant::now();
        let scenario = Scenario::draw(seed);
        let mut trace = Trace::new(epoch, with_lines);
        trace.line(epoch, || format!("{scenario:#?}"));
        Self {
            seed,
            network: Arc::new(Mutex::new(Network::new(&scenario, seed, trace, epoch))),
            ledgers: Ledgers::new(&scenario, connections),
            scenario,
            seen: Seen::default(),
            resends: BTreeMap::new(),
            rng: Rng::with_seed(seed ^ 0x0077_6f72_6c64),
            epoch,
            clock_is_off_by_ms: 0,
            asked_at: None,
            runs: 0,
        }
    }

    pub(super) fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().expect("no panic holds it")
    }

    pub(super) fn line(&self, text: impl FnOnce() -> String) {
        self.network().trace.line(Instant::now(), text);
    }

    /// The whole life, and what came of it.
    pub(super) async fn live(mut self) -> Outcome {
        let violation = self.phases().await.err();
        self.line(|| format!("ends: {violation:?}"));
        let mut network = self.network();
        let (coverage, trace) = (network.coverage.clone(), network.trace.clone());
        let requests = network.departures.len() as u64;
        network.book.credited.clear();
        drop(network);
        Outcome {
            seed: self.seed,
            violation: violation.map(|text| format!("seed {}: {text}", self.seed)),
            digest: trace.digest(),
            coverage,
            runs: u64::from(self.runs),
            requests,
            lines: trace.into_lines(),
        }
    }

    async fn phases(&mut self) -> Result<(), String> {
        self.plan()?;
        let runs = self.scenario.runs.clone();
        for (run, later) in runs.iter().zip(1..) {
            let restores = |later: &FaultyRun| later.loss == Some(Loss::Restored);
            self.ledgers.auditor().keeps_copies = runs[later..].iter().any(restores);
            self.between(run).await?;
            self.run(run.mode, Some(run)).await?;
        }
        self.heal().await;
        self.finish().await?;
        if self.scenario.runs.iter().any(|run| run.loss.is_some()) {
            self.verify().await?;
        }
        let read = self.read();
        invariants::check_at_the_end(self, &read)?;
        self.v12_a_finished_batch_sends_nothing(&read).await
    }

    fn plan(&self) -> Result<(), String> {
        self.ledgers.plan(&self.scenario, self.now_ms()).map_err(|error| format!("planning failed: {error}"))
    }

    /// What happens between two runs.
    async fn between(&mut self, run: &FaultyRun) -> Result<(), String> {
        sleep(run.gap).await;
        self.clock_is_off_by_ms += run.jump_ms;
        let index = self.rng.usize(..);
        let lost = match run.loss {
            None => false,
            Some(Loss::Restored) if self.ledgers.restore(index) => {
                self.network().coverage.hit("ledger: restored");
                true
            }
            Some(Loss::Deleted | Loss::Restored) => {
                self.ledgers.delete();
                self.plan()?;
                self.network().coverage.hit("ledger: deleted");
                true
            }
        };
        if lost {
            self.line(|| format!("the ledger is lost: {:?}", run.loss));
            self.network().ledger_was_lost(Instant::now());
            self.seen = Seen::default();
        } else {
            self.ledgers.auditor().copy();
        }
        if run.person {
            self.decide().await?;
        }
        match run.edit {
            Some(draw) => self.run_on_an_edited_row(draw).await,
            None => Ok(()),
        }
    }

    pub(super) fn open(&self) -> Result<Ledger, String> {
        self.ledgers.open().map_err(|error| format!("the ledger does not open: {error}"))
    }

    pub(super) fn now_ms(&self) -> i64 {
        wall_ms(self.epoch, self.clock_is_off_by_ms)
    }

    pub(super) fn read(&self) -> Read {
        Read::of(self.ledgers.auditor().connection())
    }

    /// One run of the engine, to its end, to its interruption or to the death of its process.
    async fn run(&mut self, mode: Mode, faulty: Option<&FaultyRun>) -> Result<RunEnd, String> {
        self.runs += 1;
        let ending = faulty.map_or(Ending::Natural, |run| run.ending);
        self.line(|| format!("run {} begins: {mode:?} {ending:?}", self.runs));
        let ledger = self.open()?;
        let quiet_before = self.quiet_before(&ledger)?;
        let before = self.read();
        self.ledgers.break_as(ending);
        self.network().begin_run(faulty.and_then(|run| run.spell));
        let departed_before = self.network().departures.len();
        let mut settings = self.scenario.settings.clone();
        (settings.mode, settings.quiet_before, settings.seed) = (mode, quiet_before, self.rng.u64(..));

        let process = Arc::new(process_of(ending, faulty));
        let gateway = Arc::new(SimulatedGateway {
            network: Arc::clone(&self.network),
            process: Arc::clone(&process),
            auditor: Arc::clone(&self.ledgers.auditor),
        });
        let mut told = RecordedEvents::new(&before);
        let batch = ledger.batches().map_err(|error| error.to_string())?.remove(0);
        let run_ledger = ledger
            .into_run(batch.id, &Under::new(Purpose::Pay, batch.binding.clone(), 0))
            .map_err(|error| error.to_string())?
            .on_clock(clock::virtual_now);
        let ended = {
            let (epoch, off_by) = (self.epoch, self.clock_is_off_by_ms);
            let clock = || {
                process.step();
                wall_ms(epoch, off_by)
            };
            let shutdown = shutdown(Arc::clone(&process), ending);
            let (network, process_too) = (Arc::clone(&self.network), Arc::clone(&process));
            let on_event = |event| {
                process_too.step();
                told.take(&event, &mut network.lock().expect("no panic holds it"));
            };
            let run = engine::run(settings, &run_ledger, gateway, clock, shutdown, on_event);
            timeout(LONGEST_RUN, process.run(run)).await
        };
        // A task that was aborted is dropped at the next turn of the runtime.
        tokio::task::yield_now().await;
        self.ledgers.close(run_ledger.into_scratch().expect("a ledger in memory"));
        self.ledgers.mend();
        let ended = ended.map_err(|_| "V3: the run never ends".to_owned())?;
        if let Some(violation) = process.violation() {
            return Err(violation);
        }
        let requests = self.network().departures.len() - departed_before;
        let read = self.read();
        let report = self.judge(ended, ending, mode, &told, requests, &read)?;
        self.audit(&read)?;
        Ok(RunEnd { report, requests, read })
    }

    /// What the run said of itself, held against what it did.
    fn judge(
        &mut self,
        ended: Ended<Result<RunReport, EngineError>>,
        ending: Ending,
        mode: Mode,
        told: &RecordedEvents,
        requests: usize,
        read: &Read,
    ) -> Result<Option<RunReport>, String> {
        self.line(|| format!("run ends: {ended:?}"));
        let mut network = self.network();
        let report = match ended {
            Ended::Returned(Ok(report)) => report,
            Ended::Returned(Err(EngineError::Ledger(error))) if told.may_fail(ending) => {
                network.coverage.hit(match ending {
                    Ending::CommitFails(_) => "run: commit failed",
                    Ending::Natural
                    | Ending::Crash(_)
                    | Ending::Interrupt(_)
                    | Ending::InterruptAt(_)
                    | Ending::InterruptAndCrash(..)
                    | Ending::WriteFails(_) => "run: write failed",
                });
                network.cut(Instant::now());
                drop(error);
                return Ok(None);
            }
            Ended::Returned(Err(error)) => return Err(format!("the run failed: {error}")),
            Ended::Panicked(text) => return Err(format!("the engine panicked: {text}")),
            Ended::Died => {
                network.coverage.hit("run: crashed");
                if read.open_intents() > 0 {
                    network.coverage.hit("run: crashed with an open intent");
                }
                network.cut(Instant::now());
                return Ok(None);
            }
        };
        told.check(&report, read, mode, requests, &mut network.coverage)?;
        Ok(Some(report))
    }

    pub(super) fn audit(&mut self, read: &Read) -> Result<(), String> {
        let mut network = self.network.lock().expect("no panic holds it");
        self.resends = read.check(&self.scenario, &mut self.seen, &mut network.coverage)?;
        if let Some(newest) = read.events.last() {
            network.trace.hash(newest);
        }
        Ok(())
    }

    /// As `app::pay` computes it, by the ledger alone: a run that was killed may have sent until a moment ago. The pace
    /// beside the ledger knows that of every process; here it is asked only for what no ledger knows, so that what is
    /// computed by the ledger has to hold by itself.
    pub(super) fn quiet_before(&self, ledger: &Ledger) -> Result<Duration, String> {
        let quiet = engine::quiet_after_a_cut(self.scenario.settings.rate_per_s);
        let since_asked = self.asked_at.map_or(Duration::MAX, |at| at.elapsed());
        let by_pace = quiet.saturating_sub(since_asked);
        if ledger.is_unused().map_err(|error| error.to_string())? {
            return Ok(by_pace);
        }
        let Some(ended_at) = ledger.last_run_ended_at().map_err(|error| error.to_string())? else { return Ok(quiet) };
        let since = u64::try_from(self.now_ms() - ended_at).map(Duration::from_millis).unwrap_or_default();
        Ok(quiet.saturating_sub(since).max(by_pace))
    }

    /// The settings of a command that only asks, as `app::pay` makes them.
    pub(super) fn asking(&self) -> RunSettings {
        let mut settings = self.scenario.settings.clone();
        (settings.mode, settings.quiet_before) = (Mode::Resolve, engine::quiet_after_a_cut(settings.rate_per_s));
        settings
    }

    /// A command that only asks has ended, in whatever way. It may have recorded nothing, and the next run has to know all
    /// the same when it asked.
    pub(super) fn asked(&mut self) {
        let at = self.network().departures.last().copied();
        self.asked_at = at;
    }

    async fn heal(&mut self) {
        if let Some(last) = { self.network().last_arrival() } {
            sleep_until(last).await;
        }
        // Somebody sets the clock right.
        sleep(CLOCK_SET_IN).await;
        self.clock_is_off_by_ms = 0;
        self.network().heal(Instant::now());
        self.line(|| "everything heals".to_owned());
    }

    /// V3, first half: a bounded number of runs finishes what can be finished.
    async fn finish(&mut self) -> Result<(), String> {
        let most = self.scenario.rows.len() + 3;
        let mut events = 0;
        for _ in 0..most {
            let read = self.run(Mode::Pay, None).await?.read;
            if read.count("planned") == 0 && (read.count("in_doubt") == 0 || stands_still(&read, events)) {
                return Ok(());
            }
            events = payout_moves(&read);
        }
        let read = self.read();
        Err(format!(
            "V3: after {most} runs in good weather {} payouts are planned and {} in doubt",
            read.count("planned"),
            read.count("in_doubt")
        ))
    }

    /// V12: running a finished batch again sends no request at all.
    async fn v12_a_finished_batch_sends_nothing(&mut self, read: &Read) -> Result<(), String> {
        if read.count("planned") + read.count("in_doubt") > 0 {
            return Ok(());
        }
        let end = self.run(Mode::Pay, None).await?;
        let clean = end.report.is_some_and(|report| report.stop.is_none() && report.requests.all() == 0);
        if end.requests > 0 || !clean || end.read.events.len() != read.events.len() {
            return Err(format!("V12: a finished batch sent {} requests", end.requests));
        }
        Ok(())
    }
}

/// Nothing moved since so many moves.
fn stands_still(read: &Read, moves: usize) -> bool {
    payout_moves(read) == moves
}

fn payout_moves(read: &Read) -> usize {
    read.events.iter().filter(|event| event.moves_points()).count()
}

pub(super) fn wall_ms(epoch: Instant, off_by_ms: i64) -> i64 {
    let since = i64::try_from(epoch.elapsed().as_millis()).unwrap_or(i64::MAX);
    BEGINNING_MS + since + off_by_ms
}

fn process_of(ending: Ending, faulty: Option<&FaultyRun>) -> Process {
    let (dies_at, interrupted_at) = match ending {
        Ending::Natural | Ending::InterruptAt(_) | Ending::WriteFails(_) | Ending::CommitFails(_) => (None, None),
        Ending::Crash(n) => (Some(n), None),
        Ending::Interrupt(n) => (None, Some(n)),
        Ending::InterruptAndCrash(n, later) => (Some(n + later), Some(n)),
    };
    Process::new(dies_at, interrupted_at, faulty.map(|run| run.copy_at))
}

async fn shutdown(process: Arc<Process>, ending: Ending) {
    let at = match ending {
        Ending::InterruptAt(at) => at,
        Ending::Natural
        | Ending::Crash(_)
        | Ending::Interrupt(_)
        | Ending::InterruptAndCrash(..)
        | Ending::WriteFails(_)
        | Ending::CommitFails(_) => LONGEST_RUN * 2,
    };
    tokio::select! {
        biased;
        () = process.interrupted() => {}
        () = sleep(at) => {}
    }
}
