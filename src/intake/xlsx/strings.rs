//! Reads texts of an XLSX, shared and inline ones, with what a person sees of their runs.

use super::super::archive::Archive;
use super::super::problem::{IntakeError, ProblemKind};
use super::super::record::Oddity;
use super::colour::{SIZE_MIN, colour, is_white};
use super::package::{Xml, attribute, local};
use quick_xml::events::{BytesStart, Event};
use std::io::Read;

/// The most bytes of all shared texts, with what is kept beside them.
const SHARED_BYTES_MAX: usize = 96 << 20;
/// The most bytes of one text; the longest cell has 32,767 characters.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// One text, put together of its runs.
#[derive(Debug, Default)]
pub(super) struct RichText {
    pub(super) text: String,
    /// The text without its struck-out and faint runs.
    pub(super) seen: String,
    pub(super) oddity: Option<Oddity>,
    /// Whether some run is formatted apart from the cell.
    pub(super) is_rich: bool,
}

/// How one run is formatted.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    struck: bool,
    raised: bool,
    /// White, or too small: which cells are white is not known here.
    faint: bool,
}

impl RichText {
    /// Reads the texts of the element that began last, `si` or `is`.
    pub(super) fn read<R: Read>(&mut self, xml: &mut Xml<R>, buffer: &mut Vec<u8>) -> Result<(), IntakeError> {
        self.text.clear();
        self.seen.clear();
        (self.oddity, self.is_rich) = (None, false);
        let (mut run, mut piece, mut depth) = (Run::default(), String::new(), 1_u32);
        while depth > 0 {
            let Some(event) = xml.next(buffer)? else { break };
            match event {
                Event::Start(element) => match local(element.name()) {
                    "t" => {
                        let keeps = attribute(&element, "space")?.as_deref() == Some("preserve");
                        piece.clear();
                        xml.text(buffer, &mut piece)?;
                        let piece = if keeps { &piece } else { piece.trim_matches([' ', '\t', '\r', '\n']) };
                        self.add(&unescaped(piece), run);
                        if self.text.len() > TEXT_BYTES_MAX {
                            return Err(limit("needs at most 32,767 characters in a cell, has more; shorten it"));
                        }
                        continue;
                    }
                    // How a text is pronounced is no part of it.
                    "rPh" => {
                        xml.skip(buffer)?;
                        continue;
                    }
                    "r" => run = Run::default(),
                    "rPr" => self.is_rich = true,
                    "strike" | "dstrike" => run.struck |= is_set(&element)?,
                    "color" => run.faint |= colour(&element)?.as_deref().is_some_and(is_white),
                    "sz" => {
                        let size = attribute(&element, "val")?.and_then(|size| size.trim().parse::<f64>().ok());
                        run.faint |= size.is_some_and(|size| size > 0.0 && size < SIZE_MIN);
                    }
                    "vertAlign" => {
                        let place = attribute(&element, "val")?;
                        run.raised |= matches!(place.as_deref(), Some("superscript" | "subscript"));
                    }
                    _ => {}
                },
                Event::End(_) => {
                    depth -= 1;
                    continue;
                }
                Event::Empty(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_)
                | Event::Eof => continue,
            }
            depth += 1;
        }
        Ok(())
    }

    fn add(&mut self, piece: &str, run: Run) {
        self.text.push_str(piece);
        let is_blank = piece.trim().is_empty();
        if (run.struck || run.faint) && !is_blank {
            let is_struck = run.struck || self.oddity == Some(Oddity::Struck);
            self.oddity = Some(if is_struck { Oddity::Struck } else { Oddity::Faint });
            return;
        }
        self.seen.push_str(piece);
        if run.raised && !is_blank {
            self.oddity = self.oddity.or(Some(Oddity::Raised));
        }
    }
}

/// Whether an element such as `<strike/>` holds: it does unless it says otherwise.
pub(super) fn is_set(element: &BytesStart<'_>) -> Result<bool, IntakeError> {
    Ok(!matches!(attribute(element, "val")?.as_deref(), Some("0" | "false" | "off")))
}

/// The texts that cells name by number, back to back.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
    /// The texts of which a person sees another thing, in order; what they see lies back to back in `seen`.
    odd: Vec<Odd>,
    seen: String,
    /// The texts with runs of their own.
    rich: Vec<u32>,
}

/// A text of which a person sees another thing, up to where that stands.
#[derive(Clone, Copy, Debug)]
struct Odd {
    at: u32,
    seen_end: u32,
    oddity: Oddity,
}

fn limit(message: &str) -> IntakeError {
    IntakeError::file(ProblemKind::Limit, message)
}

impl Strings {
    /// Reads the part of shared texts.
    pub(super) fn read(archive: &mut Archive, part: &str) -> Result<Self, IntakeError> {
        let mut strings = Self::default();
        let Some(mut xml) = Xml::open(archive, part)? else { return Ok(strings) };
        let (mut buffer, mut rich) = (Vec::new(), RichText::default());
        while let Some(event) = xml.next(&mut buffer)? {
            if matches!(&event, Event::Start(element) if local(element.name()) == "si") {
                rich.read(&mut xml, &mut buffer)?;
                strings.push(&rich)?;
            }
        }
        Ok(strings)
    }

    fn push(&mut self, rich: &RichText) -> Result<(), IntakeError> {
        let at = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(&rich.text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        if let Some(oddity) = rich.oddity {
            self.seen.push_str(&rich.seen);
            self.odd.push(Odd { at, seen_end: u32::try_from(self.seen.len()).unwrap_or(u32::MAX), oddity });
        }
        if rich.is_rich {
            self.rich.push(at);
        }
        let beside = size_of_val(self.ends.as_slice()) + size_of_val(self.odd.as_slice());
        if self.text.len() + self.seen.len() + beside + size_of_val(self.rich.as_slice()) > SHARED_BYTES_MAX {
            return Err(limit("needs at most 96 MiB of different texts, has more; split the file, or save it as CSV"));
        }
        Ok(())
    }

    /// The text of a number.
    pub(super) fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start as usize..end as usize])
    }

    /// What a person sees of it, where that is another thing.
    pub(super) fn odd(&self, at: usize) -> Option<(Oddity, &str)> {
        let place = self.odd.binary_search_by_key(&u32::try_from(at).ok()?, |odd| odd.at).ok()?;
        let start = place.checked_sub(1).map_or(0, |before| self.odd[before].seen_end);
        let odd = self.odd[place];
        Some((odd.oddity, &self.seen[start as usize..odd.seen_end as usize]))
    }

    /// Whether some of its runs are formatted apart from the cell.
    pub(super) fn is_rich(&self, at: usize) -> bool {
        u32::try_from(at).is_ok_and(|at| self.rich.binary_search(&at).is_ok())
    }
}

/// A text with its characters in place of their escapes: `_x000D_` is CR (ECMA-376 Part 1, 22.9.2.19).
pub(super) fn unescaped(text: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'_', text.as_bytes()).is_none() {
        return text.into();
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let code =
            escape.get(2..6).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()) && escape[6..].starts_with('_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()) {
            Some(code) => {
                // Half of a pair is no character by itself; nobody writes emoji so where it counts.
                plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &escape[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &escape[2..];
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_characters() {
        for (text, plain) in [
            ("a", "a"),
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xZZZZ_", "_xZZZZ_"),
            ("_x00", "_x00"),
            ("a_xđ_", "a_xđ_"),
        ] {
            assert_eq!(unescaped(text), plain, "{text}");
        }
    }
}
