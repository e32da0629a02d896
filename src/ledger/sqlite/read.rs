//! What every reading statement is made of, and the few that more than one file asks for.

use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::words::{all_events, explains, words_of};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Row};

const READING: &str = "reading the ledger";

/// Shows each row that a query gives.
pub(super) fn each<E: From<LedgerError>>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut show: impl FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare_cached(sql).map_err(LedgerError::sqlite(READING))?;
    let mut rows = statement.query(params).map_err(LedgerError::sqlite(READING))?;
    while let Some(row) = rows.next().map_err(LedgerError::sqlite(READING))? {
        show(row)?;
    }
    Ok(())
}

/// All rows that a query gives, each through `read`.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let mut found = Vec::new();
    each(connection, sql, params, |row| {
        found.push(read(row)?);
        Ok::<_, LedgerError>(())
    })?;
    Ok(found)
}

/// One value of a row; of another type than its table declares, it is a broken ledger's.
pub(super) fn get<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, LedgerError> {
    row.get(index).map_err(LedgerError::sqlite(READING))
}

/// Words as a list of SQL; none of them is anything that somebody typed.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// The condition that an event explains why a payout is in a state.
pub(super) fn explaining(event: &str, state: State) -> String {
    let one = |(kind, detail): (&str, Option<&str>)| {
        let detail = detail.map(|detail| format!(" AND {event}.detail = '{detail}'")).unwrap_or_default();
        format!("{event}.kind = '{kind}'{detail}")
    };
    let all = all_events().filter(|event| explains(state, event)).map(|event| one(words_of(&event)));
    format!("({})", all.collect::<Vec<_>>().join(" OR "))
}

/// One value that a query may give.
pub(super) fn one<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<T>, LedgerError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, |row| row.get(0)).optional())
        .map_err(LedgerError::sqlite(READING))
}

/// The state that a stored word names.
pub(super) fn state_of(word: &str) -> Result<State, LedgerError> {
    State::from_word(word).ok_or_else(|| LedgerError::Broken(format!("no state is called {word:?}")))
}
