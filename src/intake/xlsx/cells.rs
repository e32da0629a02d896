//! Reads the part of one worksheet of an XLSX in a single pass: cells, formats, formulas, what is hidden, merged, filtered.
//!
//! Not calamine, which gives values alone: it stops a value at a reference or comment, calls a new error value damage,
//! and says nothing of formats, runs, merges and hidden rows, so that all of it would be read a second time, by
//! something that may disagree with it on which cell is which.

use super::super::problem::IntakeError;
use super::super::record::{CellKind, Oddity};
use super::super::sheet::Sheet;
use super::around::{Around, rows_below_header};
use super::package::{Xml, attribute, damaged, local};
use super::place::place;
use super::strings::{RichText, Strings, unescaped};
use super::styles::{Style, Styles};
use quick_xml::events::{BytesStart, Event};
use std::io::Read;

/// What the cells of all sheets speak of.
pub(super) struct Book<'b> {
    pub(super) strings: &'b Strings,
    pub(super) styles: &'b Styles,
    pub(super) counts_from_1904: bool,
}

/// Where in the part we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Sheet,
    Columns,
    Data,
    Filter(Option<(u32, u32)>),
    Conditional,
}

/// What a cell holds, as its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Shared,
    Inline,
    Text,
    Bool,
    Error,
    IsoDate,
}

/// A worksheet being read.
pub(super) struct Cells<'b, R: Read> {
    xml: Xml<R>,
    book: Book<'b>,
    buffer: Vec<u8>,
    value: String,
    rich: RichText,
    /// The row and the column that come next where a row or cell does not say, from 0.
    row: u32,
    column: u32,
}

/// The tag of a cell.
struct Tag {
    kind: Type,
    style: Style,
}

/// The element of a cell that began last.
enum Inside {
    Value,
    Formula,
    Inline,
    Other,
    Closed,
    Nothing,
}

impl<'b, R: Read> Cells<'b, R> {
    pub(super) fn new(xml: Xml<R>, book: Book<'b>) -> Self {
        Self { xml, book, buffer: Vec::new(), value: String::new(), rich: RichText::default(), row: 0, column: 0 }
    }

    /// Reads the cells into a sheet, up to a row.
    pub(super) fn read(&mut self, sheet: &mut Sheet, rows_max: u32) -> Result<Around, IntakeError> {
        let (mut around, mut within) = (Around::default(), Within::Sheet);
        let mut buffer = std::mem::take(&mut self.buffer);
        let (mut next_row, mut skipped) = (0, Vec::new());
        while let Some(event) = self.xml.next(&mut buffer)? {
            let Event::Start(element) = &event else {
                if let Event::End(end) = &event {
                    within = match (within, local(end.name())) {
                        (_, "cols" | "sheetData" | "autoFilter") => Within::Sheet,
                        (Within::Conditional, "cfRule") => {
                            around.conditional.end_rule();
                            within
                        }
                        (Within::Conditional, "conditionalFormatting") => {
                            around.conditional.end()?;
                            Within::Sheet
                        }
                        _ => within,
                    };
                }
                continue;
            };
            match (within, local(element.name())) {
                (Within::Data, "c") => self.cell(element, sheet)?,
                (Within::Data, "row") => {
                    self.row = row_number(element)?.unwrap_or(next_row);
                    (self.column, next_row) = (0, self.row.saturating_add(1));
                    if self.row >= rows_max {
                        return Ok(around);
                    }
                    around.row(element, self.row)?;
                }
                (Within::Sheet, "sheetFormatPr") => around.defaults(element)?,
                (Within::Sheet, "cols") => within = Within::Columns,
                (Within::Sheet, "sheetData") => within = Within::Data,
                (Within::Columns, "col") => around.columns(element)?,
                (Within::Sheet, "autoFilter") => within = Within::Filter(rows_below_header(element)?),
                (Within::Filter(Some(rows)), "filterColumn") => around.filter(rows),
                (Within::Sheet, "mergeCell") => around.merge(element)?,
                (Within::Sheet, "conditionalFormatting") => {
                    around.conditional.begin(element)?;
                    within = Within::Conditional;
                }
                (Within::Conditional, _) => {
                    around.conditional.element(element, &mut self.xml, self.book.styles)?;
                }
                // Views that others keep have filters of their own.
                (Within::Sheet, "customSheetViews") => self.xml.skip(&mut skipped)?,
                _ => {}
            }
        }
        Ok(around)
    }

