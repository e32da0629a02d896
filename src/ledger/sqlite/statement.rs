//! Holds the lines of a provider's statement beside the ledger, in a temporary table of SQLite's own, so that memory
//! does not grow with them.

use super::read::state_of;
use super::row;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::row_key::RowKey;
use crate::domain::statement::{Line, LineStatus, ShownPhone};
use crate::ledger::error::LedgerError;
use crate::ledger::record::{Batch, BatchId, PayoutId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

const HOLDING: &str = "holding the statement against the ledger";
/// What `line` reads, from `lines s`.
const LINE_COLUMNS: &str = "s.row, s.number, s.phone, s.points, s.status, s.time";

/// Whose number it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberOwner {
    /// A payout of the batch; the number may be that of an earlier attempt.
    Payout(PayoutId),
    /// Another batch of this ledger.
    OtherBatch(String),
    /// Nobody in this ledger.
    Nobody,
}

/// A payout of the batch, with what a statement is held against.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    /// The row in the spreadsheet, as first planned.
    pub row: u64,
    /// Its key across edits.
    pub key: RowKey,
    /// What it sends, under the number of its current attempt.
    pub top_up: TopUp,
    /// Its current attempt, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
}

/// A statement that is held against one batch. The ledger is read as it stands at the beginning, and not changed.
#[derive(Debug)]
pub struct StatementLines<'l> {
    transaction: Transaction<'l>,
    batch: BatchId,
}

impl<'l> StatementLines<'l> {
    pub(in crate::ledger) fn begin(connection: &'l Connection, batch: &Batch) -> Result<Self, LedgerError> {
        // Nobody else sees a temporary table, and it is gone with the transaction, which is never committed.
        let transaction = connection.unchecked_transaction().map_err(LedgerError::sqlite(HOLDING))?;
        transaction
            .execute_batch(
                "CREATE TEMP TABLE lines (
                     payout_id INTEGER, -- null: nobody's in this ledger
                     row       INTEGER NOT NULL,
                     number    TEXT    NOT NULL,
                     phone     TEXT,
                     points    INTEGER,
                     status    TEXT    NOT NULL,
                     time      TEXT
                 ) STRICT;
                 CREATE INDEX temp.lines_by_payout ON lines (payout_id, number, row);",
            )
            .map_err(LedgerError::sqlite(HOLDING))?;
        Ok(Self { transaction, batch: batch.id })
    }

    /// Whose a number is, of whichever attempt.
    pub fn owner(&self, number: &InvoiceNo) -> Result<NumberOwner, LedgerError> {
        let sql = "SELECT i.payout_id, p.batch_id, b.name FROM main.invoices i
                   JOIN main.payouts p USING (payout_id) JOIN main.batches b USING (batch_id) WHERE i.invoice_no = ?1";
        let found = self
            .transaction
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?));
                statement.query_row([number.as_str()], read).optional()
            })
            .map_err(LedgerError::sqlite(HOLDING))?;
        Ok(match found {
            Some((payout, batch, _)) if batch == self.batch.0 => NumberOwner::Payout(PayoutId(payout)),
            Some((_, _, name)) => NumberOwner::OtherBatch(name),
            None => NumberOwner::Nobody,
        })
    }

    /// Keeps a line of a payout, or of nobody.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn keep(&self, line: &Line, payout: Option<PayoutId>) -> Result<(), LedgerError> {
        let phone = line.phone.as_ref().map(|phone| match phone {
            ShownPhone::Whole(phone) => phone.as_str().to_owned(),
            ShownPhone::Masked { head, tail } => format!("{head}*{tail}"),
        });
        self.transaction
            .prepare_cached("INSERT INTO temp.lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .and_then(|mut statement| {
                let (payout, number) = (payout.map(|payout| payout.0), line.number.as_str());
                statement.execute(params![payout, line.row, number, phone, line.points, line.status.word(), line.time])
            })
            .map(drop)
            .map_err(LedgerError::sqlite(HOLDING))
    }

    /// Shows every payout of the batch with its lines, in the order of the plan.
    pub fn each_payout(&self, mut show: impl FnMut(&LedgerEntry, &[Line])) -> Result<(), LedgerError> {
        let sql = format!(
            "SELECT {}, p.payout_id, p.row, p.row_key, p.state, p.credited_at, p.attempt, {LINE_COLUMNS}
             FROM main.payouts p LEFT JOIN temp.lines s ON s.payout_id = p.payout_id
             WHERE p.batch_id = ?1 ORDER BY p.payout_id, s.row",
            row::TOP_UP_COLUMNS
        );
        let mut statement = self.transaction.prepare(&sql).map_err(LedgerError::sqlite(HOLDING))?;
        let mut rows = statement.query([self.batch.0]).map_err(LedgerError::sqlite(HOLDING))?;
        let mut current: Option<(i64, LedgerEntry)> = None;
        let mut lines = Vec::new();
        while let Some(row) = rows.next().map_err(LedgerError::sqlite(HOLDING))? {
            let id: i64 = get(row, 6)?;
            if current.as_ref().is_none_or(|(before, _)| *before != id) {
                if let Some((_, claimed)) = current.replace((id, claimed(row)?)) {
                    show(&claimed, &lines);
                }
                lines.clear();
            }
            if get::<Option<u64>>(row, 12)?.is_some() {
                lines.push(line(row, 12)?);
            }
        }
        if let Some((_, claimed)) = current {
            show(&claimed, &lines);
        }
        Ok(())
    }

    /// Shows the lines of nobody's numbers, number by number.
    pub fn each_stranger(&self, mut show: impl FnMut(&[Line])) -> Result<(), LedgerError> {
        let sql = format!("SELECT {LINE_COLUMNS} FROM temp.lines s WHERE s.payout_id IS NULL ORDER BY s.number, s.row");
        let mut statement = self.transaction.prepare(&sql).map_err(LedgerError::sqlite(HOLDING))?;
        let mut rows = statement.query([]).map_err(LedgerError::sqlite(HOLDING))?;
        let mut lines: Vec<Line> = Vec::new();
        while let Some(row) = rows.next().map_err(LedgerError::sqlite(HOLDING))? {
            let line = line(row, 0)?;
            if lines.last().is_some_and(|before| before.number != line.number) {
                show(&lines);
                lines.clear();
            }
            lines.push(line);
        }
        if !lines.is_empty() {
            show(&lines);
        }
        Ok(())
    }
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, LedgerError> {
    row.get(index).map_err(LedgerError::sqlite(HOLDING))
}

