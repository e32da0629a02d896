//! A raw TCP server that drops, resets and redirects, and counts what arrives: each recorded send arrives once at most.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use super::harness::{BATCH, RUN, Stage};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a top-up, one after the other.
const TRICKS: [Trick; 10] = [
    Trick::Drop,
    Trick::Reset,
    Trick::Redirect(307),
    Trick::Redirect(308),
    Trick::Redirect(301),
    Trick::Redirect(302),
    Trick::HalfAnAnswer,
    Trick::Page502,
    Trick::Silence,
    Trick::CreditThenClose,
];

#[derive(Clone, Copy, Debug)]
enum Trick {
    Drop,
    Reset,
    Redirect(u16),
    HalfAnAnswer,
    Page502,
    Silence,
    CreditThenClose,
}

/// What came in.
#[derive(Debug, Default)]
struct Seen {
    /// Top-ups by invoice_no.
    deliveries: BTreeMap<String, u64>,
    credited: BTreeSet<String>,
    nonces: BTreeSet<String>,
    repeated_nonces: u64,
    other_paths: u64,
    tricks: usize,
    /// Plays tricks still.
    tricky: bool,
}

type Shared = Arc<Mutex<Seen>>;

async fn accept(listener: TcpListener, seen: Shared) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, Arc::clone(&seen)));
    }
}

/// One connection: requests until a trick ends it.
async fn serve(mut stream: TcpStream, seen: Shared) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_request(&mut stream, &mut buffer).await {
        let trick = take(&head, &body, &mut seen.lock().unwrap());
        let goes_on = match trick {
            Ok(answer) => stream.write_all(&http(200, &answer, "")).await.is_ok(),
            Err(trick) => play(&mut stream, trick).await,
        };
        if !goes_on {
            return;
        }
    }
}

/// The answer to a request, or the trick to play on it.
fn take(head: &str, body: &Value, seen: &mut Seen) -> Result<String, Trick> {
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next().unwrap()
    };
    seen.other_paths += u64::from(!head.starts_with("POST /merchant-integration/v1/gateway HTTP/1.1"));
    seen.repeated_nonces += u64::from(!seen.nonces.insert(header("x-nonce")));
    let invoice_no = body["invoice_no"].as_str().unwrap_or_default().to_owned();
    match header("x-api-code").as_str() {
        "mi_v1_loyalty_member_info" => Ok(ok(r#","data":{"status":"A","card_status":"A"}"#)),
        "mi_v1_loyalty_transaction_detail" if seen.credited.contains(&invoice_no) => {
            Ok(ok(r#","data":{"type":"TXN_EARN","status":"S"}"#))
        }
        "mi_v1_loyalty_transaction_detail" => Ok(meta(4_040_001, "")),
        "mi_v1_loyalty_transaction_topup" => {
            *seen.deliveries.entry(invoice_no.clone()).or_default() += 1;
            if seen.credited.contains(&invoice_no) {
                return Ok(meta(4_000_307, ""));
            }
            if !seen.tricky {
                seen.credited.insert(invoice_no);
                return Ok(ok(""));
            }
            let trick = TRICKS[seen.tricks % TRICKS.len()];
            seen.tricks += 1;
            if matches!(trick, Trick::CreditThenClose) {
                seen.credited.insert(invoice_no);
            }
            Err(trick)
        }
        other => panic!("no such call: {other}"),
    }
}

/// Plays a trick; whether the connection goes on.
async fn play(stream: &mut TcpStream, trick: Trick) -> bool {
    match trick {
        Trick::Drop => false,
        Trick::Reset => {
            stream.set_zero_linger().unwrap();
            false
        }
        Trick::Redirect(status) => {
            let location = "location: /merchant-integration/v1/elsewhere\r\n";
            stream.write_all(&http(status, "", location)).await.is_ok()
        }
        Trick::HalfAnAnswer => {
            let answer = http(200, &ok(""), "");
            let _ = stream.write_all(&answer[..answer.len() - 5]).await;
            false
        }
        Trick::Page502 => stream.write_all(&http(502, "<html>bad gateway</html>", "")).await.is_ok(),
        Trick::Silence => {
            // Until the client gives up and closes.
            let _ = stream.read(&mut [0; 1]).await;
            false
        }
        Trick::CreditThenClose => {
            let _ = stream.write_all(&http(200, &ok(""), "")).await;
            false
        }
    }
}

fn ok(data: &str) -> String {
    meta(200, data)
}

fn meta(code: i64, data: &str) -> String {
    format!(r#"{{"meta":{{"code":{code},"message":"said by a raw server"}}{data}}}"#)
}

fn http(status: u16, body: &str, more: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n{body}")
        .into()
}

/// Reads one request: its head and its body.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Value)> {
    loop {
        if let Some(head_end) = buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let end = head_end + length.parse::<usize>().unwrap();
            if buffer.len() >= end {
                let body = serde_json::from_slice(&buffer[head_end..end]).unwrap();
                buffer.drain(..end);
                return Some((head, body));
            }
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recorded_send_puts_its_bytes_on_the_wire_once_at_most() {
    let stage = Stage::new("none").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stage.point_at(&format!("http://{}", listener.local_addr().unwrap()));
    let seen = Shared::new(Mutex::new(Seen { tricky: true, ..Seen::default() }));
    let accepting = tokio::spawn(accept(listener, Arc::clone(&seen)));
    stage.impatient();
    stage.set("safety.canary_rows", "0");
    stage.set("safety.breaker_in_doubt", "0");
    stage.set("resolve.queries_max", "4");
    stage.rows(60);
    let first = stage.topup(&RUN).await;
    assert!([0, 5].contains(&first.code()), "{first:?}");
    seen.lock().unwrap().tricky = false;
    stage.finish(&["resume", BATCH]).await.exits(0);
    accepting.abort();

    let seen = seen.lock().unwrap();
    assert!(seen.tricks >= 60, "each trick was played, and most of them often: {}", seen.tricks);
    assert_eq!((seen.repeated_nonces, seen.other_paths), (0, 0), "nothing was resent or redirected");
    let mut resent = 0;
    for payout in stage.payouts() {
        let deliveries = seen.deliveries.get(&payout.invoice_no).copied().unwrap_or(0);
        assert!(deliveries <= payout.intents, "{deliveries} deliveries of {payout:?}");
        assert!(deliveries >= 1 && seen.credited.contains(&payout.invoice_no), "{payout:?}");
        assert_eq!(payout.state, "credited");
        resent += u64::from(deliveries > 1);
    }
    assert!(resent > 10, "most of the tricks need a second send: {resent}");
    assert_eq!(seen.deliveries.len(), 60);
}
