//! XLS as a person sees it: each file is written here record by record (MS-XLS), as small as it can be.

use crate::rule::{file, read, with};
use std::io::{Cursor, Write as _};
use topup::intake::{IntakeOptions, check};

pub(super) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes(), &len.to_le_bytes(), data].concat()
}

pub(super) fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A text in Unicode, two bytes a character.
pub(super) fn unicode(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = words(&[u16::try_from(units.len()).unwrap()]);
    bytes.push(1);
    bytes.extend(words(&units));
    bytes
}

/// The look of a cell: its place among these.
const PLAIN: u16 = 0;
const FORMATTED: u16 = 1;
const STRUCK: u16 = 2;

/// A workbook of one sheet, of Excel 97 unless it says otherwise.
#[derive(Default)]
struct Xls {
    is_biff5: bool,
    /// The code of the number format of the cells that have one, or the number of one that every Excel has.
    code: Option<&'static str>,
    builtin: u16,
    globals: Vec<u8>,
    sheet: Vec<u8>,
}

impl Xls {
    /// The records of the whole workbook.
    fn stream(&self) -> Vec<u8> {
        let version = if self.is_biff5 { 0x0500 } else { 0x0600 };
        let mut globals = record(0x0809, &words(&[version, 5, 0, 0]));
        globals.extend(&self.globals);
        // Fonts 0 to 3, and 5, for the number 4 is never used: plain, struck out, raised.
        for (flags, place) in [(0, 0), (8, 0), (0, 1), (0, 0), (8, 0)] {
            globals.extend(record(0x0031, &words(&[200, flags, 0x7FFF, 400, place, 0, 0, 0])));
        }
        if let Some(code) = self.code {
            let mut data = words(&[164]);
            if self.is_biff5 {
                data.push(u8::try_from(code.len()).unwrap());
                data.extend(code.as_bytes());
            } else {
                data.extend(unicode(code));
            }
            globals.extend(record(0x041E, &data));
        }
        let format = if self.code.is_some() { 164 } else { self.builtin };
        for (font, format) in [(0, 0), (0, format), (1, 0)] {
            globals.extend(record(0x00E0, &words(&[font, format, 0, 0, 0, 0, 0, 0])));
        }
        let mut bound = vec![0; 6];
        bound.push(1);
        if !self.is_biff5 {
            bound.push(0);
        }
        bound.push(b'T');
        let at = u32::try_from(globals.len() + 4 + bound.len() + 4).unwrap();
        bound[..4].copy_from_slice(&at.to_le_bytes());
        globals.extend(record(0x0085, &bound));
        globals.extend(record(0x000A, &[]));
        globals.extend(record(0x0809, &words(&[version, 16, 0, 0])));
        globals.extend(&self.sheet);
        globals.extend(record(0x000A, &[]));
        globals
    }

    fn file(&self) -> tempfile::NamedTempFile {
        file(&compound(if self.is_biff5 { "Book" } else { "Workbook" }, &self.stream()))
    }

    fn given(&self) -> String {
        read(self.file().path(), &IntakeOptions::default())
    }

    /// Adds a header, and a phone in row 2.
    fn with_phone(mut self) -> Self {
        for (column, header) in [(0, "phone"), (1, "points")] {
            self.label(0, column, PLAIN, header);
        }
        self.label(1, 0, PLAIN, "0912345678");
        self
    }

    fn add(&mut self, kind: u16, row: u16, column: u16, look: u16, data: &[u8]) {
        let data = [words(&[row, column, look]), data.to_vec()].concat();
        self.sheet.extend(record(kind, &data));
    }

    fn label(&mut self, row: u16, column: u16, look: u16, text: &str) {
        if self.is_biff5 {
            let data = [words(&[u16::try_from(text.len()).unwrap()]), text.as_bytes().to_vec()].concat();
            return self.add(0x0204, row, column, look, &data);
        }
        self.add(0x0204, row, column, look, &unicode(text));
    }

