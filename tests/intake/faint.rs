//! Texts that nobody can read: in the colour of what is behind them, or too small, in every format that has colours.

use crate::ods::ods;
use crate::rule::{GOOD, file, read};
use crate::styled::zipped;
use crate::xls::{compound, record, unicode, words};
use topup::intake::{IntakeOptions, check};

const REFUSED: &str = "2:0901234567=1000 3!NotAsShown";
const PAID: &str = "2:0901234567=1000 3:0912345678=500";

fn given(bytes: &[u8]) -> String {
    read(file(bytes).path(), &IntakeOptions::default())
}

const NS: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";

/// A good row, and one whose points have a font on a fill.
fn xlsx(font: &str, fill: &str, cell_style: &str) -> Vec<u8> {
    book(font, fill, "", &format!("<c r=\"B3\" s=\"{cell_style}\"><v>500</v></c>"), "")
}

/// A good row, and one with this cell of points; its style 1 has a font on a fill, and formats of conditional ones are 0: of
/// another number, 1: of the same, 2: white, 3: white on blue.
pub(super) fn book(font: &str, fill: &str, palette: &str, cell: &str, around: &str) -> Vec<u8> {
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
                 <numFmt numFmtId=\"3\" formatCode=\"#,##0\"/></dxf><dxf>{WHITE_FONT}</dxf><dxf>{WHITE_FONT}<fill><patternFill>\
                 <bgColor rgb=\"FF1F4E79\"/></patternFill></fill></dxf></dxfs><colors>{palette}</colors></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet {NS}><sheetData><row r=\"1\">{}{}</row><row r=\"2\">{}<c r=\"B2\"><v>1000</v></c></row>\
                 <row r=\"3\">{}{cell}</row></sheetData>{around}</worksheet>",
                text("A1", "SĐT"),
                text("B1", "Điểm"),
                text("A2", "0901234567"),
                text("A3", "0912345678")
            ),
        ),
    ])
}

const WHITE_FONT: &str = "<font><color rgb=\"FFFFFFFF\"/></font>";

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
        assert_eq!(given(&xlsx(font, &fill, "1")), expected, "{font} {fill}");
    }
}

/// 500 and behind it 0, of which a person sees the one only.
#[test]
fn of_runs_of_an_xlsx() {
    let runs = |first: &str, second: &str| {
        format!(
            "<c r=\"B3\" s=\"1\" t=\"inlineStr\"><is><r><rPr>{first}</rPr><t>500</t></r><r><rPr>{second}</rPr><t>0</t></r></is></c>"
        )
    };
    let (white, blue) = ("<color rgb=\"FFFFFFFF\"/>", "<color rgb=\"FF1F4E79\"/>");
    let (on_white, on_blue) = (
        "<patternFill patternType=\"none\"/>",
        "<patternFill patternType=\"solid\"><fgColor rgb=\"FF1F4E79\"/></patternFill>",
    );
    let all = "2:0901234567=1000 3:0912345678=5000";
    for (fill, first, second, expected) in [
        (on_white, "", white, REFUSED),
        (on_white, white, "", REFUSED),
        (on_white, "", "<color theme=\"0\"/>", REFUSED),
        (on_white, "", "<color indexed=\"9\"/>", REFUSED),
        (on_white, "", "<sz val=\"1\"/>", REFUSED),
        (on_white, "<sz val=\"8\"/>", blue, all),
        (on_blue, white, white, all),
    ] {
        assert_eq!(given(&book("", fill, "", &runs(first, second), "")), expected, "{fill} {first} {second}");
    }
    let path = file(&book("", on_white, "", &runs("", white), ""));
    let message = check(path.path(), &IntakeOptions::default()).problems[0].message.clone();
    assert!(
        message.contains("has «5000», partly in the colour of its background or too small: the rest reads «500»"),
        "{message}"
    );
}

