//! A spreadsheet to typed rows or row problems, streaming.
//!
//! Intake repairs only what has one reading, shows every repair, and refuses the rest with the row, the column, what
//! was expected, what was found and how to fix it. It does not decide what is paid.
//!
//! Architecture invariant: memory does not grow with the rows of a text file; nothing is kept of a row once it is
//! given out.

mod cells;
mod columns;
mod decode;
mod duplicates;
mod file;
mod judge;
mod layout;
mod meaning;
mod phone;
mod points;
mod problem;
mod record;
mod text_rows;
mod total;

pub use duplicates::{Duplicates, Suspects};
pub use meaning::Meaning;
pub use problem::{IntakeError, Problem, ProblemKind, Repair, RepairKind};

use crate::domain::payout::Row;
use judge::Findings;
use layout::TextLayout;
use points::Reading;
use record::Record;
use std::path::{Path, PathBuf};
use text_rows::TextRows;
use total::{Sum, TotalRow};

/// How a file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeOptions {
    /// The worksheet; the first visible one where nothing is said.
    pub sheet: Option<String>,
    /// Headers that are named by hand.
    pub columns: Vec<(Meaning, String)>,
    /// The mark that groups thousands, `.` or `,`, where the file does not tell.
    pub points_grouping: Option<char>,
    /// Whether hidden rows and columns count.
    pub include_hidden: bool,
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
    pub columns: Vec<(Meaning, String)>,
    /// Every header as written, in the file's order.
    pub headers: Vec<String>,
    /// The column by which a retry file names its batch.
    pub batch_column: Option<String>,
    /// The column by which a retry file names its payouts.
    pub invoice_no_column: Option<String>,
}

/// What one row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A valid row, with what was repaired in it.
    Row(Row, Vec<Repair>),
    /// Everything that is wrong with one row.
    Problems(Vec<Problem>),
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
    /// What is wrong with the file as a whole; such a problem can never be skipped.
    pub problems: Vec<Problem>,
    /// What a person should know and that refuses nothing.
    pub warnings: Vec<String>,
}

/// A file being read.
pub struct Intake {
    path: PathBuf,
    options: IntakeOptions,
    stamp: file::Stamp,
    layout: TextLayout,
    format: Format,
    rows: TextRows,
    record: Record,
    findings: Findings,
    reading: Reading,
    total: Option<TotalRow>,
    /// Whether `record` holds a row that is read and not yet judged.
    waiting: bool,
    sum: Sum,
    tail: Tail,
    without_reference: u64,
}

/// Opens a file, and finds its format and columns.
///
/// # Errors
/// The file cannot be read, or is refused as a whole.
pub fn open(path: &Path, options: &IntakeOptions) -> Result<Intake, IntakeError> {
    let stamp = file::stamp(path)?;
    let head = file::head(path)?;
    let layout = TextLayout::find(path, &head, options)?;
    let format = Format {
        encoding: layout.encoding.word(),
        delimiter: Some(char::from(layout.delimiter)),
        sheet: None,
        header_row: layout.header_row,
        columns: layout.columns.named(),
        headers: layout.columns.headers.clone(),
        batch_column: layout.columns.kept("batch"),
        invoice_no_column: layout.columns.kept("invoice_no"),
    };
    Ok(Intake {
        path: path.to_owned(),
        options: options.clone(),
        stamp,
        rows: layout.rows(path)?,
        layout,
        format,
        record: Record::default(),
        findings: Findings::default(),
        reading: options.points_grouping.map_or(Reading::Open, Reading::Thousands),
        total: None,
        waiting: false,
        sum: Sum::default(),
        tail: Tail::default(),
        without_reference: 0,
    })
}

impl Intake {
    /// How the file is laid out.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The next row or its problems; `None` at the end.
    ///
    /// # Errors
    /// The rest of the file cannot be read: what came before stays valid, and no row of the file may be paid.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Item>, IntakeError> {
        if !self.advance()? {
            return Ok(None);
        }
        let columns = &self.layout.columns;
        match judge::judge(&self.record, columns, self.reading, &mut self.findings) {
            Some(judged) => {
                let row = judged.to_row(columns, &self.record);
                self.sum.add(self.findings.points);
                self.without_reference += u64::from(row.reference.is_none());
                Ok(Some(Item::Row(row, std::mem::take(&mut self.findings.repairs))))
            }
            None => {
                self.sum.add(self.findings.points);
                Ok(Some(Item::Problems(std::mem::take(&mut self.findings.problems))))
            }
        }
    }

    /// Reads on to the next row with content; total rows are set aside.
    fn advance(&mut self) -> Result<bool, IntakeError> {
        loop {
            if !self.waiting && !self.rows.read(&mut self.record)? {
                return Ok(false);
            }
            self.waiting = false;
            if self.record.is_blank() {
                continue;
            }
            if let Some(total) = self.total.take() {
                self.tail.problems.push(total.not_last(self.record.row));
            }
            if let Some(total) = total::of(&self.record, &self.layout.columns) {
                self.total = Some(total);
                continue;
            }
            self.tail.rows += 1;
            return Ok(true);
        }
    }

    /// What the file gave as a whole, after the last row.
    ///
    /// # Errors
    /// The file changed while it was read.
    pub fn finish(mut self) -> Result<Tail, IntakeError> {
        file::same(&self.path, &self.stamp)?;
        self.tail.points = self.sum.points;
        if let Some(total) = &self.total {
            match total.judged(self.reading, self.sum) {
                Ok(points) => self.tail.control_total = Some((total.row, points)),
                Err(problem) => self.tail.problems.push(problem),
            }
        }
        if let Some(expected) = self.options.expect_total
            && expected != self.sum.points
        {
            let message = format!("needs {expected} points in all (`--expect-total`), has {}", self.sum.points);
            self.tail.problems.push(Problem::of_file(ProblemKind::ExpectedTotal, message));
        }
        if self.tail.rows == 0 {
            let message = "needs rows below the header, has none; export the file again";
            self.tail.problems.push(Problem::of_file(ProblemKind::Empty, message));
        }
        let has_references = self.format.columns.iter().any(|(meaning, _)| *meaning == Meaning::Reference);
        if has_references && self.without_reference > 0 {
            let rows = self.without_reference;
            self.tail.warnings.push(format!("{rows} rows have no reference: the member is their row key"));
        }
        Ok(self.tail)
    }
}

#[cfg(test)]
mod tests;
