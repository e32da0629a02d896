//! Reads a provider's statement row by row, through the same layers as a payout file.
//!
//! A statement holds what others sent, too. Only the number of a row is read at first; the rest of it is judged when
//! the number turned out to concern us, so that another programme's rows never refuse the file.

use super::options::IntakeOptions;
use super::points::{self, Reading};
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{Cell, Record};
use super::refusal::{Refusal, refuse};
use super::statement_columns::{StatementColumn, StatementHeader, find_header, likely, status_of};
use super::table::{self, HeaderSearch, Rows, Table};
use super::{encoding, group_marks, phone, total};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::statement::{Line, LineStatus, ShownPhone};
use crate::domain::text::is_invisible;
use std::path::Path;

/// The most characters of a time that are kept: it is only shown.
const TIME_CHARS_MAX: usize = 40;

/// How a statement is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementOptions {
    /// The worksheet; the first visible one where nothing is said.
    pub sheet: Option<String>,
    /// Headers that are named by hand.
    pub columns: Vec<(StatementColumn, String)>,
    /// Words of the status column that are named by hand.
    pub statuses: Vec<(LineStatus, String)>,
    /// The mark that groups thousands, `.` or `,`, where the file does not tell.
    pub points_grouping: Option<char>,
    /// Whether hidden rows and columns count.
    pub include_hidden: bool,
}

/// A statement being read.
pub struct Statement {
    table: Table,
    rows: Rows,
    options: StatementOptions,
    header: StatementHeader,
    record: Record,
    reading: Option<Reading>,
    /// What a person should know of the file.
    pub warnings: Vec<String>,
}

/// One row of a statement.
pub struct StatementRow<'s> {
    statement: &'s Statement,
    /// The order's number; `None` where the cell is empty, or holds what no number of ours can be.
    pub number: Option<InvoiceNo>,
    /// The cell of the number is empty.
    pub is_without_number: bool,
}

impl Statement {
    /// Opens a statement, and finds its format and columns.
    ///
    /// # Errors
    /// The file cannot be read, or is refused as a whole.
    pub fn open(path: &Path, options: &StatementOptions) -> Result<Self, IntakeError> {
        let search = HeaderSearch {
            sheet: options.sheet.as_deref(),
            find: &|read| find_header(read, &options.columns),
            row: |header| header.row,
            // Nothing is paid from a statement: it may open on any sheet.
            may_open_elsewhere: |_| true,
        };
        let (table, header, problem) = table::open(path, &search)?;
        if let Some(problem) = problem {
            return Err(problem.into());
        }
        let mut warnings = table.sheet().map(|sheet| sheet.warnings.clone()).unwrap_or_default();
        if encoding::is_guessed(table.encoding()) {
            warnings.push(format!("the text was decoded as {}", table.encoding()));
        }
        for (column, without) in [
            (StatementColumn::Status, "every line counts as credited"),
            (StatementColumn::Phone, "phones are not compared"),
        ] {
            if header.of(column).is_none() {
                warnings.push(format!("the statement has no column {}: {without}", column.word()));
            }
        }
        let reading = options.points_grouping.map(Reading::Thousands);
        let statement = Self {
            rows: table.rows()?,
            table,
            options: options.clone(),
            header,
            record: Record::default(),
            reading,
            warnings,
        };
        statement.refuse_hidden_columns()?;
        Ok(statement)
    }

    fn refuse_hidden_columns(&self) -> Result<(), IntakeError> {
        let Some(sheet) = self.table.sheet() else { return Ok(()) };
        let is_hidden = |column: &StatementColumn| {
            let place = self.header.of(*column).and_then(|place| u32::try_from(place).ok());
            place.is_some_and(|place| sheet.hidden_columns.contains(&place))
        };
        let hidden: Vec<&str> = StatementColumn::ALL.into_iter().filter(is_hidden).map(StatementColumn::word).collect();
        if hidden.is_empty() || self.options.include_hidden {
            return Ok(());
        }
        let message = format!(
            "needs columns that can be seen, has hidden ones: {}; show them, or say `--include-hidden`",
            hidden.join(", ")
        );
        Err(IntakeError::file(ProblemKind::Hidden, message))
    }

    /// The next row with content; `None` at the end. A total's row is passed over.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    #[expect(clippy::should_implement_trait, reason = "a row borrows from the statement, and an error ends it")]
    pub fn next(&mut self) -> Result<Option<StatementRow<'_>>, IntakeError> {
        while self.rows.read(&mut self.record)? {
            if self.record.is_blank() || total::of(&self.record, &self.header.columns).is_some() {
                continue;
            }
            let points = self.header.of(StatementColumn::Points).map(|column| self.record.cell(column));
            if self.reading.is_none() && points.is_some_and(|cell| cell.text.contains(['.', ','])) {
                self.reading = Some(self.decide_reading()?);
            }
            let cell = self.header.of(StatementColumn::InvoiceNo).map(|column| self.record.cell(column).text);
            let is_around = |c: char| c == '\'' || c.is_whitespace() || is_invisible(c);
            let written = cell.unwrap_or_default().trim_matches(is_around);
            let number = InvoiceNo::parse(&written.to_ascii_uppercase());
            let is_without_number = written.is_empty();
            return Ok(Some(StatementRow { statement: self, number, is_without_number }));
        }
        Ok(None)
    }

    fn decide_reading(&self) -> Result<Reading, IntakeError> {
        group_marks::decide(self.table.rows()?, &self.header.columns, &IntakeOptions::default())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The file changed while it was read.
    pub fn finish(self) -> Result<(), IntakeError> {
        self.table.unchanged()
    }
}

