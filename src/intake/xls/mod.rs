//! Reads XLS (BIFF8 of Excel 97 to 2003, BIFF5 of Excel 5 and 95) from its records (MS-XLS), with what a person sees of
//! every cell.
//!
//! An XLS has nearly all of it: number formats, struck-out, raised and lowered text (fonts, and runs of fonts), errors,
//! dates, durations, formulas without a stored value, rows and columns that are hidden or too small, and whether a
//! filter hides the rows; merges only since BIFF8. It has no value that is written as text, and no ISO dates.
//!
//! Not calamine, which gives values alone, makes room for every cell between the first and the last (5 KiB took more
//! than 1 GiB), counts cells in encrypted records, and panics on records that are shorter than they should be.

mod cells;
mod globals;
mod records;

use super::problem::IntakeError;
use super::sheet::{Hidden, ROWS_MAX, Sheet};
use cells::Cells;
pub(crate) use globals::Workbook;
use globals::damaged;

impl Workbook {
    /// Reads the sheet at a position, up to a row where one is given.
    pub(crate) fn sheet(
        &self,
        position: usize,
        warnings: Vec<String>,
        rows_max: Option<u32>,
    ) -> Result<Sheet, IntakeError> {
        let place = self.sheets.get(position).zip(self.places.get(position));
        let Some((named, at)) = place else { return Err(damaged("a sheet that it does not have")) };
        let mut sheet = Sheet::new(named.name.clone(), warnings, Hidden::default());
        let (at, number) = *at;
        let filters = self.filters.iter().filter(|(sheet, _)| *sheet == number).map(|(_, rows)| rows.clone());
        Cells::find(self, at)?.read(&mut sheet, rows_max.unwrap_or(ROWS_MAX), &filters.collect::<Vec<_>>())?;
        Ok(sheet)
    }
}
