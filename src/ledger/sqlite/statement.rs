//! The statements that hold a provider's lines beside the ledger: in a temporary table, which nobody else sees and which is
//! gone with its transaction.

use super::read::{self, get, state_of};
use super::row;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::phone::PhoneNumber;
use crate::domain::row_key::RowKey;
use crate::domain::statement::{Line, LineStatus, ShownPhone};
use crate::ledger::error::LedgerError;
use crate::ledger::record::{BatchId, PayoutId};
use crate::ledger::views::LedgerEntry;
use rusqlite::{Connection, Row, params};

const HOLDING: &str = "comparing the statement with the ledger";
/// What `line` reads, from `lines s`.
const LINE_COLUMNS: &str = "s.row, s.number, s.phone, s.points, s.status, s.time";

pub(super) fn hold_lines(connection: &Connection) -> Result<(), LedgerError> {
    connection
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
        .map_err(LedgerError::sqlite(HOLDING))
}

pub(super) fn owner(
    connection: &Connection,
    number: &InvoiceNo,
) -> Result<Option<(PayoutId, BatchId, String)>, LedgerError> {
    let sql = "SELECT i.payout_id, p.batch_id, b.name FROM main.invoices i
               JOIN main.payouts p USING (payout_id) JOIN main.batches b USING (batch_id) WHERE i.invoice_no = ?1";
    let read = |row: &Row<'_>| Ok((PayoutId(get(row, 0)?), BatchId(get(row, 1)?), get(row, 2)?));
    Ok(read::rows(connection, sql, [number.as_str()], read)?.pop())
}

pub(super) fn hold_line(connection: &Connection, line: &Line, payout: Option<PayoutId>) -> Result<(), LedgerError> {
    let phone = line.phone.as_ref().map(|phone| match phone {
        ShownPhone::Whole(phone) => phone.as_str().to_owned(),
        ShownPhone::Masked { head, tail } => format!("{head}*{tail}"),
    });
    connection
        .prepare_cached("INSERT INTO temp.lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .and_then(|mut statement| {
            let (payout, number) = (payout.map(|payout| payout.0), line.number.as_str());
            statement.execute(params![payout, line.row, number, phone, line.points, line.status.word(), line.time])
        })
        .map(drop)
        .map_err(LedgerError::sqlite(HOLDING))
}

pub(super) fn each_held(
    connection: &Connection,
    batch: BatchId,
    mut show: impl FnMut(PayoutId, LedgerEntry, Option<Line>),
) -> Result<(), LedgerError> {
    let sql = format!(
        "SELECT {}, p.payout_id, p.row, p.row_key, p.state, p.credited_at, p.attempt, {LINE_COLUMNS}
         FROM main.payouts p LEFT JOIN temp.lines s ON s.payout_id = p.payout_id
         WHERE p.batch_id = ?1 ORDER BY p.payout_id, s.row",
        row::TOP_UP_COLUMNS
    );
    read::each(connection, &sql, [batch.0], |row| {
        let line = get::<Option<u64>>(row, 12)?.map(|_| line(row, 12)).transpose()?;
        show(PayoutId(get(row, 6)?), entry(row)?, line);
        Ok(())
    })
}

pub(super) fn each_stranger(connection: &Connection, mut show: impl FnMut(Line)) -> Result<(), LedgerError> {
    let sql = format!("SELECT {LINE_COLUMNS} FROM temp.lines s WHERE s.payout_id IS NULL ORDER BY s.number, s.row");
    read::each(connection, &sql, [], |row| {
        show(line(row, 0)?);
        Ok(())
    })
}

fn entry(row: &Row<'_>) -> Result<LedgerEntry, LedgerError> {
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
