//! Says in a few words why a call failed: certificate, name, refused connection, files, time.
//!
//! What the libraries say is kept behind them, without the address, which the configuration names.

use std::error::Error;
use std::io;

/// The cause in words, and what the libraries said, on one line.
pub(super) fn words(error: &reqwest::Error) -> String {
    let links = links(error);
    let said = links.iter().map(ToString::to_string).fold(String::new(), |text, said| {
        if text.ends_with(&said) {
            text
        } else if text.is_empty() {
            said
        } else {
            format!("{text}: {said}")
        }
    });
    match kind(&links) {
        Some(kind) if said.is_empty() => kind.to_owned(),
        Some(kind) => format!("{kind} ({said})"),
        None => said,
    }
}

/// The causes, from the outermost on. reqwest's own words name the URL at length and nothing else, so they stand only
/// where there is nothing below them.
fn links(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let mut links = Vec::new();
    let mut next = error.source();
    while let Some(link) = next {
        links.push(link);
        next = link.source();
    }
    if links.is_empty() { vec![error] } else { links }
}

fn kind(links: &[&(dyn Error + 'static)]) -> Option<&'static str> {
    links.iter().rev().find_map(|link| {
        let said = link.to_string();
        certificate(&said)
            .or_else(|| tunnel(&said))
            .or_else(|| name(&said))
            .or_else(|| link.downcast_ref::<io::Error>().and_then(system))
    })
}

/// hyper-util's connector of tunnels: `tunnel error: …`.
fn tunnel(said: &str) -> Option<&'static str> {
    let (_, why) = said.split_once("tunnel error: ")?;
    Some(if why.contains("authorization required") {
        "the proxy wants a password, which it is not given: it has to let this machine through without one"
    } else {
        "the proxy makes no tunnel to the gateway: it has to let this machine through (CONNECT)"
    })
}

/// rustls: `invalid peer certificate: …`.
fn certificate(said: &str) -> Option<&'static str> {
    let (_, why) = said.split_once("invalid peer certificate")?;
    let is = |word: &str| why.contains(word);
    Some(if is("UnknownIssuer") || is("CaUsedAsEndEntity") {
        "certificate error: the gateway's certificate is from an authority that this machine does not know"
    } else if is("Expired") || is("expired") {
        "certificate error: the gateway's certificate has expired, or this machine's clock is wrong"
    } else if is("NotValidYet") || is("not valid yet") {
        "certificate error: the gateway's certificate is not valid yet, or this machine's clock is wrong"
    } else if is("NotValidForName") || is("not valid for name") {
        "certificate error: the gateway's certificate is for another name"
    } else {
        "certificate error: the gateway's certificate is not one that this machine trusts"
    })
}

/// hyper-util: `dns error`.
fn name(said: &str) -> Option<&'static str> {
    said.contains("dns error").then_some("the gateway's name was not found")
}

fn system(error: &io::Error) -> Option<&'static str> {
    // EMFILE and ENFILE have no kind of their own.
    if cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)) {
        return Some("too many open files: raise the limit (ulimit -n), or lower [gateway] max_in_flight");
    }
    let known = [
        (io::ErrorKind::ConnectionRefused, "connection refused"),
        (io::ErrorKind::HostUnreachable, "no way to the gateway"),
        (io::ErrorKind::NetworkUnreachable, "no way to the gateway's network"),
        (io::ErrorKind::AddrNotAvailable, "this machine has no free port left for a connection"),
        (io::ErrorKind::TimedOut, "timed out"),
    ];
    known.into_iter().find(|(kind, _)| *kind == error.kind()).map(|(_, words)| words)
}
