//! Copies a ledger into a file of its own, beside whatever writes to it meanwhile.

use super::file::File;
use crate::ledger::database::Database;
use crate::ledger::error::LedgerError;
use crate::private_file::folder_of;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use std::path::Path;
use std::time::Duration;

impl File {
    /// Copies the ledger as it is at one moment into a new file that only its owner may read; a run beside it goes on. The
    /// copy bears its name once it is whole, sound and durable. Gives its size in bytes.
    pub(in crate::ledger) fn back_up(&self, to: &Path) -> Result<u64, LedgerError> {
        let writing = || LedgerError::io(format!("writing the backup {}", to.display()));
        let copying = || LedgerError::sqlite("copying the ledger");
        if std::fs::symlink_metadata(to).is_ok() {
            return Err(writing()(std::io::Error::from(std::io::ErrorKind::AlreadyExists)));
        }
        let folder = folder_of(to);
        let temporary = tempfile::Builder::new().prefix(".backup-").tempfile_in(folder).map_err(writing())?;
        let mut copy = Connection::open(temporary.path()).map_err(copying())?;
        let backup = Backup::new(self.store(), &mut copy).map_err(copying())?;
        // In one step: between two, a run beside it would write, and the copy would begin again, maybe for ever.
        backup.run_to_completion(i32::MAX, Duration::from_millis(10), None).map_err(copying())?;
        drop(backup);
        let found: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(copying())?;
        if found != "ok" {
            return Err(LedgerError::Broken(format!("the copy is damaged: {found}")));
        }
        copy.close().map_err(|(_, error)| copying()(error))?;
        temporary.as_file().sync_all().map_err(writing())?;
        let file = temporary.persist_noclobber(to).map_err(|error| writing()(error.error))?;
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing())?;
        Ok(file.metadata().map_err(writing())?.len())
    }
}
