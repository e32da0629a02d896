//! The three calls of the gateway: bytes in, replies out. What a reply means is decided in `domain::answer`.

mod answer_body;
mod cause;
mod client;
mod error;
mod fence;
mod http_date;
mod key;
mod message;
mod names;
mod pem;
mod present;
mod reply;
mod request_body;
mod settings;
mod signature;
mod signers;
#[cfg(test)]
mod tests;
mod url;
mod way;

pub use client::{HttpGateway, Prepared};
pub use error::GatewayError;
pub use fence::Fence;
pub use key::{PrivateKey, read_passphrase};
pub use settings::GatewaySettings;
pub use url::{Environment, GatewayUrl};
pub use way::{Authorities, ProxyAddress};

use crate::domain::answer::Reply;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::phone::PhoneNumber;
use crate::ledger::SubmitPermit;
use std::future::Future;

/// One call to make.
#[derive(Debug)]
pub enum Request {
    /// Asks who stands behind a phone, or a card and a phone.
    MemberInfo {
        /// The member's phone.
        phone: PhoneNumber,
        /// The member's card, where the member is named by card.
        card_no: Option<String>,
    },
    /// Sends a top-up whose intent is durable.
    SubmitTopUp(SubmitPermit),
    /// Asks what became of a number.
    OrderStatus(InvoiceNo),
}

impl Request {
    /// The permit of a top-up; no other call needs one.
    fn permit(&self) -> Option<&SubmitPermit> {
        match self {
            Self::SubmitTopUp(permit) => Some(permit),
            Self::MemberInfo { .. } | Self::OrderStatus(_) => None,
        }
    }
}

/// What came back from one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The reply, as far as its meaning goes.
    pub reply: Reply,
    /// For people: `meta.message`, or what the transport said. Never a key, signature or whole phone number.
    pub message: String,
}

/// A gateway that can be called: the real one over HTTP, or a simulated one.
///
/// A call is made in two parts, since the time between them is the pacer's: `prepare` costs a signature, and a
/// request that is ready leaves at the moment that the rate allows.
pub trait Gateway: Send + Sync + 'static {
    /// A request that is ready to leave.
    type Prepared: Send + 'static;

    /// Serialises and signs.
    ///
    /// # Errors
    /// A text for people when the request cannot be built; nothing was sent then.
    fn prepare(
        &self,
        request: Request,
        request_id: &str,
    ) -> impl Future<Output = Result<Self::Prepared, String>> + Send;

    /// Sends once. Never resends, never follows a redirect.
    fn send(&self, prepared: Self::Prepared) -> impl Future<Output = Received> + Send;
}
