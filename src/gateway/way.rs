//! Defines what may stand between this machine and the gateway by the operator's own word: a proxy that only tunnels, and
//! certificates of an authority of the company's own.

use super::error::GatewayError;
use reqwest::{Certificate, Proxy, Url};
use std::fmt;
use std::path::Path;

/// More is no list of certificates that somebody made for this.
const CA_FILE_BYTES_MAX: u64 = 1 << 20;

/// A proxy through which the connection to the gateway is made (`CONNECT`); it sees where the bytes go, not what they say.
///
/// Only as the configuration names it, never from the environment: what is found there was set for other programs.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(Url);

impl ProxyAddress {
    /// Reads `http://HOST:PORT`.
    ///
    /// # Errors
    /// [`GatewayError::Proxy`] for anything else, a user name or password included: they would stand in the configuration.
    pub fn parse(text: &str) -> Result<Self, GatewayError> {
        let refuse = |found| Err(GatewayError::Proxy { found });
        let Ok(url) = Url::parse(text.trim()) else { return refuse("a text that is no url") };
        if url.scheme() != "http" {
            return refuse("another scheme than http");
        }
        if text.contains('@') {
            return refuse("a user name or password");
        }
        if url.host_str().is_none_or(str::is_empty) || url.port_or_known_default() == Some(0) {
            return refuse("no host or port");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return refuse("more than a host and a port");
        }
        Ok(Self(url))
    }

    /// The name or address to connect to, without the brackets of an IPv6 address, and the port.
    #[must_use]
    pub fn endpoint(&self) -> (&str, u16) {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        (bare, self.0.port_or_known_default().unwrap_or_default())
    }

    /// For requests over HTTPS, which it tunnels; a proxy of plain HTTP would read them and could repeat them.
    pub(super) fn tunnel(&self) -> Result<Proxy, reqwest::Error> {
        Proxy::https(self.0.clone())
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Authorities that are trusted beside the system's own.
#[derive(Clone, Debug, Default)]
pub struct Authorities(pub(super) Vec<Certificate>);

impl Authorities {
    /// Reads a file of certificates in PEM form.
    ///
    /// # Errors
    /// [`GatewayError::Authorities`] where it cannot be read or holds no certificate.
    pub fn load(path: &Path) -> Result<Self, GatewayError> {
        let refuse = |found: String| GatewayError::Authorities { path: path.to_owned(), found };
        let metadata = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
        if !metadata.is_file() || metadata.len() > CA_FILE_BYTES_MAX {
            return Err(refuse("no regular file of at most 1 MiB".to_owned()));
        }
        let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            Ok(_) => Err(refuse("no certificate".to_owned())),
            Err(_) => Err(refuse("a certificate that cannot be read".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (text, endpoint) in [
            ("http://proxy.example:3128", ("proxy.example", 3128)),
            (" http://10.0.0.7:8080/ ", ("10.0.0.7", 8080)),
            ("http://[2001:db8::7]:3128", ("2001:db8::7", 3128)),
            ("http://proxy.example", ("proxy.example", 80)),
        ] {
            assert_eq!(ProxyAddress::parse(text).unwrap().endpoint(), endpoint, "{text}");
        }
        for (text, expected) in [
            ("proxy.example:3128", "another scheme than http"),
            ("https://proxy.example:3128", "another scheme than http"),
            ("socks5://proxy.example:1080", "another scheme than http"),
            ("http://user:secret@proxy.example:3128", "a user name or password"),
            ("http://proxy.example:3128/path", "more than a host and a port"),
            ("http://proxy.example:0", "no host or port"),
            ("", "a text that is no url"),
        ] {
            let error = ProxyAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let said = |path: &Path| Authorities::load(path).unwrap_err().to_string();
        assert!(said(&path).contains("ca_file"), "{}", said(&path));
        for text in ["", "no certificate\n", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(said(&path).contains("certificate") && !said(&path).contains("MIIE"), "{}", said(&path));
        }
        assert!(said(folder.path()).contains("no regular file"), "{}", said(folder.path()));
    }
}
