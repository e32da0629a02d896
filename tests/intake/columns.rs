//! What columns mean, and which must be there.

use super::rule::{GOOD, file, rule, rule_with, with};
use topup::domain::column_role::ColumnRole;
use topup::intake::{IntakeOptions, Item, open};

#[test]
fn columns() {
    rule(
        "headers are matched without case, blanks, diacritics and punctuation",
        &[
            (" SỐ ĐIỆN THOẠI ,Số điểm (*)\n0901234567,1000\n", GOOD),
            ("SĐT,Điểm thưởng\n0901234567,1000\n", GOOD),
            ("msisdn,point_amount\n0901234567,1000\n", GOOD),
            ("So DT,Diem\n0901234567,1000\n", GOOD),
        ],
    );
    rule(
        "two columns that map to one meaning are an error",
        &[
            ("phone,mobile,points\n0901234567,0901234567,1000\n", "1!Columns"),
            ("phone,points,amount\n0901234567,1000,1000\n", "1!Columns"),
        ],
    );
    rule(
        "phone and points are needed, unless there are id_type and id",
        &[
            ("phone,name\n0901234567,An\n", "!Header"),
            ("points,name\n1000,An\n", "!Header"),
            ("id_type,id,points\nCARD,97041234,1000\n", "2:CARD:97041234=1000"),
            ("id_type,id,points\nUSER_ID,u-7,1000\n", "2:USER_ID:u-7=1000"),
            ("id_type,id,points\nmobile,901234567,1000\n", "2:0901234567=1000[PhoneZero]"),
            ("id_type,phone,points\nCARD,0901234567,1000\n", "1!Columns"),
            ("id,phone,points\n1,0901234567,1000\n", GOOD),
        ],
    );
    rule(
        "id_type and id name a member, and never contradict the phone",
        &[
            ("id_type,id,phone,points\nMOBILE,0901234567,+84901234567,1000\n", "2:0901234567=1000[PhoneCountryCode]"),
            ("id_type,id,phone,points\nMOBILE,0901234567,0901234568,1000\n", "2!Id"),
            ("id_type,id,phone,points\nCARD,97041234,0901234568,1000\n", "2:CARD:97041234=1000"),
            ("id_type,id,phone,points\nCARD,,0901234568,1000\n", "2!Id"),
            ("id_type,id,phone,points\n,97041234,0901234568,1000\n", "2!Id"),
            ("id_type,id,phone,points\n,,0901234567,1000\n", GOOD),
            ("id_type,id,points\n,,1000\n", "2!Id"),
            ("id_type,id,points\nPASSPORT,B1,1000\n", "2!Id"),
        ],
    );
}

#[test]
fn lone_receipt_and_named_columns() {
    rule("STT, No. and # never map to reference", &[("STT,No.,#,phone,points\n1,1,1,0901234567,1000\n", GOOD)]);
    rule(
        "a receipt has all four columns or none",
        &[
            ("phone,points,receipt_name\n0901234567,1000,An\n", "1!Columns"),
            (
                "phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code\n0901234567,1000,An,1 Lê Lợi,an@vi.vn,01\n",
                GOOD,
            ),
            ("phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code\n0901234567,1000,,,,\n", GOOD),
            (
                "phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code\n0901234567,1000,An,,,\n",
                "2!Receipt",
            ),
            (
                "phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code\n0901234567,19999,An,1 Lê Lợi,an@vi.vn,01\n",
                "2:0901234567=19999",
            ),
            (
                "phone,points,receipt_name,receipt_address,receipt_email,receipt_tax_code\n0901234567,20000,An,1 Lê Lợi,an@vi.vn,01\n",
                "2!Receipt",
            ),
        ],
    );
    let named = |meaning, header: &str| with(|options| options.columns.push((meaning, header.to_owned())));
    rule_with(
        "--column names a header by hand",
        &named(ColumnRole::Points, "Thưởng T11"),
        &[
            ("phone,Thưởng T11\n0901234567,1000\n", GOOD),
            ("phone,points,thuong t11\n0901234567,77,1000\n", GOOD),
            ("phone,points\n0901234567,1000\n", "!Header"),
            ("phone,Thưởng T11,Thưởng T11\n0901234567,1000,1000\n", "1!Columns"),
        ],
    );
    rule_with(
        "--column names a header that is not there",
        &named(ColumnRole::Name, "Tên"),
        &[("phone,points\n0901234567,1000\n", "1!Columns")],
    );
}

#[test]
fn other_columns_are_kept_and_given_back() {
    let file = file("batch,phone,Ghi chú,points,invoice_no\n2026-11,0901234567,'=1+1,1000,TP01\n".as_bytes());
    let mut intake = open(file.path(), &IntakeOptions::default()).unwrap();
    assert_eq!(intake.format().batch_columns, ["batch"]);
    assert_eq!(intake.format().invoice_no_columns, ["invoice_no"]);
    let Some(Item::Row(row, _)) = intake.next().unwrap() else { panic!("no row") };
    let extra = [("batch", "2026-11"), ("Ghi chú", "=1+1"), ("invoice_no", "TP01")];
    assert_eq!(row.extra, extra.map(|(header, cell)| (header.to_owned(), cell.to_owned())));
}