    fn number(&mut self, row: u16, column: u16, look: u16, number: f64) {
        self.add(0x0203, row, column, look, &number.to_le_bytes());
    }

    fn formula(&mut self, row: u16, column: u16, result: [u8; 8]) {
        self.add(0x0006, row, column, PLAIN, &[&result[..], &[0; 10]].concat());
    }
}

/// A compound file with one stream in it.
pub(super) fn compound(name: &str, stream: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream(name).unwrap().write_all(stream).unwrap();
    file.into_inner().into_inner()
}

fn empty() -> Xls {
    Xls::default().with_phone()
}

/// What a file gives with these points beside the phone of row 2.
fn with_points(points: impl FnOnce(&mut Xls)) -> String {
    let mut xls = empty();
    points(&mut xls);
    xls.given()
}

const GOOD: &str = "2:0912345678=500";
const OTHER: &str = "2!NotAsShown";

#[test]
fn cells_of_every_kind() {
    let rk = |value: u32| with_points(|xls| xls.add(0x027E, 1, 1, PLAIN, &value.to_le_bytes()));
    assert_eq!(with_points(|xls| xls.number(1, 1, PLAIN, 500.0)), GOOD);
    assert_eq!(with_points(|xls| xls.label(1, 1, PLAIN, "500")), GOOD);
    assert_eq!(rk(500 << 2 | 2), GOOD);
    assert_eq!(rk(50_000 << 2 | 3), GOOD);
    assert_eq!(rk(((500.0_f64).to_bits() >> 32) as u32), GOOD);
    assert_eq!(with_points(|xls| xls.add(0x0205, 1, 1, PLAIN, &[1, 0])), "2!PointsText");
    // #N/A, and an error of an Excel to come.
    assert_eq!(with_points(|xls| xls.add(0x0205, 1, 1, PLAIN, &[0x2A, 1])), OTHER);
    assert_eq!(with_points(|xls| xls.add(0x0205, 1, 1, PLAIN, &[0x77, 1])), OTHER);
    // Several numbers in one record.
    let many = |xls: &mut Xls| {
        let number = [words(&[PLAIN]), (500_u32 << 2 | 2).to_le_bytes().to_vec()].concat();
        let data = [words(&[1, 1]), number.clone(), number, words(&[2])].concat();
        xls.label(0, 2, PLAIN, "x");
        xls.sheet.extend(record(0x00BD, &data));
    };
    assert_eq!(with_points(many), GOOD);
    // Cells in another order than that of the sheet, as some programs write them.
    let mut xls = Xls::default();
    xls.number(1, 1, PLAIN, 500.0);
    assert_eq!(xls.with_phone().given(), GOOD);
    // Two values for one cell have no one reading.
    let twice = |xls: &mut Xls| {
        xls.number(1, 1, PLAIN, 500.0);
        xls.number(1, 1, PLAIN, 700.0);
    };
    assert_eq!(with_points(twice), "!NotASpreadsheet");
}

#[test]
fn shared_texts_go_on_in_further_records() {
    // «0912345678» and «SĐT», the first in one byte a character, then in two, cut in the middle.
    let shared = [&2_u32.to_le_bytes()[..], &2_u32.to_le_bytes(), &words(&[10]), &[0], b"09123"].concat();
    let more = [&[1][..], &words(&"45678".encode_utf16().collect::<Vec<u16>>()), &unicode("SĐT")].concat();
    let globals = [record(0x00FC, &shared), record(0x003C, &more)].concat();
    let mut xls = Xls { globals, ..Xls::default() };
    xls.add(0x00FD, 0, 0, PLAIN, &1_u32.to_le_bytes());
    xls.label(0, 1, PLAIN, "points");
    xls.add(0x00FD, 1, 0, PLAIN, &0_u32.to_le_bytes());
    xls.number(1, 1, PLAIN, 500.0);
    assert_eq!(xls.given(), GOOD);
    // One that is not there.
    xls.add(0x00FD, 2, 0, PLAIN, &2_u32.to_le_bytes());
    assert_eq!(xls.given(), "!NotASpreadsheet");
    // A list that is cut off.
    xls.globals = record(0x00FC, &shared);
    assert_eq!(xls.given(), "!NotASpreadsheet");
}

