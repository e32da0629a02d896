//! Reads one sheet of an XLS from its records, with what a person sees of every cell.

use super::super::damage::{CELLS_MAX, too_many_cells};
use super::super::problem::IntakeError;
use super::super::record::{CellKind, Oddity};
use super::super::sheet::{COLUMNS_MAX, Hidden, Merge, Sheet};
use super::globals::{Appearance, RECORDS_MAX, Workbook, damaged};
use super::records::{Bytes, CONTINUE, EOF, Record, Records, f64_at, of_sheet, u16_at, u32_at};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const FORMULA: u16 = 0x0006;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const BOOL_ERR: u16 = 0x0205;
const RK: u16 = 0x027E;
const LABEL_SST: u16 = 0x00FD;
const R_STRING: u16 = 0x00D6;
const MUL_RK: u16 = 0x00BD;
/// The text that the formula before came to.
const STRING: u16 = 0x0207;
/// What may stand between a formula and its text: a shared formula, an array, a table.
const BETWEEN: [u16; 4] = [0x04BC, 0x0221, 0x0236, CONTINUE];

const ROW: u16 = 0x0208;
const DEFAULT_ROW_HEIGHT: u16 = 0x0225;
const COL_INFO: u16 = 0x007D;
const DEFAULT_COLUMN_WIDTH: u16 = 0x0055;
const MERGE_CELLS: u16 = 0x00E5;
const FILTER_MODE: u16 = 0x009B;

/// A lower row than this, in twips, nobody sees: a pixel is 15.
const SEEN_HEIGHT: u16 = 40;
/// A narrower column than this, in 256ths of a character, nobody sees.
const SEEN_WIDTH: u16 = 64;

/// The cells of a sheet by their places, and what the sheet says of itself beside them.
pub(super) struct Cells<'w> {
    workbook: &'w Workbook,
    /// Row, column, and where in the stream: in 16, 16 and 32 bits, so that millions of cells sort in little memory.
    places: Vec<u64>,
    hidden: Hidden,
    /// Whether rows without a record of their own are hidden, and which rows have one.
    rows_hidden: bool,
    rows_said: BTreeSet<u16>,
    columns_hidden: bool,
    columns_shown: BTreeSet<u32>,
    merges: Vec<Merge>,
    is_filtered: bool,
    /// Whether any formula has a result: one of a program that computes.
    is_computed: bool,
}

/// A cell in memory that is used again for the next.
#[derive(Default)]
struct Scratch {
    text: String,
    seen: String,
    runs: Vec<(u16, u16)>,
}

/// Where a cell is, and how it looks.
#[derive(Clone, Copy)]
struct Spot<'w> {
    row: u32,
    column: u32,
    look: Option<&'w Appearance>,
    kind: CellKind,
}

impl<'w> Cells<'w> {
    /// Finds the cells of the sheet that begins at a place in the stream.
    pub(super) fn find(workbook: &'w Workbook, at: usize) -> Result<Self, IntakeError> {
        let mut cells = Self {
            workbook,
            places: Vec::new(),
            hidden: Hidden::default(),
            rows_hidden: false,
            rows_said: BTreeSet::new(),
            columns_hidden: false,
            columns_shown: BTreeSet::new(),
            merges: Vec::new(),
            is_filtered: false,
            is_computed: false,
        };
        let mut last = None;
        for record in of_sheet(&workbook.stream, at) {
            last = Some(record.kind);
            cells
                .note(record)
                .ok_or_else(|| damaged(format_args!("a record {:04X} that is too short", record.kind)))?;
            workbook.records.set(workbook.records.get() + 1);
            if workbook.records.get() > RECORDS_MAX {
                return Err(damaged("its sheets lie over each other"));
            }
            if cells.places.len() as u64 > CELLS_MAX {
                return Err(too_many_cells());
            }
        }
        if last != Some(EOF) {
            return Err(damaged("a sheet of it is cut off"));
        }
        if !cells.places.is_sorted() {
            cells.places.sort_unstable();
        }
        Ok(cells)
    }

