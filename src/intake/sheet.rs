//! Holds one worksheet, packed, and gives its rows one by one.

use super::archive::Hidden;
use super::oddity::Oddity;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{CellKind, Record};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most rows of a worksheet: Excel's own limit.
pub(crate) const ROWS_MAX: u32 = 1_048_576;
/// The most columns of a worksheet that are read.
pub(crate) const COLUMNS_MAX: u32 = 200;
/// The most characters of a cell: Excel's own limit.
const CELL_CHARS_MAX: usize = 32_767;
/// The most text of a sheet, in bytes: a shared text can be named by millions of cells.
const TEXT_BYTES_MAX: usize = 1 << 30;

#[derive(Clone, Copy, Debug)]
struct SheetCell {
    end: u32,
    column: u8,
    flags: u8,
    oddity: Option<Oddity>,
}

/// The cell holds a number.
const NUMBER: u8 = 1;
/// The cell is computed.
const FORMULA: u8 = 2;
/// The cell is struck through.
const STRUCK: u8 = 4;
/// No cell, but what a person sees of the one before.
const SEEN: u8 = 8;

fn packed(kind: CellKind) -> u8 {
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    flag(kind.number, NUMBER) | flag(kind.formula, FORMULA) | flag(kind.struck, STRUCK)
}

impl SheetCell {
    fn kind(self) -> CellKind {
        CellKind {
            number: self.flags & NUMBER != 0,
            formula: self.flags & FORMULA != 0,
            stray_quote: false,
            struck: self.flags & STRUCK != 0,
            oddity: self.oddity,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct SheetRow {
    row: u32,
    cells_end: usize,
}

/// One worksheet, cell texts back to back.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    text: String,
    cells: Vec<SheetCell>,
    rows: Vec<SheetRow>,
    /// The rows that a person does not see, from 0.
    pub(crate) hidden_rows: BTreeSet<u32>,
    /// Those of them that a filter hides.
    pub(crate) filtered_rows: BTreeSet<u32>,
    /// The columns that a person does not see, from 0.
    pub(crate) hidden_columns: BTreeSet<u32>,
    /// What a person should know about the workbook.
    pub(crate) warnings: Vec<String>,
}

impl Sheet {
    /// A sheet without cells.
    pub(crate) fn new(name: String, warnings: Vec<String>, hidden: Hidden) -> Self {
        let Hidden { rows: hidden_rows, filtered: filtered_rows, columns: hidden_columns } = hidden;
        Self { name, warnings, hidden_rows, filtered_rows, hidden_columns, ..Self::default() }
    }

    /// Says what of the sheet a person does not see, where that is known only after its cells.
    pub(crate) fn hide(&mut self, hidden: Hidden) {
        (self.hidden_rows, self.filtered_rows, self.hidden_columns) = (hidden.rows, hidden.filtered, hidden.columns);
    }

    /// Adds a cell; cells come row by row, and from left to right. Only what neither holds nor shows anything is left
    /// out.
    pub(crate) fn push(&mut self, row: u32, column: u32, text: &str, kind: CellKind) -> Result<(), IntakeError> {
        if text.is_empty() && kind.oddity.is_none() {
            return Ok(());
        }
        let limit = |message: &str| Problem::of_row(u64::from(row) + 1, ProblemKind::Limit, message);
        if row >= ROWS_MAX {
            return Err(limit("needs at most 1,048,576 rows, has more; split the file").into());
        }
        let Some(narrow) = u8::try_from(column).ok().filter(|_| column < COLUMNS_MAX) else {
            let message =
                format!("needs at most {COLUMNS_MAX} columns, has a cell in column {}; remove it", column + 1);
            return Err(limit(&message).into());
        };
        if text.len() > CELL_CHARS_MAX && text.chars().count() > CELL_CHARS_MAX {
            let message = "needs at most 32,767 characters in a cell, has more; shorten it";
            return Err(limit(message).into());
        }
        let is_behind = self.rows.last().is_some_and(|last| {
            row < last.row || (row == last.row && self.cells.last().is_some_and(|cell| cell.column >= narrow))
        });
        if is_behind {
            let message =
                "needs cells in order, has a sheet with cells out of order; open it in Excel and save it again";
            return Err(Problem::of_row(u64::from(row) + 1, ProblemKind::NotASpreadsheet, message).into());
        }
        if self.rows.last().is_none_or(|last| last.row != row) {
            self.rows.push(SheetRow { row, cells_end: self.cells.len() });
        }
        self.add(row, text, SheetCell { end: 0, column: narrow, flags: packed(kind), oddity: kind.oddity })
    }

    /// The same for a cell of which it is known what a person sees in it.
    pub(crate) fn push_seen(
        &mut self,
        row: u32,
        column: u32,
        (text, seen): (&str, &str),
        kind: CellKind,
    ) -> Result<(), IntakeError> {
        let before = self.cells.len();
        self.push(row, column, text, kind)?;
        let Some(cell) = self.cells.get(before).copied().filter(|_| kind.oddity.is_some()) else { return Ok(()) };
        self.add(row, seen, SheetCell { flags: SEEN, ..cell })
    }

    fn add(&mut self, row: u32, text: &str, cell: SheetCell) -> Result<(), IntakeError> {
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            let message = "needs at most 1 GiB of text, has more; split the file";
            return Err(Problem::of_row(u64::from(row) + 1, ProblemKind::Limit, message).into());
        }
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.cells.push(SheetCell { end, ..cell });
        if let Some(last) = self.rows.last_mut() {
            last.cells_end = self.cells.len();
        }
        Ok(())
    }
}

/// A place in a sheet, from which rows are read.
#[derive(Clone, Debug)]
pub(crate) struct SheetRows {
    sheet: Arc<Sheet>,
    next: usize,
}

impl SheetRows {
    /// The rows of a sheet, from the first.
    pub(crate) fn new(sheet: Arc<Sheet>) -> Self {
        Self { sheet, next: 0 }
    }

