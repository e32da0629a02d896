//! Defines what those ask of a database who look at a ledger: reports, checks, people who decide. It is only read here,
//! but for a statement's lines, which are held beside it.

use super::audit::Audit;
use super::error::LedgerError;
use super::outcome::{Outcome, TimedCall};
use super::record::{Batch, BatchId, Payout, PayoutId, Size, UnixMs};
use super::store::Store;
use super::views::{BatchDetails, Checkup, Found, InDoubt, LastRun, LedgerEntry, Personal, Purgeable, Skipped};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::statement::Line;

/// A database that is looked at, at one moment.
pub(super) trait ReadStore: Store {
    // Batches.

    /// All of them, oldest first.
    fn batches(&self) -> Result<Vec<Batch>, LedgerError>;
    /// The one of this name.
    fn batch_named(&self, name: &str) -> Result<Option<Batch>, LedgerError>;
    /// Whether it has any payout.
    fn has_payouts(&self, batch: BatchId) -> Result<bool, LedgerError>;
    /// Planned payouts of versions behind the one that may be paid.
    fn unapproved(&self, batch: BatchId, payable: u32) -> Result<Size, LedgerError>;
    /// Its newest run whose beginning begins so.
    fn last_run(&self, batch: BatchId, begins: &str) -> Result<Option<LastRun>, LedgerError>;
    /// Why payouts were not paid, since when others are in doubt, how fast a run goes; bounded, whatever its size.
    fn batch_details(&self, batch: BatchId, now: UnixMs, running: bool) -> Result<BatchDetails, LedgerError>;
    /// Holds it against its own history.
    fn audit(&self, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError>;

    // Payouts of one batch, in the order of the plan.

    /// The next ones in a state, up to a version of the plan.
    fn payouts_after(
        &self,
        batch: BatchId,
        state: (State, u32),
        after: Option<PayoutId>,
        rows_max: usize,
    ) -> Result<Vec<Payout>, LedgerError>;
    /// The first credited ones from one on; it does not look far.
    fn credited_from(&self, batch: BatchId, first: PayoutId, rows_max: usize) -> Result<Vec<Payout>, LedgerError>;
    /// The first ones in doubt, each with what became of its sends.
    fn in_doubt(&self, batch: BatchId, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError>;
    /// All in a state.
    fn in_state(&self, batch: BatchId, state: State) -> Result<Vec<PayoutId>, LedgerError>;
    /// One of them.
    fn payout(&self, payout: PayoutId) -> Result<Payout, LedgerError>;
    /// The one that a person names by its reference or an invoice_no.
    fn named(&self, batch: BatchId, text: &str) -> Result<Option<PayoutId>, LedgerError>;
    /// The name that the file says, and the one that the gateway gave last.
    fn names(&self, payout: PayoutId) -> Result<(Option<String>, Option<String>), LedgerError>;
    /// Every number that may have been sent, and whether it is the one in use.
    fn verifiable_numbers(&self, batch: &Batch) -> Result<Vec<(PayoutId, InvoiceNo, bool)>, LedgerError>;
    /// Shows what each sends and its state.
    fn each_state(&self, batch: BatchId, show: impl FnMut(&TopUp, State)) -> Result<(), LedgerError>;
    /// Shows those in some states as they came out, and what decided it.
    fn each_outcome<E: From<LedgerError>>(
        &self,
        batch: BatchId,
        states: &[State],
        show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E>;
    /// Header and text of the cells that are only kept, of the first payout that has any.
    fn first_extra(&self, batch: BatchId) -> Result<Vec<(String, String)>, LedgerError>;
    /// Shows every call with an end, and every credit, in the order of the history.
    fn each_call(&self, batch: BatchId, show: impl FnMut(TimedCall)) -> Result<(), LedgerError>;
    /// Shows the rows that its newest plan skipped, in the order of the file, at most so many.
    fn each_skipped<E: From<LedgerError>>(
        &self,
        batch: &Batch,
        at_most: u64,
        show: impl FnMut(&Skipped) -> Result<(), E>,
    ) -> Result<(), E>;

    // A statement beside one batch.

    /// Makes room for its lines, which goes with the moment.
    fn hold_lines(&self) -> Result<(), LedgerError>;
    /// Holds a line, of a payout or of nobody.
    fn hold_line(&self, line: &Line, payout: Option<PayoutId>) -> Result<(), LedgerError>;
    /// Whose a number is: payout, batch and its name.
    fn owner(&self, number: &InvoiceNo) -> Result<Option<(PayoutId, BatchId, String)>, LedgerError>;
    /// Shows each payout once for each of its lines, in the order of the plan; once, where it has none.
    fn each_held(
        &self,
        batch: BatchId,
        show: impl FnMut(PayoutId, LedgerEntry, Option<Line>),
    ) -> Result<(), LedgerError>;
    /// Shows the lines of nobody, number by number.
    fn each_stranger(&self, show: impl FnMut(Line)) -> Result<(), LedgerError>;

    // All batches.

    /// When the last run ended, if it did so on its own: what people decided and planned after it sent nothing. Where runs
    /// go on beside each other, all of them have to have ended.
    fn last_run_ended_at(&self) -> Result<Option<UnixMs>, LedgerError>;
    /// Whether no run ever began.
    fn is_unused(&self) -> Result<bool, LedgerError>;
    /// Payouts that a person looks for, newest batch first.
    fn find(&self, text: &str) -> Result<Vec<Found>, LedgerError>;
    /// How the database itself is.
    fn checkup(&self) -> Result<Checkup, LedgerError>;

    // Purges.

    /// What tells the key of each purge from another.
    fn purge_checks(&self) -> Result<Vec<[u8; 32]>, LedgerError>;
    /// Every batch, with what decides whether it may be purged.
    fn purgeable(&self) -> Result<Vec<Purgeable>, LedgerError>;
    /// How much there is to remove from a batch.
    fn personal(&self, batch: BatchId) -> Result<Personal, LedgerError>;
    /// Whether what is left of a purged batch is what its purge left; `None`: it was not purged.
    fn is_purge_sealed(&self, batch: &Batch) -> Result<Option<bool>, LedgerError>;
}
