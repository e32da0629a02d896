//! Defines what can be wrong with a file or a row, as data.

use super::words::shortened;
use std::path::{Path, PathBuf};

/// What kind of trouble a problem is: its title in reports, and whether `--skip-invalid` may leave its row out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// No such file, a folder, a pipe.
    NotAFile,
    /// An image, HTML named `.xls`, an encrypted workbook, a lock file.
    NotASpreadsheet,
    /// Bytes that no supported encoding explains.
    Encoding,
    /// A limit on size, rows or columns.
    Limit,
    /// No row, or more than one, names the needed columns.
    Header,
    /// Columns that contradict each other or `--column`.
    Columns,
    /// The worksheet asked for is not there, or none is visible.
    Sheet,
    /// A quote that is never closed, or closes in the wrong place.
    Quote,
    /// Rows or columns that a person who looks at the sheet does not see.
    Hidden,
    /// The control total is not the sum of the rows.
    Total,
    /// `--expect-total` is not the sum of the rows.
    ExpectedTotal,
    /// The file changed while it was read.
    Changed,
    /// A row that the batch has with other values, or that is gone from the file.
    Differs,
    /// The file holds no rows to pay.
    Empty,
    /// A row has more cells than the header.
    Shape,
    /// A cell holds NUL or another control character, or more text than any cell can.
    CellText,
    /// A person who looks at the cell sees another thing than its value: a number format, a merge, struck-out text.
    NotAsShown,
    /// The phone is missing.
    PhoneMissing,
    /// The phone has too few or too many digits, or begins wrongly.
    PhoneDigits,
    /// The phone is a number from before the 2018 change.
    PhoneOld,
    /// The spreadsheet dropped digits of the phone (`8.49E+10`).
    PhoneLost,
    /// The cell holds two phones.
    PhoneTwo,
    /// The phone is a fixed line.
    PhoneFixed,
    /// The phone holds letters or other characters.
    PhoneLetters,
    /// The points are missing.
    PointsMissing,
    /// The points read as thousands and as decimals.
    PointsGrouping,
    /// The points are not whole.
    PointsFraction,
    /// The points are below or above what one top-up may carry.
    PointsRange,
    /// The points are no plain number.
    PointsText,
    /// The row's own key cannot be used.
    Reference,
    /// `send_sms` is neither yes nor no.
    SendSms,
    /// The receipt is incomplete, too long, or for too many points.
    Receipt,
    /// `id_type` and `id` do not name a member, or contradict the phone.
    Id,
    /// Two rows have the same reference, or the same member without references.
    Duplicate,
}

impl ProblemKind {
    /// Whether `--skip-invalid` may pay the other rows: only bad cells and duplicates, never anything of the whole file.
    #[must_use]
    pub fn skippable(self) -> bool {
        match self {
            Self::NotAFile
            | Self::NotASpreadsheet
            | Self::Encoding
            | Self::Limit
            | Self::Header
            | Self::Columns
            | Self::Sheet
            | Self::Quote
            | Self::Hidden
            | Self::Total
            | Self::ExpectedTotal
            | Self::Changed
            | Self::Differs
            | Self::Empty => false,
            Self::Shape
            | Self::CellText
            | Self::NotAsShown
            | Self::PhoneMissing
            | Self::PhoneDigits
            | Self::PhoneOld
            | Self::PhoneLost
            | Self::PhoneTwo
            | Self::PhoneFixed
            | Self::PhoneLetters
            | Self::PointsMissing
            | Self::PointsGrouping
            | Self::PointsFraction
            | Self::PointsRange
            | Self::PointsText
            | Self::Reference
            | Self::SendSms
            | Self::Receipt
            | Self::Id
            | Self::Duplicate => true,
        }
    }

    /// The kind in a few words, for the heading of a group.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NotAFile => "not a file that can be read",
            Self::NotASpreadsheet => "not a spreadsheet",
            Self::Encoding => "the text cannot be decoded",
            Self::Limit => "over a limit",
            Self::Header => "no header row",
            Self::Columns => "the columns contradict each other",
            Self::Sheet => "no such sheet",
            Self::Quote => "a stray quote",
            Self::Hidden => "hidden in the spreadsheet",
            Self::Total => "the total does not fit",
            Self::ExpectedTotal => "not the expected total",
            Self::Changed => "the file changed",
            Self::Differs => "not as it was planned",
            Self::Empty => "nothing to pay",
            Self::Shape => "more cells than columns",
            Self::CellText => "characters that no cell should hold",
            Self::NotAsShown => "a cell that does not show its value",
            Self::PhoneMissing => "phone missing",
            Self::PhoneDigits => "phone with wrong digits",
            Self::PhoneOld => "phone from before 2018",
            Self::PhoneLost => "phone with lost digits",
            Self::PhoneTwo => "two phones in one cell",
            Self::PhoneFixed => "a fixed line",
            Self::PhoneLetters => "phone with other characters",
            Self::PointsMissing => "points missing",
            Self::PointsGrouping => "points that read in two ways",
            Self::PointsFraction => "points that are not whole",
            Self::PointsRange => "points out of range",
            Self::PointsText => "points that are no plain number",
            Self::Reference => "a reference that cannot be used",
            Self::SendSms => "send_sms neither yes nor no",
            Self::Receipt => "a receipt that cannot be issued",
            Self::Id => "a member that is not named clearly",
            Self::Duplicate => "the same reference or member twice",
        }
    }
}

/// One thing that is wrong: where, what was found, what was expected, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The spreadsheet's own row number; none for a problem of the whole file.
    pub row: Option<u64>,
    /// The meaning of the column, or its header as written where it has none.
    pub column: Option<String>,
    /// The user's own cell, shortened to 40 characters.
    pub found: String,
    /// What was expected, what is there, how to fix it.
    pub message: String,
    /// The kind of trouble.
    pub kind: ProblemKind,
}

impl Problem {
    /// A problem of the whole file.
    #[must_use]
    pub fn of_file(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { row: None, column: None, found: String::new(), message: message.into(), kind }
    }

    /// A problem of one row.
    #[must_use]
    pub fn of_row(row: u64, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { row: Some(row), column: None, found: String::new(), message: message.into(), kind }
    }

    /// The same problem, in a column.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// The same problem, with the cell that was found.
    #[must_use]
    pub fn with_found(mut self, found: &str) -> Self {
        self.found = shortened(found).into_owned();
        self
    }

    /// Whether `--skip-invalid` may leave the row out and pay the others.
    #[must_use]
    pub fn skippable(&self) -> bool {
        self.row.is_some() && self.kind.skippable()
    }
}

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The operating system failed.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file that was being read.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file was read as far as it can be, and is refused as a whole.
    #[error("{}", refusal(.0))]
    Refused(Box<Problem>),
}

impl IntakeError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn file(kind: ProblemKind, message: impl Into<String>) -> Self {
        Problem::of_file(kind, message).into()
    }

    /// The error as a problem among others, which is how `check` lists it.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        match self {
            Self::Io { .. } => Problem::of_file(ProblemKind::NotAFile, self.to_string()),
            Self::Refused(problem) => (**problem).clone(),
        }
    }
}

impl From<Problem> for IntakeError {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

fn refusal(problem: &Problem) -> String {
    match problem.row {
        Some(row) => format!("row {row}: {}", problem.message),
        None => problem.message.clone(),
    }
}
