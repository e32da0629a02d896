//! Workbooks in the making, and the writers of them as XLSX, ODS and CSV.

use crate::styled::zipped;
use std::fmt::Write as _;

/// A cell, as the program that writes the sheet has it.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Blank,
    Text(String),
    Number(u64),
    /// A number under `#,##0`.
    Grouped(u64),
    /// A number under `0.000`.
    Thousandths(u64),
    /// A formula with its value.
    Computed(u64),
    /// A formula that nobody computed.
    NotComputed,
    /// A text in two runs, the first of them bold.
    Bold(String, String),
    /// A text in two runs, the first of them struck out.
    Struck(String, String),
}

pub(super) fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

/// Whether a person sees a row, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Shown,
    Hidden,
    Filtered,
}

/// A row of a sheet.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) cells: Vec<Cell>,
    pub(super) seen: Seen,
}

/// Cells of one merge, counted from 0: top, left, bottom, right.
pub(super) type Merge = [usize; 4];

/// A sheet.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) merges: Vec<Merge>,
    /// The first and the last row of a list in which a filter is set, counted from 0, the header among them.
    pub(super) filter: Option<(usize, usize)>,
}

impl Table {
    /// How many columns the widest row has.
    pub(super) fn width(&self) -> usize {
        self.lines.iter().map(|line| line.cells.len()).max().unwrap_or(0)
    }
}

fn letter(column: usize) -> char {
    char::from(b'A' + u8::try_from(column).unwrap())
}

fn xlsx_cell(at: &str, cell: &Cell) -> String {
    let inline = |inside: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is>{inside}</is></c>");
    let runs = |look: &str, head: &str, tail: &str| {
        inline(&format!("<r><rPr><{look}/></rPr><t>{head}</t></r><r><t>{tail}</t></r>"))
    };
    match cell {
        Cell::Blank => String::new(),
        Cell::Text(text) => inline(&format!("<t>{text}</t>")),
        Cell::Number(value) => format!("<c r=\"{at}\"><v>{value}</v></c>"),
        Cell::Grouped(value) => format!("<c r=\"{at}\" s=\"1\"><v>{value}</v></c>"),
        Cell::Thousandths(value) => format!("<c r=\"{at}\" s=\"2\"><v>{value}</v></c>"),
        Cell::Computed(value) => format!("<c r=\"{at}\"><f>{value}+0</f><v>{value}</v></c>"),
        Cell::NotComputed => format!("<c r=\"{at}\"><f>1+0</f><v></v></c>"),
        Cell::Bold(head, tail) => runs("b", head, tail),
        Cell::Struck(head, tail) => runs("strike", head, tail),
    }
}

fn xlsx_sheet(table: &Table) -> String {
    let mut data = String::new();
    for (at, line) in (1..).zip(&table.lines) {
        let hidden = if line.seen == Seen::Shown { "" } else { " hidden=\"1\"" };
        let cells = line.cells.iter().enumerate();
        let cells: String = cells.map(|(column, cell)| xlsx_cell(&format!("{}{at}", letter(column)), cell)).collect();
        write!(data, "<row r=\"{at}\"{hidden}>{cells}</row>").unwrap();
    }
    let filter = table.filter.map_or_else(String::new, |(top, bottom)| {
        let (last, top, bottom) = (letter(table.width() - 1), top + 1, bottom + 1);
        format!(
            "<autoFilter ref=\"A{top}:{last}{bottom}\"><filterColumn colId=\"0\"><filters><filter val=\"1\"/></filters>\
             </filterColumn></autoFilter>"
        )
    });
    let merge = |[top, left, bottom, right]: &Merge| {
        format!("<mergeCell ref=\"{}{}:{}{}\"/>", letter(*left), top + 1, letter(*right), bottom + 1)
    };
    let merges: String = table.merges.iter().map(merge).collect();
    let merges = if merges.is_empty() { merges } else { format!("<mergeCells>{merges}</mergeCells>") };
    format!("<worksheet {SHEET}><sheetData>{data}</sheetData>{filter}{merges}</worksheet>")
}

const SHEET: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

pub(super) fn xlsx(tables: &[Table]) -> Vec<u8> {
    let to = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>")
    };
    let list = |inside: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inside}</Relationships>"
        )
    };
    let (mut sheets, mut targets) = (String::new(), to(90, "styles", "styles.xml"));
    let mut parts = Vec::new();
    for (id, table) in (1..).zip(tables) {
        write!(sheets, "<sheet name=\"{}\" sheetId=\"{id}\" r:id=\"rId{id}\"/>", table.name).unwrap();
        targets.push_str(&to(id, "worksheet", &format!("worksheets/sheet{id}.xml")));
        parts.push((format!("xl/worksheets/sheet{id}.xml"), xlsx_sheet(table)));
    }
    let workbook = format!("<workbook {SHEET} xmlns:r=\"{RELATIONSHIPS}\"><sheets>{sheets}</sheets></workbook>");
    let styles = format!(
        "<styleSheet {SHEET}><numFmts><numFmt numFmtId=\"164\" formatCode=\"0.000\"/></numFmts><fonts><font/></fonts>\
         <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"3\" applyNumberFormat=\"1\"/><xf numFmtId=\"164\" \
         applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
    );
    parts.push(("_rels/.rels".to_owned(), list(&to(1, "officeDocument", "xl/workbook.xml"))));
    parts.push(("xl/workbook.xml".to_owned(), workbook));
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), list(&targets)));
    parts.push(("xl/styles.xml".to_owned(), styles));
    let parts: Vec<(&str, String)> = parts.iter().map(|(name, part)| (name.as_str(), part.clone())).collect();
    zipped(&parts)
}

