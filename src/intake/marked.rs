//! Gives the user's own sheet back as a workbook, with wrong cells marked and one column that says what is wrong.
//!
//! What a person sees in the copy is what is read of it: values as they were read, hidden rows and columns hidden
//! again, nothing of number formats, merges or formulas.

use super::check::{CheckReport, check_listing};
use super::columns::{Columns, letters};
use super::options::IntakeOptions;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{Cell, Record};
use super::stream::{Intake, open};
use super::table::{Table, open_without_header};
use crate::domain::column_role::ColumnRole;
use rust_xlsxwriter::{Color, Format, Note, Workbook, Worksheet, XlsxError};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The most problems that are written into a copy.
const MARKED_MAX: usize = 100_000;
/// The longest text that a cell of Excel holds, in characters.
const CELL_CHARS_MAX: usize = 32_767;
/// The most rows of a sheet: Excel's own limit.
const ROWS_MAX: u64 = 1_048_576;
/// The header of the column with what is wrong.
const HEADER: &str = "Lỗi";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum MarkedError {
    /// The file cannot be laid out as a sheet, so there is nothing to give back.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The workbook could not be made.
    #[error("while making a workbook: {0}")]
    Workbook(#[from] XlsxError),
}

/// Writes the copy of a file with what is wrong in it, as [`super::check()`] finds it; `temporary` is a folder for what
/// does not fit into memory.
///
/// # Errors
/// The file has no sheet that can be given back, or the workbook cannot be made.
pub fn write_marked(
    path: &Path,
    options: &IntakeOptions,
    temporary: &Path,
    into: impl Write + Send,
) -> Result<(), MarkedError> {
    let report = check_listing(path, options, MARKED_MAX);
    // Without a header it is all the more the sheet itself that a person has to see.
    let original = match open(path, options) {
        Ok(intake) => Original::Read(Box::new(intake)),
        Err(error @ IntakeError::Io { .. }) => return Err(error.into()),
        Err(error) => Original::Bare(open_without_header(path, options.sheet.as_deref()).map_err(|_| error)?),
    };
    let table = original.table();
    let width = width(table)?;
    if usize::from(u16::MAX) <= width {
        return Err(IntakeError::file(ProblemKind::Limit, "needs fewer columns to be given back").into());
    }
    let mut book = Workbook::new();
    // Beside the copy: where that fits this fits, and nobody's phone lies about in a shared folder.
    book.set_tempdir(temporary)?;
    let sheet = book.add_worksheet_with_constant_memory()?;
    let name = table.sheet().map(|sheet| sheet.name.as_str()).filter(|name| is_sheet_name(name));
    sheet.set_name(name.unwrap_or("Danh sách"))?;
    let copy = Copy::new(&original, &report, width);
    copy.begin(sheet)?;
    let mut rows = table.all_rows()?;
    let mut record = Record::default();
    while rows.read(&mut record)? {
        copy.row(sheet, &record)?;
    }
    book.save_to_writer(into)?;
    Ok(())
}

/// The file that is given back.
enum Original {
    /// With what its columns mean.
    Read(Box<Intake>),
    /// One of which no row is a header.
    Bare(Table),
}

impl Original {
    fn table(&self) -> &Table {
        match self {
            Self::Read(intake) => intake.table(),
            Self::Bare(table) => table,
        }
    }

    /// The header's row and what the columns below it mean.
    fn header(&self) -> Option<(u64, &Columns)> {
        match self {
            Self::Read(intake) => Some((intake.format().header_row, intake.columns())),
            Self::Bare(_) => None,
        }
    }
}

/// A name that Excel takes for a sheet.
fn is_sheet_name(name: &str) -> bool {
    (1..=31).contains(&name.chars().count())
        && !name.contains(['[', ']', ':', '*', '?', '/', '\\'])
        && !name.starts_with('\'')
        && !name.ends_with('\'')
}

/// How many columns any row has.
fn width(table: &Table) -> Result<usize, IntakeError> {
    let (mut rows, mut record, mut width) = (table.all_rows()?, Record::default(), 0);
    while rows.read(&mut record)? {
        let filled = record.cells().enumerate().filter(|(_, cell)| !cell.text.is_empty()).last();
        width = width.max(filled.map_or(0, |(column, _)| column + 1));
    }
    Ok(width)
}

/// What is copied, and what is said of it.
struct Copy<'r> {
    /// The header's row and what the columns below it mean; `None`: no row is a header.
    header: Option<(u64, &'r Columns)>,
    problems: BTreeMap<u64, Vec<&'r Problem>>,
    of_file: Vec<&'r Problem>,
    /// How many problems are not written.
    left: u64,
    hidden_columns: Vec<u16>,
    width: u16,
    plain: Format,
    bold: Format,
    wrong: Format,
    reason: Format,
}

impl<'r> Copy<'r> {
    fn new(original: &'r Original, report: &'r CheckReport, width: usize) -> Self {
        let mut problems: BTreeMap<u64, Vec<&Problem>> = BTreeMap::new();
        for problem in &report.problems {
            if let Some(row) = problem.row {
                problems.entry(row).or_default().push(problem);
            }
        }
        let marked = Format::new().set_background_color(Color::RGB(0xFF_C7CE)).set_font_color(Color::RGB(0x9C_0006));
        Self {
            header: original.header(),
            problems,
            of_file: report.problems.iter().filter(|problem| problem.row.is_none()).collect(),
            left: report.problem_count.saturating_sub(report.problems.len() as u64),
            hidden_columns: original
                .table()
                .sheet()
                .into_iter()
                .flat_map(|sheet| &sheet.hidden_columns)
                .filter_map(|column| u16::try_from(*column).ok())
                .collect(),
            width: u16::try_from(width).unwrap_or(u16::MAX),
            // Text that begins like a formula stays text when someone edits the cell.
            plain: Format::new().set_quote_prefix(),
            bold: Format::new().set_bold(),
            wrong: marked,
            reason: Format::new().set_font_color(Color::RGB(0x9C_0006)),
        }
    }

    fn begin(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        for column in 0..self.width {
            sheet.set_column_width(column, 16)?;
        }
        sheet.set_column_width(self.width, 80)?;
        for column in self.hidden_columns.iter().filter(|column| **column < self.width) {
            sheet.set_column_hidden(*column)?;
        }
        if self.header.is_none() {
            let first = self.problems.get(&1).map_or(&[][..], Vec::as_slice);
            let said = [self.of_file(), self.reasons(first)].join("\n");
            sheet.write_with_format(0, self.width, fitting(&format!("{HEADER}: {}", said.trim())), &self.reason)?;
        }
        Ok(())
    }

    fn row(&self, sheet: &mut Worksheet, record: &Record) -> Result<(), XlsxError> {
        if record.row > ROWS_MAX {
            return Ok(());
        }
        let Ok(row) = u32::try_from(record.row.saturating_sub(1)) else { return Ok(()) };
        let problems = self.problems.get(&record.row).map_or(&[][..], Vec::as_slice);
        for (column, cell) in (0_u16..self.width).zip(record.cells()) {
            self.cell(sheet, (row, column), cell, problems)?;
        }
        if record.hidden {
            sheet.set_row_hidden(row)?;
        }
        // A cell that is empty and should not be is marked as well.
        for column in u16::try_from(record.len()).unwrap_or(self.width)..self.width {
            if self.is_wrong(column, problems) {
                sheet.write_blank(row, column, &self.wrong)?;
            }
        }
        let header_row = self.header.map(|(row, _)| row);
        if header_row == Some(record.row) {
            sheet.write_with_format(row, self.width, HEADER, &self.bold)?;
            let of_file = self.of_file();
            if !of_file.is_empty() {
                sheet.insert_note(row, self.width, &Note::new(of_file).set_width(480).set_height(240))?;
            }
        } else if !problems.is_empty() && (header_row.is_some() || row > 0) {
            sheet.write_with_format(row, self.width, self.reasons(problems), &self.reason)?;
        }
        Ok(())
    }

    fn cell(
        &self,
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        cell: Cell<'_>,
        problems: &[&Problem],
    ) -> Result<(), XlsxError> {
        let is_wrong = self.is_wrong(column, problems);
        let format = if is_wrong { &self.wrong } else { &self.plain };
        if cell.text.is_empty() {
            if is_wrong {
                sheet.write_blank(row, column, format)?;
            }
            return Ok(());
        }
        let number = cell.text.parse::<f64>().ok().filter(|number| cell.kind.number && number.is_finite());
        match number {
            Some(number) if is_wrong => sheet.write_number_with_format(row, column, number, format)?,
            Some(number) => sheet.write_number(row, column, number)?,
            None => sheet.write_string_with_format(row, column, fitting(cell.text), format)?,
        };
        Ok(())
    }

    /// Whether a problem of the row speaks of a column: by its meaning, its header or its letters.
    fn is_wrong(&self, column: u16, problems: &[&Problem]) -> bool {
        let column = usize::from(column);
        problems.iter().filter_map(|problem| problem.column.as_deref()).any(|named| {
            let place = |columns: &Columns| ColumnRole::parse(named).and_then(|meaning| columns.of(meaning));
            match self.header.map(|(_, columns)| (columns, place(columns))) {
                Some((_, Some(place))) => place == column,
                Some((columns, None)) => columns.label(column) == named || letters(column) == named,
                None => letters(column) == named,
            }
        })
    }

    fn reasons(&self, problems: &[&Problem]) -> String {
        let text = |problem: &&Problem| match &problem.column {
            Some(column) => format!("{column}: {}", problem.message),
            None => problem.message.clone(),
        };
        let text = problems.iter().map(text).collect::<Vec<_>>().join("; ");
        fitting(&text).to_owned()
    }

    /// What concerns the whole file, for the note beside the header.
    fn of_file(&self) -> String {
        let mut texts: Vec<String> = self.of_file.iter().map(|problem| problem.message.clone()).collect();
        if self.left > 0 {
            texts.push(format!("{} more problems are not written here", self.left));
        }
        fitting(&texts.join("\n")).to_owned()
    }
}

/// As much of a text as a cell holds.
fn fitting(text: &str) -> &str {
    text.char_indices().nth(CELL_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
