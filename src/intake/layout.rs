//! Finds out how a text file is laid out: encoding, separator, header row and columns.

use super::IntakeOptions;
use super::columns::{self, Columns};
use super::decode::{self, Encoding, Text};
use super::meaning::Meaning;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::Record;
use super::text_rows::TextRows;
use std::path::Path;

/// The row up to which a header is looked for: titles, dates and a company's name stand above it.
pub(crate) const HEADER_ROW_MAX: u64 = 50;
/// The most columns.
pub(crate) const COLUMNS_MAX: usize = 200;

/// How a text file is laid out.
#[derive(Clone, Debug)]
pub(crate) struct TextLayout {
    pub(crate) encoding: Encoding,
    mark_bytes: u64,
    pub(crate) delimiter: u8,
    pub(crate) header_row: u64,
    pub(crate) columns: Columns,
}

impl TextLayout {
    /// Finds the layout.
    pub(crate) fn find(path: &Path, head: &[u8], options: &IntakeOptions) -> Result<Self, IntakeError> {
        let (encoding, mark_bytes) = decode::byte_order_mark(head).unwrap_or((Encoding::Utf8, 0));
        let delimiter = b',';
        let mut rows = TextRows::new(Text::open(path, encoding, mark_bytes)?, delimiter);
        let (header_row, columns) = find_header(|record| rows.read(record), options)?;
        Ok(Self { encoding, mark_bytes, delimiter, header_row, columns })
    }

    /// The rows below the header.
    pub(crate) fn rows(&self, path: &Path) -> Result<TextRows, IntakeError> {
        let mut rows = TextRows::new(Text::open(path, self.encoding, self.mark_bytes)?, self.delimiter);
        let mut record = Record::default();
        while record.row < self.header_row && rows.read(&mut record)? {}
        Ok(rows)
    }
}

/// Finds the one row that names the needed columns.
pub(crate) fn find_header(
    mut read: impl FnMut(&mut Record) -> Result<bool, IntakeError>,
    options: &IntakeOptions,
) -> Result<(u64, Columns), IntakeError> {
    let mut record = Record::default();
    let mut found: Option<(u64, Vec<String>)> = None;
    let mut nearest: Option<(u64, Vec<Meaning>)> = None;
    while record.row < HEADER_ROW_MAX && read(&mut record)? {
        let cells: Vec<&str> = record.cells().map(|cell| cell.text).collect();
        if !columns::is_header(&cells, &options.columns) {
            let missing = columns::missing(&cells, &options.columns);
            let nearer = nearest.as_ref().is_none_or(|(_, before)| missing.len() < before.len());
            if nearer && !record.is_blank() {
                nearest = Some((record.row, missing));
            }
            continue;
        }
        if let Some((first, _)) = found {
            let message = format!(
                "needs one header row, has two: rows {first} and {}; remove one, and what stands above the other",
                record.row
            );
            return Err(Problem::of_row(record.row, ProblemKind::Header, message).into());
        }
        found = Some((record.row, cells.into_iter().map(str::to_owned).collect()));
    }
    let Some((row, cells)) = found else { return Err(no_header(nearest).into()) };
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let columns = columns::resolve(row, &cells, &options.columns)?;
    if columns.headers.len() > COLUMNS_MAX {
        let message = format!("needs at most {COLUMNS_MAX} columns, has {}; remove the others", columns.headers.len());
        return Err(Problem::of_row(row, ProblemKind::Limit, message).into());
    }
    Ok((row, columns))
}

fn no_header(nearest: Option<(u64, Vec<Meaning>)>) -> Problem {
    let Some((row, missing)) = nearest else {
        return Problem::of_file(ProblemKind::Empty, "needs a header and rows, has only blank rows; export it again");
    };
    let words: Vec<&str> = missing.into_iter().map(Meaning::word).collect();
    let message = format!(
        "needs a header row with phone (or id_type and id) and points, has none in the first {HEADER_ROW_MAX} rows; row \
         {row} comes nearest and lacks {}: name the columns, or say `--column {}=HEADER`",
        words.join(" and "),
        words.first().unwrap_or(&"points")
    );
    Problem::of_file(ProblemKind::Header, message)
}
