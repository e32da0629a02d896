//! Answers that come twice, at every moment that a connection has: none is ever taken for another request's.

use super::server::{answer, read_request};
use super::*;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

/// When an answer comes for the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Again {
    /// Right behind the first, in the same segment.
    AtOnce,
    /// So many milliseconds later: into the silence, or just around the next request.
    After(u64),
    /// When the next request on the connection has arrived, before its own answer.
    WithTheNext,
}

/// What the server did.
#[derive(Default)]
struct Book {
    again: HashSet<Again>,
    requests: usize,
}

/// Credits even numbers, refuses odd ones, and says all of it twice.
async fn serve(stream: TcpStream, book: Arc<Mutex<Book>>) {
    let (mut reader, writer) = stream.into_split();
    let writer = Arc::new(tokio::sync::Mutex::new(writer));
    let mut held: Option<Vec<u8>> = None;
    while let Some((head, body)) = read_request(&mut reader).await {
        let once = answer_to(&head, &body);
        let mut bytes = held.take().unwrap_or_default();
        bytes.extend_from_slice(&once);
        let again = {
            let mut book = book.lock().unwrap();
            book.requests += 1;
            let again = match fastrand::u8(..4) {
                0 => Again::AtOnce,
                1 => Again::After(fastrand::u64(..6)),
                _ => Again::WithTheNext,
            };
            book.again.insert(again);
            again
        };
        match again {
            Again::AtOnce => bytes.extend_from_slice(&once),
            Again::After(ms) => drop(tokio::spawn(write_after(Arc::clone(&writer), ms, once))),
            Again::WithTheNext => held = Some(once),
        }
        if writer.lock().await.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn write_after(writer: Arc<tokio::sync::Mutex<OwnedWriteHalf>>, ms: u64, bytes: Vec<u8>) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    // An error is a connection that the client closed, as it should.
    let _ = writer.lock().await.write_all(&bytes).await;
}

/// The one right answer: whom or what it is about stands in its message.
fn answer_to(head: &str, body: &str) -> Vec<u8> {
    let said: serde_json::Value = serde_json::from_str(body).unwrap();
    let about = |field: &str| {
        let found = said[field].as_str().map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {field} in {body}, which came with {head}"))
    };
    let body = if head.contains("member_info") {
        let phone = about("phone_no");
        let data = format!(r#"{{"phone_number":"84{}","status":"A","card_status":"A"}}"#, &phone[1..]);
        format!(r#"{{"meta":{{"code":200,"message":"{phone}"}},"data":{data}}}"#)
    } else if head.contains("transaction_topup") {
        let number = about("invoice_no");
        format!(r#"{{"meta":{{"code":{},"message":"{number}"}}}}"#, top_up_code(&number))
    } else if top_up_code(&about("invoice_no")) == 200 {
        let number = about("invoice_no");
        format!(r#"{{"meta":{{"code":200,"message":"{number}"}},"data":{{"type":"TXN_EARN","status":"S"}}}}"#)
    } else {
        format!(r#"{{"meta":{{"code":4040001,"message":"{}"}}}}"#, about("invoice_no"))
    };
    answer("200 OK", &body)
}

fn top_up_code(number: &str) -> i64 {
    let is_even = number.ends_with(['0', '2', '4', '6', '8']);
    if is_even { 200 } else { 4_000_315 }
}

async fn one_call(gateway: &HttpGateway, n: usize) -> (Received, String) {
    let phone = format!("090{n:07}");
    match fastrand::u8(..3) {
        0 => {
            let about = PhoneNumber::parse(&phone).unwrap();
            (call(gateway, Request::MemberInfo { phone: about, card_no: None }).await, message::fit(&phone))
        }
        1 => (submit(gateway, &format!("TP{n}")).await, format!("TP{n}")),
        _ => {
            let number = InvoiceNo::parse(&format!("TP{n}")).unwrap();
            (call(gateway, Request::OrderStatus(number)).await, format!("TP{n}"))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thousands_that_come_twice_none_is_taken_for_another_requests() {
    const WORKERS: usize = 8;
    const CALLS: usize = 3000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Arc::new(gateway(&format!("http://{}", listener.local_addr().unwrap())));
    let book = Arc::new(Mutex::new(Book::default()));
    let seen = Arc::clone(&book);
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&seen)));
        }
    });
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let gateway = Arc::clone(&gateway);
        workers.spawn(async move {
            let mut received = Vec::new();
            for n in (worker..CALLS).step_by(WORKERS) {
                received.push(one_call(&gateway, n).await);
            }
            received
        });
    }
    let mut answered = 0;
    for (received, about) in workers.join_all().await.into_iter().flatten() {
        // What comes twice may cost an answer, on a connection that is then closed; it never becomes another's.
        if let Reply::Answered(found) = &received.reply {
            answered += 1;
            assert_eq!(received.message, about, "the answer to another request: {found:?}");
        }
    }
    accepting.abort();
    let book = book.lock().unwrap();
    assert!(answered > CALLS * 2 / 3, "most calls were answered: {answered}");
    // A request on a connection that is being closed may not arrive, as an answer may not.
    assert!(book.requests >= answered && book.again.len() >= 6, "{} requests, {:?}", book.requests, book.again);
}
