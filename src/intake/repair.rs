//! What was read otherwise than it is written.

/// What kind of repair was made, for the heading of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RepairKind {
    /// Spaces, dots, dashes, brackets or invisible characters were taken out of a phone.
    PhoneSeparators,
    /// The leading zero that a number cell loses was put back.
    PhoneZero,
    /// The country code was replaced by the leading zero.
    PhoneCountryCode,
    /// Blanks or dashes between the groups of a card number were taken out.
    CardSeparators,
    /// Zero decimals (`0901234567.0`) were dropped from a phone.
    PhoneDecimals,
    /// The text in `="…"` was read, by which systems keep a spreadsheet from dropping zeros.
    TextFormula,
    /// Grouped points (`1.000`) were read as thousands.
    PointsThousands,
    /// Points with decimals, all zero, were read without them.
    PointsDecimals,
    /// A computed number was read with the 15 digits that spreadsheets show (`56.00000000000001`).
    PointsRounded,
}

impl RepairKind {
    /// The kind in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PhoneSeparators => "phone: spaces and punctuation removed",
            Self::PhoneZero => "phone: lost leading zero put back",
            Self::PhoneCountryCode => "phone: country code 84 replaced by 0",
            Self::CardSeparators => "card: blanks and dashes removed",
            Self::PhoneDecimals => "phone: zero decimals dropped",
            Self::TextFormula => "the text in =\"…\" taken",
            Self::PointsThousands => "points: groups of three read as thousands",
            Self::PointsDecimals => "points: zero decimals dropped",
            Self::PointsRounded => "points: rounded to the 15 digits that the spreadsheet shows",
        }
    }
}

/// A cell that was read as something else than what is written in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The spreadsheet's own row number.
    pub row: u64,
    /// The meaning of the column.
    pub column: String,
    /// The cell as written, shortened.
    pub from: String,
    /// What it was read as.
    pub to: String,
    /// The kind of repair.
    pub kind: RepairKind,
}
