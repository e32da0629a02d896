//! Reads the ledger: batches, totals, payouts to take up, histories.

use super::row::SEALED_COLUMNS;
use super::row::{self, BATCH_COLUMNS, TOP_UP_COLUMNS};
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::record::Size;
use crate::ledger::record::{Batch, BatchId, Payout, PayoutId, Totals};
use crate::ledger::words::{all_events, explains, words_of};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, params};

const READING: &str = "reading the ledger";

/// All rows that a query gives, each through `read`.
pub(in crate::ledger) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&rusqlite::Row<'_>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let mut statement = connection.prepare_cached(sql).map_err(LedgerError::sqlite(READING))?;
    let mut rows = statement.query(params).map_err(LedgerError::sqlite(READING))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(LedgerError::sqlite(READING))? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Words as a list of SQL; none of them is anything that somebody typed.
pub(in crate::ledger) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// The condition that an event explains why a payout is in a state.
pub(in crate::ledger) fn explaining(event: &str, state: State) -> String {
    let one = |(kind, detail): (&str, Option<&str>)| {
        let detail = detail.map(|detail| format!(" AND {event}.detail = '{detail}'")).unwrap_or_default();
        format!("{event}.kind = '{kind}'{detail}")
    };
    let all = all_events().filter(|event| explains(state, event)).map(|event| one(words_of(&event)));
    format!("({})", all.collect::<Vec<_>>().join(" OR "))
}

/// Whether a batch has any payout.
pub(in crate::ledger) fn has_payouts(connection: &Connection, batch: BatchId) -> Result<bool, LedgerError> {
    Ok(one::<i64>(connection, "SELECT 1 FROM payouts WHERE batch_id = ?1 LIMIT 1", [batch.0])?.is_some())
}

/// One value that a query may give.
pub(in crate::ledger) fn one<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<T>, LedgerError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, |row| row.get(0)).optional())
        .map_err(LedgerError::sqlite(READING))
}

pub(in crate::ledger) fn batches(connection: &Connection) -> Result<Vec<Batch>, LedgerError> {
    rows(connection, &format!("SELECT {BATCH_COLUMNS} FROM batches ORDER BY batch_id"), [], row::batch)
}

pub(in crate::ledger) fn batch(connection: &Connection, name: &str) -> Result<Option<Batch>, LedgerError> {
    let sql = format!("SELECT {BATCH_COLUMNS} FROM batches WHERE name = ?1");
    Ok(rows(connection, &sql, [name], row::batch)?.pop())
}

pub(in crate::ledger) fn batch_of(connection: &Connection, id: BatchId) -> Result<Batch, LedgerError> {
    let sql = format!("SELECT {BATCH_COLUMNS} FROM batches WHERE batch_id = ?1");
    rows(connection, &sql, [id.0], row::batch)?
        .pop()
        .ok_or_else(|| LedgerError::Broken(format!("there is no batch {}", id.0)))
}

pub(in crate::ledger) fn totals(connection: &Connection, batch: BatchId) -> Result<Totals, LedgerError> {
    let mut totals = Totals::default();
    let sql = "SELECT state, rows, points, recovered FROM totals WHERE batch_id = ?1";
    rows(connection, sql, [batch.0], |row| {
        let get = |index| row.get::<_, u64>(index).map_err(LedgerError::sqlite(READING));
        let word = row.get::<_, String>(0).map_err(LedgerError::sqlite(READING))?;
        let state =
            State::from_word(&word).ok_or_else(|| LedgerError::Broken(format!("no state is called {word:?}")))?;
        let total = totals.of_mut(state);
        (total.rows, total.points, total.recovered) = (get(1)?, get(2)?, get(3)?);
        Ok(())
    })?;
    Ok(totals)
}

/// What [`row::payout`] reads, from `payouts p`.
fn payout_columns() -> String {
    format!(
        "p.payout_id, p.row, p.row_key, p.name,
         EXISTS (SELECT 1 FROM payouts s
                 WHERE s.member = p.member AND s.batch_id = p.batch_id AND s.payout_id <> p.payout_id),
         EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.payout_id),
         {TOP_UP_COLUMNS}, p.state, p.attempt, p.sha256, (SELECT b.name FROM batches b WHERE b.batch_id = p.batch_id),
         {SEALED_COLUMNS},
         (SELECT b.merchant_id FROM batches b WHERE b.batch_id = p.batch_id),
         (SELECT b.invoice_prefix FROM batches b WHERE b.batch_id = p.batch_id)"
    )
}

pub(in crate::ledger) fn payout(connection: &Connection, payout: PayoutId) -> Result<Payout, LedgerError> {
    let sql = format!("SELECT {} FROM payouts p WHERE p.payout_id = ?1", payout_columns());
    rows(connection, &sql, [payout.0], row::payout)?
        .pop()
        .ok_or_else(|| LedgerError::Broken(format!("there is no payout {}", payout.0)))
}

/// The next payouts of a batch in a state, in the order of the plan, up to a version of it.
pub(in crate::ledger) fn payouts_after(
    connection: &Connection,
    batch: BatchId,
    (state, plan_max): (State, u32),
    after: Option<PayoutId>,
    rows_max: usize,
) -> Result<Vec<Payout>, LedgerError> {
    // The state is spelt out, not bound: only then does SQLite use the partial index of that state.
    let sql = format!(
        "SELECT {} FROM payouts p
         WHERE p.batch_id = ?1 AND p.state = '{}' AND p.payout_id > ?2 AND p.plan <= ?4
         ORDER BY p.payout_id LIMIT ?3",
        payout_columns(),
        state.word()
    );
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    rows(connection, &sql, (batch.0, after.map_or(0, |id| id.0), rows_max, plan_max), row::payout)
}

