//! Offers a column that would serve as the rows' key where the file has no reference: `Mã NV`, different in every row.
//!
//! It is never taken silently. A member's number says who is paid, not which row this is: in next month's list it stands
//! again, and only the payer knows whether that is meant.

use super::column_headers::squeezed;
use super::columns::Columns;
use super::lookalike;
use super::record::Record;
use crate::domain::column_role::ColumnRole;
use crate::domain::text::typed;

/// Headers of keys that companies give to people, as [`squeezed`] leaves them.
const KEYS: [&str; 20] = [
    "manv",
    "manhanvien",
    "msnv",
    "masonhanvien",
    "makh",
    "makhachhang",
    "mahoivien",
    "mahv",
    "mathanhvien",
    "madaily",
    "macode",
    "employeeid",
    "employeecode",
    "employeeno",
    "staffid",
    "staffcode",
    "customerid",
    "customercode",
    "memberid",
    "membercode",
];

/// A column that may serve, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    column: Option<usize>,
    /// Eight bytes of every row.
    prints: Vec<u64>,
}

impl Offer {
    /// The first column of that kind, if the file has no reference.
    pub(crate) fn of(columns: &Columns) -> Self {
        let is_key = |column: &usize| KEYS.contains(&squeezed(&columns.headers[*column]).as_str());
        let column = columns.extra.iter().copied().find(is_key).filter(|_| columns.of(ColumnRole::Reference).is_none());
        Self { column, prints: Vec::new() }
    }

    /// Reads the cell of a row; a blank one ends the offer.
    pub(crate) fn note(&mut self, record: &Record) {
        let Some(column) = self.column else { return };
        match record.cell(column).text.trim() {
            "" => *self = Self::default(),
            text => self.prints.push(lookalike::appearance_hash(text)),
        }
    }

    /// The offer in words, if no two rows are the same.
    pub(crate) fn words(mut self, columns: &Columns) -> Option<String> {
        let header = columns.headers.get(self.column?)?;
        self.prints.sort_unstable();
        let is_key = self.prints.len() > 1 && self.prints.windows(2).all(|pair| pair[0] != pair[1]);
        is_key.then(|| {
            format!(
                "«{header}» is different in every row; `--column reference={}` would make it the rows' key, so that a row stays \
                 the same payout when its phone is corrected",
                typed(header)
            )
        })
    }
}
