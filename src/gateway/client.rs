//! Calls the gateway over HTTP, each request once, and says whether it can have arrived.

use super::error::GatewayError;
use super::fence::{Fence, Permitted};
use super::key::PrivateKey;
use super::names::Names;
use super::present::Present;
use super::reply::{not_answered, receive};
use super::request_body::{Call, call_and_body};
use super::settings::GatewaySettings;
use super::signature::{Signable, fresh_nonce};
use super::signers::Signers;
use super::{Gateway, Received, Request, cause};
use crate::domain::answer::{Answer, Reply};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::phone::PhoneNumber;
use crate::moment::Moment;
use reqwest::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Url};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The path of all three calls (VinID developer documentation, "gateway").
const PATH: &str = "/merchant-integration/v1/gateway";
/// How long an unused connection is kept: well below the 60 s and more after which servers close theirs, so that a
/// request rarely leaves on a connection that is being closed, and is then of unknown fate.
const POOL_IDLE: Duration = Duration::from_secs(5);
/// How far the timestamp of a call lies behind the gateway's present.
///
/// A clock that runs a second ahead of the gateway's is refused (4010003), one that runs behind is not, up to two
/// hours: ten seconds cover what clocks that are set over the network differ by.
const TIMESTAMP_BACK: Duration = Duration::from_secs(10);
/// The longest `X-Key-Code`, in characters (VinID developer documentation, "request headers").
const KEY_CODE_CHARS_MAX: usize = 36;
/// The longest `X-Request-ID`, in characters (VinID developer documentation, "request headers").
const REQUEST_ID_CHARS_MAX: usize = 255;
/// The longest merchant or terminal id, in characters; the documentation names no limit.
const ID_CHARS_MAX: usize = 255;

/// The gateway over HTTP.
///
/// HTTP/1.1 ties an answer to its request by nothing but their order on one connection. An answer that comes twice, as
/// a proxy that delivers a request twice makes it, is then taken for the next request's, however quiet the connection
/// was in between. So what decides about points, a top-up and order status, has a connection of its own, which carries
/// that one request and is closed. Member info, which alone moves nothing, keeps its connections, and its answer names
/// the phone that it tells of.
pub struct HttpGateway {
    /// For member info.
    kept: Client,
    /// For top-ups and order status: a connection for each.
    single: Client,
    endpoint: Url,
    signers: Signers,
    key_code: String,
    /// The headers that every request carries alike.
    headers: HeaderMap,
    fence: Option<Fence>,
    timeout: Duration,
    present: Present,
}

/// A signed request that is ready to leave. Not `Clone`: what is sent is sent once.
pub struct Prepared {
    request: reqwest::Request,
    call: Call,
    request_id: String,
    /// Member info by phone: whom the answer has to be about.
    about: Option<PhoneNumber>,
    /// A top-up that may not leave at any time.
    permitted: Option<Permitted>,
}

impl fmt::Debug for Prepared {
    /// Without headers and body: they hold the signature and the phone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({:?}, {})", self.call, self.request_id)
    }
}

impl HttpGateway {
    /// Sets up the client. Nothing is sent, no name is looked up.
    ///
    /// # Errors
    /// [`GatewayError::Setting`] for an identifier that cannot be a header or a timeout of zero,
    /// [`GatewayError::Client`] where the system gives no root certificates.
    pub fn new(settings: GatewaySettings, key: PrivateKey) -> Result<Self, GatewayError> {
        Self::build(settings, key, |builder| builder)
    }

