//! `topup check --export`: the user's own sheet with what is wrong in it, in a file of its own.

use super::failure::{Exit, Failure};
use crate::caught::caught;
use crate::intake::{self, IntakeOptions, MarkedError};
use crate::private_file::NewFile;
use anyhow::{Context as _, anyhow};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How every workbook begins: a zip archive.
const WORKBOOK: &[u8] = b"PK\x03\x04";

/// Where the copy goes: behind a link, and never over the payout file, a ledger or anything else that is no workbook.
pub(super) fn target(path: &Path, source: &Path) -> Result<PathBuf, Failure> {
    let refuse = |message: String| Err(Failure::new(Exit::Usage, "export", anyhow!(message)));
    let shown = path.display();
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        return refuse(format!(
            "--export takes a name that ends in .xlsx, found {shown}\nhint: as in `--export errors.xlsx`"
        ));
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if is_same(&path, source) {
        return refuse(format!(
            "{shown} is the payout file itself, and is not replaced\nhint: choose another name after --export"
        ));
    }
    match fs::metadata(&path) {
        Err(_) => Ok(path),
        Ok(there) if there.is_file() && begins_as_workbook(&path) => Ok(path),
        Ok(_) => refuse(format!(
            "{shown} is there and is no workbook, and is not replaced\nhint: choose another name after --export"
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
pub(super) fn write(source: &Path, options: &IntakeOptions, target: &Path) -> Result<bool, Failure> {
    let failed = |error: anyhow::Error| {
        let error = error.context(format!("writing {}; no file of that name was made or changed", target.display()));
        Failure::new(Exit::Failed, "export", error)
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
