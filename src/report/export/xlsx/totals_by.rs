//! The sheet of totals by a column of the user's own.

use super::sheet::{cut, for_a4};
use super::styles::Styles;
use crate::report::export::error::Stopped;
use crate::report::export::source::Source;
use crate::report::export::totals_by::TotalsBy;
use rust_xlsxwriter::{Formula, Worksheet};

pub(super) fn sheet(source: &Source<'_>, totals_by: &TotalsBy, styles: &Styles) -> Result<Worksheet, Stopped> {
    let lang = source.request.lang;
    let mut sheet = Worksheet::new();
    sheet.set_name(lang.pick("Totals", "Tổng theo nhóm"))?;
    let headers = [
        totals_by.header.as_str(),
        lang.pick("Payouts", "Số khoản"),
        lang.pick("Points", "Số điểm"),
        lang.pick("Payouts credited", "Số khoản đã cộng"),
        lang.pick("Points credited", "Số điểm đã cộng"),
    ];
    for ((column, header), width) in (0_u16..).zip(headers).zip([36.0, 14.0, 16.0, 18.0, 18.0]) {
        sheet.write_string_with_format(0, column, cut(header), &styles.header)?;
        sheet.set_column_width(column, width)?;
    }
    let mut row = 0;
    let mut sums = [0_u64; 4];
    for (value, group) in &totals_by.groups {
        row += 1;
        sheet.write_string_with_format(row, 0, cut(value), &styles.quoted)?;
        let numbers = [group.all.rows, group.all.points, group.credited.rows, group.credited.points];
        for ((column, number), sum) in (1_u16..).zip(numbers).zip(&mut sums) {
            sheet.write_number_with_format(row, column, number as f64, &styles.number)?;
            *sum += number;
        }
    }
    sheet.write_string_with_format(row + 1, 0, lang.pick("In all", "Tổng cộng"), &styles.header)?;
    for ((column, letter), sum) in (1_u16..).zip(['B', 'C', 'D', 'E']).zip(sums) {
        let formula = Formula::new(format!("=SUM({letter}2:{letter}{})", row + 1)).set_result(sum.to_string());
        sheet.write_formula_with_format(row + 1, column, formula, &styles.number.clone().set_bold())?;
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?;
    for_a4(&mut sheet, source.snapshot.batch().name.as_str());
    Ok(sheet)
}
