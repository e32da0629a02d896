//! A person's decisions come to their end: what is retried or released is paid under the rules, what is cancelled never
//! is, and evidence for a payout in doubt counts when it may.

use super::harness::{BATCH, RUN, Stage};
use topup::simulator::{Latency, Members};

const WHY: [&str; 3] = ["--why", "a test", "--yes"];

/// The arguments of a decision, with its reason.
pub(super) fn decide<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().chain(&WHY).copied().collect()
}

/// One row whose member has another name than the file says: held.
pub(super) async fn held() -> Stage {
    let members = Members::from_csv("phone,full_name\n0901234567,Nguyễn An\n".as_bytes());
    let stage = Stage::with(members.unwrap_or_default(), "none", Latency::NONE).await;
    stage.file("rewards.csv", &[("0901234567".to_owned(), 500)]);
    let rows = "reference,phone,points,name\nR-1,0901234567,500,Lê Chi\n";
    assert!(std::fs::write(stage.path("rewards.csv"), rows).is_ok());
    stage.topup(&RUN).await.exits(4);
    assert_eq!(stage.in_state("held"), 1);
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_declined_is_credited_under_the_same_number_after_a_retry() {
    let stage = Stage::new("top_up.refuse_500400=1").await;
    stage.set("safety.canary_rows", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(4);
    let before: Vec<String> = stage.payouts().into_iter().map(|payout| payout.invoice_no).collect();
    assert_eq!(stage.in_state("declined"), 2);
    stage.heal();
    let ended = stage.topup(&decide(&["retry", BATCH])).await.exits(0);
    assert!(ended.stdout.contains("planned again: 2 payouts"), "{}", ended.stdout);
    assert!(ended.stdout.contains("next: topup resume 2026-11"), "{}", ended.stdout);
    assert_eq!((stage.in_state("planned"), stage.credits()), (2, 0), "a retry only plans");
    stage.finish(&["resume", BATCH]).await.exits(0);
    let after: Vec<String> = stage.payouts().into_iter().map(|payout| payout.invoice_no).collect();
    assert_eq!((stage.in_state("credited"), after), (2, before));
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_is_credited_after_a_release() {
    let stage = held().await;
    let ended = stage.topup(&decide(&["release", BATCH, "R-1"])).await.exits(0);
    assert!(ended.stdout.contains("planned again: 1 payout"), "{}", ended.stdout);
    stage.finish(&["resume", BATCH]).await.exits(0);
    assert_eq!(stage.in_state("credited"), 1);
    stage.audit_end();
    stage.audit_intents();
    // What is credited is nobody's to decide any more.
    stage.topup(&decide(&["release", BATCH, "R-1"])).await.exits(3);
    stage.topup(&decide(&["cancel", BATCH, "R-1"])).await.exits(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cancelled_is_never_sent() {
    let stage = held().await;
    stage.topup(&decide(&["cancel", BATCH, "R-1"])).await.exits(0);
    stage.faults("member_info.refuse_4010001=1");
    stage.rows(3);
    let other = ["run", "rewards.csv", "--batch", "other", "--yes"];
    stage.topup(&other).await.exits(7);
    assert_eq!(stage.in_state("planned"), 3);
    stage.heal();
    let ended = stage.topup(&decide(&["cancel", "other", "--all-planned"])).await.exits(0);
    assert!(ended.stdout.contains("cancelled: 3 payouts"), "{}", ended.stdout);
    let requests = stage.requests();
    stage.topup(&["resume", BATCH]).await.exits(4);
    stage.topup(&["resume", "other"]).await.exits(4);
    stage.topup(&other).await.exits(4);
    stage.topup(&decide(&["release", BATCH, "R-1"])).await.exits(3);
    assert_eq!((stage.in_state("cancelled"), stage.credits()), (4, 0));
    assert_eq!(stage.requests(), requests, "something was asked about or sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_counts_for_a_payout_in_doubt_when_it_may() {
    let stage = Stage::new("top_up.lost_after=1,order_status.status_odd=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "1");
    stage.rows(1);
    stage.topup(&RUN).await.exits(5);
    assert_eq!(stage.in_state("in_doubt"), 1);
    let number = stage.payouts().remove(0).invoice_no;
    let requests = stage.requests();
    let attest = ["attest", BATCH, number.as_str()];
    let early = decide(&[&attest[..], &["--not-credited"]].concat());
    stage.topup(&early).await.exits(3).says(&["not within two hours of the last send", "topup resolve 2026-11"]);
    stage.topup(&decide(&["cancel", BATCH, &number])).await.exits(3);
    assert_eq!((stage.in_state("in_doubt"), stage.requests()), (1, requests));

    let ended = stage.topup(&decide(&[&attest[..], &["--credited"]].concat())).await.exits(0);
    assert!(ended.stdout.contains(" is credited"), "{}", ended.stdout);
    assert_eq!(stage.in_state("credited"), 1);
    stage.heal();
    stage.topup(&["resume", BATCH]).await.exits(0);
    stage.topup(&["verify", BATCH]).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}