    fn cell(&mut self, element: &BytesStart<'_>, sheet: &mut Sheet) -> Result<(), IntakeError> {
        let tag = self.tag(element)?;
        let (row, column) = (self.row, self.column);
        self.column = column.saturating_add(1);
        self.value.clear();
        self.rich.text.clear();
        let (mut formula, mut has_value, mut has_inline) = (false, false, false);
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            let inside = match self.xml.next(&mut buffer)? {
                Some(Event::Start(element)) => match local(element.name()) {
                    "v" => Inside::Value,
                    "f" => Inside::Formula,
                    "is" => Inside::Inline,
                    _ => Inside::Other,
                },
                Some(Event::End(_)) | None => Inside::Closed,
                Some(_) => Inside::Nothing,
            };
            match inside {
                Inside::Value => {
                    has_value = true;
                    self.xml.text(&mut buffer, &mut self.value)?;
                }
                Inside::Formula => {
                    formula = true;
                    self.xml.skip(&mut buffer)?;
                }
                Inside::Inline => {
                    has_inline = true;
                    self.rich.read(&mut self.xml, &mut buffer)?;
                }
                Inside::Other => self.xml.skip(&mut buffer)?,
                Inside::Closed => break,
                Inside::Nothing => {}
            }
        }
        self.buffer = buffer;
        // A text beside its cell's type, as some programs write it, is what the cell holds.
        let is_inline = has_inline && self.value.trim().is_empty();
        let tag = match tag.kind {
            Type::Inline if !has_inline => Tag { kind: Type::Text, ..tag },
            Type::Number | Type::Shared | Type::Text if is_inline => Tag { kind: Type::Inline, ..tag },
            Type::Number | Type::Shared | Type::Inline | Type::Text | Type::Bool | Type::Error | Type::IsoDate => tag,
        };
        let kind = CellKind { formula, struck: tag.style.struck, faint: tag.style.faint, ..CellKind::default() };
        // A text that is empty was computed; nothing at all was not.
        let is_computed = || !self.value.trim().is_empty() || has_inline || (has_value && tag.kind == Type::Text);
        if formula && !is_computed() {
            return sheet.push(row, column, "", CellKind { oddity: Some(Oddity::NotComputed), ..kind });
        }
        self.put(sheet, (row, column), tag, kind)
    }

    /// Takes the place, the type and the style of a cell.
    fn tag(&mut self, element: &BytesStart<'_>) -> Result<Tag, IntakeError> {
        let (mut kind, mut style) = (Type::Number, 0);
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| damaged("an attribute that is no XML"))?;
            let value = attribute.value.as_ref();
            match attribute.key.into_inner() {
                "r" => {
                    let place = place(value).ok_or_else(|| damaged(format_args!("a cell «{value}»")))?;
                    if place.0 != self.row {
                        return Err(damaged(format_args!("the cell {value} in row {}", self.row + 1)));
                    }
                    self.column = place.1;
                }
                "s" => style = value.trim().parse().unwrap_or(0),
                "t" => {
                    kind = match value {
                        "n" => Type::Number,
                        "s" => Type::Shared,
                        "inlineStr" => Type::Inline,
                        "str" => Type::Text,
                        "b" => Type::Bool,
                        "e" => Type::Error,
                        "d" => Type::IsoDate,
                        _ => return Err(damaged(format_args!("a cell of the type «{value}»"))),
                    }
                }
                _ => {}
            }
        }
        Ok(Tag { kind, style: self.book.styles.get(style) })
    }

    fn put(&self, sheet: &mut Sheet, at: (u32, u32), tag: Tag, kind: CellKind) -> Result<(), IntakeError> {
        let value = self.value.trim();
        let (row, column) = at;
        match tag.kind {
            Type::Number if value.is_empty() => Ok(()),
            Type::Number => self.put_number(sheet, at, tag.style, kind),
            Type::Shared if value.is_empty() => Ok(()),
            Type::Shared => {
                let number: usize = value.parse().map_err(|_| damaged("a shared text that is no number"))?;
                let strings = self.book.strings;
                let text = strings.get(number).ok_or_else(|| damaged("a shared text that it does not have"))?;
                let odd = strings.odd(number);
                let is_rich = kind.struck && strings.is_rich(number);
                put_text(self.book.styles, sheet, at, (text, odd, is_rich), (tag.style, kind))
            }
            Type::Inline => {
                let odd = self.rich.oddity.map(|oddity| (oddity, self.rich.seen.as_str()));
                let is_rich = kind.struck && self.rich.is_rich;
                put_text(self.book.styles, sheet, at, (&self.rich.text, odd, is_rich), (tag.style, kind))
            }
            Type::Text => {
                let text = unescaped(&self.value);
                put_text(self.book.styles, sheet, at, (&text, None, false), (tag.style, kind))
            }
            Type::Bool => {
                let text = match value {
                    "0" | "false" => "FALSE",
                    "1" | "true" => "TRUE",
                    other => other,
                };
                sheet.push(row, column, text, kind)
            }
            Type::Error => sheet.push(row, column, value, CellKind { oddity: Some(Oddity::Error), ..kind }),
            Type::IsoDate => sheet.push(row, column, value, CellKind { oddity: Some(Oddity::Date), ..kind }),
        }
    }

    fn put_number(
        &self,
        sheet: &mut Sheet,
        (row, column): (u32, u32),
        style: Style,
        kind: CellKind,
    ) -> Result<(), IntakeError> {
        let text = self.value.trim();
        let is_whole = text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let kind = CellKind { number: true, ..kind };
        if is_whole && style.whole_as_is {
            return sheet.push(row, column, text, kind);
        }
        let begins = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        let Some(number) = text.parse::<f64>().ok().filter(|number| begins && number.is_finite()) else {
            // No number after all: what stands there is a text.
            return sheet.push(row, column, text, CellKind { number: false, ..kind });
        };
        let format = self.book.styles.format(style);
        sheet.push_number((row, column), number, format, kind, self.book.counts_from_1904)
    }
}

