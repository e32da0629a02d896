//! Reads the styles of an ODS (OpenDocument 1.3, part 3): what a person sees of a cell that its value does not say.
//!
//! A number format becomes the code that Excel would have for it, so that one place judges what a format shows.

use super::archive::{attribute, damaged};
use super::problem::IntakeError;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::io::BufRead;

/// How many parents a style may have; LibreOffice writes two.
const PARENTS_MAX: usize = 16;

/// What styles are for; each kind has names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Cell,
    Row,
    Column,
    Table,
    Text,
}

/// One style as it is written.
#[derive(Clone, Debug, Default)]
struct Style {
    parent: Option<String>,
    look: Look,
    size: Option<f64>,
    is_shown: Option<bool>,
}

/// How a text looks, where a style says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    /// A line goes through it.
    pub(crate) struck: Option<bool>,
    /// It stands above or below the line.
    pub(crate) raised: Option<bool>,
    /// The name of its number format.
    pub(crate) format: Option<String>,
}

impl Look {
    /// What this style says, and for the rest what stands under it.
    pub(crate) fn over(&self, under: &Self) -> Self {
        Self {
            struck: self.struck.or(under.struck),
            raised: self.raised.or(under.raised),
            format: self.format.clone().or_else(|| under.format.clone()),
        }
    }
}

/// A number format: its code, and the formats that hold instead of it for some values.
#[derive(Clone, Debug, Default)]
struct Format {
    code: String,
    instead: Vec<(String, String)>,
}

/// The styles of a workbook.
#[derive(Debug, Default)]
pub(crate) struct Styles {
    styles: HashMap<(Family, String), Style>,
    formats: HashMap<String, Format>,
}

