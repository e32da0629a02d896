//! Writes the dates that spreadsheets keep as numbers of days.

use calamine::{ExcelDateTime, ExcelDateTimeType};

/// The days up to the end of 9999: no spreadsheet shows a later date.
const DAYS_MAX: f64 = 2_958_466.0;

/// A number of days as a date, with the time of day where there is one; a number that is no date stays one.
pub(crate) fn date_text(days: f64, counts_from_1904: bool) -> String {
    if !(0.0..DAYS_MAX).contains(&days) {
        return days.to_string();
    }
    excel_date_text(&ExcelDateTime::new(days, ExcelDateTimeType::DateTime, counts_from_1904))
}

/// A date as the reading library has it; a duration stays a number of days.
pub(crate) fn excel_date_text(date: &ExcelDateTime) -> String {
    if !date.is_datetime() {
        return date.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
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