    fn note(&mut self, record: Record<'_>) -> Option<()> {
        let data = record.data;
        match record.kind {
            FORMULA | NUMBER | LABEL | BOOL_ERR | RK | LABEL_SST | R_STRING => {
                self.place(u16_at(data, 0)?, u16_at(data, 2)?, record.at)?;
                self.is_computed |= record.kind == FORMULA && !is_empty_text(data.get(6..14)?);
            }
            MUL_RK => {
                let (row, first) = (u16_at(data, 0)?, u16_at(data, 2)?);
                // A row, two columns, and 6 bytes for each cell.
                let count = u16::try_from(data.len().checked_sub(6)? / 6).ok()?;
                for column in first..first.checked_add(count)? {
                    self.place(row, column, record.at)?;
                }
            }
            ROW => self.note_row(data)?,
            DEFAULT_ROW_HEIGHT => {
                let (flags, height) = (u16_at(data, 0)?, u16_at(data, 2)?);
                self.rows_hidden = flags & 0x02 != 0 || height < SEEN_HEIGHT;
            }
            COL_INFO => {
                let (first, last, width) = (u16_at(data, 0)?, u16_at(data, 2)?, u16_at(data, 4)?);
                let columns = u32::from(first)..u32::from(last).saturating_add(1).min(COLUMNS_MAX);
                if data.get(8)? & 1 != 0 || width < SEEN_WIDTH {
                    self.hidden.columns.extend(columns);
                } else {
                    self.columns_shown.extend(columns);
                }
            }
            DEFAULT_COLUMN_WIDTH => self.columns_hidden = u16_at(data, 0)? == 0,
            MERGE_CELLS => {
                for merge in data.get(2..)?.chunks_exact(8).take(u16_at(data, 0)?.into()) {
                    let at = |place| u16_at(merge, place).map(u32::from);
                    self.merges.push(Merge { top: at(0)?, bottom: at(2)?, left: at(4)?, right: at(6)? });
                }
            }
            FILTER_MODE => self.is_filtered = true,
            _ => {}
        }
        Some(())
    }

    fn place(&mut self, row: u16, column: u16, at: usize) -> Option<()> {
        self.places.push((u64::from(row) << 48) | (u64::from(column) << 32) | u64::from(u32::try_from(at).ok()?));
        Some(())
    }

    fn note_row(&mut self, data: &[u8]) -> Option<()> {
        let (row, height, flags) = (u16_at(data, 0)?, u16_at(data, 6)?, u16_at(data, 12)?);
        self.rows_said.insert(row);
        let has_default_height = height & 0x8000 != 0;
        if flags & 0x20 != 0 || (!has_default_height && height < SEEN_HEIGHT) {
            self.hidden.rows.insert(u32::from(row));
        }
        Some(())
    }

    /// Puts the cells of the first rows into a sheet; `filters` are the rows of its lists that have a filter.
    pub(super) fn read(
        mut self,
        sheet: &mut Sheet,
        rows: u32,
        filters: &[RangeInclusive<u32>],
    ) -> Result<(), IntakeError> {
        let places = std::mem::take(&mut self.places);
        let (mut scratch, mut before) = (Scratch::default(), None);
        for place in places {
            let [row_high, row_low, column_high, column_low, at @ ..] = place.to_be_bytes();
            let (row, column) =
                (u16::from_be_bytes([row_high, row_low]), u16::from_be_bytes([column_high, column_low]));
            if u32::from(row) >= rows {
                break;
            }
            if before == Some((row, column)) {
                return Err(damaged(format_args!("two values for the cell in row {}, column {}", row + 1, column + 1)));
            }
            before = Some((row, column));
            if self.rows_hidden && !self.rows_said.contains(&row) {
                self.hidden.rows.insert(u32::from(row));
            }
            let at = usize::try_from(u32::from_be_bytes(at)).unwrap_or(usize::MAX);
            let record = Records { stream: &self.workbook.stream, at }.next();
            let put = record.and_then(|record| self.put(sheet, record, (row, column), &mut scratch));
            put.ok_or_else(|| damaged(format_args!("a cell in row {} that is cut off", row + 1)))??;
        }
        self.hide(sheet, filters);
        sheet.mark_merged(&self.merges)
    }

