//! Why a run could not do its job.

use crate::domain::payout_status::IllegalTransition;
use crate::ledger::LedgerError;

/// Why a run could not do its job. Refusals and stops are no errors: they are in the ledger and the report.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An event contradicted a payout's history.
    #[error("a broken invariant stopped the run: {0}\nhint: keep the ledger and report this; nothing was sent on it")]
    IllegalTransition(#[from] IllegalTransition),
}
