//! Counts what a person should know of a file and that refuses nothing, row by row, and words it as warnings.

use super::columns::Columns;
use super::encoding;
use super::format::Format;
use super::record::Record;
use super::row_parser::Findings;
use super::words::shortened;
use crate::domain::column_role::ColumnRole;
use crate::domain::privacy::hide_middle;
use crate::domain::text::counted;

/// Computed cells that a warning shows; the rest is counted.
const FORMULAS_SHOWN: usize = 5;

/// Struck-through rows that a warning names; the rest is counted.
const STRUCK_SHOWN: usize = 10;

/// What is counted along the way.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    /// Rows that may be paid and have no reference.
    pub(crate) without_reference: u64,
    /// Rows whose phone or points the spreadsheet computes.
    formulas: u64,
    /// The first of those cells, with the values that count, and how many there are.
    formula_cells: Vec<String>,
    formula_cell_count: u64,
    /// Rows whose phone or points are struck through, and the first of them.
    struck: u64,
    struck_rows: Vec<String>,
    /// The first text outside ASCII, which shows a reader how the file was decoded.
    decoded: Option<String>,
}

impl Warnings {
    /// Takes note of a row that was judged.
    pub(crate) fn note(&mut self, record: &Record, columns: &Columns, findings: &Findings, encoding: &str) {
        if findings.formula {
            self.formulas += 1;
            self.note_formulas(record, columns);
        }
        let is_struck = |meaning| columns.of(meaning).is_some_and(|column| record.cell(column).kind.struck);
        if [ColumnRole::Phone, ColumnRole::Id, ColumnRole::Points].into_iter().any(is_struck) {
            self.struck += 1;
            if self.struck_rows.len() < STRUCK_SHOWN {
                self.struck_rows.push(record.row.to_string());
            }
        }
        if self.decoded.is_none() && encoding.starts_with("windows") {
            self.decoded = record.cells().map(|cell| cell.text).find(|text| !text.is_ascii()).map(str::to_owned);
        }
    }

    fn note_formulas(&mut self, record: &Record, columns: &Columns) {
        for meaning in [ColumnRole::Phone, ColumnRole::Id, ColumnRole::Points] {
            let Some(cell) = columns.of(meaning).map(|column| record.cell(column)) else { continue };
            if !cell.kind.formula {
                continue;
            }
            self.formula_cell_count += 1;
            if self.formula_cells.len() < FORMULAS_SHOWN {
                // Warnings go to logs as well, where no whole phone may stand.
                let is_points = meaning == ColumnRole::Points;
                let value = if is_points { shortened(cell.text).into_owned() } else { hide_middle(cell.text) };
                self.formula_cells.push(format!("row {}, {} «{value}»", record.row, meaning.word()));
            }
        }
    }

    /// Words what was counted.
    pub(crate) fn warn(self, format: &Format, warnings: &mut Vec<String>) {
        if encoding::is_guessed(format.encoding) {
            let texts =
                format.headers.iter().find(|header| !header.is_ascii()).cloned().into_iter().chain(self.decoded);
            let shown: Vec<String> = texts.map(|text| format!("«{}»", shortened(&text))).collect();
            warnings.push(format!(
                "decoded as {}: {}; if this reads wrongly, save the file as «CSV UTF-8»",
                format.encoding,
                shown.join(", ")
            ));
        }
        if let (Some(batch), Some(invoice_no)) = (format.batch_columns.last(), format.invoice_no_columns.last()) {
            warnings.push(format!(
                "the columns «{batch}» and «{invoice_no}» are those of a result file: if it is one, a run refuses it \
                 under another batch, and a retry plans again what was not paid"
            ));
        }
        if self.formulas > 0 {
            let more = if self.formula_cell_count > self.formula_cells.len() as u64 { "; …" } else { "" };
            warnings.push(format!(
                "phone or points are computed by a formula in {}; what the spreadsheet stored last is read: {}{more}",
                counted(self.formulas, "row"),
                self.formula_cells.join("; ")
            ));
        }
        if self.struck > 0 {
            let more = if self.struck > self.struck_rows.len() as u64 { ", …" } else { "" };
            warnings.push(format!(
                "struck through in the spreadsheet, and paid all the same: {} ({}{more}); remove what was cancelled",
                counted(self.struck, "row"),
                self.struck_rows.join(", ")
            ));
        }
        if self.without_reference > 0 && format.columns.iter().any(|(meaning, _)| *meaning == ColumnRole::Reference) {
            warnings.push(format!(
                "without a reference: {}; the member is the row key there",
                counted(self.without_reference, "row")
            ));
        }
    }
}
