//! `topup purge`: what says who members are is gone from the file, nobody is paid twice for it, and what became of each
//! payout is still known.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Ended, RUN, Stage, phone};
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, params};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use topup::simulator::{Latency, Members, OrderStatus};

const PURGE: [&str; 6] = ["purge", "--older-than", "30", "--why", "retention period", "--yes"];
const OTHER: [&str; 5] = ["run", "rewards.csv", "--batch", "another", "--yes"];
const DAY_MS: i64 = 86_400_000;
/// What may not be found afterwards.
const PERSONAL: [&str; 10] = [
    "0901234567",
    "0901234568",
    "0901234569",
    "0901234570",
    "Nguyễn An",
    "Lê Chi",
    "Trần Dũng",
    "Phạm Em",
    "R-2",
    "12 Hàng",
];

/// One row of each end: credited with a receipt, declined, held and then cancelled, ineligible.
async fn finished() -> Stage {
    let members = "phone,full_name,check_code,topup_code\n0901234567,Nguyễn An,,\n0901234568,Lê Chi,,4000318\n\
                   0901234569,Trần Dũng,,\n0901234570,Hồ Giang,200400,\n";
    let stage = Stage::with(Members::from_csv(members.as_bytes()).unwrap(), "none", Latency::NONE).await;
    stage.set("safety.canary_rows", "0");
    let rows = "reference,phone,points,name,address,receipt_name,receipt_address,receipt_email,receipt_tax_code\n\
                ,0901234567,500,Nguyễn An,12 Hàng Bông,Nguyễn An,12 Hàng Bông,an@vi.vn,0101\n\
                R-2,0901234568,600,Lê Chi,,,,,\nR-3,0901234569,700,Phạm Em,,,,,\nR-4,0901234570,800,,,,,,\n";
    std::fs::write(stage.path("rewards.csv"), rows).unwrap();
    stage.finish(&RUN).await.exits(4);
    stage.topup(&["cancel", BATCH, "R-3", "--why", "left", "--yes"]).await.exits(0);
    for state in ["credited", "declined", "cancelled", "ineligible"] {
        assert_eq!(stage.in_state(state), 1, "{state}");
    }
    stage
}

