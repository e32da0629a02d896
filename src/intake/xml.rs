//! Reads XML from the parts of a workbook: whether it is sound, and the small pieces that every reader of it needs.

use super::damage::{damaged_archive as damaged, too_large, unreadable};
use super::problem::IntakeError;
use quick_xml::events::{BytesCData, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::io::{self, BufReader, Read, Take};

/// The most bytes of one tag or text, and the deepest nesting of elements; a cell has 32,767 characters.
const TOKEN_BYTES_MAX: usize = 16 << 20;
const DEPTH_MAX: u32 = 256;

/// Reads a part to nowhere: how many bytes it unpacks to, and whether it is XML that can be read. `room`: how many bytes are
/// read at most, and one more.
pub(crate) fn measured(part: impl Read, is_xml: bool, room: u64) -> (u64, Result<(), IntakeError>) {
    if is_xml {
        let mut xml = Xml::new(part, room);
        let checked = xml.read_out();
        return (xml.total(), checked);
    }
    let mut part = Piecewise { part: part.take(room + 1), left: TOKEN_BYTES_MAX, total: 0 };
    let unpacked = unpack(&mut part);
    (part.total, unpacked)
}

/// What stands next in a part.
pub(crate) enum Piece<'b> {
    Start(BytesStart<'b>),
    /// An element that ends where it begins.
    Empty(BytesStart<'b>),
    End(BytesEnd<'b>),
    Text(BytesText<'b>),
    CData(BytesCData<'b>),
    /// `&amp;`, `&#48;`: see [`resolved`].
    Reference(BytesRef<'b>),
    /// What is no content: a comment, a declaration, an instruction.
    Aside,
    Eof,
}

/// A part as it is read, piece by piece. Refused is one that is cut off, not nested rightly or too deeply, that has a tag or
/// text which never ends, or that unpacks to more than there is room for: whoever reads it need not look at any of that.
pub(crate) struct Xml<R> {
    reader: Reader<BufReader<Piecewise<R>>>,
    depth: u32,
    room: u64,
}

impl<R: Read> Xml<R> {
    /// A part that may unpack to so many bytes.
    pub(crate) fn new(part: R, room: u64) -> Self {
        let part = Piecewise { part: part.take(room + 1), left: TOKEN_BYTES_MAX, total: 0 };
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, part));
        reader.config_mut().check_end_names = true;
        Self { reader, depth: 0, room }
    }

    /// How many bytes were unpacked so far.
    fn total(&self) -> u64 {
        self.reader.get_ref().get_ref().total
    }

    /// The next event, in the buffer, which is emptied before.
    pub(crate) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Piece<'b>, IntakeError> {
        buffer.clear();
        self.reader.get_mut().get_mut().left = TOKEN_BYTES_MAX;
        let event = self.reader.read_event_into(buffer).map_err(unreadable);
        if self.total() > self.room {
            return Err(too_large());
        }
        Ok(match event? {
            Event::Start(_) if self.depth >= DEPTH_MAX => return Err(damaged("a part of it is nested too deeply")),
            Event::Start(element) => {
                self.depth += 1;
                Piece::Start(element)
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                Piece::End(element)
            }
            Event::Eof if self.depth > 0 => return Err(damaged("a part of it is cut off")),
            Event::Eof => Piece::Eof,
            Event::Empty(element) => Piece::Empty(element),
            Event::Text(text) => Piece::Text(text),
            Event::CData(text) => Piece::CData(text),
            Event::GeneralRef(reference) => Piece::Reference(reference),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => Piece::Aside,
        })
    }

    fn read_out(&mut self) -> Result<(), IntakeError> {
        let mut buffer = Vec::with_capacity(1024);
        while !matches!(self.next(&mut buffer)?, Piece::Eof) {}
        Ok(())
    }
}

/// Unpacks a part to nowhere.
fn unpack(part: &mut Piecewise<impl Read>) -> Result<(), IntakeError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        part.left = TOKEN_BYTES_MAX;
        if part.read(&mut buffer).map_err(unreadable)? == 0 {
            return Ok(());
        }
    }
}

/// A part of which so much is read at most before it is looked at: a tag or text is kept as a whole.
struct Piecewise<R> {
    part: Take<R>,
    left: usize,
    /// How many bytes were read.
    total: u64,
}

impl<R: Read> Read for Piecewise<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.part.read(buffer)?;
        self.total += count as u64;
        self.left = self.left.checked_sub(count).ok_or_else(|| io::Error::other("a tag or text that never ends"))?;
        Ok(count)
    }
}

/// The value of an attribute, if the element has it.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, IntakeError> {
    if element.attributes_raw().is_empty() {
        return Ok(None);
    }
    let found = element.try_get_attribute(name).map_err(unreadable)?;
    found
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).map_err(unreadable))
        .transpose()
}

/// Steps over an element whose start was read.
pub(crate) fn skip<R: Read>(reader: &mut Xml<R>, name: &str) -> Result<(), IntakeError> {
    let (mut buffer, mut depth) = (Vec::new(), 1_u64);
    while depth > 0 {
        match reader.next(&mut buffer)? {
            Piece::Start(element) if element.name().as_ref() == name => depth += 1,
            Piece::End(element) if element.name().as_ref() == name => depth -= 1,
            Piece::Eof => return Err(damaged("a part of it is cut off")),
            Piece::Start(_)
            | Piece::End(_)
            | Piece::Empty(_)
            | Piece::Text(_)
            | Piece::CData(_)
            | Piece::Reference(_)
            | Piece::Aside => {}
        }
    }
    Ok(())
}

/// The characters that a reference in a text stands for.
pub(crate) fn resolved(reference: &BytesRef<'_>) -> Result<String, IntakeError> {
    if let Some(c) = reference.resolve_char_ref().map_err(unreadable)? {
        return Ok(c.to_string());
    }
    let name = reference.xml10_content();
    let text = quick_xml::escape::resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| damaged(format_args!("«&{name};» stands for nothing")))
}
