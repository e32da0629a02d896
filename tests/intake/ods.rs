//! ODS as a person sees it: each file is one table, written here as small as it can be.

use crate::rule::{file, read, with};
use std::io::{Cursor, Write as _};
use topup::intake::{IntakeOptions, check};
use zip::write::SimpleFileOptions;

const HEAD: &str = "<office:document-content><office:automatic-styles>";
pub(super) const HEADER: &str = "<table:table-row><table:table-cell><text:p>SĐT</text:p></table:table-cell>\
                      <table:table-cell><text:p>Điểm</text:p></table:table-cell></table:table-row>";
pub(super) const GOOD_ROW: &str = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>0901234567</text:p>\
                        </table:table-cell><table:table-cell office:value-type=\"float\" office:value=\"1000\"/>\
                        </table:table-row>";

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of these styles and tables.
pub(super) fn ods(styles: &str, tables: &str) -> Vec<u8> {
    let content = format!(
        "{HEAD}{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet>\
         </office:body></office:document-content>"
    );
    archive(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)])
}

/// A workbook of one table with a header and a good row before these rows.
fn table(styles: &str, rows: &str) -> Vec<u8> {
    ods(styles, &format!("<table:table table:name=\"T\">{HEADER}{GOOD_ROW}{rows}</table:table>"))
}

fn row(phone: &str, points: &str) -> String {
    format!("<table:table-row>{phone}{points}</table:table-row>")
}

const PHONE: &str = "<table:table-cell office:value-type=\"string\"><text:p>0912345678</text:p></table:table-cell>";
const POINTS: &str = "<table:table-cell office:value-type=\"float\" office:value=\"500\"><text:p>500</text:p>\
                      </table:table-cell>";

fn points(attributes: &str, content: &str) -> String {
    row(PHONE, &format!("<table:table-cell {attributes}>{content}</table:table-cell>"))
}

fn phone(attributes: &str, content: &str) -> String {
    row(&format!("<table:table-cell {attributes}>{content}</table:table-cell>"), POINTS)
}

fn gives(rows: &[(&str, &str, &str)]) {
    for (styles, rows, expected) in rows {
        let given = read(file(&table(styles, rows)).path(), &IntakeOptions::default());
        let given = given.strip_prefix("2:0901234567=1000").map_or(given.as_str(), str::trim);
        assert_eq!(given, *expected, "{styles}\n{rows}");
    }
}

#[test]
fn values_and_texts() {
    let good = "3:0912345678=500";
    let number = "office:value-type=\"float\" office:value=\"500\"";
    gives(&[
        ("", &points(number, ""), good),
        ("", &points(number, "<text:p>500</text:p>"), good),
        ("", &points(number, "<text:p>500.00</text:p>"), good),
        ("", &points(number, "<text:p>500 ₫</text:p>"), good),
        ("", &points("office:value=\"500\"", ""), good),
        ("", &points("", "<text:p>500</text:p>"), good),
        ("", &points("office:value-type=\"string\"", "<text:p>\n   500\n</text:p>"), good),
        ("", &points("office:value-type=\"string\" office:string-value=\"500\"", ""), good),
        ("", &points("office:value-type=\"string\" office:string-value=\"500\"", "<text:p>500</text:p>"), good),
        (
            "",
            &points("office:value-type=\"string\" office:string-value=\"500\"", "<text:p>700</text:p>"),
            "3!NotAsShown",
        ),
        (
            "",
            &phone("", "<text:p>0912<text:s/>345<text:s text:c=\"2\"/>678</text:p>"),
            "3:0912345678=500[PhoneSeparators]",
        ),
        ("", &phone("", "<text:p>0912</text:p><text:p>345678</text:p>"), "3!PhoneTwo"),
        ("", &phone("", "<text:p>0912<text:line-break/>345678</text:p>"), "3!PhoneTwo"),
        (
            "",
            &phone("", "<office:annotation><text:p>0900000000</text:p></office:annotation><text:p>0912345678</text:p>"),
            good,
        ),
        ("", &phone("", "<text:p><text:a>0912345678</text:a></text:p>"), good),
        ("", &phone("", "<text:p>&#48;912345678</text:p>"), good),
        ("", &points("office:value-type=\"float\" office:value=\"five\"", ""), "!NotASpreadsheet"),
        ("", &points("table:number-columns-repeated=\"x\"", "<text:p>500</text:p>"), "!NotASpreadsheet"),
        (
            "",
            &points("", "<table:table table:name=\"in\"><table:table-row/></table:table><text:p>500</text:p>"),
            "!NotASpreadsheet",
        ),
        // White space between cells, and elements that nobody knows.
        ("", &points(&format!("  {number}\n"), "\n <text:p>500</text:p> \n"), good),
        ("", &format!("<loext:x><table:table-row/></loext:x>\n{}\n", points(number, "")), good),
    ]);
}

