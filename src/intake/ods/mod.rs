//! Reads the tables of an ODS (OpenDocument 1.3): every cell with what a person sees of it.
//!
//! An ODS has all of it: number formats (data styles), struck-out and raised text (spans and styles), merges (covered
//! cells), formulas without a value, errors, dates, durations, rows and columns that are hidden, filtered or too small
//! to be seen, repeated rows and cells, and the text that was shown when it was saved beside each value.
//!
//! The tables are streamed: nothing is unfolded but cells with content, and those are counted.

mod cells;
mod codes;
mod parts;
mod shown;
mod styles;

use super::archive::{Archive, Hidden, attribute, damaged, unreadable};
use super::choice::SHEETS_LOOKED_AT;
use super::problem::{IntakeError, ProblemKind};
use super::sheet::{COLUMNS_MAX, ROWS_MAX, Sheet};
use super::workbook::{self, HEAD_ROWS, SheetName};
use cells::{Cells, OdsCell, count};
use parts::{active_table, check_document, skip};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::BufRead;
use styles::{Family, Styles};

/// Lower rows and narrower columns than this, in points, nobody sees: a pixel is 0.75.
const SEEN_FROM_POINTS: f64 = 2.0;

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
}

impl Ods {
    /// Reads the styles, and what tables there are.
    pub(crate) fn open(archive: &mut Archive) -> Result<Self, IntakeError> {
        check_document(archive)?;
        let mut ods =
            Self { styles: Styles::default(), sheets: Vec::new(), active: None, heads: Vec::new(), heads_bytes: 0 };
        if archive.has("styles.xml") {
            ods.read_styles(&mut archive.xml("styles.xml")?)?;
        }
        ods.read_styles(&mut archive.xml("content.xml")?)?;
        if archive.has("settings.xml") {
            let active = active_table(&mut archive.xml("settings.xml")?)?;
            ods.active = active.and_then(|active| ods.sheets.iter().position(|sheet| sheet.name == active));
        }
        Ok(ods)
    }

    /// Reads all styles of a part, and the names of its tables.
    fn read_styles<R: BufRead>(&mut self, reader: &mut Reader<R>) -> Result<(), IntakeError> {
        let mut buffer = Vec::with_capacity(1024);
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                    "table:table" => {
                        let name = attribute(&element, "table:name")?.unwrap_or_default();
                        let style = attribute(&element, "table:style-name")?.unwrap_or_default();
                        let is_visible = self.styles.is_shown(&style);
                        if self.sheets.len() >= TABLES_MAX {
                            return Err(damaged("more than 10,000 tables"));
                        }
                        self.sheets.push(SheetName { name, is_visible });
                        self.read_head(reader, is_empty)?;
                    }
                    name if is_no_table(name) && !is_empty => skip(reader, name)?,
                    _ => self.styles.add(reader, &element, is_empty)?,
                },
                Event::Eof => return Ok(()),
                Event::End(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
    }

