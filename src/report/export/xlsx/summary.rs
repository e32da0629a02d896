//! The sheet that opens: what the batch is, its totals by state, and a chart of them.

use super::sheet::for_a4;
use super::styles::{Styles, colours, local_time};
use crate::domain::payout_status::State;
use crate::ledger::Totals;
use crate::report::export::error::Stopped;
use crate::report::export::source::Source;
use crate::report::lang::Lang;
use rust_xlsxwriter::{
    Chart, ChartFormat, ChartPoint, ChartSolidFill, ChartType, Color, Formula, Worksheet, XlsxError,
};

/// The first row of the table of states.
const TABLE: u32 = 12;

pub(super) fn sheet(source: &Source<'_>, totals: &Totals, styles: &Styles) -> Result<Worksheet, Stopped> {
    let lang = source.request.lang;
    let mut sheet = Worksheet::new();
    sheet.set_name(lang.pick("Summary", "Tổng hợp"))?.set_active(true);
    sheet.set_column_width(0, 24)?.set_column_width(1, 22)?.set_column_width(2, 18)?.set_column_width(3, 70)?;
    for_a4(&mut sheet, source.snapshot.batch().name.as_str());
    facts(&mut sheet, source, styles)?;
    table(&mut sheet, lang, totals, styles)?;
    chart(&mut sheet, lang, totals)?;
    Ok(sheet)
}

fn facts(sheet: &mut Worksheet, source: &Source<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let (lang, batch) = (source.request.lang, source.snapshot.batch());
    let title = lang.pick("Results of batch", "Kết quả của đợt");
    sheet.write_string_with_format(0, 0, format!("{title} {}", batch.name), &styles.title)?;
    let texts = [
        (lang.pick("File", "Tệp"), batch.file_name.as_str()),
        (lang.pick("Planned by", "Người lập"), batch.planned_by.as_str()),
        (lang.pick("Gateway", "Cổng"), batch.binding.gateway_host.as_str()),
        (lang.pick("Merchant", "Merchant"), batch.binding.merchant_id.as_str()),
        (lang.pick("Terminal", "Terminal"), batch.binding.terminal_id.as_str()),
    ];
    for (row, (label, text)) in (2..).zip(texts) {
        sheet.write_string(row, 0, label)?.write_string(row, 1, text)?;
    }
    let times = [
        (lang.pick("Planned at", "Lập lúc"), batch.planned_at),
        (lang.pick("Written at", "Xuất lúc"), source.request.now),
    ];
    let zone = source.request.zone;
    let clock = zone.label(source.request.now);
    for (row, (label, at)) in (7..).zip(times) {
        sheet.write_string(row, 0, format!("{label} ({clock})"))?;
        sheet.write_datetime_with_format(row, 1, local_time(at, zone)?, &styles.time)?;
    }
    sheet.write_string(9, 0, lang.pick("Rows in this file", "Các dòng trong tệp"))?;
    sheet.write_string(9, 1, source.states())?;
    if batch.skipped_rows > 0 {
        sheet.write_string(10, 0, lang.pick("Skipped rows", "Dòng bị bỏ qua"))?;
        sheet.write_number(10, 1, batch.skipped_rows as f64)?;
    }
    Ok(())
}

fn table(sheet: &mut Worksheet, lang: Lang, totals: &Totals, styles: &Styles) -> Result<(), XlsxError> {
    let headers = [
        lang.pick("State", "Kết quả"),
        lang.pick("Payouts", "Số khoản"),
        lang.pick("Points", "Số điểm"),
        lang.pick("What it means", "Ý nghĩa"),
    ];
    for (column, header) in (0..).zip(headers) {
        sheet.write_string_with_format(TABLE, column, header, &styles.header)?;
    }
    let mut all = (0, 0);
    for (row, state) in (TABLE + 1..).zip(State::ALL) {
        let total = totals.of(state);
        all = (all.0 + total.rows, all.1 + total.points);
        sheet.write_string_with_format(row, 0, lang.state(state), styles.state(state))?;
        sheet.write_number_with_format(row, 1, total.rows as f64, &styles.number)?;
        sheet.write_number_with_format(row, 2, total.points as f64, &styles.number)?;
        sheet.write_string(row, 3, lang.state_meaning(state))?;
    }
    let last = TABLE + 1 + State::ALL.len() as u32;
    sheet.write_string_with_format(last, 0, lang.pick("In all", "Tổng cộng"), &styles.header)?;
    for (column, total) in [(1, all.0), (2, all.1)] {
        let letter = if column == 1 { 'B' } else { 'C' };
        let sum = Formula::new(format!("=SUM({letter}{}:{letter}{last})", TABLE + 2)).set_result(total.to_string());
        sheet.write_formula_with_format(last, column, sum, &styles.number.clone().set_bold())?;
    }
    let recovered = totals.of(State::Credited).recovered;
    if recovered > 0 {
        let text = lang.pick(
            "of the credited ones were recovered: credited earlier, under an order that this ledger did not send",
            "trong số đã cộng điểm được khôi phục: đã cộng trước đó bởi đơn hàng không do sổ này gửi",
        );
        sheet.write_string(last + 1, 0, format!("{recovered} {text}"))?;
    }
    Ok(())
}

fn chart(sheet: &mut Worksheet, lang: Lang, totals: &Totals) -> Result<(), XlsxError> {
    let name = lang.pick("Summary", "Tổng hợp");
    let (first, last) = (TABLE + 1, TABLE + State::ALL.len() as u32);
    let points: Vec<ChartPoint> = State::ALL
        .into_iter()
        .map(|state| {
            let fill = ChartSolidFill::new().set_color(Color::RGB(colours(state).0)).clone();
            ChartPoint::new().set_format(ChartFormat::new().set_solid_fill(&fill))
        })
        .collect();
    let mut chart = Chart::new(ChartType::Bar);
    chart
        .add_series()
        .set_categories((name, first, 0, last, 0))
        .set_values((name, first, 1, last, 1))
        .set_points(&points)
        .set_data_label(rust_xlsxwriter::ChartDataLabel::new().show_value());
    chart.title().set_name(lang.pick("Payouts by state", "Số khoản theo kết quả"));
    chart.legend().set_hidden();
    chart.x_axis().set_name(lang.pick("payouts", "số khoản")).set_min(0);
    // The first state on top, as in the table.
    chart.y_axis().set_reverse();
    chart.set_width(760).set_height(320);
    chart.set_alt_text(alt_text(lang, totals));
    sheet.insert_chart(TABLE + 11, 0, &chart)?;
    Ok(())
}

fn alt_text(lang: Lang, totals: &Totals) -> String {
    let parts = State::ALL.map(|state| format!("{} {}", lang.number(totals.of(state).rows), lang.state(state)));
    parts.join(", ")
}