impl Styles {
    /// Adds a style, from its first element to its last.
    pub(crate) fn add<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        element: &BytesStart<'_>,
        is_empty: bool,
    ) -> Result<(), IntakeError> {
        let kind = element.name().as_ref().to_owned();
        match kind.as_str() {
            "style:style" | "style:default-style" => self.add_style(reader, element, is_empty),
            "number:number-style"
            | "number:currency-style"
            | "number:percentage-style"
            | "number:date-style"
            | "number:time-style"
            | "number:text-style"
            | "number:boolean-style" => {
                let Some(name) = attribute(element, "style:name")? else { return Ok(()) };
                let mut code = Code::new(element)?;
                if !is_empty {
                    code.read(reader, &kind)?;
                }
                self.formats.insert(name, code.format);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_style<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        element: &BytesStart<'_>,
        is_empty: bool,
    ) -> Result<(), IntakeError> {
        let family = match attribute(element, "style:family")?.as_deref() {
            Some("table-cell") => Some(Family::Cell),
            Some("table-row") => Some(Family::Row),
            Some("table-column") => Some(Family::Column),
            Some("table") => Some(Family::Table),
            Some("text" | "paragraph") => Some(Family::Text),
            Some(_) | None => None,
        };
        // What holds where no style is named has no name.
        let name = attribute(element, "style:name")?.unwrap_or_default();
        let mut style = Style { parent: attribute(element, "style:parent-style-name")?, ..Style::default() };
        style.look.format = attribute(element, "style:data-style-name")?;
        let end = element.name().as_ref().to_owned();
        let mut buffer = Vec::new();
        while !is_empty {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(damaged)? {
                Event::Start(part) | Event::Empty(part) => style.note(&part)?,
                Event::End(part) if part.name().as_ref() == end => break,
                Event::Eof => return Err(damaged("its styles are cut off")),
                Event::End(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
        if let Some(family) = family {
            self.styles.insert((family, name), style);
        }
        Ok(())
    }

    fn chain(&self, family: Family, name: &str) -> impl Iterator<Item = &Style> {
        let mut next = Some(name.to_owned());
        let named = std::iter::from_fn(move || {
            let style = self.styles.get(&(family, next.take()?))?;
            next.clone_from(&style.parent);
            Some(style)
        });
        named.take(PARENTS_MAX).chain(self.styles.get(&(family, String::new())))
    }

    /// How the cells or texts of a style look.
    pub(crate) fn look(&self, family: Family, name: &str) -> Look {
        self.chain(family, name).fold(Look::default(), |look, style| look.over(&style.look))
    }

    /// The height of a row or the width of a column, in points.
    pub(crate) fn size(&self, family: Family, name: &str) -> Option<f64> {
        self.chain(family, name).find_map(|style| style.size)
    }

    /// Whether a table is shown.
    pub(crate) fn is_shown(&self, table: &str) -> bool {
        self.chain(Family::Table, table).find_map(|style| style.is_shown).unwrap_or(true)
    }

    /// The code of a number format as it holds for a value.
    pub(crate) fn code(&self, name: &str, value: f64) -> Option<&str> {
        let format = self.formats.get(name)?;
        let instead = format.instead.iter().find(|(condition, _)| holds(condition, value)).map(|(_, name)| name);
        let format = instead.and_then(|name| self.formats.get(name)).unwrap_or(format);
        Some(&format.code)
    }
}

impl Style {
    fn note(&mut self, part: &BytesStart<'_>) -> Result<(), IntakeError> {
        match part.name().as_ref() {
            "style:text-properties" => {
                let line = attribute(part, "style:text-line-through-style")?;
                let line = line.or(attribute(part, "style:text-line-through-type")?);
                self.look.struck = line.map(|line| line != "none").or(self.look.struck);
                if let Some(position) = attribute(part, "style:text-position")? {
                    let height = position.split_whitespace().next().unwrap_or("0%");
                    self.look.raised = Some(!matches!(height, "0%" | "0"));
                }
            }
            "style:table-row-properties" => {
                // What must be is stronger than what may be.
                let height = attribute(part, "style:row-height")?.or(attribute(part, "style:min-row-height")?);
                self.size = height.as_deref().and_then(points);
            }
            "style:table-column-properties" => {
                self.size = attribute(part, "style:column-width")?.as_deref().and_then(points);
            }
            "style:table-properties" => {
                self.is_shown = attribute(part, "table:display")?.map(|shown| shown != "false");
            }
            _ => {}
        }
        Ok(())
    }
}

/// A length in points.
fn points(length: &str) -> Option<f64> {
    let length = length.trim();
    let unit_at = length.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = length[..unit_at].trim().parse().ok()?;
    let per_unit = match &length[unit_at..] {
        "in" => 72.0,
        "cm" => 72.0 / 2.54,
        "mm" => 72.0 / 25.4,
        "pt" => 1.0,
        "pc" => 12.0,
        "px" => 0.75,
        _ => return None,
    };
    Some(number * per_unit)
}

/// Whether a condition such as `value()>=0` holds; one that says anything else does not.
fn holds(condition: &str, value: f64) -> bool {
    let Some(rest) = condition.trim().strip_prefix("value()") else { return false };
    let number_at = rest.find(|c: char| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(rest.len());
    let Ok(number) = rest[number_at..].trim().parse::<f64>() else { return false };
    match &rest[..number_at] {
        ">=" => value >= number,
        "<=" => value <= number,
        ">" => value > number,
        "<" => value < number,
        "=" => value.total_cmp(&number).is_eq(),
        "!=" => value.total_cmp(&number).is_ne(),
        _ => false,
    }
}

/// The code of a format, piece by piece.
struct Code {
    format: Format,
    is_percentage: bool,
    /// Hours go on beyond a day.
    is_duration: bool,
    /// The number whose embedded texts are read.
    digits: Vec<char>,
    decimals: usize,
    /// The text that is read: where it goes, and what it is.
    text: String,
}

impl Code {
    fn new(element: &BytesStart<'_>) -> Result<Self, IntakeError> {
        Ok(Self {
            format: Format::default(),
            is_percentage: element.name().as_ref() == "number:percentage-style",
            is_duration: attribute(element, "number:truncate-on-overflow")?.as_deref() == Some("false"),
            digits: Vec::new(),
            decimals: 0,
            text: String::new(),
        })
    }

    fn read<R: BufRead>(&mut self, reader: &mut Reader<R>, end: &str) -> Result<(), IntakeError> {
        let (mut buffer, mut embedded_at) = (Vec::new(), 0);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(damaged)? {
                Event::Start(part) => {
                    self.text.clear();
                    if part.name().as_ref() == "number:embedded-text" {
                        let position = attribute(&part, "number:position")?.and_then(|at| at.parse().ok());
                        embedded_at = position.unwrap_or(0);
                    } else {
                        self.element(&part)?;
                    }
                }
                Event::Empty(part) => {
                    self.text.clear();
                    let name = part.name().as_ref().to_owned();
                    self.element(&part)?;
                    self.end(&name, 0);
                }
                Event::Text(text) => self.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let resolved = reference.resolve_char_ref().map_err(damaged)?;
                    let named = || quick_xml::escape::resolve_predefined_entity(&reference.xml10_content());
                    match resolved {
                        Some(c) => self.text.push(c),
                        None => self.text.push_str(named().unwrap_or("?")),
                    }
                }
                Event::End(part) if part.name().as_ref() == end => return Ok(()),
                Event::End(part) => self.end(part.name().as_ref(), embedded_at),
                Event::Eof => return Err(damaged("its number formats are cut off")),
                Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    fn element(&mut self, part: &BytesStart<'_>) -> Result<(), IntakeError> {
        let count = |name| -> Result<Option<usize>, IntakeError> {
            Ok(attribute(part, name)?.and_then(|count| count.parse().ok()).map(|count: usize| count.min(30)))
        };
        let code = match part.name().as_ref() {
            "number:number" => return self.number(part),
            "number:scientific-number" => "0.0E+00",
            "number:fraction" => "# ?/?",
            "number:text-content" => "@",
            "number:boolean" => "\"TRUE\"",
            "number:day" | "number:day-of-week" | "number:era" => "d",
            "number:month" | "number:quarter" | "number:week-of-year" => "m",
            "number:year" => "yyyy",
            "number:hours" if self.is_duration => "[h]",
            "number:hours" | "number:am-pm" => "h",
            "number:minutes" if self.is_duration && self.format.code.is_empty() => "[mm]",
            "number:minutes" => "mm",
            "number:seconds" if self.is_duration && self.format.code.is_empty() => "[ss]",
            "number:seconds" => "ss",
            "style:map" => {
                if let (Some(condition), Some(name)) =
                    (attribute(part, "style:condition")?, attribute(part, "style:apply-style-name")?)
                {
                    self.format.instead.push((condition, name));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.format.code.push_str(code);
        if part.name().as_ref() == "number:seconds"
            && let Some(places) = count("number:decimal-places")?.filter(|places| *places > 0)
        {
            self.format.code.push('.');
            self.format.code.extend(std::iter::repeat_n('0', places));
        }
        Ok(())
    }

    fn number(&mut self, part: &BytesStart<'_>) -> Result<(), IntakeError> {
        let count = |name| -> Result<Option<usize>, IntakeError> {
            Ok(attribute(part, name)?.and_then(|count| count.parse().ok()).map(|count: usize| count.min(30)))
        };
        let whole = count("number:min-integer-digits")?.unwrap_or(0);
        let places = count("number:decimal-places")?;
        let is_grouped = attribute(part, "number:grouping")?.as_deref() == Some("true");
        let factor: f64 = attribute(part, "number:display-factor")?.and_then(|f| f.parse().ok()).unwrap_or(1.0);
        self.decimals = 0;
        self.digits.clear();
        if places.is_none() && whole <= 1 && !is_grouped && factor.total_cmp(&1.0).is_eq() {
            self.digits.extend("General".chars());
            return Ok(());
        }
        let digits_min = if is_grouped { whole.max(4) } else { whole.max(1) };
        for place in (0..digits_min).rev() {
            self.digits.push(if place < whole { '0' } else { '#' });
            if is_grouped && place > 0 && place % 3 == 0 {
                self.digits.push(',');
            }
        }
        let mut scale = factor;
        while scale >= 1000.0 {
            self.digits.push(',');
            scale /= 1000.0;
        }
        let places = places.unwrap_or(0);
        if places > 0 {
            let at_least = count("number:min-decimal-places")?.unwrap_or(places).min(places);
            self.digits.push('.');
            // A text in place of decimals is shown for whole numbers, as `500,--`.
            match attribute(part, "number:decimal-replacement")? {
                Some(text) if !text.is_empty() => self.digits.extend(quoted(&text).chars()),
                Some(_) => self.digits.extend(std::iter::repeat_n('#', places)),
                None => {
                    self.digits.extend(std::iter::repeat_n('0', at_least));
                    self.digits.extend(std::iter::repeat_n('#', places - at_least));
                }
            }
            self.decimals = self.digits.len() - self.digits.iter().rposition(|c| *c == '.').unwrap_or(0);
        }
        Ok(())
    }

    fn end(&mut self, name: &str, embedded_at: usize) {
        let text = std::mem::take(&mut self.text);
        match name {
            "number:embedded-text" => {
                let from_end = self.decimals + embedded_at;
                let at = self.digits.len().saturating_sub(from_end);
                drop(self.digits.splice(at..at, quoted(&text).chars()));
            }
            "number:number" => self.format.code.extend(self.digits.drain(..)),
            "number:text" if self.is_percentage && text.trim() == "%" => self.format.code.push('%'),
            "number:text" => self.format.code.push_str(&quoted(&text)),
            "number:currency-symbol" if !text.is_empty() => self.format.code.push_str(&format!("[${text}]")),
            _ => {}
        }
    }
}

/// A text as it stands in a format code.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("\"{}\"", text.replace('"', "\"\\\"\""))
}
