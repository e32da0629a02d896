//! The first rows of a plan are paid and confirmed before the rest.

use super::harness::{BATCH, RUN, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_order_status_does_not_confirm_keeps_the_rest_from_being_paid() {
    let stage = Stage::new("order_status.status_absent=1").await;
    stage.patience("0.5");
    stage.set("resolve.queries_max", "2");
    stage.set("safety.canary_rows", "2");
    stage.rows(20);
    let ended = stage.topup(&super::harness::run_and(&["--json"])).await.exits(5).says(&["no new top-ups: "]);
    assert_eq!(ended.json()["reason"]["code"], "canary", "{}", ended.stderr);
    assert_eq!((stage.credits(), ended.rows("planned")), (2, 18));
    stage.heal();
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_that_an_amended_file_adds_have_a_canary_of_their_own() {
    let stage = Stage::new("none").await;
    stage.patience("0.5");
    stage.set("resolve.queries_max", "2");
    stage.set("safety.canary_rows", "2");
    stage.rows(5);
    stage.topup(&RUN).await.exits(0);
    stage.rows(25);
    stage.faults("order_status.status_absent=1");
    let ended = stage.topup(&super::harness::run_and(&["--json"])).await.exits(5);
    assert_eq!(ended.json()["reason"]["code"], "canary", "{}", ended.stderr);
    assert_eq!((stage.credits(), ended.rows("planned")), (5 + 2, 18));
    // Nor does the next run forget it.
    stage.topup(&["resume", BATCH]).await.exits(5);
    assert_eq!(stage.credits(), 5 + 2);
    stage.heal();
    stage.finish(&RUN).await.exits(0);
    stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

/// The first rows are those that the file added, whatever is still to be paid of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_of_an_amended_file_is_paid_of_its_new_rows() {
    let stage = Stage::new("top_up.refuse_4000001=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "2");
    stage.rows(3);
    stage.topup(&RUN).await.exits(5);
    stage.rows(8);
    stage.faults("order_status.status_absent=1");
    stage.set("safety.canary_rows", "2");
    stage.topup(&RUN).await.exits(5);
    let credited: Vec<bool> = stage.payouts().iter().map(|payout| payout.state == "credited").collect();
    assert_eq!(credited, [false, false, false, true, true, false, false, false]);
    stage.heal();
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_a_killed_run_did_not_confirm_is_confirmed_by_the_next_one() {
    let stage = Stage::new("order_status.slow=1,slow_s=60").await;
    stage.patience("90");
    stage.set("safety.canary_rows", "2");
    stage.set("resolve.queries_max", "2");
    stage.rows(20);
    let live = stage.start(&RUN);
    super::harness::until("both are credited", || stage.has_tables() && stage.in_state("credited") == 2).await;
    live.kill().await;
    stage.patience("0.5");
    stage.faults("order_status.status_absent=1");
    let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(5);
    assert_eq!(ended.json()["reason"]["code"], "canary", "{}", ended.stderr);
    assert_eq!((stage.credits(), ended.rows("planned")), (2, 18), "no other payout is tried");
    stage.heal();
    let finished = stage.finish(&["resume", BATCH, "--json"]).await.exits(0);
    assert_eq!(finished.json()["requests"]["order_status"], 2, "the same two are confirmed: {}", finished.stdout);
    stage.audit_end();
    stage.audit_intents();
}
