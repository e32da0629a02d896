//! SIGKILL at every named point, on every pass of it: the same command again finishes the batch.

use super::cases::for_each;
use super::harness::{RUN, Stage};

/// How a batch of eight rows is paid, and how many passes of each point are tried.
#[derive(Clone, Copy, Debug)]
struct Pay {
    canary_rows: u32,
    /// One call at a time makes most passes one step of one payout; many at a time group their commits.
    in_flight: u32,
    passes: u32,
}

const PAYS: [Pay; 3] = [
    Pay { canary_rows: 0, in_flight: 1, passes: 15 },
    Pay { canary_rows: 0, in_flight: 100, passes: 9 },
    Pay { canary_rows: 3, in_flight: 100, passes: 15 },
];

async fn crash_and_finish(point: &str, pass: u32, pay: Pay) {
    let stage = Stage::new("none").await;
    stage.patience("0.5");
    stage.set("gateway.max_in_flight", &pay.in_flight.to_string());
    stage.set("safety.canary_rows", &pay.canary_rows.to_string());
    stage.rows(8);
    let first = stage.topup_with(&RUN, &[("TOPUP_CRASH_AT", &format!("{point}:{pass}"))]).await;
    // Grouped commits may be fewer than the passes that are tried.
    assert!(
        first.was_killed() || pass > if pay.in_flight == 1 { 8 } else { 3 },
        "pass {pass} of {point} never came: {first:?}"
    );
    stage.audit_payments();
    stage.audit_intents();
    stage.audit_sums();
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
    assert_eq!(stage.credits(), 8);
    stage.audit_rerun(&RUN, 0).await;
}

async fn crash_at_every_pass_of(point: &'static str) {
    let cases = PAYS.into_iter().flat_map(|pay| (1..=pay.passes).map(move |pass| (point, pass, pay)));
    for_each(cases, |(point, pass, pay)| crash_and_finish(point, pass, pay)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_any_commit_a_rerun_finishes() {
    crash_at_every_pass_of("before-commit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_commit_a_rerun_finishes() {
    crash_at_every_pass_of("after-commit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_any_send_a_rerun_finishes() {
    crash_at_every_pass_of("before-send").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_send_a_rerun_finishes() {
    crash_at_every_pass_of("after-send").await;
}
