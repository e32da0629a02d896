//! What earlier runs left of a payout that this one has to know: a canary that was not confirmed, an inquiry in vain.

use super::coordinator::Coordinator;
use super::error::EngineError;
use super::event::RunEvent;
use crate::domain::payout_status::PayoutStatus;
use crate::gateway::Gateway;
use crate::ledger::{LedgerError, PayoutId, UnixMs};

impl<G, C, F> Coordinator<'_, G, C, F>
where
    G: Gateway,
    C: Fn() -> UnixMs,
    F: FnMut(RunEvent),
{
    /// A run that was cut off may have credited the first payouts, and not come to confirm them: that comes first.
    pub(super) fn take_up_unconfirmed(&mut self) -> Result<(), EngineError> {
        let Some(first) = self.canary.first() else { return Ok(()) };
        for payout in self.ledger.credited_from(first, self.canary.room())? {
            self.take_up(payout)?;
        }
        Ok(())
    }

    /// Whether no run can settle a payout, and everything that was under way of it has had its time.
    pub(super) fn is_long_stuck(&self, id: PayoutId, standing: &PayoutStatus) -> Result<bool, LedgerError> {
        if self.settings.policy.stuck(standing).is_none() {
            return Ok(false);
        }
        let settle_ms = i64::try_from(self.settings.policy.proof_after().as_millis()).unwrap_or(i64::MAX);
        let last_send_at = self.ledger.last_send_at(id)?;
        Ok(last_send_at.is_none_or(|at| (self.clock)() - at > settle_ms))
    }
}
