//! The ledger: what was planned, sent and answered, durable before anything depends on it.
//!
//! Here is what is true in any database: what is stored, how it is chained and sealed, who may write what, and where a permit
//! is minted; `sqlite` has the statements. The rules ask for those through `store`, which a second kind of database would
//! have to answer as well.
//!
//! Every verb fails with a [`LedgerError`] when the database cannot be read or written, or when what it holds contradicts
//! itself; nothing is half written then. Only what a verb refuses beyond that is said with it.
//!
//! Architecture invariant: no SQL stands outside `sqlite`, and nothing outside it knows that there is SQLite.

mod approvals;
mod audit;
mod binding;
mod chain;
mod decided;
mod decision_gate;
mod error;
mod facts;
mod guard;
mod history;
mod intent;
mod ledger_chain;
mod looks;
mod outcome;
mod permit;
mod proposals;
mod proposing;
mod purge_key;
mod record;
mod repeats;
mod row_seal;
mod run_ledger;
mod settings;
mod sqlite;
mod start;
mod store;
mod team;
mod under;
mod up_to_date;
mod words;
mod writer;

pub use audit::Audit;
pub use error::LedgerError;
pub use outcome::{Decided, ExtraCell, FileColumn, Outcome, TimedCall};
pub use permit::SubmitPermit;
pub use proposing::Along;
pub use purge_key::PurgeKey;
pub use record::{
    Batch, BatchEvent, BatchId, Binding, Call, Entry, NewPayout, Newest, Origin, Payout, PayoutId, Size, Total, Totals,
    UnixMs,
};
pub use repeats::{Repeat, Repeated};
pub use run_ledger::RunLedger;
pub use settings::{Changed, Settings};
pub use sqlite::batch_details::{BatchDetails, Pace, ReasonCount};
pub use sqlite::checkup::Checkup;
pub use sqlite::find::{FOUND_MAX, Found, FoundEvent};
pub use sqlite::in_doubt::{InDoubt, Send};
pub use sqlite::lease::Lease;
pub use sqlite::missing_payout::MissingPayout;
pub use sqlite::open::Access;
pub use sqlite::plan_members::Earlier;
pub use sqlite::planning::{Placement, Planning};
pub use sqlite::purge::{Personal, Purgeable};
pub use sqlite::rebinding::Rebinding;
pub use sqlite::skipped::Skipped;
pub use sqlite::snapshot::Snapshot;
pub use sqlite::statement::{LedgerEntry, NumberOwner, StatementLines};
pub use under::{Purpose, RepeatRule, Under};

use crate::domain::approval::Actor;
use crate::domain::batch_name::BatchName;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use sqlite::{File, Reader};
use std::path::{Path, PathBuf};
use store::Database;

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    /// Where the key of its purged batches is, also of a copy.
    purge_key: Option<PathBuf>,
    /// A copy for a rehearsal: nothing of it is kept, and nothing of it is approved.
    is_rehearsal: bool,
    /// Who writes to it: each event names them.
    actor: Actor,
}

impl Ledger {
    fn of(file: File, purge_key: Option<PathBuf>) -> Self {
        Self { file, purge_key, is_rehearsal: false, actor: Actor::System("unknown".to_owned()) }
    }

    /// The same, written to by this person or account: each event that comes of it names them, in the chain of its
    /// history. What a person signed names that person whoever writes it.
    #[must_use]
    pub fn acting_as(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// What the rules ask.
    fn store(&self) -> &Reader {
        self.file.store()
    }

    /// Whether a ledger may be in this folder.
    ///
    /// # Errors
    /// [`LedgerError::NetworkShare`].
    pub fn check_place(folder: &Path) -> Result<(), LedgerError> {
        sqlite::network_share::refuse_network_share(folder)
    }

    /// Opens the ledger at `path`.
    ///
    /// # Errors
    /// When the file is missing, no ledger, of a newer schema, or not usable as `access` wants.
    pub fn open(path: &Path, access: Access) -> Result<Self, LedgerError> {
        let purge_key = Some(purge_key::path_beside(path));
        Ok(Self::of(File::open(path, access)?, purge_key))
    }

    /// A ledger in memory, for simulations: the same schema and code, nothing durable.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Ok(Self::of(File::in_memory(":memory:")?, None))
    }

    /// A ledger in memory that everyone in this process who opens this name shares, as a file, while one of them has it
    /// open: it outlives a simulated crash, and an auditor can read it beside a run.
    pub fn in_shared_memory(name: &str) -> Result<Self, LedgerError> {
        // The leading slash is what makes it shared.
        Ok(Self::of(File::in_memory(&format!("file:/{name}?vfs=memdb"))?, None))
    }

    /// A copy that lives as long as this value, of the ledger at `from` if there is one: for rehearsals, which must
    /// not change anything. SQLite keeps it in a temporary file of its own when it is large.
    ///
    /// # Errors
    /// When the copy cannot be made.
    pub fn scratch(from: Option<&Path>) -> Result<Self, LedgerError> {
        let copy = Self::of(File::scratch(from)?, from.map(purge_key::path_beside));
        Ok(Self { is_rehearsal: true, ..copy })
    }

    /// All batches, oldest first.
    pub fn batches(&self) -> Result<Vec<Batch>, LedgerError> {
        sqlite::read::batches(self.store())
    }

    /// The batch of a name, if there is one.
    pub fn find_batch(&self, name: &str) -> Result<Option<Batch>, LedgerError> {
        sqlite::read::batch(self.store(), name)
    }

    /// The batch of a name.
    ///
    /// # Errors
    /// [`LedgerError::NoBatch`] when there is none.
    pub fn batch(&self, name: &str) -> Result<Batch, LedgerError> {
        self.find_batch(name)?.ok_or_else(|| LedgerError::NoBatch(name.to_owned()))
    }

