//! A file and the ledger to a plan: what will be paid, sealed under one hash, or the reasons why nothing will be.
//!
//! Architecture invariant: planning sends nothing, and a plan that is refused leaves nothing behind.

mod binding;
mod canonical;
mod draft;
mod duplicate_rows;
mod findings;
mod kinds;
mod reading;
mod refusal;
mod reimport_guard;
mod rules;
mod settings;
mod terms;

pub use binding::{Rebound, rebind, take_over, words as binding_words};
pub use canonical::{is_sealed, seal_of};
pub use draft::{Draft, DraftSummary, Planned};
pub use kinds::{ByState, RowKinds};
pub use refusal::{PROBLEMS_MAX, PlanError, Refusal};
pub use terms::{Limits, Resealing, Terms};

use crate::intake::Intake;
use crate::ledger::{Batch, Ledger, LedgerError, Origin, RunLedger, Under};

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
