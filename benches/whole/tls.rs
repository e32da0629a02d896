//! What a connection of its own costs each top-up over TLS: a run over plain HTTP, over TLS with sessions that are resumed,
//! and with a full handshake for each connection, one after the other on the same machine.

use crate::gateway::Gateway;
use crate::program::{Place, processor_time};
use crate::run::write_rows;
use crate::{Outcome, median};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;

/// As fast as it goes, and as a provider may allow it.
const UNLIMITED: Pace = Pace { rows: 10_000, rate_per_s: 100_000, latency: Duration::ZERO };
const SET: Pace = Pace { rows: 2_000, rate_per_s: 500, latency: Duration::from_millis(20) };
const ROUNDS: usize = 5;
const CERTIFICATE: &str = "server.pem";

/// How the gateway is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Plain,
    Resumed,
    Full,
}

impl Over {
    const ALL: [Self; 3] = [Self::Plain, Self::Resumed, Self::Full];

    fn words(self) -> &'static str {
        match self {
            Self::Plain => "plain HTTP",
            Self::Resumed => "TLS, sessions resumed",
            Self::Full => "TLS, full handshakes",
        }
    }
}

/// How much is paid how fast.
#[derive(Clone, Copy)]
struct Pace {
    rows: u64,
    rate_per_s: u32,
    latency: Duration,
}

/// What one run took: processor time a row here and at the gateway, and rows a second.
#[derive(Clone, Copy)]
struct Cost {
    here_ms: f64,
    there_ms: f64,
    per_s: f64,
}

pub(crate) fn beside_plain() -> Outcome<()> {
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (over, costs) in Over::ALL.into_iter().zip(&mut costs) {
            costs.push(run(over, UNLIMITED)?);
        }
    }
    for (over, costs) in Over::ALL.into_iter().zip(costs) {
        let middle = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure).collect()).unwrap_or_default();
        let (here, there, per_s) =
            (middle(|cost| cost.here_ms), middle(|cost| cost.there_ms), middle(|cost| cost.per_s));
        println!("{:58} {here:>21.3} ms", format!("processor time a row, {}, median", over.words()));
        println!("{:58} {there:>21.3} ms", "  gateway on the same cores, a row");
        println!("{:58} {per_s:>24.0}", "  rows a second");
    }
    // At a set rate few connections are made at once, and each finds a session.
    run(Over::Resumed, SET).map(drop)
}

fn run(over: Over, pace: Pace) -> Outcome<Cost> {
    let Pace { rows, rate_per_s, latency } = pace;
    let place = Place::new()?;
    write_rows(&place.path("rows.csv"), rows)?;
    let tls = (over != Over::Plain).then(|| server(&place, over)).transpose()?;
    let gateway = Gateway::start_over(&place.key, latency, tls)?;
    place.configure(&gateway.url, rate_per_s)?;
    if over != Over::Plain {
        place.configure_tls(&gateway.url, rate_per_s, CERTIFICATE)?;
    }
    let before = processor_time("/proc/self/stat")?;
    let taken = place.run(&["run", "rows.csv", "--batch", "bench", "--yes", "--quiet"])?;
    let by_gateway = processor_time("/proc/self/stat")? - before;
    let [full, resumed] = gateway.handshakes();
    gateway.stop()?;
    if !taken.status.success() {
        return Err(format!("the run ended with {}", taken.status).into());
    }
    // A session is a connection's that ended: those that are made at once in the beginning have none yet.
    let is_as_meant = match over {
        Over::Plain => full + resumed == 0,
        Over::Resumed => resumed > 0,
        Over::Full => resumed == 0 && full >= rows,
    };
    if !is_as_meant {
        return Err(format!("{}: {full} full handshakes and {resumed} resumed ones", over.words()).into());
    }
    if over != Over::Plain {
        println!(
            "{:58} {:>24}",
            format!("  {}: handshakes, full and resumed", over.words()),
            format!("{full}, {resumed}")
        );
    }
    let a_row = |time: Duration| time.as_secs_f64() / rows as f64 * 1e3;
    Ok(Cost {
        here_ms: a_row(taken.processor),
        there_ms: a_row(by_gateway),
        per_s: rows as f64 / taken.wall.as_secs_f64(),
    })
}

/// With a certificate of its own for 127.0.0.1, as `openssl` makes it, on the curve that most servers have.
fn server(place: &Place, over: Over) -> Outcome<ServerConfig> {
    let (key, certificate) = (place.path("server-key.pem"), place.path(CERTIFICATE));
    // Not a CA's: as its own root it is trusted, as a CA's it would not be taken for a server's.
    let made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
                -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    let mut openssl = Command::new("openssl");
    openssl.args(made.split_whitespace()).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    if !openssl.stderr(Stdio::null()).status()?.success() {
        return Err("openssl made no certificate".into());
    }
    let (key, certificate) = (PrivateKeyDer::from_pem_file(key)?, CertificateDer::from_pem_file(certificate)?);
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    if over == Over::Full {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}
