//! Keeps a decision of a person from paying again what another batch of the merchant pays or paid.

use super::error::LedgerError;
use super::record::{PayoutId, UnixMs};
use super::repeats::Repeat;
use super::store::Store;
use super::under::RepeatRule;
use crate::domain::payout_status::State;
use std::path::PathBuf;
use std::time::Duration;

/// What keeps a decision of a person from paying again what another batch of the merchant pays or paid.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// Top-ups may be intended.
    pub(super) may_send: bool,
    /// What counts as a repetition.
    pub(super) rule: RepeatRule,
    /// How long a signed request may still be applied; two hours at the least.
    pub(super) signed_valid: Duration,
    /// Where the key of purged batches is.
    pub(super) purge_key: Option<PathBuf>,
}

impl Guard {
    /// Another batch that has the member and points of a payout: unfinished, or credited since the payout's batch was
    /// planned or within the window, whichever is longer.
    pub(super) fn elsewhere(
        &self,
        store: &impl Store,
        payout: PayoutId,
        now: UnixMs,
    ) -> Result<Option<Repeat>, LedgerError> {
        let since = store.planned_at(payout)?.min(self.rule.since(now));
        store.repeat_of(payout, self.purge_key.as_deref(), since)
    }

    /// What is kept with a decision that pays again what another batch credited; `None` where it repeats nothing.
    pub(super) fn reason(
        &self,
        store: &impl Store,
        payout: PayoutId,
        now: UnixMs,
    ) -> Result<Option<String>, LedgerError> {
        let Some(repeat) = self.elsewhere(store, payout, now)? else { return Ok(None) };
        match &self.rule.why {
            Some(why) if repeat.state == State::Credited => {
                Ok(Some(format!("repeats row {} of batch {}: {why}", repeat.other_row, repeat.batch)))
            }
            Some(_) | None => Err(LedgerError::PaidElsewhere(Box::new(repeat))),
        }
    }
}
