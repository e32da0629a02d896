//! What is provably unsent is said to be so, and each case says why it is safe.

use super::server::{Act, Server};
use super::*;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::sync::Arc;
use tokio::net::TcpListener;

/// The address of a port that nobody listens on.
pub(super) async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A resolver that knows no name, or never answers: no name server is asked.
struct Names {
    answers: bool,
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let answers = self.answers;
        Box::pin(async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            Result::<Addrs, Box<dyn std::error::Error + Send + Sync>>::Err("no such name".into())
        })
    }
}

fn named_gateway(names: Names, connect_timeout: Duration, timeout: Duration) -> HttpGateway {
    let settings = GatewaySettings { connect_timeout, timeout, ..settings("https://gateway.invalid") };
    let (key, names) = (PrivateKey::from_pem(key_pem(), "this text", None).unwrap(), Arc::new(names));
    HttpGateway::build(settings, key, |builder| builder.tls_certs_only([]).dns_resolver(Arc::clone(&names))).unwrap()
}

#[tokio::test]
async fn a_refused_connection_is_unsent() {
    // Safe: there never was a connection that a byte could go through.
    let received = submit(&gateway(&closed_port().await), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    assert!(received.message.starts_with("not sent: connection refused ("), "{}", received.message);
}

#[tokio::test]
async fn a_name_that_is_not_found_is_unsent() {
    // Safe: without an address there is nobody to connect to.
    let received = submit(&named_gateway(Names { answers: true }, AMPLE, AMPLE), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    assert!(received.message.starts_with("not sent: the gateway's name was not found ("), "{}", received.message);
    assert!(received.message.contains("no such name"), "{}", received.message);
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_unsent_although_it_is_a_timeout() {
    // Safe: the connect deadline covers the connector alone, which ends before the request is handed over.
    let received = submit(&named_gateway(Names { answers: false }, BRIEF, AMPLE), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    assert!(received.message.contains("timed out"), "{}", received.message);
}

#[tokio::test]
async fn a_total_deadline_that_runs_out_while_connecting_is_in_doubt() {
    // The error does not say how far the call came, so nothing is claimed.
    let received = submit(&named_gateway(Names { answers: false }, AMPLE, BRIEF), "TP1").await;
    assert_eq!(received.reply, Reply::Lost, "{}", received.message);
}

#[tokio::test]
async fn after_a_kept_connection_was_closed_a_refusal_is_unsent_and_nothing_was_delivered() {
    for _ in 0..20 {
        let server = Server::start([Act::AnswerThenClose(server::answer("200 OK", r#"{"meta":{"code":200}}"#))]).await;
        let gateway = gateway(&server.url);
        assert_eq!(submit(&gateway, "TP1").await.reply, answered(200, Some(200)));
        server.stop_listening().await;
        let received = submit(&gateway, "TP2").await;
        assert!(matches!(received.reply, Reply::Unsent | Reply::Lost), "{received:?}");
        assert_eq!(server.delivered("TP2"), 0);
    }
}

#[tokio::test]
async fn localhost_is_this_machine_whatever_names_say() {
    let server = Server::start([]).await;
    let url = server.url.replace("127.0.0.1", "localhost");
    let key = PrivateKey::from_pem(key_pem(), "this text", None).unwrap();
    let names = Arc::new(Names { answers: true });
    let gateway = HttpGateway::build(settings(&url), key, |builder| builder.dns_resolver(Arc::clone(&names))).unwrap();
    assert_eq!(submit(&gateway, "TP1").await.reply, answered(200, Some(200)));
}
