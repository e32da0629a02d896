//! Opens the parts of an XLSX package (ECMA-376 Part 2) as XML, within limits, by the names that its relationships give.
//!
//! Names are looked up as Windows programs write them, too: with backslashes, a leading slash, in another case. No more
//! is unpacked than is read, and what is read is counted: what an archive says of its own size proves nothing.

use super::super::archive::{Archive, is_bomb, normalized};
use super::super::damage::{self, too_large};
use super::super::problem::IntakeError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::QName;
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::io::{self, BufRead, Read};

/// The deepest nesting of elements that a part may have; real ones stay below 30.
const DEPTH_MAX: u32 = 256;
/// The most bytes of one tag or text, and of a text in pieces; the longest cell has 32,767 characters.
const TOKEN_BYTES_MAX: u64 = 16 << 20;
/// How much of a part is unpacked at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// The most bytes of a part that is no sheet and no list of texts: styles, relationships, tables.
const SMALL_PART_BYTES_MAX: u64 = 32 << 20;

/// A workbook that is cut off or contradicts itself, and where it does.
pub(super) fn damaged(what: impl std::fmt::Display) -> IntakeError {
    damage::damaged("XLSX", what)
}

/// The name of a part that another part names: from the root, or from the folder of that part.
pub(super) fn resolved(from: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if target.starts_with('/') {
        return normalized(&target);
    }
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(folders.pop()),
            _ => folders.push(step),
        }
    }
    normalized(&folders.join("/"))
}

/// A relationship of a part to another.
#[derive(Debug)]
pub(super) struct Relationship {
    pub(super) id: String,
    /// The last word of its type: `worksheet`, `sharedStrings`, `table`.
    pub(super) kind: String,
    pub(super) target: String,
}

/// The relationships of a part; none where it has no such list.
pub(super) fn relationships(archive: &mut Archive, part: &str) -> Result<Vec<Relationship>, IntakeError> {
    let (folder, name) = part.rsplit_once('/').map_or(("", part), |(folder, name)| (folder, name));
    let list = normalized(&format!("{folder}/_rels/{name}.rels"));
    let mut found = Vec::new();
    let Some(mut xml) = Xml::open_small(archive, &list)? else { return Ok(found) };
    let mut buffer = Vec::new();
    loop {
        let Some(event) = xml.next(&mut buffer)? else { return Ok(found) };
        let Event::Start(element) = event else { continue };
        if element.local_name().as_ref() != "Relationship" {
            continue;
        }
        let text = |name: &str| Ok::<_, IntakeError>(attribute(&element, name)?.unwrap_or_default());
        let kind = text("Type")?.rsplit('/').next().unwrap_or_default().to_owned();
        found.push(Relationship { id: text("Id")?.into_owned(), kind, target: resolved(part, &text("Target")?) });
    }
}

/// The XML of one part, event by event.
pub(super) struct Xml<R: Read> {
    reader: Reader<Counted<R>>,
    name: String,
    depth: u32,
}

impl<'a> Xml<Box<dyn Read + 'a>> {
    /// Opens a part; nothing where there is none of this name.
    pub(super) fn open(archive: &'a mut Archive, name: &str) -> Result<Option<Self>, IntakeError> {
        let packed = archive.packed();
        let Some(part) = archive.part(name)? else { return Ok(None) };
        Ok(Some(Xml::new(Box::new(part), name, packed)))
    }

    /// Opens a part all of which is kept, so that it must not be large.
    pub(super) fn open_small(archive: &'a mut Archive, name: &str) -> Result<Option<Self>, IntakeError> {
        let mut xml = Self::open(archive, name)?;
        if let Some(xml) = &mut xml {
            xml.reader.get_mut().bytes_max = SMALL_PART_BYTES_MAX;
        }
        Ok(xml)
    }
}

impl<R: Read> Xml<R> {
    fn new(part: R, name: &str, packed: u64) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let (at, end) = (0, 0);
        let counted =
            Counted { part, buffer, at, end, packed, bytes_max: u64::MAX, total: 0, token: 0, is_over: false };
        let mut reader = Reader::from_reader(counted);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, name: name.to_owned(), depth: 0 }
    }

    /// The next event; nothing at the end of the part. An empty element is a start and an end.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Option<Event<'b>>, IntakeError> {
        buffer.clear();
        self.reader.get_mut().token = 0;
        let Ok(event) = self.reader.read_event_into(buffer) else {
            return Err(if self.reader.get_mut().is_over {
                too_large()
            } else {
                damaged(format_args!("its part {} is no XML", self.name))
            });
        };
        match &event {
            Event::Start(_) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(damaged(format_args!("its part {} is nested too deeply", self.name)));
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Eof if self.depth > 0 => return Err(self.cut_off()),
            Event::Eof => return Ok(None),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
        Ok(Some(event))
    }

    fn cut_off(&self) -> IntakeError {
        damaged(format_args!("its part {} is cut off", self.name))
    }

    /// Passes over the rest of the element that began last.
    pub(super) fn skip(&mut self, buffer: &mut Vec<u8>) -> Result<(), IntakeError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.next(buffer)?.is_none() {
                return Err(self.cut_off());
            }
        }
        Ok(())
    }

    /// Adds the text of the element that began last, references, comments and CDATA in it read as XML has them.
    pub(super) fn text(&mut self, buffer: &mut Vec<u8>, text: &mut String) -> Result<(), IntakeError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            let depth = self.depth;
            let Some(event) = self.next(buffer)? else { return Err(self.cut_off()) };
            if text.len() as u64 > TOKEN_BYTES_MAX {
                return Err(too_large());
            }
            match event {
                Event::Text(piece) => text.push_str(&piece.xml10_content()),
                Event::CData(piece) => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(reference) => {
                    let of_char = reference.resolve_char_ref().ok().flatten();
                    match of_char.or_else(|| named_reference(&reference)) {
                        Some(c) => text.push(c),
                        None => return Err(damaged(format_args!("an unknown &{};", &*reference))),
                    }
                }
                Event::Start(_) => {
                    return Err(damaged(format_args!("an element inside a value, at depth {depth}")));
                }
                Event::End(_)
                | Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::Eof => {}
            }
        }
        Ok(())
    }
}