#[test]
fn number_formats_and_dates() {
    for (code, builtin, number, expected) in [
        (None, 0, 500.0, GOOD),
        (None, 1, 500.0, GOOD),
        (None, 3, 500.0, GOOD),
        (None, 4, 500.0, GOOD),
        (None, 49, 500.0, GOOD),
        (None, 9, 500.0, OTHER),
        (None, 10, 500.0, OTHER),
        (None, 14, 500.0, OTHER),
        (None, 22, 500.0, OTHER),
        (None, 45, 500.0, OTHER),
        (None, 46, 500.0, OTHER),
        (None, 47, 500.0, OTHER),
        (Some("#,##0 \"₫\""), 0, 500.0, GOOD),
        (Some("0.000"), 0, 500.0, OTHER),
        (Some("0\".000\""), 0, 500.0, OTHER),
        (Some("#,##0,"), 0, 500_000.0, OTHER),
        (Some(";;;"), 0, 500.0, OTHER),
        (Some("dd/mm/yyyy"), 0, 500.0, OTHER),
        (Some("[h]:mm"), 0, 500.0, OTHER),
    ] {
        let mut xls = Xls { code, builtin, ..empty() };
        xls.number(1, 1, FORMATTED, number);
        assert_eq!(xls.given(), expected, "{code:?} {builtin}");
    }
    for (is_biff5, code, expected) in [(true, "0.000", OTHER), (true, "0.00", GOOD), (false, ";;;@", GOOD)] {
        let mut xls = Xls { is_biff5, code: Some(code), ..Xls::default() }.with_phone();
        if code.contains('@') {
            xls.label(1, 1, FORMATTED, "500")
        } else {
            xls.number(1, 1, FORMATTED, 500.0)
        }
        assert_eq!(xls.given(), expected, "{is_biff5} {code}");
    }
    // A date in a column that counts is one, whatever its digits are; and a text that its format hides is hidden.
    let mut xls = Xls { builtin: 14, ..Xls::default() };
    xls.label(0, 0, PLAIN, "phone");
    xls.label(0, 1, PLAIN, "points");
    xls.number(1, 0, FORMATTED, 901_234_567.0);
    xls.number(1, 1, PLAIN, 500.0);
    assert_eq!(xls.given(), OTHER);
    let mut hidden = Xls { code: Some(";;;"), ..empty() };
    hidden.label(1, 1, FORMATTED, "500");
    assert_eq!(hidden.given(), OTHER);
}

#[test]
fn runs_that_are_struck_out_or_raised() {
    // The runs behind a text: from which character, and the number of the font.
    let rich = |text: &str, runs: &[(u16, u16)]| {
        let runs: Vec<u16> = runs.iter().flat_map(|(from, font)| [*from, *font]).collect();
        let count = u16::try_from(runs.len() / 2).unwrap();
        [unicode(text), words(&[count]), words(&runs)].concat()
    };
    for (text, look, runs, expected) in [
        ("500", PLAIN, &[][..], GOOD),
        ("500", PLAIN, &[(0, 3)], GOOD),
        ("500 700", PLAIN, &[(0, 1), (3, 0)], OTHER),
        ("500 700", PLAIN, &[(3, 1)], OTHER),
        // The font 5 is the fifth of the file.
        ("500 700", PLAIN, &[(3, 5)], OTHER),
        ("502", PLAIN, &[(2, 2)], OTHER),
        ("500 ", PLAIN, &[(3, 1)], GOOD),
        // Struck through as a whole by the cell, as a row is that is crossed out.
        ("500", STRUCK, &[], GOOD),
        ("500700", STRUCK, &[(3, 0)], OTHER),
    ] {
        let given = with_points(|xls| xls.add(0x00D6, 1, 1, look, &rich(text, runs)));
        assert_eq!(given, expected, "{text} {runs:?}");
    }
    // The same among the shared texts.
    let mut text = unicode("500 700");
    text[2] |= 0x08;
    text.splice(3..3, words(&[1]));
    let shared = [&1_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &text, &words(&[3, 1])].concat();
    let mut xls = Xls { globals: record(0x00FC, &shared), ..empty() };
    xls.add(0x00FD, 1, 1, PLAIN, &0_u32.to_le_bytes());
    assert_eq!(xls.given(), OTHER);
    // Excel 95 has one byte for each.
    let mut xls = Xls { is_biff5: true, ..Xls::default() }.with_phone();
    xls.add(0x00D6, 1, 1, PLAIN, &[&words(&[3])[..], b"500", &[1, 2, 1]].concat());
    assert_eq!(xls.given(), OTHER);
}

