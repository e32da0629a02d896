//! Says in what a ledger is kept. Whatever is no file of SQLite begins here; nobody else in the ledger names a kind.

pub use super::sqlite::lease::Lease;
pub(super) use super::sqlite::network_share::refuse_network_share;
pub use super::sqlite::open::Access;
pub(super) use super::sqlite::{File, Inside, Reader};
