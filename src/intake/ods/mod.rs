//! Reads the tables of an ODS (OpenDocument 1.3): every cell with what a person sees of it.
//!
//! An ODS has all of it: number formats (data styles), struck-out and raised text (spans and styles), merges (covered
//! cells), formulas without a value, errors, dates, durations, rows and columns that are hidden, filtered or too small
//! to be seen, repeated rows and cells, and the text that was shown when it was saved beside each value.
//!
//! The tables are streamed: nothing is unfolded but cells with content, and those are counted.

mod cell;
mod cells;
mod codes;
mod conditional;
mod parts;
mod shown;
mod styles;
mod table;

use super::archive::Archive;
use super::damage::damaged_archive as damaged;
use super::problem::{IntakeError, ProblemKind};
use super::sheet::{HEAD_ROWS, SHEETS_LOOKED_AT, Sheet, SheetName};
use super::xml::{Piece, Xml, attribute, skip};
use parts::{active_table, check_document};
use std::io::Read;
use styles::Styles;
use table::Table;

/// The most tables.
const TABLES_MAX: usize = 10_000;
/// How many bytes of first rows are kept.
const HEADS_BYTES_MAX: usize = 64 << 20;

/// An ODS workbook whose tables are known.
pub(crate) struct Ods {
    styles: Styles,
    /// The tables in their order.
    pub(crate) sheets: Vec<SheetName>,
    /// The table that is shown when the workbook is opened.
    pub(crate) active: Option<usize>,
    /// The first rows of the first visible tables, read on the way to the last one.
    heads: Vec<Option<Result<Sheet, IntakeError>>>,
    heads_bytes: usize,
    /// The table that is likeliest to be read, whole: the one that is asked for, or else the first visible one.
    whole: Option<(usize, Result<Sheet, IntakeError>)>,
}

impl Ods {
    /// Reads the styles, what tables there are, and the one that is asked for, or else the first visible one.
    pub(crate) fn open(archive: &mut Archive, asked_for: Option<&str>) -> Result<Self, IntakeError> {
        check_document(archive)?;
        let mut ods = Self {
            styles: Styles::default(),
            sheets: Vec::new(),
            active: None,
            heads: Vec::new(),
            heads_bytes: 0,
            whole: None,
        };
        if archive.has("styles.xml") {
            ods.read_styles(&mut archive.xml("styles.xml")?, asked_for)?;
        }
        ods.read_styles(&mut archive.xml("content.xml")?, asked_for)?;
        if archive.has("settings.xml") {
            let active = active_table(&mut archive.xml("settings.xml")?)?;
            ods.active = active.and_then(|active| ods.sheets.iter().position(|sheet| sheet.name == active));
        }
        Ok(ods)
    }

