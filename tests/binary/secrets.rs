//! Keys, signatures and whole phone numbers stay where they belong, whatever happens and however much is said.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Ended, KEY_CODE, KEY_PEM, RUN, Stage, phone, run_and, until, write_private};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt as _;
use topup::simulator::generate_key_pem;

const NOISY: [&str; 4] = ["-vv", "--json", "--log", "run.log"];
const ROWS: usize = 60;

/// Runs of characters that base64 uses: a signature is one of 344, a line of a key one of 64. Hashes have 64, all of
/// them hexadecimal.
fn longest_secret(text: &str) -> &str {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let runs = text.split(|c: char| !(is_base64(c) || c == '/'));
    let is_secret = |run: &&str| run.len() >= 60 && run.contains(|c: char| !c.is_ascii_hexdigit());
    runs.filter(is_secret).max_by_key(|run| run.len()).unwrap_or_default()
}

/// Neither secrets nor whole phones.
#[track_caller]
fn says_nothing_of_it(what: &str, text: &str) {
    says_no_secret(what, text);
    for row in 0..ROWS {
        // Without the zero in front, so that +84… and 84… are found too.
        assert!(!text.contains(&phone(row)[1..]), "{what} holds the phone of row {row}");
    }
}

#[track_caller]
fn says_no_secret(what: &str, text: &str) {
    for line in KEY_PEM.lines().filter(|line| !line.starts_with('-')) {
        assert!(!text.contains(line), "{what} holds a line of the key");
    }
    assert!(!text.contains(KEY_CODE), "{what} holds the key's code");
    assert_eq!(longest_secret(text), "", "{what} holds something like a signature");
}

#[track_caller]
fn check(what: &str, ended: &Ended) {
    says_nothing_of_it(&format!("stdout of {what}"), &ended.stdout);
    says_nothing_of_it(&format!("stderr of {what}"), &ended.stderr);
}

