//! Opens the zip archive of a workbook within limits: its size unpacked, its kind, and its parts.

use super::problem::{IntakeError, ProblemKind};
use super::workbook;
use super::xlsx;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use zip::ZipArchive;

/// The most bytes of a workbook once it is unpacked.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// How many times larger than packed a large workbook may become; real sheets stay near 10.
const RATIO_MAX: u64 = 200;
/// From which size on the ratio counts: small workbooks of equal rows pack very well.
const RATIO_FROM: u64 = 64 << 20;

/// How much of the list of parts of an ODS is looked at; one has a line for each part.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// The most bytes of one tag or text, and the deepest nesting of elements; a cell has 32,767 characters.
const TOKEN_BYTES_MAX: usize = 16 << 20;
const DEPTH_MAX: u32 = 256;

/// What kind of workbook an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An XLSX, with the name of the part that lists its sheets.
    Xlsx(String),
    Ods,
}

/// Rows and columns that a person who looks at the sheet does not see, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) rows: BTreeSet<u32>,
    /// Those of the rows that a filter hides.
    pub(crate) filtered: BTreeSet<u32>,
    pub(crate) columns: BTreeSet<u32>,
}

/// Where an archive comes from: a file, or what was decrypted of one.
trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// The archive of a workbook.
pub(crate) struct Archive {
    zip: ZipArchive<Box<dyn Source>>,
    /// The places of its parts, by their normalized names.
    names: HashMap<String, usize>,
    packed: u64,
}

