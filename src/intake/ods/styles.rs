//! Reads the styles of an ODS (OpenDocument 1.3, part 3): what a person sees of a cell that its value does not say.
//!
//! A number format becomes the code that Excel would have for it, so that one place judges what a format shows.

use super::super::conditional::{Change, holds_for_no_payee};
use super::super::damage::damaged_archive as damaged;
use super::super::number_format::NumberFormat;
use super::super::problem::IntakeError;
use super::super::xml::{Piece, Xml, attribute};
use super::codes::Code;
use quick_xml::events::BytesStart;
use std::collections::HashMap;
use std::io::Read;

/// How many parents a style may have; LibreOffice writes two.
const PARENTS_MAX: usize = 16;

/// How many styles may hold instead of one under a condition.
const INSTEAD_MAX: usize = 64;

/// A smaller font, in points, nobody reads.
const FONT_SIZE_MIN: f64 = 3.0;

/// The most bytes of all styles.
const BYTES_MAX: usize = 96 << 20;

/// What styles are for; each kind has names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
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
    look: Appearance,
    size: Option<f64>,
    is_shown: Option<bool>,
    /// The styles that hold instead of it under a condition for payees.
    instead: Vec<String>,
}

/// How a text looks, where a style says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Appearance {
    /// A line goes through it.
    pub(super) struck: Option<bool>,
    /// It stands above or below the line.
    pub(super) raised: Option<bool>,
    /// The colour of the text, where it is not left to the program; lower case.
    colour: Option<String>,
    /// The colour behind it.
    background: Option<String>,
    /// The size of its font, in points.
    font_size: Option<f64>,
    /// The name of its number format.
    pub(super) format: Option<String>,
    /// What styles that hold under a condition may do to it.
    pub(super) change: Change,
}

impl Appearance {
    /// Whether nobody can read a text that looks so: in the colour of what is behind it, or too small.
    pub(super) fn is_faint(&self) -> bool {
        let behind = self.background.as_deref().filter(|colour| *colour != "transparent").unwrap_or("#ffffff");
        self.font_size.is_some_and(|size| size > 0.0 && size < FONT_SIZE_MIN) || self.colour.as_deref() == Some(behind)
    }

    /// What this style says, and for the rest what stands under it.
    pub(super) fn over(&self, under: &Self) -> Self {
        Self {
            struck: self.struck.or(under.struck),
            raised: self.raised.or(under.raised),
            colour: self.colour.clone().or_else(|| under.colour.clone()),
            background: self.background.clone().or_else(|| under.background.clone()),
            font_size: self.font_size.or(under.font_size),
            format: self.format.clone().or_else(|| under.format.clone()),
            change: self.change,
        }
    }
}

/// A number format, and the formats that hold instead of it for some values.
#[derive(Clone, Debug)]
struct Format {
    code: NumberFormat,
    /// It is one of texts, and shows nothing at all.
    hides_texts: bool,
    instead: Vec<(String, String)>,
}

/// The styles of a workbook.
#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<(Family, String), Style>,
    formats: HashMap<String, Format>,
    /// How many bytes of names and codes have come so far.
    bytes: usize,
}

impl Styles {
    /// Adds a style, from its first element to its last.
    pub(super) fn add<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
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
                let hides_texts = kind == "number:text-style" && code.code.is_empty();
                self.count(name.len() + 16 * code.code.len() + code.instead.len() * 64)?;
                // A format without anything in it shows nothing.
                let text = if code.code.is_empty() { ";;;" } else { &code.code };
                let format = Format { code: NumberFormat::parse(text), hides_texts, instead: code.instead };
                self.formats.insert(name, format);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_style<R: Read>(
        &mut self,
        reader: &mut Xml<R>,
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
        if !is_empty {
            style.read(reader, element.name().as_ref())?;
        }
        let texts = [Some(&name), style.parent.as_ref(), style.look.format.as_ref()];
        self.count(texts.into_iter().flatten().map(String::len).sum())?;
        if let Some(family) = family {
            self.styles.insert((family, name), style);
        }
        Ok(())
    }

