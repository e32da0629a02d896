//! Which exit status a command ends with, and the JSON that scripts read beside it.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, RUN, Stage, run_and};
use serde_json::{Value, json};
use topup::simulator::{Latency, Members, UnknownMembers};

const KEYS: [&str; 16] = [
    "batch",
    "verdict",
    "rows",
    "points",
    "plan",
    "planned",
    "in_doubt",
    "credited",
    "declined",
    "ineligible",
    "held",
    "cancelled",
    "skipped",
    "requests",
    "elapsed_s",
    "reason",
];
const STATES: [&str; 7] = ["planned", "in_doubt", "credited", "declined", "ineligible", "held", "cancelled"];

#[track_caller]
fn keys_of(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The shape that the command line's contract promises, to the order of the keys.
#[track_caller]
fn has_the_shape(summary: &Value) {
    // Whoever made a new ledger says so, behind what the contract promises.
    let keys: Vec<&str> = keys_of(summary).into_iter().filter(|key| *key != "ledger_created").collect();
    assert_eq!(keys, KEYS);
    for state in STATES {
        let expected: &[&str] =
            if state == "credited" { &["rows", "points", "recovered"] } else { &["rows", "points"] };
        assert_eq!(keys_of(&summary[state]), expected);
    }
    assert_eq!(keys_of(&summary["skipped"]), ["rows"]);
    assert_eq!(summary["plan"].as_str().unwrap().len(), 64);
    // Every row of the file is in exactly one of them (V9), and so are the points.
    let rows: u64 = STATES.iter().map(|state| summary[*state]["rows"].as_u64().unwrap()).sum();
    let points: u64 = STATES.iter().map(|state| summary[*state]["points"].as_u64().unwrap()).sum();
    assert_eq!(json!(rows + summary["skipped"]["rows"].as_u64().unwrap()), summary["rows"]);
    assert_eq!(json!(points), summary["points"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_batch_exits_0_with_the_promised_json() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &[("0901234567".into(), 500), ("0912345678".into(), 1500)]);
    let summary = stage.topup(&run_and(&["--json"])).await.exits(0).json();
    has_the_shape(&summary);
    assert_eq!(keys_of(&summary["requests"]), ["member_info", "top_up", "order_status"]);
    assert_eq!(summary["requests"], json!({"member_info": 2, "top_up": 2, "order_status": 2}), "two canaries");
    let said = [&summary["batch"], &summary["verdict"], &summary["rows"], &summary["points"], &summary["reason"]];
    assert_eq!(said, [&json!(BATCH), &json!("complete"), &json!(2), &json!(2000), &Value::Null]);
    assert_eq!(summary["credited"], json!({"rows": 2, "points": 2000, "recovered": 0}));
    assert!(summary["elapsed_s"].as_f64().unwrap() > 0.0);
    for arguments in [["resume", BATCH], ["resolve", BATCH]] {
        let again = stage.topup(&[arguments[0], arguments[1], "--json"]).await.exits(0).json();
        has_the_shape(&again);
        assert_eq!(again["requests"], json!({"member_info": 0, "top_up": 0, "order_status": 0}));
    }
    let mut status = stage.topup(&["status", BATCH, "--json"]).await.exits(0).json();
    // One batch says more than the list of all.
    let more = ["plans", "in_doubt_listed", "in_doubt_unlisted", "skipped_listed", "skipped_unlisted"];
    let added = more.map(|key| status.as_object_mut().unwrap().shift_remove(key).unwrap());
    assert_eq!(added[0][0]["state"], "approved", "{}", added[0]);
    has_the_shape(&status);
    assert_eq!((&status["requests"], &status["elapsed_s"]), (&Value::Null, &Value::Null));
    assert_eq!(stage.topup(&["status", "--json"]).await.exits(0).json(), json!({"batches": [status]}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_who_cannot_be_paid_end_in_their_states_with_exit_4() {
    let members = "phone,full_name,status,card_status,check_code,topup_code\n\
        0900000001,Nguyễn An,A,A,,\n0900000002,,I,A,,\n0900000003,,A,I,,\n0900000004,,A,A,200300,\n\
        0900000005,,A,A,,4000318\n0900000006,Trần Bình,A,A,,\n";
    let members = Members::from_csv(members.as_bytes()).unwrap().with_unknown(UnknownMembers::Absent);
    let stage = Stage::with(members, "none", Latency::NONE).await;
    let mut text = String::from("phone,points,name\n");
    for (row, name) in ["Nguyen An", "", "", "", "", "Lê Chi", ""].into_iter().enumerate() {
        text.push_str(&format!("090000000{},{},{name}\n", row + 1, 100 + row));
        stage.expected.lock().unwrap().insert(format!("090000000{}", row + 1), (1, 100 + row as u64));
    }
    std::fs::write(stage.path("rewards.csv"), format!("{text}0912,100,\n")).unwrap();
    let summary = stage.topup(&run_and(&["--json", "--skip-invalid"])).await.exits(4).json();
    has_the_shape(&summary);
    assert_eq!(
        (&summary["verdict"], &summary["rows"], &summary["skipped"]["rows"]),
        (&json!("partial"), &json!(8), &json!(1))
    );
    let counts = STATES.map(|state| summary[state]["rows"].as_u64().unwrap());
    assert_eq!(counts, [0, 0, 1, 1, 4, 1, 0], "{STATES:?}");
    stage.audit_end();
    stage.audit_intents();
    stage.audit_rerun(&run_and(&["--skip-invalid"]), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_in_doubt_exits_5_and_resolve_only_asks() {
    let stage = Stage::new("top_up.lost_before=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.resubmit", "false");
    stage.set("resolve.queries_max", "2");
    stage.rows(4);
    let summary = stage.topup(&run_and(&["--json"])).await.exits(5).json();
    has_the_shape(&summary);
    assert_eq!((&summary["verdict"], &summary["in_doubt"]["rows"]), (&json!("in_doubt"), &json!(4)));
    assert_eq!(summary["requests"]["top_up"], 4);

    stage.heal();
    let resolved = stage.topup(&["resolve", BATCH, "--json"]).await.exits(5).json();
    has_the_shape(&resolved);
    let requests = &resolved["requests"];
    assert_eq!((&requests["member_info"], &requests["top_up"]), (&json!(0), &json!(0)));
    assert!(requests["order_status"].as_u64() >= Some(4));
    assert_eq!(stage.credits(), 0, "nothing is sent again with resubmit = false");
    stage.set("resolve.resubmit", "true");
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_stops_new_top_ups_with_exit_5_and_its_reason() {
    for (faults, setting, sent) in [
        ("top_up.lost_after=1", "safety.breaker_in_doubt", 2..=60),
        ("top_up.refuse_500400=1", "safety.breaker_refused", 2..=60),
    ] {
        let stage = Stage::new(faults).await;
        stage.patience("1");
        stage.set("gateway.rate_per_s", "50");
        stage.set("safety.canary_rows", "0");
        stage.set(setting, "2");
        stage.rows(100);
        let ended = stage.topup(&run_and(&["--json"])).await.exits(5).says(&["no new top-ups: "]);
        let summary = ended.json();
        has_the_shape(&summary);
        assert_eq!((&summary["verdict"], &summary["reason"]["code"]), (&json!("stopped"), &json!("breaker")));
        assert_eq!(keys_of(&summary["reason"]), ["code", "message"]);
        assert!(sent.contains(&stage.simulator.stats().top_up), "{summary}");
        assert!(ended.rows("planned") > 30, "{summary}");
        assert_eq!(ended.rows("in_doubt"), 0, "what is in doubt is resolved before the run ends: {summary}");
        stage.audit_payments();
        stage.audit_intents();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_not_there_leaves_everything_planned() {
    let stage = Stage::new("none").await;
    stage.patience("0.5");
    stage.rows(3);
    // A port that was free a moment ago: nobody listens.
    let url = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    stage.point_at(&url);
    let summary = stage.topup(&run_and(&["--json"])).await.exits(5).json();
    has_the_shape(&summary);
    assert_eq!((&summary["verdict"], &summary["planned"]["rows"]), (&json!("stopped"), &json!(3)));
    assert_eq!(stage.requests(), 0);
    assert_eq!(stage.topup(&["status", BATCH, "--json"]).await.exits(0).json()["verdict"], "planned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_one_json_object_with_code_message_and_hint() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let commands: [(&[&str], i32, &str); 7] = [
        (&["run", "missing.csv", "--batch", "b", "--yes"], 3, "file_refused"),
        (&["run", "rewards.csv", "--yes"], 2, "batch_name"),
        (&["run", "rewards.csv", "--batch", "Tháng 11", "--yes"], 2, "batch_name"),
        (&["run", "rewards.csv", "--batch", "b", "--column", "colour=x", "--yes"], 2, "column"),
        (&["resume", "b"], 2, "no_ledger"),
        (&["run", "rewards.csv", "--batch", "b", "--wrong"], 2, "usage"),
        (&["pay"], 2, "usage"),
    ];
    for (arguments, exit, code) in commands {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = stage.topup(&all).await.exits(exit);
        let error = &ended.json()["error"];
        assert_eq!(error["code"], code, "{arguments:?}");
        assert_eq!(keys_of(error)[..3], ["code", "message", "hint"]);
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty() && !message.contains("hint:")));
        assert!(ended.stderr.contains("error: "), "{arguments:?} says it to people too");
        // And without --json, stdout stays empty.
        assert_eq!(stage.topup(arguments).await.exits(exit).stdout, "");
    }
    stage.topup(&RUN).await.exits(0);
    assert_eq!(stage.topup(&["resume", "other", "--json"]).await.exits(2).json()["error"]["code"], "no_batch");
    assert_eq!(stage.topup(&["status", "other", "--json"]).await.exits(2).json()["error"]["code"], "no_batch");
}

/// A disk that is full, as `> /dev/full` has it: nobody reads the result, so it is none.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_cannot_be_written_is_a_failure_of_every_command() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    std::fs::write(stage.path("statement.csv"), "invoice_no,points\n").unwrap();
    let commands: [&[&str]; 17] = [
        &["--help"],
        &["run", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["man"],
        &["check", "rewards.csv"],
        &["template", "-o", "template.csv"],
        &RUN,
        &["run", "rewards.csv", "--batch", "another", "--dry-run", "--repeat", "a test"],
        &["resume", BATCH],
        &["resolve", BATCH],
        &["status"],
        &["status", BATCH],
        &["verify", BATCH],
        &["export", BATCH, "-o", "results.csv"],
        &["retry", BATCH, "--why", "a test", "--yes"],
        &["doctor"],
    ];
    let out = |path: &str, command: &[&str]| {
        let mut command = stage.command(command);
        command.stdout(std::fs::File::options().write(true).open(path).unwrap()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap().wait_with_output()
    };
    for command in commands {
        for json in [&[][..], &["--json"]] {
            if json.len() == 1 && command.iter().any(|word| word.starts_with("--help") || *word == "--version") {
                continue;
            }
            let command = [command, json].concat();
            let ended = out("/dev/full", &command).await.unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(1), "{command:?}: {said}");
            assert!(said.contains("could not be written to stdout"), "{command:?}: {said}");
            let _ = std::fs::remove_file(stage.path("template.csv"));
        }
    }
    // A reader that has enough is no failure.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = stage.command(&["status", BATCH]);
    command.stdout(writer);
    assert_eq!(command.spawn().unwrap().wait().await.unwrap().code(), Some(0));
}
