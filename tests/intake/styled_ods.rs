//! Writes rows of styled cells as an ODS: what a cell holds is in its attributes, and what a person sees in its paragraph.

use super::styled::Style::*;
use super::styled::{Row, Style, zipped};
use std::fmt::Write as _;

/// A number in groups of three, as a Vietnamese program shows it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() + 2) % 3 + 1;
    let (head, tail) = digits.split_at(first);
    let groups: Vec<&str> = (0..tail.len()).step_by(3).map(|at| &tail[at..at + 3]).collect();
    if groups.is_empty() { head.to_owned() } else { format!("{head}.{}", groups.join(".")) }
}

/// One cell of an ODS: what it holds is in its attributes, and what a person sees in its paragraph.
fn ods_cell(style: Style, value: u64, text: &str) -> String {
    let float = |shown: &str| {
        format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{value}\"><text:p>{shown}</text:p>\
             </table:table-cell>"
        )
    };
    let string = |inside: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{inside}</text:p></table:table-cell>")
    };
    let (head, tail) = text.split_at(text.len() / 2);
    match style {
        Number => float(&value.to_string()),
        Text | Shared => string(text),
        Grouped => float(&grouped(value)),
        Currency => float(&format!("{} ₫", grouped(value))),
        ZeroDecimals => float(&format!("{value}.00")),
        Noise => {
            let noise = "0".repeat(15 - value.to_string().len());
            format!(
                "<table:table-cell office:value-type=\"float\" office:value=\"{value}.{noise}1\"><text:p>{value}</text:p>\
                 </table:table-cell>"
            )
        }
        Computed => format!(
            "<table:table-cell table:formula=\"of:={value}+0\" office:value-type=\"float\" office:value=\"{value}\">\
             <text:p>{value}</text:p></table:table-cell>"
        ),
        Padded => float(&format!("{value:010}")),
        Spaced => {
            let digits = format!("{value:010}");
            float(&format!("{} {} {}", &digits[..4], &digits[4..7], &digits[7..]))
        }
        CountryCode => float(&format!("+84{value}")),
        PlainRuns => string(&format!("<text:span text:style-name=\"bold\">{head}</text:span>{tail}")),
        ThreeDecimals | LiteralThousands => float(&format!("{value}.000")),
        Scaled => float(&grouped(value / 1000)),
        Percent => format!(
            "<table:table-cell office:value-type=\"percentage\" office:value=\"{value}\"><text:p>{value}00%</text:p>\
             </table:table-cell>"
        ),
        Nothing => format!(
            "<table:table-cell table:style-name=\"nothing\" office:value-type=\"float\" office:value=\"{value}\">\
             <text:p/></table:table-cell>"
        ),
        TextHidden => format!(
            "<table:table-cell table:style-name=\"no-text\" office:value-type=\"string\" \
             office:string-value=\"{text}\"><text:p/></table:table-cell>"
        ),
        Conditional => float(&format!("{value}0")),
        Duration => format!(
            "<table:table-cell office:value-type=\"time\" office:time-value=\"PT{}H00M00S\"><text:p>{}:00:00</text:p>\
             </table:table-cell>",
            value * 24,
            value * 24
        ),
        Date => "<table:table-cell office:value-type=\"date\" office:date-value=\"2026-11-25\"><text:p>25/11/2026\
                 </text:p></table:table-cell>"
            .to_owned(),
        Struck => string(&format!("<text:span text:style-name=\"struck\">{head}</text:span>{tail}")),
        Raised => string(&format!("{head}<text:span text:style-name=\"raised\">{tail}</text:span>")),
        NotComputed => format!("<table:table-cell table:formula=\"of:={value}+0\"/>"),
        Failed => "<table:table-cell table:formula=\"of:=1/0\" office:value-type=\"string\" office:string-value=\"\" \
                   calcext:value-type=\"error\"><text:p>#DIV/0!</text:p></table:table-cell>"
            .to_owned(),
        UnderMerge => format!(
            "<table:covered-table-cell office:value-type=\"float\" office:value=\"{value}\"><text:p>{value}</text:p>\
             </table:covered-table-cell>"
        ),
    }
}

pub(super) fn ods(rows: &[Row]) -> Vec<u8> {
    let mut table = format!("<table:table-row>{}{}</table:table-row>", ods_text("SĐT"), ods_text("Số điểm"));
    for row in rows {
        let phone = ods_cell(row.styles.0, row.phone, &format!("0{}", row.phone));
        let points = ods_cell(row.styles.1, row.points, &row.points.to_string());
        write!(table, "<table:table-row>{phone}{points}</table:table-row>").unwrap();
    }
    let space = |name: &str| format!("xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\"");
    let spaces = format!(
        "{} {} {} {} xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\" xmlns:calcext=\"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0\"",
        space("office"),
        space("table"),
        space("text"),
        space("style")
    );
    let style = |name: &str, what: &str| {
        format!(
            "<style:style style:name=\"{name}\" style:family=\"text\"><style:text-properties {what}/></style:style>"
        )
    };
    let cell = |name: &str, format: &str| {
        format!("<style:style style:name=\"{name}\" style:family=\"table-cell\" style:data-style-name=\"{format}\"/>")
    };
    let styles = [
        "<number:number-style style:name=\"N1\"><number:text></number:text></number:number-style>".to_owned(),
        "<number:text-style style:name=\"N2\"><number:text></number:text></number:text-style>".to_owned(),
        cell("nothing", "N1"),
        cell("no-text", "N2"),
        style("bold", "style:text-scale=\"100%\""),
        style("struck", "style:text-line-through-style=\"solid\""),
        style("raised", "style:text-position=\"super 58%\""),
    ]
    .concat();
    zipped(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet".to_owned()),
        (
            "content.xml",
            format!(
                "<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>\
                 <office:body><office:spreadsheet><table:table table:name=\"S\">{table}</table:table>\
                 </office:spreadsheet></office:body></office:document-content>"
            ),
        ),
    ])
}

fn ods_text(text: &str) -> String {
    format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
}