#[test]
fn what_a_person_sees_is_another_thing() {
    let struck = "<style:style style:name=\"T1\" style:family=\"text\"><style:text-properties \
                  style:text-line-through-style=\"solid\"/></style:style>";
    let raised = "<style:style style:name=\"T2\" style:family=\"text\"><style:text-properties \
                  style:text-position=\"super 58%\"/></style:style>";
    let cell = "<style:style style:name=\"ce1\" style:family=\"table-cell\"><style:text-properties \
                style:text-line-through-type=\"single\"/></style:style><style:style style:name=\"ce2\" \
                style:family=\"table-cell\" style:parent-style-name=\"ce1\"/>";
    let other = "3!NotAsShown";
    gives(&[
        ("", &points("office:value-type=\"float\" office:value=\"500\"", "<text:p>500.000</text:p>"), other),
        ("", &points("office:value-type=\"float\" office:value=\"500\"", "<text:p>50000%</text:p>"), other),
        ("", &points("office:value-type=\"percentage\" office:value=\"500\"", ""), other),
        ("", &phone("office:value-type=\"date\" office:date-value=\"32767-12-31\"", "<text:p>#FMT</text:p>"), other),
        ("", &points("office:value-type=\"time\" office:time-value=\"PT500H\"", "<text:p>500:00:00</text:p>"), other),
        ("", &points("table:formula=\"of:=[.D3]\"", ""), other),
        (
            "",
            &row("<table:table-cell table:formula=\"of:=[.D3]\"/>", "<table:table-cell table:formula=\"of:=1\"/>"),
            "3!NotAsShown 3!NotAsShown",
        ),
        (
            "",
            &row("<table:table-cell table:formula=\"of:=[.D3]\" office:value-type=\"string\"/>", "<table:table-cell/>"),
            "",
        ),
        (
            "",
            &points(
                "office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"",
                "<text:p>#N/A</text:p>",
            ),
            other,
        ),
        (struck, &points("", "<text:p><text:span text:style-name=\"T1\">500</text:span> 700</text:p>"), other),
        (struck, &points("", "<text:p><text:span text:style-name=\"T1\">500</text:span></text:p>"), other),
        (raised, &points("", "<text:p>50<text:span text:style-name=\"T2\">2</text:span></text:p>"), other),
        (cell, &points("table:style-name=\"ce2\"", "<text:p>500</text:p>"), "3:0912345678=500"),
        ("", &row(PHONE, &POINTS.replace("table-cell", "covered-table-cell")), other),
        (
            "",
            &row(
                "<table:table-cell table:number-columns-spanned=\"2\"><text:p>0912345678</text:p></table:table-cell>",
                POINTS,
            ),
            other,
        ),
    ]);
}

/// The style of a cell with the number format N1.
fn style(format: &str) -> String {
    format!("{format}<style:style style:name=\"ce1\" style:family=\"table-cell\" style:data-style-name=\"N1\"/>")
}

/// What a cell of 500 gives whose format has a number of these attributes, in place of `#`, and what stands around it.
fn number(attributes: &str, around: &str) -> String {
    let inside = around.replace('#', &format!("<number:number {attributes}/>"));
    style(&format!("<number:number-style style:name=\"N1\">{inside}</number:number-style>"))
}

