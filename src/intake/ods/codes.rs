//! Puts the number formats of an ODS (OpenDocument 1.3, part 3, 16.29) together as the codes that Excel has for them.

use super::super::damage::{damaged_archive as damaged, unreadable};
use super::super::problem::IntakeError;
use super::super::xml::{Piece, Xml, attribute};
use quick_xml::events::BytesStart;
use std::io::Read;

/// The code of a format, piece by piece.
pub(super) struct Code {
    pub(super) code: String,
    /// The formats that hold instead of it: a condition, and a name.
    pub(super) instead: Vec<(String, String)>,
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
    pub(super) fn new(element: &BytesStart<'_>) -> Result<Self, IntakeError> {
        Ok(Self {
            code: String::new(),
            instead: Vec::new(),
            is_percentage: element.name().as_ref() == "number:percentage-style",
            is_duration: attribute(element, "number:truncate-on-overflow")?.as_deref() == Some("false"),
            digits: Vec::new(),
            decimals: 0,
            text: String::new(),
        })
    }

    pub(super) fn read<R: Read>(&mut self, reader: &mut Xml<R>, end: &str) -> Result<(), IntakeError> {
        let (mut buffer, mut embedded_at) = (Vec::new(), 0);
        loop {
            match reader.next(&mut buffer)? {
                Piece::Start(part) => {
                    self.text.clear();
                    if part.name().as_ref() == "number:embedded-text" {
                        let position = attribute(&part, "number:position")?.and_then(|at| at.parse().ok());
                        embedded_at = position.unwrap_or(0);
                    } else {
                        self.element(&part)?;
                    }
                }
                Piece::Empty(part) => {
                    self.text.clear();
                    let name = part.name().as_ref().to_owned();
                    self.element(&part)?;
                    self.end(&name, 0);
                }
                Piece::Text(text) => self.text.push_str(&text.xml10_content()),
                Piece::Reference(reference) => {
                    let resolved = reference.resolve_char_ref().map_err(unreadable)?;
                    let named = || quick_xml::escape::resolve_predefined_entity(&reference.xml10_content());
                    match resolved {
                        Some(c) => self.text.push(c),
                        None => self.text.push_str(named().unwrap_or("?")),
                    }
                }
                Piece::End(part) if part.name().as_ref() == end => return Ok(()),
                Piece::End(part) => self.end(part.name().as_ref(), embedded_at),
                Piece::Eof => return Err(damaged("its number formats are cut off")),
                Piece::CData(_) | Piece::Aside => {}
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
            "number:minutes" if self.is_duration && self.code.is_empty() => "[mm]",
            "number:minutes" => "mm",
            "number:seconds" if self.is_duration && self.code.is_empty() => "[ss]",
            "number:seconds" => "ss",
            "style:map" => {
                if let (Some(condition), Some(name)) =
                    (attribute(part, "style:condition")?, attribute(part, "style:apply-style-name")?)
                {
                    self.instead.push((condition, name));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.code.push_str(code);
        if part.name().as_ref() == "number:seconds"
            && let Some(places) = count("number:decimal-places")?.filter(|places| *places > 0)
        {
            self.code.push('.');
            self.code.extend(std::iter::repeat_n('0', places));
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
            "number:number" => self.code.extend(self.digits.drain(..)),
            "number:text" if self.is_percentage && text.trim() == "%" => self.code.push('%'),
            "number:text" => self.code.push_str(&quoted(&text)),
            "number:currency-symbol" if !text.is_empty() => self.code.push_str(&format!("[${text}]")),
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
