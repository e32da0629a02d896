//! A file and the ledger to a plan: what will be paid, sealed under one hash, or the reasons why nothing will be.
//!
//! Architecture invariant: planning sends nothing, and a plan that is refused leaves nothing behind.

mod canonical;
mod carried;
mod doubled;
mod draft;
mod judge;
mod kinds;

pub use canonical::{is_sealed, seal_of};
pub use draft::{Draft, DraftSummary};
pub use kinds::{ByState, RowKinds};

use crate::domain::batch_name::BatchName;
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::{Row, RowKey};
use crate::intake::{Intake, IntakeError, Problem};
use crate::ledger::{Batch, Binding, Ledger, LedgerError, Origin, UnixMs};

/// Problems that are listed; the rest is only counted.
pub const PROBLEMS_MAX: usize = 1000;

/// What a plan is made under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The batch.
    pub batch: BatchName,
    /// Gateway, merchant, terminal and prefix.
    pub binding: Binding,
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
    /// The batch, or the merchant's prefix, is bound to something else.
    #[error("{0}")]
    Bound(String),
}

/// Plans a file: a new batch, or the rows that an amended file adds to one.
///
/// # Errors
/// When the ledger or the file fails, or the batch is bound to something else.
pub fn plan<'l>(
    ledger: &'l mut Ledger,
    intake: Intake,
    terms: &Terms,
    origin: &Origin,
) -> Result<Planned<'l>, PlanError> {
    check_prefix(ledger, &terms.binding)?;
    let batch = ledger.find_batch(terms.batch.as_str())?.map(Batch::unpurged).transpose()?;
    if let Some(batch) = &batch {
        check_binding(batch, &terms.binding)?;
    }
    draft::draft(ledger, intake, terms, origin, batch)
}

/// Refuses to touch a batch under another gateway, merchant, terminal or prefix than it was planned under.
///
/// # Errors
/// [`PlanError::Bound`], naming both.
pub fn check_binding(batch: &Batch, binding: &Binding) -> Result<(), PlanError> {
    let bound = &batch.binding;
    let pairs = [
        ("gateway", &bound.gateway_host, &binding.gateway_host),
        ("merchant_id", &bound.merchant_id, &binding.merchant_id),
        ("terminal_id", &bound.terminal_id, &binding.terminal_id),
    ];
    for (what, planned, found) in pairs {
        if planned != found {
            return Err(PlanError::Bound(format!(
                "batch {} is bound to {what} {planned}, and the configuration says {found}\nhint: use the \
                 configuration that it was planned with, or another batch name",
                batch.name
            )));
        }
    }
    check_same_prefix(batch, binding)
}

fn check_same_prefix(batch: &Batch, binding: &Binding) -> Result<(), PlanError> {
    if batch.binding.invoice_prefix == binding.invoice_prefix {
        return Ok(());
    }
    Err(PlanError::Bound(format!(
        "merchant {} has paid under invoice_prefix {:?} (batch {}), and the configuration says {:?}\nhint: the prefix \
         is fixed for a merchant's life, since with another one the gateway would not refuse a second payment",
        batch.binding.merchant_id,
        batch.binding.invoice_prefix.as_str(),
        batch.name,
        binding.invoice_prefix.as_str()
    )))
}

/// With another prefix the same rows would have other numbers, and nothing would stop them at the gateway.
fn check_prefix(ledger: &Ledger, binding: &Binding) -> Result<(), PlanError> {
    let batches = ledger.batches()?;
    let mut same_merchant = batches.iter().filter(|batch| {
        batch.binding.merchant_id == binding.merchant_id && batch.binding.gateway_host == binding.gateway_host
    });
    same_merchant.try_for_each(|batch| check_same_prefix(batch, binding))
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
