//! A ledger's file while it is open, or what stands for one in memory: the connection, and what is let go of after it.

use super::held::{Held, Watched};
use super::{open, purge, soundness};
use crate::domain::approval::Actor;
use crate::ledger::database;
use crate::ledger::database::Database;
use crate::ledger::error::LedgerError;
use crate::ledger::purge_key::PurgeKey;
use crate::ledger::record::{Batch, BatchId, UnixMs};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open ledger.
#[derive(Debug)]
pub(in crate::ledger) struct File {
    pub(super) connection: Connection,
    /// `None`: in memory.
    path: Option<PathBuf>,
    /// Its files, once a run writes into them: from then on they have to stay what they are.
    watched: Option<Watched>,
    /// The file itself; `None`: in memory. Let go of after the connection.
    held: Option<Arc<Held>>,
}

impl File {
    /// The ledger at a path.
    pub(in crate::ledger) fn open(path: &Path, access: open::Access) -> Result<Self, LedgerError> {
        let (connection, held) = open::open(path, access)?;
        Ok(Self { connection, path: Some(path.to_owned()), watched: None, held: Some(held) })
    }

    /// One in memory.
    pub(in crate::ledger) fn in_memory(uri: &str) -> Result<Self, LedgerError> {
        Ok(Self { connection: open::open_in_memory(uri)?, path: None, watched: None, held: None })
    }

    /// A copy that lives as long as this value.
    pub(in crate::ledger) fn scratch(from: Option<&Path>) -> Result<Self, LedgerError> {
        Ok(Self { connection: open::open_scratch(from)?, path: None, watched: None, held: None })
    }

    /// A reader beside this one; `None`: in memory there is none.
    pub(in crate::ledger) fn beside(&self) -> Result<Option<Self>, LedgerError> {
        let Some(path) = &self.path else { return Ok(None) };
        let connection = open::open_beside(path)?;
        Ok(Some(Self { connection, path: Some(path.clone()), watched: None, held: self.held.clone() }))
    }

    /// The same for a run's writer: from here on the file, its write-ahead log and its index have to stay what they are.
    pub(in crate::ledger) fn watched(self) -> Result<Self, LedgerError> {
        let watched = self.connection.path().map(|path| Watched::of(Path::new(path))).transpose()?;
        Ok(Self { watched, ..self })
    }

    /// Refuses a ledger whose batch cannot be what it says, before a run of it.
    pub(in crate::ledger) fn check_to_run(&self, batch: BatchId) -> Result<(), LedgerError> {
        open::set_cache(&self.connection, open::CACHE_KIB)?;
        soundness::check(&self.connection, batch)
    }

    fn check_files(&self) -> Result<(), LedgerError> {
        self.watched.as_ref().map_or(Ok(()), Watched::check)
    }
}

impl database::Transaction for Transaction<'_> {
    fn make_durable(self, doing: &'static str) -> Result<(), LedgerError> {
        self.commit().map_err(LedgerError::sqlite(doing))
    }
}

impl Database for File {
    type Store = Connection;
    type Transaction<'t> = Transaction<'t>;

    fn store(&self) -> &Connection {
        &self.connection
    }

    fn begin(&mut self, is_bulk: bool) -> Result<Transaction<'_>, LedgerError> {
        if is_bulk {
            open::set_cache(&self.connection, open::PLANNING_CACHE_KIB)?;
        }
        // IMMEDIATE: a deferred transaction that reads before it writes is refused without waiting.
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(LedgerError::sqlite("writing to the ledger"))
    }

    fn moment(&self) -> Result<Transaction<'_>, LedgerError> {
        self.connection.unchecked_transaction().map_err(LedgerError::sqlite("reading the ledger"))
    }

    fn commit<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.check_files()?;
        let transaction = self.begin(false)?;
        let written = write(&transaction)?;
        transaction.commit().map_err(LedgerError::sqlite("committing to the ledger"))?;
        // In pairs: a commit into a file that nobody finds any more is none, and no permit rests on it.
        self.check_files()?;
        Ok(written)
    }

    fn purge(&mut self, batch: &Batch, key: &PurgeKey, by: (UnixMs, &Actor), why: &str) -> Result<(), LedgerError> {
        purge::delete_securely(&self.connection)?;
        purge::purge(self.begin(true)?, batch, key, by, why)
    }

    fn wipe(&mut self) -> Result<(), LedgerError> {
        purge::wipe(&self.connection)
    }
}

#[cfg(test)]
mod tests;
