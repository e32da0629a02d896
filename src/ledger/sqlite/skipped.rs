//! Keeps the rows that a plan left out on the user's word: what stood in them, and why they were left out.

use super::planning::Planning;
use super::read;
use crate::ledger::error::LedgerError;
use crate::ledger::record::Batch;
use rusqlite::{Connection, params};

const SKIPPING: &str = "keeping the rows that were skipped";

/// A row of the file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its number in the spreadsheet.
    pub row: u64,
    /// Header and text of each cell, as it was read; `None`: removed by a purge.
    pub cells: Option<Vec<(String, String)>>,
    /// Why; empty after a purge.
    pub reasons: Vec<String>,
}

impl Planning<'_> {
    /// Leaves a row of the file out of the plan.
    pub fn skip(&mut self, row: u64, cells: &[(String, String)], reasons: &[String]) -> Result<(), LedgerError> {
        let (cells, reasons) = (serde_json::json!(cells).to_string(), serde_json::json!(reasons).to_string());
        self.transaction
            .prepare_cached(
                "INSERT INTO skipped_rows (batch_id, plan, row, cells, reasons) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut statement| statement.execute(params![self.batch.0, self.version, row, cells, reasons]))
            .map(drop)
            .map_err(LedgerError::sqlite(SKIPPING))
    }

    /// Whether this file skips other rows than the batch had skipped: another number of them, or other cells.
    pub fn skips_others(&self, before: u64, now: u64) -> Result<bool, LedgerError> {
        if before != now {
            return Ok(true);
        }
        let sql = "SELECT 1 FROM (
                       SELECT cells, reasons FROM skipped_rows WHERE batch_id = ?1 AND plan = ?2
                       EXCEPT SELECT cells, reasons FROM skipped_rows s JOIN batches b ON b.batch_id = s.batch_id
                       WHERE s.batch_id = ?1 AND s.plan = b.plan_version)";
        Ok(read::one::<i64>(&self.transaction, sql, (self.batch.0, self.version))?.is_some())
    }
}

/// Shows the rows that a batch's newest plan skipped, in the order of the file, at most so many.
pub(in crate::ledger) fn each<E: From<LedgerError>>(
    connection: &Connection,
    batch: &Batch,
    at_most: u64,
    mut show: impl FnMut(&Skipped) -> Result<(), E>,
) -> Result<(), E> {
    if batch.skipped_rows == 0 {
        return Ok(());
    }
    let reading = || LedgerError::sqlite("reading the rows that were skipped");
    let broken = |_| LedgerError::Broken("a stored skipped row is none".to_owned());
    let sql = "SELECT row, cells, reasons FROM skipped_rows
               WHERE batch_id = ?1 AND plan = (SELECT plan_version FROM batches WHERE batch_id = ?1)
               ORDER BY row LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(reading())?;
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![batch.id.0, at_most]).map_err(reading())?;
    while let Some(row) = rows.next().map_err(reading())? {
        let (cells, reasons): (Option<String>, String) =
            (row.get(1).map_err(reading())?, row.get(2).map_err(reading())?);
        show(&Skipped {
            row: row.get(0).map_err(reading())?,
            cells: cells.map(|cells| serde_json::from_str(&cells)).transpose().map_err(broken)?,
            reasons: serde_json::from_str(&reasons).map_err(broken)?,
        })?;
    }
    Ok(())
}
