//! Walks the records of an XLS workbook (MS-XLS): what is hidden in a sheet, and how far its cells reach.
//!
//! The library that reads the cells says nothing of hidden rows, and makes room for every cell between the first and
//! the last one, and for as many as a sheet says it has. Anything unexpected gives `None`: a file whose hidden rows
//! cannot be found is refused.

use super::archive::Hidden;
use super::compound::{self, u16_at, u32_at};
use super::sheet::COLUMNS_MAX;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const ROW: u16 = 0x0208;
const COL_INFO: u16 = 0x007D;
const MUL_RK: u16 = 0x00BD;
/// Formula, Number, Label, BoolErr, Rk, LabelSst, RString.
const CELLS: [u16; 7] = [0x0006, 0x0203, 0x0204, 0x0205, 0x027E, 0x00FD, 0x00D6];
/// A kind of record that nobody knows, so that it is passed over.
const IGNORED: u16 = 0x0FFF;

/// A workbook's stream of records.
pub(crate) struct Workbook {
    stream: Vec<u8>,
    sheets: Vec<usize>,
}

impl Workbook {
    /// Takes the stream out of a file.
    pub(crate) fn open(bytes: &[u8]) -> Option<Self> {
        let stream = compound::workbook_stream(bytes)?;
        let sheets = Records { stream: &stream, at: 0 }
            .take_while(|record| record.kind != EOF)
            .filter(|record| record.kind == BOUND_SHEET)
            .map_while(|record| usize::try_from(u32_at(record.data, 0)?).ok())
            .collect();
        Some(Self { stream, sheets })
    }

    /// The records of a sheet without those of the charts in it.
    fn sheet(&self, at: usize) -> impl Iterator<Item = Record<'_>> {
        let mut depth = 0_u32;
        let mut ended = false;
        Records { stream: &self.stream, at }.take_while(move |record| {
            let goes_on = !ended;
            match record.kind {
                BOF => depth += 1,
                EOF if depth <= 1 => ended = true,
                EOF => depth -= 1,
                _ => {}
            }
            goes_on
        })
    }

    /// The hidden rows and columns of the sheet at a position.
    pub(crate) fn hidden(&self, position: usize) -> Option<Hidden> {
        let mut hidden = Hidden::default();
        let mut last = 0;
        for Record { kind, data, .. } in self.sheet(*self.sheets.get(position)?) {
            last = kind;
            match kind {
                ROW if data.get(12)? & 0x20 != 0 => {
                    hidden.rows.insert(u32::from(u16_at(data, 0)?));
                }
                COL_INFO if data.get(8)? & 1 != 0 || u16_at(data, 4)? == 0 => {
                    let (first, last) = (u32::from(u16_at(data, 0)?), u32::from(u16_at(data, 2)?));
                    hidden.columns.extend(first..last.saturating_add(1).min(COLUMNS_MAX));
                }
                _ => {}
            }
        }
        (last == EOF).then_some(hidden)
    }

    /// For how many cells room is made when all sheets are read; gives up above `max`.
    pub(crate) fn unfolded_cells(&self, max: u64) -> u64 {
        let (mut cells, mut walked) = (0_u64, 0_u64);
        for sheet in &self.sheets {
            let (mut top, mut left, mut bottom, mut right) = (u64::MAX, u64::MAX, 0, 0);
            for record in self.sheet(*sheet) {
                walked += 1;
                let Some((row, first, last)) = record.cell() else { continue };
                (top, left) = (top.min(row), left.min(first));
                (bottom, right) = (bottom.max(row + 1), right.max(last + 1));
            }
            cells += bottom.saturating_sub(top) * right.saturating_sub(left);
            // Many sheets may be one and the same place of the stream.
            if cells > max || walked > 8 * max {
                return u64::MAX;
            }
        }
        cells
    }

    /// A clean file around the same records, without what sheets say of their own size.
    pub(crate) fn rewritten(&self) -> Vec<u8> {
        let mut stream = self.stream.clone();
        for sheet in &self.sheets {
            for record in (Records { stream: &self.stream, at: *sheet }).filter(|record| record.kind == DIMENSIONS) {
                stream[record.at..record.at + 2].copy_from_slice(&IGNORED.to_le_bytes());
            }
        }
        compound::wrapped(&stream)
    }
}

struct Record<'s> {
    at: usize,
    kind: u16,
    data: &'s [u8],
}

impl Record<'_> {
    /// The row, and the first and last column, of a record that holds cells.
    fn cell(&self) -> Option<(u64, u64, u64)> {
        if self.kind != MUL_RK && !CELLS.contains(&self.kind) {
            return None;
        }
        let (row, first) = (u64::from(u16_at(self.data, 0)?), u64::from(u16_at(self.data, 2)?));
        let last = match self.kind {
            MUL_RK => u64::from(u16_at(self.data, self.data.len().checked_sub(2)?)?),
            _ => first,
        };
        Some((row, first.min(last), first.max(last)))
    }
}

/// The records of a workbook stream: a kind, a length, and so many bytes.
struct Records<'s> {
    stream: &'s [u8],
    at: usize,
}

impl<'s> Iterator for Records<'s> {
    type Item = Record<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let kind = u16_at(self.stream, at)?;
        let len = usize::from(u16_at(self.stream, at + 2)?);
        let data = self.stream.get(at + 4..at + 4 + len)?;
        self.at += 4 + len;
        Some(Record { at, kind, data })
    }
}
