//! Texts that nobody can read: in the colour of what is behind them, or too small, in every format that has colours.

use crate::ods::ods;
use crate::rule::{GOOD, file, read};
use crate::styled::zipped;
use crate::xls::{compound, record, unicode, words};
use topup::intake::IntakeOptions;

const REFUSED: &str = "2:0901234567=1000 3!NotAsShown";
const PAID: &str = "2:0901234567=1000 3:0912345678=500";

fn given(bytes: &[u8]) -> String {
    read(file(bytes).path(), &IntakeOptions::default())
}

/// A good row, and one whose points have a font on a fill.
fn xlsx(font: &str, fill: &str, cell_style: &str, around: &str) -> Vec<u8> {
    const NS: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
    const RELATED: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let text = |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let links = |kinds: &[(&str, &str)]| {
        let link = |(kind, target): &(&str, &str)| {
            format!("<Relationship Id=\"{kind}\" Type=\"{RELATED}/{kind}\" Target=\"{target}\"/>")
        };
        format!("<Relationships>{}</Relationships>", kinds.iter().map(link).collect::<String>())
    };
    zipped(&[
        ("_rels/.rels", links(&[("officeDocument", "xl/workbook.xml")])),
        (
            "xl/workbook.xml",
            format!(
                "<workbook {NS} xmlns:r=\"{RELATED}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"worksheet\"/></sheets>\
                 </workbook>"
            ),
        ),
        ("xl/_rels/workbook.xml.rels", links(&[("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")])),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet {NS}><fonts><font/><font>{font}</font></fonts><fills><fill><patternFill \
                 patternType=\"none\"/></fill><fill>{fill}</fill></fills><cellXfs><xf/><xf fontId=\"1\" \
                 fillId=\"1\"/></cellXfs><dxfs><dxf><numFmt numFmtId=\"200\" formatCode=\"0&quot;000&quot;\"/></dxf><dxf>\
                 <numFmt numFmtId=\"3\" formatCode=\"#,##0\"/></dxf></dxfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet {NS}><sheetData><row r=\"1\">{}{}</row><row r=\"2\">{}<c r=\"B2\"><v>1000</v></c></row>\
                 <row r=\"3\">{}<c r=\"B3\" s=\"{cell_style}\"><v>500</v></c></row></sheetData>{around}</worksheet>",
                text("A1", "SĐT"),
                text("B1", "Điểm"),
                text("A2", "0901234567"),
                text("A3", "0912345678")
            ),
        ),
    ])
}

#[test]
fn of_an_xlsx() {
    let solid = |colour: &str| format!("<patternFill patternType=\"solid\"><fgColor {colour}/></patternFill>");
    let none = "<patternFill patternType=\"none\"/>".to_owned();
    for (font, fill, expected) in [
        ("<color rgb=\"FFFFFFFF\"/>", none.clone(), REFUSED),
        ("<color rgb=\"ffffffff\"/>", String::new(), REFUSED),
        ("<color theme=\"0\"/>", none.clone(), REFUSED),
        ("<color indexed=\"9\"/>", none.clone(), REFUSED),
        ("<color rgb=\"FFFFFFFF\"/>", solid("rgb=\"FF1F4E79\""), PAID),
        ("<color rgb=\"FF1F4E79\"/>", solid("rgb=\"FF1F4E79\""), REFUSED),
        ("<color theme=\"4\" tint=\"0.4\"/>", solid("theme=\"4\" tint=\"0.4\""), REFUSED),
        ("<color theme=\"4\" tint=\"0.4\"/>", solid("theme=\"4\""), PAID),
        ("<color theme=\"0\"/>", solid("indexed=\"9\""), REFUSED),
        ("<color theme=\"0\" tint=\"-0.5\"/>", none.clone(), PAID),
        ("<sz val=\"1\"/>", none.clone(), REFUSED),
        ("<sz val=\"8\"/><color theme=\"1\"/>", none, PAID),
    ] {
        assert_eq!(given(&xlsx(font, &fill, "1", "")), expected, "{font} {fill}");
    }
}

#[test]
fn of_a_conditional_format_that_shows_another_number() {
    let rule = |areas: &str, format: &str| {
        format!(
            "<conditionalFormatting sqref=\"{areas}\"><cfRule type=\"cellIs\" operator=\"greaterThan\" priority=\"1\" \
             dxfId=\"{format}\"><formula>1</formula></cfRule></conditionalFormatting>"
        )
    };
    for (areas, format, expected) in [
        ("B3:B9", "0", REFUSED),
        ("D1 B3", "0", REFUSED),
        ("B:B", "0", "2!NotAsShown 3!NotAsShown"),
        ("B3:B9", "1", PAID),
        ("C1:C9", "0", PAID),
    ] {
        assert_eq!(given(&xlsx("", "", "0", &rule(areas, format))), expected, "{areas} {format}");
    }
}

