//! Defines what planning asks of a database: statements for the rows of a file, for what a batch had before, and for what
//! it is bound to. None of them decides anything.

use super::error::LedgerError;
use super::outcome::FileColumn;
use super::record::{BatchId, Binding, NewPayout, Origin, PayoutId, Size, UnixMs};
use super::row_seal::{Sealed, receipt_json};
use super::settings::Settings;
use super::store::Store;
use super::views::{Earlier, MissingPayout};
use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::name::same_name;
use crate::domain::payout::{Row, TopUp};
use crate::domain::payout_status::State;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;

/// A payout that has the key of a row: what it sends, without the number, since a retried payout has another one by now.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: PayoutId,
    /// The version of the plan that brought it.
    pub(super) plan: u32,
    pub(super) row: u64,
    pub(super) state: State,
    pub(super) key: String,
    pub(super) member: Member,
    pub(super) points: u32,
    pub(super) send_sms: bool,
    /// As the ledger stores it.
    pub(super) receipt: Option<String>,
    pub(super) name: Option<String>,
}

impl Known {
    /// Whether it sends what a row asks for.
    pub(super) fn sends(&self, asked: &NewPayout<'_>) -> bool {
        self.member == asked.row.member
            && self.points == asked.row.points.value()
            && self.send_sms == asked.send_sms
            && self.receipt == asked.row.receipt.as_ref().map(receipt_json)
    }

    /// Whether the payer expects the same person behind the member.
    pub(super) fn has_name_of(&self, row: &Row) -> bool {
        match (self.name.as_deref(), row.name.as_deref()) {
            (None, None) => true,
            (Some(planned), Some(now)) => planned == now || same_name(planned, now),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// What a version of a plan makes of its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned<'a> {
    pub(super) version: u32,
    /// What the version adds.
    pub(super) new: Size,
    /// The rows that its file skips.
    pub(super) skipped_rows: u64,
    /// The seal of the whole plan.
    pub(super) seal: Sha256,
    /// What the person who planned it said to it.
    pub(super) consent: &'a str,
}

/// A database in a transaction in which a file is planned, or plans are bound elsewhere.
pub(super) trait PlanStore: Store {
    /// Refuses a ledger, or a batch of it, that somebody edited.
    fn check_before_plan(&self, batch: Option<BatchId>) -> Result<(), LedgerError>;

    // The plan.

    /// Adds a batch of nothing.
    fn add_batch(&self, name: &BatchName, binding: &Binding, origin: &Origin) -> Result<BatchId, LedgerError>;
    /// An id that no payout has: larger than any of the same batch.
    fn new_payout(&self) -> Result<PayoutId, LedgerError>;
    /// Adds a payout with its first number; false, and nothing is added, if the batch has its key.
    fn add_payout(
        &self,
        batch: BatchId,
        row: &Sealed<'_>,
        seal: Sha256,
        number: &InvoiceNo,
    ) -> Result<bool, LedgerError>;
    /// Whether this ledger ever minted the number.
    fn has_number(&self, number: &InvoiceNo) -> Result<bool, LedgerError>;
    /// The columns of the batch's files.
    fn columns(&self, batch: BatchId) -> Result<Vec<FileColumn>, LedgerError>;
    /// Keeps them.
    fn keep_columns(&self, batch: BatchId, columns: &[FileColumn]) -> Result<(), LedgerError>;
    /// Keeps the settings that the plan is sealed with.
    fn keep_settings(&self, batch: BatchId, settings: &Settings) -> Result<(), LedgerError>;
    /// Keeps a row that a version leaves out, and why.
    fn skip(
        &self,
        batch: BatchId,
        version: u32,
        row: u64,
        cells: &[(String, String)],
        reasons: &[String],
    ) -> Result<(), LedgerError>;
    /// Whether a version skips cells that the batch's newest plan does not skip.
    fn skips_others(&self, batch: BatchId, version: u32) -> Result<bool, LedgerError>;
    /// SHA-256 over the rows that the batch skipped, of all its plans.
    fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError>;
    /// What the version adds becomes part of the batch, its totals and its seal.
    fn keep_plan(&self, batch: BatchId, planned: &Planned<'_>) -> Result<(), LedgerError>;

    // Beside what the batch had before.

    /// Its payouts of versions before this one, behind one of them, in the order of the plan.
    fn known_after(
        &self,
        batch: BatchId,
        version: u32,
        after: PayoutId,
        rows_max: u32,
    ) -> Result<Vec<Known>, LedgerError>;
    /// Its payout of this key.
    fn known(&self, batch: BatchId, key: &str) -> Result<Option<Known>, LedgerError>;
    /// All that a payout sends, and when it was credited.
    fn in_full(&self, payout: PayoutId) -> Result<(TopUp, Option<UnixMs>), LedgerError>;
    /// Shows its payouts of versions before this one.
    fn each_before(&self, batch: BatchId, version: u32, show: impl FnMut(MissingPayout)) -> Result<(), LedgerError>;
    /// The row of a payout of this version that has the member and the points of another payout.
    fn row_like(&self, batch: BatchId, version: u32, other: PayoutId) -> Result<Option<u64>, LedgerError>;
    /// Another payout than this one that goes to the member of its row: of an earlier version; or of this one, where one of
    /// the two has no reference.
    fn other_of_member(
        &self,
        batch: BatchId,
        version: u32,
        payout: PayoutId,
        row: &Row,
    ) -> Result<Option<Earlier>, LedgerError>;
    /// Distinct members and the largest payout of a version, whose first payout this is.
    fn members_and_largest(&self, batch: BatchId, version: u32, first: PayoutId) -> Result<(u64, u64), LedgerError>;
    /// Shows each payout of the batch in the order of the row keys, with the name that its file says.
    fn in_key_order(&self, batch: BatchId, show: impl FnMut(&str, &TopUp, Option<&str>)) -> Result<(), LedgerError>;

    // Another binding.

    /// Binds a batch.
    fn bind_batch(&self, batch: BatchId, binding: &Binding) -> Result<(), LedgerError>;
    /// The next payouts of the batch behind one of them, in the order of the plan, with their keys; none: that was all.
    fn keys_after(&self, batch: BatchId, after: Option<PayoutId>) -> Result<Vec<(PayoutId, RowKey)>, LedgerError>;
    /// Gives a payout another number for its first attempt, and the number that it has in use where that is its first. Its
    /// old ones stay. Refused where the number is another payout's.
    fn renumber(&self, payout: PayoutId, number: &InvoiceNo) -> Result<(), LedgerError>;
    /// Replaces the seal of a batch's plan.
    fn seal_anew(&self, batch: BatchId, seal: Sha256) -> Result<(), LedgerError>;
}