fn claimed(row: &Row<'_>) -> Result<LedgerEntry, LedgerError> {
    Ok(LedgerEntry {
        top_up: row::top_up(row, 0)?,
        row: get(row, 7)?,
        key: RowKey::from_stored(get(row, 8)?),
        state: state_of(&get::<String>(row, 9)?)?,
        credited_at: get(row, 10)?,
        attempt: get(row, 11)?,
    })
}

/// Six columns from `first` on, as [`LINE_COLUMNS`] names them.
fn line(row: &Row<'_>, first: usize) -> Result<Line, LedgerError> {
    let broken = || LedgerError::Broken("a line of the statement does not read back".to_owned());
    let phone = get::<Option<String>>(row, first + 2)?;
    let phone = phone.map(|text| match text.split_once('*') {
        Some((head, tail)) => Some(ShownPhone::Masked { head: head.to_owned(), tail: tail.to_owned() }),
        None => PhoneNumber::parse(&text).map(ShownPhone::Whole),
    });
    Ok(Line {
        row: get(row, first)?,
        number: InvoiceNo::parse(&get::<String>(row, first + 1)?).ok_or_else(broken)?,
        phone: phone.map(|phone| phone.ok_or_else(broken)).transpose()?,
        points: get(row, first + 3)?,
        status: LineStatus::from_word(&get::<String>(row, first + 4)?).ok_or_else(broken)?,
        time: get(row, first + 5)?,
    })
}
