//! Writes a batch's results into a file: CSV, XLSX, HTML or JSON, by its ending.
//!
//! Architecture invariant: the file holds exactly the payouts that the ledger counts in the states asked for, as they
//! stood at one moment, or it is not written at all.

mod csv;
mod file;
mod html;
mod json;
mod layout;
mod xlsx;

use super::lang::Lang;
use crate::domain::payout_status::State;
use crate::ledger::{Ledger, LedgerError, Outcome, Skipped, Snapshot, Total, UnixMs};
pub(crate) use file::NewFile;
use layout::Layout;
use std::path::{Path, PathBuf};

/// What a result file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Text that spreadsheets and this program read.
    Csv,
    /// A workbook.
    Xlsx,
    /// A page to read and print.
    Html,
    /// For scripts.
    Json,
}

impl ExportFormat {
    /// The format that a file's ending names.
    ///
    /// # Errors
    /// [`ExportError::Ending`] for any other ending.
    pub fn of(path: &Path) -> Result<Self, ExportError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            "html" => Ok(Self::Html),
            "json" => Ok(Self::Json),
            _ => Err(ExportError::Ending(path.to_owned())),
        }
    }
}

/// What is to be written, and how.
#[derive(Clone, Debug)]
pub struct ExportRequest<'r> {
    /// The file.
    pub path: &'r Path,
    /// Only payouts in these states.
    pub only: &'r [State],
    /// The rows that were skipped, too.
    pub skipped: bool,
    /// The language of texts.
    pub lang: Lang,
    /// How long after their receipt points can be spent, in hours (`report.spendable_after_h`).
    pub spendable_after_h: u64,
    /// Now.
    pub now: UnixMs,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file, at its final name.
    pub path: PathBuf,
    /// Payouts and points by state.
    pub states: Vec<(State, Total)>,
    /// Rows that were skipped.
    pub skipped: u64,
    /// What the reader should know of the file.
    pub notes: Vec<String>,
}

impl Exported {
    /// Payouts in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.states.iter().map(|(_, total)| total.rows).sum()
    }

    /// Points in all.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.states.iter().map(|(_, total)| total.points).sum()
    }
}

/// Why there is no result file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger failed or contradicts itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An ending that names no format.
    #[error(
        "a result file ends in .csv, .xlsx, .html or .json, found {0}\nhint: the ending chooses the format, as in `-o results.csv`"
    )]
    Ending(PathBuf),
    /// Something stands at the name that must not be replaced.
    #[error("{path} is {found}, and is not replaced by a result file\nhint: choose another name after -o")]
    Occupied {
        /// The name.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file could not be written.
    #[error("while writing {path}: {source}; no file of that name was made or changed{}", hint_for(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The workbook could not be made.
    #[error("while making a workbook: {0}; no file of that name was made or changed")]
    Workbook(String),
}

fn hint_for(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    if matches!(error.kind(), Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge) {
        "\nhint: the disk is full; free some space, or name a file on another disk after -o"
    } else if error.kind() == Kind::NotFound {
        "\nhint: the folder has to be there before the file"
    } else if matches!(error.kind(), Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
        "\nhint: the folder has to be writable: the file is made beside its final name, and takes that when it is whole"
    } else {
        ""
    }
}

impl ExportError {
    fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// What every format writes from.
struct Source<'s> {
    snapshot: &'s Snapshot<'s>,
    layout: Layout,
    request: &'s ExportRequest<'s>,
}

impl Source<'_> {
    /// The states that were asked for, in words.
    fn states(&self) -> String {
        let (only, lang) = (self.request.only, self.request.lang);
        if State::ALL.iter().all(|state| only.contains(state)) {
            return lang.pick("all", "tất cả").to_owned();
        }
        let mut words: Vec<&str> = only.iter().map(|state| lang.state(*state)).collect();
        words.extend(self.request.skipped.then(|| lang.skipped()));
        words.join(", ")
    }

    /// Shows the rows that were skipped, if they were asked for.
    fn each_skipped<E: From<LedgerError>>(&self, show: impl FnMut(&Skipped) -> Result<(), E>) -> Result<(), E> {
        if self.request.skipped { self.snapshot.skipped(show) } else { Ok(()) }
    }

    /// Shows the payouts, and holds what was shown against the ledger's own totals.
    fn each<E: From<LedgerError>>(&self, mut show: impl FnMut(&Outcome<'_>) -> Result<(), E>) -> Result<(), E> {
        let only = self.request.only;
        let mut shown = [Total::default(); State::ALL.len()];
        self.snapshot.outcomes(only, |outcome| {
            let total = &mut shown[outcome.state as usize];
            total.rows += 1;
            total.points += outcome.points;
            show(outcome)
        })?;
        let totals = self.snapshot.totals()?;
        for state in State::ALL {
            let (found, expected) = (shown[state as usize], totals.of(state));
            let is_wanted = only.contains(&state);
            let same = (found.rows, found.points) == (expected.rows, expected.points);
            // A state that was not asked for must not be in the file: a retry file rests on it.
            if (is_wanted && !same) || (!is_wanted && found != Total::default()) {
                let word = state.word();
                let message = format!("{} payouts are {word}, and the totals say {}", found.rows, expected.rows);
                return Err(LedgerError::Broken(message).into());
            }
        }
        Ok(())
    }
}

/// Writes the results of a batch. The file bears its name only when it is whole.
///
/// # Errors
/// When the ledger or the file fails; then there is no new file, and an old one of that name is as it was.
pub fn export(ledger: &Ledger, batch: &str, request: &ExportRequest<'_>) -> Result<Exported, ExportError> {
    let format = ExportFormat::of(request.path)?;
    let snapshot = ledger.snapshot(batch)?;
    let path = file::target(request.path, &snapshot.batch().file_name)?;
    let layout = Layout::new(&snapshot.columns()?, format, request);
    let source = Source { snapshot: &snapshot, layout, request };
    let failed = || ExportError::write(request.path);
    let mut notes = Vec::new();
    let mut new = NewFile::create(&path).map_err(failed())?;
    match format {
        ExportFormat::Csv => csv::write(&source, &mut new)?,
        ExportFormat::Json => json::write(&source, &mut new)?,
        ExportFormat::Xlsx => xlsx::write(&source, &mut new)?,
        ExportFormat::Html => notes = html::write(&source, &mut new)?,
    }
    new.finish().map_err(failed())?;
    let totals = snapshot.totals()?;
    let states = State::ALL.into_iter().filter(|state| request.only.contains(state));
    let skipped = if request.skipped { snapshot.batch().skipped_rows } else { 0 };
    Ok(Exported { path, states: states.map(|state| (state, totals.of(state))).collect(), skipped, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_words() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let text = ExportError::write(Path::new("r.csv"))(full).to_string();
        assert!(text.contains("hint: the disk is full"), "{text}");
    }
}
