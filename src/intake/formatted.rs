//! Puts numbers and texts into a sheet with what their number format shows of them.

use super::dates::date_text;
use super::number_format::{NumberFormat, Shown, at_15_digits};
use super::problem::IntakeError;
use super::record::{CellKind, Oddity};
use super::sheet::Sheet;

impl Sheet {
    /// Adds a number under its format, `None` for General.
    pub(crate) fn push_number(
        &mut self,
        (row, column): (u32, u32),
        number: f64,
        format: Option<&NumberFormat>,
        kind: CellKind,
        counts_from_1904: bool,
    ) -> Result<(), IntakeError> {
        // Display never writes an exponent, so a whole number has its digits and nothing else.
        let text = number.to_string();
        let odd = |oddity| CellKind { oddity: Some(oddity), ..kind };
        match format.map_or(Shown::AsIs, |format| format.number(number)) {
            Shown::AsIs => self.push(row, column, &text, kind),
            Shown::Other(seen) => self.push_seen(row, column, (&text, &seen), odd(Oddity::Format)),
            Shown::Unclear => self.push(row, column, &text, odd(Oddity::Format)),
            Shown::Date => {
                let date = date_text(number, counts_from_1904);
                self.push(row, column, &date, CellKind { number: false, ..odd(Oddity::Date) })
            }
            Shown::Duration(seen) => {
                let kind = CellKind { number: false, ..odd(Oddity::Duration) };
                self.push_seen(row, column, (&at_15_digits(number), &seen), kind)
            }
        }
    }

    /// Adds a text under its format, which may hide or change it.
    pub(crate) fn push_text(
        &mut self,
        (row, column): (u32, u32),
        text: &str,
        format: Option<&NumberFormat>,
        kind: CellKind,
    ) -> Result<(), IntakeError> {
        match format.filter(|_| !text.is_empty()).and_then(|format| format.text(text)) {
            Some(seen) => {
                let kind = CellKind { oddity: Some(Oddity::Format), ..kind };
                self.push_seen(row, column, (text, &seen), kind)
            }
            None => self.push(row, column, text, kind),
        }
    }
}
