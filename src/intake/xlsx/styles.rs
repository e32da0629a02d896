//! Reads the styles of an XLSX as far as they change what a person sees: number formats, also of conditional formats, fonts
//! that strike through, and texts that have the colour of what is behind them.

use super::super::archive::Archive;
use super::super::number_format::NumberFormat;
use super::super::problem::IntakeError;
use super::package::{Xml, attribute};
use super::strings::is_set;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

/// How a cell is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// The place of its number format; nothing for General.
    pub(super) format: Option<u32>,
    /// Whether every whole number shows as it is under the format.
    pub(super) whole_as_is: bool,
    /// Whether its font strikes through.
    pub(super) struck: bool,
    /// Whether nobody can read its text.
    pub(super) faint: bool,
}

/// The styles of a workbook.
#[derive(Debug, Default)]
pub(super) struct Styles {
    formats: Vec<NumberFormat>,
    cells: Vec<Style>,
    /// Whether each conditional format shows whole numbers as others.
    conditional: Vec<bool>,
}

/// Where in the part we are: other lists hold elements of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Fonts,
    Fills,
    Cells,
    Conditional,
    Other,
}

/// A font, as far as it changes what a person sees.
#[derive(Clone, Debug, Default)]
struct Font {
    struck: bool,
    colour: Option<String>,
    size: Option<f64>,
}

/// What is behind a text.
#[derive(Clone, Debug)]
enum Fill {
    /// Nothing, which is white.
    None,
    /// One colour; `None`: one that is not said.
    Solid(Option<String>),
    /// A pattern.
    Other,
}

/// A smaller font, in points, nobody reads.
const SIZE_MIN: f64 = 3.0;
const WHITE: &str = "FFFFFF";
const BLACK: &str = "000000";

/// A colour under one name, as far as the workbook's theme is the usual one.
fn colour(element: &BytesStart<'_>) -> Result<Option<String>, IntakeError> {
    if let Some(rgb) = attribute(element, "rgb")? {
        return Ok(rgb.get(rgb.len().saturating_sub(6)..).map(str::to_ascii_uppercase));
    }
    if let Some(number) = attribute(element, "indexed")? {
        // Those of the first eight are there twice; 64 and 65 are the window's.
        return Ok(Some(match number.as_ref() {
            "1" | "9" | "65" => WHITE.to_owned(),
            "0" | "8" | "64" => BLACK.to_owned(),
            other => format!("indexed {other}"),
        }));
    }
    let tint = attribute(element, "tint")?.filter(|tint| tint.parse() != Ok(0.0)).unwrap_or_default();
    Ok(attribute(element, "theme")?.map(|theme| match (theme.as_ref(), tint.as_ref()) {
        ("0", "") => WHITE.to_owned(),
        ("1", "") => BLACK.to_owned(),
        (theme, tint) => format!("theme {theme} {tint}"),
    }))
}

/// What is read before it can be put together.
#[derive(Debug, Default)]
struct Found {
    codes: HashMap<u32, String>,
    fonts: Vec<Font>,
    fills: Vec<Fill>,
    /// The format, the font and the fill of each style.
    cells: Vec<(u32, usize, usize)>,
    conditional: Vec<bool>,
}

impl Styles {
    /// Reads the part of styles.
    pub(super) fn read(archive: &mut Archive, part: &str) -> Result<Self, IntakeError> {
        let mut found = Found::default();
        let Some(mut xml) = Xml::open_small(archive, part)? else { return Ok(Self::default()) };
        let (mut buffer, mut list, mut depth) = (Vec::new(), List::Other, 0_u32);
        while let Some(event) = xml.next(&mut buffer)? {
            if let Event::Start(element) = &event {
                depth += 1;
                if depth == 2 {
                    list = match element.local_name().as_ref() {
                        "fonts" => List::Fonts,
                        "fills" => List::Fills,
                        "cellXfs" => List::Cells,
                        "dxfs" => List::Conditional,
                        _ => List::Other,
                    };
                }
                found.element(element, list, depth)?;
            } else if matches!(event, Event::End(_)) {
                depth = depth.saturating_sub(1);
            }
        }
        Ok(found.styles())
    }

    /// How a cell of a style is shown; one that the workbook does not have is as good as the first.
    pub(super) fn get(&self, style: usize) -> Style {
        self.cells.get(style).or_else(|| self.cells.first()).copied().unwrap_or_default()
    }

    /// Whether a conditional format shows whole numbers as others.
    pub(super) fn changes_numbers(&self, conditional: usize) -> bool {
        self.conditional.get(conditional).copied().unwrap_or(false)
    }

