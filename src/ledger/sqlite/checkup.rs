//! Looks at the ledger's file as a whole: what it is, how it is written, whether it is sound.

use super::read;
use crate::ledger::error::LedgerError;
use crate::ledger::views::Checkup;
use rusqlite::Connection;

/// Findings that are listed.
const LISTED_MAX: u32 = 5;

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
