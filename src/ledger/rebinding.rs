//! Binds a ledger and its batches to another gateway or terminal: on a person's word, or, where nothing was ever sent, to
//! whatever a corrected configuration says. All in one transaction, or nothing.

use super::binding;
use super::database::Transaction;
use super::error::LedgerError;
use super::facts;
use super::kept::Inside;
use super::ledger_chain::{self, LedgerEvent};
use super::plan_store::PlanStore;
use super::record::{Batch, BatchId, Binding, UnixMs};
use super::store::Store;
use super::team;
use super::words::actor_word;
use crate::domain::approval::Actor;
use crate::domain::payout::TopUp;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;

/// A change of what a ledger belongs to. Dropped before [`Rebinding::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Rebinding<'l> {
    transaction: Inside<'l>,
    binding: &'l Binding,
    /// A person's reason; without one only what never intended a top-up is bound anew.
    why: Option<&'l str>,
    at: UnixMs,
    actor: String,
}

impl<'l> Rebinding<'l> {
    pub(super) fn begin(
        transaction: Inside<'l>,
        binding: &'l Binding,
        why: Option<&'l str>,
        (at, actor): (UnixMs, &Actor),
    ) -> Result<Self, LedgerError> {
        // Nothing is bound anew over what somebody edited.
        transaction.check_before_plan(None)?;
        // Whoever binds plans elsewhere seals them anew, and an approval is of one seal.
        if team::team(&*transaction)?.policy() == Policy::TwoPersons {
            return Err(LedgerError::BoundByTwo);
        }
        Ok(Self { transaction, binding, why, at, actor: actor_word(actor, false) })
    }

    /// Binds the ledger as a whole; gives what it was bound to where that was another, and `None` where nothing changed.
    ///
    /// # Errors
    /// [`LedgerError::Bound`] where top-ups were intended and this is another merchant or prefix, or nobody says why.
    pub fn ledger(&self) -> Result<Option<String>, LedgerError> {
        let Some([host, merchant, prefix]) = self.transaction.bound_to()? else { return Ok(None) };
        if binding::ledger_difference(&*self.transaction, self.binding)?.is_none() {
            return Ok(None);
        }
        let is_same_merchant = merchant == self.binding.merchant_id && prefix == self.binding.invoice_prefix.as_str();
        if !(is_same_merchant && self.why.is_some()) && self.transaction.is_touched(None)? {
            binding::check(&*self.transaction, None, self.binding)?;
        }
        let event = LedgerEvent::Bound { binding: self.binding, why: self.why };
        ledger_chain::append(&*self.transaction, self.at, &self.actor, &event)?;
        Ok(Some(format!("gateway {host}, merchant {merchant}, prefix {prefix:?}")))
    }

    /// Binds a batch; false where nothing changed. Its plan has to be sealed anew then.
    ///
    /// # Errors
    /// [`LedgerError::Bound`] as [`Rebinding::ledger`] does.
    pub fn batch(&self, batch: &Batch) -> Result<bool, LedgerError> {
        if binding::batch_difference(batch, self.binding).is_none() {
            return Ok(false);
        }
        let (old, new) = (&batch.binding, self.binding);
        let is_same_merchant = old.merchant_id == new.merchant_id && old.invoice_prefix == new.invoice_prefix;
        if !(is_same_merchant && self.why.is_some()) && self.transaction.is_touched(Some(batch.id))? {
            binding::check(&*self.transaction, Some(batch), self.binding)?;
        }
        self.transaction.check_before_plan(Some(batch.id))?;
        self.transaction.bind_batch(batch.id, new)?;
        if !is_same_merchant {
            self.number_anew(&Batch { binding: new.clone(), ..batch.clone() })?;
        }
        Ok(true)
    }

    /// Nothing was ever sent under the numbers that the payouts had: those stay in the ledger, and are never sent.
    fn number_anew(&self, batch: &Batch) -> Result<(), LedgerError> {
        let mut after = None;
        loop {
            let payouts = self.transaction.keys_after(batch.id, after)?;
            let Some((last, _)) = payouts.last() else { return Ok(()) };
            after = Some(*last);
            for (payout, key) in payouts {
                self.transaction.renumber(payout, &batch.first_number(&key))?;
            }
        }
    }

    /// Shows each payout of a batch in the order of the row keys, with the name that its file says.
    pub fn in_key_order(
        &self,
        batch: BatchId,
        show: impl FnMut(&str, &TopUp, Option<&str>),
    ) -> Result<(), LedgerError> {
        self.transaction.in_key_order(batch, show)
    }

    /// SHA-256 over the rows that a batch skipped.
    pub fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError> {
        self.transaction.skipped_sha256(batch)
    }

    /// Seals the plan of a batch anew, and writes what it is bound to into its history.
    pub fn seal(&self, batch: BatchId, plan_sha256: Sha256) -> Result<(), LedgerError> {
        self.transaction.seal_anew(batch, plan_sha256)?;
        facts::record(&*self.transaction, batch, (self.at, &self.actor), None)
    }

    /// Makes the change durable.
    pub fn commit(self) -> Result<(), LedgerError> {
        self.transaction.make_durable("binding the ledger to another configuration")
    }
}
