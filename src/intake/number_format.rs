//! Tells what a number format shows of a number (ECMA-376 Part 1, 18.8.30 and 18.8.31), and whether that is the number.
//!
//! No crate does: the one there is (`ssfmt` 0.1) shows 500 under `;;;`, where a person sees an empty cell, and three
//! decimals as one. Only what a number that may be paid needs is here: positive, and whole in the end. What is not
//! understood is [`Shown::Unclear`], and refused by whoever asks.

mod section;
mod shown;

use section::{Content, Section};
pub(crate) use shown::{Shown, at_15_digits};

/// A number format, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumberFormat {
    sections: Vec<Section>,
}

/// Whether a text that a program showed for a number shows it as it is: with a currency, group marks or zero decimals
/// at most.
pub(crate) fn shows(value: f64, shown: &str) -> bool {
    section::shows(value, shown.trim())
}

/// The code of a format that files name by number alone; others are as good as General.
fn builtin(id: u32) -> &'static str {
    match id {
        1 => "0",
        2 => "0.00",
        3 => "#,##0",
        4 => "#,##0.00",
        5 | 6 => "\"$\"#,##0;\\-\"$\"#,##0",
        7 | 8 => "\"$\"#,##0.00;\\-\"$\"#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        14 | 27..=31 | 36 | 50..=54 | 57 | 58 | 71..=74 => "yyyy-mm-dd",
        15..=17 => "d-mmm-yy",
        18..=21 | 32..=35 | 55 | 56 | 75..=78 => "h:mm",
        22 => "yyyy-mm-dd h:mm",
        37 | 38 => "#,##0;(#,##0)",
        39 | 40 => "#,##0.00;(#,##0.00)",
        41 => "_(* #,##0_);_(* \\(#,##0\\);_(* \"-\"_);_(@_)",
        42 => "_(\"$\"* #,##0_);_(\"$\"* \\(#,##0\\);_(\"$\"* \"-\"_);_(@_)",
        43 => "_(* #,##0.00_);_(* \\(#,##0.00\\);_(* \"-\"??_);_(@_)",
        44 => "_(\"$\"* #,##0.00_);_(\"$\"* \\(#,##0.00\\);_(\"$\"* \"-\"??_);_(@_)",
        45 | 79 => "mm:ss",
        46 | 80 => "[h]:mm:ss",
        47 | 81 => "mm:ss.0",
        48 => "##0.0E+0",
        49 => "@",
        _ => "General",
    }
}

impl NumberFormat {
    /// The format that files name by its number.
    pub(crate) fn builtin(id: u32) -> Self {
        Self::parse(builtin(id))
    }

    /// Takes a format code apart; every text is one.
    pub(crate) fn parse(code: &str) -> Self {
        let code = if code.trim().is_empty() { "General" } else { code };
        Self { sections: section::split(code).into_iter().map(Section::parse).collect() }
    }

    /// Whether every number and text shows as it is, so that no cell needs a look.
    pub(crate) fn is_general(&self) -> bool {
        let [section] = self.sections.as_slice() else { return false };
        section.is_general()
    }

    /// Whether every whole number above zero shows as it is, so that its cells need no look one by one: a format that
    /// pads, scales, cuts or adds does so to one of these already.
    pub(crate) fn shows_whole_numbers(&self) -> bool {
        let has_condition = self.sections.iter().any(|section| section.condition.is_some());
        let numbers = [1.0, 12.0, 123.0, 1234.0, 12_345.0, 1_234_567.0, 901_234_567.0];
        !has_condition && numbers.into_iter().all(|number| self.number(number) == Shown::AsIs)
    }

    /// What a person sees of a number. One below zero is refused wherever it counts, and shows as it is here.
    pub(crate) fn number(&self, value: f64) -> Shown {
        // A format of a single section can be a date for a number below zero too.
        let Some(section) = self.section(value) else { return Shown::Other("#".repeat(8)) };
        match section.content() {
            Content::Date => Shown::Date,
            Content::Elapsed(unit) => Shown::Duration(elapsed(value, unit)),
            Content::Unclear => Shown::Unclear,
            Content::Number if value > 0.0 && value.is_finite() => section.number(value),
            Content::Number => Shown::AsIs,
        }
    }

