//! Sets aside what stands behind the last payee: the total, and the footer with the sum in words, place, date and
//! signatures, which is how a Vietnamese company's sheet ends.

use super::columns::Columns;
use super::points;
use super::problem::{Problem, ProblemKind};
use super::record::{Cell, Oddity, Record};
use super::row_shape::RowShape;
use super::total::{self, TotalRow};
use super::words::{rows_named, shortened};
use crate::domain::column_role::ColumnRole;
use crate::domain::name::normalize;

/// The most rows of a footer: what is longer is a list that should not vanish.
const FOOTER_ROWS_MAX: usize = 50;
/// From so many digits on a text in the phone's column may be meant as a phone.
const PHONE_DIGITS_MIN: usize = 6;
/// With so few letters a text with digits in the points' column may be meant as points: `10k`, `500 đ`.
const POINTS_LETTERS_MAX: usize = 4;

/// What stood behind the payees so far.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    pub(crate) total: Option<TotalRow>,
    /// The rows of the footer, by their own numbers.
    pub(crate) footer: Vec<u64>,
    /// The first text of the footer.
    words: String,
}

impl Closing {
    /// Takes a row that is no payee's; `problems` gets what turns out to be wrong with the rows that were set aside.
    pub(crate) fn takes(&mut self, record: &Record, columns: &Columns, problems: &mut Vec<Problem>) -> bool {
        let is_open = self.total.is_some() || !self.footer.is_empty();
        // The cheap questions first: nearly every row has a phone. A signature may stand in its column.
        let phone = columns.of(ColumnRole::Phone).map_or("", |column| record.cell(column).text);
        if !is_open && phone.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return false;
        }
        if !is_open && total::has_member(record, columns) && !has_words_for_member(record, columns) {
            return false;
        }
        if is_open && self.footer.len() < FOOTER_ROWS_MAX && holds_no_payout(record, columns) {
            self.note(record);
            return true;
        }
        if !record.hidden && self.takes_total(record, columns, problems) {
            return true;
        }
        if !is_open && is_footer_for_certain(record) && holds_no_payout(record, columns) {
            self.note(record);
            return true;
        }
        match self.total.take() {
            Some(total) => problems.push(total.not_last(record.row)),
            None => problems.extend(self.footer.iter().map(|row| footer_before_payees(*row, record.row))),
        }
        self.footer.clear();
        false
    }

    fn takes_total(&mut self, record: &Record, columns: &Columns, problems: &mut Vec<Problem>) -> bool {
        if let Some(total) = total::of(record, columns) {
            if let Some(before) = self.total.replace(total) {
                problems.push(before.not_last(record.row));
            }
            return true;
        }
        let subtotal = total::subtotal(record, columns);
        let is_subtotal = subtotal.is_some();
        problems.extend(subtotal);
        is_subtotal
    }

    fn note(&mut self, record: &Record) {
        if self.footer.is_empty() {
            let first = record.cells().map(|cell| cell.text.trim()).find(|text| !text.is_empty());
            first.unwrap_or_default().clone_into(&mut self.words);
        }
        self.footer.push(record.row);
    }

    /// What a person should know of the footer.
    pub(crate) fn warning(&self) -> Option<String> {
        let rows = rows_named(&self.footer);
        let words = shortened(&self.words);
        (!self.footer.is_empty()).then(|| format!("behind the list, paid nothing: {rows}, the footer («{words}» …)"))
    }
}

fn footer_before_payees(row: u64, next: u64) -> Problem {
    let message = format!(
        "needs a phone number, has the words of a footer, with payees behind it (row {next}); remove the row, or move it to \
         the end"
    );
    Problem::of_row(row, ProblemKind::PhoneMissing, message).in_column(ColumnRole::Phone.word())
}