/// A number in groups of three.
pub(super) fn grouped(number: u64, mark: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

/// A cell of an ODS: `span` are the attributes of its merge.
fn ods_cell(cell: &Cell, name: &str, span: &str) -> String {
    let string = |inside: &str| {
        format!("<table:{name}{span} office:value-type=\"string\"><text:p>{inside}</text:p></table:{name}>")
    };
    let float = |attributes: &str, value: u64, shown: &str| {
        format!(
            "<table:{name}{span}{attributes} office:value-type=\"float\" office:value=\"{value}\"><text:p>{shown}</text:p>\
             </table:{name}>"
        )
    };
    let runs = |look: &str, head: &str, tail: &str| {
        string(&format!("<text:span text:style-name=\"{look}\">{head}</text:span>{tail}"))
    };
    match cell {
        Cell::Blank => format!("<table:{name}{span}/>"),
        Cell::Text(text) => string(text),
        Cell::Number(value) => float("", *value, &value.to_string()),
        Cell::Grouped(value) => float(" table:style-name=\"grouped\"", *value, &grouped(*value, '.')),
        Cell::Thousandths(value) => float(" table:style-name=\"thousandths\"", *value, &format!("{value}.000")),
        Cell::Computed(value) => float(&format!(" table:formula=\"of:={value}+0\""), *value, &value.to_string()),
        Cell::NotComputed => format!("<table:{name}{span} table:formula=\"of:=1+0\"/>"),
        Cell::Bold(head, tail) => runs("bold", head, tail),
        Cell::Struck(head, tail) => runs("struck", head, tail),
    }
}

fn ods_table(table: &Table) -> String {
    let mut rows = String::new();
    for (at, line) in table.lines.iter().enumerate() {
        let visibility = match line.seen {
            Seen::Shown => "",
            Seen::Hidden => " table:visibility=\"collapse\"",
            Seen::Filtered => " table:visibility=\"filter\"",
        };
        let cell = |(column, cell): (usize, &Cell)| {
            let covers = |[top, left, bottom, right]: &&Merge| {
                (*top..=*bottom).contains(&at) && (*left..=*right).contains(&column)
            };
            match table.merges.iter().find(covers) {
                None => ods_cell(cell, "table-cell", ""),
                Some([top, left, bottom, right]) if (*top, *left) == (at, column) => {
                    let (down, across) = (bottom - top + 1, right - left + 1);
                    let span =
                        format!(" table:number-rows-spanned=\"{down}\" table:number-columns-spanned=\"{across}\"");
                    ods_cell(cell, "table-cell", &span)
                }
                Some(_) => ods_cell(cell, "covered-table-cell", ""),
            }
        };
        let cells: String = line.cells.iter().enumerate().map(cell).collect();
        write!(rows, "<table:table-row{visibility}>{cells}</table:table-row>").unwrap();
    }
    format!("<table:table table:name=\"{}\">{rows}</table:table>", table.name)
}

pub(super) fn ods(tables: &[Table]) -> Vec<u8> {
    let spaces = ["office", "table", "text", "style"]
        .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .concat();
    let number = |name: &str, attributes: &str| {
        format!(
            "<number:number-style style:name=\"N-{name}\"><number:number number:min-integer-digits=\"1\" {attributes}/>\
             </number:number-style><style:style style:name=\"{name}\" style:family=\"table-cell\" \
             style:data-style-name=\"N-{name}\"/>"
        )
    };
    let run = |name: &str, what: &str| {
        format!(
            "<style:style style:name=\"{name}\" style:family=\"text\"><style:text-properties {what}/></style:style>"
        )
    };
    let styles = [
        number("grouped", "number:decimal-places=\"0\" number:grouping=\"true\""),
        number("thousandths", "number:decimal-places=\"3\""),
        run("bold", "style:text-scale=\"100%\""),
        run("struck", "style:text-line-through-style=\"solid\""),
    ]
    .concat();
    let tables: String = tables.iter().map(ods_table).collect();
    let content = format!(
        "<office:document-content{spaces} xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\">\
         <office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet".to_owned()), ("content.xml", content)])
}

/// A sheet as CSV, where its cells are texts and plain numbers.
pub(super) fn csv(table: &Table) -> Vec<u8> {
    let cell = |cell: &Cell| match cell {
        Cell::Blank => String::new(),
        Cell::Text(text) => format!("\"{text}\""),
        Cell::Number(value) => value.to_string(),
        Cell::Grouped(_)
        | Cell::Thousandths(_)
        | Cell::Computed(_)
        | Cell::NotComputed
        | Cell::Bold(..)
        | Cell::Struck(..) => panic!("no cell of a CSV: {cell:?}"),
    };
    let lines = table.lines.iter().map(|line| line.cells.iter().map(cell).collect::<Vec<_>>().join(","));
    lines.map(|line| format!("{line}\r\n")).collect::<String>().into_bytes()
}
