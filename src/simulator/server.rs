//! Accepts connections on loopback and serves each over HTTP/1.1 until a fault or the client ends it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::Link;
use super::service::{Shared, respond};
use super::wire::Reply;

/// How long an answered connection stands idle before the fault `idle_close` closes it: long enough for the client to
/// put it into its pool, short enough to beat the next request.
const IDLE: Duration = Duration::from_millis(2);

/// How long accepting pauses when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts until `stop` is told or dropped, then closes every connection.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: oneshot::Receiver<Infallible>) {
    let mut links = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.desk().stats.connections += 1;
                    links.spawn(serve(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            // Finished connections are collected as they end, or the set would grow for ever.
            Some(_) = links.join_next(), if !links.is_empty() => {}
        }
    }
    links.shutdown().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small: waiting to fill a packet would only add latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off the delay of small packets");
    }
    let link = Arc::new(Link::default());
    let on_request = {
        let link = Arc::clone(&link);
        move |request: Request<Incoming>| answer(Arc::clone(&shared), Arc::clone(&link), request)
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(on_request));
    let mut idle = pin!(async {
        link.close_when_idle.notified().await;
        sleep(IDLE).await;
    });
    let mut closing = false;
    loop {
        tokio::select! {
            // Without the shutdown: after a hang-up not one byte more may go out.
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection ended early");
                }
                break;
            }
            () = &mut idle, if !closing => {
                closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    if link.reset.load(Ordering::Relaxed) {
        let stream = connection.into_parts().io.into_inner();
        if let Err(error) = stream.set_zero_linger() {
            tracing::debug!(%error, "cannot reset a connection, closing it instead");
        }
    }
}

/// Boxed, because only a future that can be moved leaves hyper's connection in one piece to be reset.
fn answer(
    shared: Arc<Shared>,
    link: Arc<Link>,
    request: Request<Incoming>,
) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
    Box::pin(async move {
        let reply = respond(shared, Arc::clone(&link), request).await;
        if let Err(hangup) = &reply {
            link.reset.store(hangup.reset, Ordering::Relaxed);
        }
        reply
    })
}