    /// `adjust` is how tests put a resolver in.
    pub(super) fn build(
        settings: GatewaySettings,
        key: PrivateKey,
        adjust: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, GatewayError> {
        let headers = fixed_headers(&settings)?;
        for (name, value) in [("timeout_s", settings.timeout), ("connect_timeout_s", settings.connect_timeout)] {
            if value.is_zero() {
                return Err(GatewayError::Setting { name, expected: "a time above zero", found: "zero" });
            }
        }
        let names = Names::default();
        let build = |finish: fn(ClientBuilder) -> ClientBuilder| {
            client_builder(&settings)
                .and_then(|builder| finish(adjust(builder.dns_resolver(Arc::new(names.clone())))).build())
                .map_err(|error| GatewayError::Client {
                    problem: cause::words(&error),
                    hint: "install the system's root certificates (package ca-certificates), or set SSL_CERT_FILE",
                })
        };
        let kept = build(|builder| builder)?;
        let single = build(|builder| builder.pool_max_idle_per_host(0))?;
        let signers = Signers::start(key).map_err(|error| GatewayError::Client {
            problem: format!("cannot start a thread: {error}"),
            hint: "raise the limit of threads that this user may have (ulimit -u)",
        })?;
        Ok(Self {
            kept,
            single,
            endpoint: settings.url.with_path(PATH),
            signers,
            key_code: settings.key_code,
            headers,
            fence: settings.fence,
            timeout: settings.timeout,
            present: Present::new(),
        })
    }

    /// Asks order status with a timestamp that is as old as `age`: how a gateway's window is measured. It cannot move a
    /// point.
    ///
    /// # Errors
    /// A text for people when the request cannot be built; nothing was sent then.
    pub async fn order_status_aged(
        &self,
        invoice_no: InvoiceNo,
        request_id: &str,
        age: Duration,
    ) -> Result<Received, String> {
        let stamp_s = self.stamp_s(Moment::now(), age);
        Ok(self.send(self.sign(&Request::OrderStatus(invoice_no), request_id, stamp_s).await?).await)
    }

    /// The header `X-Timestamp` that is as old as `age` at a moment, in Unix seconds.
    fn stamp_s(&self, at: Moment, age: Duration) -> u64 {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX / 2);
        u64::try_from((self.present.unix_ms(at) - age_ms).div_euclid(1000)).unwrap_or(0)
    }

    async fn sign(&self, request: &Request, request_id: &str, timestamp_s: u64) -> Result<Prepared, String> {
        if request_id.len() > REQUEST_ID_CHARS_MAX || !request_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("the request id is too long or holds characters that a header cannot carry".to_owned());
        }
        let about = match request {
            // The member of a card may have another phone than the one that is asked with it.
            Request::MemberInfo { phone, card_no: None } => Some(*phone),
            Request::MemberInfo { card_no: Some(_), .. } | Request::SubmitTopUp(_) | Request::OrderStatus(_) => None,
        };
        let (call, body) = call_and_body(request).map_err(|error| format!("cannot write the request: {error}"))?;
        let nonce = fresh_nonce().ok_or_else(no_randomness)?;
        let signable =
            Signable { path: PATH, method: "POST", nonce: &nonce, timestamp_s, key_code: &self.key_code, body: &body };
        let signature = self.signers.sign(signable.raw()).await?.ok_or_else(no_randomness)?;

        let mut http = reqwest::Request::new(Method::POST, self.endpoint.clone());
        *http.headers_mut() = self.headers.clone();
        for (name, value) in [
            ("x-api-code", call.api_code()),
            ("x-nonce", &nonce),
            ("x-timestamp", &timestamp_s.to_string()),
            ("x-signature", &signature),
            ("x-request-id", request_id),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| format!("cannot write the header {name}"))?;
            http.headers_mut().insert(HeaderName::from_static(name), value);
        }
        if !keeps_connection(call) {
            http.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        *http.body_mut() = Some(body.into());
        Ok(Prepared { request: http, call, request_id: request_id.to_owned(), about, permitted: None })
    }
}

