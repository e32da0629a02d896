//! What goes out on the wire: headers, bodies, and a signature that `openssl` accepts.

use super::server::{Delivery, Server};
use super::*;
use crate::domain::receipt::Receipt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::{SystemTime, UNIX_EPOCH};

async fn delivered(request: Request) -> Delivery {
    let server = Server::start([]).await;
    call(&gateway(&server.url), request).await;
    server.deliveries().remove(0)
}

fn submit_request(top_up: TopUp) -> Request {
    Request::SubmitTopUp(SubmitPermit::for_test(top_up))
}

#[tokio::test]
async fn a_purged_member_is_never_sent() {
    let server = Server::start([]).await;
    let member = Member::purged("PURGED:00ff", None).unwrap();
    let request = submit_request(TopUp { member, ..top_up("TP1") });
    let refused = gateway(&server.url).prepare(request, "req-1").await.err();
    assert!(refused.is_some_and(|why| why.contains("the member was purged")));
    assert!(server.deliveries().is_empty());
}

/// Lets `openssl` judge a signature over the raw text that is rebuilt from what the server got.
fn openssl_verifies(delivery: &Delivery) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let header = |name: &str| delivery.header(name).unwrap();
    let raw = format!(
        "/merchant-integration/v1/gateway;POST;{};{};{};{}",
        header("X-Nonce"),
        header("X-Timestamp"),
        header("X-Key-Code"),
        delivery.body
    );
    let (key, raw) = (file("key.pem", key_pem().as_bytes()), file("raw", raw.as_bytes()));
    let public = file("public.pem", &openssl(&["rsa", "-in", &key, "-pubout"]));
    let signature = file("signature", &STANDARD.decode(header("X-Signature")).unwrap());
    openssl(&["dgst", "-sha256", "-verify", &public, "-signature", &signature, &raw]);
}

#[tokio::test]
async fn every_request_carries_the_documented_headers_and_a_valid_signature() {
    let phone = PhoneNumber::parse("0901234567").unwrap();
    for (request, api_code) in [
        (Request::MemberInfo { phone, card_no: None }, "mi_v1_loyalty_member_info"),
        (submit_request(top_up("TP1")), "mi_v1_loyalty_transaction_topup"),
        (Request::OrderStatus(InvoiceNo::parse("TP1").unwrap()), "mi_v1_loyalty_transaction_detail"),
    ] {
        let delivery = delivered(request).await;
        assert_eq!(delivery.head.lines().next(), Some("POST /merchant-integration/v1/gateway HTTP/1.1"));
        for (name, value) in [
            ("X-API-Code", api_code),
            ("X-Merchant-ID", "M001"),
            ("X-Terminal-ID", "T001"),
            ("X-Key-Code", KEY_CODE),
            ("X-Request-ID", "req-1"),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ] {
            assert_eq!(delivery.header(name), Some(value), "{name}");
        }
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let timestamp_s: u64 = delivery.header("X-Timestamp").unwrap().parse().unwrap();
        assert!((now_s - 130..=now_s - 10).contains(&timestamp_s), "{timestamp_s} at {now_s}");
        openssl_verifies(&delivery);
    }
}