/// Nobody waits for a sheet that names its cells again and again.
#[test]
fn of_more_conditional_formats_than_anybody_sets() {
    let rule =
        "<cfRule type=\"cellIs\" operator=\"greaterThan\" priority=\"1\" dxfId=\"0\"><formula>1</formula></cfRule>";
    let around = |count: usize| {
        format!("<conditionalFormatting sqref=\"{}\">{rule}</conditionalFormatting>", "B3 ".repeat(count))
    };
    assert_eq!(given(&xlsx("", "", "0", &around(10_000))), REFUSED);
    assert_eq!(given(&xlsx("", "", "0", &around((1 << 20) + 1))), "!NotASpreadsheet");
}

#[test]
fn of_an_ods() {
    let row = |phone: &str, points: &str| {
        format!(
            "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>{phone}</text:p></table:table-cell>\
             {points}</table:table-row>"
        )
    };
    let text = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let good = "<table:table-cell office:value-type=\"float\" office:value=\"1000\"/>";
    let styled = "<table:table-cell table:style-name=\"ce1\" office:value-type=\"float\" office:value=\"500\"/>";
    let rows = [row("SĐT", &text("Điểm")), row("0901234567", good), row("0912345678", styled)].concat();
    for (text, cell, expected) in [
        ("fo:color=\"#FFFFFF\"", "", REFUSED),
        ("fo:color=\"#ffffff\"", "fo:background-color=\"transparent\"", REFUSED),
        ("fo:color=\"#ffffff\"", "fo:background-color=\"#1f4e79\"", PAID),
        ("fo:color=\"#1F4E79\"", "fo:background-color=\"#1f4e79\"", REFUSED),
        ("fo:color=\"#ffffff\" style:use-window-font-color=\"true\"", "", PAID),
        ("fo:font-size=\"1pt\"", "", REFUSED),
        ("fo:font-size=\"10pt\" fo:color=\"#000000\"", "", PAID),
    ] {
        let style = format!(
            "<style:style style:name=\"ce1\" style:family=\"table-cell\"><style:table-cell-properties {cell}/>\
             <style:text-properties {text}/></style:style>"
        );
        let table = format!("<table:table table:name=\"T\">{rows}</table:table>");
        assert_eq!(given(&ods(&style, &table)), expected, "{text} {cell}");
    }
}

#[test]
fn of_an_xls() {
    for (height, colour, pattern, behind, expected) in [
        (200, 0x7FFF, 0_u16, 0_u16, PAID),
        (200, 9, 0, 0, REFUSED),
        (200, 1, 0, 0, REFUSED),
        (200, 9, 1, 18, PAID),
        (200, 18, 1, 18, REFUSED),
        (20, 0x7FFF, 0, 0, REFUSED),
    ] {
        let mut globals = record(0x0809, &words(&[0x0600, 5, 0, 0]));
        globals.extend(record(0x0031, &words(&[200, 0, 0x7FFF, 400, 0, 0, 0, 0])));
        globals.extend(record(0x0031, &words(&[height, 0, colour, 400, 0, 0, 0, 0])));
        globals.extend(record(0x00E0, &words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
        // The pattern stands in the highest six bits of the word before the colour.
        globals.extend(record(0x00E0, &words(&[1, 0, 0, 0, 0, 0, 0, 0, pattern << 10, behind])));
        let mut sheet = record(0x0809, &words(&[0x0600, 16, 0, 0]));
        let label = |row, text: &str| record(0x0204, &[words(&[row, 0, 0]), unicode(text)].concat());
        let number =
            |row, look, value: f64| record(0x0203, &[words(&[row, 1, look]), value.to_le_bytes().to_vec()].concat());
        sheet.extend(label(0, "SĐT"));
        sheet.extend(record(0x0204, &[words(&[0, 1, 0]), unicode("Điểm")].concat()));
        sheet.extend([label(1, "0901234567"), number(1, 0, 1000.0)].concat());
        sheet.extend([label(2, "0912345678"), number(2, 1, 500.0)].concat());
        sheet.extend(record(0x000A, &[]));
        let end = record(0x000A, &[]);
        let at = u32::try_from(globals.len() + 4 + 10 + end.len()).unwrap();
        globals.extend(record(0x0085, &[&at.to_le_bytes()[..], &[0, 0, 1, 1, b'S', 0]].concat()));
        let bytes = compound("Workbook", &[globals, end, sheet].concat());
        assert_eq!(given(&bytes), expected, "{height} {colour} {pattern} {behind}");
    }
    assert!(PAID.starts_with(GOOD));
}