fn holds_500(formats: &[(String, &str)]) {
    let cell = points("table:style-name=\"ce1\" office:value-type=\"float\" office:value=\"500\"", "");
    for (style, expected) in formats {
        gives(&[(style, &cell, expected)]);
        // The format of the column holds where the cell names none.
        let plain = points("office:value-type=\"float\" office:value=\"500\"", "");
        let columns = "<table:table-column/><table:table-column table:default-cell-style-name=\"ce1\"/>";
        let rows = format!("{columns}{HEADER}<table:table-row/>{plain}");
        let table = ods(style, &format!("<table:table table:name=\"T\">{rows}</table:table>"));
        assert_eq!(read(file(&table).path(), &IntakeOptions::default()), *expected, "{style}");
    }
}

#[test]
fn number_formats() {
    let (good, other) = ("3:0912345678=500", "3!NotAsShown");
    holds_500(&[
        (number("number:min-integer-digits=\"1\"", "#"), good),
        (number("number:decimal-places=\"0\" number:min-integer-digits=\"1\" number:grouping=\"true\"", "#"), good),
        (number("number:decimal-places=\"2\" number:min-integer-digits=\"1\"", "#"), good),
        (number("number:decimal-places=\"3\" number:min-integer-digits=\"1\"", "#"), other),
        (
            number("number:decimal-places=\"3\" number:min-decimal-places=\"0\" number:min-integer-digits=\"1\"", "#"),
            good,
        ),
        (number("number:decimal-places=\"0\" number:min-integer-digits=\"5\"", "#"), other),
        (
            number("number:decimal-places=\"0\" number:min-integer-digits=\"1\"", "#<number:text>.000</number:text>"),
            other,
        ),
        (
            number("number:decimal-places=\"0\" number:min-integer-digits=\"1\"", "#<number:text> điểm</number:text>"),
            good,
        ),
        (
            number("number:decimal-places=\"0\" number:min-integer-digits=\"1\" number:display-factor=\"1000\"", "#"),
            other,
        ),
    ]);
}

#[test]
fn formats_of_other_kinds() {
    let (good, other) = ("3:0912345678=500", "3!NotAsShown");
    holds_500(&[
        (style("<number:number-style style:name=\"N1\"/>"), other),
        (
            style(
                "<number:percentage-style style:name=\"N1\"><number:number number:decimal-places=\"0\" number:min-integer-digits=\"1\"/><number:text>%</number:text></number:percentage-style>",
            ),
            other,
        ),
        (
            style(
                "<number:currency-style style:name=\"N1\"><number:number number:decimal-places=\"0\" number:min-integer-digits=\"1\"/><number:currency-symbol>₫</number:currency-symbol></number:currency-style>",
            ),
            good,
        ),
        (
            style(
                "<number:date-style style:name=\"N1\"><number:day/><number:text>/</number:text><number:month/></number:date-style>",
            ),
            other,
        ),
        (
            style(
                "<number:time-style style:name=\"N1\" number:truncate-on-overflow=\"false\"><number:hours/><number:text>:</number:text><number:minutes/></number:time-style>",
            ),
            other,
        ),
        // Another format for numbers from 400.
        (
            style(
                "<number:number-style style:name=\"N2\"><number:text>x</number:text></number:number-style><number:number-style style:name=\"N1\"><number:number number:min-integer-digits=\"1\"/><style:map style:condition=\"value()&gt;=400\" style:apply-style-name=\"N2\"/></number:number-style>",
            ),
            other,
        ),
        (
            style(
                "<number:number-style style:name=\"N2\"><number:text>x</number:text></number:number-style><number:number-style style:name=\"N1\"><number:number number:min-integer-digits=\"1\"/><style:map style:condition=\"value()&gt;=600\" style:apply-style-name=\"N2\"/></number:number-style>",
            ),
            good,
        ),
        // A text that is not shown, as under `;;;`.
        (style("<number:text-style style:name=\"N1\"/>"), other),
    ]);
}