    /// Rows and points of a batch by state.
    pub fn totals(&self, batch: BatchId) -> Result<Totals, LedgerError> {
        sqlite::read::totals(self.store(), batch)
    }

    /// Looks into a batch: why payouts were not paid, since when others are in doubt, and, if a run of it is going on,
    /// how fast that goes. Bounded, whatever the size of the batch.
    pub fn batch_details(&self, batch: BatchId, now: UnixMs, running: bool) -> Result<BatchDetails, LedgerError> {
        sqlite::batch_details::batch_details(self.store(), batch, now, running)
    }

    /// Shows every payout of a batch with its state, in the order of the plan.
    pub fn outcomes(&self, batch: BatchId, show: impl FnMut(&TopUp, State)) -> Result<(), LedgerError> {
        sqlite::read::outcomes(self.store(), batch, show)
    }

    /// Holds a batch against its own history; `head` is the (beginning of the) end of the history that an earlier
    /// summary printed.
    ///
    /// # Errors
    /// When the ledger cannot be read; what is wrong with it is a finding, not an error.
    pub fn audit(&self, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError> {
        sqlite::audit::audit(self.store(), batch, head)
    }

    /// Begins to hold a statement of the provider against a batch. Nothing of it stays.
    ///
    /// # Errors
    /// When there is no room for a temporary table.
    pub fn reconcile_with(&self, batch: &Batch) -> Result<StatementLines<'_>, LedgerError> {
        StatementLines::begin(self.store(), batch)
    }

    /// A batch as it stands now, for results: a run beside it goes on, and does not show.
    ///
    /// # Errors
    /// [`LedgerError::NoBatch`] when there is none.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot<'_>, LedgerError> {
        Snapshot::take(self.store(), name)
    }

    /// When the last run ended, in Unix milliseconds; `None` if it did not end on its own.
    pub fn last_run_ended_at(&self) -> Result<Option<UnixMs>, LedgerError> {
        sqlite::read::last_run_ended_at(self.store())
    }

    /// Whether a run of the batch began and did not end on its own: it goes on, or was cut off.
    pub fn has_open_run(&self, batch: BatchId) -> Result<bool, LedgerError> {
        sqlite::read::has_open_run(self.store(), batch)
    }

    /// Whether no run ever sent anything from this ledger.
    pub fn is_unused(&self) -> Result<bool, LedgerError> {
        sqlite::read::is_unused(self.store())
    }

    /// Begins to write a plan. Nothing of it is in the ledger before it is sealed.
    pub fn plan(&mut self, name: &BatchName, binding: &Binding, origin: &Origin) -> Result<Planning<'_>, LedgerError> {
        let mut planning =
            Planning::begin(self.file.connection_mut(), self.purge_key.as_deref(), &self.actor, name, binding, origin)?;
        planning.is_rehearsal = self.is_rehearsal;
        Ok(planning)
    }

    /// Begins to hold a file against the plan of a batch, and to add what is new in it.
    pub fn plan_again(&mut self, batch: BatchId) -> Result<Planning<'_>, LedgerError> {
        let mut planning = Planning::again(self.file.connection_mut(), self.purge_key.as_deref(), &self.actor, batch)?;
        planning.is_rehearsal = self.is_rehearsal;
        Ok(planning)
    }

    /// The key of the ledger's purged batches; `None`: there is none yet, and no purged batch.
    ///
    /// # Errors
    /// [`LedgerError::PurgeKey`] when there are purged batches, and their key is not there.
    pub fn purge_key(&self) -> Result<Option<PurgeKey>, LedgerError> {
        sqlite::purge::key(self.store(), self.purge_key.as_deref())
    }

    /// Where that key is, or will be; `None`: of a ledger in memory there is none.
    #[must_use]
    pub fn purge_key_path(&self) -> Option<&Path> {
        self.purge_key.as_deref()
    }

    /// The key of the ledger's purged batches, made and durable now if there is none.
    ///
    /// # Errors
    /// When there are purged batches and their key is not there, or a new one cannot be made.
    pub fn purge_key_or_new(&self) -> Result<PurgeKey, LedgerError> {
        match (self.purge_key()?, &self.purge_key) {
            (Some(key), _) => Ok(key),
            (None, Some(path)) => purge_key::make(path),
            (None, None) => Err(LedgerError::Missing(PathBuf::from("a ledger in memory"))),
        }
    }

    /// Removes names and phones of a finished batch, all in one commit. Their bytes may be in the file until
    /// [`Ledger::wipe`].
    ///
    /// # Errors
    /// When the batch is not finished or would not hold together afterwards.
    pub fn purge(&mut self, batch: &Batch, key: &PurgeKey, at: UnixMs, why: &str) -> Result<(), LedgerError> {
        sqlite::purge::purge(self.file.connection_mut(), batch, key, (at, &self.actor), why)
    }

    /// Writes the file anew, so that nothing that was removed is left in its free space or its write-ahead log.
    ///
    /// # Errors
    /// When the disk has no room for it, or another program is in the way. Nothing is lost then.
    pub fn wipe(&mut self) -> Result<(), LedgerError> {
        sqlite::purge::wipe(self.store())
    }

    /// Shows each payout of a batch in the order of the row keys, with the name that its file says.
    pub fn in_key_order(
        &self,
        batch: BatchId,
        show: impl FnMut(&str, &TopUp, Option<&str>),
    ) -> Result<(), LedgerError> {
        sqlite::read::in_key_order(self.store(), batch, show)
    }

    /// Looks at the ledger as it is at one moment, however much a run writes beside it meanwhile.
    pub fn at_one_moment<T, E: From<LedgerError>>(&self, look: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let _moment = self.file.moment()?;
        look(self)
    }
}
