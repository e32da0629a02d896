//! Compares a file with the plan of a batch that is already in the ledger.

use super::error::LedgerError;
use super::read;
use super::record::BatchId;
use super::row::{self, TOP_UP_COLUMNS};
use crate::domain::payout::{RowKey, TopUp};
use crate::domain::standing::State;
use rusqlite::{Connection, params};

/// What another file says of a batch that is already planned.
#[derive(Debug)]
pub struct Comparison<'l> {
    connection: &'l Connection,
    batch: BatchId,
    /// One bit a payout of the batch: seen in the file. Ten million payouts take 1.2 MB.
    seen: Vec<u64>,
    first_id: i64,
}

/// How a row of the file stands to the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Planned as it is.
    Same,
    /// Planned, and sent, with other values.
    Changed {
        /// The row of the plan.
        row: u64,
        /// The values of the plan.
        planned: Box<TopUp>,
        /// How the payout stands.
        state: State,
    },
    /// Not in the plan.
    New,
    /// The same key stood in an earlier row of this file.
    Duplicate,
}

impl<'l> Comparison<'l> {
    pub(super) fn begin(connection: &'l Connection, batch: BatchId) -> Result<Self, LedgerError> {
        let sql = |edge| format!("SELECT payout_id FROM payouts WHERE batch_id = ?1 ORDER BY payout_id {edge} LIMIT 1");
        let first_id = read::one(connection, &sql("ASC"), [batch.0])?.unwrap_or(0);
        let last_id: i64 = read::one(connection, &sql("DESC"), [batch.0])?.unwrap_or(0);
        let words = usize::try_from(last_id - first_id).unwrap_or(0) / 64 + 1;
        Ok(Self { connection, batch, seen: vec![0; words], first_id })
    }

    /// Compares one row; everything that is sent counts, the number included.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn compare(&mut self, key: &RowKey, top_up: &TopUp) -> Result<Compared, LedgerError> {
        let sql = format!(
            "SELECT {TOP_UP_COLUMNS}, p.payout_id, p.row, p.state FROM payouts p WHERE batch_id = ?1 AND row_key = ?2"
        );
        let reading = || LedgerError::sqlite("comparing with the plan");
        let mut statement = self.connection.prepare_cached(&sql).map_err(reading())?;
        let mut rows = statement.query(params![self.batch.0, key.as_str()]).map_err(reading())?;
        let Some(found) = rows.next().map_err(reading())? else { return Ok(Compared::New) };
        let id: i64 = found.get(6).map_err(reading())?;
        let index = usize::try_from(id - self.first_id).unwrap_or(0);
        let (word, bit) = (index / 64, 1 << (index % 64));
        if self.seen[word] & bit != 0 {
            return Ok(Compared::Duplicate);
        }
        self.seen[word] |= bit;
        let planned = row::top_up(found, 0)?;
        // A retried payout has another number by now; what is sent under it is what counts.
        if planned == (TopUp { invoice_no: planned.invoice_no.clone(), ..top_up.clone() }) {
            return Ok(Compared::Same);
        }
        let state: String = found.get(8).map_err(reading())?;
        Ok(Compared::Changed {
            row: found.get(7).map_err(reading())?,
            planned: Box::new(planned),
            state: read::state_of(&state)?,
        })
    }

    /// Payouts of the plan that the file named.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}
