//! A backup of the ledger: made beside a live run, whole, private, and good to go on with.

use super::harness::{BATCH, RUN, Stage, run_and, until};
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_a_live_run_is_restored_and_the_same_command_finishes_the_job() {
    let stage = Stage::new("none").await;
    stage.patience("1");
    stage.set("gateway.rate_per_s", "200");
    stage.rows(120);
    let live = stage.start(&RUN);
    until("thirty payouts are credited", || stage.credits() >= 30).await;
    let made = stage.topup(&["ledger", "backup", "kept.db", "--json"]).await.exits(0).json();
    assert_eq!((&made["batches"], made["bytes"].as_u64() > Some(4096)), (&serde_json::json!(1), true), "{made:#}");
    let kept = stage.path("kept.db");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    live.end().await.exits(0);
    assert_eq!(stage.credits(), 120);

    // The disk is lost, the drill begins.
    for end in ["", "-wal", "-shm", ".lock", ".pace"] {
        let _ = std::fs::remove_file(stage.path(&format!("topup.db{end}")));
    }
    std::fs::copy(&kept, stage.ledger()).unwrap();
    stage.topup(&["verify", BATCH, "--offline"]).await.exits(0);
    stage.topup(&run_and(&["--json"])).await.exits(0);
    assert_eq!(stage.credits(), 120, "nothing was credited again");
    stage.audit_end();
    stage.audit_rerun(&RUN, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_takes_no_file_that_is_there_and_leaves_nothing_beside_it() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.topup(&RUN).await.exits(0);
    let said = "is there already";
    std::fs::write(stage.path("there.db"), "mine").unwrap();
    stage.topup(&["ledger", "backup", "there.db"]).await.exits(2).says(&[said]);
    assert_eq!(std::fs::read_to_string(stage.path("there.db")).unwrap(), "mine");
    for end in ["", "-wal", ".lock"] {
        stage.topup(&["ledger", "backup", &format!("topup.db{end}")]).await.exits(2);
    }
    stage.topup(&["ledger", "backup", "nowhere/kept.db"]).await.exits(1).says(&["writing the backup"]);
    stage.topup(&["ledger", "backup", "kept.db"]).await.exits(0);
    let names = std::fs::read_dir(stage.ledger().parent().unwrap()).unwrap();
    let left: Vec<_> = names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with(".backup") && !name.starts_with("kept.db-")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_how_old_the_newest_backup_is() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    stage.topup(&RUN).await.exits(0);
    let said = async || stage.topup(&["doctor"]).await.stdout;
    assert!(said().await.contains("no backup was made yet"), "{}", said().await);
    stage.topup(&["ledger", "backup", "kept.db"]).await.exits(0);
    let text = said().await;
    assert!(text.contains("the newest is") && text.contains("kept.db"), "{text}");
    std::fs::remove_file(stage.path("kept.db")).unwrap();
    assert!(said().await.contains("is not there any more"), "{}", said().await);
}