/// The client that sends each request at most once.
///
/// The settings that this rests on, each of them against a default or feature that would send twice:
/// - `retry(never())`: reqwest repeats what HTTP/2 calls refused.
/// - `redirect(none())`: a 307 or 308 would be posted again, and a connection that then fails at the *second* host
///   would be reported as `is_connect`, although the first host had the request.
/// - `http1_only`: no multiplexing whose refusals could be repeated.
/// - `no_proxy`: a proxy from the environment may repeat, answer in place of the gateway, or read along. One that the
///   configuration names only tunnels: what it says to `CONNECT` is no answer, and without a tunnel nothing leaves.
///
/// One repetition remains inside hyper-util, and is harmless: a request that waits in the queue of a pooled connection
/// which turns out to be closed is handed back *unstarted* and goes to another connection. hyper hands a request
/// back only from that queue; once it is taken out to be written, every error comes back without it.
fn client_builder(settings: &GatewaySettings) -> Result<ClientBuilder, reqwest::Error> {
    // No early data: with TLS 1.3 the request could otherwise leave before the handshake is over. It is reqwest's
    // default, and HTTP over TCP has no switch for it in this build.
    let builder = Client::builder()
        .http1_only()
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .gzip(true)
        .tcp_nodelay(true)
        .timeout(settings.timeout)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .user_agent(concat!("topup/", env!("CARGO_PKG_VERSION")));
    if settings.url.is_https() {
        let builder = builder.https_only(true).tls_certs_merge(settings.authorities.0.iter().cloned());
        return Ok(match &settings.proxy {
            Some(proxy) => builder.proxy(proxy.tunnel()?),
            None => builder,
        });
    }
    // Loopback only, so no certificates are needed, and a machine without any can still run a rehearsal. The name
    // is pinned: what /etc/hosts or a name server says of `localhost` could lead elsewhere, in plain text. Port 0
    // stands for the URL's.
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, 0));
    Ok(builder.tls_certs_only([]).resolve_to_addrs("localhost", &loopback))
}

/// The headers that do not change from request to request.
fn fixed_headers(settings: &GatewaySettings) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (header, name, value, chars_max) in [
        ("x-merchant-id", "merchant_id", &settings.merchant_id, ID_CHARS_MAX),
        ("x-terminal-id", "terminal_id", &settings.terminal_id, ID_CHARS_MAX),
        ("x-key-code", "key_code", &settings.key_code, KEY_CODE_CHARS_MAX),
    ] {
        let refuse = |found| GatewayError::Setting { name, expected: "a code of visible ascii characters", found };
        if value.is_empty() {
            return Err(refuse("nothing"));
        }
        if value.len() > chars_max {
            return Err(refuse("a text that is too long"));
        }
        if !value.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse("a blank or another character that a header cannot carry"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| refuse("a text that a header cannot carry"))?;
        headers.insert(HeaderName::from_static(header), value);
    }
    Ok(headers)
}

fn no_randomness() -> String {
    "the system's randomness failed".to_owned()
}

impl Gateway for HttpGateway {
    type Prepared = Prepared;

    async fn prepare(&self, request: Request, request_id: &str) -> Result<Prepared, String> {
        let (stamp_s, permitted) = match (request.permit(), self.fence) {
            // As old as it is to be at the moment of the intent, however long the commit and the queue have taken.
            (Some(permit), Some(fence)) => {
                let since = permit.intended_at();
                (self.stamp_s(since, fence.age()), Some(Permitted { since, lives: fence.permit_lives(self.timeout) }))
            }
            (None, _) | (Some(_), None) => (self.stamp_s(Moment::now(), TIMESTAMP_BACK), None),
        };
        Ok(Prepared { permitted, ..self.sign(&request, request_id, stamp_s).await? })
    }

    async fn send(&self, prepared: Prepared) -> Received {
        let Prepared { request, call, request_id, about, permitted } = prepared;
        // The last look before the client has the request: what held it up since the intent is known by now.
        if let Some(message) = permitted.and_then(|permitted| permitted.death(Moment::now())) {
            tracing::debug!(%request_id, ?call, message, "gateway not called");
            return Received { reply: Reply::Unsent, message };
        }
        let started = Instant::now();
        let client = if keeps_connection(call) { &self.kept } else { &self.single };
        let (http, received) = match client.execute(request).await {
            Ok(response) => (Some(response.status().as_u16()), receive(call, about, response).await),
            Err(error) => (None, not_answered(&error)),
        };
        // Only what the gateway itself said tells of its clock: a page of something before it may have any.
        if let Reply::Answered(Answer { code: Some(_), date_unix_s: Some(date_unix_s), .. }) = &received.reply {
            self.present.hear(*date_unix_s, Moment::now());
        }
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(%request_id, ?call, http, latency_ms, "gateway called");
        received
    }
}

/// Whether a call may share its connection with others: only one whose answer decides nothing about points.
fn keeps_connection(call: Call) -> bool {
    match call {
        Call::MemberInfo => true,
        Call::SubmitTopUp | Call::OrderStatus => false,
    }
}
