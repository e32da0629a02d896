//! Judges one cell of an ODS: what it holds, and what a person sees of it.

use super::super::damage::damaged_archive as damaged;
use super::super::number_format::{self, NumberFormat};
use super::super::problem::IntakeError;
use super::super::record::{CellKind, Oddity};
use super::cell::{OdsCell, ValueType};
use super::styles::{Appearance, Styles};
use std::borrow::Cow;

/// The number of the format `0%` among those that every spreadsheet has.
const PERCENTAGE: u32 = 9;

/// The text of a cell as it is shown, and how it looks.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: String,
    /// The same without what is struck out or cannot be read.
    clear: String,
    is_struck: bool,
    is_plain: bool,
    is_faint: bool,
    is_legible: bool,
    is_raised: bool,
    is_level: bool,
}

impl Shown {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.clear.clear();
        (self.is_struck, self.is_plain, self.is_faint, self.is_legible) = (false, false, false, false);
        (self.is_raised, self.is_level) = (false, false);
    }

    pub(super) fn push(&mut self, piece: &str, look: &Appearance) {
        if piece.trim().is_empty() {
            self.text.push_str(piece);
            self.clear.push_str(piece);
            return;
        }
        let (is_struck, is_raised, is_faint) = (look.struck == Some(true), look.raised == Some(true), look.is_faint());
        if !is_struck && !is_faint {
            self.clear.push_str(piece);
        }
        self.text.push_str(piece);
        self.is_struck |= is_struck;
        self.is_plain |= !is_struck;
        self.is_faint |= is_faint;
        self.is_legible |= !is_faint;
        self.is_raised |= is_raised;
        self.is_level |= !is_raised;
    }

    /// Adds a text in which, as ODF has it, any white space is one blank.
    pub(super) fn push_collapsed(&mut self, piece: &str, look: &Appearance) {
        let mut before = 0;
        let is_collapsed = piece.bytes().all(|byte| {
            let is_doubled = byte == b' ' && before == b' ';
            before = byte;
            !is_doubled && !matches!(byte, b'\n' | b'\r' | b'\t')
        });
        if is_collapsed {
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

/// What a cell holds and shows.
pub(super) struct CellVerdict<'c> {
    pub(super) text: Cow<'c, str>,
    pub(super) seen: Option<Cow<'c, str>>,
    pub(super) kind: CellKind,
}

/// What a cell holds, by its type, its value and its text.
pub(super) fn judged<'c>(
    cell: &'c OdsCell,
    shown: &'c Shown,
    look: &Appearance,
    styles: &Styles,
) -> Result<CellVerdict<'c>, IntakeError> {
    let formula = cell.formula;
    let struck = if shown.text.is_empty() { look.struck == Some(true) } else { shown.is_struck && !shown.is_plain };
    let faint = if shown.text.is_empty() { look.is_faint() } else { shown.is_faint && !shown.is_legible };
    let kind = CellKind { formula, struck, faint, ..CellKind::default() };
    let text = Cow::Borrowed(shown.text.as_str());
    let odd = |text, oddity, seen| CellVerdict { text, seen, kind: CellKind { oddity: Some(oddity), ..kind } };
    if cell.is_error {
        return Ok(odd(text, Oddity::Error, None));
    }
    let Some(value) = cell.value() else {
        // A text without a type is one; a formula without either was never computed.
        let is_open = formula && shown.text.is_empty() && cell.value_type != ValueType::Text;
        return Ok(if is_open {
            odd(text, Oddity::NotComputed, None)
        } else {
            of_text(text, shown, look, styles, kind)
        });
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
            CellVerdict { text: Cow::Borrowed(text), seen: None, kind }
        }
        ValueType::Text | ValueType::None => {
            // The string that counts and the text that is shown, where both are there, are one.
            let is_other = !text.is_empty() && !value.split_whitespace().eq(text.split_whitespace());
            if is_other {
                odd(Cow::Borrowed(value), Oddity::Format, Some(text))
            } else {
                of_text(Cow::Borrowed(value), shown, look, styles, kind)
            }
        }
    })
}

/// A number, which its format may show as another one; and so may the text that was shown when it was saved.
fn of_number<'c>(
    number: f64,
    cell: &'c OdsCell,
    shown: &'c Shown,
    look: &Appearance,
    styles: &Styles,
    kind: CellKind,
) -> CellVerdict<'c> {
    let kind = CellKind { number: true, ..kind };
    let value = cell.value().unwrap_or_default();
    if look.format.is_none() && value == shown.text && is_whole(value) && cell.value_type == ValueType::Number {
        return CellVerdict { text: Cow::Borrowed(value), seen: None, kind };
    }
    // Display never writes an exponent, so a whole number has its digits and nothing else.
    let text = Cow::Owned(number.to_string());
    let saved = || Some(Cow::Borrowed(shown.text.as_str())).filter(|text| !text.trim().is_empty());
    let odd = |text, oddity, seen| CellVerdict { text, seen, kind: CellKind { oddity: Some(oddity), ..kind } };
    let percentage = || NumberFormat::builtin(PERCENTAGE);
    let is_percentage = cell.value_type == ValueType::Percentage;
    let shows = match look.format.as_deref().and_then(|name| styles.of_number(name, number)) {
        Some(format) if format.is_general() => number_format::Shown::AsIs,
        Some(format) => format.number(number),
        None if is_percentage => percentage().number(number),
        None => number_format::Shown::AsIs,
    };
    match shows {
        number_format::Shown::AsIs => {
            let is_same = saved().is_none_or(|saved| saved.trim() == text || number_format::shows(number, &saved));
            if is_same { CellVerdict { text, seen: None, kind } } else { odd(text, Oddity::Format, saved()) }
        }
        number_format::Shown::Other(seen) => odd(text, Oddity::Format, saved().or(Some(Cow::Owned(seen)))),
        number_format::Shown::Unclear => odd(text, Oddity::Format, saved()),
        number_format::Shown::Date => odd(text, Oddity::Date, None),
        number_format::Shown::Duration(seen) => odd(text, Oddity::Duration, saved().or(Some(Cow::Owned(seen)))),
    }
}

/// Whether digits are a whole number as it is written without a format: nearly all are.
pub(super) fn is_whole(value: &str) -> bool {
    (1..=15).contains(&value.len()) && !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text, which may be struck out, faint or raised in part, or hidden by its number format.
fn of_text<'c>(
    text: Cow<'c, str>,
    shown: &'c Shown,
    look: &Appearance,
    styles: &Styles,
    kind: CellKind,
) -> CellVerdict<'c> {
    let odd = |text, oddity, seen| CellVerdict { text, seen, kind: CellKind { oddity: Some(oddity), ..kind } };
    // A cell that is struck through as a whole is one of a row that is; a text that is, was changed.
    if shown.is_struck && (shown.is_plain || look.struck != Some(true)) {
        return odd(text, Oddity::Struck, Some(Cow::Borrowed(shown.clear.as_str())));
    }
    if shown.is_faint && shown.is_legible {
        return odd(text, Oddity::Faint, Some(Cow::Borrowed(shown.clear.as_str())));
    }
    if shown.is_raised && (shown.is_level || look.raised != Some(true)) {
        return odd(text, Oddity::Raised, None);
    }
    let format = look.format.as_deref().filter(|_| !text.is_empty());
    match format.and_then(|name| styles.of_text(name, &text)) {
        Some(seen) => odd(text, Oddity::Format, Some(Cow::Owned(seen))),
        None => CellVerdict { text, seen: None, kind },
    }
}
