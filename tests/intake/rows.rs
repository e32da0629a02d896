//! Totals, references, duplicates.

use super::rule::{GOOD, file, rule, rule_with, with};
use topup::intake::{IntakeOptions, ProblemKind, check};

#[test]
fn rows() {
    rule(
        "a closing total row equal to the sum is accepted, different refuses the file",
        &[
            ("phone,points\n0901234567,1000\nTổng,1000\n", "2:0901234567=1000 3:total=1000"),
            ("n,phone,points\na,0901234567,1000\nTOTAL,,1000\n\n", "2:0901234567=1000 3:total=1000"),
            ("phone,points\n0901234567,1000\nTổng cộng:,1001\n", "2:0901234567=1000 !Total"),
            ("phone,points\n0901234567,1000\nTổng,\n", "2:0901234567=1000 !Total"),
            ("phone,points\n0901234567,1000\n09,500\nTổng,1500\n", "2:0901234567=1000 3!PhoneDigits 4:total=1500"),
            ("phone,points\n0901234567,1000\n0312345678,x\nTổng,1000\n", "2:0901234567=1000 3!PointsText !Total"),
            ("phone,points\n0901234567,1000\nTổng,1000\n0312345678,500\n", "2:0901234567=1000 4:0312345678=500 !Total"),
            ("name,phone,points\nTống,0901234567,1000\n", GOOD),
        ],
    );
    rule_with(
        "--expect-total",
        &with(|options| options.expect_total = Some(1000)),
        &[
            ("phone,points\n0901234567,1000\n", GOOD),
            ("phone,points\n0901234567,1001\n", "2:0901234567=1001 !ExpectedTotal"),
        ],
    );
    rule(
        "references are trimmed, NFC, and never rounded",
        &[
            ("reference,phone,points\n A1 ,0901234567,1000\n", GOOD),
            ("reference,phone,points\n1.23457E+11,0901234567,1000\n", "2!Reference"),
            ("reference,phone,points\n,0901234567,1000\n", GOOD),
        ],
    );
    rule(
        "send_sms is yes or no",
        &[
            ("phone,points,send_sms\n0901234567,1000,có\n", GOOD),
            ("phone,points,send_sms\n0901234567,1000,2\n", "2!SendSms"),
        ],
    );
    rule(
        "every wrong cell of a row is said",
        &[("phone,points,send_sms\n09,x,2\n", "2!PointsText 2!PhoneDigits 2!SendSms")],
    );
    rule(
        "a file without rows",
        &[("phone,points\n", "!Empty"), ("phone,points\n\n,\n", "!Empty"), ("", "!Empty"), ("\n\n", "!Empty")],
    );
}

#[test]
fn duplicates_name_both_rows() {
    let twice = |content: &str, options: &IntakeOptions| -> Vec<(u64, String)> {
        let report = check(file(content.as_bytes()).path(), options);
        let of_kind = report.problems.into_iter().filter(|problem| problem.kind == ProblemKind::Duplicate);
        of_kind.map(|problem| (problem.row.unwrap(), problem.message)).collect()
    };
    let (plain, allowed) = (IntakeOptions::default(), with(|options| options.allow_repeat_phones = true));
    let member = "phone,points\n0901234567,1000\n0312345678,1000\n901234567,500\n0901234567,500\n";
    let found = twice(member, &plain);
    assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [4, 5]);
    assert!(found.iter().all(|(_, message)| message.contains("row 2")), "{found:?}");
    assert_eq!(twice(member, &allowed), []);
    let reference = "ref,phone,points\nA,0901234567,1000\nB,0901234567,1000\n A,0312345678,500\n";
    for options in [&plain, &allowed] {
        let found = twice(reference, options);
        assert_eq!((found.len(), found[0].0), (1, 4));
        assert!(found[0].1.contains("row 2"), "{found:?}");
    }
    assert_eq!(twice("ref,phone,points\na,0901234567,1000\nA,0901234567,1000\n", &plain), [], "case is kept");
    for (one, other) in
        [("R1", "R1\u{200b}"), ("A-1", "A–1"), ("A 1", "A\u{a0}1"), ("A1", "\u{410}1"), ("\u{392}1", "B1")]
    {
        let alike = format!("ref,phone,points\n{one},0901234567,1000\nX,0901234567,1000\n{other},0901234567,1000\n");
        for options in [&plain, &allowed] {
            let found = twice(&alike, options);
            assert_eq!((found.len(), found[0].0), (1, 4), "{one} {other}");
            assert!(found[0].1.contains("looks like that of row 2"), "{found:?}");
        }
        let other_points = format!("ref,phone,points\n{one},0901234567,1000\n{other},0901234567,500\n");
        assert_eq!(twice(&other_points, &plain), [], "{one} {other}");
    }
    let composed = "ref,phone,points\n\u{1ed3},0901234567,1000\no\u{302}\u{300},0312345678,500\n";
    assert_eq!(twice(composed, &plain).len(), 1, "one spelling of a letter is the other");
}
