//! Reads the styles of an XLSX as far as they change what a person sees: number formats, also of conditional formats, fonts
//! that strike through, and texts that have the colour of what is behind them.

use super::super::archive::Archive;
use super::super::conditional::Change;
use super::super::number_format::NumberFormat;
use super::super::problem::IntakeError;
use super::colour::{BLACK, INDEXED_BLACK, INDEXED_WHITE, SIZE_MIN, WHITE, colour, indexed};
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
    /// Whether another colour than white is behind its text.
    pub(super) on_colour: bool,
}

/// The styles of a workbook.
#[derive(Debug, Default)]
pub(super) struct Styles {
    formats: Vec<NumberFormat>,
    cells: Vec<Style>,
    /// What each format of conditional ones does.
    conditional: Vec<Change>,
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

/// How many colours a palette has.
const PALETTE_LEN: u32 = 64;

/// What is read before it can be put together.
#[derive(Debug, Default)]
struct Found {
    /// The colours that the workbook redefines, and how many it lists.
    palette: HashMap<String, String>,
    palette_len: u32,
    codes: HashMap<u32, String>,
    fonts: Vec<Font>,
    fills: Vec<Fill>,
    /// The format, the font and the fill of each style.
    cells: Vec<(u32, usize, usize)>,
    conditional: Vec<Differential>,
    /// The part of such a format that began last.
    part: Part,
}

/// A format that holds under a condition, as far as it changes what a person sees.
#[derive(Clone, Debug, Default)]
struct Differential {
    numbers: bool,
    colour: Option<String>,
    background: Option<String>,
}

/// Which part of a format a colour is one of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    Font,
    Fill,
    #[default]
    Other,
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

    /// What the format of a conditional one does to what a person sees.
    pub(super) fn change(&self, conditional: usize) -> Change {
        self.conditional.get(conditional).copied().unwrap_or_default()
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
            ("rgbColor", List::Other) if self.palette_len < PALETTE_LEN => {
                if let Some(own) = colour(element)? {
                    self.palette.insert(indexed(self.palette_len), own);
                }
                self.palette_len += 1;
            }
            ("dxf", List::Conditional) if depth == 3 => self.conditional.push(Differential::default()),
            (name, List::Conditional) => self.differential(element, name, depth)?,
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

    fn differential(&mut self, element: &BytesStart<'_>, name: &str, depth: u32) -> Result<(), IntakeError> {
        if depth == 4 {
            self.part = match name {
                "font" => Part::Font,
                "fill" => Part::Fill,
                _ => Part::Other,
            };
        }
        let Some(format) = self.conditional.last_mut() else { return Ok(()) };
        match (self.part, name) {
            (_, "numFmt") => {
                let code = attribute(element, "formatCode")?.unwrap_or_default();
                format.numbers = !NumberFormat::parse(&code).shows_whole_numbers();
            }
            (Part::Font, "color") => format.colour = colour(element)?,
            // One colour stands behind in these, unlike in the fills of cells.
            (Part::Fill, "bgColor") => format.background = colour(element)?,
            _ => {}
        }
        Ok(())
    }

    /// What a format of conditional ones does; what it leaves is taken for white.
    fn change(&self, format: &Differential) -> Change {
        let colour = format.colour.as_deref().map(|colour| self.shown(colour));
        let behind = format.background.as_deref().map_or(WHITE, |colour| self.shown(colour));
        Change { numbers: format.numbers, hides: colour == Some(behind) }
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

    /// The colour behind a text; nothing for a pattern.
    fn behind(&self, fill: usize) -> Option<&str> {
        match self.fills.get(fill) {
            None | Some(Fill::None) => Some(WHITE),
            Some(Fill::Solid(colour)) => colour.as_deref().map(|colour| self.shown(colour)),
            Some(Fill::Other) => None,
        }
    }

    /// A colour as the workbook's own palette has it.
    fn shown<'c>(&'c self, colour: &'c str) -> &'c str {
        match (self.palette.get(colour), colour) {
            (Some(own), _) => own,
            (None, INDEXED_WHITE) => WHITE,
            (None, INDEXED_BLACK) => BLACK,
            (None, colour) => colour,
        }
    }

    /// Whether nobody can read a text of a font on a fill.
    fn is_faint(&self, font: usize, fill: usize) -> bool {
        let Some(font) = self.fonts.get(font) else { return false };
        let is_small = font.size.is_some_and(|size| size > 0.0 && size < SIZE_MIN);
        let colour = font.colour.as_deref().map(|colour| self.shown(colour));
        is_small || (colour.is_some() && colour == self.behind(fill))
    }

    fn styles(self) -> Styles {
        let conditional = self.conditional.iter().map(|format| self.change(format)).collect();
        let mut styles = Styles { conditional, ..Styles::default() };
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
            let on_colour = self.behind(*fill) != Some(WHITE);
            let style = Style { format: place, whole_as_is: place.is_none(), struck, faint, on_colour };
            let whole_as_is = styles.format(style).is_none_or(NumberFormat::shows_whole_numbers);
            styles.cells.push(Style { whole_as_is, ..style });
        }
        styles
    }
}
