//! Opens a table, text or worksheet, at the first row below its header, and comes back there as often as is asked.

use super::choice::Wanted;
use super::file::{self, Stamp};
use super::layout::{FindHeader, TextLayout};
use super::problem::{IntakeError, Problem};
use super::record::Record;
use super::sheet::{Sheet, SheetRows};
use super::text_rows::TextRows;
use super::workbook;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows as they are, one after the other.
pub(crate) enum Rows {
    Text(TextRows),
    Sheet(SheetRows),
}

impl Rows {
    /// Reads the next row; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, IntakeError> {
        match self {
            Self::Text(rows) => rows.read(record),
            Self::Sheet(rows) => Ok(rows.read(record)),
        }
    }
}

/// Where the rows come from; of a sheet, the place of the first row below the header.
enum Source {
    Text(TextLayout),
    Sheet(SheetRows, &'static str),
}

/// How a header is found, and what is asked of it.
pub(crate) struct HeaderSearch<'f, H> {
    /// The worksheet's name, where one is asked for (`--sheet`).
    pub(crate) sheet: Option<&'f str>,
    /// Reads rows until one is the header.
    pub(crate) find: FindHeader<'f, H>,
    /// The spreadsheet's own number of the header's last row.
    pub(crate) row: fn(&H) -> u64,
    /// Whether a workbook with such a list may open on another sheet.
    pub(crate) may_open_elsewhere: fn(&H) -> bool,
}

/// A table that is open.
pub(crate) struct Table {
    path: PathBuf,
    stamp: Stamp,
    source: Source,
    header_row: u64,
}

/// A table with its header, and why nothing may be paid from its sheet before the sheet's name is said.
pub(crate) type Opened<H> = (Table, H, Option<Problem>);

/// Finds a file's format and header.
pub(crate) fn open<H>(path: &Path, search: &HeaderSearch<'_, H>) -> Result<Opened<H>, IntakeError> {
    let stamp = file::stamp(path)?;
    let head = file::head(path)?;
    let (source, header, problem) = match file::contents(&head)? {
        None => {
            let (layout, header) = TextLayout::find(path, &head, search.find)?;
            (Source::Text(layout), header, None)
        }
        Some(container) => open_sheet(path, stamp.len, container, search)?,
    };
    let header_row = (search.row)(&header);
    Ok((Table { path: path.to_owned(), stamp, source, header_row }, header, problem))
}

/// Opens a file of which no row is a header: the sheet that is asked for, or else the one that it opens on, or the first.
pub(crate) fn open_without_header(path: &Path, sheet: Option<&str>) -> Result<Table, IntakeError> {
    let stamp = file::stamp(path)?;
    let head = file::head(path)?;
    let source = match file::contents(&head)? {
        None => Source::Text(TextLayout::likeliest(path, &head)?),
        Some(container) => {
            let any =
                HeaderSearch { sheet, find: &|_read| Ok(()), row: |(): &()| 0, may_open_elsewhere: |(): &()| true };
            open_sheet(path, stamp.len, container, &any)?.0
        }
    };
    Ok(Table { path: path.to_owned(), stamp, source, header_row: 0 })
}

fn open_sheet<H>(
    path: &Path,
    file_bytes: u64,
    container: file::Container,
    search: &HeaderSearch<'_, H>,
) -> Result<(Source, H, Option<Problem>), IntakeError> {
    let find = |read: &mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>| {
        (search.find)(read).map(|header| (search.may_open_elsewhere)(&header))
    };
    let (word, (sheet, problem)) =
        workbook::read(path, file_bytes, container, Wanted { sheet: search.sheet, find: &find })?;
    let mut rows = SheetRows::new(Arc::new(sheet));
    let mut looked = rows.clone();
    let header = match ((search.find)(&mut |record| Ok(looked.read(record))), &problem) {
        (Ok(header), _) => header,
        // What is wrong with a sheet that may not be meant can wait.
        (Err(_), Some(problem)) => return Err(problem.clone().into()),
        (Err(error), None) => return Err(error),
    };
    let mut record = Record::default();
    while record.row < (search.row)(&header) && rows.read(&mut record) {}
    Ok((Source::Sheet(rows, word), header, problem))
}

impl Table {
    /// The rows below the header.
    pub(crate) fn rows(&self) -> Result<Rows, IntakeError> {
        Ok(match &self.source {
            Source::Text(layout) => Rows::Text(layout.rows_below(&self.path, self.header_row)?),
            Source::Sheet(rows, _) => Rows::Sheet(rows.clone()),
        })
    }

    /// Every row of the file, those above the header too.
    pub(crate) fn all_rows(&self) -> Result<Rows, IntakeError> {
        Ok(match &self.source {
            Source::Text(layout) => Rows::Text(layout.rows_below(&self.path, 0)?),
            Source::Sheet(rows, _) => Rows::Sheet(rows.again()),
        })
    }

    /// The worksheet; `None` of a text.
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        match &self.source {
            Source::Text(_) => None,
            Source::Sheet(rows, _) => Some(rows.sheet()),
        }
    }

    /// The encoding of a text, or else `xlsx`, `xls`, `ods`.
    pub(crate) fn encoding(&self) -> &'static str {
        match &self.source {
            Source::Text(layout) => layout.encoding.word(),
            Source::Sheet(_, word) => word,
        }
    }

    /// What separates the cells of a text.
    pub(crate) fn delimiter(&self) -> Option<char> {
        match &self.source {
            Source::Text(layout) => Some(char::from(layout.delimiter)),
            Source::Sheet(..) => None,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a file that is not what it was when it was opened.
    pub(crate) fn unchanged(&self) -> Result<(), IntakeError> {
        file::same(&self.path, &self.stamp)
    }
}
