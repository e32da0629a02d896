//! Which sheet of a workbook is read.

use super::formats::{Sheets, ods, xlsx};
use super::rule::{GOOD, read, with};
use topup::intake::{IntakeOptions, check};

const LIST: &str = "phone,points\n0901234567,1000\n";
const OTHER: &str = "phone,points\n0312345678,500\n";
const NOTE: &str = "Ghi chú,x\nabc,y\n";

/// What a workbook gives, as XLSX and as ODS, with the message of its first problem.
fn given(sheets: &Sheets<'_>, active: usize, options: &IntakeOptions) -> (String, String) {
    let [one, other] = [xlsx(sheets, active), ods(sheets, active)].map(|file| {
        let message = check(file.path(), options).problems.first().map(|problem| problem.message.clone());
        (read(file.path(), options), message.unwrap_or_default())
    });
    assert_eq!(one, other, "{sheets:?}");
    one
}

#[test]
fn the_sheet_that_a_person_takes_for_the_list_is_read_or_none() {
    let plain = IntakeOptions::default();
    for (sheets, active, expected, part) in [
        (&[("A", LIST)][..], 0, GOOD, ""),
        (&[("A", LIST), ("B", NOTE)], 0, GOOD, ""),
        (&[("A", LIST), ("B", "")], 0, GOOD, ""),
        (
            &[("Tháng 10", LIST), ("Tháng 11", OTHER)],
            0,
            "2:0901234567=1000 !Sheet",
            "`--sheet \"Tháng 10\"` or `--sheet \"Tháng 11\"`",
        ),
        (&[("Tháng 10", LIST), ("Tháng 11", OTHER)], 1, "2:0312345678=500 !Sheet", "(it opens on «Tháng 11»)"),
        (
            &[("A", LIST), ("B", NOTE)],
            1,
            "2:0901234567=1000 !Sheet",
            "opens on «B», with the list on «A»; say `--sheet A`",
        ),
        (
            &[("Bìa", NOTE), ("Danh sách", LIST)],
            0,
            "2:0901234567=1000 !Sheet",
            "has it on «Danh sách», behind «Bìa»; say `--sheet \"Danh sách\"`",
        ),
        (&[("Bìa", NOTE), ("Danh sách", LIST)], 1, "2:0901234567=1000 !Sheet", "say `--sheet \"Danh sách\"`"),
        (&[("Trống", ""), ("Danh sách", LIST)], 0, "2:0901234567=1000 !Sheet", "say `--sheet \"Danh sách\"`"),
        (&[("Trống", ""), ("B", NOTE)], 0, "!Header", "looked for in the sheets «Trống», «B»"),
        (&[("Trống", ""), ("B", "")], 0, "!Empty", "looked for in the sheets «Trống», «B»"),
        // A header that is not right is one.
        (
            &[("A", "phone,mobile,points\n0901234567,0901234567,9\n"), ("B", LIST)],
            0,
            "!Sheet",
            "`--sheet A` or `--sheet B`",
        ),
        // Result files open on their summary.
        (&[("A", "batch,invoice_no,phone,points\nx,y,0901234567,1000\n"), ("B", NOTE)], 1, GOOD, ""),
    ] {
        let (rows, message) = given(sheets, active, &plain);
        assert_eq!(rows, expected, "{sheets:?}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_named_sheet_is_found_however_its_letters_are_composed() {
    let nfd = "Tha\u{301}ng mu\u{31b}o\u{31b}\u{300}i mo\u{323}\u{302}t";
    let nfc = "Tháng mười một";
    for (name, asked) in [(nfd, nfc), (nfc, nfd), (nfc, nfc), (nfd, nfd)] {
        let asked = with(|options| options.sheet = Some(asked.to_owned()));
        assert_eq!(given(&[("A", OTHER), (name, LIST)], 0, &asked).0, GOOD, "{name} {asked:?}");
    }
    let (rows, message) = given(&[("A", LIST)], 0, &with(|options| options.sheet = Some("B".to_owned())));
    assert_eq!((rows.as_str(), message.as_str()), ("!Sheet", "needs the sheet «B», has «A»; correct `--sheet`"));
}
