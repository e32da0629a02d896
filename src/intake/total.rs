//! Recognises a closing total row and compares it with the sum of the rows.

use super::columns::Columns;
use super::points::{self, Reading};
use super::problem::{Problem, ProblemKind};
use super::qualified;
use super::record::{CellKind, Record};
use crate::domain::column_role::ColumnRole;
use crate::domain::name::normalize;
use crate::domain::text::{counted, grouped};
use unicode_normalization::UnicodeNormalization;

/// A row that says it is the total of the rows above it.
#[derive(Clone, Debug)]
pub(crate) struct TotalRow {
    pub(crate) row: u64,
    label: String,
    /// The points cell as written.
    pub(crate) cell: String,
    pub(crate) kind: CellKind,
}

/// What a row that names a sum is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    /// The sum of all rows.
    Total,
    /// The sum of some: `Cộng Kho A`.
    Subtotal,
}

/// The longest label, in bytes.
const LABEL_BYTES_MAX: usize = 160;
/// What may stand behind `Tổng` or `Total` in the label of all rows' sum, as [`normalize`] leaves it.
const OF_ALL: [&str; 37] = [
    "so",
    "diem",
    "thuong",
    "tien",
    "luong",
    "kh",
    "khach",
    "hang",
    "nguoi",
    "nhan",
    "vien",
    "nv",
    "hoi",
    "thanh",
    "dong",
    "tat",
    "ca",
    "toan",
    "bo",
    "danh",
    "sach",
    "nap",
    "points",
    "point",
    "amount",
    "rows",
    "members",
    "member",
    "customers",
    "people",
    "all",
    "of",
    "the",
    "vinid",
    "can",
    "tang",
    "chung",
];

/// Whether a row names a member, so that it is no total.
pub(crate) fn has_member(record: &Record, columns: &Columns) -> bool {
    [ColumnRole::Phone, ColumnRole::Id].into_iter().any(|meaning| {
        let text = columns.of(meaning).map_or("", |column| record.cell(column).text.trim());
        !text.is_empty() && label(text).is_none()
    })
}

/// The label of a row without a phone or identifier, and what it is the sum of.
fn labelled<'r>(record: &'r Record, columns: &Columns) -> Option<(&'r str, Label)> {
    let points = columns.of(ColumnRole::Points)?;
    if has_member(record, columns) {
        return None;
    }
    let name = columns.of(ColumnRole::Name);
    let of = |(column, text): (usize, &'r str)| {
        let label = label(text)?;
        // «Công», «Tong», «Sum» are people's names; nobody is called «Tổng cộng» or «Total points».
        let is_nobody = label == Label::Total && text.split_whitespace().count() > 1 && !is_like_a_name(text);
        (Some(column) != name || is_nobody).then_some((text, label))
    };
    let cells = record.cells().map(|cell| cell.text.trim()).enumerate();
    cells.filter(|(column, text)| *column != points && !text.is_empty()).find_map(of)
}

/// `Tong Cong` without its diacritics could be `Tống Công`.
fn is_like_a_name(text: &str) -> bool {
    text.is_ascii() && !text.to_ascii_lowercase().contains("total")
}

/// What a text is the label of: `Tổng`, `CỘNG`, `Tổng điểm`, `Total points`, `Tổng cộng (3 KH)`, `Cộng Kho A`.
fn label(text: &str) -> Option<Label> {
    // Phones and references are no labels, and need no folding to find that out.
    let begins = text.trim_start_matches(|c: char| !c.is_alphanumeric()).chars().next()?;
    if text.len() > LABEL_BYTES_MAX || !matches!(begins, 't' | 'T' | 'c' | 'C' | 'g' | 'G' | 's' | 'S') {
        return None;
    }
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    let outside = lower.split('(').next().unwrap_or_default();
    let words: Vec<&str> = outside.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let rest = match words.as_slice() {
        // With its diacritics or with none at all: «Tống» is a family name, «Công» a given one.
        ["tổng", "cộng", rest @ ..] | ["tong", "cong", rest @ ..] | ["grand", "total", rest @ ..] => rest,
        ["cộng", "tác" | "đồng" | "hòa" | "hoà", ..] | ["tổng", "công" | "giám" | "hợp" | "kết", ..] => {
            return None;
        }
        ["tổng" | "tong" | "cộng" | "total" | "totals" | "sum", rest @ ..] => rest,
        ["subtotal", ..] | ["sub", "total", ..] => return Some(Label::Subtotal),
        _ => return None,
    };
    let folded: Vec<String> = rest.iter().map(|word| normalize(word)).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    let is_of_all = |word: &&str| OF_ALL.contains(word) || word.bytes().all(|b| b.is_ascii_digit());
    let all = qualified::without_periods(&folded).iter().all(is_of_all);
    Some(if all { Label::Total } else { Label::Subtotal })
}

