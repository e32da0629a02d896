//! The provider's statement against the ledger: what agrees is said to agree, and nothing that differs is overlooked.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Ended, RUN, Stage};
use serde_json::{Value, json};
use std::path::Path;
use topup::simulator::{Latency, Members, OrderStatus};

/// The sample batch, paid at a simulator that knows its members.
async fn paid_samples() -> Stage {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let members = std::fs::File::open(samples.join("members-2026-11.csv")).unwrap();
    let stage = Stage::with(Members::from_csv(members).unwrap(), "none", Latency::NONE).await;
    for name in ["rewards-2026-11.csv", "statement-2026-11.csv", "statement-2026-11-differs.csv"] {
        std::fs::copy(samples.join(name), stage.path(name)).unwrap();
    }
    stage.finish(&["run", "rewards-2026-11.csv", "--batch", BATCH, "--yes"]).await.exits(4);
    stage
}

async fn reconcile(stage: &Stage, statement: &str, more: &[&str]) -> Ended {
    let arguments: Vec<&str> = ["reconcile", BATCH, "--statement", statement].iter().chain(more).copied().collect();
    stage.topup(&arguments).await
}

/// The book as the provider would list it, with a phone's middle hidden.
fn book_as_csv(stage: &Stage) -> String {
    let mut text = String::from("invoice_no;phone;points;status\n");
    for order in stage.simulator.book().orders() {
        let status = if order.status == OrderStatus::Credited { "S" } else { "E" };
        let phone = format!("{}***{}", &order.person[..3], &order.person[6..]);
        text.push_str(&format!("{};{phone};{};{status}\n", order.invoice_no, order.points));
    }
    text
}