#[test]
fn rows_and_columns_that_nobody_sees() {
    let hidden = "!Hidden";
    let style = "<style:style style:name=\"ro1\" style:family=\"table-row\"><style:table-row-properties \
                 style:row-height=\"0.2mm\"/></style:style>";
    let row = points("office:value-type=\"float\" office:value=\"500\"", "");
    let with_row = |attributes: &str| row.replace("<table:table-row", &format!("<table:table-row {attributes}"));
    gives(&[
        ("", &with_row("table:visibility=\"collapse\""), hidden),
        ("", &with_row("table:visibility=\"filter\""), hidden),
        ("", &with_row("table:visibility=\"visible\""), "3:0912345678=500"),
        (style, &with_row("table:style-name=\"ro1\""), hidden),
        ("", &format!("<table:table-row-group table:display=\"false\">{row}</table:table-row-group>"), hidden),
        ("", &format!("<table:table-row-group>{row}</table:table-row-group>"), "3:0912345678=500"),
        (
            "",
            &format!("<table:table-row table:number-rows-repeated=\"4\"/>{}", row.replace("0912", "0913")),
            "7:0913345678=500",
        ),
        ("", &with_row("table:number-rows-repeated=\"2\""), "3:0912345678=500 4:0912345678=500"),
    ]);
    for (visibility, filtered) in [("filter", true), ("collapse", false)] {
        let file = file(&table("", &with_row(&format!("table:visibility=\"{visibility}\""))));
        let problems = check(file.path(), &IntakeOptions::default()).problems;
        let says = |what: &str| problems.iter().any(|problem| problem.message.contains(what));
        assert!(says("--include-hidden"), "{problems:?}");
        assert_eq!(says("(filtered, 1 in all)"), filtered, "{problems:?}");
    }
    let columns = "<style:style style:name=\"co1\" style:family=\"table-column\"><style:table-column-properties \
                   style:column-width=\"0.01cm\"/></style:style>";
    for column in ["table:style-name=\"co1\"", "table:visibility=\"collapse\"", "table:visibility=\"filter\""] {
        let table =
            format!("<table:table table:name=\"T\"><table:table-column {column}/>{HEADER}{GOOD_ROW}</table:table>");
        let file = file(&ods(columns, &table));
        assert_eq!(read(file.path(), &IntakeOptions::default()), "2:0901234567=1000 !Hidden", "{column}");
    }
}

#[test]
fn files_that_are_no_spreadsheet_or_have_a_password() {
    for (mimetype, what) in [
        ("application/vnd.oasis.opendocument.text", "a text document (ODT)"),
        ("application/vnd.oasis.opendocument.text-template", "a text document (ODT)"),
        ("application/vnd.oasis.opendocument.presentation", "a presentation (ODP)"),
    ] {
        let content = format!("{HEAD}</office:automatic-styles><office:body/></office:document-content>");
        let file = file(&archive(&[("mimetype", mimetype), ("content.xml", &content)]));
        let report = check(file.path(), &IntakeOptions::default());
        assert!(report.problems[0].message.contains(what), "{:?}", report.problems);
    }
    let manifest = "<manifest:manifest><manifest:file-entry manifest:full-path=\"content.xml\">\
                    <manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    let locked = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", "\u{1}\u{2} no XML"),
    ]);
    // Since LibreOffice 24.8 one encrypted part holds all others.
    let package = archive(&[
        ("META-INF/manifest.xml", &manifest.replace("content.xml", "encrypted-package")),
        ("encrypted-package", "\u{1}"),
    ]);
    for file in [file(&locked), file(&package)] {
        let report = check(file.path(), &IntakeOptions::default());
        assert!(report.problems[0].message.contains("password"), "{:?}", report.problems);
    }
    // A template is a spreadsheet, and so is one that does not say what it is.
    let content = format!(
        "{HEAD}</office:automatic-styles><office:body><office:spreadsheet><table:table table:name=\"T\">{HEADER}{GOOD_ROW}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    for mimetype in ["application/vnd.oasis.opendocument.spreadsheet-template", ""] {
        let file = file(&archive(&[("mimetype", mimetype), ("content.xml", &content)]));
        assert_eq!(read(file.path(), &IntakeOptions::default()), "2:0901234567=1000");
    }
}