    /// The number format of a style.
    pub(super) fn format(&self, style: Style) -> Option<&NumberFormat> {
        self.formats.get(usize::try_from(style.format?).ok()?)
    }
}

impl Found {
    fn element(&mut self, element: &BytesStart<'_>, list: List, depth: u32) -> Result<(), IntakeError> {
        let number = |name: &str| -> Result<u32, IntakeError> {
            Ok(attribute(element, name)?.and_then(|number| number.trim().parse().ok()).unwrap_or(0))
        };
        match (element.local_name().as_ref(), list) {
            // In the list of the workbook; those of conditional formats stand deeper.
            ("numFmt", List::Other) if depth == 3 => {
                let code = attribute(element, "formatCode")?.unwrap_or_default().into_owned();
                self.codes.insert(number("numFmtId")?, code);
            }
            ("font", List::Fonts) if depth == 3 => self.fonts.push(Font::default()),
            ("fill", List::Fills) if depth == 3 => self.fills.push(Fill::None),
            ("xf", List::Cells) if depth == 3 => {
                let place = |name| Ok::<_, IntakeError>(usize::try_from(number(name)?).unwrap_or(usize::MAX));
                self.cells.push((number("numFmtId")?, place("fontId")?, place("fillId")?));
            }
            ("dxf", List::Conditional) if depth == 3 => self.conditional.push(false),
            ("numFmt", List::Conditional) => {
                let code = attribute(element, "formatCode")?.unwrap_or_default();
                if let Some(changes) = self.conditional.last_mut() {
                    *changes = !NumberFormat::parse(&code).shows_whole_numbers();
                }
            }
            (name, List::Fonts) => self.font(element, name)?,
            (name, List::Fills) => self.fill(element, name)?,
            _ => {}
        }
        Ok(())
    }

    fn font(&mut self, element: &BytesStart<'_>, name: &str) -> Result<(), IntakeError> {
        let Some(font) = self.fonts.last_mut() else { return Ok(()) };
        match name {
            "strike" => font.struck = is_set(element)?,
            "color" => font.colour = colour(element)?,
            "sz" => font.size = attribute(element, "val")?.and_then(|size| size.trim().parse().ok()),
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, element: &BytesStart<'_>, name: &str) -> Result<(), IntakeError> {
        let Some(fill) = self.fills.last_mut() else { return Ok(()) };
        match (name, &fill) {
            ("patternFill", _) => {
                *fill = match attribute(element, "patternType")?.as_deref() {
                    None | Some("none") => Fill::None,
                    Some("solid") => Fill::Solid(None),
                    Some(_) => Fill::Other,
                };
            }
            ("gradientFill", _) => *fill = Fill::Other,
            ("fgColor", Fill::Solid(_)) => *fill = Fill::Solid(colour(element)?),
            _ => {}
        }
        Ok(())
    }

    /// Whether nobody can read a text of a font on a fill.
    fn is_faint(&self, font: usize, fill: usize) -> bool {
        let Some(font) = self.fonts.get(font) else { return false };
        let behind = match self.fills.get(fill) {
            None | Some(Fill::None) => Some(WHITE),
            Some(Fill::Solid(colour)) => colour.as_deref(),
            Some(Fill::Other) => None,
        };
        let is_small = font.size.is_some_and(|size| size > 0.0 && size < SIZE_MIN);
        is_small || font.colour.as_deref().is_some_and(|colour| Some(colour) == behind)
    }

    fn styles(self) -> Styles {
        let mut styles = Styles { conditional: self.conditional.clone(), ..Styles::default() };
        let mut places: HashMap<u32, Option<u32>> = HashMap::new();
        for (format, font, fill) in &self.cells {
            let place = *places.entry(*format).or_insert_with(|| {
                let parsed = match self.codes.get(format) {
                    Some(code) => NumberFormat::parse(code),
                    None => NumberFormat::builtin(*format),
                };
                if parsed.is_general() {
                    return None;
                }
                styles.formats.push(parsed);
                u32::try_from(styles.formats.len() - 1).ok()
            });
            let struck = self.fonts.get(*font).is_some_and(|font| font.struck);
            let faint = self.is_faint(*font, *fill);
            let style = Style { format: place, whole_as_is: place.is_none(), struck, faint };
            let whole_as_is = styles.format(style).is_none_or(NumberFormat::shows_whole_numbers);
            styles.cells.push(Style { whole_as_is, ..style });
        }
        styles
    }
}
