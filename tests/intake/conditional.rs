//! Formats that hold under a condition: what may hide a payee's cell, or show another number, is refused; what hides zeros,
//! blanks and errors, as most of them do, is not.

use crate::faint;
use crate::ods::ods;
use crate::rule::{file, read};
use topup::intake::IntakeOptions;

const REFUSED: &str = "2:0901234567=1000 3!NotAsShown";
const PAID: &str = "2:0901234567=1000 3:0912345678=500";

fn given(bytes: &[u8]) -> String {
    read(file(bytes).path(), &IntakeOptions::default())
}

/// A sheet with these conditional formats behind its rows.
fn book(around: &str) -> Vec<u8> {
    faint::book("", "", "", "<c r=\"B3\"><v>500</v></c>", around)
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
        assert_eq!(given(&book(&rule(areas, format))), expected, "{areas} {format}");
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
    assert_eq!(given(&book(&around(10_000))), REFUSED);
    assert_eq!(given(&book(&around((1 << 20) + 1))), "!NotASpreadsheet");
}

#[test]
fn of_a_conditional_format_that_hides() {
    let rule = |attributes: &str, within: &str| {
        format!(
            "<conditionalFormatting sqref=\"B3:B9\"><cfRule priority=\"1\" {attributes}>{within}</cfRule></conditionalFormatting>"
        )
    };
    for (attributes, within, expected) in [
        ("type=\"cellIs\" operator=\"equal\" dxfId=\"2\"", "<formula>500</formula>", REFUSED),
        ("type=\"cellIs\" operator=\"equal\" dxfId=\"3\"", "<formula>500</formula>", PAID),
        ("type=\"cellIs\" operator=\"equal\" dxfId=\"2\"", "<formula>0</formula>", PAID),
        ("type=\"cellIs\" operator=\"lessThan\" dxfId=\"2\"", "<formula>50</formula>", PAID),
        ("type=\"cellIs\" operator=\"lessThan\" dxfId=\"2\"", "<formula>1000</formula>", REFUSED),
        ("type=\"expression\" dxfId=\"2\"", "<formula>ISERROR($B3)</formula>", PAID),
        ("type=\"expression\" dxfId=\"2\"", "<formula>ISERROR(1/0)</formula>", REFUSED),
        ("type=\"expression\" dxfId=\"2\"", "<formula>B3=B2</formula>", REFUSED),
        ("type=\"containsErrors\" dxfId=\"2\"", "<formula>ISERROR(B3)</formula>", PAID),
        ("type=\"dataBar\"", "<dataBar showValue=\"0\"><color rgb=\"FFFFFFFF\"/></dataBar>", REFUSED),
        ("type=\"dataBar\"", "<dataBar><color rgb=\"FFFFFFFF\"/></dataBar>", PAID),
        ("type=\"iconSet\"", "<iconSet showValue=\"false\"/>", REFUSED),
        ("type=\"colorScale\"", "<colorScale><color rgb=\"FFFFFFFF\"/></colorScale>", PAID),
    ] {
        assert_eq!(given(&book(&rule(attributes, within))), expected, "{attributes} {within}");
    }
    let phones = rule("type=\"duplicateValues\" dxfId=\"2\"", "").replace("B3:B9", "A1:A9");
    assert_eq!(given(&book(&phones)), "2!NotAsShown 3!NotAsShown", "texts are hidden too");
}

