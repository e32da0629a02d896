//! `topup verify`: finds what was changed in a ledger behind the program's back, and what the gateway says otherwise.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Ended, RUN, Stage};
use rusqlite::Connection;

/// The ledger of a batch that was paid, with the end of its history as the summary printed it.
async fn paid() -> (Stage, String) {
    let stage = Stage::new("none").await;
    stage.rows(6);
    let text = stage.topup(&RUN).await.exits(0).stdout;
    let head = text.lines().find_map(|line| line.strip_prefix("history ends with ")).unwrap().to_owned();
    (stage, head)
}

/// Changes the ledger as somebody could who has another program for it, takes its guards away, and puts them back.
fn tamper(stage: &Stage, sql: &str) {
    let connection = Connection::open(stage.ledger()).unwrap();
    let (lift, guards): (String, String) = connection
        .query_row(
            "SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';') FROM sqlite_schema
             WHERE type = 'trigger'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {lift}; {sql}; {guards}")).unwrap();
}

async fn verify(stage: &Stage, more: &[&str]) -> Ended {
    let arguments: Vec<&str> = ["verify", BATCH].into_iter().chain(more.iter().copied()).collect();
    stage.topup(&arguments).await
}

/// What a change is found as, without asking the gateway.
async fn finds(sql: &str, expected: &str) {
    let (stage, _) = paid().await;
    tamper(&stage, sql);
    let requests = stage.requests();
    let found = verify(&stage, &["--offline", "--json"]).await.exits(8).json();
    assert_eq!(found["verdict"], "differ");
    let findings = found["findings"].as_array().unwrap();
    let said = |finding: &serde_json::Value| finding.as_str().is_some_and(|finding| finding.contains(expected));
    assert!(findings.iter().any(said), "{expected:?} is not in {findings:#?}");
    assert_eq!(stage.requests(), requests, "--offline asks nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untouched_ledger_agrees_with_itself_and_with_the_gateway() {
    let (stage, head) = paid().await;
    verify(&stage, &["--offline"]).await.exits(0);
    verify(&stage, &["--offline", "--head", &head]).await.exits(0);
    let requests = stage.requests();
    let found = verify(&stage, &["--json"]).await.exits(0).json();
    assert_eq!((&found["verdict"], &found["asked"]), (&"agree".into(), &6.into()));
    assert_eq!(stage.requests(), requests + 6);
    // What it asked is part of the history now, and the earlier end is still in it.
    verify(&stage, &["--offline", "--head", &head]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_edited_removed_or_reordered_is_named() {
    finds("UPDATE events SET code = 1 WHERE event_id = 9", "the history is broken between event 9 (").await;
    finds("DELETE FROM events WHERE event_id = 9", "the history is broken between event 8 (").await;
    finds(
        "UPDATE events SET event_id = -9 WHERE event_id = 9; UPDATE events SET event_id = 9 WHERE event_id = 10;
         UPDATE events SET event_id = 10 WHERE event_id = -9",
        "the history is broken between event 8 (",
    )
    .await;
    finds(
        "DELETE FROM events WHERE event_id = (SELECT max(event_id) FROM events)",
        "which is not where the batch says that it ends",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_that_was_cut_off_cleanly_is_found_by_the_head_that_was_printed() {
    let (stage, head) = paid().await;
    tamper(
        &stage,
        "UPDATE batches SET chain_head = (SELECT previous FROM events ORDER BY event_id DESC LIMIT 1),
                            chain_event = chain_event - 1;
         DELETE FROM events WHERE event_id = (SELECT max(event_id) FROM events)",
    );
    verify(&stage, &["--offline"]).await.exits(0);
    let ended = verify(&stage, &["--offline", "--head", &head]).await.exits(8);
    assert!(ended.stdout.contains("events that were there are gone"), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_number_plan_or_total_that_the_history_does_not_imply_is_a_difference() {
    let row = "WHERE payout_id = 2";
    finds(
        &format!("UPDATE payouts SET state = 'declined', credited_at = NULL {row}"),
        "row 3: the ledger says declined, and its history implies credited",
    )
    .await;
    finds(&format!("UPDATE payouts SET points = points + 1 {row}"), "are not those that the plan was sealed with")
        .await;
    finds(&format!("UPDATE payouts SET invoice_no = 'TP0' {row}"), "row 3: it carries number TP0").await;
    finds(&format!("DELETE FROM invoices {row}"), "row 3: its number of attempt 1, ").await;
    finds("UPDATE totals SET points = points + 1 WHERE state = 'credited'", "credited: the totals say ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_says_otherwise_is_a_difference_and_silence_is_none() {
    let (stage, _) = paid().await;
    stage.set("resolve.queries_max", "2");
    stage.faults("order_status.status_absent=1");
    let found = verify(&stage, &["--json"]).await.exits(8).json();
    assert_eq!((&found["finding_count"], &found["difference_count"]), (&0.into(), &6.into()));
    assert_eq!(found["differences"][0]["difference"], "the ledger says credited, the gateway does not know it");
    assert_eq!(stage.in_state("credited"), 6, "credited never changes");
    stage.faults("order_status.http_503=1");
    let found = verify(&stage, &["--json"]).await.exits(5).json();
    assert_eq!((&found["verdict"], &found["unanswered"]), (&"unanswered".into(), &6.into()));
    stage.heal();
    verify(&stage, &[]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_status_that_nobody_documented_is_shown_wherever_the_payout_is() {
    let stage = Stage::new("top_up.lost_after=1,order_status.status_odd=1").await;
    stage.patience("0.3");
    stage.set("resolve.queries_max", "1");
    stage.set("safety.canary_rows", "0");
    stage.rows(2);
    stage.topup(&RUN).await.exits(5);
    let status = stage.topup(&["status", BATCH, "--json"]).await.exits(0).stdout;
    assert!(status.contains("order status P"), "{status}");
    stage.topup(&["export", BATCH, "-o", "result.csv"]).await.exits(0);
    let export = std::fs::read_to_string(stage.path("result.csv")).unwrap();
    assert!(export.contains("order status P"), "{export}");
    let found = verify(&stage, &["--json"]).await.exits(5).json();
    let listed = found["unanswered_listed"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["said"], "order status P, type TXN_EARN: OK");
}
