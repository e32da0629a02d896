//! What stands behind the payees: totals, subtotals, footers.

use super::formats::rule_everywhere;
use super::rule::{GOOD, file, rule};
use topup::intake::{IntakeOptions, check};

#[test]
fn a_total_is_known_by_its_label() {
    rule_everywhere(
        "a closing total under its usual names",
        &[
            ("stt,phone,points\n1,0901234567,1000\nTổng điểm,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nTotal points,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nTổng cộng (1 KH),,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\n,Tổng cộng: 1 khách hàng,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nCộng,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nTong cong,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nTổng điểm thưởng T11,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("name,phone,points\nAn,0901234567,1000\nTổng cộng,,1000\n", "2:0901234567=1000 3:total=1000"),
            ("stt,phone,points\n1,0901234567,1000\nTổng cộng,,1001\n", "2:0901234567=1000 !Total"),
        ],
    );
    rule_everywhere(
        "a person's name is no total",
        &[
            ("name,phone,points\nAn,0901234567,1000\nCông,,1000\n", "2:0901234567=1000 3!PhoneMissing"),
            ("name,phone,points\nAn,0901234567,1000\nTổng,,1000\n", "2:0901234567=1000 3!PhoneMissing"),
            ("name,phone,points\nAn,0901234567,1000\nTong Cong,,1000\n", "2:0901234567=1000 3!PhoneMissing"),
            ("nhân sự,phone,points\nAn,0901234567,1000\nCông,,1000\n", "2:0901234567=1000 3!PhoneMissing"),
            ("nhân sự,phone,points\nAn,0901234567,1000\nTống,,1000\n", "2:0901234567=1000 3!PhoneMissing"),
        ],
    );
    rule_everywhere(
        "the sum of a group is named as one",
        &[
            ("stt,phone,points\n1,0901234567,1000\nCộng Kho A,,1000\n", "2:0901234567=1000 !Total"),
            (
                "stt,phone,points\n1,0901234567,1000\nCộng Kho A,,1000\n2,0312345678,500\nTổng cộng,,1500\n",
                "2:0901234567=1000 4:0312345678=500 5:total=1500 !Total",
            ),
        ],
    );
    let report = check(
        file("stt,phone,points\n1,0901234567,1000\nCộng Kho A,,1000\n".as_bytes()).path(),
        &IntakeOptions::default(),
    );
    let problem = &report.problems[0];
    let in_name =
        check(file("name,phone,points\nAn,0901234567,1000\nTổng,,1000\n".as_bytes()).path(), &IntakeOptions::default());
    assert!(in_name.problems[0].message.contains("if the row is a total"), "{:?}", in_name.problems);
    assert_eq!((problem.row, problem.found.as_str()), (Some(3), "Cộng Kho A"));
    assert!(problem.message.contains("subtotal of a group"), "{problem:?}");
}

#[test]
fn a_footer_is_said_once_and_paid_nothing() {
    let signed = "STT,SĐT,Số điểm,Họ tên\n1,0901234567,1000,An\nTổng cộng,,1000,\n\
                  Bằng chữ: Một nghìn điểm,,,\n,,\"\",\n,,Hà Nội ngày 25 tháng 11 năm 2026,\n\
                  Người lập biểu,,Kế toán trưởng,Giám đốc\n(Ký; họ tên),,(Ký; họ tên),(Ký; họ tên)\nTrần Thị B,,Lê C,\n";
    let report = check(file(signed.as_bytes()).path(), &IntakeOptions::default());
    assert!(report.is_ok(), "{:?}", report.problems);
    assert_eq!((report.rows, report.footer_rows.as_slice()), (1, &[4, 6, 7, 8, 9][..]));
    let said: Vec<&String> = report.warnings.iter().filter(|warning| warning.contains("footer")).collect();
    assert_eq!(said, ["behind the list, paid nothing: rows 4 and 6 to 9, the footer («Bằng chữ: Một nghìn điểm» …)"]);
    let total = "stt,phone,points\n1,0901234567,1000\nTổng cộng,,1000\n";
    let behind = |rows: &str| format!("{total}{rows}");
    let taken = "2:0901234567=1000 3:total=1000";
    for (rows, expected) in [
        ("Kế toán trưởng,,\nTrần B,,\n", taken),
        (",25/11/2026,\n", taken),
        ("Ghi chú: danh sách gồm 1 người,,\n", taken),
        (",\"TP.HCM, 25/11/2026\",\n", taken),
        (",Date: 25/11/2026,\n", taken),
        (",Hotline: 0901234568,\n,Liên hệ: 0243 123 4567,\n", taken),
        (",Hotline: 0312345678,500\n", "2:0901234567=1000 4!PhoneLetters !Total"),
        (",An 0312345678,\n", "2:0901234567=1000 4!PointsMissing 4!PhoneLetters !Total"),
        // What could be a payee's is none.
        ("An,0312345678,500\n", "2:0901234567=1000 4:0312345678=500 !Total"),
        ("An,,500\n", "2:0901234567=1000 4!PhoneMissing !Total"),
        ("An,0312345678,\n", "2:0901234567=1000 4!PointsMissing !Total"),
        ("An,09O2345678,10k\n", "2:0901234567=1000 4!PointsText 4!PhoneLetters !Total"),
        ("An,,10k\n", "2:0901234567=1000 4!PointsText 4!PhoneMissing !Total"),
        ("Kế toán trưởng,,\nAn,0312345678,500\n", "2:0901234567=1000 5:0312345678=500 !Total"),
        // A table of its own, in other columns.
        ("0312345678,x,y,500\n", "2:0901234567=1000 4!Shape 4!PointsText 4!PhoneLetters !Total"),
    ] {
        rule("behind the total", &[(&behind(rows), expected)]);
    }
    rule_everywhere(
        "without a total only what is certain is a footer",
        &[
            ("stt,phone,points\n1,0901234567,1000\nNgười lập biểu,,Kế toán trưởng\nTrần B,,\n", GOOD),
            // Whatever column a signature stands in.
            ("stt,phone,points\n1,0901234567,1000\nNgười lập biểu,Kế toán trưởng,\nTrần B,Lê C,\n", GOOD),
            ("stt,phone,points\n1,0901234567,1000\n,Hà Nội ngày 25 tháng 11 năm 2026,\n", GOOD),
            ("stt,phone,points\n1,0901234567,1000\nKế toán,Giám đốc,500\n", "2:0901234567=1000 3!PhoneLetters"),
            ("stt,phone,points\n1,0901234567,1000\n\n,,Hà Nội ngày 25 tháng 11 năm 2026\n", GOOD),
            ("stt,phone,points\n1,0901234567,1000\nTrần B,,\n", "2:0901234567=1000 3!PointsMissing 3!PhoneMissing"),
            (
                "stt,phone,points\n1,0901234567,1000\nKế toán trưởng,,\n2,0312345678,500\n",
                "2:0901234567=1000 4:0312345678=500 !PhoneMissing",
            ),
        ],
    );
}
