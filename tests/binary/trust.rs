//! A ledger that somebody changed behind the program's back, or copied in part: nothing of it is sent.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, KEY_PEM, RUN, Stage, write_private};
use rusqlite::Connection;
use topup::simulator::generate_key_pem;

/// A batch that is planned and of which nothing was sent: the gateway did not take the key.
async fn planned() -> Stage {
    let stage = Stage::new("none").await;
    stage.rows(6);
    write_private(&stage.path("merchant.pem"), &generate_key_pem().unwrap());
    stage.topup(&RUN).await.exits(7);
    write_private(&stage.path("merchant.pem"), &KEY_PEM);
    assert_eq!(stage.in_state("planned"), 6);
    stage
}

/// Changes the ledger with another program, with its guards out of the way; `guards`: they stand again afterwards.
pub(crate) fn tamper(stage: &Stage, sql: &str, guards: bool) {
    let connection = Connection::open(stage.ledger()).unwrap();
    let triggers = "SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';') FROM sqlite_schema
                    WHERE type = 'trigger'";
    let (lift, again): (String, String) =
        connection.query_row(triggers, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let again = if guards { again } else { String::new() };
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {lift}; {sql}; {again}; COMMIT")).unwrap();
}

/// The bytes of the ledger, whose write-ahead log is folded back into it.
fn whole(stage: &Stage) -> Vec<u8> {
    let connection = Connection::open(stage.ledger()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    std::fs::read(stage.ledger()).unwrap()
}

fn put_back(stage: &Stage, bytes: &[u8]) {
    for side in ["topup.db-wal", "topup.db-shm"] {
        let _ = std::fs::remove_file(stage.path(side));
    }
    std::fs::write(stage.ledger(), bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_ledger_that_was_edited_is_sent() {
    let stage = planned().await;
    let (ledger, sent) = (whole(&stage), stage.simulator.stats().top_up);
    for (edit, code, said) in [
        ("UPDATE payouts SET points = 50 WHERE payout_id = 3", "row_changed", "row 4 of batch 2026-11"),
        ("UPDATE payouts SET member = '0909999999' WHERE payout_id = 3", "row_changed", "row 4 of batch 2026-11"),
        (
            "UPDATE payouts SET member = (SELECT member FROM payouts o WHERE o.payout_id = 5 - payouts.payout_id)
             WHERE payout_id IN (2, 3)",
            "row_changed",
            "row 3 of batch 2026-11",
        ),
        ("UPDATE payouts SET send_sms = 0 WHERE payout_id = 1", "row_changed", "row 2 of batch 2026-11"),
        ("UPDATE payouts SET name = 'An' WHERE payout_id = 1", "row_changed", "row 2 of batch 2026-11"),
        ("UPDATE payouts SET attempt = 2 WHERE payout_id = 1", "row_changed", "row 2 of batch 2026-11"),
        ("UPDATE payouts SET invoice_no = 'TP0' WHERE payout_id = 1", "row_changed", "row 2 of batch 2026-11"),
        ("UPDATE batches SET chain_head = zeroblob(32)", "unsound", "does not end where the batch says"),
        ("DELETE FROM events WHERE kind = 'run_ended'", "unsound", "does not end where the batch says"),
        ("UPDATE batches SET points = points + 1", "unsound", "points: the batch says "),
        ("UPDATE batches SET consent = 'x'", "unsound", "consent: the batch says "),
        ("UPDATE totals SET rows = rows + 1 WHERE state = 'planned'", "unsound", "the totals come to 7 payouts"),
        ("DELETE FROM payouts WHERE payout_id = 6", "unsound", "planned: the totals say 6 payouts, and there are 5"),
        ("UPDATE ledger SET merchant_id = 'M002'", "unsound", "the ledger is not bound to what"),
    ] {
        put_back(&stage, &ledger);
        tamper(&stage, edit, true);
        let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(8);
        let error = ended.json()["error"].clone();
        assert_eq!(error["code"], code, "{edit}: {error:#}");
        assert!(error["message"].as_str().unwrap().contains(said), "{edit}: {error:#}");
        assert!(error["hint"].as_str().unwrap().contains("topup verify"), "{edit}: {error:#}");
        assert_eq!(stage.simulator.stats().top_up, sent, "{edit}");
        stage.topup(&["verify", BATCH, "--offline"]).await.exits(8);
    }
    put_back(&stage, &ledger);
    tamper(&stage, "SELECT 1", false);
    let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(8);
    assert!(ended.json()["error"]["message"].as_str().unwrap().contains("is missing; and "), "{ended:?}");
    assert_eq!((stage.simulator.stats().top_up, stage.credits()), (sent, 0));
    put_back(&stage, &ledger);
    stage.topup(&["resume", BATCH]).await.exits(0);
    assert_eq!((stage.credits(), stage.in_state("credited"), stage.simulator.book().violations()), (6, 6, &[][..]));
}

/// Somebody who wants a payout paid once more puts its state back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_row_that_is_put_back_is_not_paid_again() {
    let stage = Stage::new("none").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(0);
    let back = "UPDATE payouts SET state = 'planned', credited_at = NULL WHERE payout_id = 2;
                UPDATE totals SET (rows, points) = (SELECT count(*), sum(points) FROM payouts p WHERE p.state = totals.state)
                WHERE state IN ('planned', 'credited')";
    tamper(&stage, back, true);
    let error = stage.topup(&["resume", BATCH, "--json"]).await.exits(8).json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("row 3 is planned at attempt 1, and its history implies credited"), "{message}");
    let ledger = whole(&stage);
    // Together with what happened to it: as if nothing had, as if something else had, as if it had to another payout.
    for history in [
        "DELETE FROM events WHERE payout_id = 2",
        "UPDATE events SET kind = 'member_answered', detail = 'eligible', state = NULL WHERE payout_id = 2",
        "UPDATE events SET payout_id = 1 WHERE payout_id = 2",
    ] {
        put_back(&stage, &ledger);
        tamper(&stage, history, true);
        let ended = stage.topup(&["resume", BATCH, "--json"]).await.exits(8);
        let error = ended.json()["error"].clone();
        assert_eq!(error["code"], "unsound", "{history}: {error:#}");
        assert!(error["message"].as_str().unwrap().contains("the history is broken between"), "{history}: {error:#}");
    }
    assert_eq!((stage.credits(), stage.simulator.stats().top_up), (3, 3));
    stage.audit_payments();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_eight_hexadecimal_digits_or_more_in_any_case() {
    let stage = Stage::new("none").await;
    stage.rows(2);
    let text = stage.topup(&RUN).await.exits(0).stdout;
    let head = text.lines().find_map(|line| line.strip_prefix("history ends with ")).unwrap().to_owned();
    let verify = async |head: &str| stage.topup(&["verify", BATCH, "--offline", "--head", head]).await;
    for good in [head.clone(), head.to_uppercase(), head[..8].to_owned()] {
        verify(&good).await.exits(0);
    }
    for (bad, exit) in
        [("", 2), (&head[..7], 2), ("0123456g", 2), ("0123 456", 2), (&*"0".repeat(65), 2), ("00000000", 8)]
    {
        verify(bad).await.exits(exit);
    }
}
