//! Writes the results of a batch into a file, beside a live run too.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::output_file;
use crate::domain::payout_status::State;
use crate::ledger::Ledger;
pub use crate::report::Exported;
use crate::report::{ExportError, ExportFormat, ExportRequest, Lang};
use std::path::{Path, PathBuf};

/// What is to be written, and where.
#[derive(Clone, Debug)]
pub struct ResultRequest {
    /// The batch.
    pub batch: String,
    /// The file; its ending chooses the format.
    pub output: PathBuf,
    /// Payouts in these states.
    pub only: Vec<State>,
    /// The rows that were left out, too.
    pub skipped: bool,
    /// The language of texts.
    pub lang: Lang,
}

/// Writes a result file.
pub fn export(context: Context<'_>, request: &ResultRequest) -> Result<Exported, Failure> {
    let target = Target::new(context, &request.output, request.lang)?;
    target.write(context, &context.open_to_read()?, &request.batch, &request.only, request.skipped)
}

/// A result file that can be written: what is wrong with its name or the settings has shown.
pub(super) struct Target<'t> {
    path: &'t Path,
    lang: Lang,
    spendable_after_h: u64,
}

impl<'t> Target<'t> {
    pub(super) fn new(context: Context<'_>, path: &'t Path, lang: Lang) -> Result<Self, Failure> {
        ExportFormat::of(path)?;
        output_file::no_ledger(path, Some(context.settings.ledger_path()))?;
        Ok(Self { path, lang, spendable_after_h: context.settings.spendable_after_h()? })
    }

    pub(super) fn write(
        &self,
        context: Context<'_>,
        ledger: &Ledger,
        batch: &str,
        only: &[State],
        skipped: bool,
    ) -> Result<Exported, Failure> {
        let Self { path, lang, spendable_after_h } = *self;
        let step_text = context.door.step_text();
        let request = ExportRequest { path, only, skipped, lang, spendable_after_h, step_text, now: unix_ms() };
        let exported = crate::report::export(ledger, batch, &request)?;
        exported.notes.iter().for_each(|note| context.door.tell(&News::Note(note)));
        Ok(exported)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Ledger(error) => error.into(),
            ExportError::Ending(_) => Self::new(Ending::Usage, "format", error),
            ExportError::Occupied { .. } => Self::new(Ending::Usage, "occupied", error),
            ExportError::Write { .. } | ExportError::Workbook(_) => Self::new(Ending::Failed, "write", error),
        }
    }
}