fn kinds(ended: &Ended) -> Vec<(String, String)> {
    let of = |found: &Value| (found["kind"].as_str().unwrap().into(), found["message"].as_str().unwrap().into());
    ended.json()["differences"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_samples_agree_and_differ_as_they_say() {
    let stage = paid_samples().await;
    let (requests, ledger) = (stage.requests(), std::fs::read(stage.ledger()).unwrap());

    let equal = reconcile(&stage, "statement-2026-11.csv", &["--json"]).await.exits(0);
    let json = equal.json();
    assert_eq!(
        (&json["verdict"], &json["equal"]["rows"], &json["on_neither"]["rows"]),
        (&json!("equal"), &json!(307), &json!(13))
    );
    assert_eq!(json["credited"]["ledger"], json!({"rows": 301, "points": 1_858_726}));
    assert_eq!(json["credited"]["ledger"], json["credited"]["statement"]);
    assert_eq!(json["lines"], json!({"all": 309, "other_batches": {}, "other_programs": 1, "without_number": 1}));

    let differs = reconcile(&stage, "statement-2026-11-differs.csv", &["--json"]).await.exits(8);
    let expected = [
        ("paid_twice", "credited more than once"),
        ("paid_twice", "credited more than once; attempt 2 of row 33, of which this ledger knows nothing"),
        ("only_there", ""),
        ("different", "another amount than planned"),
        ("different", "another phone than planned"),
        ("different", "the ledger says credited, the statement says failed"),
        ("different", "the statement says credited, the ledger does not"),
        ("only_here", "the ledger says credited, the statement does not have it"),
    ];
    assert_eq!(kinds(&differs), expected.map(|(kind, message)| (kind.to_owned(), message.to_owned())));
    assert_eq!(differs.json()["difference_count"], 8);
    // Each of the 320 payouts is counted once; one of the 321 numbers is nobody's.
    let counted = ["equal", "paid_twice", "only_there", "different", "only_here", "on_neither"];
    assert_eq!(counted.map(|kind| differs.json()[kind]["rows"].as_u64().unwrap()), [300, 2, 1, 4, 1, 13]);

    let text = reconcile(&stage, "statement-2026-11-differs.csv", &[]).await.exits(8).stdout;
    assert!(text.find("PAID TWICE").unwrap() < text.find("ONLY THERE").unwrap(), "{text}");
    assert!(text.contains("topup verify 2026-11"), "{text}");
    let phones: Vec<String> = stage.payouts().into_iter().map(|payout| payout.member).collect();
    assert!(
        !phones.iter().any(|phone| text.contains(phone) || differs.stdout.contains(phone)),
        "a whole phone is shown"
    );
    assert_eq!((stage.requests(), std::fs::read(stage.ledger()).unwrap()), (requests, ledger), "it only reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_here_and_on_the_statement_is_a_difference_with_its_way_out() {
    let stage = Stage::new("top_up.lost_after=1,order_status.http_503=1").await;
    stage.rows(2);
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "1");
    stage.topup(&RUN).await.exits(5);
    assert_eq!(stage.in_state("in_doubt"), 2);

    std::fs::write(stage.path("statement.csv"), "invoice_no,points,status\nX-1,100,S\n").unwrap();
    let absent = reconcile(&stage, "statement.csv", &[]).await.exits(0);
    assert!(absent.stdout.contains("that proves nothing; topup resolve 2026-11"), "{}", absent.stdout);

    std::fs::write(stage.path("statement.csv"), book_as_csv(&stage)).unwrap();
    let found = reconcile(&stage, "statement.csv", &[]).await.exits(8);
    assert!(found.stdout.contains("in doubt here, and credited on the statement"), "{}", found.stdout);
    assert!(found.stdout.contains("next: topup resolve 2026-11"), "{}", found.stdout);

    stage.heal();
    stage.topup(&["resolve", BATCH]).await.exits(0);
    reconcile(&stage, "statement.csv", &[]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_holds_other_batches_too_and_its_words_can_be_named() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    stage.file("other.csv", &[("0399999999".to_owned(), 777)]);
    stage.topup(&["run", "other.csv", "--batch", "other", "--yes"]).await.exits(0);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in ["Mã GD đối tác", "SĐT", "Số điểm", "Trạng thái"].into_iter().enumerate() {
        sheet.write(2, u16::try_from(column).unwrap(), header).unwrap();
    }
    for (row, order) in (3..).zip(stage.simulator.book().orders()) {
        sheet.write(row, 0, order.invoice_no.to_lowercase()).unwrap();
        sheet.write(row, 1, order.person.trim_start_matches('0').parse::<f64>().unwrap()).unwrap();
        sheet.write(row, 2, order.points as f64).unwrap();
        sheet.write(row, 3, "Đã ghi có").unwrap();
    }
    workbook.save(stage.path("statement.xlsx")).unwrap();

    let unmapped = reconcile(&stage, "statement.xlsx", &["--json"]).await.exits(3);
    assert!(unmapped.stderr.contains("--column invoice_no=HEADER"), "{}", unmapped.stderr);
    let column = ["--column", "invoice_no=Mã GD đối tác"];
    let unknown = reconcile(&stage, "statement.xlsx", &[&column[..], &["--json"]].concat()).await.exits(3);
    assert_eq!(unknown.json()["error"]["problem_count"], 3, "the other batch's line is not judged: {}", unknown.stdout);
    assert!(unknown.stderr.contains("credited=Đã ghi có"), "{}", unknown.stderr);
    let named = [&column[..], &["--status", "credited=đã ghi có", "--json"]].concat();
    let equal = reconcile(&stage, "statement.xlsx", &named).await.exits(0).json();
    assert_eq!((&equal["equal"]["rows"], &equal["lines"]["other_batches"]), (&json!(3), &json!({"other": 1})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_cannot_be_read_whole_is_refused() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.topup(&RUN).await.exits(0);
    let number = stage.payouts().remove(0).invoice_no;
    for (text, part) in [
        (format!("invoice_no,points,status\n{number},,S\n"), "needs whole points, has none"),
        (format!("invoice_no,points,status\n{number},1.5,S\n"), "has a fraction"),
        (format!("invoice_no,points,status\n{number},50,\n"), "needs a status, has none"),
        (format!("invoice_no,phone,points\n{number},12345,50\n"), "phone"),
        (format!("invoice_no,points,status\nshop,a,b,c\n{number},50,S\n"), "needs at most 3 cells"),
        (format!("invoice_no,points,status\n{number},50,\"S\n"), "never closes"),
        ("phone,points\n0901234567,50\n".to_owned(), "invoice_no"),
        (String::new(), "empty file"),
    ] {
        std::fs::write(stage.path("statement.csv"), &text).unwrap();
        let ended = reconcile(&stage, "statement.csv", &["--json"]).await.exits(3);
        assert!(ended.json()["error"]["message"].as_str().unwrap().contains(part), "{part}: {}", ended.stdout);
    }
    reconcile(&stage, "nowhere.csv", &[]).await.exits(3);
    reconcile(&stage, "statement.csv", &["--column", "amount=x"]).await.exits(2).says(&["invoice_no, phone, points"]);
    stage.topup(&["reconcile", "none", "--statement", "statement.csv"]).await.exits(2);
}

/// A sum never begins again at zero: so many points that none can hold them are no statement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_beyond_counting_are_refused() {
    let stage = Stage::new("none").await;
    stage.rows(1);
    stage.topup(&RUN).await.exits(0);
    let number = stage.payouts().remove(0).invoice_no;
    let many = |number: &str| format!("{number},999999999999999,S\n").repeat(20_000);
    for number in [number.as_str(), "TP0000000000000000000X"] {
        std::fs::write(stage.path("statement.csv"), format!("invoice_no,points,status\n{}", many(number))).unwrap();
        reconcile(&stage, "statement.csv", &[]).await.exits(3).says(&["add up to more than can be counted"]);
    }
}
