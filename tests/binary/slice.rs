//! A plan that is paid in slices: a run stops before the payout that would exceed what it may send, and the next one goes on.

use super::harness::{BATCH, KEY_PEM, RUN, Stage, phone, run_and, write_private};
use serde_json::{Value, json};
use std::process::Command;

async fn status(stage: &Stage) -> Value {
    stage.topup(&["status", BATCH, "--json"]).await.exits(0).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_sends_no_more_than_its_slice_and_the_rest_is_paid_later() {
    let stage = Stage::new("none").await;
    stage.set("safety.canary_rows", "0");
    stage.file("rewards.csv", &(0..12).map(|row| (phone(row), 100)).collect::<Vec<_>>());
    let first = stage.topup(&run_and(&["--stop-after", "499"])).await.exits(5);
    assert!(first.stdout.contains("400 of at most 499 points were sent by this run"), "{}", first.stdout);
    assert!(first.stdout.contains("the rest stays planned") && first.stdout.contains("next: topup resume 2026-11"));
    assert_eq!((stage.credits(), stage.in_state("planned"), stage.in_state("credited")), (4, 8, 4));
    let json = stage.topup(&["resume", BATCH, "--stop-after", "100", "--json"]).await.exits(5).json();
    assert_eq!((&json["reason"]["code"], &json["credited"]["points"]), (&"stop_after".into(), &500.into()));
    // What is less than one payout sends nothing.
    stage.topup(&["resume", BATCH, "--stop-after", "1"]).await.exits(5);
    assert_eq!(stage.credits(), 5);
    stage.topup(&run_and(&["--stop-after", "10", "--dry-run"])).await.exits(2);
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_on_its_way_counts_once_in_a_slice() {
    let stage = Stage::new("top_up.lost_before=0.5,top_up.http_503=0.2,seed=5").await;
    stage.impatient();
    stage.set("safety.canary_rows", "0");
    stage.rows(12);
    for run in 0..8 {
        let known = if run == 0 { json!({"in_doubt": {"points": 0}}) } else { status(&stage).await };
        let before = stage.simulator.book().points() + known["in_doubt"]["points"].as_u64().unwrap_or_default();
        let ended = stage.topup(&run_and(&["--stop-after", "300"])).await;
        assert!(stage.simulator.book().points() <= before + 300, "a slice, and what was in doubt before");
        if ended.code() == 0 {
            break;
        }
    }
    stage.heal();
    stage.finish(&["resume", BATCH]).await.exits(0);
    stage.audit_end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_variable_signs_and_is_shown_to_nobody() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    std::fs::remove_file(stage.path("merchant.pem")).unwrap_or_default();
    // As a form or a variable joins it.
    let pem = KEY_PEM.replace('\n', "\\n");
    let key = [("TOPUP_GATEWAY_PRIVATE_KEY_PEM", &*pem)];
    let tell = run_and(&["--notify-command", "env > env.txt"]);
    stage.topup_with(&tell, &key).await.exits(0);
    let heard = std::fs::read_to_string(stage.path("env.txt")).unwrap_or_default();
    assert!(heard.contains("USER=") && !heard.contains("PRIVATE KEY"), "{heard}");
    let doctor = stage.topup_with(&["doctor", "-v"], &key).await.exits(0).stdout;
    assert!(doctor.contains("TOPUP_GATEWAY_PRIVATE_KEY_PEM, RSA, 2048 bits"), "{doctor}");
    assert!(!doctor.contains("BEGIN") && !doctor.contains(&pem[60..90]), "{doctor}");
    let broken = [("TOPUP_GATEWAY_PRIVATE_KEY_PEM", "hello")];
    stage.topup_with(&RUN, &broken).await.exits(2).says(&["TOPUP_GATEWAY_PRIVATE_KEY_PEM", "no pem block"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_key_takes_its_passphrase_from_a_variable_or_a_file() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let made = Command::new("openssl")
        .args([
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-256-cbc",
            "-passout",
            "pass:bí mật",
            "-in",
            "merchant.pem",
            "-out",
            "locked.pem",
        ])
        .current_dir(stage.path("."))
        .status();
    assert!(made.is_ok_and(|made| made.success()));
    stage.set("gateway.private_key", "\"locked.pem\"");
    stage.topup(&RUN).await.exits(2).says(&["an encrypted key, and no passphrase", "private_key_passphrase_file"]);
    let wrong = [("TOPUP_GATEWAY_PRIVATE_KEY_PASSPHRASE", "another")];
    stage.topup_with(&RUN, &wrong).await.exits(2).says(&["that its passphrase does not open"]);
    let right = [("TOPUP_GATEWAY_PRIVATE_KEY_PASSPHRASE", "bí mật")];
    stage.topup_with(&["doctor"], &right).await.exits(0);
    assert!(std::fs::write(stage.path("passphrase"), "bí mật\r\n").is_ok());
    stage.set("gateway.private_key_passphrase_file", "\"passphrase\"");
    stage.topup(&RUN).await.exits(2).says(&["the passphrase file", "may be read by others", "chmod 600"]);
    write_private(&stage.path("secret"), "bí mật\r\n");
    stage.set("gateway.private_key_passphrase_file", "\"secret\"");
    stage.topup(&RUN).await.exits(0);
    stage.audit_end();
}
