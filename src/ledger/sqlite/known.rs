//! Finds the payouts that a batch had before by their row keys: a file that comes again names most of them in the order
//! of the plan, so the next of that order is looked at first, and only another key costs a search.

use super::read;
use super::row::{self, TOP_UP_COLUMNS};
use crate::domain::member::Member;
use crate::domain::name::same_name;
use crate::domain::payout::{self as planned, TopUp};
use crate::domain::payout_status::State;
use crate::domain::phone::PhoneNumber;
use crate::ledger::error::LedgerError;
use crate::ledger::record::{BatchId, NewPayout, UnixMs};
use rusqlite::{Connection, Row};
use std::collections::VecDeque;

/// Payouts read at once along the order of the plan: few at first, since the file may leave that order again.
const PAGE_MIN: i64 = 8;
const PAGE_MAX: i64 = 512;

/// What [`Known`] reads, from `payouts`.
const COLUMNS: &str =
    "payout_id, row, row_key, state, coalesce(spelt, member), phone, points, send_sms, receipt, name, plan";

/// A payout that has the key of a row: what it sends, without the number, since a retried payout has another one by now.
#[derive(Debug)]
pub(in crate::ledger) struct Known {
    pub(in crate::ledger) id: i64,
    /// The version of the plan that brought it.
    pub(in crate::ledger) plan: u32,
    pub(in crate::ledger) row: u64,
    pub(in crate::ledger) state: State,
    key: String,
    member: Member,
    points: u32,
    send_sms: bool,
    /// As the ledger stores it.
    receipt: Option<String>,
    pub(in crate::ledger) name: Option<String>,
}

impl Known {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let reading = || LedgerError::sqlite("comparing with the plan");
        // Borrowed: for most rows a text is looked at once.
        let text = |index| row.get_ref(index).and_then(|value| Ok(value.as_str_or_null()?)).map_err(reading());
        let broken = |what: &str| LedgerError::Broken(format!("a stored {what} is none"));
        let phone = text(5)?.map(|phone| PhoneNumber::parse(phone).ok_or_else(|| broken("phone"))).transpose()?;
        Ok(Self {
            id: row.get(0).map_err(reading())?,
            row: row.get(1).map_err(reading())?,
            key: text(2)?.unwrap_or_default().to_owned(),
            state: read::state_of(text(3)?.unwrap_or_default())?,
            member: Member::from_key(text(4)?.unwrap_or_default(), phone).ok_or_else(|| broken("member"))?,
            points: row.get(6).map_err(reading())?,
            send_sms: row.get(7).map_err(reading())?,
            receipt: text(8)?.map(str::to_owned),
            name: text(9)?.map(str::to_owned),
            plan: row.get(10).map_err(reading())?,
        })
    }

    /// Whether it sends what a row asks for.
    pub(in crate::ledger) fn sends(&self, asked: &NewPayout<'_>) -> bool {
        self.member == asked.row.member
            && self.points == asked.row.points.value()
            && self.send_sms == asked.send_sms
            && self.receipt == asked.row.receipt.as_ref().map(row::receipt_json)
    }

    /// Whether the payer expects the same person behind the member.
    pub(in crate::ledger) fn has_name_of(&self, row: &planned::Row) -> bool {
        match (self.name.as_deref(), row.name.as_deref()) {
            (None, None) => true,
            (Some(planned), Some(now)) => planned == now || same_name(planned, now),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// All that it sends, and when it was credited: for the words about a row that differs.
    pub(in crate::ledger) fn in_full(&self, connection: &Connection) -> Result<(TopUp, Option<UnixMs>), LedgerError> {
        let sql = format!("SELECT {TOP_UP_COLUMNS}, p.credited_at FROM payouts p WHERE p.payout_id = ?1");
        let credited_at = |row: &Row<'_>| row.get(6).map_err(LedgerError::sqlite("comparing with the plan"));
        let read = |row: &Row<'_>| Ok((row::top_up(row, 0)?, credited_at(row)?));
        let found = read::rows(connection, &sql, [self.id], read)?.pop();
        found.ok_or_else(|| LedgerError::Broken(format!("there is no payout {}", self.id)))
    }
}

/// The payouts that a batch had before: the way along them, and which of them the file names.
#[derive(Debug)]
pub(in crate::ledger) struct KnownPayouts {
    batch: BatchId,
    page: VecDeque<Known>,
    /// Payouts of the next page.
    page_rows: i64,
    /// The last payout that was read into a page, and the last one that the ledger had before.
    read_to: i64,
    last: i64,
    /// The payout that was searched for last.
    searched: Option<i64>,
    /// One bit for each payout between the batch's first and its last: the file names it. Ten million take 1.2 MB.
    seen: Vec<u64>,
    /// The payout of the first bit.
    first: i64,
    named: u64,
}

impl KnownPayouts {
    /// Of the payouts of a batch, which lie between two. The way begins at the first one that is searched for.
    pub(in crate::ledger) fn new(batch: BatchId, (first, last): (i64, i64)) -> Self {
        let page = VecDeque::new();
        Self {
            batch,
            page,
            page_rows: PAGE_MIN,
            read_to: last,
            last,
            searched: None,
            seen: Vec::new(),
            first,
            named: 0,
        }
    }

    /// Takes note that the file names a payout; false if it did so before.
    pub(in crate::ledger) fn name(&mut self, id: i64) -> bool {
        let is_new = !self.is_named(id);
        let (word, bit) = self.bit_of(id);
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        self.seen[word] |= bit;
        self.named += u64::from(is_new);
        is_new
    }

    /// Whether the file names a payout.
    pub(in crate::ledger) fn is_named(&self, id: i64) -> bool {
        let (word, bit) = self.bit_of(id);
        self.seen.get(word).is_some_and(|seen| seen & bit != 0)
    }

    /// The word and the bit of a payout.
    fn bit_of(&self, id: i64) -> (usize, u64) {
        let index = usize::try_from(id - self.first).unwrap_or(0);
        (index / 64, 1 << (index % 64))
    }

    /// How many payouts the file names.
    pub(in crate::ledger) fn named(&self) -> u64 {
        self.named
    }

    /// The next payout in the order of the plan, if it has this key.
    pub(in crate::ledger) fn next_if(
        &mut self,
        connection: &Connection,
        key: &str,
    ) -> Result<Option<Known>, LedgerError> {
        if self.page.is_empty() && self.read_to < self.last {
            let sql = format!(
                "SELECT {COLUMNS} FROM payouts
                 WHERE payout_id > ?2 AND payout_id <= ?3 AND +batch_id = ?1 ORDER BY payout_id LIMIT ?4"
            );
            let page = (self.batch.0, self.read_to, self.last, self.page_rows);
            self.page = read::rows(connection, &sql, page, Known::read)?.into();
            self.page_rows = (self.page_rows * 2).min(PAGE_MAX);
            self.read_to = self.page.back().map_or(self.last, |known| known.id);
        }
        Ok(self.page.pop_front_if(|known| known.key == key))
    }

    /// The payout of this key, wherever it is.
    pub(in crate::ledger) fn find(&mut self, connection: &Connection, key: &str) -> Result<Known, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM payouts WHERE batch_id = ?1 AND row_key = ?2");
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
