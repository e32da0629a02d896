//! Decides whether an intent may become a permit: the row is what it was planned with, and as many persons approved it as
//! the policy of now demands. Whoever writes to the ledger, by whichever door, comes by here.

use super::error::LedgerError;
use super::proposals;
use super::record::{BatchId, PayoutId};
use super::row::{self, TOP_UP_COLUMNS};
use super::row_seal::{SEALED_COLUMNS, Sealed};
use crate::domain::payout::TopUp;
use rusqlite::{Row, Transaction};

/// The version of the plan up to which permits are minted, and the end of the ledger's own history for which that was
/// found: people and policy may change during a run.
pub(super) type Payable = Option<([u8; 32], u32)>;

/// The version of the plan up to which permits may be minted, found again whenever people or policy changed.
pub(super) fn payable(known: &mut Payable, transaction: &Transaction<'_>, batch: BatchId) -> Result<u32, LedgerError> {
    let head = transaction
        .prepare_cached("SELECT chain_head FROM ledger")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(LedgerError::sqlite("reading the end of the ledger's own history"))?;
    match *known {
        Some((then, version)) if then == head => Ok(version),
        Some(_) | None => {
            let version = proposals::payable(transaction, batch)?;
            *known = Some((head, version));
            Ok(version)
        }
    }
}

/// What may be sent is what the ledger holds, not what the run believes.
pub(super) fn read_back(
    transaction: &Transaction<'_>,
    batch: &str,
    payable: u32,
    payout: PayoutId,
) -> Result<TopUp, LedgerError> {
    let sql = format!("SELECT p.sha256, {SEALED_COLUMNS}, {TOP_UP_COLUMNS} FROM payouts p WHERE p.payout_id = ?1");
    let read = |row: &Row<'_>| {
        let sealed = Sealed::read(row, 1)?;
        let seal: [u8; 32] = row.get(0).map_err(LedgerError::sqlite("reading an intent back"))?;
        if sealed.sha256(batch) != seal {
            return Err(LedgerError::RowChanged { batch: batch.to_owned(), row: sealed.row });
        }
        if sealed.plan > i64::from(payable) {
            return Err(LedgerError::NotApproved { batch: batch.to_owned(), row: sealed.row });
        }
        row::top_up(row, 13)
    };
    transaction
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([payout.0], |row| Ok(read(row))))
        .map_err(LedgerError::sqlite("reading an intent back"))?
        .and_then(row::sendable)
}
