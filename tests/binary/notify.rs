//! `--notify-command`: it hears how a run ended, and whatever it does the run's end stays what it is.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Stage, run_and, until};
use rustix::process::Signal;
use serde_json::Value;

fn heard(stage: &Stage, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(stage.path(name)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_hears_the_end_of_each_command_that_sends_and_of_its_failure() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    let ended = stage.topup(&run_and(&["--json", "--notify-command", "cat > run.json; echo noise"])).await.exits(0);
    assert_eq!(heard(&stage, "run.json"), ended.json(), "stdout holds the one object, and so did the command's stdin");
    assert!(ended.stderr.contains("noise"), "{}", ended.stderr);
    for command in ["resume", "resolve"] {
        let tell = format!("cat > {command}.json");
        stage.topup(&[command, BATCH, "--notify-command", &tell]).await.exits(0);
        assert_eq!(heard(&stage, &format!("{command}.json"))["verdict"], "complete");
    }
    stage.topup(&["resume", "another", "--notify-command", "cat > failed.json"]).await.exits(2);
    assert_eq!(heard(&stage, "failed.json")["error"]["code"], "no_batch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_fails_is_a_warning() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    let ended = stage.topup(&run_and(&["--notify-command", "exit 9"])).await.exits(0);
    ended.says(&["WARN", "the notify command failed, and the run is not affected", "exit status: 9"]);
    let quiet = stage.topup(&["resume", BATCH, "--quiet", "--notify-command", "exit 9"]).await.exits(0);
    quiet.says(&["the notify command failed"]);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_hangs_can_be_interrupted() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    // Ended by itself it would be a warning about time, after the thirty seconds that it is given.
    let live = stage.start(&run_and(&["--notify-command", "touch hangs; sleep 600"]));
    until("the command hangs", || stage.path("hangs").exists()).await;
    live.signal(Signal::INT);
    live.end().await.exits(0).says(&["it was interrupted and was ended"]);
    stage.audit_end();
}
