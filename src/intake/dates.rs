//! Writes the dates that spreadsheets keep as numbers of days.

use jiff::ToSpan;
use jiff::civil::date;

/// The days up to the end of 9999: no spreadsheet shows a later date.
const DAYS_MAX: f64 = 2_958_466.0;
/// Up to this day, spreadsheets count one too many: they believe that 1900 was a leap year.
const LEAP_DAY: f64 = 60.0;

/// A number of days as a date, with the time of day where there is one; a number that is no date stays one.
pub(crate) fn date_text(days: f64, counts_from_1904: bool) -> String {
    if !(0.0..DAYS_MAX).contains(&days) {
        return days.to_string();
    }
    let first = match (counts_from_1904, days < LEAP_DAY) {
        (true, _) => date(1904, 1, 1),
        (false, true) => date(1899, 12, 31),
        (false, false) => date(1899, 12, 30),
    };
    // Below 2^53, so that no bit is lost.
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds of 8,000 years")]
    let seconds = (days * 86_400.0).round() as i64;
    let Ok(at) = first.at(0, 0, 0, 0).checked_add(seconds.seconds()) else { return days.to_string() };
    if at.time() == jiff::civil::Time::midnight() { at.date().to_string() } else { at.strftime("%F %T").to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_up_to_9999() {
        for (days, from_1904, text) in [
            (46_351.0, false, "2026-11-25"),
            (44_889.0, true, "2026-11-25"),
            (46_351.5, false, "2026-11-25 12:00:00"),
            (2_958_465.0, false, "9999-12-31"),
            (901_234_567.0, false, "901234567"),
            (-1.0, false, "-1"),
        ] {
            assert_eq!(date_text(days, from_1904), text, "{days}");
        }
    }
}
