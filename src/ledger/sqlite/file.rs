//! A ledger's file while it is open, or what stands for one in memory: the connection, and what is let go of after it.

use super::held::{Held, Watched};
use super::{open, soundness};
use crate::ledger::error::LedgerError;
use crate::ledger::record::BatchId;
use crate::ledger::store::Database;
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

    /// Everything that is read while this lives is of one moment. It writes nothing and ends by being dropped.
    pub(in crate::ledger) fn moment(&self) -> Result<Transaction<'_>, LedgerError> {
        self.connection.unchecked_transaction().map_err(LedgerError::sqlite("reading the ledger"))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(in crate::ledger) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn check_files(&self) -> Result<(), LedgerError> {
        self.watched.as_ref().map_or(Ok(()), Watched::check)
    }
}

impl Database for File {
    type Store = Connection;

    fn store(&self) -> &Connection {
        &self.connection
    }

    fn commit<T>(&mut self, write: impl FnOnce(&Connection) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.check_files()?;
        // IMMEDIATE: a deferred transaction that reads before it writes is refused without waiting.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(LedgerError::sqlite("writing to the ledger"))?;
        let written = write(&transaction)?;
        transaction.commit().map_err(LedgerError::sqlite("committing to the ledger"))?;
        // In pairs: a commit into a file that nobody finds any more is none, and no permit rests on it.
        self.check_files()?;
        Ok(written)
    }
}

#[cfg(test)]
pub(super) mod tests;
