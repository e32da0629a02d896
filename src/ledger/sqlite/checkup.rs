//! Looks at the ledger's file as a whole: what it is, how it is written, whether it is sound.

use super::read;
use crate::ledger::error::LedgerError;
use rusqlite::Connection;

/// Findings that are listed.
const LISTED_MAX: u32 = 5;

/// What a look at the file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// How commits are kept: `wal` once a run opened the ledger.
    pub journal: String,
    /// The schema's version.
    pub schema: u64,
    /// The file's size in bytes, without what is in its write-ahead log.
    pub bytes: u64,
    /// What is damaged; empty: nothing.
    pub damage: Vec<String>,
    /// Payouts that are planned or in doubt, of all batches.
    pub open_payouts: u64,
}

/// Looks at the file as a whole.
pub(in crate::ledger) fn checkup(connection: &Connection) -> Result<Checkup, LedgerError> {
    let pragma = |name: &str| read::one::<u64>(connection, &format!("PRAGMA {name}"), []);
    let journal = read::one(connection, "PRAGMA journal_mode", [])?.unwrap_or_default();
    let pages = pragma("page_count")?.unwrap_or_default();
    let sql = format!("PRAGMA quick_check({LISTED_MAX})");
    let lines = read::rows(connection, &sql, [], |row| {
        row.get::<_, String>(0).map_err(LedgerError::sqlite("checking the ledger's file"))
    })?;
    let open = "SELECT coalesce(sum(rows), 0) FROM totals WHERE state IN ('planned', 'in_doubt')";
    Ok(Checkup {
        journal,
        schema: pragma("user_version")?.unwrap_or_default(),
        bytes: pages * pragma("page_size")?.unwrap_or_default(),
        damage: lines.into_iter().filter(|line| line != "ok").collect(),
        open_payouts: read::one(connection, open, [])?.unwrap_or_default(),
    })
}
