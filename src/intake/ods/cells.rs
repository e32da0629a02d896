//! Reads the cells of one row of an ODS: their values, their texts, and what a person sees of them.

use super::super::archive::{damaged, unreadable};
use super::super::oddity::Oddity;
use super::super::problem::IntakeError;
use super::super::record::CellKind;
use super::super::sheet::{Merge, Sheet};
use super::shown::{Shown, judged};
use super::skip;
use super::styles::{Appearance, Family, Styles};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::HashMap;
use std::io::BufRead;
use std::ops::Range;
use std::rc::Rc;

/// The most merges of a table.
const MERGES_MAX: usize = 1 << 20;

/// What a cell says it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Nothing is said, as odfpy writes it: the text counts.
    #[default]
    None,
    Number,
    Percentage,
    Date,
    Time,
    Boolean,
    Text,
}

/// A cell as its element says, before its text is read.
#[derive(Debug, Default)]
pub(super) struct OdsCell {
    pub(super) repeats: u32,
    pub(super) style: Option<String>,
    pub(super) value_type: ValueType,
    number: Option<String>,
    date: Option<String>,
    time: Option<String>,
    boolean: Option<String>,
    string: Option<String>,
    pub(super) formula: bool,
    pub(super) is_error: bool,
    is_covered: bool,
    /// Over how many columns and rows it reaches.
    spans: (u32, u32),
}

impl OdsCell {
    /// Reads the attributes.
    pub(super) fn new(element: &BytesStart<'_>) -> Result<Self, IntakeError> {
        let mut cell = Self { repeats: 1, spans: (1, 1), ..Self::default() };
        cell.is_covered = element.name().as_ref() == "table:covered-table-cell";
        for attribute in element.attributes() {
            let attribute = attribute.map_err(unreadable)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(unreadable)?;
            match attribute.key.as_ref() {
                "table:number-columns-repeated" => cell.repeats = count(&value)?,
                "table:number-columns-spanned" => cell.spans.0 = count(&value)?,
                "table:number-rows-spanned" => cell.spans.1 = count(&value)?,
                "table:style-name" => cell.style = Some(value.into_owned()),
                "table:formula" => cell.formula = !value.is_empty(),
                "calcext:value-type" => cell.is_error = value == "error",
                "office:value-type" => {
                    cell.value_type = match value.as_ref() {
                        "float" | "currency" => ValueType::Number,
                        "percentage" => ValueType::Percentage,
                        "date" => ValueType::Date,
                        "time" => ValueType::Time,
                        "boolean" => ValueType::Boolean,
                        "string" => ValueType::Text,
                        _ => ValueType::None,
                    };
                }
                "office:value" => cell.number = Some(value.into_owned()),
                "office:date-value" => cell.date = Some(value.into_owned()),
                "office:time-value" => cell.time = Some(value.into_owned()),
                "office:boolean-value" => cell.boolean = Some(value.into_owned()),
                "office:string-value" => cell.string = Some(value.into_owned()),
                _ => {}
            }
        }
        if cell.value_type == ValueType::None {
            cell.value_type = cell.implied();
        }
        Ok(cell)
    }

    /// The type of a cell that has a value and does not say of which type it is.
    fn implied(&self) -> ValueType {
        match (&self.number, &self.date, &self.time, &self.boolean, &self.string) {
            (Some(_), ..) => ValueType::Number,
            (None, Some(_), ..) => ValueType::Date,
            (None, None, Some(_), ..) => ValueType::Time,
            (None, None, None, Some(_), _) => ValueType::Boolean,
            (None, None, None, None, Some(_)) => ValueType::Text,
            (None, None, None, None, None) => ValueType::None,
        }
    }

    /// The value that fits the type; without one the text counts.
    pub(super) fn value(&self) -> Option<&str> {
        match self.value_type {
            ValueType::None => None,
            ValueType::Number | ValueType::Percentage => self.number.as_deref(),
            ValueType::Date => self.date.as_deref(),
            ValueType::Time => self.time.as_deref(),
            ValueType::Boolean => self.boolean.as_deref(),
            ValueType::Text => self.string.as_deref(),
        }
    }
}

/// How often something is repeated; what is no number is not guessed.
pub(super) fn count(number: &str) -> Result<u32, IntakeError> {
    let parsed: Result<u64, _> = number.trim().parse();
    let number = parsed.map_err(|_| damaged(format_args!("«{number}» is no count")))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

/// The characters that a reference in a text stands for.
pub(super) fn resolved(reference: &BytesRef<'_>) -> Result<String, IntakeError> {
    if let Some(c) = reference.resolve_char_ref().map_err(unreadable)? {
        return Ok(c.to_string());
    }
    let name = reference.xml10_content();
    let text = quick_xml::escape::resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| damaged(format_args!("«&{name};» stands for nothing")))
}

/// A cell with content, its text and what is seen of it back to back with those of the others.
#[derive(Debug)]
struct Held {
    columns: Range<u32>,
    text: Range<usize>,
    seen: Option<Range<usize>>,
    kind: CellKind,
}

/// The cells with content of one row, in memory that is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Cells {
    held: Vec<Held>,
    texts: String,
    shown: Shown,
    /// The merges so far.
    pub(super) merges: Vec<Merge>,
    /// How the cells of each style look, put together once.
    looks: HashMap<String, Rc<Appearance>>,
}

