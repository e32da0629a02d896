//! Holds payouts back while the breaker is open, and tries one of them alone when the gateway answers again.
//!
//! What is held back stays in hand, with all that was learnt about it: nothing is asked twice when the run goes on.

use super::breaker::{Next, Turn};
use super::coordinator::{Coordinator, Phase};
use super::error::EngineError;
use super::event::RunEvent;
use super::queue::Active;
use crate::domain::payout_process::{Permissions, Step};
use crate::domain::payout_status::State;
use crate::gateway::Gateway;
use crate::ledger::{PayoutId, UnixMs};

impl<G, C, F> Coordinator<'_, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    /// The breaker alone keeps this payout from going on.
    pub(super) fn is_held_back(&self, active: &Active) -> bool {
        let is_open = matches!(active.course.standing().state, State::Planned | State::InDoubt);
        is_open && self.phase == Phase::Running && !self.breaker.lets_out(active.payout.id)
    }

    /// The breaker is open, and nothing is under way that could change anything.
    pub(super) fn is_held_up(&self) -> bool {
        self.phase == Phase::Running
            && !self.breaker.is_closed()
            && self.slots.is_idle()
            && self.queue.is_nobody_waiting()
    }

    /// Tries one payout alone, goes on because nobody is held back, or gives up.
    pub(super) fn probe(&mut self) -> Result<(), EngineError> {
        let resolved = self.queue.all().all(|active| active.course.is_resolved());
        let held_back = self.next_held_back()?;
        match self.breaker.next(resolved, held_back) {
            Next::GoOn => self.reconsider(),
            Next::GiveUp(stop) => self.stop(stop, Phase::Draining),
            Next::Probe(id) => {
                if let Some(active) = self.queue.get(id) {
                    let row = active.payout.row;
                    self.tell(RunEvent::Probing { row });
                }
                self.advance(id)
            }
        }
    }

    /// Who would be sent next: somebody new, or else one that may be sent again.
    fn next_held_back(&mut self) -> Result<Option<PayoutId>, EngineError> {
        if let Some(id) = self.first_in_hand(State::Planned) {
            return Ok(Some(id));
        }
        if let Some(payout) = self.source.take_next(self.ledger)? {
            let id = payout.id;
            self.take_up(payout)?;
            return Ok(Some(id));
        }
        Ok(self.first_in_hand(State::InDoubt))
    }

    /// The first in hand, by its place in the plan, that would go on if it were let out.
    fn first_in_hand(&self, state: State) -> Option<PayoutId> {
        let (policy, now) = (&self.settings.policy, self.now());
        let allowance = Permissions { submits: true, query_first: self.query_first };
        let goes_on = |active: &Active| match active.course.step(policy, allowance, now) {
            Step::CheckMember | Step::QueryStatus | Step::Submit | Step::Wait(_) => {
                state == State::Planned || active.course.may_resend(policy)
            }
            Step::SetAside | Step::Rest => false,
        };
        let in_state = self.queue.all().filter(|active| active.course.standing().state == state);
        in_state.filter(|active| goes_on(active)).map(|active| active.payout.id).min()
    }

    /// What an answer changed for everybody.
    pub(super) fn apply_turn(&mut self, turn: Option<Turn>) -> Result<(), EngineError> {
        // A run that stops for good does not pause, and does not go on.
        let Some(turn) = turn.filter(|_| self.phase == Phase::Running) else { return Ok(()) };
        self.tell(match turn {
            Turn::Opened => RunEvent::Paused { in_doubt: self.breaker.in_doubt() },
            Turn::ProbeFailed => RunEvent::ProbeFailed,
            Turn::Closed => RunEvent::WentOn,
        });
        self.reconsider()
    }
}
