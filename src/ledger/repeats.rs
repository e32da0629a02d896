//! Finds payouts that another batch pays, or paid, to the same member with the same points; where that batch was purged,
//! by the hashes of its members.

use super::error::LedgerError;
use super::record::{PayoutId, UnixMs};
use super::store::Store;
use super::under::RepeatRule;
use crate::domain::payout_status::State;
use std::path::PathBuf;
use std::time::Duration;

/// A payout of a plan that another batch may pay, or paid, as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row of this file.
    pub row: u64,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub other_row: u64,
    /// Its state there.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
    /// When the other batch was planned first, in Unix milliseconds.
    pub planned_at: i64,
}

/// What other batches of the merchant have of a batch's waiting payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The other batches have not finished them; otherwise they credited them lately.
    pub is_open: bool,
    /// Payouts.
    pub count: u64,
    /// The first few.
    pub list: Vec<Repeat>,
}

impl Repeated {
    /// Whether it is so much of a file or batch of so many rows that a person has to say why.
    #[must_use]
    pub fn is_half_of(&self, rows: u64) -> bool {
        self.count > 0 && self.count * 2 >= rows
    }
}

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
