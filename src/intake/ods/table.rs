//! Reads one table of an ODS into a sheet, row by row.

use super::super::conditional::Change;
use super::super::damage::{CELLS_MAX, damaged_archive as damaged, too_many_cells, unreadable};
use super::super::problem::IntakeError;
use super::super::sheet::{COLUMNS_MAX, Hidden, ROWS_MAX, Sheet};
use super::super::xml::{Piece, Xml, attribute, skip};
use super::cell::{Tags, count};
use super::cells::Cells;
use super::conditional::Conditional;
use super::styles::{Family, Styles};
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use std::io::Read;

/// Lower rows and narrower columns than this, in points, nobody sees: a pixel is 0.75.
const SEEN_FROM_POINTS: f64 = 2.0;

/// One table as it is read.
pub(super) struct Table<'s> {
    styles: &'s Styles,
    cells: Cells,
    tags: Tags,
    conditional: Conditional,
    /// The tag of the row before, and what it says.
    row_above: Option<(String, RowElement)>,
    /// The style that cells of a column have where they name none, and the column behind the last one.
    column_styles: Vec<(u32, String)>,
    row: u32,
    column: u32,
    hidden: Hidden,
    pub(super) sheet: Sheet,
    pushed: u64,
    /// Memory that is used again for each row.
    row_buffer: Vec<u8>,
}

impl<'s> Table<'s> {
    pub(super) fn new(styles: &'s Styles, name: String) -> Self {
        Self {
            styles,
            cells: Cells::default(),
            tags: Tags::default(),
            conditional: Conditional::default(),
            row_above: None,
            column_styles: Vec::new(),
            row: 0,
            column: 0,
            hidden: Hidden::default(),
            sheet: Sheet::new(name, Vec::new(), Hidden::default()),
            pushed: 0,
            row_buffer: Vec::with_capacity(1024),
        }
    }

    /// The sheet, with what of it nobody sees.
    pub(super) fn finish(mut self) -> Result<Sheet, IntakeError> {
        self.sheet.hide(self.hidden);
        self.sheet.mark_conditional(&self.conditional.changed, Change { numbers: true, hides: false })?;
        self.sheet.mark_conditional(&self.conditional.hidden, Change { numbers: true, hides: true })?;
        self.sheet.mark_merged(&self.cells.merges)?;
        Ok(self.sheet)
    }

    /// The first rows of what was read so far, as a sheet of their own.
    pub(super) fn head(&self, rows: u32) -> Result<Sheet, IntakeError> {
        let mut head = self.sheet.first_rows(rows);
        head.hide(self.hidden.clone());
        head.mark_merged(&self.cells.merges)?;
        Ok(head)
    }

