//! Refuses a file that `export` wrote wherever its rows would be paid under other numbers than the ones they carry.

use super::refusal::Refusal;
use super::terms::{Terms, keys_of};
use crate::domain::batch_name::BatchName;
use crate::domain::hint::{Hint, Step};
use crate::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use crate::domain::payout::Row;
use crate::intake::{Format, Problem, ProblemKind};

/// Attempts and repeated rows of one member whose numbers are tried: far more than anyone has.
const ATTEMPTS_MAX: u32 = 50;
const KEYS_MAX: usize = 100;

/// The columns by which a result file says where its rows come from.
#[derive(Debug)]
pub(super) struct ReimportGuard<'t> {
    batch_columns: Vec<String>,
    invoice_no_columns: Vec<String>,
    terms: &'t Terms,
}

/// The headers of the file without those that `export` added behind them.
pub(super) fn own_headers(format: &Format) -> &[String] {
    let header = |at: usize| format.headers.get(at).map_or("", String::as_str);
    let is_row = |text: &str| ["row", "dòng gốc"].contains(&text.strip_prefix("topup_").unwrap_or(text));
    let is_added = |at: &usize| header(*at) == "batch" && is_row(header(*at + 1)) && header(*at + 2) == "invoice_no";
    let own = (0..format.headers.len()).find(is_added).unwrap_or(format.headers.len());
    &format.headers[..own]
}

impl<'t> ReimportGuard<'t> {
    pub(super) fn new(format: &Format, terms: &'t Terms) -> Self {
        let (batch_columns, invoice_no_columns) = (&format.batch_columns, &format.invoice_no_columns);
        Self { batch_columns: batch_columns.clone(), invoice_no_columns: invoice_no_columns.clone(), terms }
    }

    /// The number and attempt that a row says it was paid under, if it says so and this batch pays it under that.
    ///
    /// The number decides, not the batch beside it: a spreadsheet turns a batch `2026-11` into a date, and leaves the
    /// number as it is.
    ///
    /// # Errors
    /// The refusal of the whole file, if the row carries a number under which it would not be paid.
    pub(super) fn number(&self, row: &Row) -> Result<Option<(InvoiceNo, u32)>, Box<Refusal>> {
        if self.invoice_no_columns.is_empty() {
            return Ok(None);
        }
        let batch = cells(row, &self.batch_columns).find_map(|(_, cell)| BatchName::parse(cell).ok());
        let other = batch.as_ref().filter(|batch| **batch != self.terms.batch);
        let mut own = None;
        for (column, cell) in cells(row, &self.invoice_no_columns) {
            // A column of that name with other numbers is the user's own.
            let number = InvoiceNo::parse(cell).filter(|number| number.as_str().len() >= InvoiceNo::HASH_CHARS);
            let Some(number) = number else { continue };
            match self.attempt_of(row, &number) {
                Some(attempt) => own = own.or(Some((number, attempt))),
                None if other.is_some() || number.is_of(&self.terms.binding.invoice_prefix) => {
                    return Err(Box::new(self.refuse(row, column, &number, batch.as_ref())));
                }
                None => {}
            }
        }
        Ok(own)
    }

    /// The attempt under whose number this batch pays the row, if the number is one of its own.
    fn attempt_of(&self, row: &Row, number: &InvoiceNo) -> Option<u32> {
        let Terms { binding, batch, .. } = self.terms;
        let prefix: &InvoicePrefix = &binding.invoice_prefix;
        (1..=ATTEMPTS_MAX).find(|attempt| {
            let mut keys = keys_of(row).take(KEYS_MAX);
            keys.any(|key| InvoiceNo::derive(prefix, &binding.merchant_id, batch, &key, *attempt) == *number)
        })
    }

    fn refuse(&self, row: &Row, column: &str, number: &InvoiceNo, carried: Option<&BatchName>) -> Refusal {
        let batch = &self.terms.batch;
        let whose = carried.map_or_else(|| "another batch".to_owned(), |carried| format!("batch {carried}"));
        let columns = "; for a new payment to the same members take the columns that ";
        let retry = |of: Option<&BatchName>| Hint::from(Step::Retry(of.map(BatchName::to_string)));
        let hint = match carried {
            Some(carried) if carried == batch => Hint::of(
                "the rows lost the reference or phone that they were planned with, or the columns are read otherwise: use \
                 the same --column; ",
            )
            .step(Step::Retry(Some(batch.to_string())))
            .words(" needs no file"),
            Some(carried) => {
                let again = retry(Some(carried)).words(" plans again what was not paid").words(columns);
                again.step(Step::Export).words(" added out of the file")
            }
            None => retry(None)
                .words(" of the batch that the rows come from plans again what was not paid, and ")
                .step(Step::Status(None))
                .words(" lists the batches")
                .words(columns)
                .step(Step::Export)
                .words(" added out of the file"),
        };
        let message = format!(
            "the file is a result of {whose}, and batch {batch} would pay its rows under other numbers; nothing was \
             planned and nothing was sent"
        );
        let problem = Problem::of_row(
            row.row,
            ProblemKind::Duplicate,
            format!("needs a row of batch {batch}, has a payout of {whose} by its number"),
        );
        let problems = vec![problem.in_column(column.to_owned()).with_found(number.as_str())];
        Refusal { code: "other_batch", message, hint: Some(hint), problems, problem_count: 1, kinds: None }
    }
}

/// The cells of these columns with their headers, the last first: a user's own column of such a name stands in front.
fn cells<'r>(row: &'r Row, columns: &'r [String]) -> impl Iterator<Item = (&'r str, &'r str)> {
    let wanted = |(header, _): &&(String, String)| columns.contains(header);
    row.extra.iter().rev().filter(wanted).map(|(header, cell)| (header.as_str(), cell.trim()))
}
