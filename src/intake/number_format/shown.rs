//! What a person sees of a number under its format.

/// What a person sees of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The number, with a currency, group marks or zero decimals at most.
    AsIs,
    /// A text that is not the number: scaled, cut, or with other words in it.
    Other(String),
    /// Nobody can tell without the program itself: fractions, exponents, Chinese numerals.
    Unclear,
    /// A date or a time of day.
    Date,
    /// Hours, minutes or seconds that go on counting, as they are shown.
    Duration(String),
}

/// A number with the 15 digits that spreadsheets count with: `0.07*800` is 56.00000000000001 and shows as 56 in every
/// format.
pub(crate) fn at_15_digits(value: f64) -> String {
    format!("{value:.14e}").parse::<f64>().unwrap_or(value).to_string()
}