impl StatementRow<'_> {
    /// The problem of a row with more cells than the header has: its number may stand in another column.
    #[must_use]
    pub fn shape(&self) -> Option<Problem> {
        let (record, width) = (&self.statement.record, self.statement.header.columns.headers.len());
        let beyond = (width..record.len()).find(|column| !record.cell(*column).text.trim().is_empty())?;
        let message = format!(
            "needs at most {width} cells, as in the header, has more; a separator inside a cell? put the cell in quotes"
        );
        let problem = Problem::of_row(record.row, ProblemKind::Shape, message);
        Some(problem.with_found(record.cell(beyond).text.trim()))
    }

    /// Judges the row of a number that concerns us.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn line(&self, number: InvoiceNo) -> Result<Line, Vec<Problem>> {
        let mut problems = Vec::new();
        let record = &self.statement.record;
        if record.hidden && !self.statement.options.include_hidden {
            let message =
                "needs rows that can be seen, has a hidden one (a filter?); show it, or say `--include-hidden`";
            problems.push(Problem::of_row(record.row, ProblemKind::Hidden, message));
        }
        let status = self.take(StatementColumn::Status, &mut problems, |cell| self.status(cell));
        // Without a column every line counts as credited; a status that cannot be read is a problem already.
        let status = status.unwrap_or(LineStatus::Credited);
        let phone = self.take(StatementColumn::Phone, &mut problems, shown_phone).flatten();
        let points = self.take(StatementColumn::Points, &mut problems, |cell| self.points(cell, status)).flatten();
        let time = self.statement.header.of(StatementColumn::Time).map(|column| record.cell(column).text.trim());
        let time = time.filter(|time| !time.is_empty()).map(|time| time.chars().take(TIME_CHARS_MAX).collect());
        let line = Line { row: record.row, number, phone, points, status, time };
        if problems.is_empty() { Ok(line) } else { Err(problems) }
    }

    fn take<T>(
        &self,
        column: StatementColumn,
        problems: &mut Vec<Problem>,
        read: impl Fn(Cell<'_>) -> Result<T, Refusal>,
    ) -> Option<T> {
        let cell = self.statement.record.cell(self.statement.header.of(column)?);
        read(cell)
            .map_err(|refusal| {
                let problem = Problem::of_row(self.statement.record.row, refusal.kind, refusal.message);
                problems.push(problem.in_column(column.word()).with_found(cell.text));
            })
            .ok()
    }

    fn status(&self, cell: Cell<'_>) -> Result<LineStatus, Refusal> {
        status_of(cell.text, &self.statement.options.statuses).ok_or_else(|| {
            let message = if cell.text.trim().is_empty() {
                "needs a status, has none; fill the cell".to_owned()
            } else {
                format!(
                    "needs a known status (S, success, thành công; E, failed, thất bại …), has another; say which of {} it \
                     means, as in `--status \"{}={}\"`",
                    LineStatus::ALL.map(LineStatus::word).join(", "),
                    likely(cell.text).word(),
                    cell.text.trim().chars().take(TIME_CHARS_MAX).collect::<String>()
                )
            };
            refuse(ProblemKind::CellText, message)
        })
    }

    /// What was credited has an amount; of another line it only has to be readable where it is compared: nowhere.
    fn points(&self, cell: Cell<'_>, status: LineStatus) -> Result<Option<u64>, Refusal> {
        let written = points::written(cell.text, cell.kind.number);
        let read = written.and_then(|written| points::read(written, self.statement.reading.unwrap_or(Reading::Open)));
        match (read, status) {
            (Ok((points, _)), _) => Ok(Some(points)),
            (Err(_), LineStatus::Failed | LineStatus::Open | LineStatus::Reversed) => Ok(None),
            (Err(refusal), LineStatus::Credited) => Err(refusal),
        }
    }
}

/// A phone, whole or with its middle hidden; an empty cell says nothing.
fn shown_phone(cell: Cell<'_>) -> Result<Option<ShownPhone>, Refusal> {
    if cell.text.trim().is_empty() {
        return Ok(None);
    }
    if let Some(masked) = ShownPhone::masked(cell.text.trim()) {
        return Ok(Some(masked));
    }
    phone::read(cell.text, cell.kind.number).map(|(phone, _)| Some(ShownPhone::Whole(phone)))
}
