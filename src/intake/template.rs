//! Writes the empty spreadsheets that `topup template` gives to people: headers, a phone column of text, one example.

use crate::domain::column_role::ColumnRole;
use crate::domain::hint::{Step, StepText};
use crate::domain::points::Points;
use rust_xlsxwriter::{DataValidation, DataValidationRule, Format, Formula, Workbook, Worksheet, XlsxError};

/// The language of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemplateLang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

impl TemplateLang {
    fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }
}

/// The row up to which cells are checked while they are typed.
const CHECKED_ROWS: u32 = 100_000;
/// The phone of the example: no number, so that a row that somebody forgets is refused and never paid.
const EXAMPLE_PHONE: &str = "09xx xxx xxx";

/// One column: what it means, the header, the example, how wide it is, and the note on it.
struct Column {
    meaning: ColumnRole,
    header: &'static str,
    example: &'static str,
    width: u32,
    note: &'static str,
}

fn columns(lang: TemplateLang) -> [Column; 5] {
    let column = |meaning, width, example, (header, note)| Column { meaning, header, example, width, note };
    let vi = lang == TemplateLang::Vi;
    let texts = |vi_texts, en_texts| if vi { vi_texts } else { en_texts };
    let (example, delete) =
        lang.pick(("VI-DU", "Ví dụ, xin xoá dòng này"), ("EXAMPLE", "An example, please delete this row"));
    [
        column(
            ColumnRole::Reference,
            18,
            example,
            texts(
                (
                    "Mã tham chiếu",
                    "Không bắt buộc: mã riêng của từng dòng, không trùng nhau, để sửa số điện thoại mà không trả hai lần.",
                ),
                (
                    "Reference",
                    "Optional: a key of your own for every row, each a different one; it lets you correct a phone without paying twice.",
                ),
            ),
        ),
        column(
            ColumnRole::Phone,
            16,
            EXAMPLE_PHONE,
            texts(
                (
                    "Số điện thoại",
                    "Bắt buộc: 10 chữ số, bắt đầu bằng 03, 05, 07, 08 hoặc 09. Cột này ở dạng văn bản để giữ số 0 ở đầu.",
                ),
                (
                    "Phone",
                    "Needed: 10 digits beginning 03, 05, 07, 08 or 09. The column is text, so that the leading zero stays.",
                ),
            ),
        ),
        column(
            ColumnRole::Points,
            10,
            "1000",
            texts(
                ("Số điểm", "Bắt buộc: số nguyên từ 50 đến 20.000.000, không có dấu chấm hay dấu phẩy."),
                ("Points", "Needed: a whole number from 50 to 20,000,000, without dots and commas."),
            ),
        ),
        column(
            ColumnRole::Name,
            30,
            delete,
            texts(
                ("Họ tên", "Không bắt buộc: so với tên của hội viên; nếu khác, dòng đó được tạm giữ."),
                ("Full name", "Optional: compared with the member's name; where it differs, the row is held."),
            ),
        ),
        column(
            ColumnRole::SendSms,
            10,
            lang.pick("có", "yes"),
            texts(("Gửi SMS", "Không bắt buộc: có hoặc không."), ("Send SMS", "Optional: yes or no.")),
        ),
    ]
}

/// The template as CSV, with a byte order mark so that Excel shows its letters.
#[must_use]
pub fn template_csv(lang: TemplateLang) -> Vec<u8> {
    let columns = columns(lang);
    let line = |cell: fn(&Column) -> &'static str| {
        let cells: Vec<String> = columns.iter().map(|column| quoted(cell(column))).collect();
        cells.join(",")
    };
    format!("\u{feff}{}\r\n{}\r\n", line(|column| column.header), line(|column| column.example)).into_bytes()
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// The template as XLSX: the list, and a sheet of notes. Phones and references are text, so that no spreadsheet takes
/// their zeros away, and phones and points are checked while they are typed.
///
/// # Errors
/// The workbook cannot be put together.
pub fn template_xlsx(lang: TemplateLang, step_text: StepText) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    list(book.add_worksheet().set_name(lang.pick("Danh sách", "List"))?, lang)?;
    notes(book.add_worksheet().set_name(lang.pick("Hướng dẫn", "Notes"))?, lang, step_text)?;
    book.save_to_buffer()
}

