//! Looks at a file from outside: whether it is one, what it begins with, and whether it stayed the same.

use super::problem::{IntakeError, ProblemKind};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

/// What tells a changed file from the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) len: u64,
    modified: Option<SystemTime>,
}

/// Takes a regular file that is no lock file.
pub(crate) fn stamp(path: &Path) -> Result<Stamp, IntakeError> {
    let refuse = |message: String| Err(IntakeError::file(ProblemKind::NotAFile, message));
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return refuse(format!("needs a spreadsheet, has no file {shown}; check the path"));
        }
        Err(error) => return Err(IntakeError::io(path, error)),
    };
    if metadata.is_dir() {
        return refuse(format!("needs a file, has a folder: {shown}; name the file in it"));
    }
    if !metadata.is_file() {
        return refuse(format!(
            "needs a file that can be read twice, has a pipe or device: {shown}; save it to a file first"
        ));
    }
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("~$")) {
        return refuse(format!(
            "needs the spreadsheet, has the lock file that Excel keeps while it is open: {shown}; name the file without ~$"
        ));
    }
    if metadata.len() == 0 {
        return Err(IntakeError::file(
            ProblemKind::Empty,
            "needs a header and rows, has an empty file; export it again",
        ));
    }
    Ok(Stamp { len: metadata.len(), modified: metadata.modified().ok() })
}

/// Refuses a file that is not what it was when it was opened.
pub(crate) fn same(path: &Path, before: &Stamp) -> Result<(), IntakeError> {
    let now = fs::metadata(path).map_err(|error| IntakeError::io(path, error))?;
    if now.len() == before.len && now.modified().ok() == before.modified {
        return Ok(());
    }
    let message = "needs a file that stays as it is, has one that changed while it was read; close it in other programs \
                   and start again";
    Err(IntakeError::file(ProblemKind::Changed, message))
}

/// The first bytes of a file.
pub(crate) fn head(path: &Path) -> Result<Vec<u8>, IntakeError> {
    let mut head = Vec::with_capacity(HEAD);
    let file = File::open(path).map_err(|error| IntakeError::io(path, error))?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(|error| IntakeError::io(path, error))?;
    Ok(head)
}

const HEAD: usize = 8 * 1024;

/// The formats that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A zip archive: XLSX or ODS.
    Zip,
    /// A compound file: XLS, or an encrypted XLSX.
    Compound,
}

/// What is in a file, by its first bytes; its name proves nothing.
pub(crate) fn contents(head: &[u8]) -> Result<Option<Container>, IntakeError> {
    let known: [(&[u8], &str); 10] = [
        (b"\x89PNG", "an image (PNG)"),
        (b"\xFF\xD8\xFF", "an image (JPEG)"),
        (b"GIF8", "an image (GIF)"),
        (b"II*\0", "an image (TIFF)"),
        (b"%PDF", "a PDF"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"7z\xBC\xAF", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"{\\rtf", "a text document (RTF)"),
        (b"SQLite format 3\0", "a database"),
    ];
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Some(Container::Zip));
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Ok(Some(Container::Compound));
    }
    let what = known.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what).or_else(|| markup(head));
    match what {
        Some(what) => {
            let message =
                format!("needs CSV, XLSX, XLS or ODS, has {what}; export the spreadsheet as XLSX or «CSV UTF-8»");
            Err(IntakeError::file(ProblemKind::NotASpreadsheet, message))
        }
        None => Ok(None),
    }
}

/// Web pages and XML that systems export under the name `.xls`.
fn markup(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if begins(&["<?xml", "<workbook"]) {
        return Some("an XML file");
    }
    if begins(&["<html", "<!doctype", "<table", "<head", "<body", "<meta", "<style", "<!--", "mime-version:"]) {
        return Some("a web page (HTML), whatever its name says");
    }
    None
}
