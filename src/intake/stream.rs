//! Reads a file row by row: the streaming heart, the same for every format.

use super::columns::Columns;
use super::file::{self, Stamp};
use super::judge::{self, Findings, Judged, Rules};
use super::layout::{self, Header, TextLayout};
use super::points::Reading;
use super::problem::{IntakeError, Problem, ProblemKind, Repair, grouped};
use super::reading;
use super::record::Record;
use super::seen::Seen;
use super::sheet::SheetRows;
use super::text_rows::TextRows;
use super::total::{self, Sum, TotalRow};
use super::workbook;
use super::{Format, IntakeOptions, Meaning, Tail};
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

/// Where rows come from.
enum Rows {
    Text(TextRows),
    Sheet(SheetRows),
}

impl Rows {
    fn read(&mut self, record: &mut Record) -> Result<bool, IntakeError> {
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
    rows: Rows,
    record: Record,
    findings: Findings,
    /// How the points column writes thousands; unknown until a cell asks.
    reading: Option<Reading>,
    total: Option<TotalRow>,
    sum: Sum,
    seen: Seen,
    tail: Tail,
}

/// What a row gave, still borrowed.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack for one row, and boxes would be what it avoids")]
pub(crate) enum Step<'i> {
    Row(Judged<'i>, &'i mut Vec<Repair>, Place<'i>),
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
    let (source, rows, header, format) = match file::contents(&head)? {
        None => open_text(path, &head, options)?,
        Some(container) => open_sheet(path, stamp.len, container, options)?,
    };
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
        total: None,
        sum: Sum::default(),
        seen: Seen::default(),
        tail: Tail::default(),
    };
    intake.judge_sheet();
    Ok(intake)
}

type Opened = (Source, Rows, Header, Format);

fn open_text(path: &Path, head: &[u8], options: &IntakeOptions) -> Result<Opened, IntakeError> {
    let (layout, header) = TextLayout::find(path, head, &|read| layout::find_header(read, options))?;
    let rows = layout.rows_below(path, header.row)?;
    let format = format(layout.encoding.word(), Some(char::from(layout.delimiter)), None, &header);
    Ok((Source::Text(layout), Rows::Text(rows), header, format))
}

