//! Payouts that no run can settle: they are named and told apart, asked about once a run, and lead to a person.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::decisions::decide;
use super::harness::{BATCH, Ended, RUN, Stage};
use serde_json::Value;

async fn one_row(faults: &str, settings: &[(&str, &str)]) -> Stage {
    let stage = Stage::new(faults).await;
    stage.patience("0.3");
    stage.set("safety.canary_rows", "0");
    for (key, value) in settings {
        stage.set(key, value);
    }
    std::fs::write(stage.path("rewards.csv"), "reference,phone,points\n090 123 4567,0901234567,500\n").unwrap();
    stage.expected.lock().unwrap().insert("0901234567".to_owned(), (1, 500));
    stage
}

/// The only payout in doubt, as `status --json` lists it.
async fn listed(stage: &Stage) -> Value {
    let json = stage.topup(&["status", BATCH, "--json"]).await.exits(0).json();
    assert_eq!(json["in_doubt_unlisted"], 0);
    let list = json["in_doubt_listed"].as_array().unwrap().clone();
    assert_eq!(list.len(), 1, "{json}");
    list[0].clone()
}

/// Runs until no run can settle it.
async fn stuck(stage: &Stage) -> Value {
    for _ in 0..12 {
        stage.topup(&["run", "rewards.csv", "--batch", BATCH, "--yes"]).await.exits(5);
        let payout = listed(stage).await;
        if payout["settles"] == false {
            return payout;
        }
    }
    panic!("it is never stuck");
}

/// One more run asks once, names the payout, and does not send anybody to run it again.
async fn a_further_run(stage: &Stage) -> Ended {
    let before = stage.requests();
    let ended = stage.topup(&["resume", BATCH]).await.exits(5);
    assert_eq!(stage.requests() - before, 1, "{}", ended.stdout);
    let said = &ended.stdout;
    assert!(!said.contains("next: topup resume"), "{said}");
    assert!(said.contains("no run can settle 1 payout"), "{said}");
    assert!(!said.contains("123 4567") && said.contains("reference 090***4567"), "{said}");
    // What it says to type next works as it stands.
    let (_, next) = said.split_once("next: topup ").unwrap();
    assert!(next.starts_with("attest 2026-11 TP"), "{said}");
    ended
}

async fn types_what_is_next(stage: &Stage, said: &str) {
    let (_, next) = said.split_once("next: topup ").unwrap();
    let typed: Vec<&str> = next.lines().next().unwrap().split(' ').chain(["--yes"]).collect();
    stage.topup(&typed).await.exits(0);
    assert_eq!(stage.in_state("credited"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resends_that_are_used_up_lead_to_a_person() {
    let stage = one_row("top_up.lost_before=1", &[("resolve.resends_max", "1")]).await;
    let payout = stuck(&stage).await;
    assert_eq!((&payout["row"], &payout["reference"]), (&2.into(), &"090***4567".into()));
    let why = payout["why"].as_str().unwrap();
    assert!(why.contains("as often as it may be") && why.matches("no answer came back").count() == 2, "{why}");
    assert!(payout["since"].as_str().unwrap().ends_with('Z'), "{payout}");
    let said = a_further_run(&stage).await.stdout;
    types_what_is_next(&stage, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_taken_and_absent_leads_to_a_person() {
    let stage = one_row(
        "top_up.duplicate_invoice=1,order_status.status_absent=1",
        &[("resolve.queries_max", "2"), ("resolve.resends_max", "3")],
    )
    .await;
    let why = stuck(&stage).await["why"].as_str().unwrap().to_owned();
    assert!(why.contains("knows the number") && why.contains("4000307"), "{why}");
    let said = a_further_run(&stage).await.stdout;
    types_what_is_next(&stage, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_resend_of_a_lost_send_leads_to_a_person() {
    let stage = one_row("top_up.lost_before=1", &[("resolve.resends_max", "1")]).await;
    stage.set("resolve.queries_max", "1");
    stage.topup(&RUN).await.exits(5);
    stage.set("resolve.queries_max", "10");
    stage.faults("top_up.refuse_500400=1");
    let why = stuck(&stage).await["why"].as_str().unwrap().to_owned();
    assert!(why.contains("no answer came back") && why.contains("500400"), "{why}");
    a_further_run(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absence_that_settles_nothing_leads_to_a_person_and_a_late_credit_is_found() {
    let stage = one_row("top_up.lost_after=1,order_status.status_absent=1", &[("resolve.resubmit", "false")]).await;
    let why = stuck(&stage).await["why"].as_str().unwrap().to_owned();
    assert!(why.contains("resolve.resubmit"), "{why}");
    a_further_run(&stage).await;
    stage.heal();
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_another_phone_leads_to_the_provider_alone() {
    let stage = one_row("top_up.lost_after=1,order_status.status_other_phone=1", &[]).await;
    stage.set("resolve.queries_max", "1");
    let payout = stuck(&stage).await;
    assert!(payout["why"].as_str().unwrap().contains("another phone"), "{payout}");
    let said = stage.topup(&["resume", BATCH]).await.exits(5).stdout;
    assert!(said.contains("ask the provider") && !said.contains("topup attest"), "{said}");
    let attest = ["attest", BATCH, "090 123 4567", "--credited"];
    stage.topup(&decide(&attest)).await.exits(8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_may_settle_is_told_apart() {
    let stage = one_row("top_up.lost_after=1,order_status.lost_before=1", &[("resolve.queries_max", "1")]).await;
    let said = stage.topup(&RUN).await.exits(5).stdout;
    assert!(said.contains("next: topup resume 2026-11") && !said.contains("no run can settle"), "{said}");
    assert_eq!(listed(&stage).await["settles"], true);
}
