//! A whole answer is read for what it is: strictly where it says what happened, leniently elsewhere.

use super::server::{Act, Server, answer, answer_with};
use super::*;
use crate::domain::answer::AnswerData;

async fn received(request: Request, bytes: Vec<u8>) -> Received {
    let server = Server::start([Act::Answer(bytes)]).await;
    let received = call(&gateway(&server.url), request).await;
    assert_eq!((server.deliveries().len(), server.connections()), (1, 1), "{received:?}");
    received
}

fn top_up_request() -> Request {
    Request::SubmitTopUp(SubmitPermit::for_test(top_up("TP1")))
}

fn status_request() -> Request {
    Request::OrderStatus(InvoiceNo::parse("TP1").unwrap())
}

fn member_request() -> Request {
    Request::MemberInfo { phone: PhoneNumber::parse("0901234567").unwrap(), card_no: None }
}

async fn data_of(request: Request, data: &str) -> AnswerData {
    let body = format!(r#"{{"meta":{{"code":200,"message":"OK"}},"data":{data}}}"#);
    let reply = received(request, answer("200 OK", &body)).await.reply;
    let Reply::Answered(Answer { code: Some(200), data, .. }) = reply else { panic!("{reply:?}") };
    data
}

#[tokio::test]
async fn a_code_is_read_from_a_whole_json_object_and_nothing_less() {
    for (body, code) in [
        (r#"{"meta":{"code":200,"message":"OK"}}"#, Some(200)),
        (r#" {"data":[],"meta":{"more":{},"code":4000315}} "#, Some(4_000_315)),
        (r#"{"meta":{"code":200,"message":7}}"#, Some(200)),
        (r#"{"meta":{"code":-1}}"#, Some(-1)),
        ("", None),
        ("null", None),
        ("200", None),
        ("[]", None),
        ("{}", None),
        (r#"{"code":200}"#, None),
        (r#"{"meta":null}"#, None),
        (r#"{"meta":{}}"#, None),
        (r#"{"meta":{"code":null}}"#, None),
        (r#"{"meta":{"code":"200"}}"#, None),
        (r#"{"meta":{"code":200.0}}"#, None),
        (r#"{"meta":{"code":2e2}}"#, None),
        (r#"{"meta":{"code":99999999999999999999}}"#, None),
        (r#"{"meta":{"code":true}}"#, None),
        (r#"{"meta":{"code":200}"#, None),
        (r#"{"meta":{"code":200}}}"#, None),
        (r#"{"meta":{"code":200}} {"meta":{"code":4000}}"#, None),
        (r#"{"meta":{"code":4000,"code":200}}"#, None),
        (r#"{"meta":{"code":4000},"meta":{"code":200}}"#, None),
        ("<html>{\"meta\":{\"code\":200}}</html>", None),
    ] {
        assert_eq!(received(top_up_request(), answer("200 OK", body)).await.reply, answered(200, code), "{body}");
    }
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_has_a_status_and_no_code() {
    let page = "<!DOCTYPE html><html><title>Just a moment...</title>0901234567</html>";
    for status in [
        "200 OK",
        "400 Bad Request",
        "403 Forbidden",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "520 Unknown",
        "522 Timed Out",
    ] {
        let bytes = answer_with(status, "Content-Type: text/html\r\n", page.as_bytes());
        let received = received(top_up_request(), bytes).await;
        let http = status[..3].parse().unwrap();
        assert_eq!(received.reply, answered(http, None));
        let said = format!("http {http} without a readable meta.code (text/html, {} bytes)", page.len());
        assert_eq!(received.message, said);
    }
}

#[tokio::test]
async fn errors_keep_their_code_under_every_status() {
    for (status, http, code) in [
        ("400 Bad Request", 400, 4_000),
        ("403 Forbidden", 403, 403_100),
        ("404 Not Found", 404, 4_040_001),
        ("500 Internal Server Error", 500, 5_000),
    ] {
        let bytes = answer(status, &format!(r#"{{"meta":{{"code":{code},"message":"x"}},"data":null}}"#));
        assert_eq!(received(status_request(), bytes).await.reply, answered(http, Some(code)));
    }
}

#[tokio::test]
async fn redirects_are_answers_and_are_never_followed() {
    let elsewhere = Server::start([]).await;
    let refused = unsent::closed_port().await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        // Another server, a port that refuses, and the gateway itself.
        for location in [format!("{}/x", elsewhere.url), refused.clone(), "/again".to_owned()] {
            let bytes = answer_with(status, &format!("Location: {location}\r\n"), b"");
            let received = received(top_up_request(), bytes).await;
            assert_eq!(received.reply, answered(status[..3].parse().unwrap(), None), "{status} {location}");
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_not_taken_for_unsent() {
    // reqwest has a path on which a `Location` that is no URL is an error of the request's builder, as if never sent.
    for location in ["http://999.999.999.999/", "http://a..b:99999/", "http://[::1", "//", "mailto:x@y", "\u{1}"] {
        let bytes = answer_with("307 Temporary Redirect", &format!("Location: {location}\r\n"), b"");
        let received = received(top_up_request(), bytes).await;
        assert_ne!(received.reply, Reply::Unsent, "{location:?}: {}", received.message);
        assert_ne!(received.reply, answered(200, Some(200)), "{location:?}");
    }
}

#[tokio::test]
async fn a_compressed_answer_in_chunks_is_read() {
    use base64::Engine;
    let gzip = base64::engine::general_purpose::STANDARD
        .decode("H4sIAAAAAAAC/6tWyk0tSVSyqlZKzk9JVbIyMjDQAQoVFyemA3lK/t5KtTpKKYkgJXmlOTm1ALS58IQwAAAA")
        .unwrap();
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in gzip.chunks(7) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let received = received(top_up_request(), bytes).await;
    assert_eq!((received.reply, received.message.as_str()), (answered(200, Some(200)), "OK"));
}

#[tokio::test]
async fn the_times_in_the_headers_are_read() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (headers, retry_after_s, date_unix_s) in [
        (String::new(), None, None),
        ("Retry-After: 7\r\n".to_owned(), Some(7), None),
        (date.to_owned(), None, Some(784_111_777)),
        (format!("{date}Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"), Some(60), Some(784_111_777)),
        // Without a date of the answer the wait counts from now, and this moment is long past.
        ("Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n".to_owned(), Some(0), None),
        ("Retry-After: soon\r\nDate: today\r\n".to_owned(), None, None),
    ] {
        let bytes = answer_with("429 Too Many Requests", &headers, br#"{"meta":{"code":429}}"#);
        let expected = Answer { http: 429, code: Some(429), retry_after_s, date_unix_s, ..Answer::default() };
        assert_eq!(received(top_up_request(), bytes).await.reply, Reply::Answered(expected), "{headers}");
    }
}

#[tokio::test]
async fn of_a_member_only_what_is_judged_is_kept() {
    let data = r#"{"full_name":"Lê An","phone_number":"0901234567","dob":"1990-01-01","gender":"F",
        "identify":"0123","status":"A","card_status":"I","type":"X","point_amount":5}"#;
    let kept = data_of(member_request(), data).await;
    let expected = AnswerData {
        status: Some("A".into()),
        card_status: Some("I".into()),
        full_name: Some("Lê An".into()),
        ..AnswerData::default()
    };
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn of_an_order_status_type_and_what_is_compared_are_kept() {
    let status = |status: &str, phone: Option<&str>, points| AnswerData {
        status: Some(status.into()),
        order_type: Some("TXN_EARN".into()),
        phone: phone.map(str::to_owned),
        points,
        ..AnswerData::default()
    };
    for (data, expected) in [
        (r#"{"type":"TXN_EARN","status":"S"}"#, status("S", None, None)),
        (r#"{"type":"TXN_EARN","status":"E","phone_no":"09"}"#, status("E", Some("09"), None)),
        (r#"{"type":"TXN_EARN","status":"S","phone_number":"09","point_amount":5}"#, status("S", Some("09"), Some(5))),
        (r#"{"type":"TXN_EARN","status":"S","point_amount":"5"}"#, status("S", None, Some(5))),
        (r#"{"type":"TXN_EARN","status":"S","point_amount":[5],"phone_no":9}"#, status("S", None, None)),
    ] {
        assert_eq!(data_of(status_request(), data).await, expected, "{data}");
    }
}

#[tokio::test]
async fn data_of_another_shape_is_no_data_and_takes_nothing_from_the_code() {
    for data in ["null", "{}", "[]", r#""S""#, "1", r#"{"status":1}"#, r#"{"status":"E","status":"S"}"#] {
        assert_eq!(data_of(status_request(), data).await, AnswerData::default(), "{data}");
    }
    // A top-up's answer has no data that anything rests on.
    assert_eq!(data_of(top_up_request(), r#"{"status":"S"}"#).await, AnswerData::default());
}

#[tokio::test]
async fn a_top_up_that_is_answered_with_data_says_so() {
    for (rest, has_data) in [
        ("", false),
        (r#","data":null"#, false),
        (r#","data":{}"#, false),
        (r#","data":[]"#, false),
        (r#","data":"""#, false),
        (r#","data":{"status":"S"}"#, true),
        (r#","data":{"full_name":null}"#, true),
        (r#","data":[0]"#, true),
        (r#","data":"S""#, true),
        (r#","data":0"#, true),
        (r#","data":null,"data":null"#, true),
    ] {
        let body = format!(r#"{{"meta":{{"code":200,"message":"OK"}}{rest}}}"#);
        let Received { reply, message } = received(top_up_request(), answer("200 OK", &body)).await;
        let expected = Answer { http: 200, code: Some(200), has_data, ..Answer::default() };
        assert_eq!(reply, Reply::Answered(expected), "{body}");
        assert_eq!(message.contains("with data"), has_data, "{message}");
    }
}

#[tokio::test]
async fn an_answer_about_another_phone_is_no_answer() {
    for (phone_number, card_no, is_ours) in [
        (r#""0901234567""#, None, true),
        (r#""84901234567""#, None, true),
        (r#""+84 901.234-567""#, None, true),
        (r#""901234567""#, None, true),
        (r#""090***4567""#, None, true),
        (r#""""#, None, true),
        ("null", None, true),
        (r#""0901234568""#, None, false),
        (r#""84901234568""#, None, false),
        // The member of a card may have another phone.
        (r#""0901234568""#, Some("9704"), true),
    ] {
        let data = format!(r#"{{"phone_number":{phone_number},"status":"A","card_status":"A"}}"#);
        let body = format!(r#"{{"meta":{{"code":200,"message":"OK"}},"data":{data}}}"#);
        let phone = PhoneNumber::parse("0901234567").unwrap();
        let request = Request::MemberInfo { phone, card_no: card_no.map(str::to_owned) };
        let reply = received(request, answer("200 OK", &body)).await.reply;
        assert_eq!(reply != Reply::Lost, is_ours, "{phone_number}");
    }
}

#[tokio::test]
async fn an_order_status_that_nobody_documented_is_kept_for_people() {
    for (data, said) in [
        (r#"{"type":"TXN_EARN","status":"P"}"#, "order status P, type TXN_EARN: OK"),
        (r#"{"type":"TXN_BURN","status":"S"}"#, "order status S, type TXN_BURN: OK"),
        (r#"{"status":"0901234567"}"#, "order status 090***4567, type none: OK"),
        (r#"{"type":"TXN_EARN","status":"S"}"#, "OK"),
        (r#"{"type":"TXN_EARN","status":"E"}"#, "OK"),
        ("{}", "OK"),
    ] {
        let body = format!(r#"{{"meta":{{"code":200,"message":"OK"}},"data":{data}}}"#);
        assert_eq!(received(status_request(), answer("200 OK", &body)).await.message, said, "{data}");
    }
}

#[tokio::test]
async fn messages_are_masked_cut_and_on_one_line() {
    let body = format!(r#"{{"meta":{{"code":4000315,"message":"0901234567\n{}"}}}}"#, "x".repeat(500));
    let message = received(top_up_request(), answer("200 OK", &body)).await.message;
    assert!(message.starts_with("090***4567 x") && message.ends_with('…'), "{message}");
    assert_eq!(message.chars().count(), 200);
    let silent = received(top_up_request(), answer("200 OK", r#"{"meta":{"code":600400}}"#)).await.message;
    assert_eq!(silent, "http 200, code 600400, no message");
}