/// Whether what stands where a member is named begins as words do.
fn has_words_for_member(record: &Record, columns: &Columns) -> bool {
    let cells = [ColumnRole::Phone, ColumnRole::Id].into_iter().filter_map(|meaning| columns.of(meaning));
    cells
        .map(|column| record.cell(column).text.trim_start())
        .all(|text| text.is_empty() || text.starts_with(|c: char| c.is_alphabetic() || c == '('))
}

/// Whether nothing in a row can be meant as a payee's phone, identifier or points.
fn holds_no_payout(record: &Record, columns: &Columns) -> bool {
    let is_free = |meaning: ColumnRole, is_meant: fn(Cell<'_>) -> bool| {
        columns.of(meaning).is_none_or(|column| {
            let cell = record.cell(column);
            cell.kind.oddity != Some(Oddity::NotComputed) && (is_date(cell.text) || !is_meant(cell))
        })
    };
    is_free(ColumnRole::Phone, |cell| digits(cell.text) >= PHONE_DIGITS_MIN && !is_labelled(cell.text))
        && is_free(ColumnRole::Points, |cell| {
            let letters = cell.text.chars().filter(|c| c.is_alphabetic()).count();
            let has_digit = cell.text.bytes().any(|b| b.is_ascii_digit());
            points::written(cell.text, cell.kind.number).is_ok() || (has_digit && letters <= POINTS_LETTERS_MAX)
        })
        && is_free(ColumnRole::Id, |cell| digits(cell.text) > 0)
        && is_free(ColumnRole::IdType, |cell| matches!(super::cells::id_type(cell.text), Ok(Some(_))))
        && !RowShape::at(record).is_of_a_table()
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// `Hotline: 0901234567`, `Liên hệ: …`: what stands behind the words is not the cell's own.
fn is_labelled(text: &str) -> bool {
    let label = text.split_once(':').map_or("", |(label, _)| label.trim());
    label.chars().count() > 1 && label.chars().all(|c| c.is_alphabetic() || c.is_whitespace())
}

/// `Hà Nội, ngày 25 tháng 11 năm 2026`, `25/11/2026`, `2026-11-25`, `TP.HCM, 25/11/2026`.
fn is_date(text: &str) -> bool {
    let folded = normalize(text);
    if folded.contains("ngay") || (folded.contains("thang") && folded.contains("nam")) {
        return true;
    }
    let is_in_digits = |text: &str| {
        let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
        let is_number = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_number) && parts.iter().any(|part| part.len() == 4)
    };
    let text = text.trim();
    let mut words = text.split([' ', ',']);
    is_in_digits(text) || (text.starts_with(char::is_alphabetic) && words.any(is_in_digits))
}

/// How the cells of a footer begin, as [`normalize`] leaves them.
const FOOTER_WORDS: [&str; 32] = [
    "bang chu",
    "viet bang chu",
    "so tien bang chu",
    "so diem bang chu",
    "tong so tien bang chu",
    "in words",
    "nguoi lap",
    "nguoi duyet",
    "nguoi kiem",
    "ke toan",
    "giam doc",
    "tong giam doc",
    "pho giam doc",
    "thu truong",
    "truong phong",
    "truong bo phan",
    "thu quy",
    "phu trach",
    "ky ten",
    "ky, ",
    "ky va",
    "ky ghi",
    "xac nhan cua",
    "phe duyet",
    "dai dien",
    "prepared by",
    "approved by",
    "reviewed by",
    "checked by",
    "chief accountant",
    "director",
    "signature",
];

/// Whether every cell of a row is one of a footer's.
fn is_footer_for_certain(record: &Record) -> bool {
    let mut cells = record.cells().map(|cell| cell.text.trim()).filter(|text| !text.is_empty()).peekable();
    cells.peek().is_some()
        && cells.all(|text| {
            let folded = normalize(text);
            let words = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
            let is_place_and_date = ["ngay", "thang", "nam"].iter().all(|word| words.contains(word));
            is_place_and_date || FOOTER_WORDS.iter().any(|begin| words.starts_with(begin))
        })
}
