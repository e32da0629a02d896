//! Reads one batch as it stood at one moment, beside a live run too: how each payout came out, what decided it, and
//! how the calls went over time.
//!
//! Architecture invariant: memory does not grow with the payouts; everything is shown once, in order, and let go.

use super::error::LedgerError;
use super::kept::Inside;
use super::outcome::{FileColumn, Outcome, TimedCall};
use super::plan_store::PlanStore;
use super::read_store::ReadStore;
use super::record::{Batch, Totals};
use super::store::Store;
use super::views::Skipped;
use crate::domain::payout_status::State;

/// A batch as it stood when the snapshot was taken: what a run writes meanwhile does not show.
#[derive(Debug)]
pub struct Snapshot<'l> {
    moment: Inside<'l>,
    batch: Batch,
}

impl<'l> Snapshot<'l> {
    pub(super) fn take(moment: Inside<'l>, name: &str) -> Result<Self, LedgerError> {
        let batch = moment.batch_named(name)?.ok_or_else(|| LedgerError::NoBatch(name.to_owned()))?;
        Ok(Self { batch: batch.unpurged()?, moment })
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Rows and points by state.
    pub fn totals(&self) -> Result<Totals, LedgerError> {
        self.moment.totals(self.batch.id)
    }

    /// The columns of the file, in its order. Where the plan kept none, those that the payouts themselves name.
    pub fn columns(&self) -> Result<Vec<FileColumn>, LedgerError> {
        let kept = self.moment.columns(self.batch.id)?;
        if !kept.is_empty() {
            return Ok(kept);
        }
        let own = ["reference", "phone", "points", "name"]
            .map(|word| FileColumn { header: word.to_owned(), meaning: Some(word.to_owned()) });
        let kept = self.moment.first_extra(self.batch.id)?;
        let kept = kept.into_iter().map(|(header, _)| FileColumn { header, meaning: None });
        Ok(own.into_iter().chain(kept).collect())
    }

    /// Shows the payouts in these states, in the order of the plan.
    ///
    /// A payout whose newest change of state is not the state that it is in refuses the whole reading: a result that
    /// contradicts the history must never reach anyone.
    ///
    /// # Errors
    /// Also when `show` fails.
    pub fn outcomes<E: From<LedgerError>>(
        &self,
        states: &[State],
        show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.moment.each_outcome(self.batch.id, states, show)
    }

    /// Shows the rows that were skipped, in the order of the file.
    ///
    /// # Errors
    /// Also when `show` fails.
    pub fn skipped<E: From<LedgerError>>(&self, show: impl FnMut(&Skipped) -> Result<(), E>) -> Result<(), E> {
        self.moment.each_skipped(&self.batch, u64::MAX, show)
    }

    /// Shows every call of the batch that has an end, and every credit, in the order in which they were recorded.
    pub fn calls(&self, show: impl FnMut(TimedCall)) -> Result<(), LedgerError> {
        self.moment.each_call(self.batch.id, show)
    }
}
