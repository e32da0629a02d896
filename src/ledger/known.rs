//! Finds the payouts that a batch had before by their row keys: a file that comes again names most of them in the order
//! of the plan, so the next of that order is looked at first, and only another key costs a search.

use super::error::LedgerError;
use super::read;
use super::record::{BatchId, UnixMs};
use super::row::{self, TOP_UP_COLUMNS};
use crate::domain::payout::TopUp;
use rusqlite::{Connection, Row};
use std::collections::VecDeque;

/// Payouts read at once along the order of the plan.
const PAGE: usize = 512;

/// A payout that has the key of a row.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) row: u64,
    /// The word of its state.
    pub(super) state: String,
    pub(super) credited_at: Option<UnixMs>,
    pub(super) top_up: TopUp,
    key: String,
}

impl Known {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let reading = || LedgerError::sqlite("comparing with the plan");
        Ok(Self {
            top_up: row::top_up(row, 0)?,
            id: row.get(6).map_err(reading())?,
            row: row.get(7).map_err(reading())?,
            state: row.get(8).map_err(reading())?,
            credited_at: row.get(9).map_err(reading())?,
            key: row.get(10).map_err(reading())?,
        })
    }

    /// Whether it sends what a row asks for. The number aside: a retried payout has another one by now.
    pub(super) fn sends(&self, asked: &TopUp) -> bool {
        let TopUp { invoice_no: _, member, points, send_sms, receipt } = asked;
        let planned = &self.top_up;
        planned.member == *member
            && planned.points == *points
            && planned.send_sms == *send_sms
            && planned.receipt == *receipt
    }
}

/// The way along the payouts that a batch had before.
#[derive(Debug)]
pub(super) struct KnownPayouts {
    batch: BatchId,
    page: VecDeque<Known>,
    /// The last payout that was read into a page, and the last one that the batch had before.
    read_to: i64,
    last: i64,
}

impl KnownPayouts {
    /// Of the payouts from `first` to `last`; none where `first` comes after `last`.
    pub(super) fn new(batch: BatchId, (first, last): (i64, i64)) -> Self {
        Self { batch, page: VecDeque::new(), read_to: first - 1, last }
    }

    /// The next payout in the order of the plan, if it has this key.
    pub(super) fn next_if(&mut self, connection: &Connection, key: &str) -> Result<Option<Known>, LedgerError> {
        if self.page.is_empty() && self.read_to < self.last {
            let sql = format!(
                "SELECT {TOP_UP_COLUMNS}, p.payout_id, p.row, p.state, p.credited_at, p.row_key
                 FROM payouts p
                 WHERE p.payout_id > ?2 AND p.payout_id <= ?3 AND +p.batch_id = ?1 ORDER BY p.payout_id LIMIT {PAGE}"
            );
            self.page = read::rows(connection, &sql, (self.batch.0, self.read_to, self.last), Known::read)?.into();
            self.read_to = self.page.back().map_or(self.last, |known| known.id);
        }
        Ok(self.page.pop_front_if(|known| known.key == key))
    }

    /// The payout of this key, wherever it is.
    pub(super) fn find(&mut self, connection: &Connection, key: &str) -> Result<Known, LedgerError> {
        let sql = format!(
            "SELECT {TOP_UP_COLUMNS}, p.payout_id, p.row, p.state, p.credited_at, p.row_key
             FROM payouts p
             WHERE p.batch_id = ?1 AND p.row_key = ?2"
        );
        let found = read::rows(connection, &sql, (self.batch.0, key), Known::read)?.pop();
        let found = found.ok_or_else(|| LedgerError::Broken("a duplicate row without its first".to_owned()))?;
        // The file left some payouts out: the way goes on behind this one.
        if self.page.back().is_some_and(|last| found.id <= last.id) {
            while self.page.pop_front_if(|known| known.id <= found.id).is_some() {}
        }
        Ok(found)
    }
}
