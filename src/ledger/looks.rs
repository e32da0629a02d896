//! The ledger as those use it who look at it as a whole, bind it elsewhere or purge it.

use super::database::Database;
use super::error::LedgerError;
use super::plan_store::PlanStore;
use super::read_store::ReadStore;
use super::rebinding::Rebinding;
use super::record::{Batch, BatchId, Binding, UnixMs};
use super::store::Store;
use super::views::{Checkup, Found, InDoubt, Personal, Purgeable, Skipped};
use super::{Ledger, binding};
use crate::domain::sha256::Sha256;
use std::path::Path;

impl Ledger {
    /// Looks at the file as a whole; what is wrong with it is a finding, not an error.
    pub fn checkup(&self) -> Result<Checkup, LedgerError> {
        self.store().checkup()
    }

    /// The first payouts in doubt of a batch, each with what became of its sends. Bounded, whatever the size of the batch.
    pub fn in_doubt(&self, batch: BatchId, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError> {
        self.store().in_doubt(batch, rows_max)
    }

    /// Copies the ledger as it is at one moment into a new file that only its owner may read; a run beside it goes on. The
    /// copy bears its name once it is whole, sound and durable. Gives its size in bytes.    ///
    /// # Errors
    /// Where there is a file of that name, the disk is full, or the copy is damaged. Nothing is left behind then.
    pub fn back_up(&self, to: &Path) -> Result<u64, LedgerError> {
        self.file.back_up(to)
    }

    /// The payouts of all batches that a text names: by a phone in any spelling, a reference, or any invoice_no that they
    /// ever had; newest batch first, at most [`super::FOUND_MAX`].
    pub fn find(&self, text: &str) -> Result<Vec<Found>, LedgerError> {
        self.file.moment()?.find(text)
    }

    /// Whether what is left of a purged batch is what its purge left; `None`: it was not purged.
    pub fn is_purge_sealed(&self, batch: &Batch) -> Result<Option<bool>, LedgerError> {
        self.store().is_purge_sealed(batch)
    }

    /// Every batch, oldest first, with what decides whether it may be purged.
    pub fn purgeable(&self) -> Result<Vec<Purgeable>, LedgerError> {
        self.store().purgeable()
    }

    /// How much there is to remove from a batch.
    pub fn personal(&self, batch: BatchId) -> Result<Personal, LedgerError> {
        self.store().personal(batch)
    }

    /// The rows that a batch's newest plan skipped, in the order of the file, at most so many.
    pub fn skipped(&self, batch: &Batch, at_most: u64) -> Result<Vec<Skipped>, LedgerError> {
        let mut found = Vec::new();
        self.store().each_skipped(batch, at_most, |skipped| {
            found.push(skipped.clone());
            Ok::<_, LedgerError>(())
        })?;
        Ok(found)
    }

    /// SHA-256 over the rows that a batch skipped.
    pub fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError> {
        self.store().skipped_sha256(batch)
    }

    /// Begins to bind the ledger and its batches to something else: on a person's word, or, without one, what nothing was
    /// ever sent from.
    pub fn rebinding<'l>(
        &'l mut self,
        binding: &'l Binding,
        why: Option<&'l str>,
        at: UnixMs,
    ) -> Result<Rebinding<'l>, LedgerError> {
        Rebinding::begin(self.file.begin(false)?, binding, why, (at, &self.actor))
    }

    /// Refuses another gateway, merchant or prefix than the ledger belongs to, and another terminal than the batch's.
    ///
    /// # Errors
    /// [`LedgerError::Bound`], naming both and what to do.
    pub fn check_binding(&self, batch: Option<&Batch>, binding: &Binding) -> Result<(), LedgerError> {
        binding::check(self.store(), batch, binding)
    }

    /// What of the binding of the ledger, or of a batch, another one would take over: nothing was ever sent from it.
    pub fn takes_over(&self, batch: Option<&Batch>, binding: &Binding) -> Result<bool, LedgerError> {
        let ledger = binding::ledger_difference(self.store(), binding)?.is_some();
        let is_open = !ledger || !self.store().is_touched(None)?;
        let Some(batch) = batch else { return Ok(ledger && is_open) };
        let differs = binding::batch_difference(batch, binding).is_some();
        let is_open = is_open && (!differs || !self.store().is_touched(Some(batch.id))?);
        Ok((ledger || differs) && is_open)
    }
}
