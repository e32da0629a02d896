//! Holds one worksheet, packed, and gives its rows one by one.

mod merged;
mod name;

use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{CellKind, Oddity, Record};
pub(crate) use name::SheetName;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most rows of a worksheet: Excel's own limit.
pub(crate) const ROWS_MAX: u32 = 1_048_576;
/// The most columns of a worksheet that are read.
pub(crate) const COLUMNS_MAX: u32 = super::record::COLUMNS_MAX as u32;
/// How many rows tell whether a sheet holds a list.
pub(crate) const HEAD_ROWS: u32 = 50;
/// How many visible sheets are looked at; a workbook of more is asked for a name where these do not tell.
pub(crate) const SHEETS_LOOKED_AT: usize = 40;
/// The most characters of a cell: Excel's own limit.
const CELL_CHARS_MAX: usize = 32_767;
/// The most bytes that a sheet takes: a shared text can be named by millions of cells, and what reads a file stays
/// under 512 MiB.
const BYTES_MAX: usize = 320 << 20;
/// About how many bytes of text, and how many cells, are kept in one piece: what grows in one piece is copied each time
/// that it doubles, and is there twice meanwhile.
const BLOCK_BYTES: usize = 1 << 20;
const BLOCK_CELLS: usize = 1 << 16;

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
/// The cell's text has the colour of what is behind it, or is too small.
const FAINT: u8 = 16;
/// No cell, but what a person sees of the one before.
const SEEN: u8 = 8;

fn packed(kind: CellKind) -> u8 {
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    flag(kind.number, NUMBER) | flag(kind.formula, FORMULA) | flag(kind.struck, STRUCK) | flag(kind.faint, FAINT)
}

impl SheetCell {
    fn kind(self) -> CellKind {
        CellKind {
            number: self.flags & NUMBER != 0,
            formula: self.flags & FORMULA != 0,
            stray_quote: false,
            struck: self.flags & STRUCK != 0,
            faint: self.flags & FAINT != 0,
            oddity: self.oddity,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct SheetRow {
    row: u32,
    cells_end: u32,
}

/// Some whole rows, cell texts back to back.
#[derive(Debug, Default)]
struct Block {
    text: String,
    cells: Vec<SheetCell>,
    rows: Vec<SheetRow>,
}

impl Block {
    fn is_full(&self) -> bool {
        self.text.len() >= BLOCK_BYTES || self.cells.len() >= BLOCK_CELLS
    }

    fn bytes(&self) -> usize {
        self.text.len() + size_of_val(self.cells.as_slice()) + size_of_val(self.rows.as_slice())
    }

    /// Gives back what the block has room for and does not hold. A copy, because an allocator may leave a piece that is
    /// made less than twice as small where it is: 316 MiB of texts took 672.
    fn tighten(&mut self) {
        self.text = self.text.as_str().to_owned();
        self.cells = self.cells.as_slice().to_vec();
        self.rows = self.rows.as_slice().to_vec();
    }

    /// The cells of the row at a place, as a range of `cells`.
    fn cells_of(&self, at: usize) -> std::ops::Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.rows[before].cells_end);
        start as usize..self.rows[at].cells_end as usize
    }
}

/// Rows and columns that a person who looks at the sheet does not see, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) rows: BTreeSet<u32>,
    /// Those of the rows that a filter hides.
    pub(crate) filtered: BTreeSet<u32>,
    pub(crate) columns: BTreeSet<u32>,
}

/// Cells that are merged into the one at their top left, from 0, the last ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    pub(crate) top: u32,
    pub(crate) left: u32,
    pub(crate) bottom: u32,
    pub(crate) right: u32,
}

