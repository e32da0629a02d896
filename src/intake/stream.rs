//! Reads a file row by row: the streaming heart, the same for every format.

use super::closing::Closing;
use super::columns::Columns;
use super::file::{self, Stamp};
use super::group_marks;
use super::header::{self, Header};
use super::hidden::{self, HiddenRows};
use super::layout::TextLayout;
use super::offer::Offer;
use super::points::{self, Reading};
use super::problem::{IntakeError, Problem, ProblemKind, Repair, grouped};
use super::record::Record;
use super::row_parser::{self, Findings, ParsedRow, Rules};
use super::sheet::SheetRows;
use super::text_rows::TextRows;
use super::total::{self, Sum};
use super::warnings::Warnings;
use super::workbook;
use super::{Format, IntakeOptions, Tail};
use crate::domain::column_role::ColumnRole;
use crate::domain::payout::Row;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every item is a row; a box for each would be an allocation more")]
pub enum Item {
    /// A valid row, with what was repaired in it.
    Row(Row, Vec<Repair>),
    /// Everything that is wrong with one row.
    Problems(Vec<Problem>),
}

/// Every row of a file as it is, from the first on.
pub(crate) enum Raw {
    Text(TextRows),
    Sheet(SheetRows),
}

impl Raw {
    /// Reads the next row; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, IntakeError> {
        match self {
            Self::Text(rows) => rows.read(record),
            Self::Sheet(rows) => Ok(rows.read(record)),
        }
    }
}

/// How to come to the first row below the header again.
enum Source {
    Text(TextLayout),
    Sheet(SheetRows),
}

/// A file being read.
pub struct Intake {
    path: PathBuf,
    options: IntakeOptions,
    stamp: Stamp,
    source: Source,
    header: Header,
    format: Format,
    rows: Raw,
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
    let stamp = file::stamp(path)?;
    let head = file::head(path)?;
    let (source, rows, header, format, problem) = match file::contents(&head)? {
        None => open_text(path, &head, options)?,
        Some(container) => open_sheet(path, stamp.len, container, options)?,
    };
    let offer = Offer::of(&header.columns);
    let mut intake = Intake {
        path: path.to_owned(),
        options: options.clone(),
        stamp,
        source,
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

type Opened = (Source, Raw, Header, Format, Option<Problem>);

fn open_text(path: &Path, head: &[u8], options: &IntakeOptions) -> Result<Opened, IntakeError> {
    let (layout, header) = TextLayout::find(path, head, &|read| header::find_header(read, options))?;
    let rows = layout.rows_below(path, header.row)?;
    let format = format(layout.encoding.word(), Some(char::from(layout.delimiter)), None, &header);
    Ok((Source::Text(layout), Raw::Text(rows), header, format, None))
}

fn open_sheet(
    path: &Path,
    file_bytes: u64,
    container: workbook::Container,
    options: &IntakeOptions,
) -> Result<Opened, IntakeError> {
    let find = |read: &mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>| {
        let columns = header::find_header(read, options)?.columns;
        // Our own result files open on their summary.
        Ok(!columns.kept("batch").is_empty() && !columns.kept("invoice_no").is_empty())
    };
    let wanted = workbook::Wanted { sheet: options.sheet.as_deref(), find: &find };
    let (word, (sheet, problem)) = workbook::read(path, file_bytes, container, wanted)?;
    let name = sheet.name.clone();
    let mut rows = SheetRows::new(Arc::new(sheet));
    let mut looked = rows.clone();
    let header = match (header::find_header(|record| Ok(looked.read(record)), options), problem.clone()) {
        (Ok(header), _) => header,
        // What is wrong with a sheet that may not be meant can wait.
        (Err(_), Some(problem)) => return Err(problem.into()),
        (Err(error), None) => return Err(error),
    };
    let mut record = Record::default();
    while record.row < header.row && rows.read(&mut record) {}
    let format = format(word, None, Some(name), &header);
    Ok((Source::Sheet(rows.clone()), Raw::Sheet(rows), header, format, problem))
}

fn format(encoding: &'static str, delimiter: Option<char>, sheet: Option<String>, header: &Header) -> Format {
    Format {
        encoding,
        delimiter,
        sheet,
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
    pub(crate) fn raw(&self) -> Result<Raw, IntakeError> {
        Ok(match &self.source {
            Source::Text(layout) => Raw::Text(layout.rows_below(&self.path, 0)?),
            Source::Sheet(rows) => Raw::Sheet(rows.again()),
        })
    }

    /// The columns of a sheet that nobody sees.
    pub(crate) fn hidden_columns(&self) -> Vec<u16> {
        match &self.source {
            Source::Text(_) => Vec::new(),
            Source::Sheet(rows) => {
                rows.sheet().hidden_columns.iter().filter_map(|column| u16::try_from(*column).ok()).collect()
            }
        }
    }

    /// The same file from its beginning, read in the same way.
    ///
    /// # Errors
    /// The file cannot be read any more, or is refused as a whole by now.
    pub fn again(&self) -> Result<Self, IntakeError> {
        open(&self.path, &self.options)
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
        let columns = &self.header.columns;
        match &self.source {
            Source::Text(layout) => {
                let mut rows = layout.rows_below(&self.path, self.header.row)?;
                group_marks::decide(|record| rows.read(record), columns, &self.options)
            }
            Source::Sheet(rows) => {
                let mut rows = rows.clone();
                group_marks::decide(|record| Ok(rows.read(record)), columns, &self.options)
            }
        }
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
        let Source::Sheet(rows) = &self.source else { return };
        let (sheet, columns, tail) = (rows.sheet(), &self.header.columns, &mut self.tail);
        tail.warnings.extend(sheet.warnings.iter().cloned());
        hidden::columns(sheet, columns, &self.options, &mut tail.problems, &mut tail.warnings);
    }

    /// What the file gave as a whole, after the last row.
    ///
    /// # Errors
    /// The file changed while it was read.
    pub fn finish(mut self) -> Result<Tail, IntakeError> {
        self.judge_total()?;
        file::same(&self.path, &self.stamp)?;
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

    /// Holds the closing total against the rows: those that are seen, or else all of them, as a sum in a filtered sheet
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
