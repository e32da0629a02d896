//! A rehearsal shows what a run would do, and does nothing: no call to the gateway, no change to the ledger, no key.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, Stage, until};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

const REHEARSE: [&str; 5] = ["run", "rewards.csv", "--batch", BATCH, "--rehearse"];

fn rehearse_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    REHEARSE.into_iter().chain(more.iter().copied()).collect()
}

/// Every file of the stage's folder but what the children said.
fn files(stage: &Stage) -> BTreeMap<String, Vec<u8>> {
    let folder = std::fs::read_dir(stage.path("")).unwrap().map(Result::unwrap);
    folder
        .filter(|entry| !matches!(entry.path().extension().and_then(|e| e.to_str()), Some("stdout" | "stderr")))
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_rehearsal_needs_no_key_no_consent_and_no_gateway() {
    let stage = Stage::new("none").await;
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    gateway.set_nonblocking(true).unwrap();
    stage.point_at(&format!("http://{}", gateway.local_addr().unwrap()));
    stage.set("gateway.private_key", "\"nowhere.pem\"");
    stage.set("gateway.rate_per_s", "10");
    stage.rows(200);
    let before = files(&stage);

    let ended = stage.topup(&rehearse_and(&["--json"])).await.exits(0);
    let json = ended.json();
    assert_eq!((&json["rehearsal"], &json["verdict"], ended.rows("credited")), (&json!(true), &json!("complete"), 200));
    let requests = &json["requests"];
    let all: u64 = ["member_info", "top_up", "order_status"].iter().map(|call| requests[call].as_u64().unwrap()).sum();
    assert_eq!(json["expected_s"], json!(all as f64 / 10.0), "{json:#}");
    assert!(json["elapsed_s"].as_f64().unwrap() < json["expected_s"].as_f64().unwrap(), "{json:#}");
    let text = stage.topup(&REHEARSE).await.exits(0).stdout;
    for part in ["REHEARSAL", "nothing was sent to the gateway, paid or kept", "at 10 requests/s", "--confirm-plan"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(files(&stage), before, "a rehearsal leaves nothing behind");
    let refused = gateway.accept().unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock, "the gateway was called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_goes_on_where_the_ledger_is_and_leaves_it_byte_for_byte() {
    let stage = Stage::new("top_up.lost_after=1,order_status.http_503=1").await;
    stage.patience("0.5");
    stage.set("safety.canary_rows", "0");
    stage.set("resolve.queries_max", "1");
    stage.rows(3);
    stage.topup(&["run", "rewards.csv", "--batch", BATCH, "--yes"]).await.exits(5);
    assert_eq!(stage.in_state("in_doubt"), 3);
    stage.heal();
    stage.set("resolve.queries_max", "10");
    stage.rows(50);
    let (before, requests) = (files(&stage), stage.requests());

    let ended = stage.topup(&REHEARSE).await.exits(0);
    assert!(ended.stdout.contains("note: 3 payouts in doubt before"), "{}", ended.stdout);
    assert_eq!((files(&stage), stage.requests()), (before, requests));
    stage.finish(&["run", "rewards.csv", "--batch", BATCH, "--yes"]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_and_faults_are_played_and_give_the_exit_status_of_a_run() {
    let stage = Stage::new("none").await;
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for name in ["rewards-2026-11.csv", "members-2026-11.csv"] {
        std::fs::copy(samples.join(name), stage.path(name)).unwrap();
    }
    let arguments = ["run", "rewards-2026-11.csv", "--batch", BATCH, "--rehearse", "--json"];
    let arguments =
        [&arguments[..], &["--members", "members-2026-11.csv", "--faults", "member_info.lost_after=0.1,seed=3"]]
            .concat();
    let ended = stage.topup(&arguments).await.exits(4);
    assert_eq!(ended.rows("credited"), 301, "{}", ended.stdout);
    assert_eq!(ended.rows("ineligible"), 10);
    assert!(ended.json()["faults_injected"].as_u64().unwrap() > 10, "{}", ended.stdout);

    stage.rows(5);
    let stopped = stage.topup(&rehearse_and(&["--faults", "refuse_4030302=1", "--json"])).await.exits(7);
    assert_eq!((&stopped.json()["rehearsal"], &stopped.json()["verdict"]), (&json!(true), &json!("stopped")));
    stage.topup(&rehearse_and(&["--faults", "no_such=1"])).await.exits(2);
    stage.topup(&rehearse_and(&["--confirm-total", "1"])).await.exits(3);
    stage.topup(&rehearse_and(&["--dry-run"])).await.exits(2);
    stage.topup(&["run", "rewards.csv", "--batch", BATCH, "--yes", "--faults", "none"]).await.exits(2);
    assert_eq!((stage.requests(), stage.ledger().exists()), (0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_rehearsal_says_nothing_of_what_is_recorded() {
    let stage = Stage::new("none").await;
    stage.rows(300);
    let mut live = stage.start(&rehearse_and(&["--faults", "slow=1,slow_s=1", "-v"]));
    until("it goes on", || live.has_ended() || live.stderr().contains("payout moved")).await;
    live.signal(Signal::INT);
    let ended = live.end().await.exits(130).says(&["interrupted: ", "nothing was paid, and nothing is kept"]);
    assert!(!ended.stderr.contains("recorded") && !ended.stderr.contains("resume"), "{}", ended.stderr);
    assert!(ended.stdout.contains("it was interrupted: this is how far it came"), "{}", ended.stdout);
    assert!(!stage.ledger().exists());
}