    /// The sheet.
    pub(crate) fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Reads the next row that has cells; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> bool {
        let sheet = &*self.sheet;
        let Some(row) = sheet.rows.get(self.next) else { return false };
        let mut cell_at = self.next.checked_sub(1).map_or(0, |before| sheet.rows[before].cells_end);
        let mut text_at = cell_at.checked_sub(1).map_or(0, |before| sheet.cells[before].end as usize);
        record.clear(u64::from(row.row) + 1);
        record.hidden = sheet.hidden_rows.contains(&row.row);
        record.filtered = record.hidden && sheet.filtered_rows.contains(&row.row);
        while cell_at < row.cells_end {
            let cell = sheet.cells[cell_at];
            let text = &sheet.text[text_at..cell.end as usize];
            if cell.flags & SEEN != 0 {
                record.push_seen(text);
            } else {
                record.pad(usize::from(cell.column));
                record.push(text, cell.kind());
            }
            text_at = cell.end as usize;
            cell_at += 1;
        }
        self.next += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_gives_its_rows_with_their_own_numbers() {
        let mut sheet = Sheet::default();
        for (row, column, text) in [(0, 0, "phone"), (0, 2, "points"), (4, 1, "x"), (4, 2, "y")] {
            sheet.push(row, column, text, CellKind::default()).unwrap();
        }
        sheet.hidden_rows.insert(4);
        assert!(sheet.push(4, 2, "twice", CellKind::default()).is_err());
        assert!(sheet.push(3, 0, "back", CellKind::default()).is_err());
        assert!(sheet.push(5, 200, "wide", CellKind::default()).is_err());
        assert!(sheet.push(ROWS_MAX, 0, "deep", CellKind::default()).is_err());
        let mut rows = SheetRows::new(Arc::new(sheet));
        let mut record = Record::default();
        let mut seen = Vec::new();
        while rows.read(&mut record) {
            let cells: Vec<String> = record.cells().map(|cell| cell.text.to_owned()).collect();
            seen.push((record.row, record.hidden, cells.join("|")));
        }
        assert_eq!(seen, [(1, false, "phone||points".to_owned()), (5, true, "|x|y".to_owned())]);
    }

    #[test]
    fn a_cell_that_shows_something_else_gives_both() {
        let mut sheet = Sheet::default();
        let odd = |oddity| CellKind { number: true, oddity: Some(oddity), ..CellKind::default() };
        sheet.push_seen(1, 1, ("500", "500.000"), odd(Oddity::Format)).unwrap();
        sheet.push(1, 2, "next", CellKind { struck: true, ..CellKind::default() }).unwrap();
        sheet.push(2, 0, "", odd(Oddity::NotComputed)).unwrap();
        sheet.push(3, 0, "", CellKind::default()).unwrap();
        let mut rows = SheetRows::new(Arc::new(sheet));
        let mut record = Record::default();
        assert!(rows.read(&mut record));
        let cells: Vec<_> = record.cells().map(|cell| (cell.text, cell.kind.oddity, cell.kind.struck)).collect();
        assert_eq!(cells, [("", None, false), ("500", Some(Oddity::Format), false), ("next", None, true)]);
        assert_eq!((record.seen(1), record.seen(2)), (Some("500.000"), None));
        assert!(rows.read(&mut record));
        assert!(!record.is_blank(), "a formula without a value is no blank");
        assert!(!rows.read(&mut record), "an empty cell is nothing");
    }
}
