//! Reads the styles of an XLSX as far as they change what a person sees: number formats, and fonts that strike through.

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
}

/// The styles of a workbook.
#[derive(Debug, Default)]
pub(super) struct Styles {
    formats: Vec<NumberFormat>,
    cells: Vec<Style>,
}

/// Where in the part we are: other lists hold elements of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Fonts,
    Cells,
    Other,
}

/// What is read before it can be put together.
#[derive(Debug, Default)]
struct Found {
    codes: HashMap<u32, String>,
    /// Whether each font strikes through.
    fonts: Vec<bool>,
    /// The format and the font of each style.
    cells: Vec<(u32, usize)>,
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
                        "cellXfs" => List::Cells,
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
            ("font", List::Fonts) if depth == 3 => self.fonts.push(false),
            ("strike", List::Fonts) => {
                if let Some(font) = self.fonts.last_mut() {
                    *font = is_set(element)?;
                }
            }
            ("xf", List::Cells) if depth == 3 => {
                let font = usize::try_from(number("fontId")?).unwrap_or(usize::MAX);
                self.cells.push((number("numFmtId")?, font));
            }
            _ => {}
        }
        Ok(())
    }

    fn styles(self) -> Styles {
        let mut styles = Styles::default();
        let mut places: HashMap<u32, Option<u32>> = HashMap::new();
        for (format, font) in &self.cells {
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
            let struck = self.fonts.get(*font).copied().unwrap_or(false);
            let style = Style { format: place, whole_as_is: place.is_none(), struck };
            let whole_as_is = styles.format(style).is_none_or(NumberFormat::shows_whole_numbers);
            styles.cells.push(Style { whole_as_is, ..style });
        }
        styles
    }
}
