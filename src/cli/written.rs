//! Judges a file that a command is asked to write before it is touched: behind whatever link, it is no file of a ledger.

use super::args::Common;
use super::context::Context;
use super::failure::{Exit, Failure};
use anyhow::anyhow;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What stands beside a ledger, and itself.
const ENDS: [&str; 5] = ["", "-wal", "-shm", ".lock", ".purge-key"];
/// How an SQLite file begins, and its write-ahead log (SQLite, "Database File Format", 1.3.1 and 4.1).
const BEGINNINGS: [&[u8]; 3] = [b"SQLite format 3\0", &[0x37, 0x7f, 0x06, 0x82], &[0x37, 0x7f, 0x06, 0x83]];

/// The ledger that a command's flags and configuration name, for one that needs none.
pub(super) fn ledger_of(common: &Common) -> Option<PathBuf> {
    Context::new(common).ok().map(|context| context.ledger_path)
}

/// Refuses a file of the ledger, compared by device and inode, and any other database.
pub(super) fn no_ledger(path: &Path, ledger: Option<&Path>) -> Result<(), Failure> {
    let Ok(there) = std::fs::metadata(path) else { return Ok(()) };
    let is_same = |end: &str| {
        let mut name = ledger?.canonicalize().unwrap_or_else(|_| ledger.unwrap_or(path).to_owned()).into_os_string();
        name.push(end);
        let file = std::fs::metadata(name).ok()?;
        ((file.dev(), file.ino()) == (there.dev(), there.ino())).then_some(())
    };
    if ENDS.into_iter().any(|end| is_same(end).is_some()) {
        return Err(refused(path, "a file of the ledger"));
    }
    if there.is_file() && is_database(path) {
        return Err(refused(path, "a database or its log"));
    }
    Ok(())
}

/// The same of a file that is written on, which has to be a regular one.
pub(super) fn regular_and_no_ledger(path: &Path, ledger: Option<&Path>) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(refused(path, "no regular file")),
        Ok(_) | Err(_) => no_ledger(path, ledger),
    }
}

fn is_database(path: &Path) -> bool {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let Ok(file) = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    let mut head = Vec::new();
    // Another process may hold it: this one has no connection to it yet, whose locks closing it could give back.
    file.take(16).read_to_end(&mut head).is_ok() && BEGINNINGS.iter().any(|beginning| head.starts_with(beginning))
}

fn refused(path: &Path, found: &str) -> Failure {
    let message = format!(
        "needs a file that may be written, and {} is {found}; it was left as it is\nhint: name another file",
        path.display()
    );
    Failure::new(Exit::Usage, "output_file", anyhow!(message))
}