fn named_reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// The name of an element without its prefix, which hardly any has.
pub(super) fn local<'n>(name: QName<'n>) -> &'n str {
    let name = name.into_inner();
    if name.len() < 3 { name } else { name.split_once(':').map_or(name, |(_, local)| local) }
}

/// An attribute by its name, whatever its prefix.
pub(super) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Result<Option<Cow<'e, str>>, IntakeError> {
    if element.attributes_raw().is_empty() {
        return Ok(None);
    }
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| damaged("an attribute that is no XML"))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return value.map(Some).map_err(|_| damaged("an attribute with an unknown reference"));
        }
    }
    Ok(None)
}

/// Whether an attribute says yes, in the spellings of XML Schema.
pub(super) fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| matches!(value.trim(), "1" | "true" | "on"))
}

/// Counts what is unpacked, and stops at the limits. With a buffer of its own: the XML is asked for a few bytes at a time, and
/// what gives them has to be small enough to be part of what asks.
struct Counted<R> {
    part: R,
    buffer: Box<[u8]>,
    /// What of the buffer was not read yet.
    at: usize,
    end: usize,
    packed: u64,
    bytes_max: u64,
    total: u64,
    token: u64,
    is_over: bool,
}

impl<R: Read> Counted<R> {
    #[cold]
    fn fill(&mut self) -> io::Result<()> {
        let read = self.part.read(&mut self.buffer)?;
        self.total += read as u64;
        self.token += read as u64;
        let is_over = self.total > self.bytes_max || self.token > TOKEN_BYTES_MAX;
        if is_over || is_bomb(self.total, self.packed) {
            self.is_over = true;
            return Err(io::Error::other("over a limit"));
        }
        (self.at, self.end) = (0, read);
        Ok(())
    }
}

impl<R: Read> BufRead for Counted<R> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.at..self.end])
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.at = self.end.min(self.at + count);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_from_the_root_or_from_a_folder() {
        for (from, target, name) in [
            ("xl/workbook.xml", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl/workbook.xml", "/xl/worksheets/Sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl/workbook.xml", "worksheets\\sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl/worksheets/sheet1.xml", "../tables/table1.xml", "xl/tables/table1.xml"),
            ("", "xl/workbook.xml", "xl/workbook.xml"),
            ("xl/workbook.xml", "../../../x.xml", "x.xml"),
        ] {
            assert_eq!(resolved(from, target), name, "{from} {target}");
        }
    }

    fn text_of(xml: &str) -> Result<String, IntakeError> {
        let mut xml = Xml::new(xml.as_bytes(), "part.xml", 1);
        let (mut buffer, mut text) = (Vec::new(), String::new());
        while let Some(event) = xml.next(&mut buffer)? {
            if matches!(event, Event::Start(_)) {
                xml.text(&mut buffer, &mut text)?;
            }
        }
        Ok(text)
    }

    #[test]
    fn the_text_of_an_element_is_read_as_xml_has_it() {
        for (xml, text) in [
            ("<v>500&#48;0</v>", Some("50000")),
            ("<v>700<!-- x -->00</v>", Some("70000")),
            ("<v>5<![CDATA[00]]>&amp;&#x30;</v>", Some("500&0")),
            ("<v/>", Some("")),
            ("<v>5<?pi x?>0</v>", Some("50")),
            ("<v>5&x;</v>", None),
            ("<v>5<b>0</b></v>", None),
            ("<v>5", None),
            ("<v>5</w>", None),
        ] {
            assert_eq!(text_of(xml).ok().as_deref(), text, "{xml}");
        }
        assert!(text_of(&"<a>".repeat(1000)).is_err());
        let long = format!("<v>{}</v>", "5".repeat(17 << 20));
        assert!(text_of(&long).unwrap_err().to_string().contains("1 GiB"));
    }
}
