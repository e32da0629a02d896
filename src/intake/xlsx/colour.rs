//! Reads the colours of an XLSX under one name each, so that two can be compared, and says which texts are too small.

use super::super::problem::IntakeError;
use super::package::attribute;
use quick_xml::events::BytesStart;

/// A smaller font, in points, nobody reads.
pub(super) const SIZE_MIN: f64 = 3.0;
pub(super) const WHITE: &str = "FFFFFF";
pub(super) const BLACK: &str = "000000";

/// A colour under one name, as far as the workbook's theme is the usual one.
pub(super) fn colour(element: &BytesStart<'_>) -> Result<Option<String>, IntakeError> {
    if let Some(rgb) = attribute(element, "rgb")? {
        return Ok(rgb.get(rgb.len().saturating_sub(6)..).map(str::to_ascii_uppercase));
    }
    if let Some(number) = attribute(element, "indexed")? {
        // Those of the first eight are there twice, and can be redefined in their second place; 64 and 65 are the window's.
        return Ok(Some(match number.trim().parse::<u32>() {
            Ok(65) => WHITE.to_owned(),
            Ok(64) => BLACK.to_owned(),
            Ok(first @ 0..8) => indexed(first + 8),
            Ok(number) => indexed(number),
            Err(_) => return Ok(None),
        }));
    }
    let tint = attribute(element, "tint")?.filter(|tint| tint.parse() != Ok(0.0)).unwrap_or_default();
    Ok(attribute(element, "theme")?.map(|theme| match (theme.as_ref(), tint.as_ref()) {
        ("0", "") => WHITE.to_owned(),
        ("1", "") => BLACK.to_owned(),
        (theme, tint) => format!("theme {theme} {tint}"),
    }))
}

/// The name of a colour of the palette, and of the one that is white unless the workbook redefines it.
pub(super) fn indexed(number: u32) -> String {
    format!("indexed {number}")
}

pub(super) const INDEXED_WHITE: &str = "indexed 9";
pub(super) const INDEXED_BLACK: &str = "indexed 8";

/// Whether a colour is white in a workbook with the usual palette.
pub(super) fn is_white(colour: &str) -> bool {
    matches!(colour, WHITE | INDEXED_WHITE)
}
