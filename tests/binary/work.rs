//! `topup work`: what is approved is paid by whichever process is there, and what a person stopped is left to a person.

use super::approvals::{PLAN, two_persons};
use super::harness::{BATCH, RUN, Stage, phone, until};
use rustix::process::Signal;
use serde_json::Value;

const WORK: [&str; 3] = ["work", "--poll-s", "0.05"];
const ONCE: [&str; 3] = ["work", "--once", "--json"];

/// A stage whose calls take long enough to be interrupted.
async fn slow() -> Stage {
    let stage = Stage::new("top_up.slow=0.5,slow_s=0.3").await;
    stage.set("gateway.rate_per_s", "100");
    stage.rows(200);
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_person_approves_is_paid_as_it_comes() {
    let stage = two_persons().await;
    stage.topup(&PLAN).await.exits(0);
    let work = stage.start(&[&WORK[..], &["--notify-command", "cat > told.json"]].concat());
    until("it saw the plan", || work.stderr().contains("batch 2026-11 waits for another person's approval")).await;
    assert_eq!(stage.requests(), 0);
    stage.topup(&["approve", BATCH, "--as", "minh", "--sign", "minh"]).await.exits(0);
    until("somebody was told", || {
        std::fs::read_to_string(stage.path("told.json")).is_ok_and(|told| told.ends_with('\n'))
    })
    .await;
    let told: Value = serde_json::from_str(&std::fs::read_to_string(stage.path("told.json")).unwrap()).unwrap();
    assert_eq!((&told["batch"], &told["verdict"]), (&BATCH.into(), &"complete".into()));
    work.signal(Signal::TERM);
    let ended = work.end().await.exits(0);
    assert_eq!(ended.stderr.matches("waits for another person's approval").count(), 1, "said once: {}", ended.stderr);
    stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
    stage.audit_rerun(&["resume", BATCH], 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_batches_are_paid_one_after_the_other_and_each_once() {
    let stage = Stage::new("none").await;
    let rows = |from: usize| (from..from + 5).map(|row| (phone(row), 100)).collect::<Vec<_>>();
    for (name, from) in [("a", 0), ("b", 10), ("c", 20)] {
        stage.file(&format!("{name}.csv"), &rows(from));
        let file = format!("{name}.csv");
        stage.topup(&["plan", &file, "--batch", name]).await.exits(0);
        if name != "c" {
            stage.topup(&["approve", name]).await.exits(0);
        }
    }
    let ended = stage.topup(&ONCE).await.exits(0);
    let ended = ended.json();
    let told: Vec<(&Value, &Value)> =
        ended["batches"].as_array().unwrap().iter().map(|batch| (&batch["batch"], &batch["verdict"])).collect();
    assert_eq!(told, [(&"a".into(), &"complete".into()), (&"b".into(), &"complete".into())]);
    assert_eq!(stage.credits(), 10, "what nobody approved is not paid");
    let requests = stage.requests();
    stage.topup(&ONCE).await.exits(0);
    assert_eq!(stage.requests(), requests, "what is finished is left in peace");
    stage.audit_payments();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_stopped_is_left_to_a_person() {
    let stage = slow().await;
    let run = stage.start(&RUN);
    until("some payouts are credited", || stage.credits() >= 15).await;
    run.signal(Signal::INT);
    run.end().await.exits(130);
    stage.heal();
    let requests = stage.requests();
    stage.topup(&ONCE).await.exits(5).says(&["batch 2026-11 was stopped by a person"]);
    // What somebody asks about it meanwhile changes nothing.
    stage.topup(&["resolve", BATCH]).await.exits(5);
    stage.topup(&ONCE).await.exits(5);
    assert!(stage.requests() <= requests + 1, "it was paid on");
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_was_stopped_or_killed_is_replaced_by_the_next() {
    for signal in [Signal::TERM, Signal::KILL] {
        let stage = slow().await;
        stage.topup(&["plan", "rewards.csv", "--batch", BATCH]).await.exits(0);
        stage.topup(&["approve", BATCH]).await.exits(0);
        let work = stage.start(&WORK);
        until("some payouts are credited", || stage.credits() >= 15).await;
        work.signal(signal);
        let ended = work.end().await;
        assert_eq!(ended.code(), if signal == Signal::TERM { 130 } else { -1 }, "{}", ended.stderr);
        stage.heal();
        stage.topup(&ONCE).await.exits(0);
        stage.audit_end();
        stage.audit_intents();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_breaker_stopped_is_left_alone_and_what_another_try_may_help_rests_first() {
    let stage = Stage::new("top_up.refuse_500400=1").await;
    stage.set("safety.breaker_refused", "2");
    stage.rows(30);
    stage.topup(&RUN).await.exits(5).says(&["refused"]);
    stage.heal();
    let requests = stage.requests();
    stage.topup(&ONCE).await.exits(5).says(&["stopped (breaker), and is left to a person"]);
    assert_eq!(stage.requests(), requests);
    stage.topup(&["resume", BATCH]).await.exits(4);

    let stage = Stage::new("order_status.lost_before=1,top_up.lost_after=1").await;
    stage.patience("0.5");
    stage.set("safety.breaker_in_doubt", "0");
    stage.rows(1);
    stage.topup(&["plan", "rewards.csv", "--batch", BATCH]).await.exits(0);
    stage.topup(&["approve", BATCH]).await.exits(0);
    let work = stage.start(&WORK);
    until("it was tried once", || work.stderr().contains("history ends with")).await;
    stage.heal();
    let again = stage.start(&["work", "--poll-s", "0.05", "--again-after-s", "0.01"]);
    until("it is credited", || stage.in_state("credited") == 1).await;
    let requests = stage.requests();
    for work in [work, again] {
        work.signal(Signal::TERM);
        work.end().await.exits(0);
    }
    assert_eq!(stage.requests(), requests);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_end_it_and_a_ledger_that_is_not_there_is_said() {
    let stage = Stage::new("none").await;
    stage.topup(&WORK).await.exits(2).says(&["topup.db"]);
    stage.rows(3);
    stage.topup(&["plan", "rewards.csv", "--batch", BATCH]).await.exits(0);
    stage.topup(&["approve", BATCH]).await.exits(0);
    stage.set("gateway.key_code", "\"another\"");
    stage.topup(&WORK).await.exits(7);
    assert_eq!(stage.credits(), 0);
    stage.topup(&["work", "--poll-s", "0"]).await.exits(2).says(&["needs seconds from 0.01 to 86400"]);
}
