//! A spreadsheet to typed rows or row problems, streaming.
//!
//! Intake repairs only what has one reading, shows every repair, and refuses the rest with the row, the column, what
//! was expected, what was found and how to fix it. It does not decide what is paid.
//!
//! Architecture invariant: memory does not grow with the rows of a text file; nothing is kept of a row once it is
//! given out.

mod archive;
mod cells;
mod check;
mod choice;
mod closing;
mod column_headers;
mod columns;
mod compound;
mod dates;
mod decode;
mod duplicates;
mod encoding;
mod file;
mod group_marks;
mod header;
mod hidden;
mod layout;
mod lookalike;
mod marked;
mod masked;
mod number_format;
mod oddity;
mod ods;
mod offer;
mod phone;
mod points;
mod problem;
mod protected;
mod qualified;
mod record;
mod report;
mod row_parser;
mod row_shape;
mod sheet;
mod statement;
mod statement_columns;
mod stream;
mod template;
mod text_rows;
mod total;
mod warnings;
mod workbook;
mod xls;
mod xlsx;

use crate::domain::column_role::ColumnRole;
pub use check::{CheckReport, LISTED_MAX, check};
pub use duplicates::{Duplicates, Shared, Suspects};
pub use marked::{MarkedError, write_marked};
pub(crate) use masked::hidden_cell;
pub(crate) use problem::counted;
pub use problem::{IntakeError, Problem, ProblemKind, Repair, RepairKind};
pub use report::report_text;
pub use statement::{Statement, StatementOptions, StatementRow};
pub use statement_columns::StatementColumn;
pub use stream::{Intake, Item, open};
pub use template::{TemplateLang, template_csv, template_xlsx};

/// How a file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeOptions {
    /// The worksheet; the first visible one where nothing is said.
    pub sheet: Option<String>,
    /// Headers that are named by hand.
    pub columns: Vec<(ColumnRole, String)>,
    /// The mark that groups thousands, `.` or `,`, where the file does not tell.
    pub points_grouping: Option<char>,
    /// Whether hidden rows and columns count.
    pub include_hidden: bool,
    /// Whether hidden rows are left out, so that only what is seen is paid.
    pub visible_only: bool,
    /// The sum of the points as the payer knows it.
    pub expect_total: Option<u64>,
    /// Whether one member may be there twice without references; only [`Duplicates`]' user asks.
    pub allow_repeat_phones: bool,
}

/// How the file turned out to be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The encoding of a text file, or else `xlsx`, `xls`, `ods`.
    pub encoding: &'static str,
    /// The separator of a text file.
    pub delimiter: Option<char>,
    /// The worksheet.
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

#[cfg(test)]
mod tests;
