//! Defines what the ledger's rules ask of a database: statements, each about one thing, none of which decides anything.
//!
//! Architecture invariant: the rules are written over this and its neighbours ([`super::database`]), and know of no
//! kind of database. Whatever lies under them is asked for the same things in the same order, so that the same
//! operations give the same end of the chain everywhere.

use super::chain::Link;
use super::chain::StoredLedgerEvent;
use super::error::LedgerError;
use super::record::{Batch, BatchId, Binding, PayoutId, Total, Totals, UnixMs};
use super::repeats::{Repeat, Repeated};
use super::row_seal::Sealed;
use crate::domain::approval::ProposalKind;
use crate::domain::event::Event;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use serde_json::{Map, Value};
use std::path::Path;

/// An event of a batch, as it is stored.
#[derive(Debug)]
pub(super) struct StoredWord {
    pub(super) event_id: i64,
    pub(super) at: UnixMs,
    pub(super) kind: String,
    pub(super) note: Option<String>,
}

/// What a payout's row says of it.
#[derive(Debug)]
pub(super) struct Stands {
    /// The row in the spreadsheet.
    pub(super) row: i64,
    /// The word of its state.
    pub(super) state: String,
    pub(super) attempt: u32,
}

/// A payout as it is stored, with what its batch is bound to.
#[derive(Debug)]
pub(super) struct PlannedRow<'r> {
    pub(super) sealed: Sealed<'r>,
    pub(super) seal: Sha256,
    pub(super) top_up: TopUp,
    pub(super) batch: &'r str,
    pub(super) merchant_id: &'r str,
    pub(super) invoice_prefix: &'r str,
}

/// An actor in this ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActorId(pub(super) i64);

/// Payouts of one batch that wait to be paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) batch: BatchId,
    /// Only those that this version of its plan brought, or a later one; 0: all.
    pub(super) version: u32,
}

/// A database in one transaction, or at one moment.
pub(super) trait Store {
    // Of one payout.

    /// Its events, oldest first.
    fn history(&self, payout: PayoutId) -> Result<Vec<Event>, LedgerError>;
    /// What its row says of it.
    fn stands(&self, payout: PayoutId) -> Result<Stands, LedgerError>;
    /// Its row, shown to `judge`.
    fn planned_row<T>(
        &self,
        batch: BatchId,
        payout: PayoutId,
        judge: impl FnOnce(PlannedRow<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError>;
    /// When a top-up of it was last intended, or ended.
    fn last_send_at(&self, payout: PayoutId) -> Result<Option<UnixMs>, LedgerError>;
    /// Whether a decision of a kind was carried out on it after an event.
    fn was_decided_since(&self, payout: PayoutId, kind: ProposalKind, event: i64) -> Result<bool, LedgerError>;
    /// Replaces the state of a payout of an approved version if it is the one before; its points, or `None`: it was not.
    fn move_payout(
        &self,
        batch: BatchId,
        payout: PayoutId,
        states: (State, State),
        credited_at: Option<UnixMs>,
    ) -> Result<Option<u64>, LedgerError>;
    /// Gives it the number of its next attempt; the old one stays.
    fn mint(&self, payout: PayoutId, number: &InvoiceNo) -> Result<(), LedgerError>;

    // Of one batch.

    /// What it says of itself.
    fn batch(&self, batch: BatchId) -> Result<Batch, LedgerError>;
    /// Its rows and points by state.
    fn totals(&self, batch: BatchId) -> Result<Totals, LedgerError>;
    /// The largest payout that is planned or in doubt, in points; 0: there is none.
    fn largest_open(&self, batch: BatchId) -> Result<u64, LedgerError>;
    /// Its own events of these kinds, oldest first.
    fn batch_events(&self, batch: BatchId, kinds: &[&str]) -> Result<Vec<StoredWord>, LedgerError>;
    /// Everything about it that a person is shown, by name.
    fn facts(&self, batch: BatchId) -> Result<Map<String, Value>, LedgerError>;
    /// The end of its history, and what stands there for who is to add to it.
    fn chain_end(&self, batch: BatchId, actor: &str) -> Result<(Sha256, ActorId), LedgerError>;
    /// Adds an event to its history, by the actor whom the link names; the event's id.
    fn append(&self, batch: BatchId, link: &Link<'_>, actor: ActorId) -> Result<i64, LedgerError>;
    /// Its history ends here now.
    fn end_chain(&self, batch: BatchId, head: Sha256, event: Option<i64>) -> Result<(), LedgerError>;
    /// Moves its total of a state.
    fn move_total(&self, batch: BatchId, state: State, gained: Total, lost: Total) -> Result<(), LedgerError>;
    /// Up to this version its plan is approved.
    fn keep_approved(&self, batch: BatchId, version: u32) -> Result<(), LedgerError>;
    /// Up to which version the batch says that its plan is approved.
    fn approved_plan(&self, batch: BatchId) -> Result<u32, LedgerError>;
    /// Removes the rows that a version of its plan brought, their numbers, and what they came to.
    fn remove_version(&self, batch: BatchId, version: u32) -> Result<(), LedgerError>;
    /// Makes it again what these facts say, where they say something; without any, a batch of nothing.
    fn put_facts(&self, batch: BatchId, facts: Option<&Map<String, Value>>) -> Result<(), LedgerError>;

    // Beside other batches.

    /// Whether there is another one.
    fn has_other_batches(&self, batch: BatchId) -> Result<bool, LedgerError>;
    /// How many payouts wait.
    fn rows_from(&self, waiting: Waiting) -> Result<u64, LedgerError>;
    /// When the batch of a payout was planned first.
    fn planned_at(&self, payout: PayoutId) -> Result<UnixMs, LedgerError>;
    /// Another batch of the merchant that has the member and points of a payout: unfinished, or credited since a time.
    fn repeat_of(
        &self,
        payout: PayoutId,
        purge_key: Option<&Path>,
        since: UnixMs,
    ) -> Result<Option<Repeat>, LedgerError>;
    /// What other batches of the merchant have not finished of what waits.
    fn open_elsewhere(&self, waiting: Waiting, few: usize) -> Result<Repeated, LedgerError>;
    /// What other batches of the merchant credited since a time of what waits.
    fn credited_elsewhere(
        &self,
        waiting: Waiting,
        purge_key: Option<&Path>,
        since: UnixMs,
        few: usize,
    ) -> Result<Repeated, LedgerError>;

    // Of the ledger as a whole.

    /// Gateway, merchant and prefix to which it is bound; `None` until its first batch is planned.
    fn bound_to(&self) -> Result<Option<[String; 3]>, LedgerError>;
    /// Binds it.
    fn bind(&self, binding: &Binding) -> Result<(), LedgerError>;
    /// Whether a top-up was ever intended from a batch (`None`: from any), or the gateway found to know its numbers.
    fn is_touched(&self, batch: Option<BatchId>) -> Result<bool, LedgerError>;
    /// Whether a top-up was ever intended from a batch.
    fn is_intended(&self, batch: BatchId) -> Result<bool, LedgerError>;
    /// The end of its own history.
    fn ledger_head(&self) -> Result<Sha256, LedgerError>;
    /// Its own events of these kinds, oldest first.
    fn ledger_events(&self, kinds: &[&str]) -> Result<Vec<StoredLedgerEvent>, LedgerError>;
    /// The id of its newest own event; 0: there is none.
    fn last_ledger_event(&self) -> Result<i64, LedgerError>;
    /// Adds an event to its own history, which ends there now.
    fn append_ledger(&self, event: &StoredLedgerEvent, head: Sha256) -> Result<(), LedgerError>;
}
