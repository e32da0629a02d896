//! Defines one payout: the row it came from, its key across edits, and the top-up it asks for.

use super::invoice_no::InvoiceNo;
use super::member::Member;
use super::points::Points;
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
    /// How many points the member gets.
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

/// Everything of a payout that is sent: what a later file may not change silently, and what an intent makes durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// The merchant's own number of this order (VinID top-up API, field `invoice_no`).
    pub invoice_no: InvoiceNo,
    /// Who receives the points.
    pub member: Member,
    /// How many points the member gets.
    pub points: Points,
    /// Whether the member gets a message (field `send_sms`).
    pub send_sms: bool,
    /// The receipt that is issued, if any (fields `send_receipt`, `receipt_info`).
    pub receipt: Option<Receipt>,
}
