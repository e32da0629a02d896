//! The ledger as those use it who look at it as a whole, bind it elsewhere or purge it.

use super::error::LedgerError;
use super::record::{Batch, BatchId, Binding, UnixMs};
use super::sqlite::checkup::{self, Checkup};
use super::sqlite::facts as sqlite_facts;
use super::sqlite::in_doubt::{self, InDoubt};
use super::sqlite::purge::{self, Personal, Purgeable};
use super::sqlite::purge_seal;
use super::sqlite::rebinding::Rebinding;
use super::sqlite::skipped::{self, Skipped};
use super::store::Store;
use super::{Ledger, binding};
use crate::domain::sha256::Sha256;

impl Ledger {
    /// Looks at the file as a whole; what is wrong with it is a finding, not an error.
    pub fn checkup(&self) -> Result<Checkup, LedgerError> {
        checkup::checkup(self.store())
    }

    /// The first payouts in doubt of a batch, each with what became of its sends. Bounded, whatever the size of the batch.
    pub fn in_doubt(&self, batch: BatchId, rows_max: usize) -> Result<Vec<InDoubt>, LedgerError> {
        in_doubt::in_doubt(self.store(), batch, rows_max)
    }

    /// Whether what is left of a purged batch is what its purge left; `None`: it was not purged.
    pub fn is_purge_sealed(&self, batch: &Batch) -> Result<Option<bool>, LedgerError> {
        purge_seal::holds(self.store(), batch)
    }

    /// Every batch, oldest first, with what decides whether it may be purged.
    pub fn purgeable(&self) -> Result<Vec<Purgeable>, LedgerError> {
        purge::purgeable(self.store())
    }

    /// How much there is to remove from a batch.
    pub fn personal(&self, batch: BatchId) -> Result<Personal, LedgerError> {
        purge::personal(self.store(), batch)
    }

    /// The rows that a batch's newest plan skipped, in the order of the file, at most so many.
    pub fn skipped(&self, batch: &Batch, at_most: u64) -> Result<Vec<Skipped>, LedgerError> {
        let mut found = Vec::new();
        skipped::each(self.store(), batch, at_most, |skipped| {
            found.push(skipped.clone());
            Ok::<_, LedgerError>(())
        })?;
        Ok(found)
    }

    /// SHA-256 over the rows that a batch skipped.
    pub fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError> {
        sqlite_facts::skipped_sha256(self.store(), batch)
    }

    /// Begins to bind the ledger and its batches to something else: on a person's word, or, without one, what nothing was
    /// ever sent from.
    pub fn rebinding<'l>(
        &'l mut self,
        binding: &'l Binding,
        why: Option<&'l str>,
        at: UnixMs,
    ) -> Result<Rebinding<'l>, LedgerError> {
        Rebinding::begin(self.file.connection_mut(), binding, why, (at, &self.actor))
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
