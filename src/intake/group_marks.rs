//! Decides, over a whole column, whether `1.000` is a thousand or one.
//!
//! The first pass of two: it only happens when such a cell is met, so a file of plain numbers is read once.

use super::closing::Closing;
use super::columns::Columns;
use super::options::IntakeOptions;
use super::points::{self, Grouped, Reading, Written};
use super::problem::{IntakeError, ProblemKind};
use super::record::Record;
use super::table::Rows;
use crate::domain::column_role::ColumnRole;
use crate::domain::points::Points;

/// What the cells of a column say about its marks.
#[derive(Debug, Default)]
struct Evidence {
    /// The marks that stand in groups of three.
    marks: Vec<char>,
    /// The marks that begin decimals in cells that have one reading: `1000.00`.
    decimal_marks: Vec<char>,
    /// Some cell is no whole number of points if the mark begins decimals.
    no_decimals: bool,
    /// Some cell uses a mark otherwise than between groups of three.
    uneven: bool,
    /// Some row has no points that can be read.
    unreadable: bool,
    as_thousands: u64,
    as_decimals: u64,
    total: Option<Written>,
}

/// Reads the rows of a table to their end and decides; `options` hold what the payer knows.
pub(crate) fn decide(mut rows: Rows, columns: &Columns, options: &IntakeOptions) -> Result<Reading, IntakeError> {
    let mut evidence = Evidence::default();
    let Some(column) = columns.of(ColumnRole::Points) else { return Ok(Reading::Open) };
    let mut record = Record::default();
    let mut closing = Closing::default();
    while rows.read(&mut record)? {
        if record.is_blank() || closing.takes(&record, columns, &mut Vec::new()) {
            continue;
        }
        if record.hidden && options.visible_only {
            continue;
        }
        let cell = record.cell(column);
        match points::written(cell.text, cell.kind.number) {
            Ok(written) => evidence.row(written),
            Err(refusal) => {
                evidence.unreadable = true;
                evidence.uneven |= refusal.kind == ProblemKind::PointsFraction;
            }
        }
    }
    if let Some(total) = &closing.total {
        evidence.total(points::written(&total.cell, total.kind.number).ok());
    }
    Ok(evidence.verdict(options.expect_total))
}

impl Evidence {
    fn row(&mut self, written: Written) {
        let (thousands, decimals) = match written {
            Written::Plain(points) | Written::Rounded(points) => (points, points),
            Written::Grouped(grouped) => {
                self.grouped(grouped);
                (grouped.thousands, grouped.decimal.unwrap_or(0))
            }
            Written::Decimals(decimals) => {
                self.decimal_marks.push(decimals.mark);
                self.decimal_marks.dedup();
                (decimals.points, decimals.points)
            }
        };
        self.as_thousands = self.as_thousands.saturating_add(thousands);
        self.as_decimals = self.as_decimals.saturating_add(decimals);
    }

    fn grouped(&mut self, grouped: Grouped) {
        if !self.marks.contains(&grouped.mark) {
            self.marks.push(grouped.mark);
        }
        self.no_decimals |= grouped.decimal.is_none_or(|points| points < u64::from(Points::MIN));
    }

    fn total(&mut self, written: Option<Written>) {
        if let Some(Written::Grouped(grouped)) = written {
            self.grouped(grouped);
        }
        self.total = written;
    }

    fn verdict(&self, expect_total: Option<u64>) -> Reading {
        let [mark] = *self.marks.as_slice() else { return Reading::Open };
        if self.uneven {
            return Reading::Open;
        }
        // What begins decimals in one cell does not group in another, nor the other way round.
        if self.decimal_marks.contains(&mark) {
            return Reading::Open;
        }
        if self.no_decimals || !self.decimal_marks.is_empty() {
            return Reading::Thousands(mark);
        }
        let thousands = self.fits(Reading::Thousands(mark), self.as_thousands, expect_total);
        let decimals = self.fits(Reading::Decimals(mark), self.as_decimals, expect_total);
        match (thousands, decimals) {
            (true, false) => Reading::Thousands(mark),
            (false, true) => Reading::Decimals(mark),
            (true, true) | (false, false) => Reading::Open,
        }
    }

    /// Whether every total that is known, and at least one, is the sum under a reading.
    fn fits(&self, reading: Reading, sum: u64, expect_total: Option<u64>) -> bool {
        let total = self.total.map(|written| points::read(written, reading).ok().map(|(points, _)| points));
        let known = [total, expect_total.map(Some)];
        !self.unreadable && known.iter().any(Option::is_some) && known.iter().flatten().all(|total| *total == Some(sum))
    }
}