    /// Refuses more styles than any workbook has; each takes about 256 bytes beside its texts.
    fn count(&mut self, bytes: usize) -> Result<(), IntakeError> {
        self.bytes += bytes + 256;
        if self.bytes > BYTES_MAX { Err(damaged("more styles than a workbook can have")) } else { Ok(()) }
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
    pub(super) fn look(&self, family: Family, name: &str) -> Appearance {
        let mut look = self.chain(family, name).fold(Appearance::default(), |look, style| look.over(&style.look));
        for instead in self.chain(family, name).flat_map(|style| &style.instead) {
            let change = self.change(instead);
            look.change.numbers |= change.numbers;
            look.change.hides |= change.hides;
        }
        look
    }

    /// What a style of cells does where it holds under a condition.
    pub(super) fn change(&self, name: &str) -> Change {
        let look = self.chain(Family::Cell, name).fold(Appearance::default(), |look, style| look.over(&style.look));
        let format = look.format.as_ref().and_then(|format| self.formats.get(format));
        Change { numbers: format.is_some_and(|format| !format.code.shows_whole_numbers()), hides: look.is_faint() }
    }

    /// The height of a row or the width of a column, in points.
    pub(super) fn size(&self, family: Family, name: &str) -> Option<f64> {
        self.chain(family, name).find_map(|style| style.size)
    }

    /// Whether a table is shown.
    pub(super) fn is_shown(&self, table: &str) -> bool {
        self.chain(Family::Table, table).find_map(|style| style.is_shown).unwrap_or(true)
    }

    /// The number format of a name as it holds for a number.
    pub(super) fn of_number(&self, name: &str, number: f64) -> Option<&NumberFormat> {
        let format = self.formats.get(name)?;
        let instead = format.instead.iter().find(|(condition, _)| holds(condition, number)).map(|(_, name)| name);
        let format = instead.and_then(|name| self.formats.get(name)).unwrap_or(format);
        Some(&format.code)
    }

    /// What a person sees of a text under the number format of a name, where that is another one.
    pub(super) fn of_text(&self, name: &str, text: &str) -> Option<String> {
        let format = self.formats.get(name)?;
        if format.hides_texts { Some(String::new()) } else { format.code.text(text) }
    }
}

impl Style {
    /// Reads what stands in the element of a style.
    fn read<R: Read>(&mut self, reader: &mut Xml<R>, end: &str) -> Result<(), IntakeError> {
        let mut buffer = Vec::new();
        loop {
            match reader.next(&mut buffer)? {
                Piece::Start(part) | Piece::Empty(part) => self.note(&part)?,
                Piece::End(part) if part.name().as_ref() == end => return Ok(()),
                Piece::Eof => return Err(damaged("its styles are cut off")),
                Piece::End(_) | Piece::Text(_) | Piece::CData(_) | Piece::Reference(_) | Piece::Aside => {}
            }
        }
    }

    fn note(&mut self, part: &BytesStart<'_>) -> Result<(), IntakeError> {
        match part.name().as_ref() {
            "style:text-properties" => {
                let line = attribute(part, "style:text-line-through-style")?;
                let line = line.or(attribute(part, "style:text-line-through-type")?);
                self.look.struck = line.map(|line| line != "none").or(self.look.struck);
                let is_left = attribute(part, "style:use-window-font-color")?.as_deref() == Some("true");
                let colour = attribute(part, "fo:color")?.map(|colour| colour.to_ascii_lowercase());
                // One that is left to the program is no colour, and none of a parent's either.
                self.look.colour = if is_left { Some("automatic".to_owned()) } else { colour };
                self.look.font_size = attribute(part, "fo:font-size")?.as_deref().and_then(points);
                if let Some(position) = attribute(part, "style:text-position")? {
                    let height = position.split_whitespace().next().unwrap_or("0%");
                    self.look.raised = Some(!matches!(height, "0%" | "0"));
                }
            }
            "style:map" => {
                let condition = attribute(part, "style:condition")?.unwrap_or_default();
                let style = attribute(part, "style:apply-style-name")?.filter(|_| !holds_for_no_payee(&condition));
                self.instead.extend(style.filter(|_| self.instead.len() < INSTEAD_MAX));
            }
            "style:table-cell-properties" => {
                let background = attribute(part, "fo:background-color")?;
                self.look.background = background.map(|colour| colour.to_ascii_lowercase());
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
