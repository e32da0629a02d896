//! A gateway that goes away and comes back while the program runs, or does not come back.

use super::harness::{Stage, run_and, until};
use serde_json::{Value, json};

/// A run that pauses after three top-ups in doubt in a row.
async fn stage(faults: &str) -> Stage {
    let stage = Stage::new(faults).await;
    stage.patience("1");
    stage.set("gateway.rate_per_s", "50");
    stage.set("gateway.max_in_flight", "4");
    stage.set("safety.canary_rows", "0");
    stage.set("safety.breaker_in_doubt", "3");
    stage.rows(60);
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_ends_within_the_run_is_probed_and_the_run_completes() {
    // What was lost may have been applied or not; order status is down too, so nothing is resolved while it lasts.
    for top_ups in ["top_up.lost_after=1", "top_up.http_503=1", "top_up.lost_before=0.5,top_up.lost_after=0.5"] {
        let stage = stage(&format!("{top_ups},order_status.http_503=1")).await;
        let live = stage.start(&run_and(&["--json"]));
        until("the run pauses", || live.stderr().contains("no new top-ups until order status")).await;
        stage.heal();
        let ended = live.end().await.exits(0).says(&["is tried alone", "the run goes on"]);
        assert!(!ended.stderr.contains("no new top-ups: "), "{}", ended.stderr);
        let summary = ended.json();
        assert_eq!((&summary["verdict"], &summary["reason"]), (&json!("complete"), &Value::Null), "{top_ups}");
        stage.audit_end();
        stage.audit_intents();
        stage.audit_rerun(&run_and(&[]), 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_top_ups_that_stays_costs_three_probes() {
    let stage = stage("top_up.lost_after=1").await;
    let ended = stage.topup(&run_and(&["--json"])).await.exits(5);
    assert_eq!(ended.stderr.matches("is tried alone").count(), 3, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("no definite answer: no other top-ups for now").count(), 3);
    let summary = ended.says(&["no new top-ups: 3 top-ups in a row", "3 payouts tried alone after them"]).json();
    assert_eq!((&summary["verdict"], &summary["reason"]["code"]), (&json!("stopped"), &json!("breaker")));
    let top_ups = summary["requests"]["top_up"].as_u64().unwrap_or_default();
    assert!((6..=10).contains(&top_ups), "three, those that were under way, and three probes: {summary}");
    assert_eq!(summary["in_doubt"]["rows"], 0, "what is in doubt is resolved before the run ends");
    stage.audit_payments();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_probe_while_order_status_does_not_answer() {
    let stage = stage("top_up.lost_after=1,order_status.http_503=1").await;
    stage.set("resolve.queries_max", "3");
    let ended = stage.topup(&run_and(&["--json"])).await.exits(5);
    let ended = ended.says(&["no new top-ups: 3 top-ups in a row", "order status did not settle all of them"]);
    assert!(!ended.stderr.contains("is tried alone"), "{}", ended.stderr);
    assert_eq!(ended.json()["reason"]["code"], "breaker");
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_that_holds_nobody_back_stops_nothing() {
    let stage = stage("top_up.lost_after=1").await;
    stage.rows(3);
    let ended = stage.topup(&run_and(&["--json"])).await.exits(0).says(&["no new top-ups until order status"]);
    assert!(!ended.stderr.contains("is tried alone"), "{}", ended.stderr);
    assert_eq!(ended.json()["verdict"], "complete");
    stage.audit_payments();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_answers_stops_the_run_after_few_calls_and_names_the_answer() {
    for (faults, status, hint) in [
        ("http_503=1", "HTTP 503", "the provider's service is down"),
        ("challenge_403=1", "HTTP 403", "ask the provider to allow its address"),
        ("html_200=1", "HTTP 200", "check [gateway] url"),
        // Members are known, and only what moves points gets no answer.
        ("top_up.http_503=1,order_status.http_503=1", "HTTP 503", "the provider's service is down"),
    ] {
        let members_answer = faults.starts_with("top_up");
        let stage = Stage::new(faults).await;
        stage.patience("1");
        stage.set("safety.canary_rows", "0");
        stage.rows(1000);
        let ended = stage.topup(&run_and(&["--json"])).await.exits(5).says(&["no new top-ups: ", status]);
        let summary = ended.json();
        let reason = &summary["reason"];
        let message = reason["message"].as_str().unwrap_or_default();
        assert_eq!((&summary["verdict"], &reason["code"]), (&json!("stopped"), &json!("unavailable")), "{faults}");
        assert!(message.contains(status), "{message}");
        assert!(ended.stderr.contains(hint), "{}", ended.stderr);
        let useless =
            stage.requests() - summary["requests"]["member_info"].as_u64().filter(|_| members_answer).unwrap_or(0);
        // At most 128 are under way at once: their top-ups, a query of each, and what the pauses let through.
        assert!(useless < 400, "{faults}: {useless} calls");
        stage.heal();
        stage.finish(&run_and(&[])).await.exits(0);
        stage.audit_end();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_in_place_of_every_answer_stops_verify_too() {
    let stage = Stage::new("none").await;
    stage.patience("1");
    stage.rows(400);
    stage.finish(&run_and(&[])).await.exits(0);
    let before = stage.requests();
    stage.faults("challenge_403=1");
    let ended = stage.topup(&["verify", super::harness::BATCH, "--json"]).await.exits(5);
    assert_eq!(ended.json()["error"]["code"], "unavailable", "{}", ended.stdout);
    assert!(stage.requests() - before < 600, "{} calls", stage.requests() - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_reaches_nobody_says_why() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    // A port that was free a moment ago: nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    stage.point_at(&format!("http://{}", free.unwrap_or_else(|error| panic!("a port: {error}"))));
    stage.patience("0.2");
    let ended = stage.topup(&run_and(&["--json"])).await.exits(5);
    let message = ended.json()["reason"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("not sent: connection refused"), "{message}");
}
