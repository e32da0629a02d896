//! A gateway that costs as little as it can: keep-alive HTTP over loopback, one fixed good answer for each call, and
//! a real check of each signature.
//!
//! Not the simulator: that one keeps a book and obeys every rule, and its own time would be measured with the rest.

use aws_lc_rs::signature::{KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use base64::Engine as _;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig};

const MEMBER: &str =
    r#"{"meta":{"code":200,"message":"OK"},"data":{"full_name":"NGUYEN VAN AN","status":"A","card_status":"A"}}"#;
const TOP_UP: &str = r#"{"meta":{"code":200,"message":"OK"}}"#;
const ORDER: &str = r#"{"meta":{"code":200,"message":"OK"},"data":{"type":"TXN_EARN","status":"S"}}"#;

/// The gateway while it runs.
pub(crate) struct Gateway {
    runtime: Runtime,
    pub(crate) url: String,
    seen: Arc<Seen>,
}

/// What the gateway saw.
struct Seen {
    key: ParsedPublicKey,
    requests: AtomicU64,
    first_at: Mutex<Option<Instant>>,
    badly_signed: AtomicBool,
    latency: Duration,
    handshakes: [AtomicU64; 2],
}

impl Gateway {
    /// Serves on a free port of the loopback, each answer `latency` later, give or take a quarter.
    pub(crate) fn start(key: &RsaKeyPair, latency: Duration) -> io::Result<Self> {
        Self::start_over(key, latency, None)
    }

    /// The same, over TLS where it is given how.
    pub(crate) fn start_over(key: &RsaKeyPair, latency: Duration, tls: Option<ServerConfig>) -> io::Result<Self> {
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        let seen = Arc::new(Seen {
            key: public.map_err(|_| io::Error::other("a key of its own that cannot be read"))?,
            requests: AtomicU64::new(0),
            first_at: Mutex::new(None),
            badly_signed: AtomicBool::new(false),
            latency,
            handshakes: Default::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let shared = Arc::clone(&seen);
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, acceptor) = (Arc::clone(&shared), acceptor.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true)?;
                    let Some(acceptor) = acceptor else { return serve(stream, &seen).await };
                    let stream = acceptor.accept(stream).await?;
                    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
                    seen.handshakes[usize::from(resumed)].fetch_add(1, Ordering::Relaxed);
                    serve(stream, &seen).await
                });
            }
        });
        Ok(Self { runtime, url, seen })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// Full handshakes, and those that resumed a session.
    pub(crate) fn handshakes(&self) -> [u64; 2] {
        [0, 1].map(|which: usize| self.seen.handshakes[which].load(Ordering::Relaxed))
    }

    pub(crate) fn first_at(&self) -> Option<Instant> {
        *lock(&self.seen.first_at)
    }

    /// Counts from here on.
    pub(crate) fn forget(&self) {
        self.seen.requests.store(0, Ordering::Relaxed);
        *lock(&self.seen.first_at) = None;
    }

    /// Ends it; every signature has to have been good.
    pub(crate) fn stop(self) -> io::Result<()> {
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        if self.seen.badly_signed.load(Ordering::Relaxed) {
            return Err(io::Error::other("a signature was wrong: the figures mean nothing"));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Seen) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4096);
    let mut random = fastrand::Rng::new();
    let mut answer = Vec::new();
    loop {
        let Some((head, whole)) = ends_of_request(&bytes) else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        if seen.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            *lock(&seen.first_at) = Some(Instant::now());
        }
        let body = answer_to(&bytes[..head], &bytes[head..whole], seen);
        bytes.drain(..whole);
        if !seen.latency.is_zero() {
            tokio::time::sleep(seen.latency.mul_f64(random.f64().mul_add(0.5, 0.75))).await;
        }
        answer.clear();
        answer.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ");
        answer.extend_from_slice(body.len().to_string().as_bytes());
        answer.extend_from_slice(b"\r\n\r\n");
        answer.extend_from_slice(body.as_bytes());
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

/// Where the head and the whole of the first request end, once it is all there.
fn ends_of_request(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let length: usize = header(&bytes[..head], "content-length")?.parse().ok()?;
    (bytes.len() >= head + length).then_some((head, head + length))
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn answer_to(head: &[u8], body: &[u8], seen: &Seen) -> &'static str {
    if !is_signed(head, body, &seen.key) {
        seen.badly_signed.store(true, Ordering::Relaxed);
    }
    match header(head, "x-api-code") {
        Some("mi_v1_loyalty_member_info") => MEMBER,
        Some("mi_v1_loyalty_transaction_topup") => TOP_UP,
        Some(_) | None => ORDER,
    }
}

fn is_signed(head: &[u8], body: &[u8], key: &ParsedPublicKey) -> bool {
    let [Some(nonce), Some(timestamp), Some(key_code), Some(signature)] =
        ["x-nonce", "x-timestamp", "x-key-code", "x-signature"].map(|name| header(head, name))
    else {
        return false;
    };
    let mut signed = format!("/merchant-integration/v1/gateway;POST;{nonce};{timestamp};{key_code};").into_bytes();
    signed.extend_from_slice(body);
    let signature = base64::engine::general_purpose::STANDARD.decode(signature);
    signature.is_ok_and(|signature| key.verify_sig(&signed, &signature).is_ok())
}
