//! Audits a batch: its own history, and the seal of its plan.

use crate::ledger::{Audit, Batch, Ledger, LedgerError};
use crate::plan;

/// The history, and the seal of the plan.
pub(super) fn audit(ledger: &Ledger, batch: &Batch, head: Option<&str>) -> Result<Audit, LedgerError> {
    let mut audit = ledger.audit(batch, head)?;
    // A purged batch was sealed anew, which the audit looked at.
    if batch.purged_at.is_none() && !plan::is_sealed(ledger, batch)? {
        audit.find("the payouts are not those that the plan was sealed with".to_owned());
    }
    Ok(audit)
}
