//! Results as a workbook: a summary with a chart, and the payouts, row by row, in memory that does not grow.
//!
//! The results come first among the sheets, so that the file reads back in as the payout file it was; the summary is
//! the one that opens.

mod sheet;
mod skipped;
mod styles;
mod summary;
mod totals_by;

use super::error::{ExportError, Stopped};
use super::source::Source;
use super::totals_by::TotalsBy;
use crate::caught::caught;
use crate::private_file::{NewFile, folder_of};
use rust_xlsxwriter::{DocProperties, Workbook};
use sheet::Sheet;
use std::path::Path;
use styles::Styles;

/// The payouts that fit on one sheet under its header: Excel's own limit.
const ROWS_MAX: u64 = 1_048_575;

pub(super) fn write(source: &Source<'_>, totals_by: Option<&TotalsBy>, file: &mut NewFile) -> Result<(), ExportError> {
    let path = source.request.path;
    // The library panics where its temporary file cannot be written, as on a full disk; that is an error here.
    let written = caught(|| write_sheets(source, totals_by, file, ROWS_MAX));
    match written {
        Ok(written) => written.map_err(|stopped| stopped.at(path)),
        Err(panic) => Err(panicked(&panic, path)),
    }
}

fn panicked(panic: &str, path: &Path) -> ExportError {
    if panic.contains("StorageFull") || panic.contains("QuotaExceeded") {
        ExportError::write(path)(std::io::ErrorKind::StorageFull.into())
    } else {
        ExportError::Workbook(panic.to_owned())
    }
}

fn write_sheets(
    source: &Source<'_>,
    totals_by: Option<&TotalsBy>,
    file: &mut NewFile,
    rows_max: u64,
) -> Result<(), Stopped> {
    let batch = source.snapshot.batch();
    let mut workbook = Workbook::new();
    // Beside the result: where that fits this fits, and nobody's phone lies about in a shared folder.
    workbook.set_tempdir(folder_of(file.path()))?;
    workbook.set_properties(&DocProperties::new().set_title(format!("batch {}", batch.name)).set_author("topup"));
    let totals = source.snapshot.totals()?;
    let mut left: u64 = source.request.only.iter().map(|state| totals.of(*state).rows).sum();
    let mut sheets = 1;
    let styles = Styles::new();
    let mut sheet = Sheet::begin(&mut workbook, source, sheets, left.min(rows_max))?;
    source.each::<Stopped>(|outcome| {
        if sheet.rows() == rows_max {
            left -= rows_max;
            sheets += 1;
            let next = Sheet::begin(&mut workbook, source, sheets, left.min(rows_max))?;
            workbook.push_worksheet(std::mem::replace(&mut sheet, next).end());
        }
        sheet.write(outcome, source, &styles)
    })?;
    workbook.push_worksheet(sheet.end());
    if source.request.skipped && batch.skipped_rows > 0 {
        workbook.push_worksheet(skipped::sheet(source, &styles)?);
    }
    if let Some(totals_by) = totals_by {
        workbook.push_worksheet(totals_by::sheet(source, totals_by, &styles)?);
    }
    workbook.push_worksheet(summary::sheet(source, &totals, &styles)?);
    workbook.save_to_writer(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payout_status::State;
    use crate::ledger::Ledger;
    use crate::ledger::fixture::planned;
    use crate::report::export::layout::Layout;
    use crate::report::export::request::{ExportFormat, ExportRequest};
    use crate::report::lang::Lang;
    use crate::report::zone::Zone;
    use calamine::Reader;

    #[test]
    fn more_payouts_than_a_sheet_holds_go_on_on_the_next() {
        let ((ledger, _), folder) = (planned(Ledger::in_memory().unwrap(), 8), tempfile::tempdir().unwrap());
        let path = folder.path().join("r.xlsx");
        let request = ExportRequest {
            path: &path,
            only: &State::ALL,
            skipped: true,
            lang: Lang::Vi,
            spendable_after_h: 24,
            zone: &Zone::named("Asia/Ho_Chi_Minh").unwrap(),
            total_by: None,
            mode: None,
            step_text: |step| format!("{step:?}"),
            now: 0,
        };
        let snapshot = ledger.snapshot("b").unwrap();
        let layout = Layout::new(&snapshot.columns().unwrap(), ExportFormat::Xlsx, &request);
        let mut file = NewFile::create(&path).unwrap();
        write_sheets(&Source { snapshot: &snapshot, layout, request: &request }, None, &mut file, 3).unwrap();
        file.finish().unwrap();
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
        assert_eq!(book.sheet_names(), ["Kết quả", "Kết quả 2", "Kết quả 3", "Tổng hợp"]);
        let heights = ["Kết quả", "Kết quả 2", "Kết quả 3"].map(|name| book.worksheet_range(name).unwrap().height());
        assert_eq!(heights, [4, 4, 3], "each with its header");
    }

    #[test]
    fn a_full_disk_under_the_temporary_file_is_an_error_and_no_panic() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        // As the library words it.
        let panic = caught::<()>(|| panic!("Couldn't write to xml file: {full:?}")).unwrap_err();
        let text = panicked(&panic, Path::new("r.xlsx")).to_string();
        assert!(text.contains("hint: the disk is full"), "{text}");
    }
}