impl Stage {
    /// Lets so many days go by: every time in the ledger moves back, and the chain of the history with them.
    fn age(&self, days: i64) {
        let by = days * DAY_MS;
        let connection = Connection::open(self.ledger()).unwrap();
        let guards = "SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';') FROM sqlite_schema
                      WHERE type = 'trigger' AND name LIKE '%_never_change%'";
        let (lift, guard): (String, String) =
            connection.query_row(guards, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {lift}")).unwrap();
        connection
            .execute(
                "UPDATE events SET at = at - ?1,
                    note = CASE kind WHEN 'batch_planned' THEN json_set(note, '$.planned_at', note ->> 'planned_at' - ?1)
                                     ELSE note END",
                [by],
            )
            .unwrap();
        connection.execute("UPDATE batches SET planned_at = planned_at - ?1", [by]).unwrap();
        connection.execute("UPDATE payouts SET credited_at = credited_at - ?1", [by]).unwrap();
        let mut batches = connection.prepare("SELECT batch_id, name FROM batches").unwrap();
        let batches: Vec<(i64, String)> =
            batches.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        for (batch, name) in batches {
            let (planned, head) = chain_again(&connection, batch);
            connection.execute("UPDATE batches SET chain_head = ?2 WHERE batch_id = ?1", params![batch, head]).unwrap();
            let planned: String = planned.iter().map(|byte| format!("{byte:02x}")).collect();
            let note = serde_json::json!({"batch": name, "event": planned}).to_string();
            let sql = "UPDATE ledger_events SET note = ?2 WHERE batch_id = ?1 AND kind = 'batch_planned'";
            connection.execute(sql, params![batch, note]).unwrap();
        }
        chain_ledger_again(&connection);
        connection.execute_batch(&format!("{guard}; COMMIT")).unwrap();
    }

    fn key_file(&self) -> PathBuf {
        self.path("topup.db.purge-key")
    }

    /// Which of these texts a file of the ledger holds.
    fn found_in_the_ledger(&self, texts: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for name in ["topup.db", "topup.db-wal", "topup.db-shm", "topup.db.lock"] {
            let bytes = std::fs::read(self.path(name)).unwrap_or_default();
            let has = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(texts.iter().filter(has).map(|text| format!("{text} in {name}")));
        }
        found
    }
}

/// Links the events of a batch anew, as the ledger's own documentation says: apart from the program's code. Gives the
/// hash of the first one, which planned the batch, and of the last.
fn chain_again(connection: &Connection, batch: i64) -> ([u8; 32], [u8; 32]) {
    let sql =
        "SELECT event_id, payout_id, at, http, code, latency_ms, kind, detail, state, request_id, note, why, actor
               FROM events JOIN actors USING (actor_id) WHERE batch_id = ?1 ORDER BY event_id";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([batch]).unwrap();
    let (mut first, mut head) = (None, [0_u8; 32]);
    while let Some(row) = rows.next().unwrap() {
        let event: i64 = row.get(0).unwrap();
        connection.execute("UPDATE events SET previous = ?2 WHERE event_id = ?1", params![event, head]).unwrap();
        head = hash(head, row, &[1, 2, 3, 4, 5], &[6, 7, 8, 9, 10, 11, 12]);
        first = first.or(Some(head));
    }
    (first.unwrap(), head)
}

/// The same for the ledger's own events.
fn chain_ledger_again(connection: &Connection) {
    let sql =
        "SELECT ledger_event_id, at, batch_id, kind, note, why, actor FROM ledger_events ORDER BY ledger_event_id";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut head = [0_u8; 32];
    while let Some(row) = rows.next().unwrap() {
        let event: i64 = row.get(0).unwrap();
        let sql = "UPDATE ledger_events SET previous = ?2 WHERE ledger_event_id = ?1";
        connection.execute(sql, params![event, head]).unwrap();
        head = hash(head, row, &[1, 2], &[3, 4, 5, 6]);
    }
    connection.execute("UPDATE ledger SET chain_head = ?1", [head]).unwrap();
}

fn hash(previous: [u8; 32], row: &rusqlite::Row<'_>, numbers: &[usize], texts: &[usize]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&previous);
    let mut field = |bytes: Option<&[u8]>| {
        context.update(&bytes.map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
        context.update(bytes.unwrap_or_default());
    };
    for column in numbers {
        field(row.get::<_, Option<i64>>(*column).unwrap().map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    }
    for column in texts {
        field(row.get::<_, Option<String>>(*column).unwrap().as_deref().map(str::as_bytes));
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The code of a refusal that asked nobody and changed nothing.
async fn refused(stage: &Stage, arguments: &[&str], code: &str) {
    let (requests, payouts) = (stage.requests(), stage.payouts());
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ended = stage.topup(&arguments).await.exits(3);
    assert_eq!(ended.json()["error"]["code"], code, "{arguments:?}");
    assert_eq!((stage.requests(), stage.payouts()), (requests, payouts), "{arguments:?}");
}

fn says_nobody(ended: &Ended) {
    for text in PERSONAL {
        assert!(!ended.stdout.contains(text) && !ended.stderr.contains(text), "{text} is in {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_is_said_first_and_is_gone_from_the_file_afterwards() {
    let stage = finished().await;
    let early = stage.topup(&PURGE).await.exits(0);
    assert!(early.stdout.contains("nothing to purge\nleft alone: 2026-11, finished on "), "{}", early.stdout);
    assert!(!stage.key_file().exists());
    stage.age(31);
    assert!(stage.found_in_the_ledger(&PERSONAL).len() >= PERSONAL.len());

    let shown = stage.topup(&["purge", "--older-than", "30", "--dry-run"]).await.exits(0);
    assert!(shown.stdout.contains("would be purged: 1 batch\n"), "{}", shown.stdout);
    assert!(shown.stdout.contains("can still try all phone numbers"), "{}", shown.stdout);
    let json = stage.topup(&["purge", "--older-than", "30", "--dry-run", "--json"]).await.exits(0).json();
    let would = &json["would_purge"][0];
    let counts = ["payouts", "names", "receipts", "other_columns"].map(|word| would[word].as_u64().unwrap());
    assert_eq!((would["batch"].as_str(), counts), (Some(BATCH), [4, 3, 1, 4]), "{json:#}");
    refused(&stage, &PURGE[..5], "no_consent").await;
    assert!(!stage.key_file().exists());

    let ended = stage.topup(&PURGE).await.exits(0).says(&["to be purged: 1 batch", "stays: rows, points, states"]);
    says_nobody(&ended);
    assert!(ended.stdout.contains("purged: 1 batch; the file was written anew"), "{}", ended.stdout);
    assert_eq!(stage.found_in_the_ledger(&PERSONAL), Vec::<String>::new());
    assert_eq!(std::fs::metadata(stage.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(stage.key_file()).unwrap();
    assert_eq!(stage.found_in_the_ledger(&[key.trim()]), Vec::<String>::new());
    assert!(!ended.stdout.contains(key.trim()) && !ended.stderr.contains(key.trim()));
    let again = stage.topup(&PURGE).await.exits(0);
    assert!(again.stdout.contains("nothing new to purge; 1 batch purged before"), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_batch_is_still_looked_at_and_verified_and_nothing_else() {
    let stage = finished().await;
    stage.age(31);
    let states = |stage: &Stage| -> Vec<(String, u64, String)> {
        stage.payouts().into_iter().map(|payout| (payout.state, payout.points, payout.invoice_no)).collect()
    };
    let verified = stage.topup(&["verify", BATCH, "--offline", "--json"]).await.exits(0).json();
    let (before, head) = (states(&stage), verified["head"].as_str().unwrap().to_owned());
    stage.topup(&PURGE).await.exits(0);
    assert_eq!(states(&stage), before);

    let verified = stage.topup(&["verify", BATCH, "--offline", "--head", &head[..16], "--json"]).await.exits(0).json();
    assert_eq!(verified["head"], head, "a purge is no event of the history");
    let ended = stage.topup(&["verify", BATCH]).await.exits(0);
    assert!(ended.stdout.contains("purged on "), "{}", ended.stdout);
    let status = stage.topup(&["status", BATCH]).await.exits(0);
    assert!(status.stdout.contains("purged on ") && !status.stdout.contains("topup retry"), "{}", status.stdout);
    assert!(stage.topup(&["status"]).await.exits(0).stdout.contains("partial, purged"));
    assert!(stage.topup(&["status", BATCH, "--json"]).await.exits(0).json()["purged_on"].is_string());
    assert!(stage.topup(&["doctor"]).await.exits(0).stdout.contains("2026-11 was purged on "));
    let requests = stage.requests();
    says_nobody(&stage.topup(&["resume", BATCH]).await.exits(4));
    stage.topup(&["resolve", BATCH]).await.exits(4);
    let mut statement = String::from("invoice_no,phone,points,status\n");
    for order in stage.simulator.book().orders().filter(|order| order.status == OrderStatus::Credited) {
        statement.push_str(&format!("{},{},{},S\n", order.invoice_no, order.person, order.points));
    }
    std::fs::write(stage.path("statement.csv"), statement).unwrap();
    stage.topup(&["reconcile", BATCH, "--statement", "statement.csv"]).await.exits(0);
    assert_eq!(stage.requests(), requests, "none of these asks the gateway");

    refused(&stage, &RUN, "purged").await;
    refused(&stage, &["run", "rewards.csv", "--batch", BATCH, "--dry-run"], "purged").await;
    refused(&stage, &["run", "rewards.csv", "--batch", BATCH, "--rehearse"], "purged").await;
    refused(&stage, &["export", BATCH, "-o", "results.csv"], "purged").await;
    assert!(!stage.path("results.csv").exists());
    let number = before[1].2.as_str();
    for decision in [
        &["retry", BATCH][..],
        &["release", BATCH, number],
        &["cancel", BATCH, number],
        &["cancel", BATCH, "--all-planned"],
        &["attest", BATCH, number, "--credited"],
    ] {
        refused(&stage, &[decision, &["--why", "a test", "--yes"]].concat(), "purged").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_purged_batch_paid_is_not_paid_again() {
    let stage = Stage::new("none").await;
    let rows: Vec<(String, u64)> = (0..4).map(|row| (phone(row), 100)).collect();
    stage.file("rewards.csv", &rows);
    stage.topup(&RUN).await.exits(0);
    stage.age(2);
    let purge = ["purge", "--older-than", "1", "--why", "a test", "--yes"];
    stage.topup(&purge).await.exits(0);
    refused(&stage, &OTHER, "repeated_credited").await;
    for more in ["--dry-run", "--rehearse"] {
        refused(&stage, &[&OTHER[..4], &[more]].concat(), "repeated_credited").await;
    }
    // Nobody can say any more whom it paid.
    let kept = std::fs::read(stage.key_file()).unwrap();
    std::fs::remove_file(stage.key_file()).unwrap();
    refused(&stage, &OTHER, "purge_key").await;
    refused(&stage, &purge, "purge_key").await;
    assert!(!stage.key_file().exists(), "a second key would make the first hashes worthless");
    assert!(stage.topup(&["doctor"]).await.exits(0).stdout.contains("put the file back from its backup"));
    stage.topup(&["verify", BATCH]).await.exits(0);
    std::fs::write(stage.key_file(), kept).unwrap();
    assert_eq!(stage.credits(), 4);
    stage.expect_all_again();
    stage.topup(&[&OTHER[..], &["--repeat", "a second bonus"]].concat()).await.exits(0);
    assert_eq!(stage.credits(), 8);
    stage.audit_payments();
    stage.audit_sums();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_does_not_hold_together_is_left_as_it_is() {
    let stage = finished().await;
    stage.age(31);
    let connection = Connection::open(stage.ledger()).unwrap();
    connection
        .execute_batch("DROP TRIGGER payouts_keep_what_they_send; UPDATE payouts SET points = points + 1")
        .unwrap();
    drop(connection);
    let json = stage.topup(&[&PURGE[..], &["--json"]].concat()).await.exits(8).json();
    assert!(json["left_alone"][0]["why"].as_str().unwrap().starts_with("does not hold together"), "{json:#}");
    assert_eq!((json["purged"].as_array().map(Vec::len), stage.key_file().exists()), (Some(0), false));
    assert_eq!(stage.payouts()[1].member, "0901234568");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_in_the_way_is_said_and_the_same_command_wipes_later() {
    let stage = finished().await;
    stage.age(31);
    let reader = Connection::open(stage.ledger()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader.query_row("SELECT count(*) FROM payouts", [], |row| row.get(0)).unwrap();
    let ended = stage.topup(&[&PURGE[..], &["--json", "--ledger", "topup.db"]].concat()).await.exits(1);
    assert_eq!(ended.json()["error"]["code"], "not_wiped");
    ended.says(&["1 batch purged", "may still be in the free space", "--yes --ledger=topup.db"]);
    drop(reader);
    assert!(stage.payouts()[0].member.starts_with("PURGED:"));
    stage.topup(&PURGE).await.exits(0);
    assert_eq!(stage.found_in_the_ledger(&PERSONAL), Vec::<String>::new());
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_a_purge_the_same_command_finishes_it() {
    for (point, is_purged) in [("before-commit", false), ("after-commit", true), ("before-wipe", true)] {
        let stage = finished().await;
        stage.age(31);
        let killed = stage.topup_with(&PURGE, &[("TOPUP_CRASH_AT", &format!("{point}:1"))]).await;
        assert!(killed.was_killed(), "{point}: {killed:?}");
        let purged = stage.payouts().iter().filter(|payout| payout.member.starts_with("PURGED:")).count();
        assert_eq!(purged, if is_purged { 4 } else { 0 }, "{point}: all of it or nothing");
        stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
        stage.topup(&PURGE).await.exits(0);
        assert_eq!(stage.found_in_the_ledger(&PERSONAL), Vec::<String>::new(), "{point}");
        stage.topup(&["verify", BATCH]).await.exits(0);
        refused(&stage, &RUN, "purged").await;
    }
}
