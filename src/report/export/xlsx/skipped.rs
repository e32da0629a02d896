//! The sheet of the rows that a plan left out: what stood in them, and why.

use super::sheet::for_a4;
use super::styles::Styles;
use crate::ledger::Skipped;
use crate::report::export::error::Stopped;
use crate::report::export::layout::{is_formula_like, skipped_texts};
use crate::report::export::source::Source;
use rust_xlsxwriter::{Worksheet, XlsxError};

pub(super) fn sheet(source: &Source<'_>, styles: &Styles) -> Result<Worksheet, Stopped> {
    let lang = source.request.lang;
    let mut sheet = Worksheet::new();
    sheet.set_name(lang.pick("Skipped", "Bỏ qua"))?;
    let told = [lang.pick("row", "dòng gốc"), lang.pick("reason", "lý do")];
    let headers = source.layout.own.iter().map(|(header, _)| header.as_str()).chain(told);
    let last = u16::try_from(source.layout.own.len() + 1).unwrap_or(u16::MAX);
    for (column, header) in (0_u16..).zip(headers) {
        sheet.write_string_with_format(0, column, header, &styles.header)?;
        sheet.set_column_width(column, if column == last { 60 } else { 14 })?;
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?;
    for_a4(&mut sheet, source.snapshot.batch().name.as_str());
    let mut row = 0;
    source.each_skipped::<Stopped>(|skipped| {
        row += 1;
        Ok(write(&mut sheet, row, skipped, source, styles)?)
    })?;
    Ok(sheet)
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    skipped: &Skipped,
    source: &Source<'_>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let mut texts = skipped_texts(&source.layout, skipped);
    let (number, reasons) = (skipped.row.to_string(), skipped.reasons.join("; "));
    texts.extend([number.as_str(), reasons.as_str()]);
    for (column, text) in (0_u16..).zip(texts) {
        if is_formula_like(text) {
            sheet.write_string_with_format(row, column, text, &styles.quoted)?;
        } else {
            sheet.write_string(row, column, text)?;
        }
    }
    Ok(())
}
