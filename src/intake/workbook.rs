//! Opens XLSX, XLS and ODS within limits, and packs the sheet that is to be paid.

use super::archive::{Archive, Kind};
use super::choice::{Choice, choose};
pub(crate) use super::choice::{SheetName, Wanted};
use super::compound::{self, Contents};
use super::ods::Ods;
use super::problem::{IntakeError, Problem, ProblemKind};
use super::sheet::Sheet;
use super::{xls, xlsx};
use crate::caught::caught;
use std::path::Path;

/// The largest workbook, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The formats that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A zip archive: XLSX or ODS.
    Zip,
    /// A compound file: XLS, or an encrypted XLSX.
    Compound,
}

/// A sheet, and why nothing may be paid from it before its name is said.
pub(crate) type Found = (Sheet, Option<Problem>);

fn refuse(kind: ProblemKind, message: impl Into<String>) -> IntakeError {
    IntakeError::file(kind, message)
}

/// The refusal of a workbook that is not whole.
pub(crate) fn damaged(what: &str, error: impl std::fmt::Display) -> IntakeError {
    let message = format!(
        "needs a whole {what} workbook, has one that is cut off or damaged ({error}); open it in Excel and save it again"
    );
    refuse(ProblemKind::NotASpreadsheet, message)
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

fn read_zip(mut archive: Archive, wanted: Wanted<'_>) -> Result<(&'static str, Found), IntakeError> {
    match archive.kind()? {
        Kind::Xlsx(part) => read_xlsx(archive, &part, wanted).map(|sheet| ("xlsx", sheet)),
        Kind::Ods => read_ods(&mut archive, wanted).map(|sheet| ("ods", sheet)),
    }
}

/// How many rows tell whether a sheet holds a list.
pub(crate) const HEAD_ROWS: u32 = 50;

fn read_xlsx(archive: Archive, part: &str, wanted: Wanted<'_>) -> Result<Found, IntakeError> {
    let mut workbook = xlsx::Workbook::open(archive, part)?;
    let (sheets, active) = (workbook.sheets.clone(), workbook.active);
    let head = |at| workbook.sheet(at, Vec::new(), Some(HEAD_ROWS));
    let Choice { position, warnings, problem } = choose(&sheets, active, wanted, head)?;
    Ok((workbook.sheet(position, warnings, None)?, problem))
}

fn read_ods(archive: &mut Archive, wanted: Wanted<'_>) -> Result<Found, IntakeError> {
    archive.measure()?;
    let mut ods = Ods::open(archive)?;
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

/// The most cells with content of an XLS or ODS: a few bytes of either can ask for any number of them.
pub(crate) const CELLS_MAX: u64 = 10_000_000;

/// The refusal of a workbook with too many cells.
pub(crate) fn too_many_cells() -> IntakeError {
    let message = "needs a sheet of at most 10,000,000 cells with content, has more (repeated ones count); remove what is \
                   repeated by mistake, or split the file";
    refuse(ProblemKind::Limit, message)
}

/// The refusal of a workbook that has a password.
pub(crate) fn encrypted() -> IntakeError {
    refuse(
        ProblemKind::NotASpreadsheet,
        "needs a workbook without password, has an encrypted one; open it, remove the password (in Excel: File, Info, Protect \
         Workbook) or the protection against changes (Review, Protect Workbook), and save it",
    )
}
