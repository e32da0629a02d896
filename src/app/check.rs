//! Reads and judges a file, without a ledger; gives the sheet back with what is wrong in it, or a file to begin with.

use super::failure::{Ending, Failure};
use super::output_file;
use crate::caught::caught;
use crate::domain::hint::StepText;
use crate::intake::{self, CheckReport, IntakeOptions, MarkedError, TemplateLang};
use crate::private_file::NewFile;
use anyhow::{Context as _, anyhow};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// How every workbook begins: a zip archive.
const WORKBOOK: &[u8] = b"PK\x03\x04";

/// A file that is to be checked.
#[derive(Clone, Debug)]
pub struct CheckRequest {
    /// The payout file.
    pub file: PathBuf,
    /// How it is read.
    pub options: IntakeOptions,
    /// How many rows it has to have.
    pub expect_rows: Option<u64>,
    /// Where the sheet is given back, with what is wrong in it.
    pub export: Option<PathBuf>,
}

/// What was found.
pub struct Checked {
    /// How it went.
    pub ending: Ending,
    /// The file, as it was judged.
    pub report: CheckReport,
    /// Where the sheet was to be given back, and whether one was found that could be.
    pub export: Option<(PathBuf, bool)>,
}

/// Checks a file. `ledger`: a ledger that must not be written over, if there is one.
pub fn check(request: &CheckRequest, ledger: Option<&Path>) -> Result<Checked, Failure> {
    let CheckRequest { file, options, .. } = request;
    if let Some(path) = &request.export {
        output_file::no_ledger(path, ledger)?;
    }
    let target = request.export.as_deref().map(|path| target(path, file)).transpose()?;
    let mut report = intake::check(file, options);
    report.problems = report.problems.iter().map(intake::Problem::masked).collect();
    if let Some(expected) = request.expect_rows {
        report.expect_rows(expected);
    }
    let ending = if report.is_ok() { Ending::Done } else { Ending::Refused };
    let export = target.map(|target| write_marked(file, options, &target).map(|written| (target, written)));
    Ok(Checked { ending, report, export: export.transpose()? })
}

/// Writes a file to begin with: CSV or XLSX by its ending. A file that is there already is somebody's work.
pub fn template(path: &Path, lang: TemplateLang, step_text: StepText) -> Result<(), Failure> {
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => intake::template_csv(lang),
        Some("xlsx") => intake::template_xlsx(lang, step_text)
            .context("making the template")
            .map_err(|error| Failure::new(Ending::Failed, "template", error))?,
        Some(_) | None => {
            let message = format!("a template is .csv or .xlsx, found {}", path.display());
            return Err(Failure::said(Ending::Usage, "template", message));
        }
    };
    let written = File::options().write(true).create_new(true).open(path).and_then(|mut file| file.write_all(&bytes));
    written
        .with_context(|| format!("writing {}", path.display()))
        .map_err(|error| Failure::new(Ending::Failed, "file", error))
}

/// Where the copy goes: behind a link, and never over the payout file, a ledger or anything else that is no workbook.
fn target(path: &Path, source: &Path) -> Result<PathBuf, Failure> {
    let refuse = |message: String| Err(Failure::said(Ending::Usage, "export", message));
    let shown = path.display();
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        return refuse(format!(
            "the marked copy needs a name that ends in .xlsx, has {shown}\nhint: as in errors.xlsx"
        ));
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if is_same(&path, source) {
        return refuse(format!(
            "{shown} is the payout file itself, and is not replaced\nhint: choose another name for the marked copy"
        ));
    }
    match fs::metadata(&path) {
        Err(_) => Ok(path),
        Ok(there) if there.is_file() && begins_as_workbook(&path) => Ok(path),
        Ok(_) => refuse(format!(
            "{shown} is there and is no workbook, and is not replaced\nhint: choose another name for the marked copy"
        )),
    }
}

/// Whether two names are one file, hard links included.
fn is_same(path: &Path, source: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if let (Ok(one), Ok(other)) = (fs::metadata(path), fs::metadata(source)) {
            return (one.dev(), one.ino()) == (other.dev(), other.ino());
        }
    }
    fs::canonicalize(source).is_ok_and(|source| source == path)
}

fn begins_as_workbook(path: &Path) -> bool {
    let mut head = [0; WORKBOOK.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == WORKBOOK
}

/// Writes the copy; it bears its name only when it is whole, and only its owner can read it. False where the file has no
/// sheet that could be given back.
fn write_marked(source: &Path, options: &IntakeOptions, target: &Path) -> Result<bool, Failure> {
    let failed = |error: anyhow::Error| {
        let error = error.context(format!("writing {}; no file of that name was made or changed", target.display()));
        Failure::new(Ending::Failed, "export", error)
    };
    let mut file = NewFile::create(target).map_err(|error| failed(error.into()))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // The library panics where its temporary file cannot be written, as on a full disk; that is an error here.
    let written = caught(|| intake::write_marked(source, options, folder, &mut file));
    match written {
        Ok(Ok(())) => {}
        Ok(Err(MarkedError::Intake(_))) => return Ok(false),
        Ok(Err(error @ MarkedError::Workbook(_))) => return Err(failed(error.into())),
        Err(panic) => return Err(failed(anyhow!(panic))),
    }
    file.finish().context("giving it its name").map_err(failed)?;
    Ok(true)
}
