//! Gives payouts their slots and starts their calls; an intent is durable before its top-up leaves.

use super::coordinator::{Coordinator, Done, Phase};
use super::error::EngineError;
use super::event::{CallKind, RunEvent, Stop, StopCode};
use super::members::{Lookup, asked_about};
use super::pacer::Slot;
use super::settings::Mode;
use super::worker::{self, Ticket};
use crate::domain::event::Event;
use crate::domain::payout_process::{Permissions, Step};
use crate::domain::payout_status::State;
use crate::gateway::{Gateway, Request};
use crate::ledger::{BatchEvent, Call, LedgerError, PayoutId, UnixMs};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

impl<G, C, F> Coordinator<'_, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    pub(super) fn wants_slot(&self) -> bool {
        self.slot.is_none()
            && self.phase != Phase::Halting
            && self.tickets.len() < self.settings.max_in_flight
            && self.ready.iter().any(|queue| !queue.is_empty())
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
        while self.phase != Phase::Halting && self.tickets.len() < self.settings.max_in_flight {
            let Some(id) = self.ready.iter_mut().find_map(VecDeque::pop_front) else { return Ok(()) };
            let Some(active) = self.active.get(&id).filter(|active| !active.busy) else { continue };
            let step = self.step(active);
            if !matches!(step, Step::Submit | Step::QueryStatus | Step::CheckMember) {
                self.advance(id)?;
                continue;
            }
            let Some(slot) = self.slot.take().or_else(|| self.pacer.try_slot()) else {
                self.put_back(id, step);
                return Ok(());
            };
            // Only with a slot in hand: who is told to ask has to ask now, since others may wait for the answer.
            if step == Step::CheckMember && self.answers_from_another(id)? {
                self.slot = Some(slot);
                continue;
            }
            self.start(id, step, slot)?;
        }
        Ok(())
    }

    fn put_back(&mut self, id: PayoutId, step: Step) {
        let queue = match step {
            Step::Submit => 0,
            Step::QueryStatus => 1,
            Step::CheckMember | Step::Wait(_) | Step::SetAside | Step::Rest => 2,
        };
        self.ready[queue].push_front(id);
    }

    /// Whether another payout's member-info call answers for this one too, now or when it ends.
    fn answers_from_another(&mut self, id: PayoutId) -> Result<bool, EngineError> {
        let Some(active) = self.active.get_mut(&id) else { return Ok(true) };
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

    fn start(&mut self, id: PayoutId, step: Step, slot: Slot) -> Result<(), EngineError> {
        let Some(active) = self.active.get_mut(&id) else { return Ok(()) };
        let top_up = &active.payout.top_up;
        let ready = |request| -> std::future::Ready<Result<Request, LedgerError>> { std::future::ready(Ok(request)) };
        match step {
            Step::CheckMember => {
                let Some(phone) = top_up.member.phone() else { return Ok(()) };
                let card_no = top_up.member.card_no().map(str::to_owned);
                self.start_call(id, CallKind::MemberInfo, slot, |_| ready(Request::MemberInfo { phone, card_no }));
            }
            Step::QueryStatus => {
                let invoice_no = top_up.invoice_no.clone();
                self.start_call(id, CallKind::OrderStatus, slot, |_| ready(Request::OrderStatus(invoice_no)));
            }
            Step::Submit => self.start_submit(id, slot)?,
            Step::Wait(_) | Step::SetAside | Step::Rest => {}
        }
        Ok(())
    }

    /// Makes the intent durable, and only then lets the top-up leave.
    fn start_submit(&mut self, id: PayoutId, slot: Slot) -> Result<(), EngineError> {
        let Some(active) = self.active.get(&id) else { return Ok(()) };
        let points = active.payout.top_up.points.value();
        if active.course.standing().state == State::Planned {
            let committed = self.committed_points + u64::from(points);
            if committed > self.settings.budget_points {
                let message = format!(
                    "paying row {} would bring the batch to {committed} points, and {} are allowed\nhint: nothing \
                     more was sent; compare the plan with `topup status`",
                    active.payout.row, self.settings.budget_points
                );
                return self.stop(Stop { code: StopCode::Budget, message }, Phase::Draining);
            }
            self.commit_points(points);
        }
        let now = self.now();
        self.apply_event(id, &Event::SubmitIntended, None, None, now)?;
        let (ledger, at) = (self.ledger, (self.clock)());
        let Some(active) = self.active.get_mut(&id) else { return Ok(()) };
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
        if let Some(active) = self.active.get_mut(&id) {
            active.busy = true;
        }
        self.requests_begun += 1;
        let ticket = Ticket { payout: id, kind, request_id: format!("{}-{}", self.run_id, self.requests_begun) };
        let request = request(&ticket.request_id);
        let (gateway, pacer, kept) = (Arc::clone(&self.gateway), Arc::clone(&self.pacer), ticket.clone());
        let task = self.tasks.spawn(async move {
            worker::call(gateway.as_ref(), &pacer, slot, ticket, request)
                .await
                .map(|called| Done::Called(Box::new(called)))
        });
        self.tickets.insert(task.id(), kept);
        self.tell(RunEvent::CallBegan { kind });
    }

    /// Writes a payout's pending events.
    pub(super) fn write(&mut self, id: PayoutId) {
        let Some(active) = self.active.get_mut(&id) else { return };
        active.busy = true;
        let recorded = self.ledger.record((self.clock)(), std::mem::take(&mut active.pending));
        self.tasks.spawn(async move { recorded.await.map(|_| Done::Recorded(id)) });
    }

    pub(super) fn write_batch(&mut self, event: BatchEvent) {
        let recorded = self.ledger.record_batch((self.clock)(), event);
        self.tasks.spawn(async move { recorded.await.map(|_| Done::BatchRecorded) });
    }
}
