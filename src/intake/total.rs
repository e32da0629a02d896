//! Recognises a closing total row and holds it against the sum of the rows.

use super::columns::Columns;
use super::meaning::{Meaning, squeezed};
use super::points::{self, Reading};
use super::problem::{Problem, ProblemKind, counted, grouped};
use super::record::{CellKind, Record};

/// A row that says it is the total of the rows above it.
#[derive(Clone, Debug)]
pub(crate) struct TotalRow {
    pub(crate) row: u64,
    label: String,
    /// The points cell as written.
    pub(crate) cell: String,
    pub(crate) kind: CellKind,
}

const LABELS: [&str; 8] = ["tong", "tongcong", "tongso", "tongsodiem", "total", "grandtotal", "sum", "cong"];

/// Takes a row with a total's label and no phone or identifier.
pub(crate) fn of(record: &Record, columns: &Columns) -> Option<TotalRow> {
    let points = columns.of(Meaning::Points)?;
    // No label has a digit, so that phones and references need no folding.
    let may_be_label = |text: &str| !text.is_empty() && text.len() < 40 && !text.bytes().any(|b| b.is_ascii_digit());
    let is_label = |text: &str| may_be_label(text) && LABELS.contains(&squeezed(text).as_str());
    let named =
        |meaning: Meaning| columns.of(meaning).map(|column| record.cell(column).text.trim()).unwrap_or_default();
    // The cheap question first: nearly every row has a phone.
    for meaning in [Meaning::Phone, Meaning::Id] {
        let text = named(meaning);
        if !text.is_empty() && !is_label(text) {
            return None;
        }
    }
    let label = record.cells().enumerate().find(|(column, cell)| *column != points && is_label(cell.text.trim()))?;
    let cell = record.cell(points);
    Some(TotalRow {
        row: record.row,
        label: label.1.text.trim().to_owned(),
        cell: cell.text.to_owned(),
        kind: cell.kind,
    })
}

impl TotalRow {
    /// The problem of a total that rows follow.
    pub(crate) fn not_last(&self, next: u64) -> Problem {
        let message = format!(
            "needs a total row at the end of the file only, has rows behind it (row {next}); remove the total, or what \
             follows it"
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
                .in_column(Meaning::Points.word())
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
                "needs points in every row to hold this total against, has {} without; correct them first",
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
    pub(crate) fn add(&mut self, points: Option<u64>) {
        match points {
            Some(points) => self.points = self.points.saturating_add(points),
            None => self.unreadable += 1,
        }
    }
}