#[test]
fn tables_that_are_no_sheets_are_passed_over() {
    let good = format!("<table:table table:name=\"T\">{HEADER}{GOOD_ROW}</table:table>");
    let tables = format!(
        "<table:dde-links><table:table table:name=\"L\">{HEADER}</table:table></table:dde-links>\
         <table:table table:name=\"S\" table:style-name=\"ta1\">{HEADER}</table:table>{good}"
    );
    let styles = "<style:style style:name=\"ta1\" style:family=\"table\"><style:table-properties table:display=\"false\"/>\
                  </style:style>";
    let file = file(&ods(styles, &tables));
    assert_eq!(read(file.path(), &IntakeOptions::default()), "2:0901234567=1000");
    assert_eq!(read(file.path(), &with(|options| options.sheet = Some("S".to_owned()))), "!Empty");
    assert_eq!(read(file.path(), &with(|options| options.sheet = Some("L".to_owned()))), "!Sheet");
}

#[test]
fn what_is_repeated_is_counted_and_not_unfolded() {
    let cell = "<table:table-cell table:number-columns-repeated=\"190\"><text:p>x</text:p></table:table-cell>";
    let rows = format!("<table:table-row table:number-rows-repeated=\"1000000\">{cell}</table:table-row>");
    gives(&[("", &rows, "!Limit")]);
    let blank = "<table:table-row table:number-rows-repeated=\"4294967295\"><table:table-cell \
                 table:number-columns-repeated=\"4294967295\"/></table:table-row>";
    gives(&[("", blank, "")]);
    let deep = format!("<table:table-row table:number-rows-repeated=\"1048576\"/>{GOOD_ROW}");
    gives(&[("", &deep, "1048579!Limit")]);
}

#[test]
fn what_never_ends_is_refused_before_it_is_kept() {
    // Stored in few bytes, and neither bomb nor table: a text of 20 MB, and 300 elements in one another.
    let long = format!(
        "<table:table-row><table:table-cell><text:p>{}</text:p></table:table-cell></table:table-row>",
        "x".repeat(20 << 20)
    );
    gives(&[("", &long, "!NotASpreadsheet")]);
    let deep = points("", &format!("<text:p>{}500{}</text:p>", "<text:span>".repeat(300), "</text:span>".repeat(300)));
    gives(&[("", &deep, "!NotASpreadsheet")]);
    let less = points("", &format!("<text:p>{}500{}</text:p>", "<text:span>".repeat(30), "</text:span>".repeat(30)));
    gives(&[("", &less, "3:0912345678=500")]);
    let tables = "<table:table table:name=\"T\"/>".repeat(10_001);
    assert_eq!(read(file(&ods("", &tables)).path(), &IntakeOptions::default()), "!NotASpreadsheet");
}

#[test]
fn the_first_rows_of_every_table_tell_which_is_the_list() {
    let note = "<table:table table:name=\"N\"><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>\
                </table:table-row><table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell \
                table:number-columns-repeated=\"9\"><text:p>y</text:p></table:table-cell></table:table-row></table:table>";
    let list = format!("<table:table table:name=\"L\">{HEADER}{GOOD_ROW}</table:table>");
    for (tables, sheet, expected) in [
        (format!("{list}{note}"), None, "2:0901234567=1000"),
        (format!("{note}{list}"), Some("L"), "2:0901234567=1000"),
        (format!("{list}{}", list.replace("\"L\"", "\"M\"")), None, "2:0901234567=1000 !Sheet"),
    ] {
        let options = with(|options| options.sheet = sheet.map(str::to_owned));
        assert_eq!(read(file(&ods("", &tables)).path(), &options), expected, "{sheet:?}");
    }
    let elsewhere = check(file(&ods("", &format!("{note}{list}"))).path(), &IntakeOptions::default());
    assert!(!elsewhere.is_ok() && format!("{:?}", elsewhere.problems).contains("«L»"), "{:?}", elsewhere.problems);
}
