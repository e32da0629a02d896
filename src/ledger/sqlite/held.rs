//! Holds the file of a ledger itself, by whichever of its names it was opened: a regular file with one name, whose side
//! files therefore stand beside it, and which one process at a time changes.
//!
//! The lock is on the inode, so it holds across links, and across a folder that is mounted twice. The descriptor that
//! carries it is opened before SQLite opens the file and closed after SQLite closed it: closing any descriptor of a file
//! gives back every POSIX lock that the process has on it, and SQLite's locks are such. So it is also the only one by
//! which this process looks into the file.

use crate::ledger::error::LedgerError;
use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Seek};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

/// Bytes of the header of an SQLite file.
const HEADER_BYTES: u64 = 100;

/// Which file: device and inode.
type Identity = (u64, u64);

/// The files that this process holds: a second connection to one of them shares its descriptor.
static HELD: LazyLock<Mutex<HashMap<Identity, Weak<Held>>>> = LazyLock::new(Mutex::default);

/// A ledger's file, held until the last connection of the process to it is closed.
#[derive(Debug)]
pub(in crate::ledger) struct Held {
    file: File,
    is_locked: Mutex<bool>,
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What a path is, where it is no regular file; `None`: there is nothing.
pub(in crate::ledger) fn regular(path: &Path) -> Result<Option<Metadata>, LedgerError> {
    let not_a_ledger = |found: &str| LedgerError::NotALedger { path: path.to_owned(), found: found.to_owned() };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return if path.is_symlink() { Err(not_a_ledger("a link that leads nowhere")) } else { Ok(None) };
        }
        Err(error) => return Err(LedgerError::io(format!("reading the ledger {}", path.display()))(error)),
    };
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => Ok(Some(metadata)),
        () if kind.is_dir() => Err(not_a_ledger("a folder")),
        () if kind.is_fifo() => Err(not_a_ledger("a pipe")),
        () if kind.is_socket() => Err(not_a_ledger("a socket")),
        () => Err(not_a_ledger("a device")),
    }
}

impl Held {
    /// Holds the file at a path; with `to_change`, for this process alone. `None`: there is no file.
    pub(in crate::ledger) fn hold(path: &Path, to_change: bool) -> Result<Option<Arc<Self>>, LedgerError> {
        let Some(metadata) = regular(path)? else { return Ok(None) };
        if metadata.nlink() > 1 {
            return Err(LedgerError::ManyNames { path: path.to_owned(), names: metadata.nlink() });
        }
        let mut all = unpoisoned(&HELD);
        all.retain(|_, held| held.strong_count() > 0);
        let held = match all.get(&identity(&metadata)).and_then(Weak::upgrade) {
            Some(held) => held,
            None => {
                let held = Arc::new(Self::open(path, identity(&metadata))?);
                all.insert(identity(&metadata), Arc::downgrade(&held));
                held
            }
        };
        drop(all);
        refuse_mounted(&held.file, path)?;
        if to_change {
            held.lock(path)?;
        }
        Ok(Some(held))
    }

    fn open(path: &Path, expected: Identity) -> Result<Self, LedgerError> {
        let reading = |error| LedgerError::io(format!("reading the ledger {}", path.display()))(error);
        // Not blocking: what takes the file's place in this moment may be a pipe.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
        let flags = i32::try_from(nonblock).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(reading)?;
        let metadata = file.metadata().map_err(reading)?;
        if identity(&metadata) != expected {
            return Err(LedgerError::Replaced { path: path.to_owned() });
        }
        Ok(Self { file, is_locked: Mutex::new(false) })
    }

    fn lock(&self, path: &Path) -> Result<(), LedgerError> {
        let mut is_locked = unpoisoned(&self.is_locked);
        if *is_locked {
            return Ok(());
        }
        match self.file.try_lock() {
            Ok(()) => *is_locked = true,
            Err(TryLockError::WouldBlock) => {
                // This process has the lock of the ledger's name by now.
                let holder = "a process that opened the same file by another name".to_owned();
                return Err(LedgerError::Locked { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => {
                return Err(LedgerError::io(format!("locking {}", path.display()))(error));
            }
        }
        Ok(())
    }

    /// The first bytes of the file, and its length.
    pub(in crate::ledger) fn header(&self) -> std::io::Result<(Vec<u8>, u64)> {
        let mut header = Vec::new();
        (&self.file).rewind()?;
        (&self.file).take(HEADER_BYTES).read_to_end(&mut header)?;
        Ok((header, self.file.metadata()?.len()))
    }

    /// Only its owner may read it.
    pub(in crate::ledger) fn only_for_the_owner(&self) -> std::io::Result<()> {
        self.file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
    }
}

/// A file that is mounted by itself has its write-ahead log beside each of its places: two of them.
#[cfg(target_os = "linux")]
fn refuse_mounted(file: &File, path: &Path) -> Result<(), LedgerError> {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
    // An older kernel does not say.
    let is_mounted = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    if is_mounted { Err(LedgerError::Mounted { path: path.to_owned() }) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
fn refuse_mounted(_file: &File, _path: &Path) -> Result<(), LedgerError> {
    Ok(())
}

/// The ledger's file and its side files, as they were when a run began.
#[derive(Debug)]
pub(in crate::ledger) struct Watched {
    files: Vec<(PathBuf, Identity)>,
}

impl Watched {
    /// The files of an open connection with a write-ahead log.
    pub(in crate::ledger) fn of(path: &Path) -> Result<Self, LedgerError> {
        let side = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let mut files = Vec::new();
        for file in [path.to_owned(), side("-wal"), side("-shm")] {
            match std::fs::metadata(&file) {
                Ok(metadata) => files.push((file, identity(&metadata))),
                // A disk that failed while the log was made leaves none, too.
                Err(_) => return Err(LedgerError::Replaced { path: file }),
            }
        }
        Ok(Self { files })
    }

    /// Stops a run whose files were removed, replaced or given another name: what it would write could be lost, or stand
    /// beside what another program writes.
    pub(in crate::ledger) fn check(&self) -> Result<(), LedgerError> {
        for (path, expected) in &self.files {
            match std::fs::metadata(path) {
                Ok(metadata) if identity(&metadata) == *expected && metadata.nlink() == 1 => {}
                Ok(metadata) if identity(&metadata) == *expected => {
                    return Err(LedgerError::ManyNames { path: path.clone(), names: metadata.nlink() });
                }
                Ok(_) | Err(_) => return Err(LedgerError::Replaced { path: path.clone() }),
            }
        }
        Ok(())
    }
}