/// Adds a text with what a person sees of it: runs, and the number format, which may hide or change a text too.
fn put_text(
    styles: &Styles,
    sheet: &mut Sheet,
    (row, column): (u32, u32),
    (text, odd, is_partly_struck): (&str, Option<(Oddity, &str)>, bool),
    (style, kind): (Style, CellKind),
) -> Result<(), IntakeError> {
    let odd_kind = |oddity| CellKind { oddity: Some(oddity), ..kind };
    // White runs can be read on another ground.
    if let Some((oddity, seen)) = odd.filter(|(oddity, _)| *oddity != Oddity::Faint || !style.on_colour) {
        return sheet.push_seen(row, column, (text, seen), odd_kind(oddity));
    }
    if is_partly_struck {
        return sheet.push(row, column, text, odd_kind(Oddity::Struck));
    }
    sheet.push_text((row, column), text, styles.format(style), kind)
}

/// The number of a row, from 0, where it has one.
fn row_number(element: &BytesStart<'_>) -> Result<Option<u32>, IntakeError> {
    let Some(number) = attribute(element, "r")? else { return Ok(None) };
    let row = number.trim().parse::<u32>().ok().and_then(|row| row.checked_sub(1));
    row.map(Some).ok_or_else(|| damaged(format_args!("a row «{number}»")))
}
