//! The calls and writes that are under way, and the slots by which calls leave.
//!
//! Invariant: no more calls are under way than were allowed, and each of them has a ticket here until its end, so that one
//! whose worker panicked comes back as a call that may have left. A slot that was given out is used for one call, or kept
//! for the next.

use super::event::CallKind;
use super::pacer::{Pacer, Slot};
use super::settings::RunSettings;
use super::worker::{self, Called, Ticket};
use crate::gateway::{Gateway, Request};
use crate::ledger::{LedgerError, PayoutId};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::Arc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// A task of the run that came to its end.
#[derive(Debug)]
pub(super) enum Done {
    Called(Box<Called>),
    Recorded(PayoutId),
    BatchRecorded,
}

/// What is under way.
pub(super) struct Slots {
    run_id: String,
    max_in_flight: usize,
    pacer: Arc<Pacer>,
    /// A slot for the next call.
    kept: Option<Slot>,
    tasks: JoinSet<Result<Done, LedgerError>>,
    tickets: HashMap<Id, Ticket>,
    calls_begun: u64,
}

impl Slots {
    pub(super) fn new(settings: &RunSettings, run_id: String, started: Instant) -> Self {
        Self {
            run_id,
            max_in_flight: settings.max_in_flight,
            pacer: Arc::new(Pacer::of(settings, started)),
            kept: None,
            tasks: JoinSet::new(),
            tickets: HashMap::new(),
            calls_begun: 0,
        }
    }

    /// Whether one more call may be under way.
    pub(super) fn has_room(&self) -> bool {
        self.tickets.len() < self.max_in_flight
    }

    /// Whether a slot would be of use to whoever waits for one.
    pub(super) fn lacks_one(&self) -> bool {
        self.kept.is_none() && self.has_room()
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// A slot, where there is one without waiting.
    pub(super) fn take(&mut self) -> Option<Slot> {
        self.kept.take().or_else(|| self.pacer.try_slot())
    }

    /// Keeps a slot for the next call.
    pub(super) fn keep(&mut self, slot: Slot) {
        self.kept = Some(slot);
    }

    /// Waits for the end of a task, or for a slot where one is wanted: then there is nothing to give.
    pub(super) async fn next(&mut self, wants_slot: bool) -> Option<Result<Done, LedgerError>> {
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next_with_id() => Some(self.ended(ended)),
            slot = self.pacer.slot(), if wants_slot => {
                self.kept = slot;
                None
            }
            else => pending().await,
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<Done, LedgerError>), JoinError>) -> Result<Done, LedgerError> {
        match ended {
            Ok((task, done)) => {
                self.tickets.remove(&task);
                done
            }
            // A call that panicked may have left. A write that panicked stops the run.
            Err(error) => match self.tickets.remove(&error.id()) {
                Some(ticket) => Ok(Done::Called(Box::new(worker::panicked(ticket)))),
                None => Err(LedgerError::Stopped(error.to_string())),
            },
        }
    }

    /// Begins a call; `request` gives what is sent, by the call's `X-Request-ID`, once that is durable.
    pub(super) fn call<G: Gateway, R>(
        &mut self,
        gateway: &Arc<G>,
        (payout, kind): (PayoutId, CallKind),
        slot: Slot,
        request: impl FnOnce(&str) -> R,
    ) where
        R: Future<Output = Result<Request, LedgerError>> + Send + 'static,
    {
        self.calls_begun += 1;
        let ticket = Ticket { payout, kind, request_id: format!("{}-{}", self.run_id, self.calls_begun) };
        let request = request(&ticket.request_id);
        let (gateway, pacer, kept) = (Arc::clone(gateway), Arc::clone(&self.pacer), ticket.clone());
        let task = self.tasks.spawn(async move {
            let called = worker::call(gateway.as_ref(), &pacer, slot, ticket, request).await?;
            Ok(Done::Called(Box::new(called)))
        });
        self.tickets.insert(task.id(), kept);
    }

    /// Begins to wait for a write, which gives `done` when it is durable.
    pub(super) fn write<T>(
        &mut self,
        recorded: impl Future<Output = Result<T, LedgerError>> + Send + 'static,
        done: Done,
    ) {
        self.tasks.spawn(async move { recorded.await.map(|_| done) });
    }

    /// Lets nothing leave for a while, and less from then on; the new rate, where it is another.
    pub(super) fn slow_down(&self, pause: std::time::Duration) -> Option<f64> {
        self.pacer.slow_down(pause)
    }

    /// Lets nothing leave any more.
    pub(super) fn close(&self) {
        self.pacer.close();
    }
}
