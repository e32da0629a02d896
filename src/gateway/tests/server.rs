//! A raw TCP server that counts each delivery by its number and does to it what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the server does with the next request, or with the next connection where it reads none.
#[derive(Clone)]
pub(super) enum Act {
    /// Answers with 200 and the request's own number as the message.
    Echo,
    /// Writes these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Writes these bytes, then closes without having said that it would.
    AnswerThenClose(Vec<u8>),
    /// Writes these bytes once it is told to.
    AnswerWhen(Arc<Notify>, Vec<u8>),
    /// Writes these bytes, then a blank every 10 ms for ever.
    Trickle(Vec<u8>),
    /// Closes once the request is read.
    Close,
    /// Resets the connection once the request is read.
    Reset,
    /// Resets the connection in the middle of the request.
    ResetWithin,
    /// Closes the connection without reading.
    CloseUnread,
    /// Resets the connection without reading.
    ResetUnread,
    /// Reads the request and never answers.
    Hold,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) head: String,
    pub(super) body: String,
}

impl Delivery {
    /// A header's value, by its name in any case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(super) fn invoice_no(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        json["invoice_no"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Book {
    acts: VecDeque<Act>,
    connections: usize,
    deliveries: Vec<Delivery>,
}

/// The server; it ends with the test's runtime, or when it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Does the acts in their order, one for each request; when they are used up, [`Act::Echo`].
    pub(super) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book { acts: acts.into_iter().collect(), ..Book::default() }));
        let task = tokio::spawn(accept(listener, Arc::clone(&book)));
        Self { url, book, task }
    }

    /// From here on connections are refused; those that there are go on.
    pub(super) async fn stop_listening(&self) {
        self.task.abort();
        while !self.task.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.book.lock().unwrap().connections
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.book.lock().unwrap().deliveries.clone()
    }

    /// How often a number was delivered whole.
    pub(super) fn delivered(&self, invoice_no: &str) -> usize {
        self.deliveries().iter().filter(|delivery| delivery.invoice_no() == invoice_no).count()
    }
}

async fn accept(listener: TcpListener, book: Arc<Mutex<Book>>) {
    while let Ok((stream, _)) = listener.accept().await {
        book.lock().unwrap().connections += 1;
        tokio::spawn(serve(stream, Arc::clone(&book)));
    }
}

fn next_if(book: &Mutex<Book>, wanted: impl Fn(&Act) -> bool) -> Option<Act> {
    let acts = &mut book.lock().unwrap().acts;
    if acts.front().is_some_and(wanted) { acts.pop_front() } else { None }
}

async fn serve(mut stream: TcpStream, book: Arc<Mutex<Book>>) {
    match next_if(&book, |act| matches!(act, Act::CloseUnread | Act::ResetUnread | Act::ResetWithin)) {
        Some(Act::CloseUnread) => return,
        Some(Act::ResetUnread) => return stream.set_zero_linger().unwrap(),
        Some(_) => {
            stream.read_exact(&mut [0; 20]).await.unwrap();
            return stream.set_zero_linger().unwrap();
        }
        None => {}
    }
    while let Some((head, body)) = read_request(&mut stream).await {
        let delivery = Delivery { head, body };
        let echo = answer("200 OK", &format!(r#"{{"meta":{{"code":200,"message":"{}"}}}}"#, delivery.invoice_no()));
        book.lock().unwrap().deliveries.push(delivery);
        let act = next_if(&book, |_| true).unwrap_or(Act::Echo);
        let written = match act {
            Act::Echo => stream.write_all(&echo).await,
            Act::Answer(bytes) => stream.write_all(&bytes).await,
            Act::AnswerThenClose(bytes) => return stream.write_all(&bytes).await.unwrap_or_default(),
            Act::AnswerWhen(told, bytes) => {
                told.notified().await;
                stream.write_all(&bytes).await
            }
            Act::Trickle(bytes) => return trickle(stream, &bytes).await,
            Act::Reset => return stream.set_zero_linger().unwrap(),
            Act::Hold => return std::future::pending().await,
            Act::Close | Act::CloseUnread | Act::ResetUnread | Act::ResetWithin => return,
        };
        if written.is_err() {
            return;
        }
    }
}

async fn trickle(mut stream: TcpStream, start: &[u8]) {
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let mut written = stream.write_all(start).await;
    while written.is_ok() {
        pace.tick().await;
        written = stream.write_all(b" ").await;
    }
}

pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let whole = end + 4 + length.parse::<usize>().unwrap();
            if bytes.len() >= whole {
                return Some((head, String::from_utf8(bytes[end + 4..whole].to_vec()).unwrap()));
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// A whole answer with its length.
pub(super) fn answer(status: &str, body: &str) -> Vec<u8> {
    answer_with(status, "Content-Type: application/json\r\n", body.as_bytes())
}

/// A whole answer with its length and more headers.
pub(super) fn answer_with(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
