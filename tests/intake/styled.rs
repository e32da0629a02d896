//! The same payout sheet in every style in which people and programs write one: what is paid is what a person sees.
//!
//! A generator writes rows whose cells are each styled in one of many ways, as XLSX and as ODS, and knows of each cell
//! what a person sees in it. A row whose cells show what they hold must be paid so, and any other must be refused: held
//! for some hundred sheets of random styles, and for every style by itself. The seed is printed; `STYLES_SEED` sets it.

use super::styled_ods::ods;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use topup::intake::{IntakeOptions, Item, open};

/// How a cell is styled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Style {
    Number,
    Text,
    Shared,
    Grouped,
    Currency,
    ZeroDecimals,
    Noise,
    Computed,
    Padded,
    Spaced,
    CountryCode,
    PlainRuns,
    ThreeDecimals,
    LiteralThousands,
    Scaled,
    Percent,
    Nothing,
    TextHidden,
    Conditional,
    Duration,
    Date,
    Struck,
    Raised,
    NotComputed,
    Failed,
    UnderMerge,
}

use Style::*;

const STYLES: [Style; 26] = [
    Number,
    Text,
    Shared,
    Grouped,
    Currency,
    ZeroDecimals,
    Noise,
    Computed,
    Padded,
    Spaced,
    CountryCode,
    PlainRuns,
    ThreeDecimals,
    LiteralThousands,
    Scaled,
    Percent,
    Nothing,
    TextHidden,
    Conditional,
    Duration,
    Date,
    Struck,
    Raised,
    NotComputed,
    Failed,
    UnderMerge,
];

impl Style {
    /// Whether a person sees the value in such a cell, as points or as a phone.
    fn shows(self, is_phone: bool) -> bool {
        match self {
            Number | Text | Shared | Computed | PlainRuns => true,
            // A phone with a currency or decimals is nobody's way to write one; it is not asked for.
            Grouped | Currency | ZeroDecimals | Noise => true,
            Padded | Spaced | CountryCode => is_phone,
            ThreeDecimals | LiteralThousands | Scaled | Percent | Nothing | TextHidden | Conditional | Duration
            | Date | Struck | Raised | NotComputed | Failed | UnderMerge => false,
        }
    }

    /// Whether the style is written for a column at all.
    fn fits(self, is_phone: bool) -> bool {
        match self {
            Grouped | Currency | ZeroDecimals | Noise => !is_phone,
            Padded | Spaced | CountryCode => is_phone,
            Number | Text | Shared | Computed | PlainRuns | ThreeDecimals | LiteralThousands | Scaled | Percent
            | Nothing | TextHidden | Conditional | Duration | Date | Struck | Raised | NotComputed | Failed
            | UnderMerge => true,
        }
    }

    /// The number format, where the style has one.
    fn format(self) -> Option<&'static str> {
        Some(match self {
            Grouped => "#,##0",
            Currency => "#,##0\\ \"₫\"",
            ZeroDecimals => "#,##0.00",
            Padded => "0000000000",
            Spaced => "0000\\ 000\\ 000",
            CountryCode => "\"+84\"#########",
            ThreeDecimals => "0.000",
            LiteralThousands => "0\".000\"",
            Scaled => "#,##0,",
            Percent => "0%",
            Nothing | TextHidden => ";;;",
            Conditional => "[>=50]0\"0\";0",
            Duration => "[h]:mm:ss",
            Date => "yyyy\\-mm\\-dd",
            Number | Text | Shared | Noise | Computed | PlainRuns | Struck | Raised | NotComputed | Failed
            | UnderMerge => return None,
        })
    }
}

/// A row: the styles of its phone and points, and what they hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) phone: u64,
    pub(super) points: u64,
    pub(super) styles: (Style, Style),
}

impl Row {
    fn is_seen(&self) -> bool {
        self.styles.0.shows(true) && self.styles.1.shows(false)
    }
}

fn row(number: u64, styles: (Style, Style)) -> Row {
    Row { phone: 901_000_000 + number * 7, points: 50 + number * 13, styles }
}

