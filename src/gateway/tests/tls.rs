//! TLS: a handshake that fails is unsent, and after it everything is in doubt.

use super::*;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

fn tls_gateway(url: &str, certificate: Option<&str>, connect_timeout: Duration) -> HttpGateway {
    let settings = GatewaySettings { connect_timeout, ..settings(url) };
    let key = PrivateKey::from_pem(key_pem(), "this text", None).unwrap();
    let roots = certificate.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    HttpGateway::build(settings, key, |builder| builder.tls_certs_only(roots.clone())).unwrap()
}

/// Accepts one connection, reads what comes first, answers with `reply` and gives what was read in all.
async fn plain_listener(reply: &'static [u8]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        stream.read_buf(&mut read).await.unwrap();
        stream.write_all(reply).await.unwrap();
        // An error is a connection that the client closed at once.
        let _ = stream.read_to_end(&mut read).await;
        read
    });
    (url, task)
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unsent() {
    // Safe: the request leaves only through a session, and the handshake failed before there was one.
    let (url, seen) = plain_listener(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let received = submit(&tls_gateway(&url, None, AMPLE), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    let seen = seen.await.unwrap();
    assert_eq!(seen.first(), Some(&0x16), "a TLS handshake record");
    assert!(!contains(&seen, b"POST") && !contains(&seen, b"TP1"));
}

#[tokio::test]
async fn a_handshake_that_stalls_is_unsent() {
    // Safe: the connect deadline ended the handshake, and the request was never handed over.
    let (url, seen) = plain_listener(b"").await;
    let received = submit(&tls_gateway(&url, None, BRIEF), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    assert!(!contains(&seen.await.unwrap(), b"POST"));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_unsent() {
    // Safe: the client itself refused the server in mid-handshake. What the server decrypts is its standard output.
    let folder = tempfile::tempdir().unwrap();
    let mut server = TlsServer::start(folder.path()).await;
    let received = submit(&tls_gateway(&server.url, None, AMPLE), "TP1").await;
    assert_eq!(received.reply, Reply::Unsent, "{}", received.message);
    let named =
        "not sent: certificate error: the gateway's certificate is from an authority that this machine does not know";
    assert!(received.message.starts_with(named), "{}", received.message);
    let seen = server.end().await;
    assert!(!seen.contains("POST") && !seen.contains("TP1"), "{seen}");
}

#[tokio::test]
async fn a_connection_that_ends_after_the_handshake_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TlsServer::start(folder.path()).await;
    let certificate = std::fs::read_to_string(folder.path().join("cert.pem")).unwrap();
    let gateway = tls_gateway(&server.url, Some(&certificate), AMPLE);
    let send = submit(&gateway, "TP1");
    let end = async {
        server.read_until("TP1").await;
        server.end().await
    };
    let (received, seen) = tokio::time::timeout(AMPLE, async { tokio::join!(send, end) }).await.unwrap();
    assert_eq!(received.reply, Reply::Lost, "{}", received.message);
    assert_eq!(seen.matches("POST /merchant-integration/v1/gateway").count(), 1);
}

/// A proxy for one connection: `answer` to `CONNECT`, and then, if it was a yes, a tunnel. Gives what it was asked.
async fn proxy(answer: &'static str) -> (ProxyAddress, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ProxyAddress::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(client.read_u8().await.unwrap());
        }
        let asked = String::from_utf8(asked).unwrap();
        client.write_all(answer.as_bytes()).await.unwrap();
        if answer.contains(" 200 ") {
            let target = asked.split(' ').nth(1).unwrap();
            let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
            // Either side may end it.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
        asked
    });
    (address, task)
}

/// By the settings alone: a company's own authority, and its proxy.
fn company_gateway(url: &str, folder: &Path, proxy: Option<ProxyAddress>) -> HttpGateway {
    let authorities = Authorities::load(&folder.join("cert.pem")).unwrap();
    let settings = GatewaySettings { connect_timeout: AMPLE, proxy, authorities, ..settings(url) };
    HttpGateway::new(settings, PrivateKey::from_pem(key_pem(), "this text", None).unwrap()).unwrap()
}

#[tokio::test]
async fn an_authority_of_the_companys_own_and_a_proxy_that_tunnels_lead_to_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TlsServer::start(folder.path()).await;
    let (address, tunnel) = proxy("HTTP/1.1 200 Connection established\r\n\r\n").await;
    let gateway = company_gateway(&server.url, folder.path(), Some(address));
    let end = async {
        server.read_until("TP1").await;
        server.end().await
    };
    let (received, seen) =
        tokio::time::timeout(AMPLE, async { tokio::join!(submit(&gateway, "TP1"), end) }).await.unwrap();
    assert_eq!(received.reply, Reply::Lost, "{}", received.message);
    assert_eq!(seen.matches("POST /merchant-integration/v1/gateway").count(), 1);
    let asked = tunnel.await.unwrap();
    assert!(asked.starts_with("CONNECT 127.0.0.1:") && !asked.contains("TP1"), "{asked}");
}

#[tokio::test]
async fn a_proxy_that_makes_no_tunnel_is_unsent_whatever_it_says() {
    // Safe: the client hands the request over once there is a session with the gateway, and there was none.
    let folder = tempfile::tempdir().unwrap();
    let mut server = TlsServer::start(folder.path()).await;
    for answer in [
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 28\r\n\r\n{\"meta\":{\"code\":200,\"m\":1}}",
    ] {
        let (address, asked) = proxy(answer).await;
        let received = submit(&company_gateway(&server.url, folder.path(), Some(address)), "TP1").await;
        assert_eq!(received.reply, Reply::Unsent, "{answer}: {}", received.message);
        assert!(received.message.starts_with("not sent: the proxy "), "{}", received.message);
        assert!(!asked.await.unwrap().contains("POST"), "{answer}");
    }
    let seen = server.end().await;
    assert!(!seen.contains("POST"), "{seen}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// `openssl s_server` with a certificate of its own for 127.0.0.1; it prints what it decrypts.
struct TlsServer {
    url: String,
    child: Child,
    output: ChildStdout,
    seen: String,
    /// Kept open: at the end of its standard input the server ends.
    _input: ChildStdin,
}

impl TlsServer {
    async fn start(folder: &Path) -> Self {
        let (key, cert) = (folder.join("key.pem"), folder.join("cert.pem"));
        let (key, cert) = (key.to_str().unwrap(), cert.to_str().unwrap());
        // Not a CA's: as its own root it is trusted, as a CA's it would not be taken for a server's.
        let made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
                    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
        let args: Vec<_> = made.split_whitespace().chain(["-keyout", key, "-out", cert]).collect();
        openssl(&args);
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", cert])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let mut server = Self { url: String::new(), child, output, seen: String::new(), _input: input };
        server.read_until("ACCEPT ").await;
        let start = server.seen.len();
        server.read_until("\n").await;
        server.url = format!("https://{}", server.seen[start..].trim());
        server
    }

    /// Reads until `part` has come: byte by byte, since a request's body ends without a line break.
    async fn read_until(&mut self, part: &str) {
        while !self.seen.ends_with(part) {
            let byte = self.output.read_u8().await.unwrap_or_else(|_| panic!("the server ended: {}", self.seen));
            self.seen.push(char::from(byte));
        }
    }

    /// Ends the server, and gives everything that it printed.
    async fn end(&mut self) -> String {
        self.child.kill().await.unwrap();
        self.output.read_to_string(&mut self.seen).await.unwrap();
        self.seen.clone()
    }
}
