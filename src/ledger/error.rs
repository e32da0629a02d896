//! Defines what can go wrong with the ledger, in words that say what to do.

use super::repeats::{Repeat, Repeated};
use super::settings::Changed;
use crate::domain::hint::{Choice, Hint, Step};
use crate::domain::payout_status::IllegalTransition;
use crate::domain::proposal::ProposalRefusal;
use crate::domain::team::TeamRefusal;
use std::path::PathBuf;

/// A ledger that cannot be used, or a write that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no file, and the command does not make one.
    #[error("there is no ledger at {0}")]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{path} is no ledger: expected an SQLite file written by topup, found {found}")]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// A newer program wrote the file.
    #[error(
        "the ledger {path} has schema {found}, this program knows up to {known}\nhint: a newer topup wrote it; use that one"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema that this program knows.
        known: usize,
    },
    /// Another command changes the ledger right now.
    #[error(
        "another run holds the ledger {path}: {holder}\nhint: wait for it, or stop it; a run that was killed holds nothing"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Which process, since when.
        holder: String,
    },
    /// The file has more names than one: each of them would have a write-ahead log of its own.
    #[error(
        "the ledger needs one name, and {path} is one of {names} hard links to it: each would have a write-ahead log of \
         its own, and the two know nothing of each other\nhint: find the others with `find -samefile {path}` and remove \
         them; a copy is made while nothing runs, with `cp`"
    )]
    ManyNames {
        /// The file.
        path: PathBuf,
        /// How many.
        names: u64,
    },
    /// The file is mounted by itself, and so its side files are elsewhere.
    #[error(
        "the ledger {path} is mounted by itself, and its write-ahead log would stand beside it and not beside the file that \
         it is\nhint: mount the folder in which the ledger is"
    )]
    Mounted {
        /// The file.
        path: PathBuf,
    },
    /// A file of the ledger was removed or replaced while it was open.
    #[error(
        "{path} was removed or replaced while the ledger was open; nothing more was sent, and what was being written may be \
         lost\nhint: leave the ledger, its -wal and its -shm alone while a run goes on; put the newest whole copy back: a \
         run then asks the gateway before every first send"
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The file lies where SQLite cannot keep its promises.
    #[error(
        "the ledger {path} is on a network share ({kind}), where writes can be lost\nhint: keep the ledger on a local disk"
    )]
    NetworkShare {
        /// The file.
        path: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// A setting that durability rests on could not be made.
    #[error("the ledger {path} does not keep {setting}: expected {expected}, found {found}")]
    Setting {
        /// The file.
        path: PathBuf,
        /// The PRAGMA.
        setting: &'static str,
        /// What durability needs.
        expected: &'static str,
        /// What SQLite answered.
        found: String,
    },
    /// The operating system said no.
    #[error("while {doing}: {source}{}", hint_for_io(.source))]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database said no.
    #[error("while {doing}: {said}{hint}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        said: Box<dyn std::error::Error + Send + Sync>,
        /// What helps, as a line of its own; empty: nothing in particular.
        hint: &'static str,
    },
    /// A batch that the ledger does not hold.
    #[error("the ledger holds no batch {0:?}")]
    NoBatch(String),
    /// The rows of a purged batch can no longer be told apart.
    #[error(
        "batch {batch} was purged on {day}: its names and phones are removed, and its rows can no longer be told apart; \
         nothing was changed and nothing was sent"
    )]
    Purged {
        /// The batch.
        batch: String,
        /// The day, in UTC.
        day: String,
    },
    /// The ledger, or a batch, belongs to another gateway, merchant, terminal or prefix: both are named, and what to do.
    #[error("{}", .0.message)]
    Bound(Box<Bound>),
    /// A setting that was sealed with the plan is another one now.
    #[error(
        "batch {batch} was planned with {setting} = {then}, and the configuration says {now}; nothing was sent",
        setting = .changed.setting, then = .changed.then, now = .changed.now
    )]
    SettingChanged {
        /// The batch.
        batch: String,
        /// The setting.
        changed: Box<Changed>,
    },
    /// A limit of the operator was lowered below what the plan comes to.
    #[error(
        "batch {batch} needs at most {allowed} ({limit}), has {found}; nothing was sent\nhint: raise the \
         limit, if all of the batch is to be paid"
    )]
    OverLimit {
        /// The batch.
        batch: String,
        /// The limit, as in the configuration.
        limit: &'static str,
        /// How much it allows, in words.
        allowed: String,
        /// What the plan has.
        found: u64,
    },
    /// Nothing of the batch was sent yet, and another batch pays, or lately paid, the same.
    #[error("{} payouts of the batch are paid, or were paid, by another batch: {}", .0.count, .0.list.first().map_or("", |repeat| &repeat.batch))]
    Repeated(Box<Repeated>),
    /// A decision would pay again what another batch pays or paid.
    #[error(
        "row {} has the member and points of row {} of batch {}, which is {}; nothing was changed",
        .0.row, .0.other_row, .0.batch, .0.state.word()
    )]
    PaidElsewhere(Box<Repeat>),
    /// The key that purged batches were hashed with is not there.
    #[error(
        "the ledger has purged batches, and their key is not in {path}: expected the file that the first purge made, found \
         {found}\nhint: put the file back from its backup"
    )]
    PurgeKey {
        /// Where it has to be.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// Somebody reads the file, so that its write-ahead log cannot be emptied.
    #[error("another program reads the ledger, so that its write-ahead log could not be emptied")]
    ReadersInTheWay,
    /// A row is not what it was planned with: somebody edited the ledger.
    #[error(
        "row {row} of batch {batch} is not what it was planned with: the ledger was changed by something else than \
         topup; nothing was sent for it, and the run stopped"
    )]
    RowChanged {
        /// The batch.
        batch: String,
        /// The row in the spreadsheet.
        row: i64,
    },
    /// A ledger is bound elsewhere by one person, where a plan needs two.
    #[error(
        "the configuration names another gateway, merchant or terminal than the ledger is bound to, and where a plan needs \
         two persons nobody changes that alone; nothing was changed and nothing was sent"
    )]
    BoundByTwo,
    /// The people or the policy do not allow it.
    #[error("{0}; nothing was changed")]
    Team(#[from] TeamRefusal),
    /// The rules of approval do not allow it.
    #[error("{0}; nothing was changed")]
    Proposal(#[from] ProposalRefusal),
    /// A permit was asked for what nobody approved, or not enough persons.
    #[error("row {row} of batch {batch} waits for approval; nothing was sent for it")]
    NotApproved {
        /// The batch.
        batch: String,
        /// The row in the spreadsheet.
        row: i64,
    },
    /// A decision that can pay again, and that nobody else approved.
    #[error("the {kind} of row {row} waits for another person's approval; nothing was changed")]
    DecisionNotApproved {
        /// What was decided.
        kind: &'static str,
        /// The row in the spreadsheet.
        row: i64,
    },
    /// A change of people or policy that its administrator did not sign.
    #[error("the signature of {name} {problem}; nothing was changed")]
    Signature {
        /// The administrator.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The ledger is not what a run left, as far as that shows at a glance: edited, damaged, or a torn copy.
    #[error("the ledger is not as topup left it: {finding}; nothing was sent")]
    Unsound {
        /// What does not fit.
        finding: String,
    },
    /// The ledger contradicts itself, or an event contradicts the ledger: nothing further is done.
    #[error("the ledger contradicts itself: {0}")]
    Broken(String),
    /// An earlier write failed, so that no later one may happen.
    #[error("the ledger stopped writing: {0}")]
    Stopped(String),
}

/// To what a ledger or a batch is bound, where something else was asked for.
#[derive(Debug)]
pub struct Bound {
    /// Both of them.
    pub message: String,
    /// What to do about it.
    pub hint: Hint,
}

impl LedgerError {
    /// What to do about it, where that names a step; other advice stands behind the words.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let status = |batch: &String| Hint::from(Step::Status(Some(batch.clone())));
        Some(match self {
            Self::Missing(_) => Hint::from(Step::Run)
                .words(" creates one; check ")
                .choice(Choice::Ledger)
                .words(" and [ledger] path"),
            Self::NotALedger { .. } => {
                Hint::of("check ").choice(Choice::Ledger).words(" and [ledger] path; an existing file is never overwritten")
            }
            Self::Bound(bound) => bound.hint.clone(),
            Self::PaidElsewhere(_) => Hint::of("if it is to be paid again although it was credited there, say why: ")
                .choice(Choice::WhyRepeated),
            Self::NoBatch(_) => Hint::from(Step::Status(None)).words(" lists them"),
            Self::Purged { batch, .. } => status(batch).words(
                " says how it ended; its name stays taken: new rows, and only those, are a batch of their own",
            ),
            Self::SettingChanged { batch, .. } => Hint::of("set it back; or look at the plan under the new setting (")
                .step(Step::DryRun(batch.clone()))
                .words("), and confirm it with ")
                .choice(Choice::Plan(None)),
            Self::RowChanged { batch, .. } => Hint::from(Step::VerifyOffline(Some(batch.clone()))).words(
                " lists what was changed; restore the ledger's newest backup, or ask who changed it: this row is not paid \
                 from this ledger",
            ),
            Self::BoundByTwo => Hint::of("two administrators go down to one person (")
                .step(Step::LowerPolicy)
                .words("), then the ledger is bound anew, and the policy raised again"),
            Self::NotApproved { batch, .. } => status(batch).words(" says what waits"),
            Self::Signature { name, .. } => Hint::of("sign with the key that ").step(Step::People).words(format!(
                " shows for {name}; what is signed names the end of the ledger's history, so a signature counts once"
            )),
            Self::Unsound { .. } => Hint::from(Step::VerifyOffline(None)).words(
                " lists everything; where it is a copy, it was made beside a run or without its -wal file: use the ledger \
                 itself, or its newest whole backup",
            ),
            Self::Broken(_) => {
                Hint::of("nothing was sent on it; keep the file and ").step(Step::Verify(None)).words(" it")
            }
            Self::NewerSchema { .. }
            | Self::Locked { .. }
            | Self::ManyNames { .. }
            | Self::Mounted { .. }
            | Self::Replaced { .. }
            | Self::NetworkShare { .. }
            | Self::Setting { .. }
            | Self::Io { .. }
            | Self::Storage { .. }
            | Self::OverLimit { .. }
            | Self::Repeated(_)
            | Self::PurgeKey { .. }
            | Self::ReadersInTheWay
            | Self::Team(_)
            | Self::Proposal(_)
            | Self::DecisionNotApproved { .. }
            | Self::Stopped(_) => return None,
        })
    }

    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl From<IllegalTransition> for LedgerError {
    fn from(impossible: IllegalTransition) -> Self {
        Self::Broken(impossible.to_string())
    }
}

fn hint_for_io(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    if matches!(error.kind(), Kind::PermissionDenied | Kind::ReadOnlyFilesystem) {
        "\nhint: the ledger's folder must be writable: SQLite keeps two files beside it"
    } else if error.kind() == Kind::StorageFull {
        "\nhint: free some disk space and run the same command again"
    } else {
        ""
    }
}
