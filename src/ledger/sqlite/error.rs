//! Puts what SQLite says into the ledger's words.

use crate::ledger::error::LedgerError;

/// What helps where the schema could not be brought up to date.
const MIGRATION_HINT: &str = "\nhint: the disk may be full or failing; mend that and run the same command again";

impl LedgerError {
    pub(super) fn sqlite(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Storage { doing, hint: hint_for_sqlite(&source), said: Box::new(source) }
    }
}

impl From<rusqlite_migration::Error> for LedgerError {
    fn from(error: rusqlite_migration::Error) -> Self {
        let doing = "bringing the ledger's schema up to date";
        Self::Storage { doing, said: Box::new(error), hint: MIGRATION_HINT }
    }
}

fn hint_for_sqlite(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => "\nhint: free some disk space and run the same command again; nothing was lost",
        Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
            "\nhint: the ledger and its folder must be writable: SQLite keeps two files beside it"
        }
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            "\nhint: another program holds the file; close it and run the same command again"
        }
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
            "\nhint: the file is damaged; restore a backup; a run from it asks the gateway before every first send"
        }
        Some(Code::SystemIoFailure) => "\nhint: the disk failed; run the same command again when it is sound",
        _ => "",
    }
}
