//! Decides what happens next in a run: takes payouts up, puts each where its next step wants it, and lets it go.

use super::breaker::Breaker;
use super::canary::Canary;
use super::error::EngineError;
use super::event::{CallKind, RunEvent, RunReport, Stop};
use super::members::Members;
use super::queue::{Active, Queue};
use super::reach::Reach;
use super::settings::{Mode, Names, RunSettings};
use super::slots::{Done, Slots};
use super::source::Source;
use super::tally::Tally;
use crate::domain::payout_process::{PayoutProcess, RunTime, Step};
use crate::domain::payout_status::{PayoutStatus, State};
use crate::gateway::Gateway;
use crate::ledger::{BatchEvent, LedgerError, Payout, PayoutId, RunLedger, UnixMs};
use std::future::Future;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// What is allowed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Top-ups, order status and member checks.
    Running,
    /// No new top-ups; what is in doubt is resolved.
    Draining,
    /// No new calls; what is under way comes to its end.
    Halting,
}

/// The one place of a run that decides.
pub(super) struct Coordinator<'r, G, C, F> {
    pub(super) settings: RunSettings,
    pub(super) ledger: &'r RunLedger,
    pub(super) gateway: Arc<G>,
    pub(super) clock: &'r C,
    pub(super) on_event: F,
    pub(super) started: Instant,
    pub(super) chance: fastrand::Rng,
    pub(super) phase: Phase,
    pub(super) query_first: bool,
    /// The gateway answered in this run, so that its clock is known as far as its answers tell it.
    pub(super) heard: bool,
    pub(super) source: Source,
    pub(super) queue: Queue,
    pub(super) slots: Slots,
    pub(super) members: Members,
    pub(super) breaker: Breaker,
    pub(super) reach: Reach,
    pub(super) canary: Canary,
    pub(super) tally: Tally,
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
            ledger,
            gateway,
            clock,
            on_event,
            started,
            chance: fastrand::Rng::with_seed(settings.seed),
            phase: Phase::Running,
            query_first: ledger.gateway_is_ahead()?,
            heard: false,
            source: Source::new(settings.mode != Mode::CheckMembers, settings.mode != Mode::Resolve, first),
            queue: Queue::default(),
            slots: Slots::new(&settings, run_id, started),
            members: Members::default(),
            breaker: Breaker::new(settings.breaker_in_doubt, settings.breaker_refused),
            reach: Reach::new(settings.timeout),
            canary: Canary::new(canary_rows, first),
            tally: Tally::new(
                settings.budget_points,
                totals.of(State::Credited).points + totals.of(State::InDoubt).points,
                settings.stop_after,
            ),
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
            let timer = self.queue.next_timer().map(|at| self.started + at);
            let wants_slot = self.wants_slot();
            if let Some(at) = self.queue.next_timer().filter(|_| self.slots.is_idle() && !wants_slot) {
                self.tell(RunEvent::Waiting { span: at.saturating_sub(self.now()) });
            }
            tokio::select! {
                biased;
                () = &mut shutdown, if !self.tally.interrupted => self.interrupt()?,
                next = self.slots.next(wants_slot), if wants_slot || !self.slots.is_idle() => {
                    if let Some(done) = next {
                        self.apply_done(done?)?;
                    }
                }
                () = sleep_until(timer.unwrap_or(self.started)), if timer.is_some() => self.fire_timers()?,
            }
        }
    }

    pub(super) fn into_report(self) -> RunReport {
        self.tally.into_report(self.started.elapsed())
    }

    pub(super) fn unchecked(&self) -> u64 {
        self.tally.unchecked
    }

    pub(super) fn tell(&mut self, event: RunEvent) {
        (self.on_event)(event);
    }

    pub(super) fn now(&self) -> RunTime {
        self.started.elapsed()
    }

    /// Takes payouts up while there is room for new ones.
    fn admit(&mut self) -> Result<(), EngineError> {
        while self.phase == Phase::Running && self.breaker.is_closed() && self.queue.has_room() {
            let Some(planned) = self.source.next_is_planned(self.ledger)? else {
                if self.queue.is_empty() && !self.take_up_set_aside()? && self.canary.is_on() {
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
        self.queue.insert(Active { payout, course, pending: Vec::new(), busy: false, told });
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
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        if active.busy {
            return Ok(());
        }
        match self.step(active) {
            Step::Submit => self.queue.line_up(id, CallKind::TopUp),
            Step::QueryStatus => self.queue.line_up(id, CallKind::OrderStatus),
            Step::CheckMember => self.queue.line_up(id, CallKind::MemberInfo),
            Step::Wait(until) => self.queue.wait_until(id, until),
            Step::SetAside => self.leave(id, true)?,
            Step::Rest if self.is_held_back(active) => {}
            Step::Rest => self.leave(id, false)?,
        }
        Ok(())
    }

    fn leave(&mut self, id: PayoutId, set_aside: bool) -> Result<(), EngineError> {
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        if !active.pending.is_empty() {
            self.write(id);
            return Ok(());
        }
        if let Some(active) = self.queue.remove(id) {
            let count = if active.course.is_checked() { &mut self.tally.checked } else { &mut self.tally.unchecked };
            *count += 1;
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

    fn apply_done(&mut self, done: Done) -> Result<(), EngineError> {
        match done {
            Done::Called(called) => self.apply_called(*called),
            Done::Recorded(id) => self.apply_recorded(id),
            Done::BatchRecorded => Ok(()),
        }
    }

    fn fire_timers(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        while let Some(id) = self.queue.due(now) {
            self.advance(id)?;
        }
        Ok(())
    }

    fn interrupt(&mut self) -> Result<(), EngineError> {
        self.tally.interrupted = true;
        self.tell(RunEvent::Interrupted);
        self.enter(Phase::Halting)
    }

    /// Stops new top-ups (or all calls) for a reason; the first reason is the one that is told.
    pub(super) fn stop(&mut self, stop: Stop, phase: Phase) -> Result<(), EngineError> {
        if self.tally.stop(&stop) {
            self.tell(RunEvent::Stopping(stop));
        }
        if phase == Phase::Halting || self.phase == Phase::Running { self.enter(phase) } else { Ok(()) }
    }

    fn enter(&mut self, phase: Phase) -> Result<(), EngineError> {
        self.phase = phase;
        if phase == Phase::Halting {
            self.slots.close();
        }
        self.source.close();
        self.reconsider()
    }

    /// Puts every payout that is not busy where its next step wants it now.
    pub(super) fn reconsider(&mut self) -> Result<(), EngineError> {
        self.queue.forget_places().into_iter().try_for_each(|id| self.advance(id))
    }

    fn is_over(&self) -> bool {
        self.slots.is_idle() && (self.phase == Phase::Halting || self.queue.is_empty())
    }

    /// What a halted run learnt and did not come to write.
    async fn write_what_is_pending(&mut self) -> Result<(), EngineError> {
        let entries = self.queue.drain_pending();
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
