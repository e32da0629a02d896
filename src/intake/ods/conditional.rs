//! Reads the conditional formats of a table of an ODS, as LibreOffice keeps them behind its rows and as styles have them
//! (`style:map`): those that may hide what a cell holds, or show a number as another one.

use super::super::conditional::{Change, holds_for_no_payee};
use super::super::damage::damaged_archive as damaged;
use super::super::problem::IntakeError;
use super::super::sheet::Merge;
use super::super::xml::attribute;
use super::styles::Styles;
use quick_xml::events::BytesStart;

/// The most areas of conditional formats.
const AREAS_MAX: usize = 1 << 20;

/// The conditional formats of a table.
#[derive(Debug, Default)]
pub(super) struct Conditional {
    /// Where numbers may show as others, and where nothing may be readable.
    pub(super) changed: Vec<Merge>,
    pub(super) hidden: Vec<Merge>,
    /// The areas of the format that began last.
    areas: Vec<Merge>,
}

impl Conditional {
    /// An element of them begins; what it may do to a number, it may do to each of its cells.
    pub(super) fn element(&mut self, element: &BytesStart<'_>, styles: &Styles) -> Result<(), IntakeError> {
        let change = match element.name().as_ref() {
            "calcext:conditional-format" => {
                self.areas = areas(&attribute(element, "calcext:target-range-address")?.unwrap_or_default());
                return Ok(());
            }
            "calcext:condition" => {
                let condition = attribute(element, "calcext:value")?.unwrap_or_default();
                let style = attribute(element, "calcext:apply-style-name")?.unwrap_or_default();
                if holds_for_no_payee(&condition) { Change::default() } else { styles.change(&style) }
            }
            "calcext:data-bar" | "calcext:icon-set" => {
                let hides = attribute(element, "calcext:show-value")?.as_deref() == Some("false");
                Change { numbers: false, hides }
            }
            _ => return Ok(()),
        };
        if change.hides {
            self.hidden.append(&mut self.areas);
        } else if change.numbers {
            self.changed.extend_from_slice(&self.areas);
        }
        if self.changed.len() + self.hidden.len() > AREAS_MAX {
            return Err(damaged("more than 1,048,576 areas of conditional formats"));
        }
        Ok(())
    }
}

/// `T.B2:T.B9 T.D2`, with names of tables that may be quoted and hold blanks and dots, as places.
fn areas(addresses: &str) -> Vec<Merge> {
    let cell = |address: &str| {
        let place = address.rsplit('.').next().unwrap_or_default().replace('$', "");
        let letters = place.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (column, row) = place.split_at(letters);
        let column = column
            .bytes()
            .try_fold(0_u32, |sum, b| sum.checked_mul(26)?.checked_add(u32::from(b.to_ascii_uppercase() - b'A') + 1));
        Some((row.parse::<u32>().ok()?.checked_sub(1)?, column?.checked_sub(1)?))
    };
    let area = |part: &str| {
        let mut ends = split_unquoted(part, |c| c == ':');
        let from = ends.next()?;
        let ((top, left), (bottom, right)) = (cell(from)?, cell(ends.next().unwrap_or(from))?);
        Some(Merge { top, left, bottom, right })
    };
    split_unquoted(addresses, char::is_whitespace).filter_map(area).collect()
}

/// The pieces between separators that stand outside of single quotes.
fn split_unquoted(text: &str, is_separator: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c: char| {
        is_quoted ^= c == '\'';
        !is_quoted && is_separator(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_read_with_the_names_of_their_tables() {
        let area = |top, left, bottom, right| Merge { top, left, bottom, right };
        for (text, expected) in [
            ("T.B2:T.B9", vec![area(1, 1, 8, 1)]),
            ("T.B2", vec![area(1, 1, 1, 1)]),
            ("'Tháng 11.a: b'.$B$2:'Tháng 11.a: b'.AA9 T.D1", vec![area(1, 1, 8, 26), area(0, 3, 0, 3)]),
            ("", vec![]),
            ("T.B0 T.:", vec![]),
        ] {
            assert_eq!(areas(text), expected, "{text}");
        }
    }
}
