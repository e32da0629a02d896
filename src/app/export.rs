//! Writes the results of a batch into a file, beside a live run too.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::output_file;
use crate::domain::payout_status::State;
use crate::ledger::Ledger;
pub use crate::report::Exported;
use crate::report::{ExportError, ExportFormat, ExportRequest, Lang, Zone};
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
    /// The column of the user's own by which payouts are added up.
    pub total_by: Option<String>,
    /// Who may read the file beside its owner, as permission bits; `None`: nobody.
    pub mode: Option<u32>,
}

/// Reads permission bits as `chmod` takes them: 640 lets the group read.
///
/// # Errors
/// It is not octal, takes the file from its owner, or lets everybody write it.
pub fn file_mode(text: &str) -> Result<u32, Failure> {
    let refused = |what: &str| {
        let message = format!("the mode needs octal permission bits from 600 to 775, found {text:?}: {what}");
        Failure::said(Ending::Usage, "mode", message)
    };
    let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| is_octal);
    let mode = mode.ok_or_else(|| refused("no three octal digits, as in 640"))?;
    match mode {
        0o1000.. => Err(refused("more than permissions to read, write and run")),
        mode if mode & 0o600 != 0o600 => Err(refused("its owner could not read and write it")),
        mode if mode & 0o002 != 0 => Err(refused("everybody could change what the results say")),
        mode => Ok(mode),
    }
}

/// Writes a result file.
pub fn export(context: Context<'_>, request: &ResultRequest) -> Result<Exported, Failure> {
    let mut target = Target::new(context, &request.output, request.lang)?;
    (target.total_by, target.mode) = (request.total_by.as_deref(), request.mode);
    target.write(context, &context.open_to_read()?, &request.batch, &request.only, request.skipped)
}

/// A result file that can be written: what is wrong with its name or the settings has shown.
pub(super) struct Target<'t> {
    path: &'t Path,
    lang: Lang,
    spendable_after_h: u64,
    zone: Zone,
    total_by: Option<&'t str>,
    mode: Option<u32>,
}

impl<'t> Target<'t> {
    pub(super) fn new(context: Context<'_>, path: &'t Path, lang: Lang) -> Result<Self, Failure> {
        ExportFormat::of(path)?;
        output_file::no_ledger(path, Some(context.settings.ledger_path()))?;
        let (spendable_after_h, zone) = (context.settings.spendable_after_h()?, context.settings.time_zone()?);
        Ok(Self { path, lang, spendable_after_h, zone, total_by: None, mode: None })
    }

    pub(super) fn write(
        &self,
        context: Context<'_>,
        ledger: &Ledger,
        batch: &str,
        only: &[State],
        skipped: bool,
    ) -> Result<Exported, Failure> {
        let Self { path, lang, spendable_after_h, total_by, mode, .. } = *self;
        let (step_text, zone, now) = (context.door.step_text(), &self.zone, unix_ms());
        let request =
            ExportRequest { path, only, skipped, lang, spendable_after_h, zone, total_by, mode, step_text, now };
        let exported = crate::report::export(ledger, batch, &request)?;
        exported.notes.iter().for_each(|note| context.door.tell(&News::Note(note)));
        Ok(exported)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Ledger(error) => error.into(),
            ExportError::Ending(_) | ExportError::NoPlaceForTotals => Self::new(Ending::Usage, "format", error),
            ExportError::Column { .. } | ExportError::Groups { .. } => Self::new(Ending::Usage, "total_by", error),
            ExportError::Occupied { .. } => Self::new(Ending::Usage, "occupied", error),
            ExportError::Write { .. } | ExportError::Workbook(_) => Self::new(Ending::Failed, "write", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_and_no_ones_who_could_change_results() {
        for (text, mode) in [("600", Some(0o600)), ("640", Some(0o640)), ("0644", Some(0o644)), ("660", Some(0o660))] {
            assert_eq!(file_mode(text).ok(), mode, "{text}");
        }
        for (text, part) in [
            ("666", "everybody could change"),
            ("602", "everybody could change"),
            ("440", "its owner could not"),
            ("4640", "more than permissions"),
            ("999", "no three octal digits"),
            ("rw-r-----", "no three octal digits"),
            ("+640", "no three octal digits"),
            ("", "no three octal digits"),
        ] {
            let message = file_mode(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
