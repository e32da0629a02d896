//! The ledger: what was planned, sent and answered, durable before anything depends on it.

mod permit;

pub use permit::SubmitPermit;
