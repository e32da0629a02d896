//! Finds the payouts of a plan that a file no longer names, and what it may name instead of them.

use super::planning::Planning;
use super::read;
use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::record::PayoutId;
use rusqlite::params;

/// A payout of the plan that the file no longer names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPayout {
    /// Its row in the ledger.
    pub payout: PayoutId,
    /// The row, as first planned.
    pub row: u64,
    /// Its invoice_no.
    pub invoice_no: String,
    /// How it stands.
    pub state: State,
    /// Its points.
    pub points: u64,
}

impl Planning<'_> {
    /// Shows the payouts that the batch had before and that the file no longer names.
    pub fn gone(&self, mut show: impl FnMut(MissingPayout)) -> Result<(), LedgerError> {
        if self.known.named() == self.before.rows {
            return Ok(());
        }
        let reading = || LedgerError::sqlite("looking for rows that are gone");
        let sql = "SELECT payout_id, row, invoice_no, state, points FROM payouts
                   WHERE batch_id = ?1 AND plan < ?2 ORDER BY payout_id";
        read::rows(&self.transaction, sql, params![self.batch.0, self.version], |row| {
            let id: i64 = row.get(0).map_err(reading())?;
            if !self.known.is_named(id) {
                let state: String = row.get(3).map_err(reading())?;
                show(MissingPayout {
                    payout: PayoutId(id),
                    row: row.get(1).map_err(reading())?,
                    invoice_no: row.get(2).map_err(reading())?,
                    state: read::state_of(&state)?,
                    points: row.get(4).map_err(reading())?,
                });
            }
            Ok(())
        })
        .map(drop)
    }

    /// The row of a payout that this file adds for the member, and with the points, of one that it no longer names.
    pub fn new_row_like(&self, gone: &MissingPayout) -> Result<Option<u64>, LedgerError> {
        let of = |same| {
            format!(
                "SELECT n.row FROM payouts g CROSS JOIN payouts n ON {same}
                 WHERE g.payout_id = ?1 AND n.batch_id = ?2 AND n.plan = ?3 AND n.points = g.points"
            )
        };
        let sql = format!(
            "{} UNION ALL {} UNION ALL {} LIMIT 1",
            of("n.member = g.member"),
            of("n.member = g.phone"),
            of("n.phone = coalesce(g.phone, g.member)")
        );
        read::one(&self.transaction, &sql, params![gone.payout.0, self.batch.0, self.version])
    }
}