    /// Reads all styles of a part, and the names of its tables.
    fn read_styles<R: Read>(&mut self, reader: &mut Xml<R>, asked_for: Option<&str>) -> Result<(), IntakeError> {
        let mut buffer = Vec::with_capacity(1024);
        loop {
            let event = reader.next(&mut buffer)?;
            let is_empty = matches!(event, Piece::Empty(_));
            match event {
                Piece::Start(element) | Piece::Empty(element) => match element.name().as_ref() {
                    "table:table" => {
                        let name = attribute(&element, "table:name")?.unwrap_or_default();
                        let style = attribute(&element, "table:style-name")?.unwrap_or_default();
                        let is_visible = self.styles.is_shown(&style);
                        if self.sheets.len() >= TABLES_MAX {
                            return Err(damaged("more than 10,000 tables"));
                        }
                        let sheet = SheetName { name, is_visible };
                        let is_likeliest = asked_for.map_or(is_visible, |asked_for| sheet.reads_as(asked_for));
                        self.sheets.push(sheet);
                        self.read_head(reader, is_empty, is_likeliest && self.whole.is_none())?;
                    }
                    name if is_no_table(name) && !is_empty => skip(reader, name)?,
                    _ => self.styles.add(reader, &element, is_empty)?,
                },
                Piece::Eof => return Ok(()),
                Piece::End(_) | Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) | Piece::Aside => {}
            }
        }
    }

    /// Reads the first rows of the table that began last, or all of them, and goes on to its end.
    fn read_head<R: Read>(&mut self, reader: &mut Xml<R>, is_empty: bool, whole: bool) -> Result<(), IntakeError> {
        let table = self.sheets.last().cloned().unwrap_or_default();
        let mut table_rows = Table::new(&self.styles, table.name);
        let is_looked_at = self.heads.iter().flatten().count() < SHEETS_LOOKED_AT && self.heads_bytes < HEADS_BYTES_MAX;
        let mut head = None;
        if is_empty {
            head = Some(Ok(table_rows.finish()?));
        } else if whole {
            head = Some(match table_rows.read(reader, HEAD_ROWS, u32::MAX) {
                Ok(has_ended) => {
                    let head = table_rows.head(HEAD_ROWS);
                    let rest = if has_ended { Ok(true) } else { table_rows.read(reader, u32::MAX, u32::MAX) };
                    if rest.is_err() {
                        skip(reader, "table:table")?;
                    }
                    let position = self.sheets.len() - 1;
                    self.whole = Some((position, rest.and_then(|_| table_rows.finish())));
                    head
                }
                Err(error) => {
                    skip(reader, "table:table")?;
                    Err(error)
                }
            });
        } else if table.is_visible && is_looked_at {
            // What is wrong with one table is of no matter where another is read.
            head = Some(match table_rows.read(reader, HEAD_ROWS, HEAD_ROWS) {
                Ok(true) => table_rows.finish(),
                Ok(false) => {
                    skip(reader, "table:table")?;
                    table_rows.finish()
                }
                Err(error) => {
                    skip(reader, "table:table")?;
                    Err(error)
                }
            });
        } else {
            skip(reader, "table:table")?;
        }
        self.heads_bytes += head.iter().flatten().map(Sheet::bytes).sum::<usize>();
        self.heads.push(head);
        Ok(())
    }

    /// The first rows of the table at a position, once.
    pub(crate) fn head(&mut self, position: usize) -> Result<Sheet, IntakeError> {
        let head = self.heads.get_mut(position).and_then(Option::take);
        head.unwrap_or_else(|| {
            let message =
                "needs the sheet that is paid, has more sheets and texts than are looked at; name it with `--sheet`";
            Err(IntakeError::file(ProblemKind::Sheet, message))
        })
    }

    /// Reads the table at a position.
    pub(crate) fn sheet(
        &mut self,
        archive: &mut Archive,
        position: usize,
        warnings: Vec<String>,
    ) -> Result<Sheet, IntakeError> {
        // Another one is let go of before the one that is meant is read.
        if let Some((_, sheet)) = self.whole.take().filter(|(of, _)| *of == position) {
            return sheet.map(|mut sheet| {
                sheet.warnings = warnings;
                sheet
            });
        }
        let name = self.sheets.get(position).map(|sheet| sheet.name.clone()).unwrap_or_default();
        let mut table = Table::new(&self.styles, name);
        table.sheet.warnings = warnings;
        let mut reader = archive.xml("content.xml")?;
        let (mut buffer, mut tables) = (Vec::with_capacity(1024), 0);
        loop {
            let event = reader.next(&mut buffer)?;
            let is_empty = matches!(event, Piece::Empty(_));
            match event {
                Piece::Start(element) | Piece::Empty(element) => match element.name().as_ref() {
                    "table:table" if tables == position && !is_empty => break,
                    "table:table" => {
                        tables += 1;
                        if !is_empty {
                            skip(&mut reader, "table:table")?;
                        }
                    }
                    name if is_no_table(name) && !is_empty => skip(&mut reader, name)?,
                    _ => {}
                },
                Piece::Eof => return table.finish(),
                Piece::End(_) | Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) | Piece::Aside => {}
            }
        }
        table.read(&mut reader, u32::MAX, u32::MAX)?;
        table.finish()
    }
}

/// What holds tables of its own that are no sheets: links, and what changes were recorded.
fn is_no_table(name: &str) -> bool {
    matches!(name, "table:dde-links" | "table:tracked-changes" | "office:font-face-decls" | "office:master-styles")
}
