//! A ledger that is lost, or put back from a backup: the gateway's book knows more, and nobody is paid again.

use super::harness::{BATCH, RUN, Stage, run_and, until};

/// What the run says when it finds that out.
const AHEAD: &str = "the gateway knows an invoice_no that this ledger never sent";

fn remove_ledger(stage: &Stage) {
    for end in ["", "-wal", "-shm", ".lock"] {
        let removed = std::fs::remove_file(stage.path(&format!("topup.db{end}")));
        assert!(removed.is_ok() || end.starts_with('-'), "{removed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_ledger_pays_nobody_twice_and_recovers_every_credit() {
    for canary_rows in ["0", "3"] {
        let stage = Stage::new("none").await;
        stage.set("gateway.rate_per_s", "100");
        stage.set("safety.canary_rows", canary_rows);
        stage.rows(100);
        stage.topup(&RUN).await.exits(0);
        let before = stage.simulator.stats();
        remove_ledger(&stage);

        let ended = stage.topup(&run_and(&["--json"])).await.exits(0).says(&[AHEAD, "created the ledger"]);
        assert_eq!(ended.json()["verdict"], "complete");
        assert_eq!(ended.json()["credited"]["recovered"], 100);
        stage.audit_end();
        assert_eq!(stage.credits(), 100, "nothing was credited again");
        let after = stage.simulator.stats();
        assert_eq!(after.violations, 0);
        // Those that had left before the first 4000307 was there; with a canary only these.
        let sent_again = after.top_up - before.top_up;
        let bound = if canary_rows == "0" { 99 } else { 3 };
        assert!((1..=bound).contains(&sent_again), "{sent_again} top-ups were sent again");
        assert_eq!(after.codes[&4_000_307], sent_again);
        stage.audit_rerun(&RUN, 0).await;
    }
}

fn copy_ledger(stage: &Stage, from: &str, to: &str) {
    for end in ["", "-wal"] {
        let copied = std::fs::copy(stage.path(&format!("{from}.db{end}")), stage.path(&format!("{to}.db{end}")));
        assert!(copied.is_ok() || end == "-wal", "{copied:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_of_the_ledger_pays_nobody_twice() {
    let stage = Stage::new("none").await;
    stage.patience("1");
    stage.set("gateway.rate_per_s", "200");
    stage.rows(120);
    let live = stage.start(&RUN);
    until("thirty payouts are credited", || stage.credits() >= 30).await;
    assert!(live.kill().await.was_killed());
    copy_ledger(&stage, "topup", "backup");
    stage.finish(&RUN).await.exits(0);
    assert_eq!(stage.credits(), 120);

    remove_ledger(&stage);
    copy_ledger(&stage, "backup", "topup");
    let forgotten = 120 - stage.in_state("credited") - stage.in_state("in_doubt");
    let ended = stage.topup(&run_and(&["--json"])).await.exits(0).says(&[AHEAD]);
    assert_eq!(stage.credits(), 120, "nothing was credited again");
    stage.audit_end();
    assert_eq!(ended.json()["credited"]["recovered"], forgotten);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cancelled_in_an_old_copy_and_paid_by_another_ledger_is_found_by_verify() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(7);
    stage.topup(&["cancel", BATCH, "--all-planned", "--why", "a test", "--yes"]).await.exits(0);
    copy_ledger(&stage, "topup", "backup");
    remove_ledger(&stage);
    stage.heal();
    stage.topup(&RUN).await.exits(0);
    assert_eq!(stage.credits(), 3);

    remove_ledger(&stage);
    copy_ledger(&stage, "backup", "topup");
    stage.topup(&RUN).await.exits(4);
    assert_eq!(stage.in_state("cancelled"), 3, "no run asks about what a person closed");
    let found = stage.topup(&["verify", BATCH, "--json"]).await.exits(8).json();
    assert_eq!(found["difference_count"], 3);
    assert_eq!(found["differences"][0]["state"], "cancelled");
    assert_eq!((stage.in_state("credited"), stage.credits()), (3, 3));
    stage.audit_end();
    stage.topup(&["verify", BATCH]).await.exits(0);
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ledgers_on_one_file_pay_nobody_twice() {
    let stage = Stage::new("none").await;
    stage.patience("1");
    stage.set("gateway.rate_per_s", "200");
    stage.rows(60);
    // Two machines: each has a ledger of its own, and neither knows of the other.
    let [first, second] = ["one.db", "two.db"].map(|ledger| stage.start(&run_and(&["--ledger", ledger])));
    let (first, second) = tokio::join!(first.end(), second.end());
    assert!([0, 5].contains(&first.code()), "{first:?}");
    assert!([0, 5].contains(&second.code()), "{second:?}");
    for ledger in ["one.db", "two.db"] {
        stage.finish(&run_and(&["--ledger", ledger])).await.exits(0);
    }
    stage.audit_payments();
    assert_eq!(stage.credits(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_forgot_a_second_attempt_pays_nobody_twice() {
    let stage = Stage::new("top_up.order_error_500=1").await;
    stage.set("safety.canary_rows", "0");
    stage.rows(5);
    stage.topup(&RUN).await.exits(4);
    assert_eq!((stage.in_state("declined"), stage.credits()), (5, 0));
    copy_ledger(&stage, "topup", "backup");
    stage.heal();
    let retry = ["retry", BATCH, "--why", "the orders failed", "--yes"];
    stage.topup(&retry).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    assert_eq!(stage.credits(), 5);

    remove_ledger(&stage);
    copy_ledger(&stage, "backup", "topup");
    stage.topup(&retry).await.exits(0);
    // The second attempts have the numbers that they had before, so the gateway knows them.
    let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(0).says(&[AHEAD]);
    assert_eq!(ended.json()["credited"]["recovered"], 5);
    assert_eq!(stage.credits(), 5, "nothing was credited again");
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_of_second_attempts_is_not_paid_under_their_first_numbers() {
    let stage = Stage::new("top_up.order_error_500=1").await;
    stage.set("safety.canary_rows", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(4);
    copy_ledger(&stage, "topup", "backup");
    stage.heal();
    stage.topup(&["retry", BATCH, "--why", "the orders failed", "--yes"]).await.exits(0);
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&["export", BATCH, "-o", "all.csv"]).await.exits(0);
    let requests = stage.requests();
    let run = ["run", "all.csv", "--batch", BATCH, "--yes"];
    // The ledger that sent them knows them; a new one and an older one do not.
    stage.topup(&run).await.exits(0);
    for ledger in ["new.db", "backup.db"] {
        let arguments: Vec<&str> = run.iter().copied().chain(["--ledger", ledger]).collect();
        stage.topup(&arguments).await.exits(3).says(&["attempt 2", "nothing was sent"]);
    }
    assert_eq!(stage.requests(), requests);
}
