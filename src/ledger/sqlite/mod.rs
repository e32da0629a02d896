//! The ledger in a file of SQLite: every statement, and what a file needs beside them.
//!
//! Architecture invariant: nobody else knows that there is SQL, or SQLite.

mod audit;
mod backup;
mod batch_details;
mod checkup;
mod decision;
mod error;
mod facts;
pub(super) mod file;
mod find;
mod held;
mod in_doubt;
pub(super) mod lease;
mod ledger_audit;
pub(super) mod network_share;
pub(super) mod open;
mod outcomes;
mod planning;
mod purge;
mod purge_seal;
mod read;
mod reads;
mod repeats;
mod row;
mod schema;
mod skipped;
mod soundness;
mod statement;
mod store;

pub(super) use file::File;

/// What a ledger is read by.
pub(super) type Reader = rusqlite::Connection;
/// A transaction that stays open.
pub(super) type Inside<'l> = rusqlite::Transaction<'l>;
