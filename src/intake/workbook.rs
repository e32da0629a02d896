//! Opens XLSX, XLS and ODS within limits, and packs the sheet that is to be paid.

use super::archive::Archive;
use super::choice::{Choice, Wanted, choose};
use super::compound::{self, Contents};
use super::damage::{damaged, encrypted, unreadable};
use super::file::Container;
use super::ods::Ods;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::sheet::{HEAD_ROWS, Sheet};
use super::{xls, xlsx};
use crate::caught::caught;
use std::io::Read;
use std::path::Path;

/// The largest workbook, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A sheet, and why nothing may be paid from it before its name is said.
pub(crate) type Found = (Sheet, Option<Problem>);

fn refuse(kind: ProblemKind, message: impl Into<String>) -> IntakeError {
    IntakeError::file(kind, message)
}

/// Reads the sheet that is asked for, or the first visible one; also says which format it was.
pub(crate) fn read(
    path: &Path,
    file_bytes: u64,
    container: Container,
    wanted: Wanted<'_>,
) -> Result<(&'static str, Found), IntakeError> {
    if file_bytes > FILE_BYTES_MAX {
        let message =
            format!("needs a workbook of at most 64 MiB, has {file_bytes} bytes; split it, or save it as CSV");
        return Err(refuse(ProblemKind::Limit, message));
    }
    // The libraries below are given what a stranger sent: a panic in them is a damaged file, not a crash of ours.
    let read = caught(|| match container {
        Container::Zip => read_zip(Archive::open(path)?, wanted),
        Container::Compound => read_compound(path, wanted),
    });
    read.unwrap_or_else(|_| Err(damaged("Excel", "its parts contradict each other")))
}

/// How much of the list of parts of an ODS is looked at; one has a line for each part.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// What kind of workbook an archive holds.
enum Kind {
    /// An XLSX, with the name of the part that lists its sheets.
    Xlsx(String),
    Ods,
}

/// Whether the parts of an ODS are encrypted, which its list of parts says of each of them; where it is one part that
/// holds the others, the list names that.
fn is_encrypted(archive: &mut Archive) -> Result<bool, IntakeError> {
    let Some(part) = archive.part("META-INF/manifest.xml")? else { return Ok(false) };
    let mut manifest = Vec::new();
    part.take(MANIFEST_BYTES_MAX).read_to_end(&mut manifest).map_err(unreadable)?;
    Ok(memchr::memmem::find(&manifest, b"encryption-data").is_some())
}

/// Tells the formats apart by what is in them, whatever the file is called.
fn kind(archive: &mut Archive) -> Result<Kind, IntakeError> {
    if is_encrypted(archive)? {
        return Err(encrypted());
    }
    if archive.has("content.xml") {
        return Ok(Kind::Ods);
    }
    let Some(part) = xlsx::main_part(archive)? else {
        let message = "needs a spreadsheet, has a zip archive of something else; unpack it, or export the spreadsheet";
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

fn read_zip(mut archive: Archive, wanted: Wanted<'_>) -> Result<(&'static str, Found), IntakeError> {
    match kind(&mut archive)? {
        Kind::Xlsx(part) => read_xlsx(archive, &part, wanted).map(|sheet| ("xlsx", sheet)),
        Kind::Ods => read_ods(&mut archive, wanted).map(|sheet| ("ods", sheet)),
    }
}

fn read_xlsx(archive: Archive, part: &str, wanted: Wanted<'_>) -> Result<Found, IntakeError> {
    let mut workbook = xlsx::Workbook::open(archive, part)?;
    let (sheets, active) = (workbook.sheets.clone(), workbook.active);
    let head = |at| workbook.sheet(at, Vec::new(), Some(HEAD_ROWS));
    let Choice { position, warnings, problem } = choose(&sheets, active, wanted, head)?;
    Ok((workbook.sheet(position, warnings, None)?, problem))
}

fn read_ods(archive: &mut Archive, wanted: Wanted<'_>) -> Result<Found, IntakeError> {
    archive.measure_all_but("content.xml")?;
    let mut ods = Ods::open(archive, wanted.sheet)?;
    let (sheets, active) = (ods.sheets.clone(), ods.active);
    let Choice { position, warnings, problem } = choose(&sheets, active, wanted, |at| ods.head(at))?;
    Ok((ods.sheet(archive, position, warnings)?, problem))
}

fn read_compound(path: &Path, wanted: Wanted<'_>) -> Result<(&'static str, Found), IntakeError> {
    let bytes = std::fs::read(path).map_err(|error| IntakeError::io(path, error))?;
    match compound::contents(bytes) {
        Contents::Workbook(stream) => read_xls(stream, wanted).map(|sheet| ("xls", sheet)),
        Contents::Protected(package) => read_zip(Archive::of_bytes(package)?, wanted),
        Contents::Encrypted => Err(encrypted()),
        Contents::Damaged => Err(damaged("XLS", "its sectors contradict each other")),
        Contents::Other(what) => {
            let message = format!("needs CSV, XLSX, XLS or ODS, has {what}; export the list as XLSX or «CSV UTF-8»");
            Err(refuse(ProblemKind::NotASpreadsheet, message))
        }
    }
}

fn read_xls(stream: Vec<u8>, wanted: Wanted<'_>) -> Result<Found, IntakeError> {
    let workbook = xls::Workbook::open(stream)?;
    let head = |at| workbook.sheet(at, Vec::new(), Some(HEAD_ROWS));
    let Choice { position, warnings, problem } = choose(&workbook.sheets, workbook.active, wanted, head)?;
    Ok((workbook.sheet(position, warnings, None)?, problem))
}
