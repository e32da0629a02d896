//! Why there is no result file.

use crate::ledger::LedgerError;
use rust_xlsxwriter::XlsxError;
use std::path::{Path, PathBuf};

/// Why there is no result file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger failed or contradicts itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An ending that names no format.
    #[error(
        "a result file ends in .csv, .xlsx, .html or .json, found {0}\nhint: the ending chooses the format, as in `-o results.csv`"
    )]
    Ending(PathBuf),
    /// The column to add up by is not one of the file.
    #[error(
        "needs one column called «{asked}» to add up by, has {has}; columns of the file: {columns}\nhint: write the header as the file has it"
    )]
    Column {
        /// The header that was asked for.
        asked: String,
        /// How many there are, in a word.
        has: &'static str,
        /// The headers that there are.
        columns: String,
    },
    /// A column with a value of its own in nearly every row.
    #[error(
        "needs a column with at most {max} different values to add up by, has more in «{header}»\nhint: choose a column of groups, such as a department"
    )]
    Groups {
        /// The column.
        header: String,
        /// The most values.
        max: usize,
    },
    /// A text of rows has no place for totals.
    #[error(
        "needs a result file with a place for totals, has .csv\nhint: name a file that ends in .xlsx, .html or .json after -o"
    )]
    NoPlaceForTotals,
    /// Something stands at the name that must not be replaced.
    #[error("{path} is {found}, and is not replaced by a result file\nhint: choose another name after -o")]
    Occupied {
        /// The name that was asked for.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file could not be written.
    #[error("while writing {path}: {source}; no file of that name was made or changed{}", hint_for(.source))]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The workbook could not be made.
    #[error("while making a workbook: {0}; no file of that name was made or changed")]
    Workbook(String),
}

fn hint_for(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    if matches!(error.kind(), Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge) {
        "\nhint: the disk is full; free some space, or name a file on another disk after -o"
    } else if error.kind() == Kind::NotFound {
        "\nhint: the folder has to be there before the file"
    } else if matches!(error.kind(), Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
        "\nhint: the folder has to be writable: the file is made beside its final name, and takes that when it is whole"
    } else {
        ""
    }
}

impl ExportError {
    pub(super) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// What stops the writing of a file's contents.
#[derive(Debug)]
pub(super) enum Stopped {
    Ledger(LedgerError),
    Io(std::io::Error),
    Workbook(XlsxError),
}

impl Stopped {
    /// The same as the reason why there is no file at `path`.
    pub(super) fn at(self, path: &Path) -> ExportError {
        match self {
            Self::Ledger(error) => error.into(),
            Self::Io(error) | Self::Workbook(XlsxError::IoError(error)) => ExportError::write(path)(error),
            Self::Workbook(error) => ExportError::Workbook(error.to_string()),
        }
    }
}

impl From<LedgerError> for Stopped {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<csv::Error> for Stopped {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<XlsxError> for Stopped {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_words() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let text = ExportError::write(Path::new("r.csv"))(full).to_string();
        assert!(text.contains("hint: the disk is full"), "{text}");
    }
}
