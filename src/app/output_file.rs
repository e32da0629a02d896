//! Judges a file that somebody wants written before it is touched: behind whatever link, it is no file of a ledger.

use super::failure::{Ending, Failure};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What stands beside a ledger, and itself: how each name ends behind the ledger's own.
pub(super) const ENDS: [&str; 7] = ["", "-wal", "-shm", ".lock", ".purge-key", ".pace", ".backup"];
/// Links that are followed to where a file would come to stand, as many as Linux follows.
const LINKS_MAX: usize = 40;
/// How an SQLite file begins, and its write-ahead log (SQLite, "Database File Format", 1.3.1 and 4.1).
const BEGINNINGS: [&[u8]; 3] = [b"SQLite format 3\0", &[0x37, 0x7f, 0x06, 0x82], &[0x37, 0x7f, 0x06, 0x83]];

/// Refuses a file of the ledger, and any other database. What is there is compared by device and inode, what is not there
/// yet by its place: the ledger would take it for its own later.
pub fn no_ledger(path: &Path, ledger: Option<&Path>) -> Result<(), Failure> {
    let there = std::fs::metadata(path).ok();
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let is_same = |file: &Path| match &there {
        Some(there) => identity(file) == Some((there.dev(), there.ino())),
        None => place(path).is_some_and(|place_of_path| place(file) == Some(place_of_path)),
    };
    if ledger.is_some_and(|ledger| files_of(ledger).iter().any(|file| is_same(file))) {
        return Err(refused(path, "a file of the ledger"));
    }
    if there.is_some_and(|there| there.is_file()) && is_database(path) {
        return Err(refused(path, "a database or its log"));
    }
    Ok(())
}

/// The files of a ledger, whether they are there or not.
fn files_of(ledger: &Path) -> [PathBuf; 7] {
    let ledger = ledger.canonicalize().ok().or_else(|| place(ledger)).unwrap_or_else(|| ledger.to_owned());
    ENDS.map(|end| {
        let mut name = ledger.clone().into_os_string();
        name.push(end);
        name.into()
    })
}

/// Where a file that is not there would come to stand, behind links that lead nowhere.
fn place(path: &Path) -> Option<PathBuf> {
    let mut path = std::path::absolute(path).ok()?;
    for _ in 0..LINKS_MAX {
        let Ok(link) = std::fs::read_link(&path) else { break };
        path = path.parent()?.join(link);
    }
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// The same of a file that is written on, which has to be a regular one.
pub fn regular_and_no_ledger(path: &Path, ledger: Option<&Path>) -> Result<(), Failure> {
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
    Failure::said(Ending::Usage, "output_file", message)
}