    fn hide(&mut self, sheet: &mut Sheet, filters: &[RangeInclusive<u32>]) {
        if self.columns_hidden {
            self.hidden.columns.extend((0..COLUMNS_MAX).filter(|column| !self.columns_shown.contains(column)));
        }
        for rows in filters.iter().filter(|rows| self.is_filtered && rows.start() <= rows.end()) {
            self.hidden.filtered.extend(self.hidden.rows.range(rows.clone()));
        }
        sheet.hide(std::mem::take(&mut self.hidden));
    }

    /// Adds one cell; nothing where its record is cut off.
    fn put(
        &self,
        sheet: &mut Sheet,
        record: Record<'w>,
        (row, column): (u16, u16),
        scratch: &mut Scratch,
    ) -> Option<Result<(), IntakeError>> {
        let data = record.data;
        let first = if record.kind == MUL_RK { 4 + 6 * usize::from(column - u16_at(data, 2)?) } else { 4 };
        let look = self.workbook.looks.get(usize::from(u16_at(data, first)?));
        let struck = look.is_some_and(|look| look.font.struck);
        let faint = look.is_some_and(|look| look.faint);
        let kind = CellKind { formula: record.kind == FORMULA, struck, faint, ..CellKind::default() };
        let spot = Spot { row: row.into(), column: column.into(), look, kind };
        scratch.text.clear();
        scratch.runs.clear();
        Some(match record.kind {
            NUMBER => self.put_number(sheet, spot, f64_at(data, 6)?),
            RK | MUL_RK => self.put_number(sheet, spot, rk(u32_at(data, first + 2)?)),
            BOOL_ERR => put_bool_or_error(sheet, spot, *data.get(6)?, *data.get(7)? != 0),
            LABEL_SST => {
                let (text, runs) = self.workbook.shared.get(u32_at(data, 6)?)?;
                self.put_text(sheet, spot, text, runs, &mut scratch.seen)
            }
            LABEL | R_STRING => {
                let letters = self.workbook.letters;
                let mut bytes = Bytes::of(&self.workbook.stream, record.at)?;
                bytes.skip(6)?;
                bytes.cell_text(letters, &mut scratch.text, &mut scratch.runs)?;
                if record.kind == R_STRING {
                    bytes.runs(letters, &mut scratch.runs)?;
                }
                self.put_text(sheet, spot, &scratch.text, &scratch.runs, &mut scratch.seen)
            }
            _ => return self.put_formula(sheet, spot, record, scratch),
        })
    }

    /// What a formula came to (2.5.133): a number, or in the first byte what else it is.
    fn put_formula(
        &self,
        sheet: &mut Sheet,
        spot: Spot<'_>,
        record: Record<'w>,
        scratch: &mut Scratch,
    ) -> Option<Result<(), IntakeError>> {
        let value = record.data.get(6..14)?;
        let odd = CellKind { oddity: Some(Oddity::NotComputed), ..spot.kind };
        if value[6..] != [0xFF, 0xFF] {
            return Some(self.put_number(sheet, spot, f64_at(value, 0)?));
        }
        Some(match value[0] {
            0 => {
                let mut records = Records { stream: &self.workbook.stream, at: record.at };
                let text = records.by_ref().skip(1).find(|next| !BETWEEN.contains(&next.kind));
                let Some(text) = text.filter(|next| next.kind == STRING) else {
                    return Some(sheet.push(spot.row, spot.column, "", odd));
                };
                let mut bytes = Bytes::of(&self.workbook.stream, text.at)?;
                bytes.cell_text(self.workbook.letters, &mut scratch.text, &mut scratch.runs)?;
                self.put_text(sheet, spot, &scratch.text, &[], &mut scratch.seen)
            }
            1 => put_bool_or_error(sheet, spot, value[2], false),
            2 => put_bool_or_error(sheet, spot, value[2], true),
            // An empty text; programs that compute nothing (xlwt) write the same, and Excel computes it on opening.
            3 if self.is_computed || self.workbook.has_recalc_id => Ok(()),
            _ => sheet.push(spot.row, spot.column, "", odd),
        })
    }