/// One worksheet.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    blocks: Vec<Block>,
    /// The bytes of the blocks before the last.
    bytes: usize,
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
        let mut sheet = Self { name, warnings, ..Self::default() };
        sheet.hide(hidden);
        sheet
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.blocks.last().map_or(0, Block::bytes)
    }

    /// A copy of its first rows.
    pub(crate) fn first_rows(&self, rows: u32) -> Self {
        let mut copy = Self { name: self.name.clone(), warnings: self.warnings.clone(), ..Self::default() };
        for block in &self.blocks {
            let kept = block.rows.partition_point(|row| row.row < rows);
            let cells = kept.checked_sub(1).map_or(0, |last| block.rows[last].cells_end as usize);
            let text = cells.checked_sub(1).map_or(0, |last| block.cells[last].end as usize);
            copy.blocks.push(Block {
                text: block.text[..text].to_owned(),
                cells: block.cells[..cells].to_vec(),
                rows: block.rows[..kept].to_vec(),
            });
            if kept < block.rows.len() {
                break;
            }
        }
        copy
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
        self.begin(row, narrow)?;
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
        self.push(row, column, text, kind)?;
        let Some(cell) = self.last_cell().filter(|_| kind.oddity.is_some()) else { return Ok(()) };
        self.add(row, seen, SheetCell { flags: SEEN, ..cell })
    }

    fn last_cell(&self) -> Option<SheetCell> {
        self.blocks.last()?.cells.last().copied()
    }

    /// Begins a row, and a block where the last one is full, unless the row of the last cell goes on.
    fn begin(&mut self, row: u32, column: u8) -> Result<(), IntakeError> {
        let last_row = self.blocks.last().and_then(|block| block.rows.last()).map(|last| last.row);
        let is_behind = last_row.is_some_and(|last| {
            row < last || (row == last && self.last_cell().is_some_and(|cell| cell.column >= column))
        });
        if is_behind {
            let message =
                "needs cells in order, has a sheet with cells out of order; open it in Excel and save it again";
            return Err(Problem::of_row(u64::from(row) + 1, ProblemKind::NotASpreadsheet, message).into());
        }
        if last_row == Some(row) {
            return Ok(());
        }
        if self.blocks.last().is_none_or(Block::is_full) {
            if let Some(full) = self.blocks.last_mut() {
                full.tighten();
                self.bytes += full.bytes();
            }
            self.blocks.push(Block::default());
        }
        if let Some(block) = self.blocks.last_mut() {
            let cells_end = u32::try_from(block.cells.len()).unwrap_or(u32::MAX);
            block.rows.push(SheetRow { row, cells_end });
        }
        Ok(())
    }

    fn add(&mut self, row: u32, text: &str, cell: SheetCell) -> Result<(), IntakeError> {
        let Some(block) = self.blocks.last_mut() else { return Ok(()) };
        if self.bytes + block.bytes() + text.len() > BYTES_MAX {
            let message = "needs a sheet of at most 320 MiB of cells and texts, has more; split the file";
            return Err(Problem::of_row(u64::from(row) + 1, ProblemKind::Limit, message).into());
        }
        block.text.push_str(text);
        let end = u32::try_from(block.text.len()).unwrap_or(u32::MAX);
        block.cells.push(SheetCell { end, ..cell });
        if let Some(last) = block.rows.last_mut() {
            last.cells_end = u32::try_from(block.cells.len()).unwrap_or(u32::MAX);
        }
        Ok(())
    }
}

/// A place in a sheet, from which rows are read.
#[derive(Clone, Debug)]
pub(crate) struct SheetRows {
    sheet: Arc<Sheet>,
    block: usize,
    next: usize,
}

impl SheetRows {
    /// The rows of a sheet, from the first.
    pub(crate) fn new(sheet: Arc<Sheet>) -> Self {
        Self { sheet, block: 0, next: 0 }
    }

    /// The same rows, from the first.
    pub(crate) fn again(&self) -> Self {
        Self::new(Arc::clone(&self.sheet))
    }

    /// The sheet.
    pub(crate) fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Reads the next row that has cells; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> bool {
        let sheet = &*self.sheet;
        let block = loop {
            let Some(block) = sheet.blocks.get(self.block) else { return false };
            if self.next < block.rows.len() {
                break block;
            }
            (self.block, self.next) = (self.block + 1, 0);
        };
        let row = block.rows[self.next].row;
        let cells = block.cells_of(self.next);
        let mut text_at = cells.start.checked_sub(1).map_or(0, |before| block.cells[before].end as usize);
        record.clear(u64::from(row) + 1);
        record.hidden = sheet.hidden_rows.contains(&row);
        record.filtered = record.hidden && sheet.filtered_rows.contains(&row);
        for cell in &block.cells[cells] {
            let text = &block.text[text_at..cell.end as usize];
            if cell.flags & SEEN != 0 {
                record.push_seen(text);
            } else {
                record.pad(usize::from(cell.column));
                record.push(text, cell.kind());
            }
            text_at = cell.end as usize;
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

    #[test]
    fn rows_of_many_blocks_come_in_order_and_merges_are_marked_across_them() {
        let mut sheet = Sheet::default();
        let rows = 200_000_u32;
        for row in 0..rows {
            sheet.push(row, 0, "0901234567", CellKind::default()).unwrap();
            sheet.push(row, 1, "500", CellKind { number: true, ..CellKind::default() }).unwrap();
        }
        assert!(sheet.blocks.len() > 2);
        let (top, bottom) = (10, rows - 10);
        sheet.mark_merged(&[Merge { top, left: 1, bottom, right: 5 }]).unwrap();
        let mut reading = SheetRows::new(Arc::new(sheet));
        let mut record = Record::default();
        let mut next = 0;
        while reading.read(&mut record) {
            assert_eq!((record.row, record.cell(0).text, record.cell(1).text), (next + 1, "0901234567", "500"));
            let is_under = next > u64::from(top) && next <= u64::from(bottom);
            assert_eq!(record.cell(1).kind.oddity, is_under.then_some(Oddity::Merged), "{next}");
            assert_eq!(record.cell(0).kind.oddity, None);
            next += 1;
        }
        assert_eq!(next, u64::from(rows));
    }

    #[test]
    fn merges_that_overlap_a_thousand_times_are_refused() {
        let mut sheet = Sheet::default();
        for row in 0..1000 {
            sheet.push(row, 0, "1", CellKind::default()).unwrap();
        }
        let all = Merge { top: 0, left: 0, bottom: ROWS_MAX, right: 200 };
        assert!(sheet.mark_merged(&[all; 4]).is_ok());
        assert!(sheet.mark_merged(&[all; 1000]).is_err());
    }
}
