//! Reads the cells of one row of an ODS: their values, their texts, and what a person sees of them.

use super::archive::damaged;
use super::oddity::Oddity;
use super::ods::skip;
use super::ods_styles::{Family, Look, Styles};
use super::problem::IntakeError;
use super::record::CellKind;
use super::sheet::{COLUMNS_MAX, Sheet};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::io::BufRead;
use std::ops::Range;

/// What a cell says it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ValueType {
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
pub(crate) struct OdsCell {
    pub(crate) repeats: u32,
    pub(crate) style: Option<String>,
    value_type: ValueType,
    number: Option<String>,
    date: Option<String>,
    time: Option<String>,
    boolean: Option<String>,
    string: Option<String>,
    formula: bool,
    is_error: bool,
    is_covered: bool,
    /// Over how many columns and rows it reaches.
    spans: (u32, u32),
}

impl OdsCell {
    /// Reads the attributes.
    pub(crate) fn new(element: &BytesStart<'_>) -> Result<Self, IntakeError> {
        let mut cell = Self { repeats: 1, spans: (1, 1), ..Self::default() };
        cell.is_covered = element.name().as_ref() == "table:covered-table-cell";
        for attribute in element.attributes() {
            let attribute = attribute.map_err(damaged)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(damaged)?;
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
    fn value(&self) -> Option<&str> {
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
pub(crate) fn count(number: &str) -> Result<u32, IntakeError> {
    let parsed: Result<u64, _> = number.trim().parse();
    let number = parsed.map_err(|_| damaged(format_args!("«{number}» is no count")))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

/// The characters that a reference in a text stands for.
pub(crate) fn resolved(reference: &BytesRef<'_>) -> Result<String, IntakeError> {
    if let Some(c) = reference.resolve_char_ref().map_err(damaged)? {
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
pub(crate) struct Cells {
    held: Vec<Held>,
    texts: String,
    shown: Shown,
    /// Up to which row a merge covers a column.
    covered_until: Vec<u32>,
}

/// The text of a cell as it is shown, and how it looks.
#[derive(Debug, Default)]
struct Shown {
    text: String,
    /// The same without what is struck out.
    unstruck: String,
    is_struck: bool,
    is_plain: bool,
    is_raised: bool,
    is_level: bool,
}

impl Shown {
    fn clear(&mut self) {
        self.text.clear();
        self.unstruck.clear();
        (self.is_struck, self.is_plain, self.is_raised, self.is_level) = (false, false, false, false);
    }

    fn push(&mut self, piece: &str, look: &Look) {
        let (is_struck, is_raised) = (look.struck == Some(true), look.raised == Some(true));
        self.text.push_str(piece);
        if !is_struck {
            self.unstruck.push_str(piece);
        }
        if !piece.trim().is_empty() {
            self.is_struck |= is_struck;
            self.is_plain |= !is_struck;
            self.is_raised |= is_raised;
            self.is_level |= !is_raised;
        }
    }

    /// Adds a text in which, as ODF has it, any white space is one blank.
    fn push_collapsed(&mut self, piece: &str, look: &Look) {
        if !piece.contains(['\n', '\r', '\t']) && !piece.contains("  ") {
            return self.push(piece, look);
        }
        let is_blank = |c: char| matches!(c, ' ' | '\n' | '\r' | '\t');
        let mut collapsed = String::with_capacity(piece.len());
        for c in piece.chars() {
            if !is_blank(c) {
                collapsed.push(c);
            } else if !collapsed.ends_with(' ') {
                collapsed.push(' ');
            }
        }
        self.push(&collapsed, look);
    }
}

impl Cells {
    /// Forgets the row before.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.texts.clear();
    }

    /// Whether nothing is in the row.
    pub(crate) fn is_blank(&self) -> bool {
        self.held.is_empty()
    }

    /// Gives the cells to a sheet as a row of it; how many they were.
    pub(crate) fn push(&self, sheet: &mut Sheet, row: u32) -> Result<u64, IntakeError> {
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

    /// Reads the text of a cell to its end, and keeps the cell where it has content.
    pub(crate) fn read<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        is_empty: bool,
        cell: OdsCell,
        (row, columns): (u32, Range<u32>),
        styles: &Styles,
    ) -> Result<(), IntakeError> {
        self.shown.clear();
        let look = styles.look(Family::Cell, cell.style.as_deref().unwrap_or_default());
        if !is_empty {
            let end = if cell.is_covered { "table:covered-table-cell" } else { "table:table-cell" };
            self.read_text(reader, end, &look, styles)?;
        }
        let is_under = self.covered_until.get(columns.start as usize).is_some_and(|until| row < *until);
        self.cover(row, &columns, cell.spans);
        let is_covered = cell.is_covered || is_under;
        let mut judged = judged(&cell, &self.shown, &look, styles)?;
        if judged.text.is_empty() && judged.kind.oddity.is_none() {
            return Ok(());
        }
        if is_covered {
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

    /// Remembers over which cells one reaches.
    fn cover(&mut self, row: u32, columns: &Range<u32>, spans: (u32, u32)) {
        if spans == (1, 1) {
            return;
        }
        let end = columns.start.saturating_add(spans.0).min(COLUMNS_MAX) as usize;
        if self.covered_until.len() < end {
            self.covered_until.resize(end, 0);
        }
        for until in self.covered_until.iter_mut().take(end).skip(columns.start as usize) {
            *until = (*until).max(row.saturating_add(spans.1));
        }
    }

    fn read_text<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        end: &str,
        look: &Look,
        styles: &Styles,
    ) -> Result<(), IntakeError> {
        let mut buffer = Vec::with_capacity(256);
        // The texts that are open, with how they look; what stands in none of them is no text.
        let mut open: Vec<Look> = Vec::new();
        let mut paragraphs = 0_u64;
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(damaged)?;
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
                            let style = super::archive::attribute(&element, "text:style-name")?;
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
    fn push_blanks(&mut self, element: &BytesStart<'_>, look: &Look) -> Result<(), IntakeError> {
        match element.name().as_ref() {
            "text:s" => {
                let blanks = super::archive::attribute(element, "text:c")?.map_or(Ok(1), |blanks| count(&blanks))?;
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

/// What a cell holds and shows.
struct Judged<'c> {
    text: Cow<'c, str>,
    seen: Option<Cow<'c, str>>,
    kind: CellKind,
}

fn judged<'c>(cell: &'c OdsCell, shown: &'c Shown, look: &Look, styles: &Styles) -> Result<Judged<'c>, IntakeError> {
    let formula = cell.formula;
    let struck = if shown.text.is_empty() { look.struck == Some(true) } else { shown.is_struck && !shown.is_plain };
    let kind = CellKind { formula, struck, ..CellKind::default() };
    let text = Cow::Borrowed(shown.text.as_str());
    let odd = |text, oddity, seen| Judged { text, seen, kind: CellKind { oddity: Some(oddity), ..kind } };
    if cell.is_error {
        return Ok(odd(text, Oddity::Error, None));
    }
    let Some(value) = cell.value() else {
        // A text without a type is one; a formula without either was never computed.
        let is_open = formula && shown.text.is_empty() && cell.value_type != ValueType::Text;
        return Ok(if is_open { odd(text, Oddity::NotComputed, None) } else { of_text(text, shown, kind) });
    };
    Ok(match cell.value_type {
        ValueType::Number | ValueType::Percentage => {
            let number: f64 = value.trim().parse().map_err(|_| damaged(format_args!("«{value}» is no number")))?;
            of_number(number, cell, shown, look, styles, kind)
        }
        ValueType::Date => odd(Cow::Borrowed(value), Oddity::Date, None),
        ValueType::Time => odd(Cow::Borrowed(value), Oddity::Duration, Some(text).filter(|text| !text.is_empty())),
        ValueType::Boolean => {
            let text = if value == "true" || value == "TRUE" { "TRUE" } else { "FALSE" };
            Judged { text: Cow::Borrowed(text), seen: None, kind }
        }
        ValueType::Text | ValueType::None => {
            // The string that counts and the text that is shown, where both are there, are one.
            let is_other = !text.is_empty() && !value.split_whitespace().eq(text.split_whitespace());
            if is_other {
                odd(Cow::Borrowed(value), Oddity::Format, Some(text))
            } else {
                of_text(Cow::Borrowed(value), shown, kind)
            }
        }
    })
}

/// A number, which a format may show as another one.
fn of_number<'c>(
    number: f64,
    cell: &OdsCell,
    shown: &'c Shown,
    look: &Look,
    styles: &Styles,
    kind: CellKind,
) -> Judged<'c> {
    // Display never writes an exponent, so a whole number has its digits and nothing else.
    let text = number.to_string();
    let code = look.format.as_deref().and_then(|name| styles.code(name, number));
    let is_same = shown.text.trim().is_empty() || same_digits(number, shown.text.trim());
    let _ = (code, cell);
    let oddity = if is_same { None } else { Some(Oddity::Format) };
    let seen = oddity.map(|_| Cow::Borrowed(shown.text.as_str()));
    Judged { text: Cow::Owned(text), seen, kind: CellKind { number: true, oddity, ..kind } }
}

/// Whether a shown text has the digits of a number; marks of groups, currencies and `.00` aside.
fn same_digits(number: f64, shown: &str) -> bool {
    // Spreadsheets work with 15 digits.
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded.fract().abs() > 0.0 {
        // Neither a phone nor points: refused as that.
        return true;
    }
    if shown.contains('%') {
        return false;
    }
    let shown = shown.trim_matches(|c: char| !c.is_ascii_digit());
    let whole = [".00", ",00", ".0", ",0"].iter().find_map(|zeros| shown.strip_suffix(zeros)).unwrap_or(shown);
    whole.chars().filter(char::is_ascii_digit).eq(rounded.abs().to_string().chars())
}

/// A text, which may be struck out or raised in part.
fn of_text<'c>(text: Cow<'c, str>, shown: &'c Shown, kind: CellKind) -> Judged<'c> {
    if shown.is_struck && shown.is_plain {
        let seen = Some(Cow::Borrowed(shown.unstruck.as_str()));
        return Judged { text, seen, kind: CellKind { oddity: Some(Oddity::Struck), ..kind } };
    }
    if shown.is_raised && shown.is_level {
        return Judged { text, seen: None, kind: CellKind { oddity: Some(Oddity::Raised), ..kind } };
    }
    Judged { text, seen: None, kind }
}
