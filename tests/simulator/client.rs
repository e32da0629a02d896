//! A client of a few lines, so that each byte that goes out is the test's own: signed with aws-lc-rs, sent over TCP.

#![expect(clippy::unwrap_used, reason = "a helper of tests: where it fails, the test fails")]

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use topup::simulator::{FaultPlan, Latency, Members, PublicKey, Simulator, SimulatorOptions, generate_key_pem};

pub(crate) const PATH: &str = "/merchant-integration/v1/gateway";
pub(crate) const MEMBER_INFO: &str = "mi_v1_loyalty_member_info";
pub(crate) const TOP_UP: &str = "mi_v1_loyalty_transaction_topup";
pub(crate) const ORDER_STATUS: &str = "mi_v1_loyalty_transaction_detail";

static KEY_PEM: LazyLock<String> = LazyLock::new(|| generate_key_pem().unwrap());
static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let text = KEY_PEM.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap()
});
static NONCES: AtomicU64 = AtomicU64::new(0);

/// Starts a simulator with a fault plan, for everyone.
pub(crate) async fn simulator(faults: &str) -> Simulator {
    simulator_for(Members::everyone(), faults).await
}

/// Starts a simulator with members and a fault plan.
pub(crate) async fn simulator_for(members: Members, faults: &str) -> Simulator {
    Simulator::start(options(members, faults)).await.unwrap()
}

/// The options of a simulator that knows this client.
pub(crate) fn options(members: Members, faults: &str) -> SimulatorOptions {
    SimulatorOptions {
        port: 0,
        merchant_id: "M001".to_owned(),
        terminal_id: "T001".to_owned(),
        key_code: "key-1".to_owned(),
        public_key: PublicKey::from_private_key_pem(&KEY_PEM).unwrap(),
        members,
        faults: faults.parse::<FaultPlan>().unwrap(),
        latency: Latency::NONE,
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// A complete answer.
    Answer { status: u16, head: String, body: Vec<u8> },
    /// The head, and then less than it promised.
    Cut { kept: usize },
    /// Nothing at all.
    Closed,
    /// Nothing but a reset.
    Reset,
}

impl Back {
    /// The `meta.code` of an answer, if it has a readable one.
    pub(crate) fn code(&self) -> Option<i64> {
        self.json()?["meta"]["code"].as_i64()
    }

    /// The JSON of an answer, if it has one.
    pub(crate) fn json(&self) -> Option<Value> {
        match self {
            Self::Answer { body, .. } => serde_json::from_slice(body).ok(),
            Self::Cut { .. } | Self::Closed | Self::Reset => None,
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            Self::Cut { .. } | Self::Closed | Self::Reset => None,
        }
    }

    /// A header of an answer.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let Self::Answer { head, .. } = self else { return None };
        let of_line = |line: &str| {
            line.split_once(": ")
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        head.lines().find_map(of_line)
    }
}

/// A request in the making: every part can be spoilt before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) signature: Option<String>,
}

pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Sent {
    /// A request that keeps every rule.
    pub(crate) fn new(api_code: &str, body: &Value) -> Self {
        let nonce = NONCES.fetch_add(1, Ordering::Relaxed);
        let headers = vec![
            ("X-API-Code", api_code.to_owned()),
            ("X-Merchant-ID", "M001".to_owned()),
            ("X-Terminal-ID", "T001".to_owned()),
            ("X-Key-Code", "key-1".to_owned()),
            ("X-Timestamp", (now_s() - 10).to_string()),
            ("X-Nonce", format!("nonce-{nonce}")),
            ("Content-Type", "application/json".to_owned()),
            ("Accept", "application/json".to_owned()),
        ];
        Self { method: "POST", target: PATH.to_owned(), headers, body: body.to_string(), signature: None }
    }

    /// With another value of a header, or without it.
    pub(crate) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.retain(|(found, _)| *found != name);
        if let Some(value) = value {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    fn value(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn sign(&self) -> String {
        let (nonce, timestamp, key_code) = (self.value("X-Nonce"), self.value("X-Timestamp"), self.value("X-Key-Code"));
        let raw = format!("{PATH};POST;{nonce};{timestamp};{key_code};{}", self.body);
        let mut signature = vec![0; KEY.public_modulus_len()];
        KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), raw.as_bytes(), &mut signature).unwrap();
        STANDARD.encode(signature)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: gateway\r\n", self.method, self.target);
        let signature = self.signature.clone().unwrap_or_else(|| self.sign());
        for (name, value) in
            self.headers.iter().chain([&("X-Signature", signature)]).filter(|(_, value)| !value.is_empty())
        {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        text.into_bytes()
    }

    /// Sends it over a connection of its own.
    pub(crate) async fn send(&self, simulator: &Simulator) -> Back {
        let mut stream = connect(simulator).await;
        self.send_on(&mut stream).await
    }

    /// Sends it over an open connection.
    pub(crate) async fn send_on(&self, stream: &mut TcpStream) -> Back {
        match exchange(stream, &self.bytes()).await {
            Ok(back) => back,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Back::Reset,
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn connect(simulator: &Simulator) -> TcpStream {
    TcpStream::connect(simulator.url().strip_prefix("http://").unwrap()).await.unwrap()
}

/// An unsigned request to one of the simulator's own addresses.
pub(crate) async fn plain(simulator: &Simulator, method: &'static str, target: &str, body: &str) -> Back {
    let signature = Some(String::new());
    let sent = Sent { method, target: target.to_owned(), headers: Vec::new(), body: body.to_owned(), signature };
    sent.send(simulator).await
}

async fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<Back> {
    stream.write_all(request).await?;
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut received).await? == 0 {
            assert_eq!(received, b"", "a closed connection sends nothing");
            return Ok(Back::Closed);
        }
    };
    let head = String::from_utf8(received[..head_end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    let promised =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    while received.len() < head_end + promised {
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(Back::Cut { kept: received.len() - head_end });
        }
    }
    Ok(Back::Answer { status, head, body: received.split_off(head_end) })
}

/// A top-up by phone.
pub(crate) fn top_up(invoice_no: &str, phone: &str, points: u64) -> Sent {
    let body = json!({ "phone_no": phone, "point_amount": points, "invoice_no": invoice_no, "send_receipt": false });
    Sent::new(TOP_UP, &body)
}

pub(crate) fn order_status(invoice_no: &str) -> Sent {
    Sent::new(ORDER_STATUS, &json!({ "invoice_no": invoice_no }))
}

pub(crate) fn member_info(phone: &str) -> Sent {
    Sent::new(MEMBER_INFO, &json!({ "phone_no": phone }))
}

/// What order status says about a number: `S`, `E`, or nothing when it is absent.
pub(crate) async fn status_of(simulator: &Simulator, invoice_no: &str) -> Option<String> {
    let back = order_status(invoice_no).send(simulator).await;
    match back.code() {
        Some(200) => Some(back.json().unwrap()["data"]["status"].as_str().unwrap().to_owned()),
        Some(4_040_001) => None,
        other => panic!("expected 200 or 4040001, found {other:?} in {back:?}"),
    }
}