/// The name of a part as it is compared: slashes as .NET on Windows does not write them, no leading one, lower case.
pub(crate) fn normalized(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// Whether so much was unpacked from so few bytes that the archive is no workbook.
pub(crate) fn is_bomb(unpacked: u64, packed: u64) -> bool {
    unpacked > UNPACKED_BYTES_MAX || (unpacked > RATIO_FROM && unpacked / packed.max(1) > RATIO_MAX)
}

/// The refusal of an archive that unpacks to too much.
pub(crate) fn too_large() -> IntakeError {
    let message = "needs a workbook of at most 1 GiB unpacked, and no more than 200 times its size, has a larger one (a zip \
                   bomb?); save it as CSV";
    IntakeError::file(ProblemKind::Limit, message)
}

/// The refusal of a workbook that is not whole.
pub(crate) fn damaged(error: impl std::fmt::Display) -> IntakeError {
    let message = format!(
        "needs a whole workbook, has one that is cut off or damaged ({error}); open it in Excel and save it again"
    );
    IntakeError::file(ProblemKind::NotASpreadsheet, message)
}

/// The same for what a library could not read: what it says of that is for its authors.
pub(crate) fn unreadable(_: impl std::error::Error) -> IntakeError {
    damaged("a part of it cannot be read")
}

impl Archive {
    /// Opens an archive. One that says itself that it unpacks to too much is not unpacked at all.
    pub(crate) fn open(path: &Path) -> Result<Self, IntakeError> {
        let file = File::open(path).map_err(|error| IntakeError::io(path, error))?;
        let packed = file.metadata().map_err(|error| IntakeError::io(path, error))?.len();
        Self::of(Box::new(BufReader::new(file)), packed)
    }

    /// The same of what is in memory already.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Result<Self, IntakeError> {
        let packed = bytes.len() as u64;
        Self::of(Box::new(Cursor::new(bytes)), packed)
    }

    fn of(source: Box<dyn Source>, packed: u64) -> Result<Self, IntakeError> {
        let zip = ZipArchive::new(source).map_err(unreadable)?;
        let (mut names, mut unpacked) = (HashMap::with_capacity(zip.len()), 0_u64);
        for index in 0..zip.len() {
            unpacked = unpacked.saturating_add(zip.by_index_data(index).map_err(unreadable)?.size());
            let name = zip.name_for_index(index).transpose().map_err(unreadable)?.unwrap_or_default();
            names.entry(normalized(&name)).or_insert(index);
        }
        if is_bomb(unpacked, packed) {
            return Err(too_large());
        }
        Ok(Self { zip, names, packed })
    }

    /// How many bytes the archive has.
    pub(crate) fn packed(&self) -> u64 {
        self.packed
    }

    /// Whether there is a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&normalized(name))
    }

    /// Opens a part; nothing where there is none of this name.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<impl Read + '_>, IntakeError> {
        let Some(index) = self.names.get(&normalized(name)) else { return Ok(None) };
        self.zip.by_index(*index).map(Some).map_err(unreadable)
    }

    /// Unpacks the archive once to nowhere, and looks at its XML: what the archive says of its own size proves nothing.
    pub(crate) fn measure(&mut self) -> Result<(), IntakeError> {
        let mut unpacked = 0;
        for index in 0..self.zip.len() {
            let entry = self.zip.by_index(index).map_err(unreadable)?;
            let room = UNPACKED_BYTES_MAX - unpacked;
            let name = entry.name().map_err(unreadable)?.to_lowercase();
            let mut part = Piecewise { part: entry.take(room + 1), left: TOKEN_BYTES_MAX, total: 0 };
            let checked = if name.ends_with(".xml") { check_xml(&mut part) } else { unpack(&mut part) };
            unpacked += part.total;
            if is_bomb(unpacked, self.packed) {
                return Err(too_large());
            }
            checked?;
        }
        Ok(())
    }

    /// Whether the parts of an ODS are encrypted, which its list of parts says of each of them; where it is one part that
    /// holds the others, the list names that.
    fn is_encrypted(&mut self) -> Result<bool, IntakeError> {
        let Some(part) = self.part("META-INF/manifest.xml")? else { return Ok(false) };
        let mut manifest = Vec::new();
        part.take(MANIFEST_BYTES_MAX).read_to_end(&mut manifest).map_err(unreadable)?;
        Ok(memchr::memmem::find(&manifest, b"encryption-data").is_some())
    }

    /// Tells the formats apart by what is in them, whatever the file is called.
    pub(crate) fn kind(&mut self) -> Result<Kind, IntakeError> {
        if self.is_encrypted()? {
            return Err(workbook::encrypted());
        }
        if self.has("content.xml") {
            return Ok(Kind::Ods);
        }
        let Some(part) = xlsx::main_part(self)? else {
            let message =
                "needs a spreadsheet, has a zip archive of something else; unpack it, or export the spreadsheet";
            return Err(IntakeError::file(ProblemKind::NotASpreadsheet, message));
        };
        let is_not = |what: &str| {
            let message = format!("needs XLSX, XLS, ODS or CSV, has {what}");
            Err(IntakeError::file(ProblemKind::NotASpreadsheet, message))
        };
        match part.as_str() {
            part if part.ends_with(".bin") => is_not("XLSB; save it as XLSX"),
            part if part.starts_with("word/") => is_not("a text document (DOCX); export the list as a spreadsheet"),
            part if part.starts_with("ppt/") => is_not("slides (PPTX); export the list as a spreadsheet"),
            _ => Ok(Kind::Xlsx(part)),
        }
    }

    /// The first bytes of a part, as text.
    pub(crate) fn head(&mut self, name: &str) -> Result<String, IntakeError> {
        let mut head = Vec::new();
        self.named(name)?.take(256).read_to_end(&mut head).map_err(unreadable)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// A part of the archive, as XML.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Reader<impl BufRead>, IntakeError> {
        Ok(reader(self.named(name)?))
    }

    fn named(&mut self, name: &str) -> Result<impl Read + '_, IntakeError> {
        self.part(name)?.ok_or_else(|| damaged(format_args!("without its part {name}")))
    }
}

/// Refuses a part that is cut off, not nested rightly or too deeply, or has a tag or text that never ends: whoever reads
/// it then need not look at any of that.
fn check_xml(part: &mut Piecewise<impl Read>) -> Result<(), IntakeError> {
    let mut reader = reader(part);
    reader.config_mut().check_end_names = true;
    let (mut buffer, mut depth) = (Vec::with_capacity(1024), 0_u32);
    loop {
        buffer.clear();
        reader.get_mut().get_mut().left = TOKEN_BYTES_MAX;
        match reader.read_event_into(&mut buffer).map_err(unreadable)? {
            Event::Start(_) if depth >= DEPTH_MAX => return Err(damaged("a part of it is nested too deeply")),
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err(damaged("a part of it is cut off")),
            Event::Eof => return Ok(()),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
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
    part: R,
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

fn reader<R: Read>(part: R) -> Reader<BufReader<R>> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, part));
    reader.config_mut().check_end_names = false;
    reader
}

/// The value of an attribute, if the element has it.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, IntakeError> {
    let found = element.try_get_attribute(name).map_err(unreadable)?;
    found
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).map_err(unreadable))
        .transpose()
}
