//! The same rows as CSV, XLSX and ODS: a rule about rows holds whatever the file is.

use super::rule::{file, read};
use std::io::Write as _;
use topup::intake::IntakeOptions;

/// A workbook in the making: its sheets with their rows of text cells.
pub(super) type Sheets<'s> = [(&'s str, &'s str)];

fn rows(content: &str) -> impl Iterator<Item = (u32, Vec<&str>)> {
    (0..).zip(content.lines().map(|line| line.split(',').collect()))
}

/// Sheets of text cells as XLSX; `active` is the sheet that it opens on.
pub(super) fn xlsx(sheets: &Sheets<'_>, active: usize) -> tempfile::NamedTempFile {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (place, (name, content)) in sheets.iter().enumerate() {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        sheet.set_active(place == active);
        for (row, cells) in rows(content) {
            for (column, cell) in (0..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    }
    file(&book.save_to_buffer().unwrap())
}

/// The same as ODS.
pub(super) fn ods(sheets: &Sheets<'_>, active: usize) -> tempfile::NamedTempFile {
    let mut body = String::new();
    for (name, content) in sheets {
        body.push_str(&format!("<table:table table:name=\"{name}\">"));
        for (_, cells) in rows(content) {
            let cell = |cell: &str| match cell {
                "" => "<table:table-cell/>".to_owned(),
                cell => {
                    format!("<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>")
                }
            };
            let cells: String = cells.into_iter().map(cell).collect();
            body.push_str(&format!("<table:table-row>{cells}</table:table-row>"));
        }
        body.push_str("</table:table>");
    }
    let namespaces = ["office", "table", "text", "config"]
        .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .concat();
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content{namespaces}><office:body><office:spreadsheet>{body}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    let settings = format!(
        "<?xml version=\"1.0\"?><office:document-settings{namespaces}><office:settings><config:config-item \
         config:name=\"ActiveTable\" config:type=\"string\">{}</config:config-item></office:settings>\
         </office:document-settings>",
        sheets[active].0
    );
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mimetype = "application/vnd.oasis.opendocument.spreadsheet".to_owned();
    let manifest = "<?xml version=\"1.0\"?><manifest:manifest \
                    xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>"
        .to_owned();
    let parts = [
        ("mimetype", mimetype),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", content),
        ("settings.xml", settings),
    ];
    for (name, text) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    file(&zip.finish().unwrap().into_inner())
}

/// Holds the cases of a rule in every format: cells without quotes, separated by commas.
pub(super) fn rule_everywhere(rule: &str, cases: &[(&str, &str)]) {
    assert!(!cases.is_empty(), "{rule}: no case");
    let options = IntakeOptions::default();
    for (content, expected) in cases {
        let files = [
            ("CSV", file(content.as_bytes())),
            ("XLSX", xlsx(&[("Sheet1", content)], 0)),
            ("ODS", ods(&[("Sheet1", content)], 0)),
        ];
        for (format, file) in files {
            assert_eq!(read(file.path(), &options), *expected, "{rule}, {format}\n{content}");
        }
    }
}
