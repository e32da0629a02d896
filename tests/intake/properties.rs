//! Properties of reading, held for files that proptest makes up.

use phonenumber::country::Id::VN;
use phonenumber::metadata::DATABASE;
use proptest::prelude::*;
use std::io::Write as _;
use topup::intake::{IntakeOptions, Item, RepairKind, check, open};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// What a phone cell is read as.
fn phone(cell: &str) -> Option<(String, Option<RepairKind>)> {
    let file = file(format!("phone\tpoints\n{cell}\t100\n").as_bytes());
    let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
    match intake.next().unwrap()? {
        Item::Row(row, repairs) => Some((row.member.key(), repairs.first().map(|repair| repair.kind))),
        Item::Problems(_) => None,
    }
}

/// A national number that the `phonenumber` crate takes for one of Vietnam, and whether for a mobile one.
fn known(digits: &str) -> Option<bool> {
    let number = phonenumber::parse(Some(VN), digits).ok().filter(phonenumber::PhoneNumber::is_valid)?;
    (number.country().code() == 84).then(|| number.number_type(&DATABASE) == phonenumber::Type::Mobile)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every number that the crate takes for a Vietnamese mobile is read as exactly that number, however it is written.
    #[test]
    fn mobiles_are_read_as_what_they_are(prefix in "(3[2-9]|5[2689]|7[06-9]|8[1-9]|9[0-9])", rest in "[0-9]{7}") {
        let national = format!("0{prefix}{rest}");
        prop_assume!(known(&national) == Some(true));
        let bare = &national[1..];
        let (a, b, c) = (&national[..4], &national[4..7], &national[7..]);
        prop_assert_eq!(phone(&national), Some((national.clone(), None)));
        for (written, kind) in [
            (format!("{a} {b} {c}"), RepairKind::PhoneSeparators),
            (format!("({a})-{b}.{c}"), RepairKind::PhoneSeparators),
            (bare.to_owned(), RepairKind::PhoneZero),
            (format!("+84{bare}"), RepairKind::PhoneCountryCode),
            (format!("+84 {bare}"), RepairKind::PhoneCountryCode),
            (format!("0084{bare}"), RepairKind::PhoneCountryCode),
            (format!("84{bare}"), RepairKind::PhoneCountryCode),
        ] {
            prop_assert_eq!(phone(&written), Some((national.clone(), Some(kind))), "{}", written);
        }
    }

    /// What is not a mobile to the crate, a fixed line for one, is never read as a phone in its full form.
    #[test]
    fn fixed_lines_are_refused(area in "2[0-9]{1,2}", rest in "[0-9]{7,8}") {
        let national = format!("0{area}{rest}");
        prop_assume!(known(&national) == Some(false));
        prop_assert_eq!(phone(&national), None);
        prop_assert_eq!(phone(&format!("+84{}", &national[1..])), None);
    }

    /// Whatever digits are written: if a number is read and the crate knows the same writing, it is the same number.
    #[test]
    fn no_reading_differs_from_the_crates(written in "(\\+84|0084|84|0)?[1-9][0-9]{6,10}") {
        if let Some((read, _)) = phone(&written) {
            prop_assert_eq!(read.len(), 10);
            let theirs = phonenumber::parse(Some(VN), written.strip_prefix("00").map_or_else(|| written.clone(), |rest| format!("+{rest}")));
            // Nine digits `84…` are a lost zero by our rules; the crate may take the 84 for the country.
            if let Ok(theirs) = theirs.filter_valid() && written.len() != 9 {
                prop_assert_eq!(format!("0{}", theirs.national().value()), read, "{}", written);
            }
        }
    }
}

/// Keeps only what the crate takes for a whole and valid number.
trait Valid: Sized {
    fn filter_valid(self) -> Self;
}

impl Valid for Result<phonenumber::PhoneNumber, phonenumber::ParseError> {
    fn filter_valid(self) -> Self {
        self.and_then(|number| if number.is_valid() { Ok(number) } else { Err(phonenumber::ParseError::NoNumber) })
    }
}

fn cell() -> impl Strategy<Value = String> {
    // What cells hold: words, and everything that quoting is for.
    "([a-zA-Zơđê0-9 ]|[,;|\"]|\n|\r\n|''){0,12}".prop_map(|text| text.trim().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the `csv` crate writes is read back cell by cell, under every separator and line end, with the row numbers
    /// of a spreadsheet.
    #[test]
    fn what_the_csv_crate_writes_reads_back(
        rows in prop::collection::vec((cell(), cell(), cell()), 1..20),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
        crlf in any::<bool>(),
        always in any::<bool>(),
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let style = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(terminator).quote_style(style).from_writer(Vec::new());
        writer.write_record(["a", "phone", "b", "points", "c"]).unwrap();
        for (index, (a, b, c)) in rows.iter().enumerate() {
            writer.write_record([a, format!("09012345{index:02}").as_str(), b, "100", c]).unwrap();
        }
        let file = file(&writer.into_inner().unwrap());
        let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
        prop_assert_eq!(intake.format().delimiter, Some(char::from(delimiter)));
        for (index, (a, b, c)) in rows.iter().enumerate() {
            let Some(Item::Row(row, repairs)) = intake.next().unwrap() else { panic!("row {index} is gone: {rows:?}") };
            prop_assert_eq!(row.row, index as u64 + 2);
            prop_assert_eq!(row.member.key(), format!("09012345{index:02}"));
            prop_assert!(repairs.is_empty());
            let kept: Vec<&String> = row.extra.iter().map(|(_, cell)| cell).collect();
            prop_assert_eq!(kept, [a, b, c]);
        }
        prop_assert!(intake.next().unwrap().is_none());
        intake.finish().unwrap();
    }

    /// Any text at all is a report, and what is not refused has been counted row by row.
    #[test]
    fn any_text_ends_in_a_report(text in "(phone|points|0901234567|[0-9]{1,12}|1\\.000|[,;\t|\"\n\r]|Tổng|\\PC|\0){0,60}") {
        let with_header = format!("phone,points,note\n{text}");
        for content in [text, with_header] {
            let report = check(file(content.as_bytes()).path(), &IntakeOptions::default());
            prop_assert!(report.is_ok() == report.problems.is_empty());
            prop_assert!(!report.is_ok() || report.valid_rows == report.rows && report.rows > 0);
        }
    }

    /// A plain column of points sums up to what was written, and its total row is believed only then.
    #[test]
    fn a_total_row_is_held_against_the_sum(points in prop::collection::vec(50_u64..20_000_000, 1..30), off in 0_u64..3) {
        let rows: String = points.iter().enumerate().map(|(row, points)| format!("09012345{row:02},{points}\n")).collect();
        let sum: u64 = points.iter().sum();
        let report = check(file(format!("phone,points\n{rows}Tổng,{}\n", sum + off).as_bytes()).path(), &IntakeOptions::default());
        prop_assert_eq!(report.is_ok(), off == 0);
        prop_assert_eq!(report.points, sum);
    }
}
