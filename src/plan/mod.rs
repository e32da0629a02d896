//! A file and the ledger to a plan: what will be paid, sealed under one hash, or the reasons why nothing will be.
//!
//! Architecture invariant: planning sends nothing, and a plan that is refused leaves nothing behind.

mod binding;
mod canonical;
mod draft;
mod duplicate_rows;
mod kinds;
mod reimport_guard;
mod rules;
mod settings;

pub use binding::{Rebound, rebind, take_over, words as binding_words};
pub use canonical::{is_sealed, seal_of};
pub use draft::{Draft, DraftSummary};
pub use kinds::{ByState, RowKinds};

use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::Row;
use crate::domain::row_key::RowKey;
use crate::intake::{Intake, IntakeError, Problem};
use crate::ledger::{Batch, Binding, Ledger, LedgerError, Origin, RunLedger, Settings, Under, UnixMs};

/// Problems that are listed; the rest is only counted.
pub const PROBLEMS_MAX: usize = 1000;

/// What a plan is made under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The batch.
    pub batch: BatchName,
    /// Gateway, merchant, terminal and prefix.
    pub binding: Binding,
    /// The settings of the configuration that are sealed with the plan, by name.
    pub settings: Settings,
    /// What becomes of a plan of which those settings changed since it was sealed.
    pub resealing: Resealing,
    /// Whether members get a message where their row says nothing (`payout.send_sms`).
    pub send_sms: bool,
    /// The operator's own limits.
    pub limits: Limits,
    /// How many rows the user expects (`--expect-rows`).
    pub expect_rows: Option<u64>,
    /// One member may stand in several rows without references (`--allow-repeat-phones`).
    pub allow_repeat_phones: bool,
    /// Pay the valid rows and report the rest as skipped (`--skip-invalid`).
    pub skip_invalid: bool,
    /// Why rows that another batch credited lately are paid again (`--repeat`).
    pub repeat_why: Option<String>,
    /// How long ago such a credit counts (`payout.repeat_window_days`).
    pub repeat_window_days: u32,
    /// Now, in Unix milliseconds.
    pub now: UnixMs,
}

/// What becomes of a plan of which a sealed setting changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resealing {
    /// It is refused: the consent was to another plan.
    Refused,
    /// It is sealed anew: on a copy, nothing is paid.
    OnACopy,
    /// It is sealed anew if it comes to exactly this seal, in hexadecimal digits (`--confirm-plan`).
    Confirmed(String),
}

/// The operator's own limits (`[limits]`); `None`: only the gateway's hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Points of one payout.
    pub points_per_payout: Option<u64>,
    /// Points of the whole batch.
    pub points_per_batch: Option<u64>,
    /// Payouts of the batch.
    pub rows_per_batch: Option<u64>,
}

/// What planning a file came to.
#[derive(Debug)]
pub enum Planned<'l> {
    /// A new batch, or new rows of one, in an open transaction: sealed with a consent, or dropped.
    Draft(Box<Draft<'l>>),
    /// The batch has all these rows already; and what a person should know.
    Known(Box<Batch>, Vec<String>),
    /// Nothing will be paid.
    Refused(Refusal),
}

/// Why a file is not paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of reason, for scripts.
    pub code: &'static str,
    /// The reason in one sentence, with a hint.
    pub message: String,
    /// The rows concerned, at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// All of them.
    pub problem_count: u64,
    /// What the rows of the file are to the batch; `None` where they were not read to the end.
    pub kinds: Option<Box<RowKinds>>,
}

/// Why a file could not be planned at all.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file could not be read.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Whether a run may begin.
#[derive(Debug)]
pub enum Start {
    /// It may.
    Run(Box<RunLedger>),
    /// Nothing will be paid.
    Refused(Refusal),
}

/// Plans a file: a new batch, or the rows that an amended file adds to one.
///
/// # Errors
/// When the ledger or the file fails, or the ledger or the batch is bound to something else.
pub fn plan<'l>(
    ledger: &'l mut Ledger,
    intake: Intake,
    terms: &Terms,
    origin: &Origin,
) -> Result<Planned<'l>, PlanError> {
    let find = |ledger: &Ledger| -> Result<Option<Batch>, LedgerError> {
        ledger.find_batch(terms.batch.as_str())?.map(Batch::unpurged).transpose()
    };
    let mut batch = find(ledger)?;
    let taken_over = take_over(ledger, batch.as_ref(), &terms.binding, terms.now)?;
    if taken_over.is_some() {
        batch = find(ledger)?;
    }
    draft::draft(ledger, intake, terms, origin, batch, taken_over)
}

/// Begins a run of a batch that is planned, unless a person has to be asked about it first.
///
/// # Errors
/// When the ledger fails, or refuses: under another binding, or other settings than the plan was sealed with.
pub fn start(ledger: Ledger, batch: &Batch, under: &Under) -> Result<Start, PlanError> {
    match ledger.into_run(batch.id, under) {
        Ok(run) => Ok(Start::Run(Box::new(run))),
        Err(LedgerError::Repeated(repeated)) => {
            let kinds = RowKinds { repeated: repeated.count, ..RowKinds::default() };
            let refusal = rules::repeated(*repeated, batch.rows, under.repeats.window_days, kinds);
            Ok(Start::Refused(Refusal { kinds: None, ..refusal }))
        }
        Err(error) => Err(error.into()),
    }
}

/// The number of a row's first attempt.
fn number_of(key: &RowKey, terms: &Terms) -> InvoiceNo {
    let Binding { invoice_prefix, merchant_id, .. } = &terms.binding;
    InvoiceNo::derive(invoice_prefix, merchant_id, &terms.batch, key, 1)
}

/// The keys that a row may have, in the order in which they are tried: its reference, or its member's n-th row.
fn keys_of(row: &Row) -> impl Iterator<Item = RowKey> + '_ {
    let reference = row.reference.as_deref().map(RowKey::reference);
    let occurrences = (1..).map(|n| RowKey::member(&row.member, n));
    let by_member = row.reference.is_none();
    reference.into_iter().chain(occurrences.take_while(move |_| by_member))
}

/// Problems as they are collected: the first ones listed, all counted.
#[derive(Debug, Default)]
struct Problems {
    listed: Vec<Problem>,
    count: u64,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.listed.len() < PROBLEMS_MAX {
            self.listed.push(problem);
        }
    }

    fn into_refusal(self, code: &'static str, message: String, kinds: RowKinds) -> Refusal {
        let kinds = Some(Box::new(kinds));
        Refusal { code, message, problems: self.listed, problem_count: self.count, kinds }
    }
}