/// As Excel 2010 and later keep them: the format within the rule, and the areas behind it.
#[test]
fn of_a_conditional_format_beside_the_sheet() {
    let x14 = |rule: &str| {
        format!(
            "<extLst><ext><x14:conditionalFormattings><x14:conditionalFormatting>{rule}<xm:sqref>D1 B3:B9</xm:sqref>\
             </x14:conditionalFormatting></x14:conditionalFormattings></ext></extLst>"
        )
    };
    let cell_is = |operand: &str, format: &str| {
        format!(
            "<x14:cfRule type=\"cellIs\" operator=\"equal\"><xm:f>{operand}</xm:f><x14:dxf>{format}</x14:dxf></x14:cfRule>"
        )
    };
    let white = "<font><color rgb=\"FFFFFFFF\"/></font>";
    for (rule, expected) in [
        (cell_is("500", "<numFmt numFmtId=\"200\" formatCode=\"0&quot;000&quot;\"/>"), REFUSED),
        (cell_is("500", "<numFmt numFmtId=\"200\" formatCode=\"#,##0\"/>"), PAID),
        (cell_is("500", white), REFUSED),
        (cell_is("0", white), PAID),
        ("<x14:cfRule type=\"dataBar\"><x14:dataBar showValue=\"0\"/></x14:cfRule>".to_owned(), REFUSED),
        (
            "<x14:cfRule type=\"dataBar\"><x14:dataBar><x14:color rgb=\"FFFFFFFF\"/></x14:dataBar></x14:cfRule>"
                .to_owned(),
            PAID,
        ),
    ] {
        assert_eq!(given(&book(&x14(&rule))), expected, "{rule}");
    }
}

#[test]
fn of_an_ods() {
    let styles = "<number:number-style style:name=\"N9\"><number:number number:min-integer-digits=\"1\"/><number:text>000</number:text>\
                  </number:number-style><style:style style:name=\"other\" style:family=\"table-cell\" style:data-style-name=\"N9\"/>\
                  <style:style style:name=\"white\" style:family=\"table-cell\"><style:text-properties fo:color=\"#ffffff\"/></style:style>\
                  <style:style style:name=\"bold\" style:family=\"table-cell\"><style:text-properties fo:font-weight=\"bold\"/></style:style>";
    let text = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let points = |points: u32, style: &str| {
        format!("<table:table-cell {style} office:value-type=\"float\" office:value=\"{points}\"/>")
    };
    let row = |cells: [String; 2]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let rows = |style: &str| {
        let good = row([text("0901234567"), points(1000, "")]);
        [row([text("SĐT"), text("Điểm")]), good, row([text("0912345678"), points(500, style)])].concat()
    };
    let behind = |within: &str| {
        format!(
            "<calcext:conditional-formats><calcext:conditional-format calcext:target-range-address=\"T.B3:T.B9\">{within}\
             </calcext:conditional-format></calcext:conditional-formats>"
        )
    };
    for (style, condition, expected) in [
        ("other", "=500", REFUSED),
        ("white", "=500", REFUSED),
        ("bold", "=500", PAID),
        ("white", "=0", PAID),
        ("white", "is-error", PAID),
        ("other", "formula-is([.A3]=1)", REFUSED),
    ] {
        let format = format!("<calcext:condition calcext:apply-style-name=\"{style}\" calcext:value=\"{condition}\"/>");
        let table = format!("<table:table table:name=\"T\">{}{}</table:table>", rows(""), behind(&format));
        assert_eq!(given(&ods(styles, &table)), expected, "{style} {condition}");
        let map =
            format!("<style:map style:condition=\"cell-content(){condition}\" style:apply-style-name=\"{style}\"/>");
        let mapped = format!("{styles}<style:style style:name=\"m\" style:family=\"table-cell\">{map}</style:style>");
        let table = format!("<table:table table:name=\"T\">{}</table:table>", rows("table:style-name=\"m\""));
        assert_eq!(given(&ods(&mapped, &table)), expected, "{style} {condition}, of a style");
    }
    for (within, expected) in [
        ("<calcext:icon-set calcext:icon-set-type=\"3Arrows\" calcext:show-value=\"false\"/>", REFUSED),
        ("<calcext:icon-set calcext:icon-set-type=\"3Arrows\"><calcext:formatting-entry/></calcext:icon-set>", PAID),
    ] {
        let table = format!("<table:table table:name=\"T\">{}{}</table:table>", rows(""), behind(within));
        assert_eq!(given(&ods(styles, &table)), expected, "{within}");
    }
}
