//! Doctor's look at the way to the gateway: name, connection, TLS, one signed call, and the clock.

use super::findings::Findings;
use super::window::{Probe, check_window, failed, unused};
use crate::app::clock::unix_ms;
use crate::app::context::Context;
use crate::app::failure::{Ending, Failure};
use crate::app::runtime::block_on;
use crate::domain::answer::{Answer, Reply};
use crate::engine::Mode;
use crate::gateway::{Gateway, GatewaySettings, Received, Request};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// More than this, and the gateway may take a request for one from the future (`X-Timestamp`); ours are 10 s old.
const SKEW_S_MAX: i64 = 8;
/// More than this, and a run stops.
const SKEW_S_STOPS: i64 = 60;

pub(super) fn check_network(
    context: Context<'_>,
    settings: Option<&GatewaySettings>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let Some(settings) = settings else {
        findings.warn("network", "not looked at: the gateway's settings come first");
        return Ok(());
    };
    block_on(async {
        let Some(addresses) = check_name(settings, findings).await else { return Ok(()) };
        if !check_connection(settings, &addresses, findings).await {
            return Ok(());
        }
        // Without a usable key or setting there is no call to make, and its line says why already.
        let (Ok(gateway), Ok(_)) = (context.settings.gateway(), context.settings.binding()) else {
            findings.warn("signed call", "not made: the key and the settings come first");
            return Ok(());
        };
        let binding = context.settings.binding()?;
        let request = Request::OrderStatus(unused(&binding).map_err(failed)?);
        let prepared = gateway.prepare(request, "doctor").await.map_err(failed)?;
        let Ok(run) = context.settings.run_settings(Mode::Pay, 0) else { return Ok(()) };
        let rate_per_s = run.rate_per_s;
        // Beside a live run its calls are among that run's requests a second.
        let pace = context.shared_pace(false);
        pace.wait_for_a_turn(rate_per_s).await;
        if judge_call(settings, &gateway.send(prepared).await, findings) {
            check_window(Probe::new(&gateway, &binding, rate_per_s, &pace), settings.fence, findings).await;
        }
        Ok(())
    })
}

