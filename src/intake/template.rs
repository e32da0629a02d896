//! Writes the empty spreadsheets that `topup template` gives to people: headers, a phone column of text, one example.

use super::meaning::Meaning;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// The columns of a template: what they mean, the header, the example, and how wide the column is.
///
/// The example is harmless where someone forgets to remove it: the fewest points there are, and a name that no member
/// has, so that the name check holds it.
const COLUMNS: [(Meaning, &str, &str, u32); 5] = [
    (Meaning::Reference, "Mã tham chiếu", "VI-DU-001", 18),
    (Meaning::Phone, "Số điện thoại", "0900000000", 16),
    (Meaning::Points, "Số điểm", "50", 10),
    (Meaning::Name, "Họ tên", "Ví dụ, xin xoá dòng này", 30),
    (Meaning::SendSms, "Gửi SMS", "có", 10),
];

/// The template as CSV, with a byte order mark so that Excel shows its letters.
#[must_use]
pub fn template_csv() -> Vec<u8> {
    let line = |cell: fn(&(Meaning, &'static str, &'static str, u32)) -> &'static str| {
        let cells: Vec<String> = COLUMNS.iter().map(|column| quoted(cell(column))).collect();
        cells.join(",")
    };
    format!("\u{feff}{}\r\n{}\r\n", line(|column| column.1), line(|column| column.2)).into_bytes()
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// The template as XLSX. Phones and references are text, so that no spreadsheet takes their zeros away.
///
/// # Errors
/// The workbook cannot be put together.
pub fn template_xlsx() -> Result<Vec<u8>, XlsxError> {
    let (bold, text, number) =
        (Format::new().set_bold(), Format::new().set_num_format("@"), Format::new().set_num_format("0"));
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Danh sách")?;
    for (place, (meaning, header, example, width)) in (0_u16..).zip(COLUMNS) {
        let is_number = meaning == Meaning::Points;
        sheet.set_column_width(place, width)?;
        sheet.set_column_format(place, if is_number { &number } else { &text })?;
        sheet.write_with_format(0, place, header, &bold)?;
        match example.parse::<u32>() {
            Ok(points) if is_number => sheet.write_with_format(1, place, points, &number)?,
            Ok(_) | Err(_) => sheet.write_with_format(1, place, example, &text)?,
        };
    }
    sheet.set_freeze_panes(1, 0)?;
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::super::{IntakeOptions, Item, Meaning, check, open};
    use super::*;
    use std::io::Write;

    #[test]
    fn a_template_reads_back_in_both_formats() {
        for bytes in [template_csv(), template_xlsx().unwrap()] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let report = check(file.path(), &IntakeOptions::default());
            assert!(report.is_ok() && report.repairs.is_empty(), "{report:?}");
            let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
            let meanings: Vec<Meaning> = intake.format().columns.iter().map(|(meaning, _)| *meaning).collect();
            assert_eq!(meanings, COLUMNS.map(|column| column.0));
            let Some(Item::Row(row, _)) = intake.next().unwrap() else { panic!("no example row") };
            assert_eq!((row.row, row.member.key().as_str(), row.points.value()), (2, "0900000000", 50));
        }
    }
}
