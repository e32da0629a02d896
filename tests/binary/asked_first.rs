//! No decision about what was sent, or may be sent again, without an answer of order status that allows it.

use super::decisions::{decide, held};
use super::harness::{BATCH, RUN, Stage};

/// One row in doubt that the gateway credited; its only answer was lost, and order status is of no use.
async fn in_doubt(faults: &str) -> (Stage, String) {
    let stage = Stage::new(faults).await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "1");
    stage.rows(1);
    stage.topup(&RUN).await.exits(5);
    assert_eq!(stage.in_state("in_doubt"), 1);
    let number = stage.payouts().remove(0).invoice_no;
    (stage, number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_not_taken_while_the_gateway_gives_no_answer_about_the_order() {
    let (stage, number) = in_doubt("top_up.lost_after=1,order_status.lost_before=1").await;
    let attest = ["attest", BATCH, number.as_str(), "--credited"];
    for (fault, exit) in [
        ("order_status.refuse_4010001=1", 7),
        ("order_status.refuse_4030302=1", 7),
        ("order_status.refuse_4000=1", 3),
        ("order_status.lost_before=1", 3),
        ("order_status.http_503=1", 3),
        ("order_status.html_200=1", 3),
        ("order_status.status_no_data=1", 3),
        ("order_status.status_other_phone=1", 8),
    ] {
        stage.faults(fault);
        stage.topup(&decide(&attest)).await.exits(exit);
        assert_eq!(stage.in_state("in_doubt"), 1, "{fault}");
    }
    stage.faults("order_status.status_odd=1");
    stage.topup(&decide(&attest)).await.exits(0);
    assert_eq!(stage.in_state("credited"), 1);
    stage.heal();
    stage.topup(&["verify", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_order_status_spells_with_84_is_the_same_member() {
    let (stage, _) = in_doubt("top_up.lost_after=1,order_status.status_other_phone=1").await;
    let verified = stage.topup(&["verify", BATCH]).await.exits(8);
    assert!(verified.stdout.contains("names another phone or amount"), "{}", verified.stdout);
    stage.faults("order_status.status_phone_84=1");
    stage.topup(&["resolve", BATCH]).await.exits(0);
    assert_eq!(stage.in_state("credited"), 1);
    stage.topup(&["verify", BATCH]).await.exits(0);
    stage.audit_end();
}

/// A planned row that was sent before: the gateway set it aside, and then credited it after all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_is_not_cancelled_before_the_gateway_said_what_became_of_it() {
    for (fault, exit, state) in [
        ("order_status.lost_before=1", 5, "planned"),
        ("order_status.status_odd=1", 0, "cancelled"),
        ("order_status.refuse_4010001=1", 7, "planned"),
        ("none", 0, "cancelled"),
    ] {
        let stage = Stage::new("top_up.refuse_4000001=1").await;
        stage.patience("0.5");
        stage.set("safety.canary_rows", "0");
        stage.set("resolve.queries_max", "1");
        stage.rows(1);
        stage.topup(&RUN).await.exits(5);
        assert_eq!(stage.in_state("planned"), 1);
        stage.faults(fault);
        let requests = stage.requests();
        stage.topup(&decide(&["cancel", BATCH, "--all-planned"])).await.exits(exit);
        assert_eq!(stage.in_state(state), 1, "{fault}");
        assert!(stage.requests() > requests, "{fault}: nobody asked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_finds_out_what_was_credited_after_all() {
    let stage = Stage::new("top_up.refuse_4000001=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(5);
    stage.heal();
    // Another machine pays both meanwhile, under the same numbers.
    let other = stage.path("other.db").display().to_string();
    stage.topup(&[&RUN[..], &["--ledger", &other]].concat()).await.exits(0);
    assert_eq!((stage.credits(), stage.in_state("planned")), (2, 2));
    let ended = stage.topup(&decide(&["cancel", BATCH, "--all-planned", "--json"])).await.exits(3);
    let json = ended.json();
    assert_eq!((&json["changed"], &json["credited"]), (&0.into(), &2.into()), "{json}");
    assert_eq!(stage.in_state("credited"), 2);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_payout_named_twice_is_released_once_and_only_on_an_answer() {
    let stage = held().await;
    let number = stage.payouts().remove(0).invoice_no;
    let release = decide(&["release", BATCH, "R-1", &number, "R-1"]);
    stage.set("resolve.queries_max", "1");
    stage.faults("order_status.lost_before=1");
    stage.topup(&release).await.exits(5);
    assert_eq!(stage.in_state("held"), 1);
    stage.heal();
    let ended = stage.topup(&release).await.exits(0);
    assert!(ended.stdout.contains("planned again: 1 payout\n"), "{}", ended.stdout);
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_named_twice_is_cancelled_once() {
    let stage = held().await;
    let number = stage.payouts().remove(0).invoice_no;
    let ended = stage.topup(&decide(&["cancel", BATCH, &number, "R-1", &number])).await.exits(0);
    assert!(ended.stdout.contains("cancelled: 1 payout\n"), "{}", ended.stdout);
    assert_eq!(stage.in_state("cancelled"), 1);
}

/// Another ledger sent it under the same number, and that order failed for good: the number is used up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_payout_whose_order_failed_has_a_way_out() {
    for decision in ["release", "cancel"] {
        let stage = held().await;
        let number = stage.payouts().remove(0).invoice_no;
        stage.faults("top_up.order_error_500=1");
        let other = stage.path("other.db").display().to_string();
        let run = [&RUN[..], &["--ledger", &other]].concat();
        stage.topup_with(&run, &[("TOPUP_PAYOUT_NAMES", "off")]).await.exits(4);
        stage.heal();
        stage.topup(&["verify", BATCH]).await.exits(0);
        stage.topup(&decide(&[decision, BATCH, "R-1"])).await.exits(0);
        if decision == "cancel" {
            assert_eq!(stage.in_state("cancelled"), 1);
            continue;
        }
        stage.finish(&["resume", BATCH]).await.exits(0);
        let payout = stage.payouts().remove(0);
        assert!(payout.state == "credited" && payout.invoice_no != number, "{payout:?}");
        stage.topup(&["verify", BATCH]).await.exits(0);
        stage.audit_end();
    }
}
