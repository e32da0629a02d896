//! Money under SIGKILL and under every fault of the wire: the promise of the program, checked against the book.

use super::cases::for_each;
use super::harness::{RUN, Stage, run_and, until};
use topup::simulator::FaultPlan;

/// Every fault of the wire at 3 %. The 429 asks for no pause: at this rate of faults a run of a thousand rows would
/// do little else than pause.
const FAULTS: &str = "lost_after=0.03,lost_before=0.03,reset_after=0.03,top_up.late=0.03,\
     http_500=0.03,http_500_applied=0.03,http_502=0.03,http_504_applied=0.03,code_5000_applied=0.03,\
     too_many_retry_after=0.03,retry_after_s=0,invalid_json=0.03,invalid_json_applied=0.03,html_200_applied=0.03,\
     lag=0.03,lag_s=0.3,top_up.order_error_500=0.03,top_up.order_error_lost=0.03,absent_404=0.5";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rows_survive_ten_kills_under_every_fault_at_three_percent() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}: faults and the moments of the kills follow from it");
    let mut chance = fastrand::Rng::with_seed(seed);
    let stage = Stage::new(&format!("{FAULTS},seed={seed}")).await;
    stage.impatient();
    stage.patience("1");
    // As fast as the calls under way allow: a 429 halves the rate, and there are many.
    stage.set("gateway.rate_per_s", "20000");
    stage.set("gateway.max_in_flight", "40");
    stage.rows(1000);
    let mut kills = 0;
    for run in 1..=30 {
        let requests = stage.requests() + chance.u64(1..=180);
        let mut live = stage.start(&RUN);
        until("it may be killed", || live.has_ended() || stage.requests() >= requests).await;
        // A run may have stopped on its own: the faults can look like a gateway that is gone.
        if live.has_ended() {
            let ended = live.end().await.exits(5);
            assert!(ended.stderr.contains("no new top-ups: "), "run {run} ended before it was killed: {ended:?}");
            continue;
        }
        assert!(live.kill().await.was_killed());
        kills += 1;
        stage.audit_payments();
        stage.audit_intents();
        stage.audit_sums();
        if kills == 10 {
            break;
        }
    }
    assert_eq!(kills, 10);
    // Under the faults to an end of its own, and then without them to the end of the batch.
    let code = stage.topup(&RUN).await.code();
    assert!([0, 4, 5].contains(&code), "exit status {code}");
    stage.heal();
    let ended = stage.finish(&run_and(&["--json"])).await;
    stage.audit_end();
    stage.audit_intents();
    let stats = stage.simulator.stats();
    eprintln!("{} requests, {} faults, verdict {}", stats.requests(), stats.faults_injected(), ended.json()["verdict"]);
    // Only an order that the gateway itself failed is not credited.
    let failed = stats.fault("order_error_500").injected + stats.fault("order_error_lost").injected;
    assert_eq!(ended.rows("declined"), failed, "{stats:?}");
    assert_eq!(ended.rows("credited") + ended.rows("declined"), 1000);
    assert!(stats.faults_injected() > 300, "{stats:?}");
    stage.audit_rerun(&RUN, if failed > 0 { 4 } else { 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_each_call_ends_with_book_and_ledger_alike_once_it_is_over() {
    for_each(FaultPlan::catalogue().map(|(name, _)| name), |fault| async move {
        let stage = Stage::new(&format!("{fault}=0.5,seed=1,retry_after_s=0,oversized_mib=1")).await;
        stage.impatient();
        stage.set("safety.canary_rows", "1");
        stage.rows(6);
        let first = stage.topup(&RUN).await;
        assert!([0, 4, 5, 7].contains(&first.code()), "{first:?}");
        stage.audit_payments();
        stage.audit_intents();
        stage.heal();
        let last = stage.finish(&run_and(&["--json"])).await;
        assert!([0, 4].contains(&last.code()), "{last:?}");
        stage.audit_end();
        stage.audit_intents();
        assert_eq!(last.rows("credited") + last.rows("declined") + last.rows("ineligible"), 6);
    })
    .await;
}
