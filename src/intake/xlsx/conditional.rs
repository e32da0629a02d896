//! Reads the conditional formats of a worksheet, as far as they may hide what a cell holds or show a number as another one:
//! those of the sheet itself, and those that Excel 2010 and later keep beside it (x14), with their areas behind the rules.

use super::super::conditional::{Change, spares_payees};
use super::super::number_format::NumberFormat;
use super::super::problem::IntakeError;
use super::super::sheet::{Merge, ROWS_MAX};
use super::colour::{colour, is_white};
use super::package::{Xml, attribute, damaged, is_true};
use super::place::area;
use super::styles::Styles;
use quick_xml::events::BytesStart;
use std::io::Read;

/// The most areas of conditional formats.
const AREAS_MAX: usize = 1 << 20;

/// The conditional formats of a worksheet.
#[derive(Debug, Default)]
pub(super) struct Conditional {
    /// Where numbers may show as others, and where nothing may be readable.
    pub(super) changed: Vec<Merge>,
    pub(super) hidden: Vec<Merge>,
    /// The format that began last: its areas, its first cell, and what its rules do.
    areas: Vec<Merge>,
    first: String,
    change: Change,
    rule: Rule,
    /// Memory that is used again for each text.
    text: String,
    buffer: Vec<u8>,
}

/// The rule that began last: what it does where it holds, and whether that is never a payee's cell.
#[derive(Debug, Default)]
struct Rule {
    kind: String,
    operator: &'static str,
    change: Change,
    spares: bool,
}

impl Conditional {
    /// A conditional format begins.
    pub(super) fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), IntakeError> {
        let areas = attribute(element, "sqref")?.unwrap_or_default();
        (self.areas, self.change) = (Vec::new(), Change::default());
        self.note_areas(&areas);
        Ok(())
    }

    fn note_areas(&mut self, areas: &str) {
        let whole_columns = |columns: &str| {
            let (left, right) = columns.split_once(':')?;
            area(&format!("{left}1:{right}{ROWS_MAX}"))
        };
        let first = areas.split([':', ' ']).next().unwrap_or_default();
        first.clone_into(&mut self.first);
        let areas = areas.split_ascii_whitespace().filter_map(|place| area(place).or_else(|| whole_columns(place)));
        self.areas.extend(areas.map(|(top, left, bottom, right)| Merge { top, left, bottom, right }));
    }

    /// An element within it begins.
    pub(super) fn element<R: Read>(
        &mut self,
        element: &BytesStart<'_>,
        xml: &mut Xml<R>,
        styles: &Styles,
    ) -> Result<(), IntakeError> {
        match element.local_name().as_ref() {
            "cfRule" => self.rule(element, styles)?,
            "formula" | "f" => {
                self.read_text(xml)?;
                let formula = self.text.trim();
                self.rule.spares |= match self.rule.kind.as_str() {
                    "cellIs" => spares_payees(self.rule.operator, formula),
                    "expression" => is_of_errors(formula, &self.first),
                    _ => false,
                };
            }
            "sqref" => {
                self.read_text(xml)?;
                let areas = std::mem::take(&mut self.text);
                self.note_areas(&areas);
            }
            "numFmt" => {
                let code = attribute(element, "formatCode")?.unwrap_or_default();
                self.rule.change.numbers |= !NumberFormat::parse(&code).shows_whole_numbers();
            }
            // Of a font: a bar's colour is not one of this kind of rule.
            "color" if matches!(self.rule.kind.as_str(), "cellIs" | "expression") => {
                self.rule.change.hides |= colour(element)?.as_deref().is_some_and(is_white);
            }
            "dataBar" | "iconSet" => {
                let shows = attribute(element, "showValue")?;
                self.rule.change.hides |= shows.is_some_and(|shows| !is_true(Some(&shows)));
            }
            _ => {}
        }
        Ok(())
    }

    fn read_text<R: Read>(&mut self, xml: &mut Xml<R>) -> Result<(), IntakeError> {
        self.text.clear();
        xml.text(&mut self.buffer, &mut self.text)
    }

    fn rule(&mut self, element: &BytesStart<'_>, styles: &Styles) -> Result<(), IntakeError> {
        let format = attribute(element, "dxfId")?.and_then(|number| number.trim().parse().ok());
        let kind = attribute(element, "type")?.unwrap_or_default().into_owned();
        let operator = match attribute(element, "operator")?.as_deref() {
            Some("equal") => "=",
            Some("lessThan") => "<",
            Some("lessThanOrEqual") => "<=",
            Some(_) | None => "",
        };
        let spares = matches!(kind.as_str(), "containsErrors" | "containsBlanks");
        let change = format.map(|format| styles.change(format)).unwrap_or_default();
        self.rule = Rule { kind, operator, change, spares };
        Ok(())
    }

    /// The rule that began last ends: what it may do to a number, it may do to each of its cells.
    pub(super) fn end_rule(&mut self) {
        let Rule { change, spares, .. } = std::mem::take(&mut self.rule);
        if !spares {
            self.change.numbers |= change.numbers;
            self.change.hides |= change.hides;
        }
    }

    /// The format that began last ends.
    pub(super) fn end(&mut self) -> Result<(), IntakeError> {
        if self.change.hides {
            self.hidden.append(&mut self.areas);
        } else if self.change.numbers {
            self.changed.append(&mut self.areas);
        }
        if self.changed.len() + self.hidden.len() > AREAS_MAX {
            return Err(damaged("more than 1,048,576 areas of conditional formats"));
        }
        Ok(())
    }
}

/// `ISERROR(B2)` and its like, of the cell itself.
fn is_of_errors(formula: &str, first: &str) -> bool {
    let of = ["ISERROR", "ISERR", "ISNA", "ISBLANK"].into_iter().find_map(|name| formula.strip_prefix(name));
    let cell = of.and_then(|of| of.strip_prefix('(')?.strip_suffix(')'));
    cell.is_some_and(|cell| !first.is_empty() && cell.replace('$', "") == first)
}