fn open_sheet(
    path: &Path,
    file_bytes: u64,
    container: workbook::Container,
    options: &IntakeOptions,
) -> Result<Opened, IntakeError> {
    let (word, sheet) = workbook::read(path, file_bytes, container, options.sheet.as_deref())?;
    let name = sheet.name.clone();
    let mut rows = SheetRows::new(Arc::new(sheet));
    let mut looked = rows.clone();
    let header = layout::find_header(|record| Ok(looked.read(record)), options)?;
    let mut record = Record::default();
    while record.row < header.row && rows.read(&mut record) {}
    let format = format(word, None, Some(name), &header);
    Ok((Source::Sheet(rows.clone()), Rows::Sheet(rows), header, format))
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

    /// Reads on to the next row with content and judges it; nothing at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step<'_>>, IntakeError> {
        if self.advance()? { Ok(Some(self.judge())) } else { Ok(None) }
    }

    /// Reads on to the next row with content; a total row is set aside.
    fn advance(&mut self) -> Result<bool, IntakeError> {
        while self.rows.read(&mut self.record)? {
            if self.record.is_blank() {
                continue;
            }
            if let Some(total) = self.total.take() {
                self.tail.problems.push(total.not_last(self.record.row));
            }
            if !self.record.hidden
                && let Some(total) = total::of(&self.record, &self.header.columns)
            {
                self.total = Some(total);
                continue;
            }
            self.tail.rows += 1;
            let points = self.header.columns.of(Meaning::Points).map(|column| self.record.cell(column));
            if self.reading.is_none() && points.is_some_and(|cell| cell.text.contains(['.', ','])) {
                self.reading = Some(self.decide_reading()?);
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn decide_reading(&self) -> Result<Reading, IntakeError> {
        let columns = &self.header.columns;
        match &self.source {
            Source::Text(layout) => {
                let mut rows = layout.rows_below(&self.path, self.header.row)?;
                reading::decide(|record| rows.read(record), columns, self.options.expect_total)
            }
            Source::Sheet(rows) => {
                let mut rows = rows.clone();
                reading::decide(|record| Ok(rows.read(record)), columns, self.options.expect_total)
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
        let judged = judge::judge(&self.record, rules, &mut self.findings);
        self.sum.add(self.findings.points);
        self.seen.note(&self.record, &self.header.columns, &self.findings, self.format.encoding);
        let is_hidden = self.record.hidden && !self.options.include_hidden;
        match judged {
            Some(judged) if !is_hidden => {
                self.seen.without_reference += u64::from(judged.reference.is_none());
                let place = Place { record: &self.record, columns: &self.header.columns };
                Step::Row(judged, &mut self.findings.repairs, place)
            }
            Some(_) | None => {
                if is_hidden {
                    let message = "needs rows that can be seen, has a hidden one (a filter?); show it, remove it, or say \
                                   `--include-hidden`";
                    self.findings.problems.push(Problem::of_row(self.record.row, ProblemKind::Hidden, message));
                }
                Step::Problems(&mut self.findings.problems)
            }
        }
    }

    /// Says what can be said of a worksheet before its rows.
    fn judge_sheet(&mut self) {
        let Source::Sheet(rows) = &self.source else { return };
        let sheet = rows.sheet();
        self.tail.warnings.extend(sheet.warnings.iter().cloned());
        let columns = &self.header.columns;
        let shown = |column: &usize| format!("«{}»", columns.headers[*column]);
        let hidden = |column: &usize| u32::try_from(*column).is_ok_and(|column| sheet.hidden_columns.contains(&column));
        let sent: Vec<String> = Meaning::ALL
            .into_iter()
            .filter_map(|meaning| columns.of(meaning))
            .filter(hidden)
            .map(|c| shown(&c))
            .collect();
        let kept: Vec<String> = columns
            .extra
            .iter()
            .copied()
            .filter(|column| !columns.headers[*column].is_empty())
            .filter(hidden)
            .map(|c| shown(&c))
            .collect();
        if !kept.is_empty() {
            self.tail.warnings.push(format!("hidden columns that are only kept: {}", kept.join(", ")));
        }
        if sent.is_empty() {
            return;
        }
        let sent = sent.join(", ");
        if self.options.include_hidden {
            self.tail.warnings.push(format!("hidden columns that count (`--include-hidden`): {sent}"));
        } else {
            let message = format!(
                "needs columns that can be seen, has hidden ones: {sent}; show them, or say `--include-hidden`"
            );
            self.tail.problems.push(Problem::of_file(ProblemKind::Hidden, message));
        }
    }

    /// What the file gave as a whole, after the last row.
    ///
    /// # Errors
    /// The file changed while it was read.
    pub fn finish(mut self) -> Result<Tail, IntakeError> {
        if let Some(total) = self.total.take() {
            if self.reading.is_none() && total.cell.contains(['.', ',']) {
                self.reading = Some(self.decide_reading()?);
            }
            match total.judged(self.reading.unwrap_or(Reading::Open), self.sum) {
                Ok(points) => self.tail.control_total = Some((total.row, points)),
                Err(problem) => self.tail.problems.push(problem),
            }
        }
        file::same(&self.path, &self.stamp)?;
        self.tail.points = self.sum.points;
        let expected = self.options.expect_total.filter(|expected| *expected != self.sum.points);
        if let Some(expected) = expected {
            let message = format!(
                "needs {} points in all (`--expect-total`), has {}; is this the right file?",
                grouped(expected),
                grouped(self.sum.points)
            );
            self.tail.problems.push(Problem::of_file(ProblemKind::ExpectedTotal, message));
        }
        if self.tail.rows == 0 {
            let message = "needs rows below the header, has none; export the file again";
            self.tail.problems.push(Problem::of_file(ProblemKind::Empty, message));
        }
        self.seen.warn(&self.format, &mut self.tail.warnings);
        Ok(self.tail)
    }
}
