//! Finds the payouts that a person names, and what a person has to see before a decision.

use super::read;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::row_key::RowKey;
use crate::ledger::error::LedgerError;
use crate::ledger::facts;
use crate::ledger::record::{Batch, Binding, PayoutId};
use rusqlite::Connection;

/// Every number that this ledger, or one that was lost meanwhile, may have sent: all of them but those of payouts that
/// wait for their first send.
pub(in crate::ledger) fn verifiable_numbers(
    connection: &Connection,
    batch: &Batch,
) -> Result<Vec<(PayoutId, InvoiceNo, bool)>, LedgerError> {
    let Binding { invoice_prefix, merchant_id, .. } = &batch.binding;
    let reading = || LedgerError::sqlite("reading the ledger");
    // A batch that another merchant or prefix took over has numbers that were never sent: those that a payout's own
    // attempts do not lead to.
    let sql = "SELECT p.payout_id, i.invoice_no, i.invoice_no = p.invoice_no, i.attempt, p.row_key
               FROM payouts p JOIN invoices i USING (payout_id)
               WHERE p.batch_id = ?1 AND (i.attempt < p.attempt OR p.state <> 'planned'
                 OR EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.payout_id AND e.kind = 'submit_intended'))
               ORDER BY p.payout_id, i.attempt";
    let is_renumbered = facts::bindings(connection, batch.id)?.windows(2).any(|pair| pair[0] != pair[1]);
    let found = read::rows(connection, sql, [batch.id.0], |row| {
        let number: String = row.get(1).map_err(reading())?;
        let number =
            InvoiceNo::parse(&number).ok_or_else(|| LedgerError::Broken(format!("{number:?} is no number")))?;
        let (in_use, attempt): (bool, u32) = (row.get(2).map_err(reading())?, row.get(3).map_err(reading())?);
        let key = RowKey::from_stored(row.get(4).map_err(reading())?);
        let own = || InvoiceNo::derive(invoice_prefix, merchant_id, &batch.name, &key, attempt) == number;
        // From the row of a purged batch no number can be derived any more; only first attempts have others.
        let is_of_an_attempt = || if batch.purged_at.is_some() { attempt > 1 } else { own() };
        let is_sent = in_use || !is_renumbered || is_of_an_attempt();
        Ok(is_sent.then_some((PayoutId(row.get(0).map_err(reading())?), number, in_use)))
    })?;
    Ok(found.into_iter().flatten().collect())
}
