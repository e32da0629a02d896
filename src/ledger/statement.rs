//! Holds the lines of a provider's statement beside the ledger, in the database's own temporary space, so that memory
//! does not grow with them.

use super::error::LedgerError;
use super::kept::Inside;
use super::read_store::ReadStore;
use super::record::{Batch, BatchId, PayoutId};
use super::views::LedgerEntry;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::statement::Line;

/// Whose number it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberOwner {
    /// A payout of the batch; the number may be that of an earlier attempt.
    Payout(PayoutId),
    /// Another batch of this ledger.
    OtherBatch(String),
    /// Nobody in this ledger.
    Nobody,
}

/// A statement that is held against one batch. The ledger is read as it stands at the beginning, and not changed.
#[derive(Debug)]
pub struct StatementLines<'l> {
    moment: Inside<'l>,
    batch: BatchId,
}

impl<'l> StatementLines<'l> {
    pub(super) fn begin(moment: Inside<'l>, batch: &Batch) -> Result<Self, LedgerError> {
        moment.hold_lines()?;
        Ok(Self { moment, batch: batch.id })
    }

    /// Whose a number is, of whichever attempt.
    pub fn owner(&self, number: &InvoiceNo) -> Result<NumberOwner, LedgerError> {
        Ok(match self.moment.owner(number)? {
            Some((payout, batch, _)) if batch == self.batch => NumberOwner::Payout(payout),
            Some((_, _, name)) => NumberOwner::OtherBatch(name),
            None => NumberOwner::Nobody,
        })
    }

    /// Keeps a line of a payout, or of nobody.
    pub fn keep(&self, line: &Line, payout: Option<PayoutId>) -> Result<(), LedgerError> {
        self.moment.hold_line(line, payout)
    }

    /// Shows every payout of the batch with its lines, in the order of the plan.
    pub fn each_payout(&self, mut show: impl FnMut(&LedgerEntry, &[Line])) -> Result<(), LedgerError> {
        let mut current: Option<(PayoutId, LedgerEntry)> = None;
        let mut lines = Vec::new();
        self.moment.each_held(self.batch, |payout, entry, line| {
            if current.as_ref().is_none_or(|(before, _)| *before != payout) {
                if let Some((_, entry)) = current.replace((payout, entry)) {
                    show(&entry, &lines);
                }
                lines.clear();
            }
            lines.extend(line);
        })?;
        if let Some((_, entry)) = current {
            show(&entry, &lines);
        }
        Ok(())
    }

    /// Shows the lines of nobody's numbers, number by number.
    pub fn each_stranger(&self, mut show: impl FnMut(&[Line])) -> Result<(), LedgerError> {
        let mut lines: Vec<Line> = Vec::new();
        self.moment.each_stranger(|line| {
            if lines.last().is_some_and(|before| before.number != line.number) {
                show(&lines);
                lines.clear();
            }
            lines.push(line);
        })?;
        if !lines.is_empty() {
            show(&lines);
        }
        Ok(())
    }
}
