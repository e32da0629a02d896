//! Copies the ledger to another file, and keeps in mind where and when, for `doctor`.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::output_file;
use crate::ledger::UnixMs;
use crate::private_file::NewFile;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct BackedUp {
    /// Its file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many batches it knows.
    pub batches: u64,
    /// The key of purged batches, which is a file of its own and not in it.
    pub purge_key: Option<PathBuf>,
}

/// The newest backup, as it was noted beside the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) file: PathBuf,
    pub(super) at: UnixMs,
}

/// Copies the ledger into a new file, beside a live run too.
pub fn back_up(context: Context<'_>, to: &Path) -> Result<BackedUp, Failure> {
    let path = context.settings.ledger_path();
    output_file::no_ledger(to, Some(path))?;
    if std::fs::symlink_metadata(to).is_ok() {
        let message =
            format!("needs a new file for the backup, and {} is there already; it was left as it is", to.display());
        return Err(Failure::said(Ending::Usage, "output_file", format!("{message}\nhint: name another file")));
    }
    let ledger = context.open_to_read()?;
    let bytes = ledger.back_up(to)?;
    let batches = ledger.batches()?.len() as u64;
    let file = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    if let Err(error) = note(path, &file) {
        let trouble = format!("note: the backup is made, and doctor will not know of it: {error}");
        context.door.tell(&News::Note(&trouble));
    }
    let purge_key = ledger.purge_key_path().filter(|key| key.exists()).map(Path::to_owned);
    Ok(BackedUp { file, bytes, batches, purge_key })
}

fn noted_at(ledger: &Path) -> PathBuf {
    let mut name = ledger.canonicalize().unwrap_or_else(|_| ledger.to_owned()).into_os_string();
    name.push(".backup");
    name.into()
}

fn note(ledger: &Path, file: &Path) -> std::io::Result<()> {
    let mut note = NewFile::create(&noted_at(ledger))?;
    writeln!(note, "{}", json!({"at": unix_ms(), "file": file.to_string_lossy()}))?;
    note.finish()
}

/// The newest backup that was noted; `None`: none, or the note cannot be read.
pub(super) fn newest(ledger: &Path) -> Option<Newest> {
    let note: Value = serde_json::from_slice(&std::fs::read(noted_at(ledger)).ok()?).ok()?;
    Some(Newest { file: note["file"].as_str()?.into(), at: note["at"].as_i64()? })
}
