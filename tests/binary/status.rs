//! What `status` says: of a finished batch, beside a live run, on a terminal, and of all batches.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, RUN, Stage, phone, until};
use topup::simulator::{Latency, Members, UnknownMembers};

/// Fails the test unless the text holds each of these.
#[track_caller]
fn holds(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// One payout credited, one declined, two ineligible for two reasons, one held.
async fn mixed() -> Stage {
    let members = format!(
        "phone,full_name,status,topup_code\n{},An,A,\n{},Binh,A,4000318\n{},Chi,B,\n{},Dung,A,\n",
        phone(0),
        phone(1),
        phone(2),
        phone(3)
    );
    let members = Members::from_csv(members.as_bytes()).unwrap().with_unknown(UnknownMembers::Absent);
    let stage = Stage::with(members, "none", Latency::NONE).await;
    let names = ["An", "Binh", "Chi", "Another", "Nobody"];
    let rows: String = names.iter().enumerate().map(|(row, name)| format!("{},500,{name}\n", phone(row))).collect();
    std::fs::write(stage.path("rewards.csv"), format!("phone,points,name\n{rows}")).unwrap();
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_batch_says_who_was_not_paid_why_and_what_to_type() {
    let stage = mixed().await;
    stage.topup(&RUN).await.exits(4);
    let said = stage.topup(&["status", BATCH]).await.exits(0).stdout;
    holds(
        &said,
        &[
            "not paid, and why:",
            "declined             1  4000318 the member is a potential risk (",
            "ineligible           1  member or card is not active",
            "ineligible           1  200400 the member does not exist\n",
            "held                 1  the member has another name\n",
            "held, for a person to decide:\n  row 5, 090***0003, 500 points, TP",
            ": the file says Another, the gateway says Dung\n",
            "next: topup release 2026-11 TP",
            "topup retry 2026-11 --why TEXT",
        ],
    );
    for row in 0..5 {
        assert!(!said.contains(&phone(row)[1..]), "{said}");
    }
    assert!(!said.contains("settled:") && !said.contains("this run:"), "nothing goes on: {said}");
    let named = said.split("topup release ").nth(1).unwrap().split(" --why").next().unwrap();
    let typed: Vec<&str> =
        ["release"].into_iter().chain(named.split(' ')).chain(["--why", "a test", "--yes"]).collect();
    stage.topup(&typed).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(4);
    assert_eq!(stage.in_state("credited"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_live_run_it_says_how_far_that_is_and_what_is_at_stake() {
    let stage = Stage::new("top_up.slow=1,slow_s=60").await;
    stage.patience("90");
    stage.set("safety.canary_rows", "1");
    stage.rows(5);
    let live = stage.start(&RUN);
    until("the first top-up is credited", || stage.credits() == 1).await;
    let said = stage.topup(&["status", BATCH]).await.exits(0).stdout;
    holds(
        &said,
        &[
            "a run is going on",
            "settled: [------------------------] 0.0 %, 0 of 5 payouts",
            "this run: for ",
            " calls/s and 0.0 payouts/s in the last ",
            "no time left can be told",
            "1 payout, 50 points, may or may not have been credited",
            "under way: 1 top-up\n",
            "next: topup status 2026-11 --watch",
        ],
    );
    stage.topup(&["status", BATCH, "--watch"]).await.exits(2).says(&["--watch draws on a terminal"]);
    live.kill().await;
    let said = stage.topup(&["status", BATCH]).await.exits(0).stdout;
    holds(&said, &["settled: [", "next: topup resume 2026-11"]);
    assert!(!said.contains("this run:"), "a killed run has no rate: {said}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_a_watch_draws_until_the_run_is_over() {
    let stage = Stage::new("top_up.slow=1,slow_s=60").await;
    stage.patience("90");
    stage.set("safety.canary_rows", "1");
    stage.rows(5);
    let live = stage.start(&RUN);
    until("the first top-up is credited", || stage.credits() == 1).await;
    let topup = env!("CARGO_BIN_EXE_topup");
    let mut command = tokio::process::Command::new("script");
    let line = format!("stty cols 40; {topup} status; {topup} status {BATCH} --watch");
    command.args(["-qefc", &line, "/dev/null"]).current_dir(stage.path(".")).stdin(std::process::Stdio::null());
    command.kill_on_drop(true);
    let mut watch = stage.start_command(command);
    until("it has drawn twice", || watch.has_ended() || watch.stdout().matches("\x1b[H").count() >= 2).await;
    assert!(!watch.has_ended(), "{}", watch.stdout());
    live.kill().await;
    let said = watch.end().await.exits(0).stdout.replace('\r', "");
    holds(&said, &["2026-11: running\n  0 of 5 payouts\n", "\x1b[?1049h", "a run is going on", "\x1b[?1049l"]);
    let last = said.split("\x1b[?1049l").last().unwrap();
    holds(last, &["batch 2026-11: some payouts may or may\n", "next: topup resume 2026-11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_batches_stand_in_a_table() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.topup(&["run", "rewards.csv", "--batch", "a-rather-long-name", "--yes"]).await.exits(0);
    stage.file("more.csv", &[(phone(7), 1_000_000)]);
    stage.topup(&["run", "more.csv", "--batch", "b", "--yes"]).await.exits(0);
    let said = stage.topup(&["status"]).await.exits(0).stdout;
    let expected = "\
batch               verdict   payouts credited         points credited  open
a-rather-long-name  complete            2 of 2              107 of 107     0
b                   complete            1 of 1  1,000,000 of 1,000,000     0
";
    assert_eq!(said, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_lines_and_status_name_what_is_in_doubt_with_its_reason() {
    let stage = Stage::new("top_up.lost_after=1,order_status.http_502=1").await;
    stage.impatient();
    stage.set("resolve.queries_max", "1");
    stage.set("safety.canary_rows", "1");
    std::fs::write(stage.path("rewards.csv"), format!("reference,phone,points\nHD-7,{},500\n", phone(0))).unwrap();
    let ended = stage.topup(&RUN).await.exits(5).stdout;
    let said = stage.topup(&["status", BATCH]).await.exits(0).stdout;
    for text in [ended, said] {
        holds(&text, &["in doubt, and a run asks about it:\n  row 2, reference HD-7, TP", ", in doubt since 20"]);
        holds(&text, &["Z: no definite answer yet: a run asks order status\n", "next: topup resume 2026-11"]);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_the_bar_says_what_it_waits_for() {
    let stage = Stage::new("top_up.lost_before=1").await;
    stage.set("safety.canary_rows", "1");
    stage.rows(1);
    let mut command = tokio::process::Command::new("script");
    let line = format!("stty cols 100; {} {}", env!("CARGO_BIN_EXE_topup"), RUN.join(" "));
    command.args(["-qefc", &line, "/dev/null"]).current_dir(stage.path(".")).stdin(std::process::Stdio::null());
    command.kill_on_drop(true);
    let mut live = stage.start_command(command);
    until("it says what it waits for", || live.has_ended() || live.stdout().contains("1 in doubt: asked again in "))
        .await;
    assert!(!live.has_ended(), "{}", live.stdout());
    live.kill().await;
}
