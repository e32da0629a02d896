//! Shows the rows that a plan left out on the user's word: what stood in them, and why they were left out.

use super::read::{self, get};
use crate::ledger::error::LedgerError;
use crate::ledger::record::Batch;
use crate::ledger::views::Skipped;
use rusqlite::Connection;

/// Shows the rows that a batch's newest plan skipped, in the order of the file, at most so many.
pub(super) fn each<E: From<LedgerError>>(
    connection: &Connection,
    batch: &Batch,
    at_most: u64,
    mut show: impl FnMut(&Skipped) -> Result<(), E>,
) -> Result<(), E> {
    if batch.skipped_rows == 0 {
        return Ok(());
    }
    let broken = |_| LedgerError::Broken("a stored skipped row is none".to_owned());
    let sql = "SELECT row, cells, reasons FROM skipped_rows
               WHERE batch_id = ?1 AND plan = (SELECT plan_version FROM batches WHERE batch_id = ?1)
               ORDER BY row LIMIT ?2";
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    read::each(connection, sql, (batch.id.0, at_most), |row| {
        let cells: Option<String> = get(row, 1)?;
        show(&Skipped {
            row: get(row, 0)?,
            cells: cells.map(|cells| serde_json::from_str(&cells)).transpose().map_err(broken)?,
            reasons: serde_json::from_str(&get::<String>(row, 2)?).map_err(broken)?,
        })
    })
}
