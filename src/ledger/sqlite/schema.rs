//! Holds the tables, indexes and triggers of a ledger against those that the migrations make: a guard that somebody took
//! away guards nothing, and one that somebody added may do anything.

use super::open;
use super::read;
use crate::ledger::audit::Audit;
use crate::ledger::error::LedgerError;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// By kind and name, what makes each.
type Schema = BTreeMap<(String, String), String>;

/// Finds what is missing, changed or added. In memory there are only simulations, which add faults of their own.
pub(in crate::ledger) fn check(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    if !open::is_file(connection) {
        return Ok(());
    }
    static EXPECTED: OnceLock<Schema> = OnceLock::new();
    let expected = match EXPECTED.get() {
        Some(expected) => expected,
        None => {
            let made = of(&open::open_in_memory(":memory:")?)?;
            EXPECTED.get_or_init(|| made)
        }
    };
    let found = of(connection)?;
    for ((kind, name), sql) in expected {
        match found.get(&(kind.clone(), name.clone())) {
            None => audit.find(format!("the {kind} {name} is missing")),
            Some(other) if other != sql => audit.find(format!("the {kind} {name} was changed")),
            Some(_) => {}
        }
    }
    for (kind, name) in found.keys().filter(|key| !expected.contains_key(*key)) {
        audit.find(format!("the {kind} {name} is not one of topup's"));
    }
    Ok(())
}

fn of(connection: &Connection) -> Result<Schema, LedgerError> {
    // What SQLite makes for itself is called sqlite_….
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let rows = read::rows(connection, sql, [], |row| {
        let read = || Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
        read().map_err(LedgerError::sqlite("reading the ledger's schema"))
    })?;
    Ok(rows.into_iter().collect())
}
