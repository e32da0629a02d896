//! Reads a sheet of decisions: which payouts a person said yes to, and which no, in a column «duyệt» or `approve`.
//!
//! Such a sheet is a result file with one more column, so a payout is named by its invoice_no, or else its reference.

use super::column_headers::{role_of, squeezed};
use super::header::HEADER_ROW_MAX;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::record::{COLUMNS_MAX, Record};
use super::statement_columns::StatementColumn;
use super::table::{self, HeaderSearch};
use crate::domain::column_role::ColumnRole;
use std::collections::HashMap;
use std::path::Path;

/// Headers of the column, as [`squeezed`] leaves them.
const APPROVE: &str = "duyet pheduyet approve approved dongy quyetdinh decision";
const YES: &str = "yes y co duyet daduyet dongy approve approved ok x true 1";
const NO: &str = "no n khong khongduyet khongdongy tuchoi reject rejected false 0";

/// A payout that a person decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRow {
    /// Its invoice_no or reference.
    pub named: String,
    /// Yes or no.
    pub approved: bool,
}

struct Header {
    row: u64,
    approve: usize,
    invoice_no: Option<usize>,
    reference: Option<usize>,
}

/// The rows of a sheet that say yes or no; an empty cell says neither.
///
/// # Errors
/// The file cannot be read, has no such column, or says something that is neither: nothing is guessed.
pub fn read_decisions(path: &Path) -> Result<Vec<DecidedRow>, IntakeError> {
    let search = HeaderSearch {
        sheet: None,
        find: &find_header,
        row: |header: &Header| header.row,
        may_open_elsewhere: |_| false,
    };
    let (table, header, problem) = table::open(path, &search)?;
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    let is_hidden = |place: usize| {
        let place = u32::try_from(place).ok();
        table.sheet().is_some_and(|sheet| place.is_some_and(|place| sheet.hidden_columns.contains(&place)))
    };
    if is_hidden(header.approve) {
        let message = "needs a column of decisions that can be seen, has a hidden one; show it";
        return Err(IntakeError::file(ProblemKind::Hidden, message));
    }
    let (mut rows, mut record) = (table.rows()?, Record::default());
    let (mut decided, mut seen) = (Vec::new(), HashMap::new());
    while rows.read(&mut record)? {
        let Some(row) = decision(&record, &header)? else { continue };
        match seen.insert(row.named.clone(), row.approved) {
            Some(before) if before != row.approved => {
                let message = "needs one decision for a payout, has both yes and no; leave one of them";
                return Err(Problem::of_row(record.row, ProblemKind::Differs, message).with_found(&row.named).into());
            }
            Some(_) => {}
            None => decided.push(row),
        }
    }
    Ok(decided)
}

fn decision(record: &Record, header: &Header) -> Result<Option<DecidedRow>, IntakeError> {
    let said = record.cell(header.approve).text.trim().to_owned();
    let word = squeezed(&said);
    let is = |words: &str| words.split(' ').any(|known| known == word);
    let refuse = |kind, message: &str| Err(Problem::of_row(record.row, kind, message).with_found(&said).into());
    let approved = match (said.is_empty(), is(YES), is(NO)) {
        (true, ..) => return Ok(None),
        (false, true, _) => true,
        (false, false, true) => false,
        (false, false, false) => {
            return refuse(ProblemKind::Differs, "needs yes or no (có, không), or nothing at all; correct the cell");
        }
    };
    if record.hidden {
        return refuse(ProblemKind::Hidden, "needs decisions that can be seen, has one in a hidden row; show the row");
    }
    let cell = |place: Option<usize>| place.map(|place| record.cell(place).text.trim()).filter(|text| !text.is_empty());
    match cell(header.invoice_no).or_else(|| cell(header.reference)) {
        Some(named) => Ok(Some(DecidedRow { named: named.to_owned(), approved })),
        None => refuse(ProblemKind::Differs, "needs an invoice_no or a reference beside a decision, has neither"),
    }
}

fn find_header(read: &mut dyn FnMut(&mut Record) -> Result<bool, IntakeError>) -> Result<Header, IntakeError> {
    let mut record = Record::default();
    while record.row < HEADER_ROW_MAX && read(&mut record)? {
        let cells: Vec<&str> = record.cells().map(|cell| cell.text).take(COLUMNS_MAX).collect();
        let place = |is: &dyn Fn(&str) -> bool| cells.iter().position(|cell| is(cell));
        let approve = place(&|cell| APPROVE.split(' ').any(|known| known == squeezed(cell)));
        let invoice_no = place(&|cell| StatementColumn::InvoiceNo.is_called(cell));
        let reference = place(&|cell| role_of(cell) == Some(ColumnRole::Reference));
        if let (Some(approve), true) = (approve, invoice_no.is_some() || reference.is_some()) {
            return Ok(Header { row: record.row, approve, invoice_no, reference });
        }
    }
    let message = format!(
        "needs a header row that names duyệt (or approve) and invoice_no or reference, has none in its first \
         {HEADER_ROW_MAX} rows; add the column to what `export` wrote"
    );
    Err(IntakeError::file(ProblemKind::Columns, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<DecidedRow>, String> {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_decisions(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn yes_and_no_are_read_in_both_languages_and_nothing_is_guessed() {
        let rows = read(
            "Bảng duyệt thưởng tháng 11\nreference,invoice_no,Duyệt\nR1,TP1,Có\nR2,,không\nR3,TP3,\nR4,TP4,YES\nR5,TP5,x\n\
             R6,TP6,Từ chối\n",
        );
        let rows: Vec<(String, bool)> = rows.unwrap().into_iter().map(|row| (row.named, row.approved)).collect();
        let expected = [("TP1", true), ("R2", false), ("TP4", true), ("TP5", true), ("TP6", false)];
        assert_eq!(rows, expected.map(|(named, approved)| (named.to_owned(), approved)));
        for (text, problem) in [
            ("reference,approve\nR1,maybe\n", "row 2"),
            ("reference,approve\nR1,maybe\n", "needs yes or no"),
            ("reference,approve\n,yes\n", "needs an invoice_no or a reference"),
            ("reference,approve\nR1,yes\nR1,no\n", "has both yes and no"),
            ("reference,points\nR1,50\n", "names duyệt (or approve)"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(problem), "{problem:?} is not in {said}");
        }
    }
}
