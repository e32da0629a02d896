//! Defines one payout: the row it came from, its key across edits, and the top-up it asks for.

use super::invoice_no::InvoiceNo;
use super::member::Member;
use super::points::Points;
use super::privacy::hide_numbers;
use super::receipt::Receipt;

/// One valid row of a payout file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row number in the spreadsheet; the header is row 1.
    pub row: u64,
    /// The payer's own key of the row, unique in the batch.
    pub reference: Option<String>,
    /// Who receives the points.
    pub member: Member,
    /// How many.
    pub points: Points,
    /// The name that the payer expects behind the member.
    pub name: Option<String>,
    /// Whether the member gets a message; the batch's setting where the row says nothing.
    pub send_sms: Option<bool>,
    /// The receipt that is issued, if any.
    pub receipt: Option<Receipt>,
    /// The user's other columns, header and cell, kept for the result file.
    pub extra: Vec<(String, String)>,
}

/// What makes a row the same row when the file comes again: sorted otherwise, extended, saved in another format.
///
/// Never the row number, the file's bytes, the time or the points: a row whose points changed must keep its key,
/// so that the change is caught instead of paid on top.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(String);

impl RowKey {
    /// The payer's own reference.
    #[must_use]
    pub fn reference(reference: &str) -> Self {
        Self(["ref:", reference].concat())
    }

    /// The n-th row of a member (from 1) among the valid rows of the file.
    #[must_use]
    pub fn member(member: &Member, occurrence: u32) -> Self {
        Self(format!("member:{}:{occurrence}", member.key()))
    }

    /// Reads back what the ledger holds.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as the ledger holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The payer's own reference, where the key is one.
    #[must_use]
    pub fn as_reference(&self) -> Option<&str> {
        self.0.strip_prefix("ref:")
    }
}

impl std::fmt::Debug for RowKey {
    /// A key by member holds a whole phone number, so only references are shown, and one of them may be a phone, too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_reference().map_or_else(|| "member:***".into(), |_| hide_numbers(&self.0)))
    }
}

/// Everything of a payout that is sent: what a later file may not change silently, and what an intent makes durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// The merchant's own number of this order (VinID top-up API, field `invoice_no`).
    pub invoice_no: InvoiceNo,
    /// Who receives the points.
    pub member: Member,
    /// How many.
    pub points: Points,
    /// Whether the member gets a message (field `send_sms`).
    pub send_sms: bool,
    /// The receipt that is issued, if any (fields `send_receipt`, `receipt_info`).
    pub receipt: Option<Receipt>,
}
