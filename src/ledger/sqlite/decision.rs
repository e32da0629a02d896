//! Finds the payouts that a person names, and what a person has to see before a decision.

use super::read;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout_status::State;
use crate::domain::row_key::RowKey;
use crate::ledger::error::LedgerError;
use crate::ledger::facts;
use crate::ledger::record::{Batch, BatchId, Binding, PayoutId};
use rusqlite::{Connection, params};

/// Payouts of a batch that a text names: by their reference, or by any invoice_no that they ever had.
pub(in crate::ledger) fn find(
    connection: &Connection,
    batch: BatchId,
    named: &str,
) -> Result<Option<PayoutId>, LedgerError> {
    let by_reference = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND row_key = 'ref:' || ?2";
    if let Some(id) = read::one(connection, by_reference, params![batch.0, named])? {
        return Ok(Some(PayoutId(id)));
    }
    let by_number = "SELECT p.payout_id FROM invoices i JOIN payouts p USING (payout_id)
                     WHERE p.batch_id = ?1 AND i.invoice_no = ?2";
    Ok(read::one(connection, by_number, params![batch.0, named])?.map(PayoutId))
}

/// The names of a held payout: the one that the file says, and the one that the gateway gave last.
pub(in crate::ledger) fn names(
    connection: &Connection,
    payout: PayoutId,
) -> Result<(Option<String>, Option<String>), LedgerError> {
    let expected = read::one(connection, "SELECT name FROM payouts WHERE payout_id = ?1", [payout.0])?.flatten();
    let explains = read::explaining("e", State::Held);
    let sql =
        format!("SELECT e.note FROM events e WHERE e.payout_id = ?1 AND {explains} ORDER BY e.event_id DESC LIMIT 1");
    Ok((expected, read::one(connection, &sql, [payout.0])?.flatten()))
}

/// All payouts of a batch in a state.
pub(in crate::ledger) fn in_state(
    connection: &Connection,
    batch: BatchId,
    state: State,
) -> Result<Vec<PayoutId>, LedgerError> {
    let sql = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND state = ?2 ORDER BY payout_id";
    read::rows(connection, sql, params![batch.0, state.word()], |row| {
        row.get(0).map(PayoutId).map_err(LedgerError::sqlite("reading the ledger"))
    })
}

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
