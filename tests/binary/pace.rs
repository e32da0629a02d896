//! V17: whatever commands of one ledger are at work beside one another, they keep one rate.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{RUN, Stage, phone, run_and, until};

const RATE: usize = 40;
/// Requests a second from the first arrival to the last. The way to the simulator takes a busy machine its time, so that
/// single seconds say little here: `engine::shared_pace` is tested by the moments of departure.
fn rate(stage: &Stage) -> f64 {
    let mut arrivals: Vec<_> = stage.simulator.stats().arrivals().collect();
    arrivals.sort_unstable();
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last()) else { return 0.0 };
    (arrivals.len() - 1) as f64 / (*last - *first).as_secs_f64()
}

/// The most departures within any second, of those that the shared file remembers.
fn busiest(stage: &Stage) -> usize {
    let bytes = std::fs::read(stage.path("topup.db.pace")).unwrap();
    let times = bytes[32..].chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap()));
    let mut times: Vec<u64> = times.filter(|at| *at > 0).collect();
    times.sort_unstable();
    assert!(times.len() > RATE, "{} departures are remembered", times.len());
    let within = |from: usize| times[from..].iter().take_while(|at| **at <= times[from] + 1_000_000_000).count();
    (0..times.len()).map(within).max().unwrap_or_default()
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
    let (found, most) = (rate(&stage), RATE as f64 * 1.05);
    assert!(found <= most, "{found} a second");
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
    let (found, most) = (rate(&stage), RATE as f64 * 1.05);
    assert!(found <= most, "{found} a second");
    assert!(busiest(&stage) <= RATE + 1, "{} in a second", busiest(&stage));
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pace_that_cannot_be_shared_stops_nothing_and_is_said() {
    let stage = stage().await;
    std::fs::create_dir(stage.path("topup.db.pace")).unwrap();
    stage.topup(&RUN).await.exits(0).says(&["note: the pace is not shared with other commands", "\nhint: "]);
    let (found, most) = (rate(&stage), RATE as f64 * 1.05);
    assert!(found <= most, "{found} a second");
    stage.audit_end();
}
