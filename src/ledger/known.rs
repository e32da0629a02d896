//! Finds the payouts that a batch had before by their row keys: a file that comes again names most of them in the order
//! of the plan, so the next of that order is looked at first, and only another key costs a search.

use super::error::LedgerError;
use super::read;
use super::record::{BatchId, NewPayout, UnixMs};
use super::row::{self, TOP_UP_COLUMNS};
use crate::domain::payout::TopUp;
use rusqlite::{Connection, Row};
use std::collections::VecDeque;

/// Payouts read at once along the order of the plan: few at first, since the file may leave that order again.
const PAGE_MIN: i64 = 8;
const PAGE_MAX: i64 = 512;

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
    pub(super) fn sends(&self, asked: &NewPayout<'_>) -> bool {
        let TopUp { invoice_no: _, member, points, send_sms, receipt } = &self.top_up;
        *member == asked.row.member
            && *points == asked.row.points
            && *send_sms == asked.send_sms
            && *receipt == asked.row.receipt
    }
}

/// The payouts that a batch had before: the way along them, and which of them the file names.
#[derive(Debug)]
pub(super) struct KnownPayouts {
    batch: BatchId,
    page: VecDeque<Known>,
    /// Payouts of the next page.
    page_rows: i64,
    /// The last payout that was read into a page, and the last one that the ledger had before.
    read_to: i64,
    last: i64,
    /// The payout that was searched for last.
    searched: Option<i64>,
    /// One bit a payout of the ledger: the file names it. Ten million payouts take 1.2 MB.
    seen: Vec<u64>,
    named: u64,
}

impl KnownPayouts {
    /// Of the payouts up to `last`. The way begins at the first one that is searched for.
    pub(super) fn new(batch: BatchId, last: i64) -> Self {
        let seen = vec![0; bit_of(last).0 + 1];
        let page = VecDeque::new();
        Self { batch, page, page_rows: PAGE_MIN, read_to: last, last, searched: None, seen, named: 0 }
    }

    /// Takes note that the file names a payout; false if it did so before.
    pub(super) fn name(&mut self, id: i64) -> bool {
        let is_new = !self.is_named(id);
        let (word, bit) = bit_of(id);
        self.seen[word] |= bit;
        self.named += u64::from(is_new);
        is_new
    }

    /// Whether the file names a payout.
    pub(super) fn is_named(&self, id: i64) -> bool {
        let (word, bit) = bit_of(id);
        self.seen[word] & bit != 0
    }

    /// How many payouts the file names.
    pub(super) fn named(&self) -> u64 {
        self.named
    }

    /// The next payout in the order of the plan, if it has this key.
    pub(super) fn next_if(&mut self, connection: &Connection, key: &str) -> Result<Option<Known>, LedgerError> {
        if self.page.is_empty() && self.read_to < self.last {
            let sql = format!(
                "SELECT {TOP_UP_COLUMNS}, p.payout_id, p.row, p.state, p.credited_at, p.row_key
                 FROM payouts p
                 WHERE p.payout_id > ?2 AND p.payout_id <= ?3 AND +p.batch_id = ?1 ORDER BY p.payout_id LIMIT ?4"
            );
            let page = (self.batch.0, self.read_to, self.last, self.page_rows);
            self.page = read::rows(connection, &sql, page, Known::read)?.into();
            self.page_rows = (self.page_rows * 2).min(PAGE_MAX);
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
        if found.id <= self.last {
            self.go_on_behind(found.id);
        }
        Ok(found)
    }

    /// The way goes on behind a payout that was searched for, where the file left some out before it, and where it is
    /// the second in a row: then this is how the file goes on. In a file that is sorted otherwise nothing follows.
    fn go_on_behind(&mut self, id: i64) {
        let on_page = |(first, last): (&Known, &Known)| (first.id..=last.id).contains(&id);
        if self.page.front().zip(self.page.back()).is_some_and(on_page) {
            while self.page.pop_front_if(|known| known.id <= id).is_some() {}
        } else if self.searched.is_none_or(|before| id == before + 1) {
            self.page.clear();
            self.page_rows = PAGE_MIN;
            self.read_to = id;
        }
        self.searched = Some(id);
    }
}

/// The word and the bit of a payout.
fn bit_of(id: i64) -> (usize, u64) {
    let index = usize::try_from(id).unwrap_or(0);
    (index / 64, 1 << (index % 64))
}