const SHEET: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Writes rows as an XLSX.
struct Xlsx {
    shared: Vec<String>,
    merges: Vec<String>,
}

impl Xlsx {
    /// One cell, at `A2`; `text` is the value as a text.
    fn cell(&mut self, at: &str, style: Style, value: u64, text: &str) -> String {
        let number = STYLES.iter().position(|other| *other == style).unwrap() + 1;
        let inline = |inside: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is>{inside}</is></c>");
        let half = text.len() / 2;
        let (head, tail) = text.split_at(half);
        match style {
            Text => inline(&format!("<t>{text}</t>")),
            TextHidden => format!("<c r=\"{at}\" s=\"{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
            Shared => {
                self.shared.push(format!("<t>{text}</t>"));
                format!("<c r=\"{at}\" t=\"s\"><v>{}</v></c>", self.shared.len() - 1)
            }
            PlainRuns => {
                self.shared.push(format!("<r><rPr><b/></rPr><t>{head}</t></r><r><t>{tail}</t></r>"));
                format!("<c r=\"{at}\" t=\"s\"><v>{}</v></c>", self.shared.len() - 1)
            }
            Struck => inline(&format!("<r><rPr><strike/></rPr><t>{head}</t></r><r><t>{tail}</t></r>")),
            Raised => {
                self.shared.push(format!(
                    "<r><t>{head}</t></r><r><rPr><vertAlign val=\"superscript\"/></rPr><t>{tail}</t></r>"
                ));
                format!("<c r=\"{at}\" t=\"s\"><v>{}</v></c>", self.shared.len() - 1)
            }
            Noise => format!("<c r=\"{at}\"><v>{value}.{}1</v></c>", "0".repeat(15 - value.to_string().len())),
            Computed => format!("<c r=\"{at}\"><f>{value}+0</f><v>{value}</v></c>"),
            NotComputed => format!("<c r=\"{at}\"><f>{value}+0</f><v></v></c>"),
            Failed => format!("<c r=\"{at}\" t=\"e\"><f>X1</f><v>#CALC!</v></c>"),
            UnderMerge => {
                let (column, row) = at.split_at(1);
                let above = row.parse::<u32>().unwrap() - 1;
                self.merges.push(format!("<mergeCell ref=\"{column}{above}:{column}{row}\"/>"));
                format!("<c r=\"{at}\"><v>{value}</v></c>")
            }
            Number | Grouped | Currency | ZeroDecimals | Padded | Spaced | CountryCode | ThreeDecimals
            | LiteralThousands | Scaled | Percent | Nothing | Conditional | Duration | Date => {
                let s = if style.format().is_some() { number } else { 0 };
                format!("<c r=\"{at}\" s=\"{s}\"><v>{value}</v></c>")
            }
        }
    }

    fn write(rows: &[Row]) -> Vec<u8> {
        let mut xlsx = Self { shared: Vec::new(), merges: Vec::new() };
        let mut data = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>SĐT</t></is></c><c r=\"B1\" t=\"inlineStr\">\
                        <is><t>Số điểm</t></is></c></row>"
            .to_owned();
        for (at, row) in (2..).zip(rows) {
            let phone = xlsx.cell(&format!("A{at}"), row.styles.0, row.phone, &format!("0{}", row.phone));
            let points = xlsx.cell(&format!("B{at}"), row.styles.1, row.points, &row.points.to_string());
            write!(data, "<row r=\"{at}\">{phone}{points}</row>").unwrap();
        }
        let merges = xlsx.merges.concat();
        let merges = if merges.is_empty() { merges } else { format!("<mergeCells>{merges}</mergeCells>") };
        let (mut formats, mut cells) = (String::new(), "<xf numFmtId=\"0\" fontId=\"0\"/>".to_owned());
        for (at, style) in STYLES.iter().enumerate() {
            let Some(code) = style.format() else {
                cells.push_str("<xf numFmtId=\"0\" fontId=\"0\"/>");
                continue;
            };
            let (id, code) = (200 + at, code.replace('&', "&amp;").replace('"', "&quot;").replace('>', "&gt;"));
            write!(formats, "<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>").unwrap();
            write!(cells, "<xf numFmtId=\"{id}\" fontId=\"0\" applyNumberFormat=\"1\"/>").unwrap();
        }
        let shared: String = xlsx.shared.iter().map(|text| format!("<si>{text}</si>")).collect();
        let to = |id: &str, kind: &str, target: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>")
        };
        let list = |inside: &str| {
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inside}</Relationships>"
            )
        };
        zipped(&[
            ("_rels/.rels", list(&to("rId1", "officeDocument", "xl/workbook.xml"))),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook {SHEET} xmlns:r=\"{RELATIONSHIPS}\"><sheets><sheet name=\"S\" sheetId=\"1\" \
                     r:id=\"rId1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                list(&format!(
                    "{}{}{}",
                    to("rId1", "worksheet", "worksheets/sheet1.xml"),
                    to("rId2", "styles", "styles.xml"),
                    to("rId3", "sharedStrings", "sharedStrings.xml")
                )),
            ),
            (
                "xl/styles.xml",
                format!(
                    "<styleSheet {SHEET}><numFmts>{formats}</numFmts><fonts><font/></fonts>\
                     <cellXfs>{cells}</cellXfs></styleSheet>"
                ),
            ),
            ("xl/sharedStrings.xml", format!("<sst {SHEET}>{shared}</sst>")),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet {SHEET}><sheetData>{data}</sheetData>{merges}</worksheet>"),
            ),
        ])
    }
}