#[tokio::test]
async fn bodies_are_as_documented() {
    let phone = PhoneNumber::parse("0901234567").unwrap();
    let card = |phone| Member::Card { id: "9704 12".into(), phone };
    let user = Member::UserId { id: "u-7".into(), phone: None };
    let receipt = Receipt::new("Lê An", "1 \"Lợi\"", "an@vi.vn", "0101").ok();
    for (request, body) in [
        (Request::MemberInfo { phone, card_no: None }, r#"{"phone_no":"0901234567"}"#),
        (Request::MemberInfo { phone, card_no: Some("9704".into()) }, r#"{"phone_no":"0901234567","card_no":"9704"}"#),
        (Request::OrderStatus(InvoiceNo::parse("TP1").unwrap()), r#"{"invoice_no":"TP1"}"#),
        (
            submit_request(top_up("TP1")),
            r#"{"phone_no":"0901234567","point_amount":500,"invoice_no":"TP1","send_receipt":false,"send_sms":true}"#,
        ),
        (
            submit_request(TopUp { member: card(Some(phone)), send_sms: false, ..top_up("TP1") }),
            r#"{"phone_no":"0901234567","id_type":"CARD","id":"9704 12","point_amount":500,"invoice_no":"TP1","send_receipt":false,"send_sms":false}"#,
        ),
        (
            submit_request(TopUp { member: card(None), ..top_up("TP1") }),
            r#"{"id_type":"CARD","id":"9704 12","point_amount":500,"invoice_no":"TP1","send_receipt":false,"send_sms":true}"#,
        ),
        (
            submit_request(TopUp { member: user, ..top_up("TP1") }),
            r#"{"id_type":"USER_ID","id":"u-7","point_amount":500,"invoice_no":"TP1","send_receipt":false,"send_sms":true}"#,
        ),
        (
            submit_request(TopUp { receipt, ..top_up("TP1") }),
            r#"{"phone_no":"0901234567","point_amount":500,"invoice_no":"TP1","send_receipt":true,"receipt_info":{"name":"Lê An","address":"1 \"Lợi\"","email":"an@vi.vn","tax_code":"0101"},"send_sms":true}"#,
        ),
    ] {
        let delivery = delivered(request).await;
        assert_eq!(delivery.body, body);
        openssl_verifies(&delivery);
    }
}

#[tokio::test]
async fn each_send_of_one_number_has_its_own_nonce() {
    let server = Server::start([]).await;
    let gateway = gateway(&server.url);
    for _ in 0..5 {
        submit(&gateway, "TP1").await;
    }
    let nonces: std::collections::BTreeSet<_> =
        server.deliveries().iter().map(|delivery| delivery.header("X-Nonce").unwrap().to_owned()).collect();
    assert_eq!(nonces.len(), 5);
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_refused_before_it_is_sent() {
    let server = Server::start([]).await;
    let gateway = gateway(&server.url);
    for request_id in ["a\r\nX-Merchant-ID: M002", "a b", "é", &"x".repeat(256)] {
        let error = gateway.prepare(submit_request(top_up("TP1")), request_id).await.unwrap_err();
        assert!(error.contains("request id"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn settings_that_no_header_can_carry_are_refused_without_being_shown() {
    let base = || settings("http://127.0.0.1:1");
    let long = "secret".repeat(7);
    for (settings, name) in [
        (GatewaySettings { merchant_id: String::new(), ..base() }, "merchant_id"),
        (GatewaySettings { terminal_id: "sec ret".into(), ..base() }, "terminal_id"),
        (GatewaySettings { key_code: long, ..base() }, "key_code"),
        (GatewaySettings { key_code: "secret\r\nX-Nonce: 1".into(), ..base() }, "key_code"),
        (GatewaySettings { timeout: Duration::ZERO, ..base() }, "timeout_s"),
        (GatewaySettings { connect_timeout: Duration::ZERO, ..base() }, "connect_timeout_s"),
    ] {
        let error = HttpGateway::new(settings, PrivateKey::from_pem(key_pem(), "this text", None).unwrap())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(name) && error.contains("hint: ") && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn debug_shows_neither_key_nor_signature_nor_phone() {
    let gateway = gateway("http://127.0.0.1:1");
    let prepared = gateway.prepare(submit_request(top_up("TP1")), "req-1").await.unwrap();
    assert_eq!(format!("{prepared:?}"), "Prepared(SubmitTopUp, req-1)");
    assert!(!format!("{:?}", settings("sandbox")).contains(KEY_CODE));
    assert_eq!(format!("{:?}", PrivateKey::from_pem(key_pem(), "this text", None).unwrap()), "PrivateKey(2048 bits)");
}
