//! Consent, the plan and the file: nothing is sent before a person, or a script on their word, said yes to exactly it.

use super::harness::{BATCH, RUN, Stage, phone, run_and};
use serde_json::Value;

const BARE: [&str; 4] = ["run", "rewards.csv", "--batch", BATCH];

fn bare<'a>(more: &[&'a str]) -> Vec<&'a str> {
    BARE.into_iter().chain(more.iter().copied()).collect()
}

/// Exit 3 with this code, nothing sent, and nothing planned.
async fn refused(stage: &Stage, arguments: &[&str], code: &str) -> Value {
    let requests = stage.requests();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ended = stage.topup(&arguments).await.exits(3);
    assert_eq!(ended.json()["error"]["code"], code, "{}", ended.stderr);
    assert_eq!(stage.requests(), requests, "{arguments:?} sent something");
    ended.json()["error"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_and_without_consent_nothing_is_paid() {
    let stage = Stage::new("none").await;
    stage.file("rewards.csv", &[(phone(1), 500), (phone(2), 700)]);
    refused(&stage, &BARE, "no_consent").await;
    assert_eq!(stage.topup(&["status", "--json"]).await.exits(0).json()["batches"], serde_json::json!([]));
    refused(&stage, &bare(&["--confirm-total", "1201"]), "no_consent").await;
    refused(&stage, &bare(&["--confirm-plan", &"0".repeat(64)]), "no_consent").await;
    refused(&stage, &bare(&["--yes", "--expect-rows", "3"]), "file_refused").await;
    refused(&stage, &bare(&["--yes", "--expect-total", "1201"]), "file_refused").await;

    stage.topup(&bare(&["--confirm-total", "1200"])).await.exits(0);
    stage.audit_end();
    // The total is the whole plan's on a rerun too, and consent that was given once is kept.
    refused(&stage, &bare(&["--confirm-total", "0"]), "no_consent").await;
    stage.topup(&bare(&["--confirm-total", "1200", "--expect-rows", "2", "--expect-total", "1200"])).await.exits(0);
    stage.audit_rerun(&BARE, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_of_a_dry_run_is_what_confirm_plan_confirms() {
    let stage = Stage::new("none").await;
    stage.rows(5);
    let dry = stage.topup(&bare(&["--dry-run", "--json"])).await.exits(0);
    let plan = dry.json()["plan"].as_str().unwrap().to_owned();
    assert!(dry.stderr.contains(&format!("plan {plan}")));
    assert_eq!((dry.json()["requests"]["member_info"].as_u64(), dry.rows("planned")), (Some(5), 5));
    assert_eq!((stage.simulator.stats().top_up, stage.credits()), (0, 0));
    assert!(!stage.ledger().exists());
    let text = stage.topup(&bare(&["--dry-run"])).await.exits(0);
    assert!(text.stdout.contains(&plan), "{}", text.stdout);

    let ended = stage.topup(&bare(&["--confirm-plan", &plan, "--json"])).await.exits(0);
    assert_eq!(ended.json()["plan"], plan.as_str());
    stage.audit_end();
    // Another terminal's word on another plan does not fit.
    refused(&stage, &bare(&["--confirm-plan", &plan.replace(&plan[..1], "z")]), "no_consent").await;
    stage.audit_rerun(&bare(&["--confirm-plan", &plan]), 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dry_run_says_to_type_next_pays_that_plan_as_it_is_typed() {
    let stage = Stage::new("none").await;
    let text = "phone,Thưởng T11,note\n0901234567,500,\n0901234567,500,\n0901234568,many,\n";
    std::fs::write(stage.path("the team's rewards.csv"), text).unwrap();
    let how = ["--column", "points=Thưởng T11", "--skip-invalid", "--allow-repeat-phones", "--expect-rows", "3"];
    let arguments =
        [&["run", "the team's rewards.csv", "--batch", BATCH, "--ledger", "a ledger.db"], &how[..]].concat();
    for look in ["--dry-run", "--rehearse"] {
        let said = stage.topup(&[&arguments[..], &[look]].concat()).await.exits(4).stdout;
        let next = said.lines().find_map(|line| line.strip_prefix("next: ")).unwrap();
        let mut shell = tokio::process::Command::new("sh");
        let script = format!("topup() {{ '{}' \"$@\"; }}\n{next} --json", env!("CARGO_BIN_EXE_topup"));
        shell.args(["-c", &script]).current_dir(stage.path("")).kill_on_drop(true);
        let ended = stage.start_command(shell).end().await.exits(4);
        assert_eq!((ended.rows("credited"), ended.rows("skipped")), (2, 1), "{next}");
    }
    assert_eq!(stage.credits(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_rows_changed_is_refused_with_the_differences_counted() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    let rows: Vec<(String, u64)> = (0..6).map(|row| (phone(row), 100)).collect();
    stage.file("rewards.csv", &rows);
    stage.topup(&RUN).await.exits(7);
    stage.heal();
    let mut changed = rows.clone();
    (changed[0].1, changed[1].1) = (101, 102);
    changed.truncate(5);
    stage.file("rewards.csv", &changed);
    let error = refused(&stage, &RUN, "plan_differs").await;
    let message = error["message"].as_str().unwrap();
    for part in ["2 rows changed", "1 gone before they were paid", "100 points, now 101"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert!(error["hint"].as_str().unwrap().contains("topup resume 2026-11"), "{error}");
    stage.topup(&["resume", BATCH]).await.exits(0);
    assert_eq!((stage.credits(), stage.simulator.book().points()), (6, 600), "the plan, not the file, was paid");
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_in_another_order_are_the_same_file_and_new_ones_need_a_consent_of_their_own() {
    let stage = Stage::new("none").await;
    let mut rows: Vec<(String, u64)> = (0..6).map(|row| (phone(row), 100)).collect();
    stage.file("rewards.csv", &rows);
    stage.topup(&RUN).await.exits(0);
    rows.reverse();
    stage.file("rewards.csv", &rows);
    stage.audit_rerun(&BARE, 0).await;
    rows.insert(0, (phone(7), 300));
    stage.file("rewards.csv", &rows);
    refused(&stage, &BARE, "no_consent").await;
    refused(&stage, &bare(&["--confirm-total", "300"]), "no_consent").await;
    stage.topup(&bare(&["--confirm-total", "900"])).await.exits(0);
    assert_eq!((stage.credits(), stage.simulator.book().points()), (7, 900));
    stage.audit_end();
    stage.audit_intents();
    stage.audit_rerun(&BARE, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_problem_of_a_file_is_said_at_once_and_nothing_is_planned() {
    let stage = Stage::new("none").await;
    std::fs::write(
        stage.path("rewards.csv"),
        "phone,points\n0901234567,500\n0901234567,600\n12345,500\n0901234568,many\n0901234569,49\n",
    )
    .unwrap();
    let error = refused(&stage, &RUN, "file_refused").await;
    assert_eq!(error["problem_count"], 4);
    let problems = error["problems"].as_array().unwrap();
    let rows: Vec<Option<u64>> = problems.iter().map(|problem| problem["row"].as_u64()).collect();
    assert_eq!(rows, [Some(3), Some(4), Some(5), Some(6)]);
    for problem in problems {
        let keys: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["row", "column", "found", "message"]);
    }
    assert_eq!(stage.topup(&["status", "--json"]).await.json()["batches"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_against_an_expected_number_of_rows_is_refused_in_words_and_in_json() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let check = ["check", "rewards.csv", "--expect-rows"];
    let text = stage.topup(&[&check[..], &["3"]].concat()).await.exits(3).stdout;
    assert!(text.starts_with("rewards.csv: refused, 1 problem found"), "{text}");
    assert!(text.contains("needs 3 rows (`--expect-rows`), has 2"), "{text}");
    assert!(!text.contains("Nothing is wrong"), "{text}");
    let json = stage.topup(&[&check[..], &["3", "--json"]].concat()).await.exits(3).json();
    assert_eq!((&json["verdict"], &json["problem_count"]), (&"refused".into(), &1.into()), "{json}");
    assert!(json["problems"][0]["row"].is_null(), "{json}");
    stage.topup(&[&check[..], &["2"]].concat()).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_own_limits_refuse_the_plan() {
    for (limit, value) in [("points_per_payout", "99"), ("points_per_batch", "599"), ("rows_per_batch", "5")] {
        let stage = Stage::new("none").await;
        stage.file("rewards.csv", &(0..6).map(|row| (phone(row), 100)).collect::<Vec<_>>());
        stage.set(&format!("limits.{limit}"), value);
        let error = refused(&stage, &RUN, "file_refused").await;
        assert!(error["message"].as_str().unwrap().contains(&format!("limits.{limit}")), "{error}");
        stage.set(&format!("limits.{limit}"), &(value.parse::<u64>().unwrap() + 1).to_string());
        stage.topup(&run_and(&[])).await.exits(0);
        stage.audit_end();
    }
}

/// They may be raised while a batch waits; a lower one is no way to pay half of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_those_of_the_moment_when_a_batch_goes_on() {
    let stage = Stage::new("top_up.refuse_403100=1").await;
    stage.file("rewards.csv", &(0..3).map(|row| (phone(row), 100)).collect::<Vec<_>>());
    stage.set("limits.points_per_batch", "300");
    stage.topup(&RUN).await.exits(7);
    stage.heal();
    stage.set("limits.points_per_batch", "299");
    for command in [&["resume", BATCH][..], &RUN] {
        let said = stage.topup(command).await.exits(3).stderr;
        assert!(said.contains("needs at most 299 points (limits.points_per_batch), has 300"), "{said}");
    }
    assert_eq!(stage.credits(), 0);
    stage.set("limits.points_per_batch", "1000");
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
}

/// The lines that were said, with one blank between words.
fn lines(said: &str) -> Vec<String> {
    said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_row_is_shown_before_anything_is_asked_and_in_a_refusal() {
    let stage = Stage::new("none").await;
    let rows: Vec<(String, u64)> = (0..3).map(|row| (phone(row), 100)).collect();
    stage.file("rewards.csv", &rows);
    stage.topup(&RUN).await.exits(0);

    let more = format!("phone,points\n{},100\n{},100\n{},300\n09,5\n", phone(0), phone(1), phone(5));
    std::fs::write(stage.path("rewards.csv"), &more).unwrap();
    let asked = stage.topup(&bare(&["--skip-invalid"])).await.exits(3);
    let said = lines(&asked.stderr);
    for line in [
        "new 1 300",
        "skipped 1",
        "already in the plan 2 200",
        "of these credited 2 200",
        "gone from the file 1 100",
        "of these credited 1 100",
        "rows of the whole plan 4",
    ] {
        assert!(said.iter().any(|other| other == line), "{line:?} is not in {}", asked.stderr);
    }
    assert!(said.iter().all(|line| !line.starts_with("changed")), "kinds without a row are left out: {}", asked.stderr);

    std::fs::write(stage.path("rewards.csv"), more.replace(",300", ",300\n0901000002,101")).unwrap();
    let refused = stage.topup(&RUN).await.exits(3);
    let said = lines(&refused.stderr);
    for line in ["new 1 300", "to be corrected 1", "changed since they were planned 1 100"] {
        assert!(said.iter().any(|other| other == line), "{line:?} is not in {}", refused.stderr);
    }
}
