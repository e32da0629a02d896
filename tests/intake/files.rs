//! Text files in every dialect and encoding, and workbooks.

use super::rule::{GOOD, file, read, rule, with};
use std::path::Path;
use topup::intake::{IntakeOptions, open};

#[test]
fn text_files() {
    rule(
        "UTF-8 with and without byte order mark",
        &[("phone,points\n0901234567,1000\n", GOOD), ("\u{feff}phone,points\n0901234567,1000\n", GOOD)],
    );
    rule(
        "the separator is the one under which the header maps",
        &[
            ("phone;points\n0901234567;1000\n", GOOD),
            ("phone\tpoints\n0901234567\t1000\n", GOOD),
            ("phone|points\n0901234567|1000\n", GOOD),
            ("phone,x;points\n0901234567,1000\n", "!Header"),
        ],
    );
    rule(
        "a first line names the separator and is no row",
        &[
            ("sep=;\nphone;points\n0901234567;1000\n", GOOD),
            ("sep=,\r\nphone,points\r\n0901234567,1000\r\n", GOOD),
            ("\"sep=|\"\nphone|points\n0901234567|1000\n", GOOD),
            ("sep=;\nphone,points\n0901234567,1000\n", "!Header"),
        ],
    );
    rule(
        "CR LF, LF and CR",
        &[
            ("phone,points\r\n0901234567,1000\r\n0312345678,500", "2:0901234567=1000 3:0312345678=500"),
            ("phone,points\r0901234567,1000\r0312345678,500\r", "2:0901234567=1000 3:0312345678=500"),
            ("phone,points\n\r\n0901234567,1000\r", "3:0901234567=1000"),
        ],
    );
}

#[test]
fn quotes_blank_rows_and_titles() {
    rule(
        "quoted fields with separators and line breaks; a row with line breaks is one row",
        &[
            (
                "note,phone,points\n\"a,\n\"\"b\"\"\",0901234567,1000\nc,0312345678,500\n",
                "2:0901234567=1000 3:0312345678=500",
            ),
            ("phone,points\n\"0901234567\",\"1000\"\n", GOOD),
        ],
    );
    rule(
        "a line break inside phone or points is an error",
        &[
            ("phone,points\n\"0901234567\n\",1000\n", "2!PhoneTwo"),
            ("phone,points\n0901234567,\"1\n000\"\n", "2!PointsText"),
        ],
    );
    rule(
        "an unclosed quote is an error that names the row where it opens",
        &[
            ("phone,points,n\n0901234567,1000,a\n0312345678,500,\"b\n0512345678,500,c\n", "2:0901234567=1000 3!Quote"),
            ("phone,points,n\n0901234567,1000,\"a\n0312345678,500,\"b\"\n", "2!Quote"),
            ("phone,points,n\n0901234567,1000,\"a\n0312345678,500,b\"\n", "2!Quote"),
            ("phone,points,n\n0901234567,1000,\"a\"b\n0312345678,500,c\n", "2!CellText 3:0312345678=500"),
            ("phone,points,n\n0901234567,1000,5\" screen\n", GOOD),
        ],
    );
    rule(
        "trailing blank rows and columns are nothing",
        &[
            ("phone,points,,\n0901234567,1000,,\n,,,\n\n\n", GOOD),
            ("phone,points\n0901234567,1000,,,\n", GOOD),
            ("phone,points\n0901234567,1000,x\n", "2!Shape"),
            ("phone,points,name\n0901234567,1000\n", GOOD),
        ],
    );
    rule(
        "title rows are skipped when exactly one row maps",
        &[
            ("Công ty,\nTháng 11,\n\nphone,points\n0901234567,1000\n", "5:0901234567=1000"),
            ("phone,points\n0901234567,1000\nphone,points\n0312345678,500\n", "3!Header"),
        ],
    );
}