/// The addresses that the gateway's name stands for, or its proxy's, as the client would find them.
async fn check_name(settings: &GatewaySettings, findings: &mut Findings) -> Option<Vec<SocketAddr>> {
    let (host, port) = settings.connects_to();
    if let Ok(address) = host.parse::<IpAddr>() {
        findings.ok("name", format!("{address} is an address: nothing to look up"));
        return Some(vec![SocketAddr::new(address, port)]);
    }
    if !settings.url.is_https() {
        findings.ok("name", format!("{host} is this machine: it is not looked up"));
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Some(loopback.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let found = match timeout(settings.connect_timeout, lookup_host((host, port))).await {
        Ok(Ok(found)) => Ok(found.collect::<Vec<_>>()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", settings.connect_timeout.as_secs_f64())),
    };
    match found {
        Ok(addresses) if !addresses.is_empty() => {
            let listed: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            findings.ok("name", format!("{host} is {}", listed.join(", ")));
            Some(addresses)
        }
        Ok(_) | Err(_) => {
            let problem = found.err().unwrap_or_else(|| "no address".to_owned());
            let hint = "check url (and proxy) under [gateway], and this machine's name server";
            findings.fail("name", Ending::Failed, format!("cannot look up {host}: {problem}\nhint: {hint}"));
            None
        }
    }
}

/// Whether a connection can be made to one of the addresses.
async fn check_connection(settings: &GatewaySettings, addresses: &[SocketAddr], findings: &mut Findings) -> bool {
    let mut problem = String::new();
    for address in addresses {
        let started = Instant::now();
        match timeout(settings.connect_timeout, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                let whose = if settings.proxy.is_some() && settings.url.is_https() { " (gateway.proxy)" } else { "" };
                findings.ok("connection", format!("to {address}{whose} in {} ms", started.elapsed().as_millis()));
                return true;
            }
            Ok(Err(error)) => problem = format!("{address}: {error}"),
            Err(_) => problem = format!("{address}: no answer within {} s", settings.connect_timeout.as_secs_f64()),
        }
    }
    let hint = "is it up, and does a firewall let this machine out? a proxy is used only where gateway.proxy names it";
    findings.fail("connection", Ending::Failed, format!("cannot connect to {problem}\nhint: {hint}"));
    false
}

/// Whether the gateway took the call.
fn judge_call(settings: &GatewaySettings, received: &Received, findings: &mut Findings) -> bool {
    let is_https = settings.url.is_https();
    match &received.reply {
        // The connection itself could be made a moment ago: what was added to it is TLS.
        Reply::Unsent if is_https => findings.fail(
            "tls",
            Ending::Failed,
            format!("no encrypted connection: {}\nhint: {}", received.message, tls_hint(settings)),
        ),
        Reply::Unsent => findings.fail("signed call", Ending::Failed, format!("no connection: {}", received.message)),
        Reply::Lost => {
            let hint = "the gateway took the connection and gave no whole answer: try again, then ask the provider";
            findings.fail("signed call", Ending::Failed, format!("{}\nhint: {hint}", received.message));
        }
        Reply::Answered(answer) => {
            let text = if is_https {
                "the gateway's certificate is one that this machine trusts"
            } else {
                "none: plain http, on this machine only"
            };
            findings.ok("tls", text);
            judge_answer(answer, received, findings);
            judge_clock(settings, answer, findings);
            return is_absent(answer);
        }
    }
    false
}

fn is_absent(answer: &Answer) -> bool {
    matches!((answer.http, answer.code), (200 | 404, Some(4_040_001)))
}

fn tls_hint(settings: &GatewaySettings) -> &'static str {
    if settings.proxy.is_some() {
        "ask whoever runs the proxy whether this machine may reach the gateway through it; where it opens the encryption, \
         ca_file under [gateway] names its authority"
    } else {
        "something between this machine and the gateway may answer in its place; or install the system's root certificates \
         (package ca-certificates), or name your company's authority as ca_file under [gateway]"
    }
}

fn judge_answer(answer: &Answer, received: &Received, findings: &mut Findings) {
    let code = answer.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let said = format!("HTTP {}, code {code}: {}", answer.http, received.message);
    if is_absent(answer) {
        return findings.ok("signed call", format!("key, merchant and signature are accepted ({said})"));
    }
    let hint = match answer.code {
        Some(4_010_001) => "check [gateway] key_code and private_key: the provider must hold this key's public half",
        Some(4_010_002..=4_010_004) => "set this machine's clock",
        Some(4_010_005 | 4_010_006) => "try again; a second time, ask the provider: the nonce was refused",
        Some(4_030_001 | 4_040_201 | 4_030_302 | 403_100) => {
            "check [gateway] merchant_id and terminal_id with the provider"
        }
        Some(_) | None => {
            let hint = "is url under [gateway] the gateway's? try again, then ask the provider";
            let text = format!("expected code 4040001 (no such order), found {said}\nhint: {hint}");
            return findings.fail("signed call", Ending::Failed, text);
        }
    };
    findings.fail("signed call", Ending::Credentials, format!("the gateway refuses us: {said}\nhint: {hint}"));
}

fn judge_clock(settings: &GatewaySettings, answer: &Answer, findings: &mut Findings) {
    let Some(theirs) = answer.date_unix_s else {
        return findings.warn("clock", "the answer has no Date to compare with");
    };
    let skew = unix_ms() / 1000 - theirs;
    if skew.abs() <= SKEW_S_MAX {
        return findings.ok("clock", format!("within {} s of the gateway's", skew.abs()));
    }
    let side = if skew > 0 { "ahead of" } else { "behind" };
    let text = format!("{} s {side} the gateway's\nhint: set this machine's clock", skew.abs());
    // Top-ups are stamped by the gateway's clock, and a run stops where ours is far from it.
    if settings.fence.is_some() && skew.abs() > SKEW_S_STOPS {
        findings.fail("clock", Ending::Credentials, text);
    } else {
        findings.warn("clock", text);
    }
}
