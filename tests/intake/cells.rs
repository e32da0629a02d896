//! Phones and points: what is repaired, and what is refused.

use super::rule::{file, read, with};
use std::fmt::Write as _;
use topup::intake::IntakeOptions;

/// The cases of a rule about phones: each cell stands in a row with 100 points.
fn phones(rule: &str, cases: &[(&str, &str)]) {
    for (cell, expected) in cases {
        let content = format!("phone\tpoints\n{cell}\t100\n");
        assert_eq!(read(file(content.as_bytes()).path(), &IntakeOptions::default()), *expected, "{rule}: {cell}");
    }
}

/// The cases of a rule about points: the cells of one column.
fn points(rule: &str, options: &IntakeOptions, cases: &[(&[&str], &str)]) {
    for (cells, expected) in cases {
        let mut content = "phone\tpoints\n".to_owned();
        for (row, cell) in (2..).zip(*cells) {
            let phone =
                if cell.starts_with("total ") { "Tổng cộng".to_owned() } else { format!("09012345{row:02}") };
            writeln!(content, "{phone}\t{}", cell.trim_start_matches("total ")).unwrap();
        }
        let given = read(file(content.as_bytes()).path(), options).replace("09012345", "");
        assert_eq!(given, *expected, "{rule}: {cells:?}");
    }
}

#[test]
fn phone_numbers() {
    let good = "2:0901234567=100";
    let (zero, code) = ("2:0901234567=100[PhoneZero]", "2:0901234567=100[PhoneCountryCode]");
    let cleaned = "2:0901234567=100[PhoneSeparators]";
    phones("10 digits as they are", &[("0901234567", good), (" 0901234567 ", good), ("0401234567", "2!PhoneDigits")]);
    phones(
        "spaces, NBSP, zero-width characters, dots, dashes, brackets, a leading apostrophe are removed",
        &[
            ("090 123 4567", cleaned),
            ("090\u{a0}1234567", cleaned),
            ("0901234567\u{200b}", cleaned),
            ("090.123.4567", cleaned),
            ("090-123-4567", cleaned),
            ("090–123–4567", cleaned),
            ("(090)1234567", cleaned),
            ("[090] 1234567", cleaned),
            ("'0901234567", cleaned),
        ],
    );
    phones(
        "9 digits lost a leading zero, even 84…",
        &[
            ("901234567", zero),
            ("841234567", "2:0841234567=100[PhoneZero]"),
            ("201234567", "2!PhoneFixed"),
            ("401234567", "2!PhoneDigits"),
        ],
    );
    phones(
        "what a system writes around a number",
        &[
            ("=\"0901234567\"", "2:0901234567=100[TextFormula]"),
            ("=\"901234567\"", zero),
            ("901234567.0", zero),
            ("0901234567.0", "2:0901234567=100[PhoneDecimals]"),
            ("84901234.0", "2!PhoneDigits"),
        ],
    );
    phones(
        "the country code",
        &[
            ("+84901234567", code),
            ("0084901234567", code),
            ("84901234567", code),
            ("+840901234567", "2!PhoneDigits"),
            ("+65901234567", "2!PhoneDigits"),
        ],
    );
    phones(
        "a number from before 2018 is refused",
        &[
            ("01621234567", "2!PhoneOld"),
            ("1621234567", "2!PhoneOld"),
            ("841621234567", "2!PhoneOld"),
            ("01991234567", "2!PhoneOld"),
        ],
    );
    phones(
        "lost digits, two numbers, letters, a fixed line",
        &[
            ("8.49E+10", "2!PhoneLost"),
            ("0901234567 - 0912345678", "2!PhoneTwo"),
            ("0901234567/0912345678", "2!PhoneTwo"),
            ("09O1234567", "2!PhoneLetters"),
            ("02838123456", "2!PhoneFixed"),
            ("", "2!PhoneMissing"),
        ],
    );
}

