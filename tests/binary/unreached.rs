//! What cannot be reached: a gateway whose connection is never made, and a ledger that another program holds.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, RUN, Stage, run_and};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// A gateway under https that does not make the connection: it answers `reply` and closes, or says nothing at all.
async fn handshakes_end_with(reply: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = [0; 4096];
                let first = stream.read(&mut read).await;
                let says = reply.filter(|_| first.is_ok());
                match says {
                    Some(reply) => drop(tokio::io::AsyncWriteExt::write_all(&mut stream, reply).await),
                    None => drop(stream.read(&mut read).await),
                }
            });
        }
    });
    url
}

/// N3 and N4: a connection that was never made leaves a payout planned, never in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_never_made_puts_nothing_in_doubt() {
    let stage = Stage::new("none").await;
    stage.patience("0.5");
    stage.set("gateway.connect_timeout_s", "0.2");
    // Rows by user id have no pre-check: their first call is the top-up.
    std::fs::write(stage.path("rewards.csv"), "id_type,id,points\nUSER_ID,u1,500\nUSER_ID,u2,600\n").unwrap();
    let certificate = stage.path("root.pem");
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody", "-keyout"])
        .args([&stage.path("root.key"), std::path::Path::new("-out"), &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let roots = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    // Two gateways for two ledgers: a batch is bound to its gateway.
    for (ledger, reply) in [("no-tls.db", Some(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..])), ("silent.db", None)] {
        stage.set("ledger.path", &format!("\"{ledger}\""));
        stage.point_at(&handshakes_end_with(reply).await);
        let ended = stage.topup_with(&run_and(&["--json"]), &roots).await.exits(5);
        assert_eq!((ended.rows("planned"), ended.rows("in_doubt")), (2, 0), "{ended:?}");
        assert!(ended.json()["requests"]["top_up"].as_u64() > Some(2), "it was tried again: {ended:?}");
        let unsent: u64 = super::audit::open(&stage.path(ledger))
            .query_row("SELECT count(*) FROM events WHERE kind = 'send_ended' AND detail = 'unsent'", [], |row| {
                row.get(0)
            })
            .unwrap();
        let intended: u64 = super::audit::payouts(&stage.path(ledger)).iter().map(|payout| payout.intents).sum();
        assert_eq!(unsent, intended, "every send is known to have done nothing");
    }
}

/// D7: another program that does not let go of the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_another_program_keeps_busy_stops_the_run_before_anything_is_sent() {
    let stage = Stage::new("member_info.refuse_4010001=1").await;
    stage.rows(3);
    stage.topup(&RUN).await.exits(7);
    stage.heal();
    let requests = stage.requests();
    let other = rusqlite::Connection::open(stage.ledger()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    stage.topup(&["resume", BATCH]).await.exits(1).says(&["error: ", "\nhint: "]);
    assert_eq!(stage.requests(), requests, "nothing leaves without its intent");
    drop(other);
    stage.finish(&RUN).await.exits(0);
    stage.audit_end();
    stage.audit_intents();
}

/// V10: the run after a kill waits so long that no second across the two holds more than the rate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_after_a_kill_begins_with_a_pause() {
    let stage = Stage::new("none").await;
    stage.set("gateway.rate_per_s", "4");
    stage.rows(8);
    let mut live = stage.start(&RUN);
    super::harness::until("it may be killed", || live.has_ended() || stage.requests() >= 4).await;
    assert!(live.kill().await.was_killed());
    let before = stage.simulator.stats().arrivals().count();
    stage.finish(&RUN).await.exits(0);
    let mut arrivals: Vec<_> = stage.simulator.stats().arrivals().collect();
    arrivals.sort_unstable();
    let pause = arrivals[before] - arrivals[before - 1];
    // 100 ms and the 250 ms between two requests at this rate; the last one may have taken some time to arrive.
    assert!(pause >= std::time::Duration::from_millis(300), "{pause:?} between the kill's last request and the next");
    stage.audit_end();
}
