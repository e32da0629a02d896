//! Keeps a second run off a ledger while the first one lives.
//!
//! The operating system's lock on a file beside the ledger is given back whenever its process ends, however it ends,
//! so a killed run needs no clean-up. The file stays: removing it would let two runs lock two files of one name.

use super::error::LedgerError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to change a ledger; given back when dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of the ledger at `ledger`, and writes `holder` (which process, since when) into its file.
    ///
    /// # Errors
    /// [`LedgerError::Locked`], naming the holder, while another process has it.
    pub fn acquire(ledger: &Path, holder: &str) -> Result<Self, LedgerError> {
        let path = lock_path(ledger);
        let io = |error| LedgerError::io(format!("locking {}", path.display()))(error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                return Err(LedgerError::Locked { path: ledger.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{holder}").map_err(io)?;
        Ok(Self { _file: file })
    }

    /// Whether a process holds the lock right now.
    #[must_use]
    pub fn is_held(ledger: &Path) -> bool {
        let Ok(file) = File::open(lock_path(ledger)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Beside the ledger itself, by whichever link it was named: two names of one ledger have one lock.
fn lock_path(ledger: &Path) -> PathBuf {
    let mut name = ledger.canonicalize().unwrap_or_else(|_| ledger.to_owned()).into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn two_names_of_one_ledger_have_one_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, link) = (folder.path().join("topup.db"), folder.path().join("link.db"));
        File::create(&ledger).unwrap();
        std::os::unix::fs::symlink(&ledger, &link).unwrap();
        let _lock = RunLock::acquire(&ledger, "first").unwrap();
        assert!(RunLock::is_held(&link));
        assert!(matches!(RunLock::acquire(&link, "second"), Err(LedgerError::Locked { .. })));
    }
}
