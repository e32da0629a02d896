//! Looks into the zip archive of a workbook: its size unpacked, and what is hidden in its sheets.

use super::problem::{IntakeError, ProblemKind};
use super::sheet::COLUMNS_MAX;
use super::workbook;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
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

/// What kind of workbook an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Xlsx,
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

/// The archive of a workbook, measured.
pub(crate) struct Archive {
    zip: ZipArchive<BufReader<File>>,
}

/// The refusal of a workbook that is not whole.
pub(crate) fn damaged(error: impl std::fmt::Display) -> IntakeError {
    let message = format!(
        "needs a whole workbook, has one that is cut off or damaged ({error}); open it in Excel and save it again"
    );
    IntakeError::file(ProblemKind::NotASpreadsheet, message)
}

impl Archive {
    /// Opens an archive and unpacks it once to nowhere: what the archive says of its own size proves nothing.
    pub(crate) fn open(path: &Path) -> Result<Self, IntakeError> {
        let file = File::open(path).map_err(|error| IntakeError::io(path, error))?;
        let packed = file.metadata().map_err(|error| IntakeError::io(path, error))?.len();
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        let (mut unpacked, mut xml) = (0, Vec::new());
        for index in 0..zip.len() {
            let entry = zip.by_index(index).map_err(damaged)?;
            let room = UNPACKED_BYTES_MAX - unpacked;
            let name = entry.name().map_err(damaged)?.to_lowercase();
            let part = std::io::copy(&mut entry.take(room + 1), &mut std::io::sink()).map_err(damaged)?;
            unpacked += part;
            if unpacked > UNPACKED_BYTES_MAX || (unpacked > RATIO_FROM && unpacked / packed.max(1) > RATIO_MAX) {
                let message = "needs a workbook of at most 1 GiB unpacked, and no more than 200 times its size, has a larger \
                               one (a zip bomb?); save it as CSV";
                return Err(IntakeError::file(ProblemKind::Limit, message));
            }
            if name.ends_with(".xml") || name.ends_with(".rels") {
                xml.push((index, part));
            }
        }
        if is_encrypted(&mut zip)? {
            return Err(workbook::encrypted());
        }
        for (index, bytes) in xml {
            check_xml(zip.by_index(index).map_err(damaged)?, bytes)?;
        }
        Ok(Self { zip })
    }

    /// Tells the formats apart by what is in them, whatever the file is called.
    pub(crate) fn kind(&mut self) -> Result<Kind, IntakeError> {
        let has = |zip: &ZipArchive<_>, name: &str| zip.index_for_name(name).is_some();
        if has(&self.zip, "xl/workbook.bin") {
            let message = "needs XLSX, XLS, ODS or CSV, has XLSB; save it as XLSX";
            return Err(IntakeError::file(ProblemKind::NotASpreadsheet, message));
        }
        if has(&self.zip, "xl/workbook.xml") {
            return Ok(Kind::Xlsx);
        }
        if has(&self.zip, "content.xml") {
            return Ok(Kind::Ods);
        }
        let message = "needs a spreadsheet, has a zip archive of something else; unpack it, or export the spreadsheet";
        Err(IntakeError::file(ProblemKind::NotASpreadsheet, message))
    }

    /// Whether the archive has a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The first bytes of a part, as text.
    pub(crate) fn head(&mut self, name: &str) -> Result<String, IntakeError> {
        let mut head = Vec::new();
        self.zip.by_name(name).map_err(damaged)?.take(256).read_to_end(&mut head).map_err(damaged)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    /// A part of the archive, as XML.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Reader<impl BufRead>, IntakeError> {
        let entry = self.zip.by_name(name).map_err(damaged)?;
        Ok(reader(entry))
    }

