//! Reads the gateway's address, and lets plain HTTP go no further than this machine.

use super::error::GatewayError;
use reqwest::Url;
use std::fmt;
use std::net::IpAddr;

/// VinID developer documentation, "environments".
const SANDBOX: &str = "https://api-merchant-sandbox.vinid.dev";
/// VinID developer documentation, "environments".
const PRODUCTION: &str = "https://api-merchant.vinid.net";
/// The longest address that is taken, in bytes; a host name has at most 253.
const URL_BYTES_MAX: usize = 300;

const EXPECTED: &str = "\"sandbox\", \"production\" or a url such as https://gateway.example";
const HINT: &str = "set url under [gateway] to \"sandbox\", \"production\" or https://HOST[:PORT]";

/// Which of the provider's environments a gateway is, if it is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real members, real points.
    Production,
    /// The provider's own place for trials.
    Sandbox,
    /// A program on this machine, such as the simulator.
    ThisMachine,
    /// Any other host: nobody here knows what it does with points.
    Unknown,
}

impl Environment {
    /// The environment of a host, as [`GatewayUrl::host`] gives it.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        let name = host.rsplit_once(':').filter(port).map_or(host, |(name, _)| name).trim_end_matches('.');
        let is = |origin: &str| origin.strip_prefix("https://") == Some(name);
        match () {
            () if is(PRODUCTION) => Self::Production,
            () if is(SANDBOX) => Self::Sandbox,
            () if is_loopback(name) => Self::ThisMachine,
            () => Self::Unknown,
        }
    }
}

/// The address of a gateway: scheme, host and port, nothing else.
///
/// It is HTTPS, or it is this machine: a signed request read on the way could be delivered by somebody else.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayUrl(Url);

impl GatewayUrl {
    /// Reads `sandbox`, `production` or a URL.
    ///
    /// # Errors
    /// [`GatewayError::Url`] for plain HTTP to another machine, for any other scheme, and for user information, a
    /// query, a fragment or a path, each of which would silently be ignored or sent along.
    pub fn parse(text: &str) -> Result<Self, GatewayError> {
        let text = match text.trim() {
            "sandbox" => SANDBOX,
            "production" => PRODUCTION,
            other => other,
        };
        let refuse = |problem, hint| Err(GatewayError::Url { found: shown(text), expected: EXPECTED, problem, hint });
        if text.len() > URL_BYTES_MAX {
            return refuse("a text of more than 300 bytes", HINT);
        }
        let Ok(url) = Url::parse(text) else { return refuse("a text that is no url", HINT) };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return refuse("a url without a host", HINT);
        };
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return refuse("a scheme other than https", HINT),
        };
        if !secure && !is_loopback(host) {
            return refuse("plain http to another machine", "write https:// instead of http://");
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return refuse("a user name or password", "take out what stands in front of the @");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("a query or fragment", "end the url after the host or port");
        }
        if !matches!(url.path(), "" | "/") {
            return refuse("a path", "end the url after the host or port: the gateway's path is added");
        }
        if url.port() == Some(0) {
            return refuse("port 0", HINT);
        }
        Ok(Self(url))
    }

    /// The host, with the port where it is not the scheme's own: what a batch is bound to.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The name or address to connect to, without the brackets of an IPv6 address, and the port.
    #[must_use]
    pub fn endpoint(&self) -> (&str, u16) {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        (bare, self.0.port_or_known_default().unwrap_or_default())
    }

    /// The URL's text without a path, such as `https://gateway.example:8443`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.0.scheme(), self.host())
    }

    /// Whether requests go out encrypted; otherwise they stay on this machine.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of a path of this gateway.
    pub(super) fn with_path(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }
}

impl fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

/// `host` as a URL holds it: an IPv6 address stands in brackets there.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The text between `://` and the path: the URL type drops an empty user name, `https://@host`, without a trace.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

/// The text in quotes, unless it may hold a password or token.
fn shown(text: &str) -> String {
    if text.contains(['@', '?', '#']) || text.chars().count() > 80 {
        return "this text".to_owned();
    }
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_told_from_what_only_looks_like_it() {
        for (url, environment) in [
            ("production", Environment::Production),
            ("https://API-merchant.vinid.net.", Environment::Production),
            ("https://api-merchant.vinid.net:8443", Environment::Production),
            ("sandbox", Environment::Sandbox),
            ("http://127.0.0.1:8099", Environment::ThisMachine),
            ("http://[::1]:8099", Environment::ThisMachine),
            ("http://[::1]", Environment::ThisMachine),
            ("https://localhost", Environment::ThisMachine),
            ("https://api-merchant.vinid.net.example", Environment::Unknown),
            ("https://gateway.example", Environment::Unknown),
        ] {
            assert_eq!(Environment::of(&GatewayUrl::parse(url).unwrap().host()), environment, "{url}");
        }
    }

    #[test]
    fn an_address_is_https_or_this_machine() {
        for (text, origin, host) in [
            ("sandbox", "https://api-merchant-sandbox.vinid.dev", "api-merchant-sandbox.vinid.dev"),
            ("production", "https://api-merchant.vinid.net", "api-merchant.vinid.net"),
            ("https://Gateway.Example/", "https://gateway.example", "gateway.example"),
            ("https://gateway.example:443", "https://gateway.example", "gateway.example"),
            ("https://gateway.example:8443", "https://gateway.example:8443", "gateway.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9", "127.9.9.9"),
            ("http://[::1]:8080/", "http://[::1]:8080", "[::1]:8080"),
            (" http://localhost:1 ", "http://localhost:1", "localhost:1"),
        ] {
            let url = GatewayUrl::parse(text).unwrap();
            assert_eq!((url.origin().as_str(), url.host().as_str()), (origin, host), "{text}");
            assert_eq!(url.is_https(), origin.starts_with("https:"));
            let (name, port) = url.endpoint();
            assert!(url.host().contains(name) && !name.contains('[') && port > 0, "{name} {port}");
        }
    }

    #[test]
    fn every_other_address_is_refused_with_what_was_found() {
        for (text, problem) in [
            ("", "no url"),
            ("prod", "no url"),
            ("gateway.example", "no url"),
            ("127.0.0.1:8080", "no url"),
            ("localhost:8080", "without a host"),
            ("ftp://gateway.example", "scheme"),
            ("http://gateway.example", "plain http"),
            ("http://api-merchant.vinid.net", "plain http"),
            ("http://10.0.0.1:8080", "plain http"),
            ("http://0.0.0.0:8080", "plain http"),
            ("http://[::ffff:10.0.0.1]", "plain http"),
            ("http://localhost.gateway.example", "plain http"),
            ("http://127.0.0.1.gateway.example", "plain http"),
            ("http://127.0.0.1@gateway.example", "plain http"),
            ("https://user:secret@gateway.example", "user name"),
            ("https://user@gateway.example", "user name"),
            ("https://@gateway.example", "user name"),
            ("https://gateway.example/?a=1", "query"),
            ("https://gateway.example/#top", "fragment"),
            ("https://gateway.example/v1", "a path"),
            ("https://gateway.example//", "a path"),
            ("http://127.0.0.1:0", "port 0"),
        ] {
            let message = GatewayUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains(problem), "{text}: {message}");
            assert!(message.contains("\nhint: ") && message.contains("expected"), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
