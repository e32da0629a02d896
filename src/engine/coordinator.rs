//! Decides what happens next in a run: takes payouts up, puts each where its next step wants it, and lets it go.

use super::breaker::Breaker;
use super::canary::Canary;
use super::error::EngineError;
use super::event::{Requests, RunEvent, RunReport, Stop};
use super::members::Members;
use super::pacer::{Pacer, Slot};
use super::reach::Reach;
use super::settings::{Mode, Names, RunSettings};
use super::source::Source;
use super::worker::{self, Called, Ticket};
use crate::domain::payout_process::{PayoutProcess, RunTime, Step};
use crate::domain::payout_status::{PayoutStatus, State};
use crate::gateway::Gateway;
use crate::ledger::{BatchEvent, Entry, LedgerError, Payout, PayoutId, RunLedger, UnixMs};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

/// New payouts that wait for their first call: enough to keep the pace, few enough to need no memory.
const FRESH_MAX: usize = 512;
/// Payouts in hand at once, those that wait to settle included.
const ACTIVE_MAX: usize = 100_000;

/// One payout that is in hand.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) payout: Payout,
    pub(super) course: PayoutProcess,
    /// Events that go into the ledger with the next write.
    pub(super) pending: Vec<Entry>,
    /// A call or a write of it is under way.
    pub(super) busy: bool,
    /// The state that was told last.
    pub(super) told: State,
}

/// What is allowed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything.
    Running,
    /// No new top-ups; what is in doubt is resolved.
    Draining,
    /// No new calls; what is under way comes to its end.
    Halting,
}

/// A task of the run that came to its end.
#[derive(Debug)]
pub(super) enum Done {
    Called(Box<Called>),
    Recorded(PayoutId),
    BatchRecorded,
}

/// The one place of a run that decides.
pub(super) struct Coordinator<'r, G, C, F> {
    pub(super) settings: RunSettings,
    pub(super) run_id: String,
    pub(super) ledger: &'r RunLedger,
    pub(super) gateway: Arc<G>,
    pub(super) clock: &'r C,
    pub(super) on_event: F,
    pub(super) pacer: Arc<Pacer>,
    pub(super) started: Instant,
    pub(super) chance: fastrand::Rng,
    pub(super) phase: Phase,
    pub(super) query_first: bool,
    /// The gateway answered in this run, so that its clock is known as far as its answers tell it.
    pub(super) heard: bool,
    pub(super) source: Source,
    pub(super) active: HashMap<PayoutId, Active>,
    /// Payouts that only wait for a slot: submits, queries, member checks, in this order.
    pub(super) ready: [VecDeque<PayoutId>; 3],
    pub(super) timers: BinaryHeap<Reverse<(RunTime, PayoutId)>>,
    pub(super) slot: Option<Slot>,
    pub(super) tasks: JoinSet<Result<Done, LedgerError>>,
    pub(super) tickets: HashMap<Id, Ticket>,
    pub(super) members: Members,
    pub(super) breaker: Breaker,
    pub(super) reach: Reach,
    pub(super) canary: Canary,
    /// Points of payouts that are credited, in doubt or about to be.
    pub(super) committed_points: u64,
    /// Payouts that were let go of before their pre-check came to an answer.
    pub(super) unchecked: u64,
    pub(super) requests_begun: u64,
    pub(super) requests: Requests,
    pub(super) stop: Option<Stop>,
    pub(super) interrupted: bool,
}

