//! Which row is the header, and what is said where none is.

use super::formats::rule_everywhere;
use super::rule::{GOOD, file, rule_with, with};
use topup::domain::column_role::ColumnRole;
use topup::intake::{IntakeOptions, check};

fn message(content: &str) -> String {
    let report = check(file(content.as_bytes()).path(), &IntakeOptions::default());
    report.problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
}

#[test]
fn nobody_stands_above_the_header() {
    rule_everywhere(
        "a row above the header with a phone and points refuses the file",
        &[
            ("An,0901234567,1000\nBình,0312345678,500\nname,phone,points\nChi,0912345678,700\n", "1!Header"),
            ("An,901234567,1.000.000\nname,phone,points\nChi,0912345678,700\n", "1!Header"),
            ("An,0901234567,10k\nname,phone,points\nChi,0912345678,700\n", "1!Header"),
            ("An,01681234567,1000\nname,phone,points\nChi,0912345678,700\n", "1!Header"),
            ("CARD,97041234,1000\nid_type,id,points\nCARD,97041235,700\n", "1!Header"),
            // A first table, with columns of its own.
            ("Số máy,Thưởng\n0901234567,1000\n\nx,y,phone,points\nx,y,0912345678,700\n", "2!Header"),
        ],
    );
    rule_everywhere(
        "a title is none",
        &[
            (
                "Công ty ABC,MST:,0312345678\nTháng 11 năm 2026,Hotline:,0901234567\n\nphone,points\n0901234567,1000\n",
                "5:0901234567=1000",
            ),
            ("DANH SÁCH THƯỞNG 2026\nphone,points\n0901234567,1000\n", "3:0901234567=1000"),
            ("Kỳ,11,2026\nphone,points,n\n0901234567,1000\n", "3:0901234567=1000"),
        ],
    );
    let said = message("An,0901234567,1000\nBình,0312345678,500\nname,phone,points\nChi,0912345678,700\n");
    assert!(said.contains("rows 1 and 2") && said.contains("header (row 3)"), "{said}");
}

#[test]
fn headers_as_companies_write_them() {
    rule_everywhere(
        "a header with a month, a year, a qualifier",
        &[
            ("SĐT,ĐIỂM THƯỞNG T11\n0901234567,1000\n", GOOD),
            ("Số ĐT,Điểm quy đổi\n0901234567,1000\n", GOOD),
            ("SĐT đăng ký VinID,Số điểm cần nạp\n0901234567,1000\n", GOOD),
            ("S\u{d0}T,Điểm thưởng tháng 11/2026\n0901234567,1000\n", GOOD),
            ("Phone,Points Nov 2026\n0901234567,1000\n", GOOD),
            ("SĐT,Điểm T10,Điểm T11\n0901234567,1000,500\n", "1!Columns"),
            ("SĐT,Điểm,Điểm quy đổi\n0901234567,1000,500\n", "1!Columns"),
            ("SĐT,Điểm,Điểm tích lũy\n0901234567,1000,500\n", GOOD),
            ("SĐT,SĐT người giới thiệu,Điểm\n0901234567,0312345678,1000\n", GOOD),
        ],
    );
    rule_everywhere(
        "two rows of header",
        &[
            ("Khách hàng,,Điểm thưởng\nHọ tên,SĐT,\nAn,0901234567,1000\n", "3:0901234567=1000"),
            ("SĐT,Thưởng,\n,Số điểm,Ghi chú\n0901234567,1000,x\n", "3:0901234567=1000"),
            ("SĐT,Điểm thưởng,\n,Số điểm,Ghi chú\n0901234567,1000,x\n", "3:0901234567=1000"),
            ("Số điện thoại,Số điểm\nPhone,Points\n0901234567,1000\n", "3:0901234567=1000"),
            ("Số điện thoại,Số điểm\nPoints,Phone\n0901234567,1000\n", "2!Header"),
            ("SĐT,Điểm thưởng,\n,Tháng 10,Tháng 11\n0901234567,1000,500\n", "2!Columns"),
            // Rows that are no header stay rows.
            ("Họ tên,,SĐT,Điểm\nTrần,An,,\nLê,B,0901234567,1000\n", "2!PointsMissing 2!PhoneMissing 3:0901234567=1000"),
            ("SĐT,Điểm\n,chưa có\n0901234567,1000\n", "2!PointsText 2!PhoneMissing 3:0901234567=1000"),
        ],
    );
    rule_with(
        "one of several columns under a header is named by hand",
        &with(|options| options.columns.push((ColumnRole::Points, "Tháng 11".to_owned()))),
        &[("SĐT,Điểm thưởng,\n,Tháng 10,Tháng 11\n0901234567,500,1000\n", "3:0901234567=1000")],
    );
}

#[test]
fn what_to_type_is_said_exactly() {
    for (content, part) in [
        (
            "STT,SĐT,Thưởng T11\n1,0901234567,1000\n",
            "columns found: «STT», «SĐT», «Thưởng T11»; did you mean `--column points=\"Thưởng T11\"`?",
        ),
        ("STT,Số máy,Điểm\n1,0901234567,1000\n", "did you mean `--column phone=\"Số máy\"`?"),
        (
            "Số máy,Tiền quà\n0901234567,1000\n",
            "did you mean `--column phone=\"Số máy\"` `--column points=\"Tiền quà\"`?",
        ),
        ("SĐT,Quà 1,Quà 2\n0901234567,1000,500\n", "or say `--column points=HEADER`"),
        (
            "SĐT,Điểm T10,Điểm T11\n0901234567,1000,500\n",
            "`--column points=\"Điểm T10\"` or `--column points=\"Điểm T11\"`",
        ),
        (
            "SĐT,Điểm thưởng,\n,Tháng 10,Tháng 11\n0901234567,1000,500\n",
            "choose with `--column points=\"Tháng 10\"` or `--column points=\"Tháng 11\"`",
        ),
        ("An,0901234567,1000\nBình,0312345678,500\n", "payees without one above them: rows 1 and 2"),
    ] {
        let said = message(content);
        assert!(said.contains(part), "{said}\n{part}");
    }
}

#[test]
fn a_key_of_the_payer_is_offered_and_never_taken() {
    let notes = |content: &str| -> Vec<String> {
        let report = check(file(content.as_bytes()).path(), &IntakeOptions::default());
        assert!(report.is_ok(), "{:?}", report.problems);
        report.warnings.into_iter().filter(|warning| warning.contains("different in every row")).collect()
    };
    let found = notes("Mã NV,SĐT,Điểm\nNV1,0901234567,1000\nNV2,0312345678,500\n");
    assert!(found.len() == 1 && found[0].contains("`--column reference=\"Mã NV\"`"), "{found:?}");
    for none in [
        "Mã NV,SĐT,Điểm\nNV1,0901234567,1000\nNV1,0312345678,500\n",
        "Mã NV,SĐT,Điểm\nNV1,0901234567,1000\n,0312345678,500\n",
        "Mã NV,reference,SĐT,Điểm\nNV1,a,0901234567,1000\nNV2,b,0312345678,500\n",
        "Ghi chú,SĐT,Điểm\nNV1,0901234567,1000\nNV2,0312345678,500\n",
    ] {
        assert_eq!(notes(none), [""; 0], "{none}");
    }
}
