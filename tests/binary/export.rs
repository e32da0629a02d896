//! Result files of real runs: their numbers are the ledger's, and a file of what was not paid is paid under no other number.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, RUN, Stage, phone, run_and};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use topup::simulator::{Latency, Members, UnknownMembers};

const RETRY: [&str; 6] = ["export", BATCH, "-o", "retry.csv", "--only", "declined,ineligible"];

/// Six payouts, run to their end: four credited, one declined, one ineligible.
async fn partly_paid() -> Stage {
    let mut members = String::from("phone,topup_code\n");
    for row in 0..5 {
        members.push_str(&format!("{},{}\n", phone(row), if row == 4 { "600500" } else { "" }));
    }
    let members = Members::from_csv(members.as_bytes()).unwrap().with_unknown(UnknownMembers::Absent);
    let stage = Stage::with(members, "none", Latency::NONE).await;
    stage.rows(6);
    stage.topup(&RUN).await.exits(4);
    stage
}

fn json(stage: &Stage, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(stage.path(name)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_holds_every_payout_in_its_state_and_reads_back_in() {
    let stage = partly_paid().await;
    let ended = stage.topup(&["export", BATCH, "-o", "all.json", "--json"]).await.exits(0);
    assert_eq!(
        (ended.json()["rows"].as_u64(), ended.json()["states"]["credited"]["rows"].as_u64()),
        (Some(6), Some(4))
    );
    let result = json(&stage, "all.json");
    let states: Vec<&str> =
        result["payouts"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["credited", "credited", "credited", "credited", "declined", "ineligible"]);
    assert_eq!(result["payouts"][4]["code"], 600_500);
    for name in ["all.csv", "all.xlsx", "all.html"] {
        stage.topup(&["export", BATCH, "-o", name, "--lang", "vi"]).await.exits(0);
        let mode = std::fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    for name in ["all.csv", "all.xlsx"] {
        let ended = stage.topup(&["check", name, "--json"]).await.exits(0);
        assert_eq!(
            (ended.json()["rows"].as_u64(), ended.json()["problem_count"].as_u64()),
            (Some(6), Some(0)),
            "{name}"
        );
        let requests = stage.requests();
        stage.topup(&["run", name, "--batch", BATCH, "--yes"]).await.exits(4);
        assert_eq!(stage.requests(), requests, "the batch knows the rows of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_file_is_refused_under_another_batch_before_anything_is_planned() {
    let stage = partly_paid().await;
    stage.topup(&RETRY).await.exits(0);
    let text = std::fs::read_to_string(stage.path("retry.csv")).unwrap();
    assert_eq!(text.lines().count(), 3);
    for row in 0..4 {
        assert!(!text.contains(&phone(row)), "row {row} is credited");
    }
    let requests = stage.requests();
    let other = ["run", "retry.csv", "--batch", "2026-12", "--yes", "--json"];
    let ended = stage.topup(&other).await.exits(3).says(&["topup retry 2026-11", "nothing was sent"]);
    assert_eq!(ended.json()["error"]["code"], "other_batch");
    // Neither a reason to repeat, nor a dry run, nor a new ledger makes it another payment.
    stage.topup(&["run", "retry.csv", "--batch", "2026-12", "--yes", "--repeat", "because"]).await.exits(3);
    stage.topup(&["run", "retry.csv", "--batch", "2026-12", "--dry-run"]).await.exits(3);
    stage.topup(&["run", "retry.csv", "--batch", "2026-12", "--yes", "--ledger", "new.db"]).await.exits(3);
    assert_eq!(stage.requests(), requests);
    let batches = stage.topup(&["status", "--json"]).await.exits(0).json();
    assert_eq!(batches["batches"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_file_under_its_own_batch_is_known_rows() {
    let stage = partly_paid().await;
    stage.topup(&RETRY).await.exits(0);
    let requests = stage.requests();
    stage.topup(&["run", "retry.csv", "--batch", BATCH, "--yes"]).await.exits(4);
    assert_eq!(stage.requests(), requests, "they are declined and ineligible, which only `retry` plans again");
    stage.topup(&["retry", BATCH, "--why", "limit raised", "--yes"]).await.exits(0);
    stage.topup(&["run", "retry.csv", "--batch", BATCH, "--yes"]).await.exits(4);
    assert!(stage.requests() > requests);
    assert_eq!(stage.credits(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_cannot_be_written_leaves_the_old_one() {
    let stage = partly_paid().await;
    std::fs::write(stage.path("r.csv"), "old").unwrap();
    for (arguments, code) in [
        (["export", "2026-12", "-o", "r.csv"], 2),
        (["export", BATCH, "-o", "missing/r.csv"], 1),
        (["export", BATCH, "-o", "r.pdf"], 2),
    ] {
        stage.topup(&arguments).await.exits(code).says(&["hint: "]);
    }
    stage.topup(&["export", BATCH, "-o", "r.csv", "--only", "paid"]).await.exits(2).says(&["in_doubt"]);
    // Open, so that the limit does not keep the ledger's own side files from being made.
    let ledger = rusqlite::Connection::open(stage.ledger()).unwrap();
    ledger.query_row("SELECT count(*) FROM batches", [], |row| row.get::<_, u64>(0)).unwrap();
    // The disk is full: a limit on the size of files, with the signal off that would kill.
    for name in ["r.csv", "r.xlsx"] {
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
        let mut command = tokio::process::Command::new("/bin/sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_topup"), "export", BATCH, "-o", name, "--ledger"]);
        command.arg(stage.ledger()).current_dir(stage.path(".")).kill_on_drop(true);
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains("no file of that name was made or changed") && !said.contains("panicked"),
            "{name}: {said}"
        );
    }
    assert_eq!(std::fs::read_to_string(stage.path("r.csv")).unwrap(), "old");
    let names = std::fs::read_dir(stage.path(".")).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.contains("part") || name.contains("xlsx")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_who_would_not_be_paid_and_keeps_nothing_else() {
    let mut members = String::from("phone,status\n");
    for row in 0..5 {
        members.push_str(&format!("{},{}\n", phone(row), if row == 2 { "B" } else { "A" }));
    }
    let members = Members::from_csv(members.as_bytes()).unwrap().with_unknown(UnknownMembers::Absent);
    let stage = Stage::with(members, "none", Latency::NONE).await;
    stage.rows(6);
    stage.topup(&run_and(&["--export", "not-paid.json"])).await.exits(2);
    let dry = ["run", "rewards.csv", "--batch", BATCH, "--dry-run", "--export", "not-paid.json"];
    stage.topup(&dry).await.says(&["wrote", "2 payouts that would not be paid"]);
    let result = json(&stage, "not-paid.json");
    let payouts = result["payouts"].as_array().unwrap();
    let phones: Vec<&str> = payouts.iter().map(|it| it["phone"].as_str().unwrap()).collect();
    assert_eq!(phones, [phone(2), phone(5)]);
    assert!(payouts.iter().all(|it| it["state"] == "ineligible" && it["message"].is_string()), "{payouts:#?}");
    assert!(!stage.ledger().exists());
    assert_eq!(stage.credits(), 0);
}