pub(super) fn zipped(parts: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What each row of a file gave: the phone and the points that would be paid, or nothing where it is refused.
fn read(bytes: &[u8]) -> BTreeMap<u64, Option<(String, u32)>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
    let mut given = BTreeMap::new();
    while let Some(item) = intake.next().unwrap() {
        match item {
            Item::Row(row, _) => {
                given.insert(row.row, Some((row.member.key().as_str().to_owned(), row.points.value())));
            }
            Item::Problems(problems) => {
                given.insert(problems[0].row.unwrap(), None);
            }
        }
    }
    given
}

/// Holds what a file gave against what the generator knows that a person sees.
fn hold(format: &str, bytes: &[u8], rows: &[Row]) {
    let given = read(bytes);
    for (at, row) in (2_u64..).zip(rows) {
        // The cells of a row above lie under no merge, but a merge that begins in it leaves it as it is.
        let paid = (format!("0{}", row.phone), u32::try_from(row.points).unwrap());
        let expected = row.is_seen().then_some(paid);
        let found = given.get(&at).unwrap_or_else(|| panic!("{format}: row {at} vanished: {row:?}"));
        assert_eq!(*found, expected, "{format}, row {at}: {row:?}");
    }
    assert_eq!(given.len(), rows.len(), "{format}");
}

#[test]
fn every_style_by_itself() {
    let phones = STYLES.into_iter().filter(|style| style.fits(true)).map(|style| (style, Text));
    let points = STYLES.into_iter().filter(|style| style.fits(false)).map(|style| (Text, style));
    let rows: Vec<Row> = (1..).zip(phones.chain(points)).map(|(number, styles)| row(number, styles)).collect();
    hold("xlsx", &Xlsx::write(&rows), &rows);
    hold("ods", &ods(&rows), &rows);
}

#[test]
fn sheets_of_random_styles() {
    let seed = std::env::var("STYLES_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("STYLES_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..150 {
        let mut style = |is_phone: bool| loop {
            let style = *random.choice(&STYLES).unwrap();
            // Most cells of real sheets are plain.
            let style = if random.bool() { [Number, Text][random.usize(0..2)] } else { style };
            if style.fits(is_phone) {
                return style;
            }
        };
        let rows: Vec<Row> = (1..40).map(|number| row(number, (style(true), style(false)))).collect();
        hold("xlsx", &Xlsx::write(&rows), &rows);
        hold("ods", &ods(&rows), &rows);
    }
}
