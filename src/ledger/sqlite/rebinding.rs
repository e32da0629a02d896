//! Binds a ledger and its batches to another gateway or terminal: on a person's word, or, where nothing was ever sent, to
//! whatever a corrected configuration says. All in one transaction, or nothing.

use super::read;
use super::soundness;
use crate::domain::approval::Actor;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::ledger::binding;
use crate::ledger::error::LedgerError;
use crate::ledger::facts;
use crate::ledger::ledger_chain::{self, LedgerEvent};
use crate::ledger::record::{Batch, BatchId, Binding, UnixMs};
use crate::ledger::store::Store;
use crate::ledger::team;
use crate::ledger::words::actor_word;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

const REBINDING: &str = "binding the ledger to another configuration";
/// Payouts that are read before they get their new numbers.
const PAGE: usize = 512;

/// A change of what a ledger belongs to. Dropped before [`Rebinding::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Rebinding<'l> {
    transaction: Transaction<'l>,
    binding: &'l Binding,
    /// A person's reason; without one only what never intended a top-up is bound anew.
    why: Option<&'l str>,
    at: UnixMs,
    actor: String,
}

impl<'l> Rebinding<'l> {
    pub(in crate::ledger) fn begin(
        connection: &'l mut Connection,
        binding: &'l Binding,
        why: Option<&'l str>,
        (at, actor): (UnixMs, &Actor),
    ) -> Result<Self, LedgerError> {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(LedgerError::sqlite(REBINDING))?;
        // Nothing is bound anew over what somebody edited.
        soundness::check_before_plan(&transaction, None)?;
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

    /// Binds a batch; false where nothing changed. Its plan has to be sealed anew then. `number` derives the number of a
    /// row's first attempt, under this binding.
    ///
    /// # Errors
    /// [`LedgerError::Bound`] as [`Rebinding::ledger`] does.
    pub fn batch(&self, batch: &Batch, number: &dyn Fn(&RowKey) -> InvoiceNo) -> Result<bool, LedgerError> {
        if binding::batch_difference(batch, self.binding).is_none() {
            return Ok(false);
        }
        let (old, new) = (&batch.binding, self.binding);
        let is_same_merchant = old.merchant_id == new.merchant_id && old.invoice_prefix == new.invoice_prefix;
        if !(is_same_merchant && self.why.is_some()) && self.transaction.is_touched(Some(batch.id))? {
            binding::check(&*self.transaction, Some(batch), self.binding)?;
        }
        soundness::check_before_plan(&self.transaction, Some(batch.id))?;
        self.transaction
            .execute(
                "UPDATE batches SET gateway_host = ?2, merchant_id = ?3, terminal_id = ?4, invoice_prefix = ?5
                 WHERE batch_id = ?1",
                params![batch.id.0, new.gateway_host, new.merchant_id, new.terminal_id, new.invoice_prefix.as_str()],
            )
            .map_err(LedgerError::sqlite(REBINDING))?;
        if !is_same_merchant {
            self.number_anew(batch.id, number)?;
        }
        Ok(true)
    }

    /// Nothing was ever sent under the numbers that the payouts had: those stay in the ledger, and are never sent.
    fn number_anew(&self, batch: BatchId, number: &dyn Fn(&RowKey) -> InvoiceNo) -> Result<(), LedgerError> {
        let numbering = || LedgerError::sqlite("giving payouts the numbers of another binding");
        let page = format!(
            "SELECT payout_id, row_key FROM payouts WHERE payout_id > ?2 AND +batch_id = ?1 ORDER BY payout_id LIMIT {PAGE}"
        );
        let mut after = 0;
        loop {
            let payouts = read::rows(&self.transaction, &page, [batch.0, after], |row| {
                Ok((row.get::<_, i64>(0).map_err(numbering())?, row.get::<_, String>(1).map_err(numbering())?))
            })?;
            let Some((last, _)) = payouts.last() else { return Ok(()) };
            after = *last;
            for (payout, key) in payouts {
                let number = number(&RowKey::from_stored(key));
                // A number that the payout had under an earlier binding is its own again.
                self.transaction
                    .prepare_cached(
                        "INSERT INTO invoices (invoice_no, payout_id, attempt) VALUES (?1, ?2, 1)
                         ON CONFLICT (invoice_no) DO NOTHING",
                    )
                    .and_then(|mut statement| statement.execute(params![number.as_str(), payout]))
                    .map_err(numbering())?;
                let owner = "SELECT payout_id FROM invoices WHERE invoice_no = ?1";
                if read::one::<i64>(&self.transaction, owner, [number.as_str()])? != Some(payout) {
                    return Err(LedgerError::Broken(format!("{number} belongs to another payout")));
                }
                self.transaction
                    .prepare_cached("UPDATE payouts SET invoice_no = ?2 WHERE payout_id = ?1 AND attempt = 1")
                    .and_then(|mut statement| statement.execute(params![payout, number.as_str()]))
                    .map_err(numbering())?;
            }
        }
    }

    /// Shows each payout of a batch in the order of the row keys, with the name that its file says.
    pub fn in_key_order(
        &self,
        batch: BatchId,
        show: impl FnMut(&str, &TopUp, Option<&str>),
    ) -> Result<(), LedgerError> {
        read::in_key_order(&self.transaction, batch, show)
    }

    /// SHA-256 over the rows that a batch skipped.
    pub fn skipped_sha256(&self, batch: BatchId) -> Result<Sha256, LedgerError> {
        super::facts::skipped_sha256(&self.transaction, batch)
    }

    /// Seals the plan of a batch anew, and writes what it is bound to into its history.
    pub fn seal(&self, batch: BatchId, plan_sha256: Sha256) -> Result<(), LedgerError> {
        self.transaction
            .execute("UPDATE batches SET plan_sha256 = ?2 WHERE batch_id = ?1", params![batch.0, plan_sha256])
            .map_err(LedgerError::sqlite(REBINDING))?;
        facts::record(&*self.transaction, batch, (self.at, &self.actor), None)
    }

    /// Makes the change durable.
    pub fn commit(self) -> Result<(), LedgerError> {
        self.transaction.commit().map_err(LedgerError::sqlite(REBINDING))
    }
}
