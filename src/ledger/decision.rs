//! Finds the payouts that a person names, and what a person has to see before a decision.

use super::error::LedgerError;
use super::read;
use super::record::{BatchId, PayoutId, UnixMs};
use super::repeats::SAME_MEMBER;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::standing::State;
use rusqlite::{Connection, params};

/// Payouts of a batch that a text names: by their reference, or by any invoice_no that they ever had.
pub(super) fn find(connection: &Connection, batch: BatchId, named: &str) -> Result<Option<PayoutId>, LedgerError> {
    let by_reference = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND row_key = 'ref:' || ?2";
    if let Some(id) = read::one(connection, by_reference, params![batch.0, named])? {
        return Ok(Some(PayoutId(id)));
    }
    let by_number = "SELECT p.payout_id FROM invoices i JOIN payouts p USING (payout_id)
                     WHERE p.batch_id = ?1 AND i.invoice_no = ?2";
    Ok(read::one(connection, by_number, params![batch.0, named])?.map(PayoutId))
}

/// The names of a held payout: the one that the file says, and the one that the gateway gave last.
pub(super) fn names(
    connection: &Connection,
    payout: PayoutId,
) -> Result<(Option<String>, Option<String>), LedgerError> {
    let expected = read::one(connection, "SELECT name FROM payouts WHERE payout_id = ?1", [payout.0])?.flatten();
    let sql = "SELECT note FROM events WHERE payout_id = ?1 AND kind = 'member_answered' AND detail IN ('name_differs', 'name_missing')
               ORDER BY event_id DESC LIMIT 1";
    Ok((expected, read::one(connection, sql, [payout.0])?.flatten()))
}

/// Another batch at the same gateway that holds the same member and points planned, in doubt or held.
pub(super) fn open_elsewhere(connection: &Connection, payout: PayoutId) -> Result<Option<String>, LedgerError> {
    let sql = format!(
        "SELECT b.name FROM payouts p
         CROSS JOIN payouts o ON {SAME_MEMBER} AND o.points = p.points AND o.batch_id <> p.batch_id
         JOIN batches b ON b.batch_id = o.batch_id
         WHERE p.payout_id = ?1 AND o.state IN ('planned', 'in_doubt', 'held')
           AND b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = p.batch_id) LIMIT 1"
    );
    read::one(connection, &sql, [payout.0])
}

/// All payouts of a batch in a state.
pub(super) fn in_state(connection: &Connection, batch: BatchId, state: State) -> Result<Vec<PayoutId>, LedgerError> {
    let sql = "SELECT payout_id FROM payouts WHERE batch_id = ?1 AND state = ?2 ORDER BY payout_id";
    read::rows(connection, sql, params![batch.0, state.word()], |row| {
        row.get(0).map(PayoutId).map_err(LedgerError::sqlite("reading the ledger"))
    })
}

/// When the last send of a payout was intended or ended, in Unix milliseconds.
pub(super) fn last_send_at(connection: &Connection, payout: PayoutId) -> Result<Option<UnixMs>, LedgerError> {
    let sql = "SELECT max(at) FROM events WHERE payout_id = ?1 AND kind IN ('submit_intended', 'send_ended')";
    Ok(read::one(connection, sql, [payout.0])?.flatten())
}

/// Every number that this ledger, or one that was lost meanwhile, may have sent: all of them but those of payouts that
/// wait for their first send.
pub(super) fn verifiable_numbers(
    connection: &Connection,
    batch: BatchId,
) -> Result<Vec<(PayoutId, InvoiceNo, bool)>, LedgerError> {
    let reading = || LedgerError::sqlite("reading the ledger");
    let sql = "SELECT p.payout_id, i.invoice_no, i.attempt = p.attempt
               FROM payouts p JOIN invoices i USING (payout_id)
               WHERE p.batch_id = ?1 AND (i.attempt < p.attempt OR p.state <> 'planned'
                 OR EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.payout_id AND e.kind = 'submit_intended'))
               ORDER BY p.payout_id, i.attempt";
    read::rows(connection, sql, [batch.0], |row| {
        let number: String = row.get(1).map_err(reading())?;
        let number =
            InvoiceNo::parse(&number).ok_or_else(|| LedgerError::Broken(format!("{number:?} is no number")))?;
        Ok((PayoutId(row.get(0).map_err(reading())?), number, row.get(2).map_err(reading())?))
    })
}
