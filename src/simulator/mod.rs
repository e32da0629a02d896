//! Stands in for the gateway on loopback: it keeps its own book of credits and lets a seeded plan of faults happen.
//!
//! It is the judge in tests, in the demo and in rehearsals, so it shares no code with the client it judges: headers,
//! bodies and codes are written down here a second time, from the gateway's documentation.
//!
//! ```text
//! server   accepts, drives one connection, resets it
//!   service  one request: read, draw its faults, process, answer
//!     headers  the rules of the headers, the signature      requests  the rules of the bodies
//!     desk     what each call means, against members + book  wire     the answer, whole or garbled
//! ```
//! What a fault does to a request follows from the plan's seed and the request itself, see [`FaultPlan`].
//!
//! Beside the gateway's address it serves `GET /book`, `GET /stats` and `POST /faults` (the body is a fault plan as a
//! string), without any authentication: it is bound to 127.0.0.1.

mod answer;
mod book;
mod book_json;
mod chance;
mod error;
mod fault;
mod gateway_state;
mod headers;
mod key;
mod link;
mod members;
mod nonces;
mod plan;
mod plan_settings;
mod requests;
mod server;
mod service;
mod stats;
mod wire;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use book::{Book, Delivery, DeliveryFate, Order, OrderStatus, Violation};
pub use chance::Latency;
pub use error::SimulatorError;
pub use key::{PublicKey, generate_key_pem};
pub use members::{Members, UnknownMembers};
pub use plan::FaultPlan;
pub use stats::{FaultCount, Stats};

use headers::Merchant;
use service::Shared;

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// The `X-Merchant-ID` that is let in.
    pub merchant_id: String,
    /// The `X-Terminal-ID` that is let in.
    pub terminal_id: String,
    /// The `X-Key-Code` that is let in.
    pub key_code: String,
    /// The key that signatures are verified with.
    pub public_key: PublicKey,
    /// Who is a member.
    pub members: Members,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// How long an answer takes.
    pub latency: Latency,
}

/// A running gateway on loopback. It ends with [`Simulator::stop`], or when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropping it ends the accept loop.
    stop: oneshot::Sender<Infallible>,
    accepting: JoinHandle<()>,
}

impl Simulator {
    /// Binds the port and begins to serve.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start(options: SimulatorOptions) -> Result<Self, SimulatorError> {
        Self::start_with(options, Book::default()).await
    }

    /// The same, with the book of an earlier one.
    ///
    /// # Errors
    /// When it cannot listen at its port.
    pub async fn start_with(options: SimulatorOptions, book: Book) -> Result<Self, SimulatorError> {
        let port = options.port;
        let listen = |source| SimulatorError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let merchant = Merchant {
            merchant_id: options.merchant_id,
            terminal_id: options.terminal_id,
            key_code: options.key_code,
            public_key: options.public_key,
        };
        let shared = Arc::new(Shared::new(merchant, options.members, options.latency, options.faults));
        shared.desk().book = book;
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(server::accept(listener, Arc::clone(&shared), stopped));
        Ok(Self { address, shared, stop, accepting })
    }

    /// Where it listens, without a path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The book as it stands.
    #[must_use]
    pub fn book(&self) -> Book {
        self.shared.settled_desk().book.clone()
    }

    /// The counters as they stand.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.settled_desk().stats.clone()
    }

    /// Lets other faults happen from now on. Late top-ups that are on their way still land.
    pub fn set_faults(&self, faults: FaultPlan) {
        self.shared.desk().plan = Arc::new(faults);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.set_faults(FaultPlan::none());
    }

    /// Closes the port and every connection, and waits until they are closed.
    pub async fn stop(self) {
        drop(self.stop);
        // The loop neither panics nor is aborted, and if it did, there would be nothing left to close.
        let _ended = self.accepting.await;
    }
}