    fn put_number(&self, sheet: &mut Sheet, spot: Spot<'_>, number: f64) -> Result<(), IntakeError> {
        let needs_look = spot.look.filter(|look| !(look.whole_as_is && number > 0.0 && number.fract() == 0.0));
        let format = needs_look.and_then(|look| self.workbook.format(look));
        let kind = CellKind { number: true, ..spot.kind };
        sheet.push_number((spot.row, spot.column), number, format, kind, self.workbook.counts_from_1904)
    }

    /// Adds a text with what a person sees of its runs, or of it under its number format.
    fn put_text(
        &self,
        sheet: &mut Sheet,
        spot: Spot<'_>,
        text: &str,
        runs: &[(u16, u16)],
        seen: &mut String,
    ) -> Result<(), IntakeError> {
        let (row, column, kind) = (spot.row, spot.column, spot.kind);
        if let Some(oddity) = self.odd_runs(spot.look, text, runs, seen) {
            return sheet.push_seen(row, column, (text, seen), CellKind { oddity: Some(oddity), ..kind });
        }
        sheet.push_text((row, column), text, spot.look.and_then(|look| self.workbook.format(look)), kind)
    }

    /// Whether some run of a text is struck out, faint, or raised or lowered; `seen` becomes what of it can be read.
    fn odd_runs(
        &self,
        look: Option<&Appearance>,
        text: &str,
        runs: &[(u16, u16)],
        seen: &mut String,
    ) -> Option<Oddity> {
        if runs.is_empty() {
            return None;
        }
        seen.clear();
        let (mut font, mut next, mut unit) =
            (look.map(|look| look.font).unwrap_or_default(), runs.iter().peekable(), 0);
        let (mut is_struck, mut is_faint, mut is_raised) = (false, false, false);
        let mut is_font_faint = self.workbook.is_faint_in(font, look);
        for c in text.chars() {
            while let Some((_, number)) = next.next_if(|(from, _)| usize::from(*from) <= unit) {
                font = self.workbook.font(*number);
                is_font_faint = self.workbook.is_faint_in(font, look);
            }
            if !c.is_whitespace() {
                is_struck |= font.struck;
                is_faint |= is_font_faint;
                is_raised |= font.raised;
            }
            if !font.struck && !is_font_faint {
                seen.push(c);
            }
            unit += c.len_utf16();
        }
        let oddities = [(is_struck, Oddity::Struck), (is_faint, Oddity::Faint), (is_raised, Oddity::Raised)];
        oddities.into_iter().find_map(|(is_so, oddity)| is_so.then_some(oddity))
    }
}

/// Whether the result of a formula is an empty text, or none.
fn is_empty_text(value: &[u8]) -> bool {
    value.first() == Some(&3) && value.ends_with(&[0xFF, 0xFF])
}

fn put_bool_or_error(sheet: &mut Sheet, spot: Spot<'_>, value: u8, is_error: bool) -> Result<(), IntakeError> {
    if !is_error {
        return sheet.push(spot.row, spot.column, if value == 0 { "FALSE" } else { "TRUE" }, spot.kind);
    }
    let text = match value {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        _ => "#ERROR!",
    };
    sheet.push(spot.row, spot.column, text, CellKind { oddity: Some(Oddity::Error), ..spot.kind })
}

/// A number in 30 bits (2.5.217): whole or the upper half of another one, and perhaps times a hundred.
fn rk(value: u32) -> f64 {
    let number =
        if value & 2 != 0 { f64::from(value.cast_signed() >> 2) } else { f64::from_bits(u64::from(value & !3) << 32) };
    if value & 1 != 0 { number / 100.0 } else { number }
}
