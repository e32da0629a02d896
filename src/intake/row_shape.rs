//! Looks at a row before it is known what its columns mean: where something stands that would be a payee's.

use super::columns::Columns;
use super::record::{COLUMNS_MAX, Oddity, Record};
use super::{cells, phone, points};
use crate::domain::column_role::ColumnRole;

/// The fewest digits that a person takes for a phone, right or wrong.
const PHONE_DIGITS_MIN: usize = 8;

/// What a row holds, by column.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowShape {
    /// The spreadsheet's own row number.
    pub(crate) row: u64,
    /// Cells with a readable phone.
    pub(crate) phones: Vec<usize>,
    /// Cells with a phone that is no number of today's, or a word of `id_type`.
    near_phones: Vec<usize>,
    /// Cells with points that one top-up may carry.
    pub(crate) points: Vec<usize>,
    /// Cells with anything in them.
    filled: Vec<usize>,
    /// Some cell is the label of another: `MST:`, `Hotline:`.
    has_label: bool,
}

impl RowShape {
    /// Looks at a row, no further than a sheet may be wide.
    pub(crate) fn at(record: &Record) -> Self {
        let mut glance = Self { row: record.row, ..Self::default() };
        for (column, cell) in record.cells().enumerate().take(COLUMNS_MAX) {
            let text = cell.text.trim();
            // A formula without its value may be anything.
            if cell.kind.oddity == Some(Oddity::NotComputed) {
                glance.filled.push(column);
                glance.near_phones.push(column);
                glance.points.push(column);
                continue;
            }
            if text.is_empty() {
                continue;
            }
            glance.filled.push(column);
            glance.has_label |= text.ends_with(':');
            if phone::read(text, cell.kind.number).is_ok() {
                glance.phones.push(column);
            } else if is_like_phone(text) || matches!(cells::id_type(text), Ok(Some(_))) {
                glance.near_phones.push(column);
            }
            if is_points(text, cell.kind.number) {
                glance.points.push(column);
            }
        }
        glance
    }

    /// Whether the row would be a payee's under these columns, or is one of a table with columns of its own.
    pub(crate) fn is_payee(&self, columns: &Columns) -> bool {
        let stands = |meaning: ColumnRole, among: &[usize]| columns.of(meaning).is_some_and(|at| among.contains(&at));
        let is_named = stands(ColumnRole::Phone, &self.phones);
        let is_nearly = stands(ColumnRole::Phone, &self.near_phones) || stands(ColumnRole::IdType, &self.near_phones);
        (is_named && stands(ColumnRole::Points, &self.filled))
            || (is_nearly && stands(ColumnRole::Points, &self.points))
            || self.is_of_a_table()
    }

    /// Whether a phone and points stand anywhere in the row, and neither is the value of a label.
    pub(crate) fn is_of_a_table(&self) -> bool {
        let apart = self.phones.iter().any(|phone| self.points.iter().any(|points| points != phone));
        apart && !self.has_label
    }
}

/// Digits enough for a phone, and besides them only what people put between them.
fn is_like_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= PHONE_DIGITS_MIN && !text.chars().any(char::is_alphabetic) && !text.contains(['/', ':'])
}

fn is_points(text: &str, number: bool) -> bool {
    let value = match points::written(text, number) {
        Ok(points::Written::Plain(value) | points::Written::Rounded(value)) => value,
        Ok(points::Written::Grouped(grouped)) => grouped.thousands,
        Ok(points::Written::Decimals(decimals)) => decimals.points,
        Err(_) => return false,
    };
    points::in_range(value).is_ok()
}
