//! Each rule of the headers and the bodies, and the code with which breaking it is answered.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use topup::simulator::{Latency, Members, Simulator, SimulatorOptions};

use crate::client::{
    MEMBER_INFO, PATH, Sent, TOP_UP, connect, member_info, now_s, options, order_status, plain, simulator, top_up,
};

#[tokio::test]
async fn a_request_that_keeps_the_rules_is_answered() {
    let simulator = simulator("none").await;
    let back = top_up("TP1", "0901234567", 50).send(&simulator).await;
    assert_eq!((back.status(), back.code()), (Some(200), Some(200)), "{back:?}");
    assert!(back.header("date").unwrap().ends_with(" GMT"));
    assert_eq!(simulator.stats().top_up, 1);
    assert_eq!(simulator.stats().invalid, 0);
}

#[tokio::test]
async fn each_broken_header_has_its_code_and_status() {
    let simulator = simulator("none").await;
    let (future, old) = ((now_s() + 60).to_string(), (now_s() - 7_260).to_string());
    let edge = (now_s() - 7_190).to_string();
    let (key_code, nonce, id) = ("k".repeat(37), "n".repeat(256), "r".repeat(256));
    let fits = "n".repeat(255);
    let cases: &[(&'static str, Option<&str>, u16, i64)] = &[
        ("X-API-Code", None, 400, 4_000),
        ("X-API-Code", Some("mi_v1_loyalty_transaction_void"), 404, 4_040_201),
        ("X-Merchant-ID", None, 403, 403_100),
        ("X-Merchant-ID", Some("M002"), 403, 403_100),
        ("X-Terminal-ID", None, 403, 403_100),
        ("X-Terminal-ID", Some("T002"), 403, 403_100),
        ("X-Key-Code", None, 401, 4_010_001),
        ("X-Key-Code", Some("key-2"), 401, 4_010_001),
        ("X-Key-Code", Some(&key_code), 401, 4_010_001),
        ("X-Timestamp", None, 401, 4_010_002),
        ("X-Timestamp", Some("12:30"), 401, 4_010_002),
        ("X-Timestamp", Some("+1700000000"), 401, 4_010_002),
        ("X-Timestamp", Some("-1"), 401, 4_010_002),
        ("X-Timestamp", Some(&future), 401, 4_010_003),
        ("X-Timestamp", Some(&old), 401, 4_010_004),
        ("X-Timestamp", Some(&edge), 200, 200),
        ("X-Nonce", None, 401, 4_010_005),
        ("X-Nonce", Some(&nonce), 401, 4_010_005),
        ("X-Nonce", Some(&fits), 200, 200),
        ("X-Request-ID", Some("support-1"), 200, 200),
        ("X-Request-ID", Some(&id), 400, 4_000),
        ("Content-Type", None, 400, 4_000),
        ("Content-Type", Some("text/plain"), 400, 4_000),
        ("Content-Type", Some("application/json; charset=utf-8"), 200, 200),
        ("Accept", None, 400, 4_000),
        ("Accept", Some("text/html"), 400, 4_000),
    ];
    for (name, value, status, code) in cases {
        let back = member_info("0901234567").with(name, *value).send(&simulator).await;
        assert_eq!((back.status(), back.code()), (Some(*status), Some(*code)), "{name}: {value:?}");
    }
    let stats = simulator.stats();
    assert_eq!((stats.signature_failures, stats.invalid), (3, 6), "{:?}", stats.invalid_messages);
    assert_eq!(stats.codes[&403_100], 4);
    assert_eq!(stats.requests(), cases.len() as u64);
}

#[tokio::test]
async fn the_signature_covers_every_byte_that_is_signed() {
    let simulator = simulator("none").await;
    let good = top_up("TP1", "0901234567", 50);
    let other_body = Sent { body: good.body.replace("50", "51"), ..good.clone() };
    let spoilt = [
        Sent { signature: Some("AAAA".to_owned()), ..good.clone() },
        Sent { signature: Some("not base64".to_owned()), ..good.clone() },
        Sent { signature: Some(String::new()), ..good.clone() },
        Sent { signature: Some(good.sign()), ..other_body.clone() },
        Sent { signature: Some(good.sign()), ..good.clone().with("X-Nonce", Some("another")) },
        Sent { signature: Some(good.sign()), ..good.clone().with("X-Timestamp", Some(&(now_s() - 20).to_string())) },
    ];
    for sent in spoilt {
        let back = sent.send(&simulator).await;
        assert_eq!((back.status(), back.code()), (Some(401), Some(4_010_001)), "{sent:?}");
    }
    assert_eq!(simulator.stats().signature_failures, 6);
    assert_eq!(simulator.book().orders().count(), 0, "what is not signed is not in the book");
    assert_eq!(good.send(&simulator).await.code(), Some(200), "an unsigned request does not use up the nonce");
}

#[tokio::test]
async fn a_nonce_works_once() {
    let simulator = simulator("none").await;
    let mut connection = connect(&simulator).await;
    let sent = order_status("TP1");
    assert_eq!(sent.send_on(&mut connection).await.code(), Some(4_040_001));
    let back = sent.send_on(&mut connection).await;
    assert_eq!((back.status(), back.code()), (Some(401), Some(4_010_006)));
    assert_eq!(simulator.stats().replayed_nonces, 1);
    assert_eq!(simulator.stats().connections, 1, "the connection was kept");
}

#[tokio::test]
async fn a_header_that_comes_twice_is_refused() {
    let simulator = simulator("none").await;
    let mut sent = member_info("0901234567");
    sent.headers.push(("X-Nonce", "second".to_owned()));
    assert_eq!(sent.send(&simulator).await.code(), Some(4_000));
}

#[tokio::test]
async fn an_invalid_body_is_counted_with_its_message_and_stays_out_of_the_book() {
    let simulator = simulator("none").await;
    let body = json!({ "phone_no": "901234567", "point_amount": 50, "invoice_no": "TP1", "send_receipt": false });
    for sent in [
        Sent::new(TOP_UP, &body),
        Sent { body: "{".to_owned(), ..Sent::new(TOP_UP, &body) },
        Sent { body: " ".repeat(70_000), ..Sent::new(MEMBER_INFO, &body) },
    ] {
        let back = sent.send(&simulator).await;
        assert_eq!((back.status(), back.code()), (Some(400), Some(4_000)));
    }
    let stats = simulator.stats();
    let expected = "phone_no: expected 10 to 11 digits that start with 0, found 9 characters";
    assert_eq!(stats.invalid, 3);
    assert_eq!(stats.invalid_messages[0], expected);
    assert_eq!(stats.invalid_messages[1], "body: expected json");
    assert_eq!(simulator.book().orders().count(), 0);
}

#[tokio::test]
async fn a_skewed_clock_refuses_and_says_its_date() {
    let simulator = simulator("skew_s=-3600").await;
    let back = order_status("TP1").send(&simulator).await;
    assert_eq!(back.code(), Some(4_010_003));
    let date = jiff::fmt::rfc2822::parse(&back.header("date").unwrap()).unwrap().timestamp().as_second();
    assert!((now_s() as i64 - date - 3_600).abs() < 60, "{date}");
    simulator.set_faults("skew_s=7300".parse().unwrap());
    assert_eq!(order_status("TP1").send(&simulator).await.code(), Some(4_010_004));
    simulator.heal();
    assert_eq!(order_status("TP1").send(&simulator).await.code(), Some(4_040_001));
}

#[tokio::test]
async fn its_own_addresses_need_no_signature() {
    let simulator = simulator("none").await;
    top_up("TP1", "0901234567", 50).send(&simulator).await;
    let book = plain(&simulator, "GET", "/book", "").await.json().unwrap();
    assert_eq!((&book["credits"], &book["points"]), (&json!(1), &json!(50)));
    assert_eq!(book["orders"][0]["deliveries"][0]["fate"], "credited");
    let refused = plain(&simulator, "POST", "/faults", "lost_afer=1").await;
    assert_eq!(refused.status(), Some(400));
    assert!(refused.json().unwrap()["error"].as_str().unwrap().contains("lost_after"));
    let changed = plain(&simulator, "POST", "/faults", "http_502=1,seed=3").await;
    assert_eq!(changed.status(), Some(200));
    assert_eq!(order_status("TP1").send(&simulator).await.status(), Some(502));
    let stats = plain(&simulator, "GET", "/stats", "").await.json().unwrap();
    assert_eq!(stats["requests"]["top_up"], 1);
    assert_eq!(stats["faults"]["http_502"], json!({ "injected": 1, "applied": 0, "not_applied": 1 }));
    assert!(stats["plan"].as_str().unwrap().starts_with("seed=3,member_info.http_502=1"));
    for (method, target, expected) in [("GET", "/", 404), ("GET", PATH, 405), ("DELETE", "/book", 404)] {
        assert_eq!(plain(&simulator, method, target, "").await.status(), Some(expected), "{method} {target}");
    }
}

#[tokio::test]
async fn an_answer_takes_as_long_as_asked() {
    let latency = Latency { mean: Duration::from_millis(40), jitter: Duration::from_millis(10) };
    let simulator =
        Simulator::start(SimulatorOptions { latency, ..options(Members::everyone(), "none") }).await.unwrap();
    let started = Instant::now();
    assert_eq!(order_status("TP1").send(&simulator).await.code(), Some(4_040_001));
    assert!(started.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let simulator = simulator("none").await;
    let port = simulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let second = SimulatorOptions { port, ..options(Members::everyone(), "none") };
    let problem = Simulator::start(second).await.unwrap_err();
    assert_eq!(problem.to_string(), format!("cannot listen on 127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_stopped_simulator_closes_its_connections_and_frees_its_port() {
    let simulator = simulator("none").await;
    let port = simulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut open = connect(&simulator).await;
    assert_eq!(order_status("TP1").send_on(&mut open).await.code(), Some(4_040_001));
    simulator.stop().await;
    let mut rest = Vec::new();
    assert_eq!(open.read_to_end(&mut rest).await.unwrap(), 0);
    let again = SimulatorOptions { port, ..options(Members::everyone(), "none") };
    let again = Simulator::start(again).await.unwrap();
    assert_eq!(order_status("TP1").send(&again).await.code(), Some(4_040_001));
}
