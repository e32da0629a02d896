//! Defines what a client of the gateway is told before it calls.

use super::fence::Fence;
use super::url::GatewayUrl;
use super::way::{Authorities, ProxyAddress};
use std::fmt;
use std::time::Duration;

/// Where the gateway is, who calls it, and how long an answer may take.
#[derive(Clone)]
pub struct GatewaySettings {
    /// Scheme, host and port of the gateway; the paths of the calls are known.
    pub url: GatewayUrl,
    /// The merchant's store code (header `X-Merchant-ID`).
    pub merchant_id: String,
    /// The POS code (header `X-Terminal-ID`).
    pub terminal_id: String,
    /// The code of the API key, at most 36 characters (header `X-Key-Code`).
    pub key_code: String,
    /// How long one call may take from its first step to the last byte of the answer; above zero.
    pub timeout: Duration,
    /// How long the connection may take, name and TLS included; above zero. Only within it is a timeout provably
    /// unsent, so it should be shorter than `timeout`, which otherwise runs out first and leaves the send in doubt.
    pub connect_timeout: Duration,
    /// Through which proxy its connections are made; `None`: directly. Not for plain HTTP, which stays on this machine.
    pub proxy: Option<ProxyAddress>,
    /// Whom it trusts to vouch for the gateway beside the system's authorities.
    pub authorities: Authorities,
    /// How the gateway is made to refuse top-ups that are delivered late; `None`: it is not.
    pub fence: Option<Fence>,
}

impl GatewaySettings {
    /// The name or address that connections are made to, and the port: the proxy's where there is one.
    #[must_use]
    pub fn connects_to(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) if self.url.is_https() => proxy.endpoint(),
            Some(_) | None => self.url.endpoint(),
        }
    }
}

impl fmt::Debug for GatewaySettings {
    /// Without the key's code, which belongs to the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("url", &self.url)
            .field("merchant_id", &self.merchant_id)
            .field("terminal_id", &self.terminal_id)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("proxy", &self.proxy)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}
