//! What is asked of an export, and what came of it.

use super::error::ExportError;
use crate::domain::hint::StepText;
use crate::domain::payout_status::State;
use crate::ledger::{Total, UnixMs};
use crate::report::lang::Lang;
use crate::report::zone::Zone;
use std::path::{Path, PathBuf};

/// What a result file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Text that spreadsheets and this program read.
    Csv,
    /// A workbook: a summary with a chart, and the payouts.
    Xlsx,
    /// A page to read and print.
    Html,
    /// One object, as scripts rely on it.
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
    /// Where the file goes; its ending names the format.
    pub path: &'r Path,
    /// Only payouts in these states.
    pub only: &'r [State],
    /// The rows that were skipped, too.
    pub skipped: bool,
    /// The language of texts.
    pub lang: Lang,
    /// How long after their receipt points can be spent, in hours (`report.spendable_after_h`).
    pub spendable_after_h: u64,
    /// The zone by whose clock times are told (`report.time_zone`).
    pub zone: &'r Zone,
    /// The header of the user's own column by which payouts are added up.
    pub total_by: Option<&'r str>,
    /// Who may read the file, as permission bits; `None`: its owner.
    pub mode: Option<u32>,
    /// How the steps are worded that a page advises.
    pub step_text: StepText,
    /// The moment of the export, by which ages are told.
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
