//! The lease of a ledger: while one command has it, no other changes the ledger, and who asks hears who has it.
//!
//! Here it is the operating system's lock on a file beside the ledger: given back whenever its process ends, however it
//! ends, so that a killed run needs no clean-up, and never taken from a process that lives. The file stays: removing it
//! would let two runs lock two files of one name. The ledger's own inode is locked beside it (`held`): this file goes by
//! the ledger's name, and a ledger may have been given another.

use super::held;
use crate::ledger::error::LedgerError;
use crate::private_file;
use rustix::fs::OFlags;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a look at the lock can take, and how often one is waited for.
const GLANCE: Duration = Duration::from_millis(10);
const GLANCES: u32 = 20;

/// The right to change a ledger; given back when dropped.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease of the ledger at `ledger`, and writes `owner` (which process, since when) into its file.
    ///
    /// # Errors
    /// [`LedgerError::Locked`], naming the holder, while another process has it.
    pub fn take(ledger: &Path, owner: &str) -> Result<Self, LedgerError> {
        // Nothing is put beside what can be no ledger.
        held::regular(ledger)?;
        let path = lock_path(ledger);
        let io = |error| LedgerError::io(format!("locking {}", path.display()))(error);
        let mut options = private_file::options();
        options.read(true).write(true).create(true).truncate(false);
        // Whatever stands there under another name is not written into, and a pipe is not waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
        let mut file = options.open(&path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() || metadata.nlink() > 1 {
            let found =
                std::io::Error::other("it needs a file of its own, and is a link or no regular file; remove it");
            return Err(io(found));
        }
        match lock(&file) {
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
        writeln!(file, "{owner}").map_err(io)?;
        Ok(Self { _file: file })
    }

    /// Whether a process has the lease right now.
    #[must_use]
    pub fn is_taken(ledger: &Path) -> bool {
        let path = lock_path(ledger);
        if !path.is_file() {
            return false;
        }
        let Ok(file) = File::open(path) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Takes the lock. Whoever asks whether it is held ([`Lease::is_taken`]) has it for a moment: that is no other run.
fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..GLANCES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(GLANCE),
            taken_or_failed => return taken_or_failed,
        }
    }
    file.try_lock()
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

    #[test]
    fn a_look_at_the_lease_is_no_other_run() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("topup.db");
        drop(Lease::take(&ledger, "first").unwrap());
        let look = File::open(lock_path(&ledger)).unwrap();
        look.try_lock_shared().unwrap();
        let acquired = std::thread::spawn(move || Lease::take(&ledger, "second").map(drop));
        drop(look);
        acquired.join().unwrap().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn two_names_of_one_ledger_have_one_lease() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, link) = (folder.path().join("topup.db"), folder.path().join("link.db"));
        File::create(&ledger).unwrap();
        std::os::unix::fs::symlink(&ledger, &link).unwrap();
        let _lock = Lease::take(&ledger, "first").unwrap();
        assert!(Lease::is_taken(&link));
        assert!(matches!(Lease::take(&link, "second"), Err(LedgerError::Locked { .. })));
    }
}