#[test]
fn formulas_and_what_they_came_to() {
    let other = |kind: u8, value: u8| [kind, 0, value, 0, 0, 0, 0xFF, 0xFF];
    assert_eq!(with_points(|xls| xls.formula(1, 1, 500.0_f64.to_le_bytes())), GOOD);
    assert_eq!(with_points(|xls| xls.formula(1, 1, other(2, 0x2A))), OTHER);
    // Its text stands in the next record, behind a shared formula perhaps.
    for between in [vec![], record(0x04BC, &[0; 10]), record(0x0221, &[0; 14])] {
        let given = with_points(|xls| {
            xls.formula(1, 1, other(0, 0));
            xls.sheet.extend(between);
            xls.sheet.extend(record(0x0207, &unicode("500")));
        });
        assert_eq!(given, GOOD);
    }
    assert_eq!(with_points(|xls| xls.formula(1, 1, other(0, 0))), OTHER);
    // xlwt computes nothing, and writes what Excel writes for an empty text; the row is none that is blank.
    let formulas = |xls: &mut Xls| {
        xls.number(1, 1, PLAIN, 500.0);
        xls.formula(2, 0, other(3, 0));
        xls.formula(2, 1, other(3, 0));
    };
    assert_eq!(with_points(formulas), "2:0912345678=500 3!NotAsShown 3!NotAsShown");
    // An Excel that says which one it is has computed them; so has any program with another result.
    let mut computed = Xls { globals: record(0x01C1, &[0xC1, 1, 0, 0, 0, 0, 0, 0]), ..empty() };
    formulas(&mut computed);
    assert_eq!(computed.given(), GOOD);
    let others = |xls: &mut Xls| {
        formulas(xls);
        xls.formula(3, 2, 7.0_f64.to_le_bytes());
    };
    assert!(!with_points(others).contains("3!NotAsShown"));
}

#[test]
fn merges_and_what_nobody_sees() {
    let two_rows = || {
        let mut xls = empty();
        xls.number(1, 1, PLAIN, 500.0);
        xls.label(2, 0, PLAIN, "0934567890");
        xls.number(2, 1, PLAIN, 700.0);
        xls
    };
    let both = "2:0912345678=500 3:0934567890=700";
    let row = |row: u16, height: u16, flags: u16| record(0x0208, &words(&[row, 0, 2, height, 0, 0, flags, 0]));
    let columns = |width: u16, flags: u16| record(0x007D, &words(&[1, 1, width, 0, flags, 0]));
    let hidden = "2:0912345678=500 !Hidden";
    for (records, expected) in [
        (record(0x00E5, &words(&[1, 1, 2, 0, 1])), "2!NotAsShown 3!NotAsShown 3!NotAsShown"),
        (record(0x00E5, &words(&[1, 1, 2, 0, 0])), "2:0912345678=500 3!NotAsShown"),
        (record(0x00E5, &words(&[1, 2, 3, 2, 3])), both),
        (row(2, 255, 0), both),
        (row(2, 255, 0x20), hidden),
        // One pixel, and no height of its own.
        (row(2, 15, 0), hidden),
        (row(2, 0x8000, 0), both),
        // Hidden unless a row says otherwise.
        ([record(0x0225, &words(&[2, 255])), row(0, 255, 0), row(1, 255, 0)].concat(), hidden),
        (columns(2048, 0), both),
        (columns(2048, 1), "2:0912345678=500 3:0934567890=700 !Hidden"),
        (columns(20, 0), "2:0912345678=500 3:0934567890=700 !Hidden"),
    ] {
        let mut xls = two_rows();
        xls.sheet.extend(&records);
        assert_eq!(xls.given(), expected, "{records:02X?}");
        // Records in front of the cells say the same.
        let mut xls = two_rows();
        xls.sheet.splice(0..0, records.iter().copied());
        assert_eq!(xls.given(), expected, "{records:02X?}");
    }
    // The chart in a sheet has records of its own.
    let mut xls = empty();
    xls.sheet.extend(record(0x0809, &words(&[0x0600, 32, 0, 0])));
    xls.number(1, 1, PLAIN, 9000.0);
    xls.sheet.extend(record(0x000A, &[]));
    xls.number(1, 1, PLAIN, 500.0);
    assert_eq!(xls.given(), GOOD);
}

