//! The statements that show how each payout of a batch came out, what decided it, and how the calls went over time.

use super::read::{self, get, state_of};
use super::row::receipt_cells;
use crate::domain::payout_status::State;
use crate::ledger::decisive::Search;
use crate::ledger::error::LedgerError;
use crate::ledger::outcome::{Decided, ExtraCell, Outcome, TimedCall};
use crate::ledger::record::BatchId;
use crate::ledger::words::event_of;
use rusqlite::{Connection, Row, Statement};

const READING: &str = "reading a batch's outcomes";
const OUTCOME_COLUMNS: &str = "p.payout_id, p.row, p.row_key, coalesce(p.spelt, p.member), p.phone, p.points, p.send_sms, p.receipt, \
     p.name, p.extra, p.state, p.attempt, p.invoice_no, p.credited_at";
const HISTORY: &str = "SELECT kind, detail, state, http, code, note, why FROM events WHERE payout_id = ?1 \
     ORDER BY event_id DESC";

fn reading() -> impl FnOnce(rusqlite::Error) -> LedgerError {
    LedgerError::sqlite(READING)
}

/// Between which payouts those of the batch lie: in the table's own order any index would cost a sort, or a jump for each.
fn span(connection: &Connection, batch: BatchId) -> Result<(i64, i64), LedgerError> {
    let edge = |edge| {
        let sql = format!("SELECT payout_id FROM payouts WHERE +batch_id = ?1 ORDER BY payout_id {edge} LIMIT 1");
        read::one(connection, &sql, [batch.0])
    };
    Ok((edge("ASC")?.unwrap_or(0), edge("DESC")?.unwrap_or(-1)))
}

/// The cells that the first payout with any keeps.
pub(super) fn first_extra(connection: &Connection, batch: BatchId) -> Result<Vec<(String, String)>, LedgerError> {
    let (first, last) = span(connection, batch)?;
    let sql = "SELECT extra FROM payouts
               WHERE payout_id BETWEEN ?1 AND ?2 AND +batch_id = ?3 AND extra IS NOT NULL LIMIT 1";
    let extra: Option<String> = read::one(connection, sql, [first, last, batch.0])?;
    extra.map_or_else(|| Ok(Vec::new()), |json| serde_json::from_str(&json)).map_err(|_| no_cells())
}

pub(super) fn each_outcome<E: From<LedgerError>>(
    connection: &Connection,
    batch: BatchId,
    states: &[State],
    mut show: impl FnMut(&Outcome<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let (first, last) = span(connection, batch)?;
    let sql = format!(
        "SELECT {OUTCOME_COLUMNS} FROM payouts p
         WHERE p.payout_id BETWEEN ?1 AND ?2 AND +p.batch_id = ?3 AND +p.state IN ({})
         ORDER BY p.payout_id",
        read::quoted(&words)
    );
    let mut history = connection.prepare(HISTORY).map_err(reading())?;
    read::each(connection, &sql, [first, last, batch.0], |row| show(&outcome(row, &mut history)?))
}

pub(super) fn each_call(
    connection: &Connection,
    batch: BatchId,
    mut show: impl FnMut(TimedCall),
) -> Result<(), LedgerError> {
    let sql = "SELECT event_id FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned'
         ORDER BY event_id LIMIT 1";
    let first: i64 = read::one(connection, sql, [batch.0])?.unwrap_or(0);
    let sql = "SELECT at, state = 'credited', latency_ms FROM events
         WHERE event_id >= ?1 AND +batch_id = ?2 AND (latency_ms IS NOT NULL OR state = 'credited')
         ORDER BY event_id";
    read::each(connection, sql, [first, batch.0], |row| {
        let credited = get::<Option<bool>>(row, 1)?.unwrap_or(false);
        show(TimedCall { at: get(row, 0)?, credited, latency_ms: get(row, 2)? });
        Ok(())
    })
}

fn no_cells() -> LedgerError {
    LedgerError::Broken("stored extra cells are none".to_owned())
}

/// Header and text of the cells that are only kept, borrowed where no character of theirs is escaped.
fn extra_cells(json: &str) -> Result<Vec<ExtraCell<'_>>, LedgerError> {
    if let Ok(cells) = serde_json::from_str::<Vec<(&str, &str)>>(json) {
        return Ok(cells.into_iter().map(|(header, text)| (header.into(), text.into())).collect());
    }
    serde_json::from_str(json).map_err(|_| no_cells())
}

fn text<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r str, LedgerError> {
    maybe_text(row, index).map(Option::unwrap_or_default)
}

fn maybe_text<'r>(row: &'r Row<'_>, index: usize) -> Result<Option<&'r str>, LedgerError> {
    let value = row.get_ref(index).map_err(reading())?;
    value.as_str_or_null().map_err(|_| LedgerError::Broken("a stored text is none".to_owned()))
}

fn outcome<'r>(row: &'r Row<'_>, history: &mut Statement<'_>) -> Result<Outcome<'r>, LedgerError> {
    let state = state_of(text(row, 10)?)?;
    let decided =
        if state == State::Credited { None } else { decided(history, row.get(0).map_err(reading())?, state)? };
    let member = text(row, 3)?;
    let id = member.split_once(':').filter(|(id_type, _)| matches!(*id_type, "CARD" | "USER_ID"));
    Ok(Outcome {
        row: row.get(1).map_err(reading())?,
        reference: text(row, 2)?.strip_prefix("ref:"),
        phone: if id.is_some() { maybe_text(row, 4)? } else { Some(member) },
        id,
        points: row.get(5).map_err(reading())?,
        send_sms: row.get(6).map_err(reading())?,
        receipt: maybe_text(row, 7)?.map(receipt_cells).transpose()?,
        name: maybe_text(row, 8)?,
        extra: maybe_text(row, 9)?.map_or_else(|| Ok(Vec::new()), extra_cells)?,
        state,
        attempt: row.get(11).map_err(reading())?,
        invoice_no: text(row, 12)?,
        credited_at: row.get(13).map_err(reading())?,
        decided,
    })
}

/// The newest event that explains the state, and the check that the history leads to that state at all.
fn decided(history: &mut Statement<'_>, payout: i64, state: State) -> Result<Option<Decided>, LedgerError> {
    let mut rows = history.query([payout]).map_err(reading())?;
    let (mut search, mut last_state) = (Search::new(state), None);
    while last_state.is_none() || search.open {
        let Some(row) = rows.next().map_err(reading())? else { break };
        if last_state.is_none() {
            last_state = maybe_text(row, 2)?.map(state_of).transpose()?;
        }
        if search.open {
            let event = event_of(text(row, 0)?, maybe_text(row, 1)?, None)?;
            if search.is_found(&event) {
                let owned = |index| maybe_text(row, index).map(|text| text.map(str::to_owned));
                search.found = Some(Decided {
                    event,
                    http: row.get(3).map_err(reading())?,
                    code: row.get(4).map_err(reading())?,
                    note: owned(5)?,
                    why: owned(6)?,
                });
            }
        }
    }
    if last_state.unwrap_or(State::Planned) != state {
        let history = last_state.unwrap_or(State::Planned).word();
        return Err(LedgerError::Broken(format!(
            "payout {payout} is {}, and its history ends {history}",
            state.word()
        )));
    }
    Ok(search.found)
}