/// Takes a row with a total's label and no phone or identifier.
pub(crate) fn of(record: &Record, columns: &Columns) -> Option<TotalRow> {
    let (label, Label::Total) = labelled(record, columns)? else { return None };
    let cell = record.cell(columns.of(ColumnRole::Points)?);
    Some(TotalRow { row: record.row, label: label.to_owned(), cell: cell.text.to_owned(), kind: cell.kind })
}

/// The problem of a row that is the sum of a group.
pub(crate) fn subtotal(record: &Record, columns: &Columns) -> Option<Problem> {
    let (label, Label::Subtotal) = labelled(record, columns)? else { return None };
    let points = columns.of(ColumnRole::Points).map_or("", |column| record.cell(column).text.trim());
    let message = "needs payees and at most one total of all of them, has what looks like the subtotal of a group; remove \
                   the rows of subtotals";
    (!points.is_empty()).then(|| Problem::of_row(record.row, ProblemKind::Total, message).with_found(label))
}

/// Says of a missing phone what else the row may be: a label in the name's column is a person's name.
pub(crate) fn advise(record: &Record, columns: &Columns, problems: &mut [Problem]) {
    let name = columns.of(ColumnRole::Name).map_or("", |column| record.cell(column).text.trim());
    if label(name).is_none() {
        return;
    }
    for problem in problems.iter_mut().filter(|problem| problem.kind == ProblemKind::PhoneMissing) {
        problem.message.push_str(
            "; if the row is a total, write its label into another column than the name's, or in full («Tổng cộng»)",
        );
    }
}

impl TotalRow {
    /// The problem of a total that rows follow.
    pub(crate) fn not_last(&self, next: u64) -> Problem {
        let message = format!(
            "needs a total row at the end of the file only, has rows behind it (row {next}); remove the total (the subtotal \
             of a group?), or what follows it"
        );
        Problem::of_row(self.row, ProblemKind::Total, message).with_found(&self.label)
    }

    /// The points that the row names.
    pub(crate) fn points(&self, reading: Reading) -> Option<u64> {
        let written = points::written(&self.cell, self.kind.number).ok()?;
        points::read(written, reading).ok().map(|(points, _)| points)
    }

    /// The problem of a total that is not the sum.
    pub(crate) fn judged(&self, reading: Reading, sum: Sum) -> Result<u64, Problem> {
        let refuse = |message: String| {
            Problem::of_row(self.row, ProblemKind::Total, message)
                .in_column(ColumnRole::Points.word())
                .with_found(&self.cell)
        };
        let Some(total) = self.points(reading) else {
            return Err(refuse(format!(
                "needs the sum of the rows ({}) in the total row, has no number; correct or remove it",
                grouped(sum.points)
            )));
        };
        if sum.unreadable > 0 {
            let message = format!(
                "needs points in every row to compare this total with, has {} without; correct them first",
                counted(sum.unreadable, "row")
            );
            return Err(refuse(message));
        }
        if total != sum.points {
            let message = format!(
                "needs the sum of the rows, {}, has {}; a row is missing, doubled or wrong, or the total is old",
                grouped(sum.points),
                grouped(total)
            );
            return Err(refuse(message));
        }
        Ok(total)
    }
}

/// The points of all rows, refused ones too.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) points: u64,
    /// The rows whose points cannot be read.
    pub(crate) unreadable: u64,
}

impl Sum {
    /// The sum of the rows of both.
    pub(crate) fn and(self, other: Self) -> Self {
        let points = self.points.saturating_add(other.points);
        Self { points, unreadable: self.unreadable + other.unreadable }
    }

    pub(crate) fn add(&mut self, points: Option<u64>) {
        match points {
            Some(points) => self.points = self.points.saturating_add(points),
            None => self.unreadable += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_all_rows_is_told_from_that_of_a_group_and_from_names() {
        for text in [
            "Tổng",
            "TỔNG CỘNG:",
            "Tong cong",
            "Cộng",
            "Tổng điểm",
            "Tổng số",
            "Tổng cộng (3 KH)",
            "Tổng cộng: 3 khách hàng",
            "Tổng điểm thưởng tháng 11/2026",
            "Total points",
            "Grand total",
            "SUM",
            "To\u{302}\u{309}ng",
        ] {
            assert_eq!(label(text), Some(Label::Total), "{text}");
        }
        for text in ["Cộng Kho A", "Tổng chi nhánh Hà Nội", "Total Hanoi", "Subtotal"] {
            assert_eq!(label(text), Some(Label::Subtotal), "{text}");
        }
        for text in
            ["Công", "Cong", "Tống", "Tống Công", "Cộng tác viên", "Tổng công ty A", "Trần Cường", "", "0901234567"]
        {
            assert_eq!(label(text), None, "{text}");
        }
    }
}