#[test]
fn point_amounts() {
    let plain = IntakeOptions::default();
    points(
        "whole numbers from 50 to 20,000,000",
        &plain,
        &[
            (&["50", "20000000"], "2:02=50 3:03=20000000"),
            (&["49", "20000001", "0"], "2!PointsRange 3!PointsRange 4!PointsRange"),
        ],
    );
    points("1 000 as it is", &plain, &[(&["1 000", "1\u{a0}000\u{a0}000"], "2:02=1000 3:03=1000000")]);
    points(
        "fractions, letters, currency, negatives, zero, blanks, E-notation are refused",
        &plain,
        &[
            (
                &["1.5", "10k", "1.000đ", "-100", "0"],
                "2!PointsFraction 3!PointsText 4!PointsText 5!PointsRange 6!PointsRange",
            ),
            (&["", "1E+05", "1000.5", "0100"], "2!PointsMissing 3!PointsText 4!PointsFraction 5!PointsText"),
        ],
    );
    let zeros = "[PointsDecimals]";
    points(
        "decimals that are all zero and can be nothing else are dropped",
        &plain,
        &[
            (&["1000.00", "500.0"], &format!("2:02=1000{zeros} 3:03=500{zeros}")),
            (&["1.000.000,00"], &format!("2:02=1000000{zeros}")),
            (&["1000,00", "1.250"], &format!("2:02=1000{zeros} 3:03=1250[PointsThousands]")),
            (&["1000.00", "500.000"], &format!("2:02=1000{zeros} 3!PointsGrouping")),
            (&["1000.00", "total 1000.00"], &format!("2:02=1000{zeros} 3:total=1000")),
            (&["=\"1000\""], "2:02=1000[TextFormula]"),
        ],
    );
    let thousands = "[PointsThousands]";
    points(
        "groups of three count where the decimal reading is impossible for the column",
        &plain,
        &[
            (&["1.000"], &format!("2:02=1000{thousands}")),
            (&["1,250", "500,000"], &format!("2:02=1250{thousands} 3:03=500000{thousands}")),
            (&["500.000", "1.000.000", "70"], &format!("2:02=500000{thousands} 3:03=1000000{thousands} 4:04=70")),
        ],
    );
    points(
        "a column of 500.000 alone is refused",
        &plain,
        &[
            (&["500.000", "750.000"], "2!PointsGrouping 3!PointsGrouping"),
            (&["500.000", "60"], "2!PointsGrouping 3:03=60"),
        ],
    );
}

#[test]
fn totals_and_flags_decide_how_points_are_grouped() {
    let plain = IntakeOptions::default();
    let thousands = "[PointsThousands]";
    points(
        "marks that contradict each other are refused",
        &plain,
        &[
            (&["1.250", "2,500"], "2!PointsGrouping 3!PointsGrouping"),
            (&["1.250", "1.5"], "2!PointsGrouping 3!PointsFraction"),
        ],
    );
    points(
        "a control total that fits one reading only decides",
        &plain,
        &[
            (
                &["500.000", "750.000", "total 1250000"],
                &format!("2:02=500000{thousands} 3:03=750000{thousands} 4:total=1250000"),
            ),
            (
                &["500.000", "750.000", "total 1.250.000"],
                &format!("2:02=500000{thousands} 3:03=750000{thousands} 4:total=1250000"),
            ),
            (&["500.000", "750.000", "total 1250"], "2:02=500[PointsDecimals] 3:03=750[PointsDecimals] 4:total=1250"),
            (&["500.000", "total 77"], "2!PointsGrouping !Total"),
        ],
    );
    points(
        "--expect-total that fits one reading only decides",
        &with(|o| o.expect_total = Some(1_250_000)),
        &[
            (&["500.000", "750.000"], &format!("2:02=500000{thousands} 3:03=750000{thousands}")),
            (&["500.000"], "2!PointsGrouping !ExpectedTotal"),
        ],
    );
    points(
        "--points-grouping is the remedy",
        &with(|o| o.points_grouping = Some('.')),
        &[
            (&["500.000", "750.000"], &format!("2:02=500000{thousands} 3:03=750000{thousands}")),
            (&["500,000"], "2!PointsFraction"),
        ],
    );
    points("--points-grouping knows two marks", &with(|o| o.points_grouping = Some(' ')), &[(&["500"], "!Columns")]);
}