impl<'r, G, C, F> Coordinator<'r, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    pub(super) fn new(
        settings: RunSettings,
        run_id: String,
        ledger: &'r RunLedger,
        gateway: Arc<G>,
        clock: &'r C,
        on_event: F,
    ) -> Result<Self, LedgerError> {
        let started = Instant::now();
        let totals = ledger.totals()?;
        let newest = ledger.newest()?;
        let is_needed = settings.mode == Mode::Pay && !newest.confirmed && totals.of(State::Planned).rows > 0;
        let canary_rows = if is_needed { settings.canary_rows } else { 0 };
        let first = newest.first.filter(|_| canary_rows > 0);
        Ok(Self {
            run_id,
            ledger,
            gateway,
            clock,
            on_event,
            pacer: Arc::new(Pacer::of(&settings, started)),
            started,
            chance: fastrand::Rng::with_seed(settings.seed),
            phase: Phase::Running,
            query_first: ledger.gateway_is_ahead()?,
            heard: false,
            source: Source::new(settings.mode != Mode::CheckMembers, settings.mode != Mode::Resolve, first),
            active: HashMap::new(),
            ready: Default::default(),
            timers: BinaryHeap::new(),
            slot: None,
            tasks: JoinSet::new(),
            tickets: HashMap::new(),
            members: Members::default(),
            breaker: Breaker::new(settings.breaker_in_doubt, settings.breaker_refused),
            reach: Reach::new(settings.timeout),
            canary: Canary::new(canary_rows, first),
            committed_points: totals.of(State::Credited).points + totals.of(State::InDoubt).points,
            unchecked: 0,
            requests_begun: 0,
            requests: Requests::default(),
            stop: None,
            interrupted: false,
            settings,
        })
    }

    pub(super) async fn run(&mut self, shutdown: impl Future<Output = ()>) -> Result<(), EngineError> {
        tokio::pin!(shutdown);
        self.take_up_unconfirmed()?;
        loop {
            self.admit()?;
            self.dispatch()?;
            if self.is_held_up() {
                self.probe()?;
                continue;
            }
            if self.is_over() {
                return self.write_what_is_pending().await;
            }
            let timer = self.timers.peek().map(|Reverse((at, _))| self.started + *at);
            let wants_slot = self.wants_slot();
            tokio::select! {
                biased;
                () = &mut shutdown, if !self.interrupted => self.interrupt()?,
                Some(done) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.apply_done(done)?,
                slot = self.pacer.slot(), if wants_slot => self.slot = slot,
                () = sleep_until(timer.unwrap_or(self.started)), if timer.is_some() => self.fire_timers()?,
            }
        }
    }

    pub(super) fn into_report(self) -> RunReport {
        RunReport {
            requests: self.requests,
            stop: self.stop,
            interrupted: self.interrupted,
            elapsed: self.started.elapsed(),
        }
    }

    pub(super) fn unchecked(&self) -> u64 {
        self.unchecked
    }

    pub(super) fn tell(&mut self, event: RunEvent) {
        (self.on_event)(event);
    }

    pub(super) fn now(&self) -> RunTime {
        self.started.elapsed()
    }

    /// Takes payouts up while there is room for new ones.
    fn admit(&mut self) -> Result<(), EngineError> {
        while self.phase == Phase::Running && self.breaker.is_closed() && self.has_room() {
            let Some(planned) = self.source.next_is_planned(self.ledger)? else {
                if self.active.is_empty() && !self.take_up_set_aside()? && self.canary.is_on() {
                    self.canary.switch_off();
                    continue;
                }
                return Ok(());
            };
            if planned && self.canary.room() == 0 {
                return Ok(());
            }
            let Some(payout) = self.source.take() else { return Ok(()) };
            self.take_up(payout)?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.active.len() < ACTIVE_MAX && self.ready.iter().map(VecDeque::len).sum::<usize>() < FRESH_MAX
    }

    pub(super) fn take_up(&mut self, payout: Payout) -> Result<(), EngineError> {
        let id = payout.id;
        let standing = if payout.has_history { self.ledger.standing(id)? } else { PayoutStatus::default() };
        let told = standing.state;
        let in_vain = self.is_long_stuck(id, &standing)?;
        let mut course = PayoutProcess::new(standing, payout.top_up.member.phone().is_some());
        if in_vain {
            course.expect_nothing_new();
        }
        if matches!(told, State::Planned | State::Credited) {
            self.canary.admit(id, &mut course);
        }
        self.active.insert(id, Active { payout, course, pending: Vec::new(), busy: false, told });
        self.advance(id)
    }

    /// When everything else is done, what was set aside gets one more try.
    fn take_up_set_aside(&mut self) -> Result<bool, EngineError> {
        let mut any = false;
        self.source.begin_last_round();
        while let Some(id) = self.source.take_set_aside() {
            self.take_up(self.ledger.payout(id)?)?;
            any = true;
        }
        Ok(any)
    }

    pub(super) fn step(&self, active: &Active) -> Step {
        let step = active.course.step(&self.settings.policy, self.allowance(active.payout.id), self.now());
        if step == Step::Submit && self.settings.mode == Mode::CheckMembers { Step::Rest } else { step }
    }

    /// Puts a payout where its next step wants it.
    pub(super) fn advance(&mut self, id: PayoutId) -> Result<(), EngineError> {
        let Some(active) = self.active.get(&id) else { return Ok(()) };
        if active.busy {
            return Ok(());
        }
        match self.step(active) {
            Step::Submit => self.ready[0].push_back(id),
            Step::QueryStatus => self.ready[1].push_back(id),
            Step::CheckMember => self.ready[2].push_back(id),
            Step::Wait(until) => self.timers.push(Reverse((until, id))),
            Step::SetAside => self.leave(id, true)?,
            Step::Rest if self.is_held_back(active) => {}
            Step::Rest => self.leave(id, false)?,
        }
        Ok(())
    }

    fn leave(&mut self, id: PayoutId, set_aside: bool) -> Result<(), EngineError> {
        let Some(active) = self.active.get(&id) else { return Ok(()) };
        if !active.pending.is_empty() {
            self.write(id);
            return Ok(());
        }
        if let Some(active) = self.active.remove(&id) {
            self.unchecked += u64::from(!active.course.is_checked());
            if set_aside {
                self.source.set_aside(id);
            }
            if let Some(stop) = self.canary.on_done(id, active.payout.row, &active.course) {
                self.stop(stop, Phase::Draining)?;
            }
            self.confirm_canary();
            let turn = self.breaker.on_done(id, active.course.standing().state);
            self.apply_turn(turn)?;
        }
        Ok(())
    }

    fn confirm_canary(&mut self) {
        if self.canary.is_confirmed() {
            self.canary.switch_off();
            self.write_batch(BatchEvent::CanaryConfirmed);
            self.tell(RunEvent::CanaryConfirmed);
        }
    }

    fn apply_done(&mut self, done: Result<(Id, Result<Done, LedgerError>), JoinError>) -> Result<(), EngineError> {
        match done {
            Ok((task, done)) => {
                self.tickets.remove(&task);
                match done? {
                    Done::Called(called) => self.apply_called(*called),
                    Done::Recorded(id) => self.apply_recorded(id),
                    Done::BatchRecorded => Ok(()),
                }
            }
            // A call that panicked may have left. A write that panicked stops the run.
            Err(error) => match self.tickets.remove(&error.id()) {
                Some(ticket) => self.apply_called(worker::panicked(ticket)),
                None => Err(LedgerError::Stopped(error.to_string()).into()),
            },
        }
    }

    fn fire_timers(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        while let Some(Reverse((at, id))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            self.advance(id)?;
        }
        Ok(())
    }

    /// Points that are credited, or may be.
    pub(super) fn commit_points(&mut self, points: u32) {
        self.committed_points += u64::from(points);
    }

    /// Points that turned out not to be credited are free again.
    pub(super) fn give_back(&mut self, points: u32) {
        self.committed_points = self.committed_points.saturating_sub(u64::from(points));
    }

    fn interrupt(&mut self) -> Result<(), EngineError> {
        self.interrupted = true;
        self.tell(RunEvent::Interrupted);
        self.enter(Phase::Halting)
    }

    /// Stops new top-ups (or all calls) for a reason; the first reason is the one that is told.
    pub(super) fn stop(&mut self, stop: Stop, phase: Phase) -> Result<(), EngineError> {
        if self.stop.is_none() {
            self.tell(RunEvent::Stopping(stop.clone()));
            self.stop = Some(stop);
        }
        if phase == Phase::Halting || self.phase == Phase::Running { self.enter(phase) } else { Ok(()) }
    }

    fn enter(&mut self, phase: Phase) -> Result<(), EngineError> {
        self.phase = phase;
        if phase == Phase::Halting {
            self.pacer.close();
        }
        self.source.close();
        self.reconsider()
    }

    /// Puts every payout that is not busy where its next step wants it now.
    pub(super) fn reconsider(&mut self) -> Result<(), EngineError> {
        self.timers.clear();
        self.ready = Default::default();
        let mut idle: Vec<PayoutId> =
            self.active.iter().filter(|(_, active)| !active.busy).map(|(id, _)| *id).collect();
        // A map has no order of its own, and the same seed has to give the same run.
        idle.sort_unstable();
        idle.into_iter().try_for_each(|id| self.advance(id))
    }

    fn is_over(&self) -> bool {
        self.tasks.is_empty() && (self.phase == Phase::Halting || self.active.is_empty())
    }

    /// What a halted run learnt and did not come to write.
    async fn write_what_is_pending(&mut self) -> Result<(), EngineError> {
        let mut entries: Vec<Entry> = self.active.values_mut().flat_map(|active| active.pending.drain(..)).collect();
        entries.sort_by_key(|entry| entry.payout);
        if !entries.is_empty() {
            self.ledger.record((self.clock)(), entries).await?;
        }
        Ok(())
    }

    /// The name to compare with the member's, if any.
    pub(super) fn expected_name(&self, active: &Active) -> Option<String> {
        match self.settings.names {
            Names::Off => None,
            Names::Hold | Names::Warn => {
                let accepted = active.course.standing().accepted_name.clone().filter(|name| !name.is_empty());
                accepted.or_else(|| active.payout.name.clone())
            }
        }
    }
}
