//! The ledger: what was planned, sent and answered, durable before anything depends on it.
//!
//! Here is what is true in any database: what is stored, how it is chained and sealed, who may write what, and where a permit
//! is minted; `sqlite` has the statements.
//!
//! Every verb fails with a [`LedgerError`] when the database cannot be read or written, or when what it holds contradicts
//! itself; nothing is half written then. Only what a verb refuses beyond that is said with it.
//!
//! # What a second kind of ledger has to bring
//! - `database::Database`: a transaction for a group of writes (`commit`), one that stays open while a file is read
//!   (`begin`), one that only reads (`moment`), and the removal of personal data (`purge`, `wipe`).
//! - On what those give: `store::Store`, the verbs of the money; `plan_store::PlanStore`, those of planning and of binding
//!   elsewhere; `read_store::ReadStore`, what is looked at. Statements only: no verb decides.
//! - What `kept` names besides: how it is opened, copied for a rehearsal (`File`) and backed up, and who alone may change it
//!   (`Lease`). Here the operating system's lock on the file is the lease, and nothing outlives its process; where it can
//!   run out while its holder goes on, each group of writes has to compare an epoch as it compares the chain's end
//!   (`writer`), and `last_run_ended_at` has to know of every run.
//! - A line of `tests/conformance`, which ends with the same chain for the same operations.
//!
//! All else (`Planning`, `Rebinding`, `Snapshot`, `StatementLines`, the writer, the audit's rules) is written over those.
//!
//! Architecture invariant: no SQL stands outside `sqlite`, and nobody but `kept` names it.

mod approvals;
mod audit;
mod binding;
mod chain;
mod database;
mod decided;
mod decision_gate;
mod decisive;
mod error;
mod facts;
#[cfg(test)]
pub(crate) mod fixture;
mod guard;
mod history;
mod intent;
mod kept;
mod known;
mod ledger_chain;
mod looks;
mod outcome;
mod permit;
mod plan_store;
mod planning;
mod proposals;
mod proposing;
mod purge_key;
mod read_store;
mod rebinding;
mod record;
mod repeats;
mod row_seal;
mod run_ledger;
mod sealing;
mod settings;
mod snapshot;
mod sqlite;
mod start;
mod statement;
mod store;
mod team;
mod under;
mod up_to_date;
mod views;
mod words;
mod writer;

pub use audit::Audit;
pub use error::LedgerError;
pub use kept::{Access, Lease};
pub use outcome::{Decided, ExtraCell, FileColumn, Outcome, TimedCall};
pub use permit::SubmitPermit;
pub use planning::{Placement, Planning};
pub use proposing::Along;
pub use purge_key::PurgeKey;
pub use rebinding::Rebinding;
pub use record::{
    Batch, BatchEvent, BatchId, Binding, Call, Entry, NewPayout, Newest, Origin, Payout, PayoutId, Size, Total, Totals,
    UnixMs,
};
pub use repeats::{Repeat, Repeated};
pub use run_ledger::RunLedger;
pub use settings::{Changed, Settings};
pub use snapshot::Snapshot;
pub use statement::{NumberOwner, StatementLines};
pub use under::{Purpose, RepeatRule, Under};
pub use views::{
    BatchDetails, Checkup, Earlier, FOUND_MAX, Found, FoundEvent, InDoubt, LastRun, LedgerEntry, MissingPayout, Pace,
    Personal, Purgeable, ReasonCount, Send, Skipped,
};

