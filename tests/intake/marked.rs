//! The user's own sheet, given back with what is wrong in it.

use super::formats::xlsx;
use super::rule::{file, read, with};
use calamine::{Data, Reader as _};
use std::io::{Cursor, Read as _};
use std::path::Path;
use topup::intake::{IntakeOptions, write_marked};

fn marked(path: &Path, options: &IntakeOptions) -> Vec<u8> {
    let mut copy = Vec::new();
    write_marked(path, options, &std::env::temp_dir(), &mut copy).unwrap();
    copy
}

/// The cells of the copy, row by row.
fn cells(copy: &[u8]) -> Vec<Vec<String>> {
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(copy)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(range.start(), Some((0, 0)));
    range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
}

fn part(copy: &[u8], name: &str) -> String {
    let mut text = String::new();
    zip::ZipArchive::new(Cursor::new(copy)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_row_comes_back_and_wrong_ones_say_why() {
    let content = "DANH SÁCH\nref,phone,points\nA,0901234567,1000\n\nB,09x,\nA,0312345678,=1+1\nTổng,,9\n";
    let copy = marked(file(content.as_bytes()).path(), &IntakeOptions::default());
    let cells = cells(&copy);
    let column = |at: usize| cells.iter().map(|row| row[at].as_str()).collect::<Vec<_>>();
    assert_eq!(column(0), ["DANH SÁCH", "ref", "A", "", "B", "A", "Tổng"]);
    assert_eq!(column(1), ["", "phone", "0901234567", "", "09x", "0312345678", ""]);
    assert_eq!(column(2), ["", "points", "1000", "", "", "=1+1", "9"]);
    let errors = column(3);
    assert_eq!((errors[1], errors[2]), ("Lỗi", ""));
    assert!(
        errors[4].contains("phone: needs digits only") && errors[4].contains("points: needs whole points"),
        "{errors:?}"
    );
    assert!(errors[5].contains("points: needs digits only"), "{errors:?}");
    assert!(errors[6].contains("points: needs"), "{errors:?}");
    // Wrong cells have a style that good ones have not, an empty one too.
    let sheet = part(&copy, "xl/worksheets/sheet1.xml");
    let style = |cell: &str| {
        let at = sheet.find(&format!("r=\"{cell}\"")).unwrap_or_else(|| panic!("{cell}: {sheet}"));
        let element = &sheet[at..at + sheet[at..].find('>').unwrap()];
        element.split("s=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    assert_eq!((style("B5"), style("C5")), (style("C6"), style("C6")));
    assert_ne!(style("B5"), style("B3"));
}

#[test]
fn what_nobody_saw_is_not_seen_in_the_copy_either() {
    let hidden = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/troubles/hidden-rows.xlsx");
    let plain = IntakeOptions::default();
    let copy = file(&marked(&hidden, &plain));
    let before = read(&hidden, &plain);
    assert!(before.contains("!Hidden"), "{before}");
    assert_eq!(read(copy.path(), &plain), before);
    let hidden = hidden.with_file_name("hidden-columns.xlsx");
    let copy = file(&marked(&hidden, &plain));
    assert_eq!(read(copy.path(), &plain), read(&hidden, &plain));
}

#[test]
fn a_copy_with_nothing_wrong_reads_as_its_original() {
    let sheet = xlsx(&[("Danh sách", "SĐT,Điểm,Ghi chú\n0901234567,1000,=x\n0312345678,500,\n")], 0);
    let options = with(|options| options.sheet = Some("Danh sách".to_owned()));
    let copy = file(&marked(sheet.path(), &options));
    assert_eq!(read(copy.path(), &options), "2:0901234567=1000 3:0312345678=500");
}

/// No header is found, or not the one column that is needed: the sheet comes back with the reason in its first row.
#[test]
fn a_sheet_without_a_header_comes_back_with_the_reason_in_its_first_row() {
    let semicolons = "Danh sách thưởng\n0901234567;1,5;An\n0312345678;500;Bình\n";
    let nameless = "Mã;Tên;Ngày\n0901234567;An;1/11\n";
    let books = [xlsx(&[("T11", "0901234567,1000,An\n0312345678,500,Bình\n")], 0)];
    let texts = [semicolons, nameless].map(|content| file(content.as_bytes()));
    for (source, second_row) in texts.iter().chain(&books).zip([
        vec!["0901234567", "1,5", "An", ""],
        vec!["0901234567", "An", "1/11", ""],
        vec!["0312345678", "500", "Bình", ""],
    ]) {
        let options = IntakeOptions::default();
        let cells = cells(&marked(source.path(), &options));
        let said = cells[0].last().unwrap();
        assert!(said.starts_with("Lỗi: ") && said.contains("header"), "{cells:?}");
        assert_eq!(cells[1], second_row);
    }
    // What is no sheet at all is given back as none.
    let words = file(b"%PDF-1.7 nothing here");
    assert!(write_marked(words.path(), &IntakeOptions::default(), &std::env::temp_dir(), Vec::new()).is_err());
}
