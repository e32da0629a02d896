//! Serves the numbers of a run to Prometheus, on loopback only and only while the run lasts.

use super::run_metrics::page;
use crate::app::counts::LiveCounts;
use crate::app::{Ending, Failure};
use hyper::body::Incoming;
use hyper::http::{Method, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::task::JoinSet;

/// Readers at once; more of them wait.
const READERS_MAX: usize = 16;
/// How long one reader may take: one that stands still must not keep the others away.
const READER_MAX: Duration = Duration::from_secs(10);
/// How long accepting pauses when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that is bound before anything is sent, so that a busy one stops nothing half-way.
#[derive(Debug)]
pub(super) struct MetricsPort(TcpListener);

impl MetricsPort {
    /// Binds the port; gives the address where a free one was asked for, too.
    pub(super) fn bind(address: SocketAddr) -> Result<(Self, SocketAddr), Failure> {
        let refuse = |message: String| Failure::said(Ending::Usage, "metrics", message);
        if !address.ip().is_loopback() {
            return Err(refuse(format!(
                "--metrics serves this machine only, and {} is another address; nothing was sent\nhint: --metrics \
                 127.0.0.1:{}",
                address.ip(),
                address.port()
            )));
        }
        let bound = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((Self(listener), address))
        });
        bound.map_err(|error| {
            refuse(format!(
                "binding {address} for --metrics: {error}; nothing was sent\nhint: take another port, or 0 for any that is \
                 free"
            ))
        })
    }
}

/// What readers are shown: the numbers of a run, and what they are the numbers of.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    pub(super) batch: String,
    pub(super) rate_limit_per_s: f64,
    pub(super) counts: LiveCounts,
}

impl Metrics {
    /// The answer to one request. The page is written on a copy: the run never waits for it.
    fn answer(&self, request: &Request<Incoming>) -> Response<String> {
        let (status, kind, page) = match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                let page = page(&self.batch, self.rate_limit_per_s, &self.counts.now());
                (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page)
            }
            (&Method::GET, _) => (StatusCode::NOT_FOUND, "text/plain", "the metrics are at /metrics\n".to_owned()),
            _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET is answered\n".to_owned()),
        };
        let mut response = Response::new(page);
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        response
    }
}

/// Serves until the runtime ends. What goes wrong here is logged: it must not stop the run.
pub(super) async fn serve(port: MetricsPort, metrics: Metrics) {
    let listener = match tokio::net::TcpListener::from_std(port.0) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "cannot serve metrics");
            return;
        }
    };
    let mut readers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if readers.len() < READERS_MAX => match accepted {
                Ok((stream, _)) => {
                    let metrics = metrics.clone();
                    readers.spawn(tokio::time::timeout(READER_MAX, read_out(stream, metrics)));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a reader of metrics");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = readers.join_next(), if !readers.is_empty() => {}
        }
    }
}

async fn read_out(stream: tokio::net::TcpStream, metrics: Metrics) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = metrics.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a reader of metrics went away");
    }
}
