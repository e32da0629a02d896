//! The ledger: what was planned, sent and answered, durable before anything depends on it.
//!
//! Architecture invariant: no SQL stands outside this module, and nothing outside it knows that the ledger is SQLite.

mod audit;
mod chain;
mod checkup;
mod columns;
mod decision;
mod error;
mod glance;
mod known;
mod lock;
mod open;
mod outcome;
mod permit;
mod planning;
mod read;
mod record;
mod repeats;
mod row;
mod run_ledger;
mod snapshot;
mod statement;
mod words;
mod writer;

pub use audit::Audit;
pub use checkup::Checkup;
pub use error::LedgerError;
pub use glance::{Glance, Pace, ReasonCount};
pub use lock::RunLock;
pub use open::Access;
pub use outcome::{Decided, ExtraCell, FileColumn, Outcome, TimedCall};
pub use permit::SubmitPermit;
pub use planning::{Gone, Placed, Planning, Size};
pub use record::{
    Batch, BatchEvent, BatchId, Binding, Call, Entry, NewPayout, Origin, Payout, PayoutId, Total, Totals, UnixMs,
};
pub use repeats::Repeat;
pub use run_ledger::RunLedger;
pub use snapshot::Snapshot;
pub use statement::{Claimed, NumberOwner, StatementLines};

use crate::domain::batch_name::BatchName;
use crate::domain::payout::TopUp;
use crate::domain::standing::State;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    /// `None`: in memory.
    path: Option<PathBuf>,
}

impl Ledger {
    /// Opens the ledger at `path`.
    ///
    /// # Errors
    /// When the file is missing, no ledger, of a newer schema, or not usable as `access` wants.
    pub fn open(path: &Path, access: Access) -> Result<Self, LedgerError> {
        Ok(Self { connection: open::open(path, access)?, path: Some(path.to_owned()) })
    }

    /// A ledger in memory, for simulations: the same schema and code, nothing durable.
    ///
    /// # Errors
    /// When SQLite cannot make one.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Ok(Self { connection: open::open_in_memory(":memory:")?, path: None })
    }

    /// A ledger in memory that everyone in this process who opens this name shares, as a file, while one of them has it
    /// open: it outlives a simulated crash, and an auditor can read it beside a run.
    ///
    /// # Errors
    /// When SQLite cannot make one.
    pub fn in_shared_memory(name: &str) -> Result<Self, LedgerError> {
        // The leading slash is what makes it shared.
        Ok(Self { connection: open::open_in_memory(&format!("file:/{name}?vfs=memdb"))?, path: None })
    }

    /// A copy that lives as long as this value, of the ledger at `from` if there is one: for rehearsals, which must
    /// not change anything. SQLite keeps it in a temporary file of its own when it is large.
    ///
    /// # Errors
    /// When the ledger cannot be read, or the copy not be made.
    pub fn scratch(from: Option<&Path>) -> Result<Self, LedgerError> {
        Ok(Self { connection: open::open_scratch(from)?, path: None })
    }

    /// All batches, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn batches(&self) -> Result<Vec<Batch>, LedgerError> {
        read::batches(&self.connection)
    }

    /// The batch of a name, if there is one.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn find_batch(&self, name: &str) -> Result<Option<Batch>, LedgerError> {
        read::batch(&self.connection, name)
    }

    /// The batch of a name.
    ///
    /// # Errors
    /// [`LedgerError::NoBatch`] when there is none.
    pub fn batch(&self, name: &str) -> Result<Batch, LedgerError> {
        self.find_batch(name)?.ok_or_else(|| LedgerError::NoBatch(name.to_owned()))
    }

    /// Rows and points of a batch by state.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn totals(&self, batch: BatchId) -> Result<Totals, LedgerError> {
        read::totals(&self.connection, batch)
    }

    /// Looks into a batch: why payouts were not paid, since when others are in doubt, and, if a run of it is going on,
    /// how fast that goes. Bounded, whatever the size of the batch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn glance(&self, batch: BatchId, now: UnixMs, running: bool) -> Result<Glance, LedgerError> {
        glance::glance(&self.connection, batch, now, running)
    }

    /// Shows every payout of a batch with its state, in the order of the plan.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn outcomes(&self, batch: BatchId, show: impl FnMut(&TopUp, State)) -> Result<(), LedgerError> {
        read::outcomes(&self.connection, batch, show)
    }

    /// Holds a batch against its own history; `head` is the (beginning of the) end of the history that an earlier
    /// summary printed.
    ///
    /// # Errors
    /// When the ledger cannot be read; what is wrong with it is a finding, not an error.
    pub fn audit(&self, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError> {
        audit::audit(&self.connection, batch, head)
    }

    /// Looks at the file as a whole; what is wrong with it is a finding, not an error.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn checkup(&self) -> Result<Checkup, LedgerError> {
        checkup::checkup(&self.connection)
    }

    /// Begins to hold a statement of the provider against a batch. Nothing of it stays.
    ///
    /// # Errors
    /// When there is no room for a temporary table.
    pub fn hold_against(&self, batch: &Batch) -> Result<StatementLines<'_>, LedgerError> {
        StatementLines::begin(&self.connection, batch)
    }

    /// A batch as it stands now, for results: a run beside it goes on, and does not show.
    ///
    /// # Errors
    /// [`LedgerError::NoBatch`] when there is none, or when the ledger cannot be read.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot<'_>, LedgerError> {
        Snapshot::take(&self.connection, name)
    }

    /// When the last run ended, in Unix milliseconds; `None` if it did not end on its own.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn last_run_ended_at(&self) -> Result<Option<UnixMs>, LedgerError> {
        read::last_run_ended_at(&self.connection)
    }

    /// Whether a run of the batch began and did not end on its own: it goes on, or was cut off.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn has_open_run(&self, batch: BatchId) -> Result<bool, LedgerError> {
        read::has_open_run(&self.connection, batch)
    }

    /// Whether no run ever sent anything from this ledger.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_unused(&self) -> Result<bool, LedgerError> {
        read::is_unused(&self.connection)
    }

    /// Begins to write a plan. Nothing of it is in the ledger before it is sealed.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn plan(&mut self, name: &BatchName, binding: &Binding, origin: &Origin) -> Result<Planning<'_>, LedgerError> {
        Planning::begin(&mut self.connection, name, binding, origin)
    }

    /// Begins to hold a file against the plan of a batch, and to add what is new in it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn plan_again(&mut self, batch: BatchId) -> Result<Planning<'_>, LedgerError> {
        Planning::again(&mut self.connection, batch)
    }

    /// Shows each payout of a batch in the order of the row keys.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn in_key_order(&self, batch: BatchId, show: impl FnMut(&str, &TopUp)) -> Result<(), LedgerError> {
        read::in_key_order(&self.connection, batch, show)
    }

    /// Hands the ledger to a run of one batch.
    ///
    /// # Errors
    /// When the second connection or the writer's thread cannot be had.
    pub fn into_run(self, batch: BatchId) -> Result<RunLedger, LedgerError> {
        open::set_cache(&self.connection, open::CACHE_KIB)?;
        match self.path {
            None => Ok(RunLedger::inline(self.connection, batch)),
            Some(path) => RunLedger::threaded(self.connection, open::open_beside(&path)?, batch),
        }
    }
}