#[test]
fn encodings() {
    let utf16: Vec<u8> =
        "\u{feff}Số điện thoại\tĐiểm\r\n0901234567\t1000\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> =
        "\u{feff}SĐT\tĐiểm\r\n0901234567\t1000\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let without_mark: Vec<u8> = "phone,points\n0901234567,1000\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lone_surrogate: Vec<u8> = [&utf16[..], &[0x00, 0xD8, 0x0A, 0x00]].concat();
    for (bytes, encoding, expected) in [
        (utf16, Some("utf-16le"), GOOD),
        (utf16_be, Some("utf-16be"), GOOD),
        (b"S\xF4\xEC \xF0i\xEA\xF2n thoa\xF2i;\xD0i\xEA\xD2m\n0901234567;1000\n".to_vec(), Some("windows-1258"), GOOD),
        (b"phone;points;name\n0901234567;1000;\x8Aimek\n".to_vec(), Some("windows-1252"), GOOD),
        (b"phone;points;name\n0901234567;1000;\x81\x8D\n".to_vec(), None, "!Encoding"),
        (
            "phone,points,name\n0901234567,1000,Nguyễn\n0312345678,500,".bytes().chain(*b"Ren\xE9\n").collect(),
            None,
            "!Encoding",
        ),
        (
            b"\xEF\xBB\xBFphone,points,name\n0901234567,1000,a\n0312345678,500,Ren\xE9\n".to_vec(),
            Some("utf-8"),
            "2:0901234567=1000 3!Encoding",
        ),
        (lone_surrogate, Some("utf-16le"), "2:0901234567=1000 3!Encoding"),
        (without_mark, None, "!Encoding"),
        (b"\xFF\xFE\0\0p\0\0\0".to_vec(), None, "!Encoding"),
    ] {
        let file = file(&bytes);
        assert_eq!(read(file.path(), &IntakeOptions::default()), expected, "{encoding:?} {bytes:?}");
        let found = open(file.path(), &IntakeOptions::default()).ok().map(|intake| intake.format().encoding);
        assert_eq!(found, encoding, "{bytes:?}");
    }
}

#[test]
fn workbooks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/troubles");
    let plain = IntakeOptions::default();
    let shown = with(|options| options.include_hidden = true);
    let rows = "2:0901234567=1000[PhoneZero] 3:0312345678=500";
    let seen = with(|options| options.visible_only = true);
    let cases: [(&str, &IntakeOptions, String); 21] = [
        ("hidden-sheet.xlsx", &plain, rows.to_owned()),
        ("hidden-sheet.xlsx", &with(|o| o.sheet = Some("Ghi chú".to_owned())), "!Header".to_owned()),
        ("hidden-sheet.xlsx", &with(|o| o.sheet = Some("Nope".to_owned())), "!Sheet".to_owned()),
        ("hidden-rows.xlsx", &plain, "2:0901234567=1000[PhoneZero] !Hidden".to_owned()),
        ("hidden-rows.xlsx", &shown, rows.to_owned()),
        ("hidden-rows.xlsx", &seen, "2:0901234567=1000[PhoneZero]".to_owned()),
        ("hidden-columns.xlsx", &plain, format!("{rows} !Hidden")),
        ("hidden-columns.xlsx", &shown, rows.to_owned()),
        ("hidden-by-default.xlsx", &plain, "2:0901234567=1000[PhoneZero] 3:0312345678=500 !Hidden".to_owned()),
        ("hidden-by-default.xlsx", &shown, rows.to_owned()),
        (
            "hidden.xls",
            &with(|o| o.sheet = Some("Thưởng".to_owned())),
            "2:0901234567=1000[PhoneZero] 4:0512345678=500 !Hidden !Hidden".to_owned(),
        ),
        ("hidden.ods", &plain, "5:0312345678=500 !Hidden !Hidden".to_owned()),
        ("hidden.ods", &shown, "4:0901234567=1000[PhoneZero] 5:0312345678=500".to_owned()),
        ("plain.ods", &plain, "2:0901234567=1000[PhoneZero] 5:0312345678=500".to_owned()),
        ("formula.ods", &plain, "2:0901234567=1000[PhoneZero] 5:0312345678=500".to_owned()),
        ("title-rows.ods", &plain, "7!PointsRange".to_owned()),
        ("title-rows.xlsx", &plain, "6:0901234567=1000 7!PointsRange 9:total=1012".to_owned()),
        (
            "numbers.xlsx",
            &plain,
            "2:0901234567=1000[PhoneZero] 3!PointsFraction 4!Reference 5!PhoneLetters 6!PointsText 7!PointsFraction"
                .to_owned(),
        ),
        ("formula.xlsx", &plain, "2:0901234567=1000 3:0312345678=500".to_owned()),
        ("too-wide.xlsx", &plain, "2!Limit".to_owned()),
        ("too-many-cells.ods", &plain, "2!Limit".to_owned()),
    ];
    for (name, options, expected) in cases {
        assert_eq!(read(&folder.join(name), options), expected, "{name} {options:?}");
    }
}
