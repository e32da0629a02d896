//! Reads a file row by row: the streaming heart, the same for every format.

use super::closing::Closing;
use super::columns::Columns;
use super::format::{Format, Tail};
use super::group_marks;
use super::header::{self, Header};
use super::hidden::{self, HiddenRows};
use super::offer::Offer;
use super::options::IntakeOptions;
use super::points::{self, Reading};
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::Record;
use super::repair::Repair;
use super::row_parser::{self, Findings, ParsedRow, Rules};
use super::table::{self, HeaderSearch, Rows, Table};
use super::total::{self, Sum};
use super::warnings::Warnings;
use crate::domain::column_role::ColumnRole;
use crate::domain::payout::Row;
use crate::domain::text::grouped;
use std::path::Path;

/// What one row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every item is a row; a box for each would be an allocation more")]
pub enum Item {
    /// A valid row, with what was repaired in it.
    Row(Row, Vec<Repair>),
    /// Everything that is wrong with one row.
    Problems(Vec<Problem>),
}

/// A file being read.
pub struct Intake {
    table: Table,
    options: IntakeOptions,
    header: Header,
    format: Format,
    rows: Rows,
    record: Record,
    findings: Findings,
    /// How the points column writes thousands; unknown until a cell asks.
    reading: Option<Reading>,
    closing: Closing,
    sum: Sum,
    hidden: HiddenRows,
    seen: Warnings,
    offer: Offer,
    tail: Tail,
}

/// What a row gave, still borrowed.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack for one row, and boxes would be what it avoids")]
pub(crate) enum Step<'i> {
    Row(ParsedRow<'i>, &'i mut Vec<Repair>, Place<'i>),
    Problems(&'i mut Vec<Problem>),
}

/// Where a judged row came from.
#[derive(Clone, Copy)]
pub(crate) struct Place<'i> {
    record: &'i Record,
    columns: &'i Columns,
}

/// Opens a file, and finds its format and columns.
///
/// # Errors
/// The file cannot be read, or is refused as a whole.
pub fn open(path: &Path, options: &IntakeOptions) -> Result<Intake, IntakeError> {
    if let Some(mark) = options.points_grouping.filter(|mark| !matches!(mark, '.' | ',')) {
        let message = format!("needs `.` or `,` as `--points-grouping`, has «{mark}»");
        return Err(IntakeError::file(ProblemKind::Columns, message));
    }
    let search = HeaderSearch {
        sheet: options.sheet.as_deref(),
        find: &|read| header::find_header(read, options),
        row: |header| header.row,
        // Our own result files open on their summary.
        may_open_elsewhere: |header| {
            !header.columns.kept("batch").is_empty() && !header.columns.kept("invoice_no").is_empty()
        },
    };
    let (table, header, problem) = table::open(path, &search)?;
    let (rows, format) = (table.rows()?, format(&table, &header));
    let offer = Offer::of(&header.columns);
    let mut intake = Intake {
        table,
        options: options.clone(),
        header,
        format,
        rows,
        record: Record::default(),
        findings: Findings::default(),
        reading: options.points_grouping.map(Reading::Thousands),
        closing: Closing::default(),
        sum: Sum::default(),
        hidden: HiddenRows::default(),
        seen: Warnings::default(),
        offer,
        tail: Tail::default(),
    };
    intake.tail.problems.extend(problem);
    intake.judge_sheet();
    Ok(intake)
}

fn format(table: &Table, header: &Header) -> Format {
    Format {
        encoding: table.encoding(),
        delimiter: table.delimiter(),
        sheet: table.sheet().map(|sheet| sheet.name.clone()),
        header_row: header.row,
        columns: header.columns.named(),
        headers: header.columns.headers.clone(),
        batch_columns: header.columns.kept("batch"),
        invoice_no_columns: header.columns.kept("invoice_no"),
    }
}

impl Intake {
    /// How the file is laid out.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// What the columns mean.
    pub(crate) fn columns(&self) -> &Columns {
        &self.header.columns
    }

    /// Every row of the file as it is, those above the header too.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The same file from its beginning, read in the same way.
    ///
    /// # Errors
    /// The file cannot be read any more, or is refused as a whole by now.
    pub fn again(&self) -> Result<Self, IntakeError> {
        open(self.table.path(), &self.options)
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
        Ok(Some(match self.judge() {
            Step::Row(judged, repairs, place) => {
                Item::Row(judged.to_row(place.columns, place.record), std::mem::take(repairs))
            }
            Step::Problems(problems) => Item::Problems(std::mem::take(problems)),
        }))
    }

    /// Header and text of each cell of the row that was given out last, as they were read.
    #[must_use]
    pub fn cells(&self) -> Vec<(String, String)> {
        let header = |column: usize| self.header.columns.headers.get(column).cloned().unwrap_or_default();
        let cells = self.record.cells().enumerate();
        cells.map(|(column, cell)| (header(column), cell.text.to_owned())).collect()
    }

