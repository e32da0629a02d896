//! Which table of an ODS is read, and that it is read in one go: the part is never trusted further than it was read.

use crate::ods::{GOOD_ROW, HEADER, ods};
use crate::rule::{GOOD, file, read, with};
use topup::intake::{IntakeOptions, ProblemKind, check};

fn table(name: &str, style: &str, rows: &str) -> String {
    format!("<table:table table:name=\"{name}\" table:style-name=\"{style}\">{rows}</table:table>")
}

fn paid(tables: &str, sheet: Option<&str>) -> String {
    const HIDDEN: &str = "<style:style style:name=\"hid\" style:family=\"table\"><style:table-properties \
                          table:display=\"false\"/></style:style>";
    let options = with(|options| options.sheet = sheet.map(str::to_owned));
    read(file(&ods(HIDDEN, tables)).path(), &options)
}

#[test]
fn the_table_that_is_asked_for_is_the_one_that_is_read() {
    let other = GOOD_ROW.replace("0901234567", "0901234560");
    let tables = [
        table("Tha\u{301}ng 10", "", &format!("{HEADER}{GOOD_ROW}")),
        table("Ẩn", "hid", &format!("{HEADER}{other}{other}")),
        table("Tháng 11", "", &format!("{HEADER}{other}")),
    ]
    .concat();
    for (sheet, expected) in [
        (Some("Tháng 10"), GOOD),
        (Some("Tháng 11"), "2:0901234560=1000"),
        (Some("Ẩn"), "2:0901234560=1000 3:0901234560=1000"),
        (None, "2:0901234567=1000 !Sheet"),
    ] {
        assert_eq!(paid(&tables, sheet), expected, "{sheet:?}");
    }
}

#[test]
fn rows_behind_the_first_ones_are_all_there() {
    // Row 3 is there sixty times: beyond the rows that tell which table is the list.
    let row = GOOD_ROW.replace("0901234567", "0901234560");
    let repeated = row.replace("<table:table-row>", "<table:table-row table:number-rows-repeated=\"60\">");
    let list = format!("{HEADER}{GOOD_ROW}{repeated}{GOOD_ROW}");
    for tables in [table("L", "", &list), table("L", "", &list) + &table("N", "", "")] {
        let given = paid(&tables, None);
        assert_eq!((given.matches(":0901234560=1000").count(), given.split(' ').count()), (60, 62), "{given}");
        assert!(given.ends_with(" 63:0901234567=1000"), "{given}");
    }
}

#[test]
fn what_is_wrong_with_one_table_is_of_no_matter_where_another_is_read() {
    let bad = "<table:table-row><table:table-cell table:number-columns-repeated=\"x\"/></table:table-row>";
    let list = table("L", "", &format!("{HEADER}{GOOD_ROW}"));
    let late = format!("{HEADER}{}{bad}", GOOD_ROW.repeat(60));
    for broken in [bad, &late] {
        let broken = table("B", "", broken);
        assert_eq!(paid(&format!("{broken}{list}"), Some("L")), GOOD);
        assert!(paid(&format!("{broken}{list}"), Some("B")).contains("!NotASpreadsheet"));
    }
}

#[test]
fn an_ods_that_unpacks_to_too_much_or_breaks_off_is_refused_as_that() {
    let list = table("L", "", &format!("{HEADER}{GOOD_ROW}"));
    let bomb = format!("{list}{}", format!("<!--{}-->", " ".repeat(1 << 20)).repeat(80));
    let bomb = ods("", &bomb);
    let report = check(file(&bomb).path(), &IntakeOptions::default());
    assert_eq!(report.problems[0].kind, ProblemKind::Limit, "{:?}", report.problems);
    assert!(report.problems[0].message.contains("1 GiB unpacked"), "{:?}", report.problems);
    // Behind the list, and so behind everything that is read of it.
    for broken in ["<table:table>", "<a><b></a></b>", "</office:spreadsheet>"] {
        assert_eq!(paid(&format!("{list}{broken}"), None), "!NotASpreadsheet", "{broken}");
    }
}
