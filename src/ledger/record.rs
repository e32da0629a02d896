//! Defines what the ledger stores and gives back: batches, payouts, events.

use super::error::LedgerError;
use super::settings::Settings;
use crate::domain::batch_name::BatchName;
use crate::domain::event::Event;
use crate::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::{PayoutStatus, State};
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;
use std::time::Duration;

/// A batch's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub(super) i64);

/// A payout's row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayoutId(pub(super) i64);

impl PayoutId {
    /// Where a page ends behind which this payout is the next.
    #[must_use]
    pub fn just_before(self) -> Self {
        Self(self.0 - 1)
    }
}

#[cfg(test)]
impl PayoutId {
    /// A payout that no ledger holds.
    pub(crate) const fn nobodys(number: i64) -> Self {
        Self(number)
    }
}

/// A time of day, in Unix milliseconds.
pub type UnixMs = i64;

/// What a batch is bound to: a command with another one of these is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Host and port of the gateway.
    pub gateway_host: String,
    /// The merchant's store code.
    pub merchant_id: String,
    /// The merchant's POS code.
    pub terminal_id: String,
    /// What every invoice_no begins with.
    pub invoice_prefix: InvoicePrefix,
}

/// Who planned a batch, from what, with which settings, on whose word.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file's name.
    pub file_name: String,
    /// The configuration as JSON, never the key.
    pub settings: String,
    /// User and machine.
    pub planned_by: String,
    /// When the file was first proposed.
    pub planned_at: UnixMs,
}

/// A batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its row.
    pub id: BatchId,
    /// Its name.
    pub name: BatchName,
    /// What it is bound to.
    pub binding: Binding,
    /// Payouts of the plan.
    pub rows: u64,
    /// Points of the plan.
    pub points: u64,
    /// Rows of the file that were skipped on the user's word.
    pub skipped_rows: u64,
    /// The seal: SHA-256 of the plan's canonical rows and totals.
    pub plan_sha256: Sha256,
    /// The version of the plan, from 1; 0 where none stands.
    pub plan_version: u32,
    /// The file's name.
    pub file_name: String,
    /// When it was planned.
    pub planned_at: UnixMs,
    /// Who planned it.
    pub planned_by: String,
    /// SHA-256 of its newest event.
    pub chain_head: Sha256,
    /// The settings that its plan was sealed with.
    pub settings: Settings,
    /// When names and phones were removed from it.
    pub purged_at: Option<UnixMs>,
}

impl Batch {
    /// The number of a row's first attempt, which it is sent under, always.
    pub(super) fn first_number(&self, key: &RowKey) -> InvoiceNo {
        let Binding { invoice_prefix, merchant_id, .. } = &self.binding;
        InvoiceNo::derive(invoice_prefix, merchant_id, &self.name, key, 1)
    }
}

impl Batch {
    /// The day on which names and phones were removed from it, in UTC.
    #[must_use]
    pub fn purged_on(&self) -> Option<String> {
        self.purged_at.map(day)
    }

    /// The batch, unless its rows can no longer be told apart.
    ///
    /// # Errors
    /// [`LedgerError::Purged`].
    pub fn unpurged(self) -> Result<Self, LedgerError> {
        match self.purged_on() {
            None => Ok(self),
            Some(day) => Err(LedgerError::Purged { batch: self.name.to_string(), day }),
        }
    }
}

/// The day of a time in UTC, as the ledger keeps times.
fn day(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// The rows that a batch's last plan added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// The first of them; `None`: the plan does not say.
    pub first: Option<PayoutId>,
    /// The first ones that were paid of them were confirmed by order status.
    pub confirmed: bool,
}

/// A payout as the engine takes it up.
#[derive(Clone, Debug)]
pub struct Payout {
    /// Its row.
    pub id: PayoutId,
    /// The row in the spreadsheet.
    pub row: u64,
    /// Its key across edits.
    pub key: RowKey,
    /// What it sends.
    pub top_up: TopUp,
    /// The name that the payer expects behind the member.
    pub name: Option<String>,
    /// Other payouts of the batch go to the same member.
    pub shares_member: bool,
    /// Something happened to it before.
    pub has_history: bool,
}

/// Rows and points in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many payouts are in the state.
    pub rows: u64,
    /// Their points in all.
    pub points: u64,
    /// Credited ones that no send of this ledger explains.
    pub recovered: u64,
}

/// Payouts and their points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// How many payouts.
    pub rows: u64,
    /// Points in all.
    pub points: u64,
}

/// Rows and points by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals([Total; State::ALL.len()]);

impl Totals {
    /// Those of one state.
    #[must_use]
    pub fn of(&self, state: State) -> Total {
        self.0[state as usize]
    }

    pub(super) fn of_mut(&mut self, state: State) -> &mut Total {
        &mut self.0[state as usize]
    }

    /// Rows of all states.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|total| total.rows).sum()
    }
}

/// An HTTP call, as the history keeps it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The header `X-Request-ID`.
    pub request_id: String,
    /// HTTP status, where there was an answer.
    pub http: Option<u16>,
    /// `meta.code`, where there was one.
    pub code: Option<i64>,
    /// From send to end; `None` where the end is not known.
    pub latency: Option<Duration>,
}

/// One event of one payout, to be recorded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The payout that it happened to.
    pub payout: PayoutId,
    /// What happened.
    pub event: Event,
    /// The state before, which the ledger compares with its own.
    pub before: State,
    /// The state after.
    pub after: State,
    /// The call behind it.
    pub call: Option<Call>,
    /// What the gateway said.
    pub note: Option<String>,
    /// A person's reason, and who it was.
    pub why: Option<String>,
    /// The number of a new attempt, which a retry after `E` mints.
    pub new_number: Option<InvoiceNo>,
    /// Credited by an order that no send of this ledger explains.
    pub recovered: bool,
}

impl Entry {
    /// That an event led a payout from a state to where it stands now. Nothing goes along with it.
    #[must_use]
    pub fn of(payout: PayoutId, event: Event, before: State, now: &PayoutStatus) -> Self {
        let recovered = before != State::Credited && now.recovered();
        let after = now.state;
        Self { payout, event, before, after, call: None, note: None, why: None, new_number: None, recovered }
    }
}

/// An event of a batch as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchEvent {
    /// All rows are in the ledger; the note is everything that the batch was planned as, in JSON.
    Planned(String),
    /// A command that sends began.
    RunStarted(String),
    /// It ended on its own.
    RunEnded(String),
    /// The gateway knows numbers that this ledger never sent.
    GatewayAhead(InvoiceNo),
    /// The first payouts were confirmed by order status.
    CanaryConfirmed,
    /// A person said why it pays again what another batch credited; the note is the reason.
    RepeatAccepted(String),
    /// A person's word about a plan or a decision: which word, and all about it.
    Proposal {
        /// The word.
        kind: &'static str,
        /// What it is about and whose it is, as JSON.
        note: String,
    },
}

/// One payout to be planned.
#[derive(Clone, Copy)]
pub struct NewPayout<'a> {
    /// What the file says.
    pub row: &'a Row,
    /// The row's key across edits.
    pub key: &'a RowKey,
    /// Whether the member gets a message, where the row says nothing too.
    pub send_sms: bool,
}
