//! After the request may have left, nothing but a whole answer is an answer, and nothing is sent twice.

use super::server::{Act, Server, answer, answer_with};
use super::*;
use std::sync::Arc;
use tokio::sync::Notify;

const OK: &str = r#"{"meta":{"code":200,"message":"OK"}}"#;

/// One top-up against one act: the reply must be `Lost`, and there is one connection, hence at most one delivery.
async fn is_lost_and_sent_once(case: &str, act: Act, deliveries: usize) {
    let server = Server::start([act]).await;
    let received = submit(&gateway(&server.url), "TP1").await;
    assert_eq!(received.reply, Reply::Lost, "{case}: {}", received.message);
    assert!(!received.message.is_empty(), "{case}");
    assert_eq!(server.delivered("TP1"), deliveries, "{case}");
    assert_eq!(server.connections(), 1, "{case}");
}

#[tokio::test]
async fn a_connection_that_ends_early_loses_the_answer_and_sends_nothing_again() {
    for (case, act, deliveries) in [
        ("N5 closed before reading", Act::CloseUnread, 0),
        ("N6 reset in mid-request", Act::ResetWithin, 0),
        ("N7 applied, then closed", Act::Close, 1),
        ("N7 applied, then reset", Act::Reset, 1),
        ("N8 cut within the headers", Act::AnswerThenClose(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), 1),
        (
            "N8 cut after the headers",
            Act::AnswerThenClose(b"HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n".to_vec()),
            1,
        ),
        ("N8 cut within the body", Act::AnswerThenClose(answer("200 OK", OK)[..50 + OK.len()].to_vec()), 1),
        (
            "N8 a chunk that says more than comes, around whole json",
            Act::AnswerThenClose(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n{OK}").into()),
            1,
        ),
        ("not http", Act::AnswerThenClose(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), 1),
        ("gzip that is none", Act::Answer(answer_with("200 OK", "Content-Encoding: gzip\r\n", OK.as_bytes())), 1),
        ("N19 too large", Act::Answer(answer("200 OK", &format!("{OK}{}", " ".repeat(64 * 1024)))), 1),
    ] {
        is_lost_and_sent_once(case, act, deliveries).await;
    }
}

#[tokio::test]
async fn a_reset_before_a_byte_is_read_delivers_nothing() {
    for _ in 0..20 {
        let server = Server::start([Act::ResetUnread]).await;
        let received = submit(&gateway(&server.url), "TP1").await;
        // Unsent where the reset was so fast that the connection was never made.
        assert!(matches!(received.reply, Reply::Lost | Reply::Unsent), "{received:?}");
        assert_eq!((server.delivered("TP1"), server.connections()), (0, 1));
    }
}

#[tokio::test]
async fn an_answer_that_unpacks_to_too_much_is_lost() {
    use base64::Engine;
    // 128 KiB of blanks.
    let bomb = base64::engine::general_purpose::STANDARD.decode(BOMB).unwrap();
    assert!(bomb.len() < 1024);
    let act = Act::Answer(answer_with("200 OK", "Content-Encoding: gzip\r\n", &bomb));
    is_lost_and_sent_once("N19 gzip bomb", act, 1).await;
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_read() {
    let body = format!("{OK}{}", " ".repeat(64 * 1024 - OK.len()));
    let server = Server::start([Act::Answer(answer("200 OK", &body))]).await;
    assert_eq!(submit(&gateway(&server.url), "TP1").await.reply, answered(200, Some(200)));
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_whatever_still_comes() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n".to_vec();
    for (case, act) in [
        ("N10 no answer", Act::Hold),
        ("N18 a slow body", Act::Trickle(head)),
        ("N18 a slow head", Act::Trickle(b"HTTP/1.1 200 OK\r\nX-Slow:".to_vec())),
        ("N18 a body without end", Act::Trickle(format!("HTTP/1.1 200 OK\r\n\r\n{OK}").into())),
    ] {
        let server = Server::start([act]).await;
        let received = submit(&hasty_gateway(&server.url), "TP1").await;
        assert_eq!(received.reply, Reply::Lost, "{case}: {}", received.message);
        assert!(received.message.contains("timed out"), "{case}: {}", received.message);
        assert!(server.delivered("TP1") <= 1 && server.connections() <= 1, "{case}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_never_taken_for_another_requests() {
    let told = Arc::new(Notify::new());
    let late = answer("200 OK", r#"{"meta":{"code":200,"message":"TP1"}}"#);
    let server = Server::start([Act::AnswerWhen(Arc::clone(&told), late)]).await;
    let gateway = hasty_gateway(&server.url);
    assert_eq!(submit(&gateway, "TP1").await.reply, Reply::Lost);
    told.notify_one();
    for invoice_no in ["TP2", "TP3", "TP4"] {
        let received = submit(&gateway, invoice_no).await;
        // On a machine that stalls, these too run out of time; what they must not get is the late answer.
        assert!(received.message == invoice_no || received.reply == Reply::Lost, "{invoice_no}: {received:?}");
        assert!(server.delivered(invoice_no) <= 1);
    }
    assert!(server.delivered("TP1") <= 1);
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_never_taken_for_another_requests() {
    let twice = answer("200 OK", r#"{"meta":{"code":200,"message":"TP1"}}"#).repeat(2);
    for _ in 0..50 {
        let server = Server::start([Act::Answer(twice.clone())]).await;
        let gateway = gateway(&server.url);
        assert_eq!(submit(&gateway, "TP1").await.message, "TP1");
        let second = submit(&gateway, "TP2").await;
        assert_ne!(second.reply, Reply::Unsent);
        assert_ne!(second.message, "TP1", "the answer to another request");
        assert!(server.delivered("TP2") <= 1);
    }
}

#[tokio::test]
async fn a_request_on_a_kept_connection_that_closes_is_lost_and_not_repeated() {
    let mut reused = 0;
    for _ in 0..20 {
        let server = Server::start([Act::Echo, Act::Close]).await;
        let gateway = gateway(&server.url);
        assert_eq!(ask_member(&gateway, "0901234567").await.reply, answered(200, Some(200)));
        assert_eq!(ask_member(&gateway, "0901234568").await.reply, Reply::Lost);
        assert_eq!(server.deliveries().len(), 2);
        reused += usize::from(server.connections() == 1);
    }
    assert!(reused > 0, "no request went out on a kept connection, so nothing was tested");
}

#[tokio::test]
async fn what_decides_about_points_has_a_connection_of_its_own() {
    let server = Server::start([]).await;
    let gateway = gateway(&server.url);
    for n in 1..=3 {
        submit(&gateway, &format!("TP{n}")).await;
        call(&gateway, Request::OrderStatus(InvoiceNo::parse(&format!("TP{n}")).unwrap())).await;
    }
    assert_eq!(server.connections(), 6);
    assert!(server.deliveries().iter().all(|delivery| delivery.header("connection") == Some("close")));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_between_two_requests_delivers_none_twice() {
    let body = r#"{"meta":{"code":200,"message":"first"}}"#;
    for _ in 0..50 {
        let server = Server::start([Act::AnswerThenClose(answer("200 OK", body))]).await;
        let gateway = gateway(&server.url);
        assert_eq!(ask_member(&gateway, "0901234567").await.message, "first");
        let second = ask_member(&gateway, "0901234568").await;
        let delivered = server.deliveries().iter().filter(|delivery| delivery.body.contains("0901234568")).count();
        match second.reply {
            Reply::Answered(_) => assert_eq!(delivered, 1),
            Reply::Lost => assert!(delivered <= 1),
            Reply::Unsent => panic!("a listener that accepts proves nothing unsent: {}", second.message),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_at_once_no_number_is_delivered_twice_and_no_answer_is_mixed_up() {
    let mut dice = fastrand::Rng::with_seed(7);
    let cut = answer("200 OK", OK)[..60].to_vec();
    let acts = (0..300).map(|_| match dice.u8(0..8) {
        0 => Act::Close,
        1 => Act::Reset,
        2 => Act::CloseUnread,
        3 => Act::ResetUnread,
        4 => Act::AnswerThenClose(cut.clone()),
        _ => Act::Echo,
    });
    let server = Server::start(acts).await;
    let gateway = Arc::new(gateway(&server.url));
    let mut sends = tokio::task::JoinSet::new();
    for worker in 0..10 {
        let gateway = Arc::clone(&gateway);
        sends.spawn(async move {
            let mut outcomes = Vec::new();
            for n in 0..40 {
                let invoice_no = format!("TP{worker}X{n}");
                outcomes.push((submit(&gateway, &invoice_no).await, invoice_no));
            }
            outcomes
        });
    }
    let outcomes: Vec<_> = sends.join_all().await.into_iter().flatten().collect();
    assert_eq!(outcomes.len(), 400);
    for (received, invoice_no) in outcomes {
        match received.reply {
            Reply::Answered(_) => assert_eq!((received.message, server.delivered(&invoice_no)), (invoice_no, 1)),
            Reply::Lost => assert!(server.delivered(&invoice_no) <= 1, "{invoice_no}"),
            // A reset can be so fast that the connection was never made.
            Reply::Unsent => assert_eq!(server.delivered(&invoice_no), 0, "{invoice_no}"),
        }
    }
}

const BOMB: &str = "H4sIAAAAAAAC/+3BMQEAAADCoCrrn9LDGkABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3ACLNry7AAACAA==";