/// The ledger and the log after all of it.
#[track_caller]
fn check_files(stage: &Stage) {
    let log = std::fs::read_to_string(stage.path("run.log")).unwrap();
    assert!(log.lines().count() > ROWS, "the log says a lot");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["fields"].is_object());
    }
    says_nothing_of_it("the log", &log);
    for name in ["topup.db", "topup.db.lock", "run.log"] {
        let mode = std::fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "mode of {name}");
    }
    // Blobs and pages put bytes of their own between texts: only texts count.
    let ledger = std::fs::read(stage.ledger()).unwrap();
    let ledger = String::from_utf8_lossy(&ledger);
    assert!(ledger.contains(&phone(1)), "the one place for whole phones");
    for line in KEY_PEM.lines().filter(|line| !line.starts_with('-')).chain([KEY_CODE]) {
        assert!(!ledger.contains(line), "the ledger holds a secret");
    }
    let connection = super::audit::open(&stage.ledger());
    let mut events = connection.prepare("SELECT coalesce(note, '') || coalesce(request_id, '') FROM events").unwrap();
    let texts = events.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.for_each(|text| says_nothing_of_it("the history", &text.unwrap()));
    let mut batches = connection.prepare("SELECT settings || consent || planned_by FROM batches").unwrap();
    let texts = batches.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.for_each(|text| says_nothing_of_it("the batch", &text.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_noisiest_run_says_no_secret_and_no_whole_phone() {
    let stage =
        Stage::new("every=0.006,too_many=0,seed=3,trickle_s=0.001,slow_s=0.1,retry_after_s=0,oversized_mib=1").await;
    stage.impatient();
    stage.rows(ROWS);
    let run = run_and(&NOISY);
    let live = stage.start(&run);
    until("some are credited", || stage.credits() > 10).await;
    live.signal(Signal::INT);
    check("an interrupted run", &live.end().await);
    check("a resumed run", &stage.topup(&run).await);
    // A key that is refused, and one whose file is wrong, are where a careless program shows them.
    write_private(&stage.path("merchant.pem"), &generate_key_pem().unwrap());
    check("a run with another key", &stage.topup(&run).await);
    write_private(&stage.path("merchant.pem"), &KEY_PEM.replace("PRIVATE", "PRIVTE"));
    check("a run with a damaged key", &stage.topup(&run).await.exits(2));
    let cut: String = KEY_PEM.lines().take(5).chain(["-----END PRIVATE KEY-----"]).collect::<Vec<_>>().join("\n");
    write_private(&stage.path("merchant.pem"), &cut);
    check("a run with half a key", &stage.topup(&run).await.exits(2));
    check("doctor with half a key", &stage.topup(&["doctor", "-vv", "--json"]).await.exits(2));
    write_private(&stage.path("merchant.pem"), &KEY_PEM);
    stage.heal();
    check("the last run", &stage.finish(&run).await);
    check("doctor", &stage.topup(&["doctor", "-vv", "--json"]).await);
    check("status", &stage.topup(&["status", BATCH, "-vv"]).await);
    check_files(&stage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_files_and_plans_mask_the_phones() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &[(phone(1), 500), (phone(1), 500)]);
    check("a duplicate", &stage.topup(&run_and(&NOISY)).await.exits(3));
    stage.file("rewards.csv", &[(phone(1), 500), (phone(2), 500)]);
    stage.topup(&RUN).await.exits(0);
    let other = ["run", "rewards.csv", "--batch", "other", "--yes", "--json"];
    check("a repeat", &stage.topup(&other).await.exits(3));
    stage.file("rewards.csv", &[(phone(1), 501), (phone(3), 500)]);
    check("a changed file", &stage.topup(&run_and(&NOISY)).await.exits(3));
    std::fs::write(stage.path("rewards.csv"), format!("phone,points\n{},x\n+84{},500\n", phone(4), &phone(4)[1..]))
        .unwrap();
    check("a wrong cell", &stage.topup(&run_and(&NOISY)).await.exits(3));
    let spelt = format!("{} {} {}", &phone(5)[..4], &phone(5)[4..7], &phone(5)[7..]);
    let cells = format!("+84{}\n{spelt}\n", &phone(4)[1..]).replace('\n', ",500\n");
    std::fs::write(stage.path("rewards.csv"), format!("phone,points\n{cells}")).unwrap();
    let repaired = ["run", "rewards.csv", "--batch", "repaired", "--yes", "-vv"];
    let ended =
        stage.topup(&repaired).await.exits(0).says(&["row 2, phone: read \"+84***", "row 3, phone: read \"090***"]);
    assert!(!ended.stderr.contains(&spelt), "{}", ended.stderr);
    check("repaired cells", &ended);
    std::fs::write(stage.path("rewards.csv"), format!("phone,points\n{0}/{0},500\n0168{1},500\n", phone(4), 1_234_567))
        .unwrap();
    let ended = stage.topup(&["run", "rewards.csv", "--batch", "refused", "--yes"]).await.exits(3);
    check("two phones in a cell", &ended);
    assert!(!ended.stderr.contains("1234567"), "{}", ended.stderr);
}

/// Every way in which a phone gets into a message: as a reference, with blanks, dots or dashes, with a character too much,
/// in a column that is another's, and as what a person typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_is_hidden_wherever_it_stands_and_however_it_is_spelt() {
    let stage = Stage::new("none").await;
    let phone = phone(1);
    let (a, b, c) = (&phone[..4], &phone[4..7], &phone[7..]);
    let spelt = [
        format!("{a} {b} {c}"),
        format!("{a}.{b}.{c}"),
        format!("{a}-{b}-{c}"),
        format!("+84 {} {b} {c}", &a[1..]),
        format!("{phone}x"),
        format!("{phone}8"),
        format!("{a} {b} {c} 8"),
        format!("{a}o{b}{c}"),
    ];
    let hides = |what: &str, ended: &Ended| {
        for text in [&ended.stdout, &ended.stderr] {
            let digits = text.replace([' ', '.', '-', 'o', '\u{a0}'], "");
            assert!(!digits.contains(&phone[1..]), "{what} shows it: {text}");
        }
    };
    for cell in &spelt {
        for (columns, row) in [
            ("phone,points", format!("{cell},x\n")),
            ("phone,points", format!("{cell}8,500\n")),
            ("phone,points", format!("0912345678,{cell}\n")),
            ("reference,phone,points", format!("{cell},0912345678,5\n{cell},0912345679,5\n")),
            ("reference,phone,points", format!("{cell},0912345678,500\n{cell},0912345679,500\n")),
            ("phone,points,name", format!("0912345678,500,An,{cell}\n")),
        ] {
            std::fs::write(stage.path("rewards.csv"), format!("{columns}\n{row}")).unwrap();
            for command in [&run_and(&["-vv", "--json", "--log", "run.log"])[..], &RUN, &["check", "rewards.csv"]] {
                let ended = stage.topup(command).await.exits(3);
                hides(&format!("{columns} {row} {command:?}"), &ended);
            }
            hides("check --json", &stage.topup(&["check", "rewards.csv", "--json"]).await.exits(3));
        }
    }
    let log = std::fs::read_to_string(stage.path("run.log")).unwrap_or_default();
    assert!(!log.contains(&phone[1..]), "{log}");

    std::fs::write(stage.path("rewards.csv"), format!("reference,phone,points\n{},0912345678,500\n", spelt[0]))
        .unwrap();
    stage.topup(&RUN).await.exits(0);
    let end = ["--why", "a test", "--yes"];
    // Of what a person typed, what is a phone's number: a letter in the middle makes it another name.
    for named in spelt.iter().filter(|named| !named.contains('o')) {
        for decision in
            [&["attest", BATCH, named, "--credited"][..], &["release", BATCH, named], &["cancel", BATCH, named]]
        {
            for json in [&[][..], &["--json"]] {
                let ended = stage.topup(&[decision, &end, json].concat()).await;
                assert_ne!(ended.code(), 0);
                hides(&format!("{decision:?}"), &ended);
            }
        }
    }
    std::fs::write(stage.path("changed.csv"), format!("reference,phone,points\n{},0912345678,501\n", spelt[0]))
        .unwrap();
    let changed = ["run", "changed.csv", "--batch", BATCH, "--yes", "--json"];
    hides("a changed row", &stage.topup(&changed).await.exits(3));
    std::fs::write(stage.path("statement.csv"), "invoice_no,points,status\n").unwrap();
    hides("a statement", &stage.topup(&["reconcile", BATCH, "--statement", "statement.csv", "--json"]).await.exits(8));
    hides("a statement", &stage.topup(&["reconcile", BATCH, "--statement", "statement.csv"]).await.exits(8));
    hides("wrong usage", &stage.topup(&["status", &spelt[0], &spelt[1], "--json"]).await.exits(2));
    hides("no batch", &stage.topup(&["status", &spelt[0], "--json"]).await.exits(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_shows_no_key() {
    let stage = Stage::new("none").await;
    let arguments = ["simulator", "--port", "0", "--key", "merchant.pem", "-vv", "--for-s", "1", "--json"];
    let ended = stage.topup(&arguments).await.exits(0);
    says_no_secret("its stdout", &ended.stdout);
    says_no_secret("its stderr", &ended.stderr);
}
