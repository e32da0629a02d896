//! What a file turns out to be: its layout, known before its rows, and its sums, known after them.

use super::problem::Problem;
use crate::domain::column_role::ColumnRole;

/// How the file turned out to be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The encoding of a text file, or else `xlsx`, `xls`, `ods`.
    pub encoding: &'static str,
    /// The separator of a text file.
    pub delimiter: Option<char>,
    /// The name of the worksheet that is read; none of a text.
    pub sheet: Option<String>,
    /// The spreadsheet's own number of the header row.
    pub header_row: u64,
    /// What the columns mean, with their headers as written.
    pub columns: Vec<(ColumnRole, String)>,
    /// Every header as written, in the file's order.
    pub headers: Vec<String>,
    /// The columns by one of which a result file names its batch; the user's own may be called alike.
    pub batch_columns: Vec<String>,
    /// The columns by one of which a result file names its payouts.
    pub invoice_no_columns: Vec<String>,
}

/// What the file gave as a whole, known after its last row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The rows with content, without header and total.
    pub rows: u64,
    /// The sum of all points that can be read, those of refused rows too.
    pub points: u64,
    /// The closing total that equals the sum: its row and its points.
    pub control_total: Option<(u64, u64)>,
    /// The rows of the footer behind the list, which hold no payout.
    pub footer_rows: Vec<u64>,
    /// The hidden rows that hold anything, by their own numbers.
    pub hidden_rows: Vec<u64>,
    /// What is wrong with the file as a whole; such a problem can never be skipped.
    pub problems: Vec<Problem>,
    /// What a person should know and that refuses nothing.
    pub warnings: Vec<String>,
}
