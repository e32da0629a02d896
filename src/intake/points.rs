//! Reads points out of a cell, and decides how a column writes thousands.

use super::number_format::at_15_digits;
use super::problem::ProblemKind;
use super::record::text_formula;
use super::refusal::{Refusal, refuse};
use super::repair::RepairKind;
use crate::domain::points::Points;
use crate::domain::text::grouped;

/// What a cell says before it is known how its column groups digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// A whole number.
    Plain(u64),
    /// A number that is whole with the 15 digits that a spreadsheet shows: 56.00000000000001.
    Rounded(u64),
    /// Exact groups of three: `1.000`, `1,000,000`.
    Grouped(Grouped),
    /// A whole number with decimals that are all zero and can be nothing else: `1000.00`, `1.000.000,00`.
    Decimals(Decimals),
}

/// A number that is written with decimals and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimals {
    pub(crate) points: u64,
    /// The mark that begins the decimals.
    pub(crate) mark: char,
    /// The mark that groups thousands before it.
    pub(crate) group: Option<char>,
}

/// A number that may be thousands or may have three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grouped {
    /// `.` or `,`.
    pub(crate) mark: char,
    /// The number, if the mark groups thousands.
    pub(crate) thousands: u64,
    /// The number, if the mark is a decimal point and the number is then whole.
    pub(crate) decimal: Option<u64>,
}

/// How a column writes thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The mark groups thousands.
    Thousands(char),
    /// The mark is a decimal point, and what follows it is zero.
    Decimals(char),
    /// Nothing in the file tells.
    Open,
}