impl Cells {
    /// Forgets the row before.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.texts.clear();
    }

    /// Whether nothing is in the row.
    pub(super) fn is_blank(&self) -> bool {
        self.held.is_empty()
    }

    /// Gives the cells to a sheet as a row of it; how many they were.
    pub(super) fn push(&self, sheet: &mut Sheet, row: u32) -> Result<u64, IntakeError> {
        let mut pushed = 0;
        for held in &self.held {
            let text = &self.texts[held.text.clone()];
            for column in held.columns.clone() {
                match &held.seen {
                    Some(seen) => sheet.push_seen(row, column, (text, &self.texts[seen.clone()]), held.kind)?,
                    None => sheet.push(row, column, text, held.kind)?,
                }
                pushed += 1;
            }
        }
        Ok(pushed)
    }

    fn look(&mut self, style: &str, styles: &Styles) -> Rc<Appearance> {
        if let Some(look) = self.looks.get(style) {
            return Rc::clone(look);
        }
        let look = Rc::new(styles.look(Family::Cell, style));
        self.looks.insert(style.to_owned(), Rc::clone(&look));
        look
    }

    /// Reads the text of a cell to its end, and keeps the cell where it has content.
    pub(super) fn read<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        is_empty: bool,
        cell: &OdsCell,
        (row, columns): (u32, Range<u32>),
        (style, styles): (&str, &Styles),
    ) -> Result<(), IntakeError> {
        self.shown.clear();
        let look = self.look(style, styles);
        if !is_empty {
            let end = if cell.is_covered { "table:covered-table-cell" } else { "table:table-cell" };
            self.read_text(reader, end, &look, styles)?;
        }
        if cell.spans != (1, 1) {
            if self.merges.len() >= MERGES_MAX {
                return Err(damaged("more than 1,048,576 merged cells"));
            }
            let (right, bottom) =
                (columns.start.saturating_add(cell.spans.0 - 1), row.saturating_add(cell.spans.1 - 1));
            self.merges.push(Merge { top: row, left: columns.start, bottom, right });
        }
        let mut judged = judged(cell, &self.shown, &look, styles)?;
        if judged.text.is_empty() && judged.kind.oddity.is_none() {
            return Ok(());
        }
        if cell.is_covered {
            judged.kind.oddity = Some(Oddity::Merged);
        }
        let start = self.texts.len();
        self.texts.push_str(&judged.text);
        let end = self.texts.len();
        let seen = judged.seen.map(|seen| {
            self.texts.push_str(&seen);
            end..self.texts.len()
        });
        self.held.push(Held { columns, text: start..end, seen, kind: judged.kind });
        Ok(())
    }

    fn read_text<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        end: &str,
        look: &Appearance,
        styles: &Styles,
    ) -> Result<(), IntakeError> {
        let mut buffer = Vec::with_capacity(256);
        // The texts that are open, with how they look; what stands in none of them is no text.
        let mut open: Vec<Appearance> = Vec::new();
        let mut paragraphs = 0_u64;
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
            let now = open.last();
            match event {
                Event::Start(element) => {
                    let name = element.name();
                    match name.as_ref() {
                        "text:note" | "text:ruby-text" | "text:tracked-changes" => skip(reader, name.as_ref())?,
                        "table:table" => return Err(damaged("a cell holds a table of its own")),
                        name if name.starts_with("text:") => {
                            if matches!(name, "text:p" | "text:h") {
                                paragraphs += 1;
                                if paragraphs > 1 {
                                    self.shown.push("\n", look);
                                }
                            }
                            self.push_blanks(&element, now.unwrap_or(look))?;
                            let style = super::super::archive::attribute(&element, "text:style-name")?;
                            let own = style.map(|style| styles.look(Family::Text, &style)).unwrap_or_default();
                            open.push(own.over(now.unwrap_or(look)));
                        }
                        // Notes, drawings and what else lies on a cell are no text of it.
                        name => skip(reader, name)?,
                    }
                }
                Event::Empty(element) => {
                    if matches!(element.name().as_ref(), "text:p" | "text:h") {
                        paragraphs += 1;
                        if paragraphs > 1 {
                            self.shown.push("\n", look);
                        }
                    } else {
                        self.push_blanks(&element, now.unwrap_or(look))?;
                    }
                }
                Event::End(element) if element.name().as_ref() == end => return Ok(()),
                Event::End(_) => drop(open.pop()),
                Event::Text(text) => {
                    if let Some(now) = now {
                        self.shown.push_collapsed(&text.xml10_content(), now);
                    }
                }
                Event::CData(text) => {
                    if let Some(now) = now {
                        self.shown.push_collapsed(&text.xml10_content(), now);
                    }
                }
                Event::GeneralRef(reference) => {
                    if let Some(now) = now {
                        self.shown.push(&resolved(&reference)?, now);
                    }
                }
                Event::Eof => return Err(damaged("a cell of it is cut off")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    /// Adds the blanks and breaks that are elements of their own.
    fn push_blanks(&mut self, element: &BytesStart<'_>, look: &Appearance) -> Result<(), IntakeError> {
        match element.name().as_ref() {
            "text:s" => {
                let blanks =
                    super::super::archive::attribute(element, "text:c")?.map_or(Ok(1), |blanks| count(&blanks))?;
                // More than a cell can hold is refused as that.
                self.shown.push(&" ".repeat(blanks.min(40_000) as usize), look);
            }
            "text:tab" => self.shown.push("\t", look),
            "text:line-break" => self.shown.push("\n", look),
            _ => {}
        }
        Ok(())
    }
}
