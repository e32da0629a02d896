//! Tests of a whole file: rows, problems, totals.

use super::*;
use std::io::Write;

fn read(bytes: &[u8], options: &IntakeOptions) -> Result<(Vec<Item>, Tail), IntakeError> {
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let mut intake = open(file.path(), options)?;
    let mut items = Vec::new();
    while let Some(item) = intake.next()? {
        items.push(item);
    }
    Ok((items, intake.finish()?))
}

#[test]
fn a_plain_file_gives_its_rows() {
    let text = "\u{feff}STT,Số điện thoại,Số điểm,Họ tên\r\n1,0901234567,1000,\"Nguyễn, An\"\r\n\r\n2,912345678,500,\r\nTổng,,1500,\r\n";
    let (items, tail) = read(text.as_bytes(), &IntakeOptions::default()).unwrap();
    assert_eq!(items.len(), 2);
    let Item::Row(row, repairs) = &items[1] else { panic!("{items:?}") };
    assert_eq!((row.row, row.points.value(), row.member.key().as_str()), (4, 500, "0912345678"));
    assert_eq!(repairs[0].from, "912345678");
    assert_eq!(row.extra, [("STT".to_owned(), "2".to_owned())]);
    assert_eq!((tail.control_total, tail.problems.len()), (Some((5, 1500)), 0));
}

#[test]
fn a_quote_that_never_closes_is_named_with_its_row() {
    let text = "phone,points,note\n0901234567,100,a\n0901234568,100,\"b\n0901234569,100,c\n";
    let error = read(text.as_bytes(), &IntakeOptions::default()).unwrap_err();
    assert_eq!((error.to_problem().row, error.to_problem().kind), (Some(3), ProblemKind::Quote));
}