    /// Reads on to the next row with content and judges it; nothing at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step<'_>>, IntakeError> {
        if self.advance()? { Ok(Some(self.judge())) } else { Ok(None) }
    }

    /// Reads on to the next row with content; a total, a footer and hidden rows are set aside.
    fn advance(&mut self) -> Result<bool, IntakeError> {
        while self.rows.read(&mut self.record)? {
            if self.record.is_blank() || self.closing.takes(&self.record, &self.header.columns, &mut self.tail.problems)
            {
                continue;
            }
            let points = self.header.columns.of(ColumnRole::Points).map(|column| self.record.cell(column));
            if self.reading.is_none() && points.is_some_and(|cell| cell.text.contains(['.', ','])) {
                self.reading = Some(self.decide_reading()?);
            }
            if self.record.hidden {
                self.hidden.note(&self.record);
                if !self.options.include_hidden {
                    self.leave_out();
                    continue;
                }
            }
            self.tail.rows += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Counts the points of a hidden row, which a total may count, and nothing else of it.
    fn leave_out(&mut self) {
        let Some(column) = self.header.columns.of(ColumnRole::Points) else { return };
        let cell = self.record.cell(column);
        let written = points::written(cell.text, cell.kind.number);
        let read = written.and_then(|written| points::read(written, self.reading.unwrap_or(Reading::Open)));
        self.hidden.sum.add(read.ok().map(|(points, _)| points));
    }

    fn decide_reading(&self) -> Result<Reading, IntakeError> {
        group_marks::decide(self.table.rows()?, &self.header.columns, &self.options)
    }

    /// Judges the row that was read last.
    fn judge(&mut self) -> Step<'_> {
        let rules = Rules {
            columns: &self.header.columns,
            reading: self.reading.unwrap_or(Reading::Open),
            delimiter: self.format.delimiter,
        };
        let judged = row_parser::parse(&self.record, rules, &mut self.findings);
        self.sum.add(self.findings.points);
        self.seen.note(&self.record, &self.header.columns, &self.findings, self.format.encoding);
        self.offer.note(&self.record);
        match judged {
            Some(judged) => {
                self.seen.without_reference += u64::from(judged.reference.is_none());
                let place = Place { record: &self.record, columns: &self.header.columns };
                Step::Row(judged, &mut self.findings.repairs, place)
            }
            None => {
                total::advise(&self.record, &self.header.columns, &mut self.findings.problems);
                Step::Problems(&mut self.findings.problems)
            }
        }
    }

    /// Says what can be said of a worksheet before its rows.
    fn judge_sheet(&mut self) {
        let Some(sheet) = self.table.sheet() else { return };
        let (columns, tail) = (&self.header.columns, &mut self.tail);
        tail.warnings.extend(sheet.warnings.iter().cloned());
        hidden::columns(sheet, columns, &self.options, &mut tail.problems, &mut tail.warnings);
    }

    /// What the file gave as a whole, after the last row.
    ///
    /// # Errors
    /// The file changed while it was read.
    pub fn finish(mut self) -> Result<Tail, IntakeError> {
        self.judge_total()?;
        self.table.unchanged()?;
        self.tail.points = self.sum.points;
        let with_hidden = self.sum.and(self.hidden.sum).points;
        let fits =
            |expected: u64| expected == self.sum.points || (!self.options.visible_only && expected == with_hidden);
        if let Some(expected) = self.options.expect_total.filter(|expected| !fits(*expected)) {
            let message = format!(
                "needs {} points in all (`--expect-total`), has {}; is this the right file?",
                grouped(expected),
                grouped(self.sum.points)
            );
            self.tail.problems.push(Problem::of_file(ProblemKind::ExpectedTotal, message));
        }
        if self.tail.rows == 0 {
            let message = if self.hidden.rows.is_empty() {
                "needs rows below the header, has none; export the file again"
            } else {
                "needs rows below the header that can be seen, has only hidden ones; show what is to be paid"
            };
            self.tail.problems.push(Problem::of_file(ProblemKind::Empty, message));
        }
        self.hidden.judged(&self.options, &mut self.tail.problems, &mut self.tail.warnings);
        self.tail.warnings.extend(self.closing.warning());
        (self.tail.hidden_rows, self.tail.footer_rows) = (self.hidden.rows, self.closing.footer);
        self.seen.warn(&self.format, &mut self.tail.warnings);
        self.tail.warnings.extend(self.offer.words(&self.header.columns));
        Ok(self.tail)
    }

    /// Compares the closing total with the rows: those that are seen, or else all of them, as a sum in a filtered sheet
    /// may be either.
    fn judge_total(&mut self) -> Result<(), IntakeError> {
        let Some(total) = self.closing.total.take() else { return Ok(()) };
        if self.reading.is_none() && total.cell.contains(['.', ',']) {
            self.reading = Some(self.decide_reading()?);
        }
        let reading = self.reading.unwrap_or(Reading::Open);
        let judged = total.judged(reading, self.sum);
        let with_hidden = || total.judged(reading, self.sum.and(self.hidden.sum)).ok();
        match judged {
            Ok(points) => self.tail.control_total = Some((total.row, points)),
            Err(problem) => match with_hidden() {
                Some(points) => {
                    self.tail.control_total = Some((total.row, points));
                    self.tail.warnings.push(format!("the total in row {} counts the hidden rows too", total.row));
                }
                None => self.tail.problems.push(problem),
            },
        }
        Ok(())
    }
}