#[test]
fn of_a_palette_of_an_xlsx() {
    let colours = |tenth: &str| {
        let colour = |at| format!("<rgbColor rgb=\"00{}\"/>", if at == 10 { tenth } else { "101010" });
        format!("<indexedColors>{}</indexedColors>", (0..64).map(colour).collect::<String>())
    };
    let white = colours("FFFFFF");
    for (font, palette, expected) in [
        ("<color indexed=\"10\"/>", &*white, REFUSED),
        ("<color indexed=\"2\"/>", &white, REFUSED),
        ("<color indexed=\"10\"/>", "", PAID),
        ("<color indexed=\"9\"/>", &white, PAID),
        ("<color indexed=\"9\"/>", "", REFUSED),
    ] {
        let cell = "<c r=\"B3\" s=\"1\"><v>500</v></c>";
        assert_eq!(given(&book(font, "", palette, cell, "")), expected, "{font} {palette}");
    }
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
fn of_spans_of_an_ods() {
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let styles = "<style:style style:name=\"w\" style:family=\"text\"><style:text-properties fo:color=\"#ffffff\"/></style:style>\
                  <style:style style:name=\"s\" style:family=\"text\"><style:text-properties fo:font-size=\"1pt\"/></style:style>\
                  <style:style style:name=\"b\" style:family=\"text\"><style:text-properties fo:color=\"#1f4e79\"/></style:style>";
    for (points, expected) in [
        ("500<text:span text:style-name=\"w\">0</text:span>", REFUSED),
        ("500<text:span text:style-name=\"s\">0</text:span>", REFUSED),
        ("<text:span text:style-name=\"w\">500</text:span>", REFUSED),
        ("50<text:span text:style-name=\"b\">0</text:span>", PAID),
    ] {
        let rows = [("SĐT", "Điểm"), ("0901234567", "1000"), ("0912345678", points)];
        let row = |(phone, points)| format!("<table:table-row>{}{}</table:table-row>", cell(phone), cell(points));
        let table = format!("<table:table table:name=\"T\">{}</table:table>", rows.map(row).concat());
        assert_eq!(given(&ods(styles, &table)), expected, "{points}");
    }
}

/// A workbook with these records among those of all sheets, and these behind a good row; its second font is the one given.
fn xls(globals: &[u8], (height, colour): (u16, u16), (pattern, behind): (u16, u16), cell: &[u8]) -> Vec<u8> {
    let before = globals;
    let mut globals = [record(0x0809, &words(&[0x0600, 5, 0, 0])), before.to_vec()].concat();
    globals.extend(record(0x0031, &words(&[200, 0, 0x7FFF, 400, 0, 0, 0, 0])));
    globals.extend(record(0x0031, &words(&[height, 0, colour, 400, 0, 0, 0, 0])));
    globals.extend(record(0x00E0, &words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    // The pattern stands in the highest six bits of the word before the colour.
    globals.extend(record(0x00E0, &words(&[1, 0, 0, 0, 0, 0, 0, 0, pattern << 10, behind])));
    let mut sheet = record(0x0809, &words(&[0x0600, 16, 0, 0]));
    let label = |row, text: &str| record(0x0204, &[words(&[row, 0, 0]), unicode(text)].concat());
    sheet.extend(label(0, "SĐT"));
    sheet.extend(record(0x0204, &[words(&[0, 1, 0]), unicode("Điểm")].concat()));
    sheet.extend([label(1, "0901234567"), number(1, 0, 1000.0), label(2, "0912345678")].concat());
    sheet.extend_from_slice(cell);
    sheet.extend(record(0x000A, &[]));
    let end = record(0x000A, &[]);
    let at = u32::try_from(globals.len() + 4 + 10 + end.len()).unwrap();
    globals.extend(record(0x0085, &[&at.to_le_bytes()[..], &[0, 0, 1, 1, b'S', 0]].concat()));
    compound("Workbook", &[globals, end, sheet].concat())
}

fn number(row: u16, look: u16, value: f64) -> Vec<u8> {
    record(0x0203, &[words(&[row, 1, look]), value.to_le_bytes().to_vec()].concat())
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
        let bytes = xls(&[], (height, colour), (pattern, behind), &number(2, 1, 500.0));
        assert_eq!(given(&bytes), expected, "{height} {colour} {pattern} {behind}");
    }
    assert!(PAID.starts_with(GOOD));
}

/// The numbers 10 and 11 of the palette, which are red and green where no workbook says otherwise.
#[test]
fn of_a_palette_of_an_xls() {
    let palette = |ninth: u32, tenth: u32, eleventh: u32| {
        let colour = |number| match number {
            9 => ninth,
            10 => tenth,
            11 => eleventh,
            _ => 0x10_1010,
        };
        let colours = (8..64).flat_map(|number| (colour(number) << 8).to_be_bytes());
        record(0x0092, &[words(&[56]), colours.collect()].concat())
    };
    let (white, grey) = (0xFF_FFFF, 0x20_2020);
    for (palette, colour, fill, expected) in [
        (palette(white, white, grey), 10, (0, 0), REFUSED),
        (palette(grey, grey, grey), 9, (0, 0), PAID),
        (palette(white, grey, grey), 10, (1, 11), REFUSED),
        (palette(white, grey, white), 10, (1, 11), PAID),
        (Vec::new(), 10, (1, 2), REFUSED),
        (Vec::new(), 10, (1, 11), PAID),
    ] {
        assert_eq!(given(&xls(&palette, (200, colour), fill, &number(2, 1, 500.0))), expected, "{colour} {fill:?}");
    }
}

#[test]
fn of_runs_of_an_xls() {
    let all = "2:0901234567=1000 3:0912345678=5000";
    for (colour, fill, expected) in [(9, (0, 0), REFUSED), (10, (0, 0), all), (9, (1, 18), all)] {
        // The look has the font too where the fill is not white, so that all of it can be read.
        let look = words(&[2, 1, u16::from(fill != (0, 0))]);
        // A text with one run: from its fourth character on, the second font.
        let text = [look, words(&[4]), vec![0x08], words(&[1]), b"5000".to_vec(), words(&[3, 1])].concat();
        assert_eq!(given(&xls(&[], (200, colour), fill, &record(0x0204, &text))), expected, "{colour} {fill:?}");
    }
}