    /// Reads the first rows of the table that began last, and goes on to its end.
    fn read_head<R: BufRead>(&mut self, reader: &mut Reader<R>, is_empty: bool) -> Result<(), IntakeError> {
        let table = self.sheets.last().cloned().unwrap_or_default();
        let mut table_rows = Table::new(&self.styles, table.name);
        let is_looked_at = self.heads.iter().flatten().count() < SHEETS_LOOKED_AT && self.heads_bytes < HEADS_BYTES_MAX;
        let mut head = None;
        if is_empty {
            head = Some(Ok(table_rows.finish()?));
        } else if table.is_visible && is_looked_at {
            // What is wrong with one table is of no matter where another is read.
            head = Some(match table_rows.read(reader, HEAD_ROWS) {
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
        &self,
        archive: &mut Archive,
        position: usize,
        warnings: Vec<String>,
    ) -> Result<Sheet, IntakeError> {
        let name = self.sheets.get(position).map(|sheet| sheet.name.clone()).unwrap_or_default();
        let mut table = Table::new(&self.styles, name);
        table.sheet.warnings = warnings;
        let mut reader = archive.xml("content.xml")?;
        let (mut buffer, mut tables) = (Vec::with_capacity(1024), 0);
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
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
                Event::Eof => return table.finish(),
                Event::End(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
        table.read(&mut reader, u32::MAX)?;
        table.finish()
    }
}

/// What holds tables of its own that are no sheets: links, and what changes were recorded.
fn is_no_table(name: &str) -> bool {
    matches!(name, "table:dde-links" | "table:tracked-changes" | "office:font-face-decls" | "office:master-styles")
}

/// One table as it is read.
struct Table<'s> {
    styles: &'s Styles,
    cells: Cells,
    /// The style that cells of a column have where they name none, and the column behind the last one.
    column_styles: Vec<(u32, String)>,
    row: u32,
    column: u32,
    hidden: Hidden,
    sheet: Sheet,
    pushed: u64,
}

impl<'s> Table<'s> {
    fn new(styles: &'s Styles, name: String) -> Self {
        Self {
            styles,
            cells: Cells::default(),
            column_styles: Vec::new(),
            row: 0,
            column: 0,
            hidden: Hidden::default(),
            sheet: Sheet::new(name, Vec::new(), Hidden::default()),
            pushed: 0,
        }
    }

    /// The sheet, with what of it nobody sees.
    fn finish(mut self) -> Result<Sheet, IntakeError> {
        self.sheet.hide(self.hidden);
        self.sheet.mark_merged(&self.cells.merges)?;
        Ok(self.sheet)
    }

    /// Reads the first rows; whether the table ended with them.
    fn read<R: BufRead>(&mut self, reader: &mut Reader<R>, rows_max: u32) -> Result<bool, IntakeError> {
        let mut buffer = Vec::with_capacity(1024);
        // Groups in groups; those that are folded are not shown.
        let mut folded: Vec<bool> = Vec::new();
        while self.row < rows_max {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                    "table:table-row-group" | "table:table-column-group" if !is_empty => {
                        folded.push(attribute(&element, "table:display")?.as_deref() == Some("false"));
                    }
                    "table:table-header-rows"
                    | "table:table-rows"
                    | "table:table-header-columns"
                    | "table:table-columns" => {}
                    "table:table-column" => {
                        self.add_column(&element, folded.contains(&true))?;
                        if !is_empty {
                            skip(reader, "table:table-column")?;
                        }
                    }
                    "table:table-row" => {
                        let shape = (is_empty, folded.contains(&true));
                        self.add_row(reader, &element, shape, rows_max)?;
                    }
                    name if !is_empty => skip(reader, name)?,
                    _ => {}
                },
                Event::End(element) => match element.name().as_ref() {
                    "table:table" => return Ok(true),
                    "table:table-row-group" | "table:table-column-group" => {
                        folded.pop();
                    }
                    _ => {}
                },
                Event::Eof => return Err(damaged("a table of it is cut off")),
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
        Ok(false)
    }

    fn add_column(&mut self, element: &BytesStart<'_>, is_folded: bool) -> Result<(), IntakeError> {
        let end = end(self.column, repeats(element, "table:number-columns-repeated")?);
        let is_small = self.is_small(Family::Column, element)?;
        if is_small || is_folded || visibility(element)? != Visibility::Shown {
            self.hidden.columns.extend(self.column..end.min(COLUMNS_MAX));
        }
        if self.column < COLUMNS_MAX {
            let style = attribute(element, "table:default-cell-style-name")?.unwrap_or_default();
            self.column_styles.push((end, style));
        }
        self.column = end;
        Ok(())
    }

    fn is_small(&self, family: Family, element: &BytesStart<'_>) -> Result<bool, IntakeError> {
        let style = attribute(element, "table:style-name")?.unwrap_or_default();
        Ok(self.styles.size(family, &style).is_some_and(|points| points < SEEN_FROM_POINTS))
    }

    fn add_row<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        element: &BytesStart<'_>,
        (is_empty, is_folded): (bool, bool),
        rows_max: u32,
    ) -> Result<(), IntakeError> {
        let end = end(self.row, repeats(element, "table:number-rows-repeated")?);
        let visibility = visibility(element)?;
        let rows = self.row..end.min(ROWS_MAX);
        if visibility == Visibility::Filtered {
            self.hidden.filtered.extend(rows.clone());
        }
        if visibility != Visibility::Shown || is_folded || self.is_small(Family::Row, element)? {
            self.hidden.rows.extend(rows);
        }
        if !is_empty {
            let row_style = attribute(element, "table:default-cell-style-name")?;
            self.read_row(reader, row_style.as_deref())?;
            self.push_rows(end.min(rows_max))?;
        }
        self.row = end;
        Ok(())
    }

    /// Reads the cells of one row, without unfolding what is repeated.
    fn read_row<R: BufRead>(&mut self, reader: &mut Reader<R>, row_style: Option<&str>) -> Result<(), IntakeError> {
        self.cells.clear();
        let (mut buffer, mut column) = (Vec::with_capacity(256), 0);
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                    "table:table-cell" | "table:covered-table-cell" => {
                        let cell = OdsCell::new(&element)?;
                        let columns = column..end(column, cell.repeats);
                        column = columns.end;
                        // The style of the row, or else of the column, holds where a cell names none.
                        let of_column = || self.column_styles.iter().find(|(end, _)| columns.start < *end);
                        let style = cell.style.as_deref().or(row_style).or_else(|| Some(of_column()?.1.as_str()));
                        let style = (style.unwrap_or_default(), self.styles);
                        self.cells.read(reader, is_empty, &cell, (self.row, columns.clone()), style)?;
                    }
                    name if !is_empty => skip(reader, name)?,
                    _ => {}
                },
                Event::End(element) if element.name().as_ref() == "table:table-row" => return Ok(()),
                Event::Eof => return Err(damaged("a row of it is cut off")),
                Event::End(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
    }

    /// Unfolds the cells of a row with content, as often as it is repeated.
    fn push_rows(&mut self, end: u32) -> Result<(), IntakeError> {
        if self.cells.is_blank() {
            return Ok(());
        }
        for row in self.row..end {
            self.pushed += self.cells.push(&mut self.sheet, row)?;
            if self.pushed > workbook::CELLS_MAX {
                return Err(workbook::too_many_cells());
            }
        }
        Ok(())
    }
}

/// Whether rows or columns are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Shown,
    Hidden,
    Filtered,
}

fn visibility(element: &BytesStart<'_>) -> Result<Visibility, IntakeError> {
    Ok(match attribute(element, "table:visibility")?.as_deref() {
        Some("collapse") => Visibility::Hidden,
        Some("filter") => Visibility::Filtered,
        Some(_) | None => Visibility::Shown,
    })
}

fn repeats(element: &BytesStart<'_>, name: &str) -> Result<u32, IntakeError> {
    attribute(element, name)?.map_or(Ok(1), |number| count(&number))
}

fn end(start: u32, repeats: u32) -> u32 {
    start.saturating_add(repeats)
}