/// Reads a cell as far as the cell alone tells.
pub(crate) fn written(cell: &str, number: bool) -> Result<Written, Refusal> {
    if let Some(points) = plain(cell) {
        return Ok(Written::Plain(points));
    }
    let text = cell.trim_matches(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    if let Some(points) = plain(text) {
        return Ok(Written::Plain(points));
    }
    let text = text_formula(text).map_or(text, str::trim);
    if let Some(points) = plain(text) {
        return Ok(Written::Plain(points));
    }
    if text.trim().is_empty() {
        let message = "needs whole points, has none; fill the cell or remove the row";
        return Err(refuse(ProblemKind::PointsMissing, message));
    }
    if text.contains(['\n', '\r']) {
        let message = "needs one number on one line, has a line break; put every payout in a row of its own";
        return Err(refuse(ProblemKind::PointsText, message));
    }
    if number && let Some(points) = text.parse().ok().and_then(|value| plain(&at_15_digits(value))) {
        return Ok(Written::Rounded(points));
    }
    if !number {
        if let Some(points) = spaced(text) {
            return Ok(Written::Plain(points));
        }
        for mark in ['.', ','] {
            if let Some(thousands) = groups_of_three(text, |c| c == mark) {
                let is_whole = text.matches(mark).count() == 1 && thousands % 1000 == 0;
                let decimal = is_whole.then_some(thousands / 1000);
                return Ok(Written::Grouped(Grouped { mark, thousands, decimal }));
            }
        }
        if let Some(decimals) = zero_decimals(text) {
            return Ok(Written::Decimals(decimals));
        }
    }
    Err(no_number(text))
}

/// Digits without a leading zero; a zero in front belongs to a phone or a code, not to an amount.
fn plain(text: &str) -> Option<u64> {
    let fits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !fits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    Some(text.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// `1 000`: a space can only group.
fn spaced(text: &str) -> Option<u64> {
    groups_of_three(text, |c| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'))
}

/// One or two zeros behind a mark, or three where what stands before is no group: no way to read thousands.
fn zero_decimals(text: &str) -> Option<Decimals> {
    let at = text.rfind(['.', ','])?;
    let (whole, mark, zeros) = (&text[..at], char::from(text.as_bytes()[at]), &text[at + 1..]);
    if !(1..=3).contains(&zeros.len()) || !zeros.bytes().all(|b| b == b'0') {
        return None;
    }
    let other = if mark == '.' { ',' } else { '.' };
    let grouped = || groups_of_three(whole, |c| c == other).map(|points| (points, Some(other)));
    let alone = || plain(whole).or_else(|| spaced(whole)).map(|points| (points, None));
    let (points, group) = alone().or_else(grouped)?;
    Some(Decimals { points, mark, group })
}

fn groups_of_three(text: &str, is_mark: impl Fn(char) -> bool) -> Option<u64> {
    let mut groups = text.split(is_mark);
    let first = groups.next()?;
    if !(1..=3).contains(&first.len()) {
        return None;
    }
    let mut digits = first.to_owned();
    let mut count = 0;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
        count += 1;
    }
    if count == 0 { None } else { plain(&digits) }
}

/// Says what is wrong with a cell that is neither a number nor grouped.
fn no_number(text: &str) -> Refusal {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    if let Some(rest) = text.strip_prefix(['-', '−']).filter(|rest| rest.chars().all(numeric) && digits > 0) {
        let message = format!("needs at least {} points, has minus {rest}; correct the cell", Points::MIN);
        return refuse(ProblemKind::PointsRange, message);
    }
    if let Some((mantissa, exponent)) = text.split_once(['e', 'E'])
        && !mantissa.is_empty()
        && mantissa.chars().all(numeric)
        && exponent.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit())
    {
        let message = "needs all digits, has a number in E notation; format the column as a number without decimals";
        return refuse(ProblemKind::PointsText, message);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return if text.starts_with('0') {
            refuse(ProblemKind::PointsText, "needs whole points, has a leading zero; is this another column's cell?")
        } else {
            out_of_range(text)
        };
    }
    if text.chars().all(numeric) && digits > 0 {
        let message = "needs whole points, has a fraction or uneven groups; write whole points, digits only";
        return refuse(ProblemKind::PointsFraction, message);
    }
    let other = text.chars().find(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',' | ' ')).unwrap_or(' ');
    let message = format!("needs digits only, has «{}»; write the number alone", other.escape_debug());
    refuse(ProblemKind::PointsText, message)
}

/// What the cell means under a reading of its column.
pub(crate) fn read(written: Written, reading: Reading) -> Result<(u64, Option<RepairKind>), Refusal> {
    let cell = match written {
        Written::Plain(points) => return Ok((points, None)),
        Written::Decimals(decimals) => return Ok((decimals.points, Some(RepairKind::PointsDecimals))),
        Written::Rounded(points) => return Ok((points, Some(RepairKind::PointsRounded))),
        Written::Grouped(cell) => cell,
    };
    match reading {
        Reading::Thousands(mark) if mark == cell.mark => Ok((cell.thousands, Some(RepairKind::PointsThousands))),
        Reading::Decimals(mark) if mark == cell.mark => match cell.decimal {
            Some(points) => Ok((points, Some(RepairKind::PointsDecimals))),
            None => Err(refuse(ProblemKind::PointsFraction, "needs whole points, has a fraction; correct the cell")),
        },
        Reading::Thousands(_) | Reading::Decimals(_) => Err(refuse(
            ProblemKind::PointsFraction,
            format!(
                "needs one way to write thousands in the column, has «{}» too; write the number without marks",
                cell.mark
            ),
        )),
        Reading::Open => Err(two_readings(cell.mark)),
    }
}

fn two_readings(mark: char) -> Refusal {
    let message = format!(
        "needs points with one reading, has a mark that may group thousands or begin decimals; write the numbers without \
         marks, or say `--points-grouping {mark}` if it groups thousands"
    );
    refuse(ProblemKind::PointsGrouping, message)
}

/// Takes what one top-up may carry.
pub(crate) fn in_range(points: u64) -> Result<Points, Refusal> {
    Points::new(points).ok_or_else(|| out_of_range(&grouped(points)))
}

fn out_of_range(has: &str) -> Refusal {
    let (min, max) = (grouped(Points::MIN.into()), grouped(Points::MAX.into()));
    let message = format!("needs {min} to {max} points, has {has}; correct the cell");
    refuse(ProblemKind::PointsRange, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_number_or_groups_of_three_or_refused() {
        let groups = |mark, thousands, decimal| Ok(Written::Grouped(Grouped { mark, thousands, decimal }));
        let decimals = |points, mark, group| Ok(Written::Decimals(Decimals { points, mark, group }));
        for (cell, expected) in [
            ("1000", Ok(Written::Plain(1000))),
            (" 1000 ", Ok(Written::Plain(1000))),
            ("1 000", Ok(Written::Plain(1000))),
            ("1\u{a0}000\u{a0}000", Ok(Written::Plain(1_000_000))),
            ("1\u{202f}000", Ok(Written::Plain(1000))),
            ("1.000", groups('.', 1000, Some(1))),
            ("1,250", groups(',', 1250, None)),
            ("1.000.000", groups('.', 1_000_000, None)),
            ("500.000", groups('.', 500_000, Some(500))),
            ("10 00", Err(ProblemKind::PointsText)),
            ("1.5", Err(ProblemKind::PointsFraction)),
            ("1000.0", decimals(1000, '.', None)),
            ("1000.00", decimals(1000, '.', None)),
            ("1000,00", decimals(1000, ',', None)),
            ("1000.000", decimals(1000, '.', None)),
            ("1000.0000", Err(ProblemKind::PointsFraction)),
            ("1000.05", Err(ProblemKind::PointsFraction)),
            ("1.000.000,00", decimals(1_000_000, ',', Some('.'))),
            ("1,000.00", decimals(1000, '.', Some(','))),
            ("1 000,00", decimals(1000, ',', None)),
            ("1.000.00", Err(ProblemKind::PointsFraction)),
            ("=\"1000\"", Ok(Written::Plain(1000))),
            ("=\"1.000\"", groups('.', 1000, Some(1))),
            ("=\"\"", Err(ProblemKind::PointsMissing)),
            ("=1000", Err(ProblemKind::PointsText)),
            ("1.000,50", Err(ProblemKind::PointsFraction)),
            ("1.0000", Err(ProblemKind::PointsFraction)),
            (".500", Err(ProblemKind::PointsFraction)),
            ("10k", Err(ProblemKind::PointsText)),
            ("1.000đ", Err(ProblemKind::PointsText)),
            ("+100", Err(ProblemKind::PointsText)),
            ("0100", Err(ProblemKind::PointsText)),
            ("0.500", Err(ProblemKind::PointsFraction)),
            ("-100", Err(ProblemKind::PointsRange)),
            ("1E+05", Err(ProblemKind::PointsText)),
            ("1e5", Err(ProblemKind::PointsText)),
            ("", Err(ProblemKind::PointsMissing)),
            ("100\n", Err(ProblemKind::PointsText)),
            ("99999999999999999999", Err(ProblemKind::PointsRange)),
            ("１００", Err(ProblemKind::PointsText)),
        ] {
            assert_eq!(written(cell, false).map_err(|refusal| refusal.kind), expected, "{cell}");
        }
        assert!(written("1.234", true).is_err(), "a number cell has no written groups");
        for (cell, rounded) in [
            ("56.00000000000001", Some(56)),
            ("56.99999999999999", Some(57)),
            ("56.0000000001", None),
            ("56.5", None),
            ("0.99999999999999999", Some(1)),
        ] {
            assert_eq!(written(cell, true).ok(), rounded.map(Written::Rounded), "{cell}");
            assert!(written(cell, false).is_err(), "a text has the digits that a person sees");
        }
        for (points, taken) in [(0, false), (49, false), (50, true), (20_000_000, true), (20_000_001, false)] {
            assert_eq!(in_range(points).is_ok(), taken, "{points}");
        }
    }
}
