//! Gives payouts their slots and starts their calls; an intent is durable before its top-up leaves.

use super::coordinator::{Coordinator, Phase};
use super::error::EngineError;
use super::event::{CallKind, RunEvent, Stop, StopCode};
use super::members::{Lookup, asked_about};
use super::pacer::Slot;
use super::settings::Mode;
use super::slots::Done;
use super::tally::Over;
use crate::domain::event::Event;
use crate::domain::payout_process::{Permissions, Step};
use crate::domain::payout_status::State;
use crate::domain::text::{counted, grouped};
use crate::gateway::{Gateway, Request};
use crate::ledger::{BatchEvent, Call, LedgerError, PayoutId, UnixMs};
use std::future::Future;

impl<G, C, F> Coordinator<'_, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    pub(super) fn wants_slot(&self) -> bool {
        self.phase != Phase::Halting && self.slots.lacks_one() && self.queue.is_anybody_in_line()
    }

    /// What the run as a whole allows a payout at the moment.
    pub(super) fn allowance(&self, id: PayoutId) -> Permissions {
        Permissions {
            submits: self.phase == Phase::Running && self.breaker.lets_out(id) && self.settings.mode != Mode::Resolve,
            // A top-up is stamped by the gateway's clock, so that something has to be heard of it before the first one.
            query_first: self.query_first || (self.settings.fence.is_some() && !self.heard),
        }
    }

    /// Starts calls while there are slots for them.
    pub(super) fn dispatch(&mut self) -> Result<(), EngineError> {
        while self.phase != Phase::Halting && self.slots.has_room() {
            let Some(id) = self.queue.next_in_line() else { return Ok(()) };
            let Some(active) = self.queue.get(id).filter(|active| !active.busy) else { continue };
            let Some(kind) = call_of(self.step(active)) else {
                self.advance(id)?;
                continue;
            };
            let Some(slot) = self.slots.take() else {
                self.queue.put_back(id, kind);
                return Ok(());
            };
            // Only with a slot in hand: who is told to ask has to ask now, since others may wait for the answer.
            if kind == CallKind::MemberInfo && self.answers_from_another(id)? {
                self.slots.keep(slot);
                continue;
            }
            self.start(id, kind, slot)?;
        }
        Ok(())
    }

    /// Whether another payout's member-info call answers for this one too, now or when it ends.
    fn answers_from_another(&mut self, id: PayoutId) -> Result<bool, EngineError> {
        let Some(active) = self.queue.get_mut(id) else { return Ok(true) };
        if !active.payout.shares_member {
            return Ok(false);
        }
        match self.members.look_up(asked_about(&active.payout.top_up.member), id) {
            Lookup::Ask => Ok(false),
            Lookup::Waits => {
                active.busy = true;
                Ok(true)
            }
            Lookup::Answered(reply) => {
                self.apply_member_reply(id, &reply)?;
                Ok(true)
            }
        }
    }

    fn start(&mut self, id: PayoutId, kind: CallKind, slot: Slot) -> Result<(), EngineError> {
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let top_up = &active.payout.top_up;
        let request = match kind {
            CallKind::MemberInfo => {
                let Some(phone) = top_up.member.phone() else { return Ok(()) };
                Request::MemberInfo { phone, card_no: top_up.member.card_no().map(str::to_owned) }
            }
            CallKind::OrderStatus => Request::OrderStatus(top_up.invoice_no.clone()),
            CallKind::TopUp => return self.start_submit(id, slot),
        };
        self.start_call(id, kind, slot, |_| std::future::ready(Ok(request)));
        Ok(())
    }

    /// Why the payout of a row is not sent.
    fn over(&self, row: u64, over: &Over) -> Stop {
        match over {
            Over::Budget(committed) => Stop {
                code: StopCode::Budget,
                message: format!(
                    "paying row {row} would bring the batch to {}, and {} are allowed\nhint: nothing more was sent; compare \
                     the plan with what the batch has paid",
                    counted(*committed, "point"),
                    self.tally.budget_points()
                ),
            },
            Over::Slice(sent, points) => Stop {
                code: StopCode::StopAfter,
                message: format!(
                    "{} of at most {} were sent by this run, and row {row} would be beyond that\nhint: nothing is lost: the \
                     rest stays planned, and is paid when the batch is gone on with",
                    grouped(*sent),
                    counted(*points, "point")
                ),
            },
        }
    }

    /// Makes the intent durable, and only then lets the top-up leave.
    fn start_submit(&mut self, id: PayoutId, slot: Slot) -> Result<(), EngineError> {
        let Some(active) = self.queue.get(id) else { return Ok(()) };
        let points = active.payout.top_up.points.value();
        if active.course.standing().state == State::Planned
            && let Err(over) = self.tally.commit(id, points)
        {
            let stop = self.over(active.payout.row, &over);
            return self.stop(stop, Phase::Draining);
        }
        let now = self.now();
        self.apply_event(id, &Event::SubmitIntended, None, None, now)?;
        let (ledger, at) = (self.ledger, (self.clock)());
        let Some(active) = self.queue.get_mut(id) else { return Ok(()) };
        let mut entries = std::mem::take(&mut active.pending);
        self.start_call(id, CallKind::TopUp, slot, move |request_id| {
            if let Some(intent) = entries.last_mut() {
                intent.call = Some(Call { request_id: request_id.to_owned(), http: None, code: None, latency: None });
            }
            let recorded = ledger.record(at, entries);
            async move {
                let permit = recorded.await?.pop();
                permit.map(Request::SubmitTopUp).ok_or_else(|| LedgerError::Broken("an intent without a permit".into()))
            }
        });
        Ok(())
    }

    fn start_call<R>(&mut self, id: PayoutId, kind: CallKind, slot: Slot, request: impl FnOnce(&str) -> R)
    where
        R: Future<Output = Result<Request, LedgerError>> + Send + 'static,
    {
        if let Some(active) = self.queue.get_mut(id) {
            active.busy = true;
        }
        self.slots.call(&self.gateway, (id, kind), slot, request);
        self.tell(RunEvent::CallBegan { kind });
    }

    /// Writes a payout's pending events.
    pub(super) fn write(&mut self, id: PayoutId) {
        let Some(active) = self.queue.get_mut(id) else { return };
        active.busy = true;
        let recorded = self.ledger.record((self.clock)(), std::mem::take(&mut active.pending));
        self.slots.write(recorded, Done::Recorded(id));
    }

    pub(super) fn write_batch(&mut self, event: BatchEvent) {
        let recorded = self.ledger.record_batch((self.clock)(), event);
        self.slots.write(recorded, Done::BatchRecorded);
    }
}

/// The call that a step is, if it is one.
fn call_of(step: Step) -> Option<CallKind> {
    match step {
        Step::Submit => Some(CallKind::TopUp),
        Step::QueryStatus => Some(CallKind::OrderStatus),
        Step::CheckMember => Some(CallKind::MemberInfo),
        Step::Wait(_) | Step::SetAside | Step::Rest => None,
    }
}
