//! Tests of result files: what they hold, that they read back in, and that they are whole or not there.

#![expect(clippy::unwrap_used, reason = "a test fails where its set-up fails")]

mod fixture;

use calamine::{Data, DataType, Reader, Xlsx, open_workbook};
use fixture::{BATCH, FILE, Fixture, cells};
use topup::domain::hint::{Part, Step};
use topup::domain::payout_status::State;
use topup::intake::{self, IntakeOptions, Item};
use topup::ledger::{Access, Ledger};
use topup::report::Lang;

const RETRY: [State; 2] = [State::Declined, State::Ineligible];

#[test]
fn the_csv_gives_rows_and_columns_back_with_what_came_of_them() {
    let stage = Fixture::set();
    insta::assert_snapshot!(stage.text("r.csv", &State::ALL, Lang::En).trim_start_matches('\u{feff}'));
    insta::assert_snapshot!("vi", stage.text("r.csv", &RETRY, Lang::Vi).trim_start_matches('\u{feff}'));
}

#[test]
fn the_json_is_as_scripts_rely_on_it() {
    let stage = Fixture::set();
    let text = stage.text("r.json", &State::ALL, Lang::En);
    insta::assert_snapshot!(text);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = json["payouts"][0].as_object().unwrap().keys().collect();
    let expected = [
        "row",
        "reference",
        "phone",
        "points",
        "invoice_no",
        "attempt",
        "state",
        "code",
        "message",
        "credited_at",
        "extra",
        "name",
        "reason",
        "credited_at_local",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn csv_and_workbook_read_back_in_as_the_payout_file_they_were() {
    for name in ["r.csv", "r.xlsx"] {
        for lang in Lang::ALL {
            reads_back_in(name, lang);
        }
    }
}

fn reads_back_in(name: &str, lang: Lang) {
    let stage = Fixture::set();
    stage.export(name, &State::ALL, lang).unwrap();
    let rows = |name: &str| {
        let mut intake = intake::open(&stage.path(name), &IntakeOptions::default()).unwrap();
        let mut rows = Vec::new();
        while let Some(item) = intake.next().unwrap() {
            match item {
                Item::Row(row, repairs) => {
                    assert_eq!(repairs, []);
                    rows.push(row);
                }
                Item::Problems(problems) => panic!("{problems:?}"),
            }
        }
        assert_eq!(intake.finish().unwrap().problems, []);
        rows
    };
    let (before, after) = (rows("file.csv"), rows(name));
    assert_eq!(before.len(), 8);
    for (before, mut after) in before.into_iter().zip(after) {
        after.extra.truncate(before.extra.len());
        assert_eq!(before, after);
    }
    let mut ledger = Ledger::open(&stage.path("topup.db"), Access::Write).unwrap();
    assert_eq!(stage.plan(&mut ledger, name, BATCH), Ok(true), "the same batch knows its rows again");
}

#[test]
fn no_cell_of_a_csv_begins_like_a_formula() {
    let stage = Fixture::set();
    for lang in Lang::ALL {
        stage.export("r.csv", &State::ALL, lang).unwrap();
        let rows = cells(&stage.path("r.csv"));
        let all: Vec<&String> = rows.iter().flatten().collect();
        assert!(all.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{all:?}");
        for neutral in ["'=1+1", "'@x", "'-4", "'+Gấm", "'-limit", "'=left the company"] {
            assert!(all.iter().any(|cell| *cell == neutral), "{neutral} in {all:?}");
        }
    }
}

#[test]
fn a_retry_file_is_refused_under_another_batch_and_names_retry() {
    let stage = Fixture::set();
    stage.export("retry.csv", &RETRY, Lang::Vi).unwrap();
    let mut ledger = Ledger::open(&stage.path("topup.db"), Access::Write).unwrap();
    for batch in ["2026-12", "another"] {
        let (code, message, advice) = stage.plan(&mut ledger, "retry.csv", batch).unwrap_err();
        assert_eq!(code, "other_batch");
        assert!(advice.contains(&Part::Step(Step::Retry(Some(BATCH.to_owned())))), "{message} {advice:?}");
        assert!(ledger.find_batch(batch).unwrap().is_none());
    }
    // A spreadsheet makes a date of the batch, somebody has a column of that name in front, or takes ours out: the
    // number says enough.
    let retry = std::fs::read_to_string(stage.path("retry.csv")).unwrap();
    let with_own = retry.replace("STT,", "Batch,").replace("\n3,", "\nautumn,").replace("\n4,", "\nautumn,");
    for (name, text) in [
        ("date.csv", retry.replace(",2026-11,", ",Nov-26,")),
        ("own.csv", with_own),
        ("without.csv", retry.replace(",batch,", ",đợt,")),
    ] {
        assert_ne!(text, retry);
        std::fs::write(stage.path(name), text).unwrap();
        let (code, message, advice) = stage.plan(&mut ledger, name, "2026-12").unwrap_err();
        assert_eq!(code, "other_batch", "{name}");
        assert!(advice.iter().any(|part| matches!(part, Part::Step(Step::Retry(_)))), "{message} {advice:?}");
        assert!(ledger.find_batch("2026-12").unwrap().is_none());
    }
    // A row that lost its key would be paid under another number of the same batch.
    std::fs::write(stage.path("keys.csv"), retry.replace("T-3", "T-33")).unwrap();
    let (code, message, advice) = stage.plan(&mut ledger, "keys.csv", BATCH).unwrap_err();
    assert_eq!(code, "other_batch");
    let is_said = advice.iter().any(|part| matches!(part, Part::Words(words) if words.contains("lost the reference")));
    assert!(is_said, "{message} {advice:?}");
    // An own column of that name is the user's own.
    let own = "phone,points,batch,invoice_no\n0901239999,100,autumn,INV-1\n";
    std::fs::write(stage.path("own.csv"), own).unwrap();
    assert_eq!(stage.plan(&mut ledger, "own.csv", "own"), Ok(false));
}

#[test]
fn a_file_holds_exactly_the_states_asked_for() {
    let stage = Fixture::set();
    for state in State::ALL {
        let exported = stage.export("r.csv", &[state], Lang::En).unwrap();
        let rows = cells(&stage.path("r.csv"));
        let column = rows[0].iter().position(|header| header == "state").unwrap();
        assert_eq!(rows.len() as u64 - 1, exported.rows());
        assert!(rows[1..].iter().all(|row| row[column] == state.word()));
        assert_eq!(exported.rows(), if state == State::Credited { 2 } else { 1 });
    }
    let retry = stage.text("retry.csv", &RETRY, Lang::En);
    for other in ["0901234561", "0901234562", "0901234568"] {
        assert!(!retry.contains(other), "{other} is credited or in doubt");
    }
}

#[test]
fn a_ledger_that_contradicts_its_history_gives_no_file() {
    let stage = Fixture::set();
    let connection = rusqlite::Connection::open(stage.path("topup.db")).unwrap();
    // Somebody makes a payout in doubt look declined, totals and all.
    for sql in [
        "UPDATE payouts SET state = 'declined' WHERE state = 'in_doubt'",
        "UPDATE totals SET rows = 2, points = 5000 WHERE state = 'declined'",
        "UPDATE totals SET rows = 0, points = 0 WHERE state = 'in_doubt'",
    ] {
        connection.execute(sql, []).unwrap();
    }
    let error = stage.export("retry.csv", &RETRY, Lang::En).unwrap_err();
    assert!(error.to_string().contains("its history ends in_doubt"), "{error}");
    assert_eq!(stage.results(), Vec::<String>::new());
}

#[test]
fn a_workbook_has_the_numbers_of_the_ledger_and_phones_as_text() {
    let stage = Fixture::set();
    let exported = stage.export("r.xlsx", &State::ALL, Lang::En).unwrap();
    let mut book: Xlsx<_> = open_workbook(stage.path("r.xlsx")).unwrap();
    assert_eq!(book.sheet_names(), ["Results", "Summary"]);
    let results = book.worksheet_range("Results").unwrap();
    let headers: Vec<String> = results.rows().next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        headers[..8],
        ["STT", "Số điện thoại", "Ghi chú", "Mã tham chiếu", "Số điểm", "Họ tên", "Ghi chú", "send_sms"]
    );
    let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
    assert_eq!(results.height() as u64 - 1, exported.rows());
    let mut points = 0.0;
    for row in results.rows().skip(1) {
        assert!(matches!(&row[1], Data::String(phone) if phone.starts_with("09")), "{row:?}");
        points += row[at("Số điểm")].get_float().unwrap();
    }
    assert_eq!(points as u64, exported.points());
    let first = results.rows().nth(1).unwrap();
    assert_eq!(first[2], Data::String("=1+1".to_owned()), "text, not a formula");
    let Data::DateTime(credited_at) = &first[at("credited_at (UTC+7)")] else { panic!("{first:?}") };
    // Excel counts days since 1899-12-30, here on Vietnam's clock.
    let days = (fixture::NOW - 3_600_000 + 7 * 3_600_000) as f64 / 86_400_000.0 + 25_569.0;
    assert!((credited_at.as_f64() - days).abs() < 1e-6, "{credited_at:?}");
    let summary = book.worksheet_range("Summary").unwrap();
    for (state, total) in &exported.states {
        let row = summary.rows().find(|row| row[0] == Data::String(Lang::En.state(*state).to_owned())).unwrap();
        assert_eq!((row[1].get_float(), row[2].get_float()), (Some(total.rows as f64), Some(total.points as f64)));
    }
    assert_eq!(book.worksheet_formula("Results").unwrap().used_cells().count(), 0);
}

#[test]
fn the_page_is_one_file_and_nothing_foreign_is_markup() {
    let stage = Fixture::set();
    for lang in Lang::ALL {
        let page = stage.text("r.html", &State::ALL, lang);
        // The search, by its hash, is the only script that a browser runs.
        assert_eq!((page.matches("<script").count(), page.matches("script-src 'sha256-").count()), (1, 1));
        for outside in ["http://", "https://", "src=", "<link", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        for part in [
            "prefers-color-scheme:dark",
            "type=\"search\"",
            "<svg class=\"time\"",
            "Hồ Văn Khác",
            "topup attest 2026-11",
            "topup release 2026-11",
            "5000001",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<table>").count(), page.matches("</table>").count());
    }
    let page = stage.text("r.html", &State::ALL, Lang::En);
    assert!(page.contains("all times are those of Asia/Ho_Chi_Minh, UTC+7") && page.contains("Standing for"));
    assert!(page.contains("in 2 h 0 min") && page.contains("since 2026-11-20 14:00:00"), "how long credits stand");
}

#[test]
fn a_file_replaces_an_older_one_and_is_for_its_owner_only() {
    let stage = Fixture::set();
    let path = stage.path("r.csv");
    std::fs::write(&path, "old").unwrap();
    stage.export("r.csv", &State::ALL, Lang::En).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().len() > 100);
    assert_eq!(stage.results(), ["r.csv"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_amended_file_with_other_columns_keeps_every_cell_under_its_header() {
    let stage = Fixture::set();
    let more = FILE.replace("STT,", "STT,Chi nhánh,").replacen("\r\n1,", "\r\n1,Huế,", 1);
    let mut amended = String::new();
    for (nth, line) in more.split_inclusive("\r\n").enumerate() {
        // Rows 2 to 8, the one with a line break among them, get an empty cell of the new column.
        let is_row = nth > 1 && line.starts_with(|c: char| c.is_ascii_digit());
        amended.push_str(&if is_row { line.replacen(',', ",,", 1) } else { line.to_owned() });
    }
    amended.push_str("9,Đà Lạt,0901234569,mới,T-9,900,Lý Mới,x,yes\r\n");
    std::fs::write(stage.path("file2.csv"), amended).unwrap();
    let mut ledger = Ledger::open(&stage.path("topup.db"), Access::Write).unwrap();
    assert_eq!(stage.plan(&mut ledger, "file2.csv", BATCH), Ok(false));
    stage.export("r.csv", &State::ALL, Lang::En).unwrap();
    let rows = cells(&stage.path("r.csv"));
    assert_eq!(rows[0][8], "Chi nhánh", "a new column stands behind the old ones");
    assert_eq!(rows[9][..9], ["9", "0901234569", "mới", "T-9", "900", "Lý Mới", "x", "yes", "Đà Lạt"]);
    assert_eq!(rows[1][..9], ["1", "0901234561", "'=1+1", "T-1", "1000", "Nguyễn An", "a,b", "yes", ""]);
}

#[test]
fn what_must_not_be_replaced_is_not() {
    let stage = Fixture::set();
    let error = stage.export("file.csv", &State::ALL, Lang::En).unwrap_err();
    assert!(error.to_string().contains("called like the file"), "{error}");
    assert_eq!(std::fs::read_to_string(stage.path("file.csv")).unwrap(), FILE);
    std::fs::create_dir(stage.path("folder.csv")).unwrap();
    let error = stage.export("folder.csv", &State::ALL, Lang::En).unwrap_err();
    assert!(error.to_string().contains("is a folder"), "{error}");
    let error = stage.export("r.pdf", &State::ALL, Lang::En).unwrap_err();
    assert!(error.to_string().contains(".csv, .xlsx, .html or .json"), "{error}");
    let error = stage.export("nowhere/r.csv", &State::ALL, Lang::En).unwrap_err();
    assert!(error.to_string().contains("hint: the folder"), "{error}");
}

#[test]
fn every_format_tells_times_by_the_clock_of_one_zone() {
    let stage = Fixture::set();
    let text = |name: &str, zone: &str| {
        stage.export_with(name, &State::ALL, Lang::En, zone, None, None).unwrap();
        std::fs::read_to_string(stage.path(name)).unwrap_or_default()
    };
    for (zone, local, label, offset) in [
        ("Asia/Ho_Chi_Minh", "2026-11-20 14:00:00", "UTC+7", "14:00:00+07:00"),
        ("Asia/Kolkata", "2026-11-20 12:30:00", "UTC+5:30", "12:30:00+05:30"),
        ("Europe/Berlin", "2026-11-20 08:00:00", "Europe/Berlin", "08:00:00+01:00"),
    ] {
        let csv = text("r.csv", zone);
        assert!(csv.contains(&format!("credited_at ({label}),spendable_at ({label})")), "{csv}");
        assert!(csv.contains(&format!(",{local},")), "{csv}");
        assert!(text("r.html", zone).contains(&format!("<td data-label=\"Credited at\">{local}</td>")), "{zone}");
        let json: serde_json::Value = serde_json::from_str(&text("r.json", zone)).unwrap();
        let payout = &json["payouts"][0];
        assert_eq!((&payout["credited_at"], &json["time_zone"]), (&"2026-11-20T07:00:00Z".into(), &zone.into()));
        assert_eq!(payout["credited_at_local"], format!("2026-11-20T{offset}"));
        text("r.xlsx", zone);
        let mut book: Xlsx<_> = open_workbook(stage.path("r.xlsx")).unwrap();
        let results = book.worksheet_range("Results").unwrap();
        let header = format!("credited_at ({label})");
        let at = results.rows().next().unwrap().iter().position(|cell| *cell == Data::String(header.clone())).unwrap();
        let Data::DateTime(time) = &results.rows().nth(1).unwrap()[at] else { panic!("{zone}") };
        let seconds = (time.as_f64().fract() * 86_400.0).round() as u64;
        let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        assert_eq!(time, local[11..]);
    }
}

#[test]
fn payouts_are_added_up_by_a_column_of_the_users_own() {
    let stage = Fixture::set();
    let export = |name: &str, by: &str| stage.export_with(name, &State::ALL, Lang::En, "UTC", Some(by), None);
    // Without case and diacritics, where that is one column.
    export("r.json", "SEND_SMS").unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(stage.path("r.json")).unwrap()).unwrap();
    assert_eq!(
        json["totals_by"],
        serde_json::json!({"column": "send_sms", "groups": [
            {"value": "no", "rows": 2, "points": 5000, "credited": {"rows": 0, "points": 0}},
            {"value": "yes", "rows": 6, "points": 31000, "credited": {"rows": 2, "points": 9000}},
        ]})
    );
    export("r.xlsx", "send_sms").unwrap();
    let mut book: Xlsx<_> = open_workbook(stage.path("r.xlsx")).unwrap();
    assert_eq!(book.sheet_names(), ["Results", "Totals", "Summary"]);
    let totals = book.worksheet_range("Totals").unwrap();
    let rows: Vec<String> =
        totals.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")).collect();
    assert_eq!(
        rows,
        [
            "send_sms|Payouts|Points|Payouts credited|Points credited",
            "no|2|5000|0|0",
            "yes|6|31000|2|9000",
            "In all|8|36000|2|9000"
        ]
    );
    export("r.html", "send_sms").unwrap();
    assert!(std::fs::read_to_string(stage.path("r.html")).unwrap().contains("<h2>Totals by «send_sms»</h2>"));
    for (name, by, part) in [
        ("x.csv", "send_sms", "needs a result file with a place for totals, has .csv"),
        ("x.json", "Phòng ban", "«Phòng ban» to add up by, has none; columns of the file: «STT», «Số điện thoại»"),
        ("x.json", "Ghi chú", "has several"),
    ] {
        let error = export(name, by).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(stage.results(), ["r.html", "r.json", "r.xlsx"]);
}

#[cfg(unix)]
#[test]
fn a_file_is_for_those_whom_its_writer_names() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Fixture::set();
    for name in ["r.csv", "r.xlsx", "r.html", "r.json"] {
        stage.export_with(name, &State::ALL, Lang::En, "UTC", None, Some(0o640)).unwrap();
        assert_eq!(std::fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777, 0o640, "{name}");
    }
}

#[test]
fn a_workbook_prints_on_a4_with_its_header_on_every_page() {
    let stage = Fixture::set();
    stage.export("r.xlsx", &State::ALL, Lang::Vi).unwrap();
    let mut zip = zip::ZipArchive::new(std::fs::File::open(stage.path("r.xlsx")).unwrap()).unwrap();
    let mut part = |name: &str| std::io::read_to_string(zip.by_name(name).unwrap()).unwrap();
    for sheet in ["xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"] {
        let xml = part(sheet);
        for setting in
            ["<pageSetUpPr fitToPage=\"1\"/>", "paperSize=\"9\"", "orientation=\"landscape\"", "fitToHeight=\"0\""]
        {
            assert!(xml.contains(setting), "{sheet} {setting}");
        }
    }
    assert!(part("xl/workbook.xml").contains("'Kết quả'!$1:$1"));
    // So many characters of Excel's own font fit on the page across; two thirds of its size can still be read.
    let xml = part("xl/worksheets/sheet1.xml");
    let widths = xml.split(" width=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
    let width: f64 = widths.sum();
    assert!(width < 149.0 / 0.55, "{width}");
}
