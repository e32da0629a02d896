//! Says what came of a request: an answer, read to its end, or why there is none and whether the request can have arrived.

use super::request_body::Call;
use super::{Received, answer_body, cause, http_date, message};
use crate::domain::answer::{Answer, AnswerData, Reply};
use crate::domain::phone::PhoneNumber;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use std::time::{SystemTime, UNIX_EPOCH};

/// The largest answer that is read, in bytes after decompression; the documented ones have about 300.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What it means that no answer began.
pub(super) fn not_answered(error: &reqwest::Error) -> Received {
    if is_unsent(error) {
        return Received { reply: Reply::Unsent, message: message::fit(&format!("not sent: {}", cause::words(error))) };
    }
    lost("no answer", error)
}

/// Whether an error proves that no byte of the request left.
///
/// `is_connect` looks for hyper-util's kind `Connect`, which is given only while a connection is being made: the
/// connector's own future failed, that is the name, the socket, the TLS handshake or their common deadline
/// (`connect_timeout`, so that such an error says `is_timeout` as well). The request is handed to the connection
/// after that future is done; every later error has another kind (`SendRequest`, `Canceled`). A TLS handshake that
/// fails has put bytes on the wire, but none of the request, as there is no early data.
///
/// `is_builder` would be no proof. reqwest's redirect layer, which runs with `Policy::none` as well, gives that kind to
/// an *answer* whose `Location` is not a URL (`redirect.rs`, `TowerRedirectPolicy::redirect`); today tower-http passes
/// such answers by before, and nothing promises that it always will. What the kind could stand for before a send, a
/// bad URL or scheme, is ruled out by the URL that the configuration gives instead.
///
/// A total timeout that runs out while connecting is not provable either: the error does not say how far it came.
fn is_unsent(error: &reqwest::Error) -> bool {
    error.is_connect()
}

fn lost(what: &str, error: &reqwest::Error) -> Received {
    Received { reply: Reply::Lost, message: message::fit(&format!("{what}: {}", cause::words(error))) }
}

/// Reads the answer to its end.
pub(super) async fn receive(call: Call, about: Option<PhoneNumber>, mut response: Response) -> Received {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_BYTES_MAX => {
                let message = format!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
                return Received { reply: Reply::Lost, message };
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // Whatever the error is, the request had arrived.
            Err(error) => return lost("the answer is cut", &error),
        }
    }
    let http = response.status().as_u16();
    let date_unix_s = header(response.headers(), &DATE).and_then(http_date::unix_s);
    let said = answer_body::read(call, &body);
    if let (Some(about), Some(found)) = (about, &said.member_phone)
        && is_another_phone(found, about)
    {
        let message = "the answer tells of another phone than was asked about: it belongs to another request";
        return Received { reply: Reply::Lost, message: message.to_owned() };
    }
    let message = match (said.code, &said.message) {
        (Some(_), Some(text)) if call == Call::SubmitTopUp && said.has_data => {
            message::fit(&format!("answered with data, which no top-up has: {text}"))
        }
        (Some(_), text) if let Some(odd) = odd_order(call, &said.data) => {
            message::fit(&format!("{odd}: {}", text.as_deref().unwrap_or("no message")))
        }
        (Some(_), Some(text)) => message::fit(text),
        (Some(code), None) => format!("http {http}, code {code}, no message"),
        (None, _) => message::fit(&unreadable(http, response.headers(), body.len())),
    };
    let answer = Answer {
        http,
        code: said.code,
        data: said.data,
        has_data: said.has_data,
        retry_after_s: header(response.headers(), &RETRY_AFTER)
            .and_then(|text| http_date::retry_after_s(text, date_unix_s.unwrap_or_else(now_unix_s))),
        date_unix_s,
    };
    Received { reply: Reply::Answered(answer), message }
}

/// The status and type of an order, where they are not those that the documentation lists: for people, who may have to
/// ask the provider what they mean.
fn odd_order(call: Call, data: &AnswerData) -> Option<String> {
    let AnswerData { status, order_type, .. } = data;
    let is_known =
        matches!(status.as_deref(), None | Some("S" | "E")) && matches!(order_type.as_deref(), None | Some("TXN_EARN"));
    let shown = |text: &Option<String>| text.as_deref().unwrap_or("none").chars().take(20).collect::<String>();
    (call == Call::OrderStatus && !is_known)
        .then(|| format!("order status {}, type {}", shown(status), shown(order_type)))
}

/// Whether a phone, spelt as the gateway likes (`84…`, `+84…`, with blanks), is another one than `asked`. One that is
/// masked or cut cannot be compared.
fn is_another_phone(found: &str, asked: PhoneNumber) -> bool {
    let is_whole = found.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '.' | '-'));
    let digits: String = found.chars().filter(char::is_ascii_digit).collect();
    // Without the zero in front, which stands for 84.
    let national = &asked.as_str()[1..];
    is_whole && digits.len() >= national.len() && !digits.ends_with(national)
}

/// Describes an answer that says nothing; the page itself is never quoted.
fn unreadable(http: u16, headers: &HeaderMap, bytes: usize) -> String {
    let kind = header(headers, &CONTENT_TYPE).unwrap_or("no content type");
    format!("http {http} without a readable meta.code ({kind}, {bytes} bytes)")
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn now_unix_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