    /// What is hidden in a worksheet of an XLSX: the library that reads the cells does not say.
    pub(crate) fn hidden_in_xlsx(&mut self, sheet: &str) -> Result<Hidden, IntakeError> {
        let mut id = None;
        each_element(self.xml("xl/workbook.xml")?, |element| {
            if element.local_name().as_ref() == "sheet" && attribute(element, "name")?.as_deref() == Some(sheet) {
                id = attribute(element, "r:id")?.or(attribute(element, "id")?);
            }
            Ok(())
        })?;
        let mut target = None;
        each_element(self.xml("xl/_rels/workbook.xml.rels")?, |element| {
            if element.local_name().as_ref() == "Relationship" && id.is_some() && attribute(element, "Id")? == id {
                target = attribute(element, "Target")?;
            }
            Ok(())
        })?;
        let target = target.ok_or_else(|| damaged("a sheet without its part"))?;
        let part = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("xl/{target}"),
        };
        let mut hidden = Hidden::default();
        let (mut row, mut rows_by_default) = (0, false);
        each_element(self.xml(&part)?, |element| {
            match element.local_name().as_ref() {
                "sheetFormatPr" => rows_by_default = hidden.note_defaults(element)?,
                "col" => hidden.note_columns(element)?,
                "row" => {
                    // Rows without a number follow the one before.
                    row = attribute(element, "r")?.and_then(|number| number.parse().ok()).unwrap_or(row + 1);
                    if is_row_hidden(element, rows_by_default)? {
                        hidden.rows.insert(u32::saturating_sub(row, 1));
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(hidden)
    }
}

impl Hidden {
    /// What holds for rows and columns of an XLSX that say nothing of their own; whether rows are hidden then.
    fn note_defaults(&mut self, element: &BytesStart<'_>) -> Result<bool, IntakeError> {
        if is_zero(attribute(element, "defaultColWidth")?.as_deref()) {
            self.columns.extend(0..COLUMNS_MAX);
        }
        Ok(is_true(attribute(element, "zeroHeight")?) || is_zero(attribute(element, "defaultRowHeight")?.as_deref()))
    }

    fn note_columns(&mut self, element: &BytesStart<'_>) -> Result<(), IntakeError> {
        let width = attribute(element, "width")?;
        let is_hidden = is_zero(width.as_deref()) || is_true(attribute(element, "hidden")?);
        let bound = |number: Option<String>| number.and_then(|number| number.parse::<u32>().ok()).unwrap_or(1);
        let (first, last) = (bound(attribute(element, "min")?), bound(attribute(element, "max")?));
        let columns = first.saturating_sub(1)..last.min(COLUMNS_MAX);
        if is_hidden {
            self.columns.extend(columns);
        } else if width.is_some() {
            self.columns.retain(|column| !columns.contains(column));
        }
        Ok(())
    }
}

/// Whether nobody sees a row of an XLSX. Where rows are hidden by default, one is seen only if it says so itself.
fn is_row_hidden(element: &BytesStart<'_>, by_default: bool) -> Result<bool, IntakeError> {
    let (height, hidden) = (attribute(element, "ht")?, attribute(element, "hidden")?);
    let says_nothing = height.is_none() && hidden.is_none();
    Ok(is_zero(height.as_deref()) || is_true(hidden) || (by_default && says_nothing))
}

/// Whether the parts of an ODS are encrypted, which its list of parts says of each of them; where it is one part that
/// holds the others, the list names that.
fn is_encrypted(zip: &mut ZipArchive<BufReader<File>>) -> Result<bool, IntakeError> {
    let Some(index) = zip.index_for_name("META-INF/manifest.xml") else { return Ok(false) };
    let mut manifest = Vec::new();
    zip.by_index(index).map_err(damaged)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut manifest).map_err(damaged)?;
    Ok(memchr::memmem::find(&manifest, b"encryption-data").is_some())
}

/// Refuses a part that is cut off or not nested rightly, and a list of shared texts that says it is longer than it can
/// be: the library that reads the cells goes on without end in the one, and makes room for what the other says.
fn check_xml(part: impl Read, bytes: u64) -> Result<(), IntakeError> {
    let mut reader = reader(part);
    reader.config_mut().check_end_names = true;
    let (mut buffer, mut depth) = (Vec::with_capacity(1024), 0_i64);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(damaged)?;
        if let Event::Start(element) = &event {
            depth += 1;
            let says = if element.local_name().as_ref() == "sst" { attribute(element, "uniqueCount")? } else { None };
            if says.is_some_and(|count| count.trim().parse::<u64>().is_ok_and(|count| count > bytes)) {
                return Err(damaged("its shared texts are fewer than it says"));
            }
        } else if matches!(event, Event::End(_)) {
            depth -= 1;
        } else if matches!(event, Event::Eof) {
            return if depth == 0 { Ok(()) } else { Err(damaged("a part of it is cut off")) };
        }
    }
}

fn reader<R: Read>(part: R) -> Reader<BufReader<R>> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, part));
    reader.config_mut().check_end_names = false;
    reader
}

fn each_element(
    mut reader: Reader<impl BufRead>,
    mut visit: impl FnMut(&BytesStart<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let mut buffer = Vec::with_capacity(1024);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(damaged)?;
        if let Event::Start(element) | Event::Empty(element) = &event {
            visit(element)?;
        } else if matches!(event, Event::Eof) {
            return Ok(());
        }
    }
}

/// The value of an attribute, if the element has it.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, IntakeError> {
    let found = element.try_get_attribute(name).map_err(damaged)?;
    found
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).map_err(damaged))
        .transpose()
}

fn is_zero(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.trim().parse() == Ok(0.0))
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on"))
}
