//! What no payout file should be: each is refused in words, never with a panic, a silent skip or a guess.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use topup::intake::{IntakeOptions, ProblemKind, check, open};

fn kind_of(path: &Path) -> ProblemKind {
    let report = check(path, &IntakeOptions::default());
    assert!(!report.is_ok(), "{}", path.display());
    report.problems[0].kind
}

fn kind_of_bytes(bytes: &[u8]) -> ProblemKind {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    kind_of(file.path())
}

#[test]
fn things_that_are_no_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(kind_of(folder.path()), ProblemKind::NotAFile);
    assert_eq!(kind_of(&folder.path().join("nothing.csv")), ProblemKind::NotAFile);
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert_eq!(kind_of(&pipe), ProblemKind::NotAFile);
    let lock = folder.path().join("~$payouts.xlsx");
    fs::write(&lock, b"\x05Admin").unwrap();
    assert_eq!(kind_of(&lock), ProblemKind::NotAFile);
}

#[test]
fn things_that_are_no_spreadsheet() {
    for (bytes, kind) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], ProblemKind::NotASpreadsheet),
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF", ProblemKind::NotASpreadsheet),
        (b"%PDF-1.7 phone,points", ProblemKind::NotASpreadsheet),
        (b"\n <!DOCTYPE html><table><tr><td>phone", ProblemKind::NotASpreadsheet),
        (b"<?xml version=\"1.0\"?><Workbook/>", ProblemKind::NotASpreadsheet),
        (b"PK\x03\x04 cut off", ProblemKind::NotASpreadsheet),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 cut off", ProblemKind::NotASpreadsheet),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", ProblemKind::Encoding),
        (b"phone,points,n\n0901234567,100,a\0b\n\xFF", ProblemKind::Encoding),
        (b"phone,points,n\n0901234567,100,a\0b and no other in this row\n", ProblemKind::CellText),
        (b"phone,points,n\n0901234567,100,\x1b[2J\n", ProblemKind::CellText),
        (b"phone,points,n\n0901234567,100,a\x7F\n", ProblemKind::CellText),
    ] {
        assert_eq!(kind_of_bytes(bytes), kind, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn cells_and_rows_beyond_all_limits() {
    let long = "x".repeat(10 << 20);
    assert_eq!(kind_of_bytes(format!("phone,points,n\n0901234567,100,{long}\n").as_bytes()), ProblemKind::Limit);
    assert_eq!(kind_of_bytes(format!("phone,points,n\n0901234567,100,\"{long}\"\n").as_bytes()), ProblemKind::Quote);
    assert_eq!(kind_of_bytes(long.as_bytes()), ProblemKind::Limit);
    let wide = format!("phone,points{}\n", ",c".repeat(1_000_000));
    assert_eq!(kind_of_bytes(wide.as_bytes()), ProblemKind::Limit);
    let wide = format!("phone,points{}\n0901234567,100\n", ",c".repeat(400_000));
    assert_eq!(kind_of_bytes(wide.as_bytes()), ProblemKind::Limit);
    let blank = format!("phone,points{0}\n0901234567,100{0}\n", ",".repeat(1_000_000));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), blank).unwrap();
    assert!(check(file.path(), &IntakeOptions::default()).is_ok(), "blank columns are nothing");
}

/// A zip archive whose one large part is a billion zeros, beside what makes it an XLSX.
fn zip_bomb(bytes: u64) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut zip = zip::ZipWriter::new(&mut file);
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("xl/workbook.xml", options).unwrap();
    zip.write_all(b"<workbook/>").unwrap();
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..bytes >> 20 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
    file
}

#[test]
fn a_zip_bomb_is_an_error_that_says_the_limit() {
    let bomb = zip_bomb(80 << 20);
    let report = check(bomb.path(), &IntakeOptions::default());
    assert_eq!(report.problems[0].kind, ProblemKind::Limit);
    assert!(report.problems[0].message.contains("1 GiB unpacked"), "{:?}", report.problems);
}

#[test]
fn a_workbook_of_more_than_64_mib_is_not_opened() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"PK\x03\x04").unwrap();
    file.as_file().set_len((64 << 20) + 1).unwrap();
    let report = check(file.path(), &IntakeOptions::default());
    assert_eq!(report.problems[0].kind, ProblemKind::Limit);
    assert!(report.problems[0].message.contains("64 MiB"), "{:?}", report.problems);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"phone,points\n0901234567,1000\n").unwrap();
    let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
    while intake.next().unwrap().is_some() {}
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"0312345678,500\n").unwrap();
    assert_eq!(intake.finish().unwrap_err().to_problem().kind, ProblemKind::Changed);
}

#[test]
fn problems_of_the_whole_file_stay_listed_beside_a_thousand_rows() {
    let mut content = "phone,points\n".to_owned();
    (0..2000).for_each(|_| content.push_str("x,100\n"));
    content.push_str("Tổng,1\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), content).unwrap();
    let report = check(file.path(), &IntakeOptions::default());
    assert_eq!((report.problem_count, report.problems.len()), (2001, 1000));
    assert!(report.problems.iter().any(|problem| problem.kind == ProblemKind::Total));
}
