//! Decisions about several payouts at once: all that are held, those of a sheet with a column «duyệt», or named ones; and what
//! a look that was cut short, a comparison and a refusal say.

use super::decisions::decide;
use super::harness::{BATCH, RUN, Stage, phone, run_and};
use topup::simulator::{Latency, Members};

/// Four rows: one credited, three held for their names.
async fn three_held() -> Stage {
    let mut known = String::from("phone,full_name\n");
    let mut rows = String::from("reference,phone,points,name\n");
    for row in 0..4 {
        known.push_str(&format!("{},{}\n", phone(row), if row == 0 { "Lê Chi" } else { "Nguyễn An" }));
        rows.push_str(&format!("R-{row},{},100,Lê Chi\n", phone(row)));
    }
    let stage = Stage::with(Members::from_csv(known.as_bytes()).unwrap_or_default(), "none", Latency::NONE).await;
    stage.file("rewards.csv", &(0..4).map(|row| (phone(row), 100)).collect::<Vec<_>>());
    assert!(std::fs::write(stage.path("rewards.csv"), rows).is_ok());
    stage.topup(&RUN).await.exits(4);
    assert_eq!((stage.in_state("held"), stage.in_state("credited")), (3, 1));
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_are_held_are_released_or_closed_in_one_go() {
    let stage = three_held().await;
    let ended = stage.topup(&decide(&["release", BATCH, "--all-held"])).await.exits(0);
    assert!(ended.stdout.contains("planned again: 3 payouts"), "{}", ended.stdout);
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
    let stage = three_held().await;
    let ended = stage.topup(&decide(&["cancel", BATCH, "--all-held"])).await.exits(0);
    assert!(ended.stdout.contains("cancelled: 3 payouts"), "{}", ended.stdout);
    assert_eq!(stage.credits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sheet_of_decisions_releases_its_yes_and_closes_its_no() {
    let stage = three_held().await;
    let sheet = "reference,duyệt\nR-1,có\nR-2,Không\nR-3,\n";
    assert!(std::fs::write(stage.path("duyet.csv"), sheet).is_ok());
    let ended = stage.topup(&decide(&["release", BATCH, "--from", "duyet.csv"])).await.exits(0);
    assert!(ended.stdout.contains("planned again: 1 payout\n"), "{}", ended.stdout);
    let ended = stage.topup(&decide(&["cancel", BATCH, "--from", "duyet.csv"])).await.exits(0);
    assert!(ended.stdout.contains("cancelled: 1 payout\n"), "{}", ended.stdout);
    let states = ["planned", "cancelled", "held", "credited"].map(|state| stage.in_state(state));
    assert_eq!(states, [1, 1, 1, 1]);
    // What is neither yes nor no decides nothing.
    assert!(std::fs::write(stage.path("duyet.csv"), "reference,approve\nR-3,perhaps\n").is_ok());
    stage.topup(&decide(&["release", BATCH, "--from", "duyet.csv"])).await.exits(3).says(&["needs yes or no"]);
    assert!(std::fs::write(stage.path("duyet.csv"), "reference,approve\nR-3,no\n").is_ok());
    stage.topup(&decide(&["release", BATCH, "--from", "duyet.csv"])).await.exits(3).says(&["says yes to no payout"]);
    assert_eq!(stage.in_state("held"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_in_another_state_say_theirs_all_of_them_and_nothing_is_decided() {
    let stage = three_held().await;
    let one = stage.topup(&decide(&["release", BATCH, "R-0"])).await.exits(3);
    one.says(&["row 2 cannot be released: it is credited; nothing was changed"]);
    let two = stage.topup(&decide(&["cancel", BATCH, "R-0", "R-1"])).await.exits(3);
    two.says(&["1 of 2 payouts cannot be cancelled; nothing was changed", "it is credited"]);
    let retried = stage.topup(&decide(&["retry", BATCH, "R-1"])).await.exits(3);
    retried.says(&["row 3 cannot be planned again: it is held"]);
    assert_eq!(stage.in_state("held"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_takes_the_payouts_that_are_named() {
    let stage = Stage::new("top_up.refuse_500400=1").await;
    stage.set("safety.canary_rows", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(4);
    stage.heal();
    let number = stage.payouts().into_iter().map(|payout| payout.invoice_no).next().unwrap_or_default();
    stage.topup(&decide(&["retry", BATCH, &number])).await.exits(0);
    assert_eq!((stage.in_state("planned"), stage.in_state("declined")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_that_failed_says_how_far_it_came_and_offers_nothing_to_pay() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    stage.rows(2);
    let dry = stage.topup(&run_and(&["--dry-run"])).await.exits(7);
    assert!(dry.stdout.contains("0 of 2 checked: "), "{}", dry.stdout);
    assert!(!dry.stdout.contains("next: ") && !dry.stdout.contains("would be paid"), "{}", dry.stdout);
    assert_eq!(stage.topup(&run_and(&["--dry-run", "--json"])).await.exits(7).json()["checked"], 0);
    stage.heal();
    let dry = stage.topup(&run_and(&["--dry-run"])).await.exits(0).stdout;
    assert!(dry.contains("would be paid") && dry.contains("--confirm-plan"), "{dry}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_wrongly_keeps_its_content_in_json() {
    let stage = Stage::new("none").await;
    let error = stage.topup(&["release", BATCH, "--json"]).await.exits(2).json()["error"].clone();
    for (place, part) in
        [("message", "--why <TEXT>"), ("message", "were not provided"), ("hint", "Usage: topup release")]
    {
        assert!(error[place].as_str().is_some_and(|text| text.contains(part)), "{part:?} is not in {error}");
    }
    let error = stage.topup(&["stauts", "--json"]).await.exits(2).json()["error"].clone();
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("'status'")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_with_the_gateway_shows_both_sides_and_what_to_do() {
    let stage = Stage::new("none").await;
    stage.rows(30);
    stage.topup(&RUN).await.exits(0);
    let text = stage.topup(&["verify", BATCH]).await.exits(0).stdout;
    for part in ["its own history: they agree (30 payouts", "the gateway: they agree (30 numbers", "by the gateway\n"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    // A gateway that knows none of it.
    let other = Stage::new("none").await;
    stage.point_at(&other.simulator.url());
    stage.topup(&["rebind", "--why", "moved", "--yes"]).await.exits(0);
    let text = stage.topup(&["verify", BATCH]).await.exits(8).stdout;
    for part in [
        "against the gateway: 30 differences (30 numbers",
        "different               30",
        "DIFFERENT: the gateway says something else\n  row 2, 090***0000, 50 points, credited, TP",
        "the ledger says credited, the gateway does not know it",
        "… and 10 more: --json lists the first 1,000",
        "0 points in 0 numbers by the gateway",
        "next: topup reconcile 2026-11 --statement FILE",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_repeat_tells_the_strongest_reason_first() {
    let stage = Stage::new("none").await;
    stage.rows(4);
    stage.topup(&RUN).await.exits(0);
    stage.faults("member_info.refuse_4010001=1");
    assert!(std::fs::write(stage.path("one.csv"), format!("phone,points\n{},500\n", phone(9))).is_ok());
    stage.topup(&["run", "one.csv", "--batch", "open", "--yes"]).await.exits(7);
    stage.heal();
    let all = std::fs::read_to_string(stage.path("rewards.csv")).unwrap_or_default() + &format!("{},500\n", phone(9));
    assert!(std::fs::write(stage.path("all.csv"), all).is_ok());
    let again = stage.topup(&["run", "all.csv", "--batch", "third", "--yes"]).await.exits(3);
    again.says(&[
        "4 of 5 rows pay members the same points that another batch credited in the last 20 days, and 1 more that another \
         batch has not finished yet",
        "look there first: `topup status",
    ]);
    assert_eq!(stage.credits(), 4);
}
