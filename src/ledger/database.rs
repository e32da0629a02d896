//! Defines what a ledger's database is: what its transactions are asked ([`Store`], [`PlanStore`], [`ReadStore`]), and how
//! what is written in them becomes durable.

use super::error::LedgerError;
use super::plan_store::PlanStore;
use super::purge_key::PurgeKey;
use super::read_store::ReadStore;
use super::record::{Batch, UnixMs};
use super::store::Store;
use crate::domain::approval::Actor;
use std::ops::Deref;

/// A database that one command writes to.
pub(super) trait Database {
    /// What its transactions are asked.
    type Store: Store + PlanStore + ReadStore;
    /// A transaction that stays open while something else than the ledger is read, such as a file.
    type Transaction<'t>: Transaction + Deref<Target = Self::Store>
    where
        Self: 't;

    /// Reads outside of a transaction.
    fn store(&self) -> &Self::Store;

    /// Begins a transaction that waits for other writers. `is_bulk`: much is written in it, in no order.
    fn begin(&mut self, is_bulk: bool) -> Result<Self::Transaction<'_>, LedgerError>;

    /// Everything that is read in it is of one moment. It is dropped, never committed.
    fn moment(&self) -> Result<Self::Transaction<'_>, LedgerError>;

    /// Removes names and phones of a batch, all in one commit, if it is as it was looked at.
    fn purge(&mut self, batch: &Batch, key: &PurgeKey, by: (UnixMs, &Actor), why: &str) -> Result<(), LedgerError>;

    /// Leaves nothing of what was removed in the database's free space, as far as it can.
    fn wipe(&mut self) -> Result<(), LedgerError>;

    /// Does all of `write` in one transaction that waits for other writers, and returns once it is durable; or does
    /// nothing. A database that is no longer where it was is an error before the transaction, and after it too: a commit
    /// that nobody finds any more is none.
    fn commit<T>(&mut self, write: impl FnOnce(&Self::Store) -> Result<T, LedgerError>) -> Result<T, LedgerError>;
}

/// A transaction. Dropped, it leaves nothing behind.
pub(super) trait Transaction {
    /// Makes what was written in it durable; `doing`: what that is, for an error.
    fn make_durable(self, doing: &'static str) -> Result<(), LedgerError>;
}
