//! Wire tests: the real client against a server on loopback that counts what it is sent, and misbehaves.

mod answers;
mod doubled;
mod keys;
mod late;
mod lost;
mod requests;
mod server;
mod tls;
mod unsent;

use super::{
    Authorities, Gateway, GatewaySettings, GatewayUrl, HttpGateway, PrivateKey, ProxyAddress, Received, Request,
    message,
};
use crate::domain::answer::{Answer, Reply};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::member::Member;
use crate::domain::payout::TopUp;
use crate::domain::phone::PhoneNumber;
use crate::domain::points::Points;
use crate::ledger::SubmitPermit;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

const KEY_CODE: &str = "28f04867-c6d5-425f-9108-0d90a0c0b09e";
/// Longer than any test takes: where this one runs out, the test hangs on something else.
const AMPLE: Duration = Duration::from_secs(60);
/// A deadline that is meant to run out.
const BRIEF: Duration = Duration::from_millis(700);

/// Runs `openssl`, which must succeed, and gives its standard output.
fn openssl(args: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(args).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// One RSA key of 2048 bits in the PKCS#1 form for all tests: making one takes a while.
pub(super) fn key_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| String::from_utf8(openssl(&["genrsa", "-traditional", "2048"])).unwrap())
}

fn settings(url: &str) -> GatewaySettings {
    GatewaySettings {
        url: GatewayUrl::parse(url).unwrap(),
        merchant_id: "M001".into(),
        terminal_id: "T001".into(),
        key_code: KEY_CODE.into(),
        timeout: AMPLE,
        connect_timeout: AMPLE,
        proxy: None,
        authorities: Authorities::default(),
        fence: None,
    }
}

fn gateway(url: &str) -> HttpGateway {
    HttpGateway::new(settings(url), PrivateKey::from_pem(key_pem(), "this text", None).unwrap()).unwrap()
}

/// A gateway whose calls run out of time soon.
fn hasty_gateway(url: &str) -> HttpGateway {
    let settings = GatewaySettings { timeout: BRIEF, ..settings(url) };
    HttpGateway::new(settings, PrivateKey::from_pem(key_pem(), "this text", None).unwrap()).unwrap()
}

fn top_up(invoice_no: &str) -> TopUp {
    TopUp {
        invoice_no: InvoiceNo::parse(invoice_no).unwrap(),
        member: Member::Phone(PhoneNumber::parse("0901234567").unwrap()),
        points: Points::new(500).unwrap(),
        send_sms: true,
        receipt: None,
    }
}

async fn call(gateway: &HttpGateway, request: Request) -> Received {
    let prepared = gateway.prepare(request, "req-1").await.unwrap();
    gateway.send(prepared).await
}

async fn submit(gateway: &HttpGateway, invoice_no: &str) -> Received {
    call(gateway, Request::SubmitTopUp(SubmitPermit::for_test(top_up(invoice_no)))).await
}

/// Asks about a member: the one call that keeps its connection.
async fn ask_member(gateway: &HttpGateway, phone: &str) -> Received {
    call(gateway, Request::MemberInfo { phone: PhoneNumber::parse(phone).unwrap(), card_no: None }).await
}

fn answered(http: u16, code: Option<i64>) -> Reply {
    Reply::Answered(Answer { http, code, ..Answer::default() })
}