    /// What a person sees of a text, where that is another one.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        let last = self.sections.last()?;
        if self.sections.len() < 4 && !last.has_text() {
            return None;
        }
        last.text(text)
    }

    /// The section that shows a number: by its condition, or by its sign.
    fn section(&self, value: f64) -> Option<&Section> {
        let numbers = self.sections.get(..3).unwrap_or(&self.sections);
        let conditional = numbers.iter().take(2).any(|section| section.condition.is_some());
        if !conditional {
            // Of two sections with a text one, the first is for every number.
            let is_for_negative = |section: &&Section| !section.has_text();
            return match (value < 0.0, value == 0.0) {
                (true, _) => numbers.get(1).filter(is_for_negative).or_else(|| numbers.first()),
                (_, true) => numbers.get(2).filter(is_for_negative).or_else(|| numbers.first()),
                _ => numbers.first(),
            };
        }
        let holds = |section: &&Section| section.condition.is_some_and(|condition| condition.holds(value));
        let both = numbers.iter().take(2).filter(|section| section.condition.is_some()).count() == 2;
        numbers.iter().take(2).find(holds).or_else(|| numbers.get(if both { 2 } else { 1 }))
    }
}

/// A duration in days, in the unit that goes on counting.
fn elapsed(days: f64, unit: char) -> String {
    let seconds = (days * 86_400.0).round();
    let (minutes, hours) = ((seconds / 60.0).floor(), (seconds / 3600.0).floor());
    match unit {
        'h' => format!("{hours}:{:02}:{:02}", minutes % 60.0, seconds % 60.0),
        'm' => format!("{minutes}:{:02}", seconds % 60.0),
        _ => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_shows_the_number_or_something_else() {
        let other = |text: &str| Shown::Other(text.to_owned());
        for (code, value, shown) in [
            ("General", 500.0, Shown::AsIs),
            ("", 500.0, Shown::AsIs),
            ("0", 500.0, Shown::AsIs),
            ("#,##0", 1500.0, Shown::AsIs),
            ("#,##0.00", 1500.0, Shown::AsIs),
            ("0.0", 500.0, Shown::AsIs),
            ("0.0000", 500.0, Shown::AsIs),
            ("0.###", 500.0, Shown::AsIs),
            ("# ##0", 50_000.0, Shown::AsIs),
            ("#\\.##0", 1500.0, Shown::AsIs),
            ("@", 500.0, Shown::AsIs),
            ("#,##0 \"₫\"", 500.0, Shown::AsIs),
            ("#,##0\\ \\đ", 500.0, Shown::AsIs),
            ("0\" điểm\"", 500.0, Shown::AsIs),
            ("[$₫-42A]#,##0", 500.0, Shown::AsIs),
            ("_-* #,##0\\ [$VND]_-", 500.0, Shown::AsIs),
            ("[Red]0;[Color 5]-0", 500.0, Shown::AsIs),
            ("_(* #,##0_);_(* \\(#,##0\\);_(* \"-\"??_);_(@_)", 500.0, Shown::AsIs),
            ("[>1000]#,##0;0", 1500.0, Shown::AsIs),
            ("[>1000]0,\"k\";0", 900.0, Shown::AsIs),
            ("0", 56.000_000_000_000_01, Shown::AsIs),
            ("General", 1.5, Shown::AsIs),
            ("0", 499.6, other("500")),
            ("0.000", 500.0, other("500.000")),
            ("#,##0.000", 1500.0, other("1,500.000")),
            ("0\".000\"", 500.0, other("500.000")),
            ("0\\.000", 500.0, other("0.500")),
            ("#\\.##0", 500.0, other(".500")),
            ("#.##0", 500.0, other("500.000")),
            ("General\"000\"", 500.0, other("500000")),
            ("\\0#", 500.0, other("0500")),
            ("#0\\0", 50.0, other("500")),
            ("\"09\"0000000", 1_234_567.0, other("091234567")),
            ("0\"k\"", 500.0, other("500k")),
            ("0\" nghìn\"", 500.0, other("500 nghìn")),
            ("#,##0,", 500_000.0, other("500")),
            ("0.0,,", 1_500_000.0, other("1.5")),
            ("[>1000]0,\"k\";0", 1500.0, other("2k")),
            ("[<1000]0;[<2000]\"x\";\"y\"", 1500.0, other("x")),
            ("[<1000]0;[<2000]\"x\";\"y\"", 2500.0, other("y")),
            ("[<1000]0;[<2000]0", 2500.0, other("########")),
            ("0%", 500.0, other("50000%")),
            ("0.00%", 0.5, other("50.00%")),
            (";;;", 500.0, other("")),
            (";0", 500.0, other("")),
            ("\"đã trả\"", 500.0, other("đã trả")),
            ("00000", 500.0, other("00500")),
            ("0,000", 50.0, other("0,050")),
            ("000 000 0000", 901_234_567.0, other("090 123 4567")),
            ("\"+84\"#########", 901_234_567.0, other("+84901234567")),
            ("-0", 500.0, other("-500")),
            ("\\(0\\)", 500.0, other("(500)")),
            ("*0#", 500.0, other("0500")),
            ("* 0", 500.0, Shown::AsIs),
            ("# ?/?", 500.5, Shown::Unclear),
            ("0.00E+00", 500.0, Shown::Unclear),
            ("[DBNum1]0", 500.0, Shown::Unclear),
            ("[$-2000000]0", 500.0, Shown::Unclear),
            ("[h", 500.0, Shown::Unclear),
            ("0;-0", -5.0, Shown::AsIs),
        ] {
            assert_eq!(NumberFormat::parse(code).number(value), shown, "{code} of {value}");
        }
    }

    #[test]
    fn a_format_shows_a_date_or_a_time() {
        for (code, value, shown) in [
            ("yyyy-mm-dd", 500.0, Shown::Date),
            ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", 500.0, Shown::Date),
            ("mm:ss.0", 500.0, Shown::Date),
            ("h:mm AM/PM", 0.5, Shown::Date),
            ("[h]:mm:ss", 50.0, Shown::Duration("1200:00:00".to_owned())),
            ("[mm]:ss", 0.5, Shown::Duration("720:00".to_owned())),
            ("[ss]", 0.5, Shown::Duration("43200".to_owned())),
        ] {
            assert_eq!(NumberFormat::parse(code).number(value), shown, "{code} of {value}");
        }
    }

    #[test]
    fn a_text_shows_a_number_or_another_one() {
        for (value, shown, is_same) in [
            (500.0, "500", true),
            (500.0, "500.00", true),
            (500.0, "500,0", true),
            (1500.0, "1.500", true),
            (1500.0, "1,500.00 ₫", true),
            (901_234_567.0, "901234567", true),
            (56.000_000_000_000_01, "56", true),
            (1.5, "1.5", true),
            (500.0, "500.000", false),
            (500.0, "500,000", false),
            (500.0, "500k", false),
            (500.0, "5 nghìn 00", false),
            (500.0, "50000%", false),
            (500.0, "0500", false),
            (500.0, "5E+02", false),
            (500.0, "500.5", false),
            (500.0, "#FMT", false),
        ] {
            assert_eq!(shows(value, shown), is_same, "{value} {shown}");
        }
    }

    #[test]
    fn formats_under_which_no_whole_number_needs_a_look() {
        for (code, all) in [
            ("General", true),
            ("0", true),
            ("#,##0.00", true),
            ("# ##0", false),
            ("#,##0 \"₫\"", true),
            ("00", false),
            ("[>1000]0,;0", false),
            ("0%", false),
            ("#\\.##0", false),
            ("yyyy", false),
        ] {
            assert_eq!(NumberFormat::parse(code).shows_whole_numbers(), all, "{code}");
        }
    }

    #[test]
    fn formats_that_files_name_by_number() {
        for (id, shown) in [
            (0, Shown::AsIs),
            (3, Shown::AsIs),
            (41, Shown::AsIs),
            (44, Shown::AsIs),
            (49, Shown::AsIs),
            (163, Shown::AsIs),
            (9, Shown::Other("5000%".to_owned())),
            (11, Shown::Unclear),
            (14, Shown::Date),
            (22, Shown::Date),
            (45, Shown::Date),
            (46, Shown::Duration("1200:00:00".to_owned())),
            (47, Shown::Date),
        ] {
            assert_eq!(NumberFormat::builtin(id).number(50.0), shown, "{id}");
        }
        assert!(NumberFormat::builtin(0).is_general() && NumberFormat::builtin(49).is_general());
        assert!(!NumberFormat::builtin(1).is_general());
    }

    #[test]
    fn a_text_shows_as_it_is_or_not() {
        for (code, shown) in [
            ("General", None),
            ("@", None),
            ("0.000", None),
            ("0;-0;0", None),
            ("0;-0;0;@", None),
            (";;;", Some("")),
            (";;;@", None),
            ("\\0@", Some("0901234567")),
            ("0;\"x\"@", Some("x901234567")),
            ("0;-0;0;\"ẩn\"", Some("ẩn")),
        ] {
            assert_eq!(NumberFormat::parse(code).text("901234567").as_deref(), shown, "{code}");
        }
    }
}
