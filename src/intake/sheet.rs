//! Holds one worksheet, packed, and gives its rows one by one.

use super::archive::Hidden;
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
    kind: CellKind,
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
    /// The columns that a person does not see, from 0.
    pub(crate) hidden_columns: BTreeSet<u32>,
    /// What a person should know about the workbook.
    pub(crate) warnings: Vec<String>,
}

impl Sheet {
    /// A sheet without cells.
    pub(crate) fn new(name: String, warnings: Vec<String>, hidden: Hidden) -> Self {
        Self { name, warnings, hidden_rows: hidden.rows, hidden_columns: hidden.columns, ..Self::default() }
    }

    /// Adds a cell; cells come row by row, and from left to right.
    pub(crate) fn push(&mut self, row: u32, column: u32, text: &str, kind: CellKind) -> Result<(), IntakeError> {
        if text.is_empty() {
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
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            return Err(limit("needs at most 1 GiB of text, has more; split the file").into());
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
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.cells.push(SheetCell { end, column: narrow, kind });
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
        while cell_at < row.cells_end {
            let cell = sheet.cells[cell_at];
            record.pad(usize::from(cell.column));
            record.push(&sheet.text[text_at..cell.end as usize], cell.kind);
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
}
