//! Beside a live run: the lock, `status`, and what Ctrl-C and SIGTERM do to it.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Live, RUN, Stage, run_and, until};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// Starts a run that hangs: its first top-up is credited, and answered only in a minute.
async fn hanging(stage: &Stage, more: &[&str]) -> Live {
    stage.faults("top_up.slow=1,slow_s=60");
    stage.patience("90");
    stage.set("safety.canary_rows", "1");
    let live = stage.start(&run_and(more));
    until("the first top-up is credited", || stage.credits() == 1).await;
    live
}

/// Lets the next run go on as if the gateway were well.
fn recover(stage: &Stage) {
    stage.heal();
    stage.patience("0.5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_is_refused_while_the_first_lives_and_goes_on_when_it_is_killed() {
    let stage = Stage::new("none").await;
    stage.rows(5);
    let live = hanging(&stage, &[]).await;
    let requests = stage.requests();
    let process = format!("process {} (topup run) of tester@", live.pid());
    let others: [&[&str]; 7] = [
        &RUN,
        &["resume", BATCH],
        &["resolve", BATCH],
        &["run", "rewards.csv", "--batch", "another", "--yes"],
        &["retry", BATCH, "--why", "a test", "--yes"],
        &["cancel", BATCH, "--all-planned", "--why", "a test", "--yes"],
        &["attest", BATCH, "1", "--credited", "--why", "a test", "--yes"],
    ];
    for arguments in others {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended =
            stage.topup(&arguments).await.exits(6).says(&["another run holds the ledger", &process, " since 20"]);
        assert_eq!(ended.json()["error"]["code"], "locked");
    }
    assert_eq!(stage.requests(), requests, "the second run sent something");

    let status = stage.topup(&["status", BATCH, "--json"]).await.exits(0);
    assert_eq!(status.json()["verdict"], "running");
    assert_eq!((status.rows("planned"), status.rows("in_doubt")), (4, 1));
    let all = stage.topup(&["status", "--json"]).await.exits(0);
    // Of one batch it lists more: what is in doubt, each on its own.
    let (all, mut one) = (all.json()["batches"][0].clone(), status.json());
    assert_eq!(one["in_doubt_listed"].as_array().map(Vec::len), Some(1), "{one}");
    one.as_object_mut().unwrap().retain(|key, _| all.get(key).is_some());
    assert_eq!(all, one);
    for end in ["", "-wal", "-shm", ".lock"] {
        let mode = std::fs::metadata(stage.path(&format!("topup.db{end}"))).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "mode of topup.db{end}");
    }

    assert!(live.kill().await.was_killed());
    let status = stage.topup(&["status", BATCH, "--json"]).await.exits(0);
    assert_eq!(status.json()["verdict"], "in_doubt", "a killed run holds nothing");
    recover(&stage);
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_signal_ends_the_run_with_every_call_recorded() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let stage = Stage::new("top_up.slow=0.5,slow_s=0.3").await;
        stage.set("gateway.rate_per_s", "100");
        stage.rows(200);
        let live = stage.start(&run_and(&["--json"]));
        until("some payouts are credited", || stage.credits() >= 15).await;
        live.signal(signal);
        let ended = live.end().await.exits(130).says(&["interrupted"]);
        assert_eq!(ended.json()["verdict"], "interrupted");
        let payouts = stage.payouts();
        assert!(payouts.iter().all(|payout| payout.intents == payout.ends), "a call's end was not recorded");
        assert_eq!(stage.in_state("credited"), stage.credits(), "what was answered is known");
        assert!(stage.in_state("planned") > 0, "the run was over before the signal came");
        stage.audit_payments();
        stage.audit_sums();
        recover(&stage);
        stage.finish(&RUN).await.exits(0);
        stage.audit_end();
        stage.audit_intents();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_leaves_at_once_and_the_next_run_resolves() {
    for signals in [[Signal::INT; 2], [Signal::TERM, Signal::INT], [Signal::HUP, Signal::TERM]] {
        let stage = Stage::new("none").await;
        stage.rows(5);
        let mut live = hanging(&stage, &["--json"]).await;
        live.signal(signals[0]);
        until("the first signal is heeded", || live.stderr().contains("interrupted")).await;
        assert!(!live.has_ended(), "the run waits for its call");
        let second_at = Instant::now();
        live.signal(signals[1]);
        let ended = live.end().await.exits(130);
        // One object, as for every other end.
        assert_eq!(ended.json()["error"]["code"], "interrupted", "{}", ended.stdout);
        assert!(second_at.elapsed() < Duration::from_secs(30), "it waited for the call, which takes a minute");
        assert_eq!(stage.in_state("in_doubt"), 1);
        recover(&stage);
        stage.finish(&RUN).await.exits(0);
        stage.audit_end();
        stage.audit_intents();
    }
}

/// As `nohup` starts it; and a terminal that goes away may say so twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_that_came_ignored_stays_so_and_a_second_one_ends_nothing() {
    let stage = Stage::new("none").await;
    stage.rows(5);
    let mut live = hanging(&stage, &[]).await;
    live.signal(Signal::HUP);
    until("the first signal is heeded", || live.stderr().contains("interrupted")).await;
    live.signal(Signal::HUP);
    // Heeded after the signal, if it were: a call of another command goes through the same process table.
    stage.topup(&["status"]).await.exits(0);
    assert!(!live.has_ended(), "the run waits for its call");
    live.kill().await;

    let stage = Stage::new("none").await;
    stage.rows(300);
    stage.set("gateway.rate_per_s", "300");
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_topup")).args(RUN);
    command.current_dir(stage.path("")).env_clear().kill_on_drop(true);
    let live = stage.start_command(command);
    until("some payouts are credited", || stage.credits() >= 15).await;
    live.signal(Signal::HUP);
    live.end().await.exits(0);
    stage.audit_end();
}

/// A pipe that takes no further byte, and its other end, from which nobody reads.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while std::io::Write::write(&mut writer, &[b' '; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_a_run_that_is_stuck_on_a_stderr_that_nobody_reads() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    stage.rows(3);
    stage.topup(&run_and(&["--ledger", "first.db"])).await.exits(7);
    stage.heal();
    stage.topup(&run_and(&["--ledger", "second.db"])).await.exits(0);
    // What the run finds out at the gateway it says, and there it is stuck.
    let (_unread, stuck) = full_pipe();
    let mut command = stage.command(&["resume", BATCH, "--ledger", "first.db"]);
    let mut child = command.stdout(std::process::Stdio::null()).stderr(stuck).spawn().unwrap();
    let taken = || stage.simulator.stats().codes.get(&4_000_307).copied().unwrap_or(0);
    until("the gateway is known to be ahead", || taken() > 0).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    let mut ended = None;
    until("the second signal ends it", || {
        ended = child.try_wait().unwrap();
        if ended.is_none() {
            rustix::process::kill_process(pid, Signal::INT).unwrap();
        }
        ended.is_some()
    })
    .await;
    assert_eq!(ended.unwrap().code(), Some(130));
    stage.topup(&["resume", BATCH, "--ledger", "first.db"]).await.exits(0);
    assert_eq!(stage.credits(), 3);
}
