//! The ledger in a file of SQLite: every statement, and what a file needs beside them.
//!
//! Architecture invariant: nobody else knows that there is SQL, or SQLite.

pub(super) mod audit;
mod backup;
pub(super) mod batch_details;
pub(super) mod checkup;
pub(super) mod columns;
pub(super) mod decision;
pub(super) mod error;
pub(super) mod facts;
pub(super) mod file;
pub(super) mod find;
pub(super) mod held;
pub(super) mod in_doubt;
pub(super) mod known;
pub(super) mod lease;
pub(super) mod ledger_audit;
pub(super) mod missing_payout;
pub(super) mod network_share;
pub(super) mod open;
pub(super) mod plan_members;
pub(super) mod planning;
pub(super) mod purge;
pub(super) mod purge_seal;
pub(super) mod read;
pub(super) mod rebinding;
pub(super) mod repeats;
pub(super) mod row;
pub(super) mod schema;
pub(super) mod sealing;
pub(super) mod skipped;
pub(super) mod snapshot;
pub(super) mod soundness;
pub(super) mod statement;
pub(super) mod store;

pub(super) use file::File;

/// What reads a ledger, beside a run too.
pub(super) type Reader = rusqlite::Connection;