use crate::domain::approval::Actor;
use crate::domain::batch_name::BatchName;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use database::Database;
use kept::{File, Reader, refuse_network_share};
use plan_store::PlanStore;
use read_store::ReadStore;
use std::path::{Path, PathBuf};
use store::Store;

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
        refuse_network_share(folder)
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
        self.store().batches()
    }

    /// The batch of a name, if there is one.
    pub fn find_batch(&self, name: &str) -> Result<Option<Batch>, LedgerError> {
        self.store().batch_named(name)
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
        self.store().totals(batch)
    }

    /// Looks into a batch: why payouts were not paid, since when others are in doubt, and, if a run of it is going on,
    /// how fast that goes. Bounded, whatever the size of the batch.
    pub fn batch_details(&self, batch: BatchId, now: UnixMs, running: bool) -> Result<BatchDetails, LedgerError> {
        self.store().batch_details(batch, now, running)
    }

    /// Shows every payout of a batch with its state, in the order of the plan.
    pub fn outcomes(&self, batch: BatchId, show: impl FnMut(&TopUp, State)) -> Result<(), LedgerError> {
        self.store().each_state(batch, show)
    }

    /// Holds a batch against its own history; `head` is the (beginning of the) end of the history that an earlier
    /// summary printed.
    ///
    /// # Errors
    /// When the ledger cannot be read; what is wrong with it is a finding, not an error.
    pub fn audit(&self, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError> {
        self.store().audit(batch, head)
    }

    /// Begins to hold a statement of the provider against a batch. Nothing of it stays.
    ///
    /// # Errors
    /// When there is no room for a temporary table.
    pub fn reconcile_with(&self, batch: &Batch) -> Result<StatementLines<'_>, LedgerError> {
        StatementLines::begin(self.file.moment()?, batch)
    }

    /// A batch as it stands now, for results: a run beside it goes on, and does not show.
    ///
    /// # Errors
    /// [`LedgerError::NoBatch`] when there is none.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot<'_>, LedgerError> {
        Snapshot::take(self.file.moment()?, name)
    }

    /// When the last run ended, in Unix milliseconds; `None` if it did not end on its own.
    pub fn last_run_ended_at(&self) -> Result<Option<UnixMs>, LedgerError> {
        self.store().last_run_ended_at()
    }

    /// Whether a run of the batch began and did not end on its own: it goes on, or was cut off.
    pub fn has_open_run(&self, batch: BatchId) -> Result<bool, LedgerError> {
        Ok(self.last_run(batch, "")?.is_some_and(|run| run.ended.is_none()))
    }

    /// The newest run of a batch whose beginning begins so.
    pub fn last_run(&self, batch: BatchId, begins: &str) -> Result<Option<LastRun>, LedgerError> {
        self.store().last_run(batch, begins)
    }

    /// Whether no run ever sent anything from this ledger.
    pub fn is_unused(&self) -> Result<bool, LedgerError> {
        self.store().is_unused()
    }

    /// Begins to write a plan. Nothing of it is in the ledger before it is sealed.
    pub fn plan(&mut self, name: &BatchName, binding: &Binding, origin: &Origin) -> Result<Planning<'_>, LedgerError> {
        let (is_rehearsal, purge_key) = (self.is_rehearsal, self.purge_key.as_deref());
        let mut planning = Planning::begin(self.file.begin(true)?, purge_key, &self.actor, name, binding, origin)?;
        planning.is_rehearsal = is_rehearsal;
        Ok(planning)
    }

    /// Begins to hold a file against the plan of a batch, and to add what is new in it.
    pub fn plan_again(&mut self, batch: BatchId) -> Result<Planning<'_>, LedgerError> {
        let (is_rehearsal, purge_key) = (self.is_rehearsal, self.purge_key.as_deref());
        let mut planning = Planning::again(self.file.begin(false)?, purge_key, &self.actor, batch)?;
        planning.is_rehearsal = is_rehearsal;
        Ok(planning)
    }

    /// The key of the ledger's purged batches; `None`: there is none yet, and no purged batch.
    ///
    /// # Errors
    /// [`LedgerError::PurgeKey`] when there are purged batches, and their key is not there.
    pub fn purge_key(&self) -> Result<Option<PurgeKey>, LedgerError> {
        purge_key::read(&self.store().purge_checks()?, self.purge_key.as_deref())
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
        self.file.purge(batch, key, (at, &self.actor), why)
    }

    /// Writes the file anew, so that nothing that was removed is left in its free space or its write-ahead log.
    ///
    /// # Errors
    /// When the disk has no room for it, or another program is in the way. Nothing is lost then.
    pub fn wipe(&mut self) -> Result<(), LedgerError> {
        self.file.wipe()
    }

    /// Shows each payout of a batch in the order of the row keys, with the name that its file says.
    pub fn in_key_order(
        &self,
        batch: BatchId,
        show: impl FnMut(&str, &TopUp, Option<&str>),
    ) -> Result<(), LedgerError> {
        self.store().in_key_order(batch, show)
    }

    /// Looks at the ledger as it is at one moment, however much a run writes beside it meanwhile.
    pub fn at_one_moment<T, E: From<LedgerError>>(&self, look: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let _moment = self.file.moment()?;
        look(self)
    }
}
