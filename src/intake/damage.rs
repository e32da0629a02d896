//! Words the refusals of workbooks that are damaged, encrypted, or unpack to too much.

use super::problem::{IntakeError, ProblemKind};

/// The most cells with content of an XLS or ODS: a few bytes of either can ask for any number of them.
pub(crate) const CELLS_MAX: u64 = 10_000_000;

/// The refusal of a workbook (`XLS`, `XLSX`, …) that is cut off or contradicts itself, and where it does.
pub(crate) fn damaged(kind: &str, what: impl std::fmt::Display) -> IntakeError {
    let message = format!(
        "needs a whole {kind} workbook, has one that is cut off or damaged ({what}); open it in Excel and save it again"
    );
    IntakeError::file(ProblemKind::NotASpreadsheet, message)
}

/// The same of an archive that may be an XLSX or an ODS.
pub(crate) fn damaged_archive(what: impl std::fmt::Display) -> IntakeError {
    let message = format!(
        "needs a whole workbook, has one that is cut off or damaged ({what}); open it in Excel and save it again"
    );
    IntakeError::file(ProblemKind::NotASpreadsheet, message)
}

/// The refusal of an archive of which a library cannot read a part; its own words are for its authors.
pub(crate) fn unreadable(_: impl std::error::Error) -> IntakeError {
    damaged_archive("a part of it cannot be read")
}

/// The refusal of an archive that unpacks to too much.
pub(crate) fn too_large() -> IntakeError {
    let message = "needs a workbook of at most 1 GiB unpacked, and no more than 200 times its size, has a larger one (a zip \
                   bomb?); save it as CSV";
    IntakeError::file(ProblemKind::Limit, message)
}

/// The refusal of a workbook with too many cells.
pub(crate) fn too_many_cells() -> IntakeError {
    let message = "needs a sheet of at most 10,000,000 cells with content, has more (repeated ones count); remove what is \
                   repeated by mistake, or split the file";
    IntakeError::file(ProblemKind::Limit, message)
}

/// The refusal of a workbook that has a password.
pub(crate) fn encrypted() -> IntakeError {
    IntakeError::file(
        ProblemKind::NotASpreadsheet,
        "needs a workbook without password, has an encrypted one; open it, remove the password (in Excel: File, Info, Protect \
         Workbook) or the protection against changes (Review, Protect Workbook), and save it",
    )
}