/// Payouts behind the first that are looked through for credited ones.
const LOOKED_THROUGH: i64 = 10_000;

/// The first credited payouts of a batch from one on; there is no index of them, so it looks only so far.
pub(in crate::ledger) fn credited_from(
    connection: &Connection,
    batch: BatchId,
    first: PayoutId,
    rows_max: usize,
) -> Result<Vec<Payout>, LedgerError> {
    let sql = format!(
        "SELECT {} FROM payouts p
         WHERE p.batch_id = ?1 AND p.state = 'credited' AND p.payout_id >= ?2 AND p.payout_id < ?2 + {LOOKED_THROUGH}
         ORDER BY p.payout_id LIMIT ?3",
        payout_columns()
    );
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    rows(connection, &sql, (batch.0, first.0, rows_max), row::payout)
}

/// Shows every payout of a batch with its state, in the order of the plan.
pub(in crate::ledger) fn outcomes(
    connection: &Connection,
    batch: BatchId,
    mut show: impl FnMut(&TopUp, State),
) -> Result<(), LedgerError> {
    let sql = format!("SELECT {TOP_UP_COLUMNS}, p.state FROM payouts p WHERE p.batch_id = ?1 ORDER BY p.payout_id");
    let mut statement = connection.prepare_cached(&sql).map_err(LedgerError::sqlite(READING))?;
    let mut rows = statement.query([batch.0]).map_err(LedgerError::sqlite(READING))?;
    while let Some(row) = rows.next().map_err(LedgerError::sqlite(READING))? {
        let word: String = row.get(6).map_err(LedgerError::sqlite(READING))?;
        show(&row::top_up(row, 0)?, state_of(&word)?);
    }
    Ok(())
}

/// Shows each payout of a batch in the order of the row keys, with the name that its file says.
pub(in crate::ledger) fn in_key_order(
    connection: &Connection,
    batch: BatchId,
    mut show: impl FnMut(&str, &TopUp, Option<&str>),
) -> Result<(), LedgerError> {
    let sql = format!("SELECT {TOP_UP_COLUMNS}, p.row_key, p.name FROM payouts p WHERE batch_id = ?1 ORDER BY row_key");
    let mut statement = connection.prepare_cached(&sql).map_err(LedgerError::sqlite(READING))?;
    let mut rows = statement.query([batch.0]).map_err(LedgerError::sqlite(READING))?;
    while let Some(row) = rows.next().map_err(LedgerError::sqlite(READING))? {
        let key: String = row.get(6).map_err(LedgerError::sqlite(READING))?;
        let name = row.get_ref(7).and_then(|name| Ok(name.as_str_or_null()?)).map_err(LedgerError::sqlite(READING))?;
        show(&key, &row::top_up(row, 0)?, name);
    }
    Ok(())
}

/// The state that a stored word names.
pub(in crate::ledger) fn state_of(word: &str) -> Result<State, LedgerError> {
    State::from_word(word).ok_or_else(|| LedgerError::Broken(format!("no state is called {word:?}")))
}

/// Whether a batch ever had an event of this kind.
pub(in crate::ledger) fn has_batch_event(
    connection: &Connection,
    batch: BatchId,
    kind: &str,
) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = ?2 LIMIT 1";
    Ok(one::<i64>(connection, sql, (batch.0, kind))?.is_some())
}

/// When the newest event is the end of a run: its time.
pub(in crate::ledger) fn last_run_ended_at(connection: &Connection) -> Result<Option<i64>, LedgerError> {
    let sql = "SELECT at FROM (SELECT at, kind FROM events ORDER BY event_id DESC LIMIT 1) WHERE kind = 'run_ended'";
    one(connection, sql, [])
}

/// Whether the newest beginning of a run of the batch has no end: it goes on, or was cut off.
pub(in crate::ledger) fn has_open_run(connection: &Connection, batch: BatchId) -> Result<bool, LedgerError> {
    let sql =
        "SELECT kind FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind IN ('run_started', 'run_ended')
               ORDER BY event_id DESC LIMIT 1";
    Ok(one::<String>(connection, sql, [batch.0])?.is_some_and(|kind| kind == "run_started"))
}

pub(in crate::ledger) fn is_unused(connection: &Connection) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM events WHERE payout_id IS NULL AND kind = 'run_started' LIMIT 1";
    Ok(one::<i64>(connection, sql, [])?.is_none())
}

/// Planned payouts of versions that may not be paid yet, and their points.
pub(in crate::ledger) fn waiting(connection: &Connection, batch: BatchId, payable: u32) -> Result<Size, LedgerError> {
    let sql = "SELECT plan_version FROM batches WHERE batch_id = ?1";
    // The cheap question first: nearly every batch is approved whole.
    if one::<u32>(connection, sql, [batch.0])?.is_none_or(|version| version <= payable) {
        return Ok(Size::default());
    }
    let sql = "SELECT count(*), coalesce(sum(points), 0) FROM payouts
               WHERE batch_id = ?1 AND state = 'planned' AND plan > ?2";
    connection
        .query_row(sql, params![batch.0, payable], |row| Ok(Size { rows: row.get(0)?, points: row.get(1)? }))
        .map_err(LedgerError::sqlite("reading what waits for approval"))
}
