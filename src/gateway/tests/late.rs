//! Late requests: how old a top-up is stamped, by whose clock, and when it may not leave any more.

use super::server::{Act, Server, answer_with};
use super::*;
use crate::gateway::Fence;
use crate::moment::Moment;
use std::time::{SystemTime, UNIX_EPOCH};

const FENCE: Fence = Fence { window: Duration::from_secs(7200), within: Duration::from_secs(45) };

fn fenced_gateway(url: &str) -> HttpGateway {
    let settings = GatewaySettings { timeout: Duration::from_secs(20), fence: Some(FENCE), ..settings(url) };
    HttpGateway::new(settings, PrivateKey::from_pem(key_pem(), "this text", None).unwrap()).unwrap()
}

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A top-up whose intent was made durable so long ago.
fn intended(ago: Duration) -> Request {
    let since = Moment::after_start(Moment::now().since_start() - ago);
    Request::SubmitTopUp(SubmitPermit::for_test_since(top_up("TP1"), since))
}

fn status() -> Request {
    Request::OrderStatus(InvoiceNo::parse("TP2").unwrap())
}

/// How much older than the present the last request was stamped, in seconds.
fn age_s(server: &Server) -> i64 {
    let stamp = server.deliveries().last().unwrap().header("X-Timestamp").unwrap().parse::<i64>().unwrap();
    now_s() - stamp
}

#[tokio::test]
async fn a_top_up_is_stamped_by_its_intent_however_late_it_is_signed() {
    let server = Server::start([]).await;
    let gateway = fenced_gateway(&server.url);
    for ago in [0, 20] {
        call(&gateway, intended(Duration::from_secs(ago))).await;
        let expected = 7155 + i64::try_from(ago).unwrap();
        assert!((expected..expected + 10).contains(&age_s(&server)), "{ago}: {}", age_s(&server));
    }
    call(&gateway, status()).await;
    assert!((10..20).contains(&age_s(&server)), "{}", age_s(&server));
    assert_eq!(server.deliveries().len(), 3);
}

#[tokio::test]
async fn a_dead_permit_lets_no_byte_out() {
    let server = Server::start([]).await;
    let gateway = fenced_gateway(&server.url);
    // 45 s, less the 20 s that a call may take, less 2 s: 23 s.
    let received = call(&gateway, intended(Duration::from_secs(24))).await;
    assert_eq!(received.reply, Reply::Unsent);
    assert!(received.message.contains("after its intent, it may leave within 23.0 s"), "{}", received.message);
    assert_eq!(server.connections(), 0, "no connection was made for it");
    assert_eq!(call(&gateway, intended(Duration::from_secs(15))).await.reply, answered(200, Some(200)));
}

#[tokio::test]
async fn the_look_is_the_last_thing_before_the_bytes_go() {
    let server = Server::start([]).await;
    let settings = GatewaySettings {
        timeout: Duration::from_secs(20),
        fence: Some(Fence { within: Duration::from_millis(400), ..FENCE }),
        ..settings(&server.url)
    };
    let gateway = HttpGateway::new(settings, PrivateKey::from_pem(key_pem(), "this text", None).unwrap()).unwrap();
    let since = Moment::now();
    let permit = SubmitPermit::for_test_since(top_up("TP1"), since);
    // Signed in time, and then held up: by the pacer, by the machine.
    let prepared = gateway.prepare(Request::SubmitTopUp(permit), "req-1").await.unwrap();
    while Moment::now().since(since) <= Duration::from_millis(200) {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.send(prepared).await.reply, Reply::Unsent);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_gateways_clock_counts_once_it_was_heard_and_that_of_a_page_does_not() {
    let dated = |off_s: i64, body: &str| {
        let date = jiff::Timestamp::from_second(now_s() + off_s).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
        Act::Answer(answer_with("200 OK", &format!("Date: {date}\r\n"), body.as_bytes()))
    };
    let absent = r#"{"meta":{"code":4040001}}"#;
    for (off_s, body, heard) in [(40, absent, 40), (-40, absent, -40), (3600, absent, 3600), (40, "<html>", 0)] {
        let server = Server::start([dated(off_s, body)]).await;
        let gateway = fenced_gateway(&server.url);
        call(&gateway, status()).await;
        for (request, age) in [(status(), 10), (intended(Duration::ZERO), 7155)] {
            call(&gateway, request).await;
            let found = age_s(&server) + heard - age;
            assert!((-1..10).contains(&found), "{off_s} {body}: {found}");
        }
    }
}

#[tokio::test]
async fn without_a_bound_a_top_up_is_stamped_as_every_call_and_its_permit_does_not_die() {
    let server = Server::start([]).await;
    call(&gateway(&server.url), intended(Duration::from_secs(60))).await;
    assert!((10..20).contains(&age_s(&server)), "{}", age_s(&server));
}