    /// Reads the first rows; whether the table ended with them. Of one that is repeated beyond them, rows up to `kept_max`
    /// are kept.
    pub(super) fn read<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
        rows_max: u32,
        kept_max: u32,
    ) -> Result<bool, IntakeError> {
        let mut buffer = Vec::with_capacity(1024);
        // Groups in groups; those that are folded are not shown.
        let mut folded: Vec<bool> = Vec::new();
        while self.row < rows_max {
            let event = reader.next(&mut buffer)?;
            let is_empty = matches!(event, Piece::Empty(_));
            match event {
                Piece::Start(element) | Piece::Empty(element) => match element.name().as_ref() {
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
                        self.add_row(reader, &element, shape, kept_max)?;
                    }
                    "calcext:conditional-formats"
                    | "calcext:conditional-format"
                    | "calcext:condition"
                    | "calcext:data-bar"
                    | "calcext:icon-set" => self.conditional.element(&element, self.styles)?,
                    name if !is_empty => skip(reader, name)?,
                    _ => {}
                },
                Piece::End(element) => match element.name().as_ref() {
                    "table:table" => return Ok(true),
                    "table:table-row-group" | "table:table-column-group" => {
                        folded.pop();
                    }
                    _ => {}
                },
                Piece::Eof => return Err(damaged("a table of it is cut off")),
                Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) | Piece::Aside => {}
            }
        }
        Ok(false)
    }

    fn add_column(&mut self, element: &BytesStart<'_>, is_folded: bool) -> Result<(), IntakeError> {
        let end = end(self.column, repeats(element, "table:number-columns-repeated")?);
        let style = attribute(element, "table:style-name")?.unwrap_or_default();
        let is_small = self.styles.size(Family::Column, &style).is_some_and(|points| points < SEEN_FROM_POINTS);
        if is_small
            || is_folded
            || attribute(element, "table:visibility")?.is_some_and(|word| Visibility::of(&word) != Visibility::Shown)
        {
            self.hidden.columns.extend(self.column..end.min(COLUMNS_MAX));
        }
        if self.column < COLUMNS_MAX {
            let style = attribute(element, "table:default-cell-style-name")?.unwrap_or_default();
            self.column_styles.push((end, style));
        }
        self.column = end;
        Ok(())
    }

    fn add_row<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
        element: &BytesStart<'_>,
        (is_empty, is_folded): (bool, bool),
        kept_max: u32,
    ) -> Result<(), IntakeError> {
        let tag: &str = element;
        let (tag, said) = match self.row_above.take().filter(|(above, _)| above == tag) {
            Some(above) => above,
            None => (tag.to_owned(), RowElement::new(element, self.styles)?),
        };
        let end = end(self.row, said.repeats);
        let rows = self.row..end.min(ROWS_MAX);
        if said.visibility == Visibility::Filtered {
            self.hidden.filtered.extend(rows.clone());
        }
        if said.visibility != Visibility::Shown || is_folded || said.is_small {
            self.hidden.rows.extend(rows);
        }
        if !is_empty {
            self.read_row(reader, said.cell_style.as_deref())?;
            self.push_rows(end.min(kept_max))?;
        }
        self.row = end;
        self.row_above = Some((tag, said));
        Ok(())
    }

    /// Reads the cells of one row, without unfolding what is repeated.
    fn read_row<R: Read>(&mut self, reader: &mut Xml<R>, row_style: Option<&str>) -> Result<(), IntakeError> {
        self.cells.clear();
        let (mut buffer, mut column, mut nth) = (std::mem::take(&mut self.row_buffer), 0, 0);
        loop {
            let event = reader.next(&mut buffer)?;
            let is_empty = matches!(event, Piece::Empty(_));
            match event {
                Piece::Start(element) | Piece::Empty(element) => match element.name().as_ref() {
                    "table:table-cell" | "table:covered-table-cell" => {
                        let cell = self.tags.cell(&element, nth)?;
                        nth += 1;
                        let columns = column..end(column, cell.repeats);
                        column = columns.end;
                        // The style of the row, or else of the column, holds where a cell names none.
                        let of_column = || self.column_styles.iter().find(|(end, _)| columns.start < *end);
                        let style = cell.style.as_deref().or(row_style).or_else(|| Some(of_column()?.1.as_str()));
                        let style = (style.unwrap_or_default(), self.styles);
                        self.cells.read(reader, is_empty, cell, (self.row, columns.clone()), style)?;
                    }
                    name if !is_empty => skip(reader, name)?,
                    _ => {}
                },
                Piece::End(element) if element.name().as_ref() == "table:table-row" => {
                    self.row_buffer = buffer;
                    return Ok(());
                }
                Piece::Eof => return Err(damaged("a row of it is cut off")),
                Piece::End(_) | Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) | Piece::Aside => {}
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
            if self.pushed > CELLS_MAX {
                return Err(too_many_cells());
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

impl Visibility {
    fn of(word: &str) -> Self {
        match word {
            "collapse" => Self::Hidden,
            "filter" => Self::Filtered,
            _ => Self::Shown,
        }
    }
}

/// A row as its element says it.
struct RowElement {
    repeats: u32,
    visibility: Visibility,
    /// Whether it is too low to be seen.
    is_small: bool,
    cell_style: Option<String>,
}

impl RowElement {
    fn new(element: &BytesStart<'_>, styles: &Styles) -> Result<Self, IntakeError> {
        let mut row = Self { repeats: 1, visibility: Visibility::Shown, is_small: false, cell_style: None };
        let mut style = String::new();
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(unreadable)?;
            let value = || attribute.normalized_value(XmlVersion::Implicit1_0).map_err(unreadable);
            match attribute.key.as_ref() {
                "table:number-rows-repeated" => row.repeats = count(&value()?)?,
                "table:visibility" => row.visibility = Visibility::of(&value()?),
                "table:style-name" => style = value()?.into_owned(),
                "table:default-cell-style-name" => row.cell_style = Some(value()?.into_owned()),
                _ => {}
            }
        }
        row.is_small = styles.size(Family::Row, &style).is_some_and(|points| points < SEEN_FROM_POINTS);
        Ok(row)
    }
}

fn repeats(element: &BytesStart<'_>, name: &str) -> Result<u32, IntakeError> {
    attribute(element, name)?.map_or(Ok(1), |number| count(&number))
}

fn end(start: u32, repeats: u32) -> u32 {
    start.saturating_add(repeats)
}