#[test]
fn rows_that_a_filter_hides_are_told_from_others() {
    // The name that Excel gives to a list with a filter: rows 1 to 3 of the first sheet.
    let list = [&words(&[0x20, 0x0100, 11, 0, 1, 0, 0])[..], &[0, 0x0D, 0x3B], &words(&[0, 0, 2, 0, 1])].concat();
    let hidden = |xls: &mut Xls, row: u16| {
        xls.label(row, 0, PLAIN, &format!("091234567{row}"));
        xls.number(row, 1, PLAIN, 700.0);
        xls.sheet.extend(record(0x0208, &words(&[row, 0, 2, 255, 0, 0, 0x20, 0])));
    };
    for (globals, sheet, filtered) in [
        (record(0x0018, &list), record(0x009B, &[]), true),
        (record(0x0018, &list), vec![], false),
        (vec![], record(0x009B, &[]), false),
    ] {
        let mut xls = Xls { globals, ..empty() };
        xls.number(1, 1, PLAIN, 500.0);
        xls.sheet.extend(sheet);
        hidden(&mut xls, 2);
        let problems = check(xls.file().path(), &IntakeOptions::default()).problems;
        let says = |what: &str| problems.iter().any(|problem| problem.message.contains(what));
        assert!(says("--include-hidden"), "{problems:?}");
        assert_eq!(says("(filtered, 1 in all)"), filtered, "{problems:?}");
    }
}

#[test]
fn files_that_are_not_whole_or_have_a_password() {
    for (kind, data) in [(0x002F, vec![1, 0, 1, 0]), (0x002F, vec![0x34, 0x12, 0x78, 0x56])] {
        let mut xls = Xls { globals: record(kind, &data), ..empty() };
        // What follows is encrypted, and no record is what it seems.
        xls.sheet.extend([0xAB; 4000]);
        let report = check(xls.file().path(), &IntakeOptions::default());
        assert!(report.problems[0].message.contains("password"), "{:?}", report.problems);
    }
    let whole = empty().stream();
    for cut in [whole.len() - 4, whole.len() / 2, 30, 3] {
        let given = read(file(&compound("Workbook", &whole[..cut])).path(), &IntakeOptions::default());
        assert!(given.starts_with('!'), "{cut}: {given}");
    }
    assert_eq!(read(file(&compound("Else", &whole)).path(), &IntakeOptions::default()), "!NotASpreadsheet");
}

#[test]
fn few_bytes_ask_for_no_memory() {
    // The first and the last cell of a sheet.
    let mut xls = empty();
    xls.number(1, 1, PLAIN, 500.0);
    xls.number(65_535, 198, PLAIN, 1.0);
    xls.sheet.extend(record(0x0200, &[0xFF; 14]));
    assert_eq!(xls.given(), "2:0912345678=500 65536!Shape 65536!PointsMissing 65536!PhoneMissing");
    assert_eq!(read(xls.file().path(), &with(|options| options.sheet = Some("T".to_owned()))), xls.given());
}
