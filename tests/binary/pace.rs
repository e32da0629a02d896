//! V17: whatever commands of one ledger are at work beside one another, they keep one rate.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{RUN, Stage, phone, run_and, until};
use std::time::Duration;

const RATE: usize = 40;
/// What a busy machine adds to the time between leaving and arriving.
const SLACK: Duration = Duration::from_millis(60);

/// The most arrivals within any second, less what may only have been held up on the way.
fn busiest(stage: &Stage) -> usize {
    let mut arrivals: Vec<_> = stage.simulator.stats().arrivals().collect();
    arrivals.sort_unstable();
    let second = Duration::from_secs(1) - SLACK;
    let within = |from: usize| arrivals[from..].iter().take_while(|at| **at - arrivals[from] < second).count();
    (0..arrivals.len()).map(within).max().unwrap_or_default()
}

async fn stage() -> Stage {
    let stage = Stage::new("none").await;
    stage.set("gateway.rate_per_s", &RATE.to_string());
    stage.set("safety.canary_rows", "0");
    stage.rows(60);
    let others: Vec<(String, u64)> = (100..180).map(|row| (phone(row), 500)).collect();
    std::fs::write(
        stage.path("others.csv"),
        others.iter().fold("phone,points\n".to_owned(), |text, (phone, points)| format!("{text}{phone},{points}\n")),
    )
    .unwrap();
    stage
}

const DRY_RUN: [&str; 5] = ["run", "others.csv", "--batch", "others", "--dry-run"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_and_dry_runs_beside_it_share_its_rate() {
    let stage = stage().await;
    let run = stage.start(&run_and(&["--json"]));
    until("the run sends", || stage.requests() > 3).await;
    let dry_runs = [stage.start(&DRY_RUN), stage.start(&DRY_RUN)];
    for dry_run in dry_runs {
        dry_run.end().await.exits(0);
    }
    run.end().await.exits(0);
    stage.topup(&["verify", super::harness::BATCH]).await.exits(0);
    assert_eq!(stage.requests(), 60 * 2 + 2 * 80 + 60);
    assert!(busiest(&stage) <= RATE + 1, "{} in a second", busiest(&stage));
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_that_came_first_shares_with_the_run_that_makes_the_ledger() {
    let stage = stage().await;
    let dry_run = stage.start(&DRY_RUN);
    until("the dry run sends", || stage.requests() > 3).await;
    assert!(!stage.path("topup.db.pace").exists(), "it leaves nothing behind");
    let run = stage.start(&RUN);
    dry_run.end().await.exits(0);
    run.end().await.exits(0);
    assert!(busiest(&stage) <= RATE + 1, "{} in a second", busiest(&stage));
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pace_that_cannot_be_shared_stops_nothing_and_is_said() {
    let stage = stage().await;
    std::fs::create_dir(stage.path("topup.db.pace")).unwrap();
    stage.topup(&RUN).await.exits(0).says(&["note: the pace is not shared with other commands", "\nhint: "]);
    assert!(busiest(&stage) <= RATE + 1, "{} in a second", busiest(&stage));
    stage.audit_end();
}
