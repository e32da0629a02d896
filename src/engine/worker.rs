//! Makes one call: waits for what it needs, signs, leaves at its moment, and gives back what came of it.

use super::event::CallKind;
use super::pacer::{Pacer, Slot};
use crate::crash;
use crate::domain::answer::Reply;
use crate::gateway::{Gateway, Received, Request};
use crate::ledger::{Call, LedgerError, PayoutId};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// One call that came to its end.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) payout: PayoutId,
    pub(super) kind: CallKind,
    pub(super) request_id: String,
    pub(super) received: Received,
    /// `None`: it never left.
    pub(super) departed: Option<Instant>,
    pub(super) ended: Instant,
}

impl Called {
    /// From departure to end; `None`: it never left.
    pub(super) fn latency(&self) -> Option<Duration> {
        self.departed.map(|departed| self.ended.saturating_duration_since(departed))
    }

    /// The call as the ledger keeps it.
    pub(super) fn to_call(&self) -> Call {
        let answer = self.received.reply.answer();
        let (http, code) = (answer.map(|answer| answer.http), answer.and_then(|answer| answer.code));
        Call { request_id: self.request_id.clone(), http, code, latency: self.latency() }
    }
}

/// A call that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) payout: PayoutId,
    pub(super) kind: CallKind,
    pub(super) request_id: String,
}

/// Makes one call. `request` is ready when everything that the call depends on is durable.
pub(super) async fn call<G: Gateway>(
    gateway: &G,
    pacer: &Pacer,
    slot: Slot,
    ticket: Ticket,
    request: impl Future<Output = Result<Request, LedgerError>>,
) -> Result<Called, LedgerError> {
    let request = request.await?;
    let Ticket { payout, kind, request_id } = ticket;
    let (received, departed) = match gateway.prepare(request, &request_id).await {
        Err(message) => (Received { reply: Reply::Unsent, message }, None),
        Ok(prepared) => {
            let departed = pacer.depart(slot).await;
            if departed.is_some() {
                crash::point("before-send");
                let received = gateway.send(prepared).await;
                crash::point("after-send");
                (received, departed)
            } else {
                (Received { reply: Reply::Unsent, message: "the run ended before it left".to_owned() }, None)
            }
        }
    };
    Ok(Called { payout, kind, request_id, received, departed, ended: Instant::now() })
}

/// What is made of a call whose worker panicked: it may have left.
pub(super) fn panicked(ticket: Ticket) -> Called {
    let now = Instant::now();
    let received = Received { reply: Reply::Lost, message: "the call's worker panicked".to_owned() };
    let Ticket { payout, kind, request_id } = ticket;
    Called { payout, kind, request_id, received, departed: Some(now), ended: now }
}
