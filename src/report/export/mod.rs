//! Writes a batch's results into a file: CSV, XLSX, HTML or JSON, by its ending.
//!
//! Architecture invariant: the file holds exactly the payouts that the ledger counts in the states asked for, as they
//! stood at one moment, or it is not written at all.

mod csv;
mod error;
mod file;
mod html;
mod json;
mod layout;
mod request;
mod source;
mod totals_by;
mod xlsx;

use crate::domain::payout_status::State;
use crate::ledger::Ledger;
use crate::private_file::NewFile;
pub use error::ExportError;
use layout::Layout;
pub use request::{ExportFormat, ExportRequest, Exported};
use source::Source;

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
    let totals_by = match (format, request.total_by) {
        (ExportFormat::Csv, Some(_)) => return Err(ExportError::NoPlaceForTotals),
        (ExportFormat::Csv | ExportFormat::Json | ExportFormat::Xlsx | ExportFormat::Html, _) => {
            totals_by::totals_by(&source)?
        }
    };
    let totals_by = totals_by.as_ref();
    let mut new = NewFile::create(&path).and_then(|new| new.with_mode(request.mode)).map_err(failed())?;
    match format {
        ExportFormat::Csv => csv::write(&source, &mut new)?,
        ExportFormat::Json => json::write(&source, totals_by, &mut new)?,
        ExportFormat::Xlsx => xlsx::write(&source, totals_by, &mut new)?,
        ExportFormat::Html => notes = html::write(&source, totals_by, &mut new)?,
    }
    new.finish().map_err(failed())?;
    let totals = snapshot.totals()?;
    let states = State::ALL.into_iter().filter(|state| request.only.contains(state));
    let skipped = if request.skipped { snapshot.batch().skipped_rows } else { 0 };
    Ok(Exported { path, states: states.map(|state| (state, totals.of(state))).collect(), skipped, notes })
}
