//! The rows that a plan left out, on the page: what stood in them, and why.

use super::gather::LISTED_MAX;
use super::page::{escaped, foreign, table};
use crate::domain::text::grouped;
use crate::ledger::LedgerError;
use crate::report::export::error::ExportError;
use crate::report::export::source::Source;

/// Nothing where no row was skipped, or none was asked for.
pub(super) fn section(source: &Source<'_>) -> Result<String, ExportError> {
    let (lang, all) = (source.request.lang, source.snapshot.batch().skipped_rows);
    let mut rows = Vec::new();
    source.each_skipped::<LedgerError>(|skipped| {
        if rows.len() < LISTED_MAX {
            let cells = skipped.cells.iter().flatten().filter(|(_, text)| !text.trim().is_empty());
            let cells: Vec<String> = cells.map(|(header, text)| format!("{header}: {text}")).collect();
            let reasons = foreign(&skipped.reasons.join("; "));
            rows.push(vec![skipped.row.to_string(), foreign(&cells.join("; ")), reasons]);
        }
        Ok(())
    })?;
    if rows.is_empty() {
        return Ok(String::new());
    }
    let headers = [lang.pick("row", "dòng"), lang.pick("cells", "các ô"), lang.pick("reason", "lý do")];
    let title = lang.pick("Skipped rows", "Dòng bị bỏ qua");
    Ok(format!(
        "<section><h2>{} ({})</h2>\n{}</section>\n",
        escaped(title),
        grouped(all),
        table(&headers, rows.into_iter())
    ))
}
