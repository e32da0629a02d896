//! How a person asks for a file to be read.

use crate::domain::column_role::ColumnRole;

/// How a file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeOptions {
    /// The worksheet; the first visible one where nothing is said.
    pub sheet: Option<String>,
    /// Headers that are named by hand.
    pub columns: Vec<(ColumnRole, String)>,
    /// The mark that groups thousands, `.` or `,`, where the file does not tell.
    pub points_grouping: Option<char>,
    /// Whether hidden rows and columns count.
    pub include_hidden: bool,
    /// Whether hidden rows are left out, so that only what is seen is paid.
    pub visible_only: bool,
    /// The sum of the points as the payer knows it.
    pub expect_total: Option<u64>,
    /// Whether one member may be there twice without references; only who looks for duplicates asks.
    pub allow_repeat_phones: bool,
}
