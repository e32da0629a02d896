//! Opens the zip archive of a workbook within limits, and gives its parts.

use super::damage::{damaged_archive, too_large, unreadable};
use super::problem::IntakeError;
use super::xml::{self, Xml};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use zip::ZipArchive;

/// The most bytes of a workbook once it is unpacked.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// How many times larger than packed a large workbook may become; real sheets stay near 10.
const RATIO_MAX: u64 = 200;
/// From which size on the ratio counts: small workbooks of equal rows pack very well.
const RATIO_FROM: u64 = 64 << 20;

/// Where an archive comes from: a file, or what was decrypted of one.
trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// The archive of a workbook.
pub(crate) struct Archive {
    zip: ZipArchive<Box<dyn Source>>,
    /// The places of its parts, by their normalized names.
    names: HashMap<String, usize>,
    packed: u64,
    /// How many bytes of it were unpacked when it was measured.
    measured: u64,
}

/// The name of a part as it is compared: slashes as .NET on Windows does not write them, no leading one, lower case.
pub(crate) fn normalized(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// Whether so much was unpacked from so few bytes that the archive is no workbook.
pub(crate) fn is_bomb(unpacked: u64, packed: u64) -> bool {
    unpacked > UNPACKED_BYTES_MAX || (unpacked > RATIO_FROM && unpacked / packed.max(1) > RATIO_MAX)
}

/// To how many bytes an archive may unpack without being a bomb.
fn bytes_max(packed: u64) -> u64 {
    let by_ratio = packed.max(1).saturating_mul(RATIO_MAX + 1) - 1;
    by_ratio.clamp(RATIO_FROM, UNPACKED_BYTES_MAX)
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
        Ok(Self { zip, names, packed, measured: 0 })
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

    /// Unpacks the archive once to nowhere, all but one part, and looks at its XML: what the archive says of its own size
    /// proves nothing. The part that is left out is by far the largest, and is held to the same as it is read.
    pub(crate) fn measure_all_but(&mut self, left_out: &str) -> Result<(), IntakeError> {
        let left_out = self.names.get(&normalized(left_out)).copied();
        for index in (0..self.zip.len()).filter(|index| Some(*index) != left_out) {
            let entry = self.zip.by_index(index).map_err(unreadable)?;
            let is_xml = entry.name().map_err(unreadable)?.to_lowercase().ends_with(".xml");
            let room = bytes_max(self.packed) - self.measured;
            let (bytes, checked) = xml::measured(entry, is_xml, room);
            if bytes > room {
                return Err(too_large());
            }
            self.measured += bytes;
            checked?;
        }
        Ok(())
    }

    /// The first bytes of a part, as text.
    pub(crate) fn head(&mut self, name: &str) -> Result<String, IntakeError> {
        let mut head = Vec::new();
        self.named(name)?.take(256).read_to_end(&mut head).map_err(unreadable)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// A part of the archive, as XML.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Xml<impl Read>, IntakeError> {
        let room = bytes_max(self.packed) - self.measured;
        Ok(Xml::new(self.named(name)?, room))
    }

    fn named(&mut self, name: &str) -> Result<impl Read + '_, IntakeError> {
        self.part(name)?.ok_or_else(|| damaged_archive(format_args!("without its part {name}")))
    }
}