fn list(sheet: &mut Worksheet, lang: TemplateLang) -> Result<(), XlsxError> {
    let (bold, text, number) =
        (Format::new().set_bold(), Format::new().set_num_format("@"), Format::new().set_num_format("0"));
    let example = |format: &Format| format.clone().set_italic().set_font_color(0x80_80_80_u32);
    for (place, column) in (0_u16..).zip(columns(lang)) {
        let is_number = column.meaning == ColumnRole::Points;
        let format = if is_number { &number } else { &text };
        sheet.set_column_width(place, column.width)?;
        sheet.set_column_format(place, format)?;
        sheet.write_with_format(0, place, column.header, &bold)?;
        match column.example.parse::<u32>() {
            Ok(points) if is_number => sheet.write_with_format(1, place, points, &example(format))?,
            Ok(_) | Err(_) => sheet.write_with_format(1, place, column.example, &example(format))?,
        };
        if let Some(rule) = rule_of(column.meaning, place, lang)? {
            sheet.add_data_validation(1, place, CHECKED_ROWS, place, &rule)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// What a spreadsheet checks while a cell is typed.
fn rule_of(meaning: ColumnRole, place: u16, lang: TemplateLang) -> Result<Option<DataValidation>, XlsxError> {
    let column = super::columns::letters(usize::from(place));
    let (rule, title, message) = if meaning == ColumnRole::Phone {
        let formula = format!("=AND(LEN({column}2)=10,LEFT({column}2,1)=\"0\",ISNUMBER(VALUE({column}2)))");
        (
            DataValidation::new().allow_custom(Formula::new(formula)),
            lang.pick("Số điện thoại", "Phone"),
            lang.pick("Cần 10 chữ số, bắt đầu bằng số 0.", "Needs 10 digits, beginning with 0."),
        )
    } else if meaning == ColumnRole::Points {
        let range = DataValidationRule::Between(
            i32::try_from(Points::MIN).unwrap_or(0),
            i32::try_from(Points::MAX).unwrap_or(i32::MAX),
        );
        (
            DataValidation::new().allow_whole_number(range),
            lang.pick("Số điểm", "Points"),
            lang.pick("Cần số nguyên từ 50 đến 20.000.000.", "Needs a whole number from 50 to 20,000,000."),
        )
    } else {
        return Ok(None);
    };
    Ok(Some(rule.set_error_title(title)?.set_error_message(message)?))
}

/// A sheet that says what belongs where; nothing in it can be taken for a list.
fn notes(sheet: &mut Worksheet, lang: TemplateLang, step_text: StepText) -> Result<(), XlsxError> {
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    sheet.set_column_width(0, 20)?;
    sheet.set_column_width(1, 90)?;
    for (row, column) in (0_u32..).zip(columns(lang)) {
        sheet.write_with_format(row, 0, column.header, &bold)?;
        sheet.write_with_format(row, 1, column.note, &wrapped)?;
    }
    let last = lang.pick(
        "Mỗi người một dòng. Xoá dòng ví dụ, không gộp ô, không ẩn dòng. Kiểm tra tệp trước khi chi:",
        "One row for each payout. Delete the example, merge no cells, hide no rows. Check the file before it is paid:",
    );
    let check = step_text(&Step::Check(lang.pick("TÊN-TỆP", "FILE").to_owned()));
    sheet.write_with_format(6, 1, format!("{last} {check}"), &wrapped)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{IntakeOptions, ProblemKind, check};
    use super::*;
    use std::io::Write;

    #[test]
    fn a_template_is_read_and_its_example_is_never_paid() {
        for lang in [TemplateLang::Vi, TemplateLang::En] {
            for bytes in [template_csv(lang), template_xlsx(lang, |step| format!("{step:?}")).unwrap()] {
                let mut file = tempfile::NamedTempFile::new().unwrap();
                file.write_all(&bytes).unwrap();
                let report = check(file.path(), &IntakeOptions::default());
                let format = report.format.as_ref().unwrap();
                let meanings: Vec<ColumnRole> = format.columns.iter().map(|(meaning, _)| *meaning).collect();
                assert_eq!(meanings, columns(lang).map(|column| column.meaning));
                let problems: Vec<_> = report.problems.iter().map(|problem| (problem.row, problem.kind)).collect();
                assert_eq!(problems, [(Some(2), ProblemKind::PhoneLetters)], "{report:?}");
            }
        }
    }
}
