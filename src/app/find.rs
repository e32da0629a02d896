//! Finds what became of a member, a reference or a number, over all batches.

use super::context::Context;
use super::failure::Failure;
pub use crate::ledger::{FOUND_MAX, Found, FoundEvent};

/// What was found, and what could not be looked through.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The payouts, newest batch first.
    pub payouts: Vec<Found>,
    /// Batches whose members were removed: of them only an invoice_no finds anything.
    pub purged: Vec<String>,
}

/// Looks over all batches for a phone in any spelling, a card or user id, a reference or an invoice_no.
pub fn find(context: Context<'_>, text: &str) -> Result<Finding, Failure> {
    let ledger = context.open_to_read()?;
    let payouts = ledger.find(text)?;
    let batches = ledger.batches()?;
    let purged = batches.iter().filter(|batch| batch.purged_at.is_some()).map(|batch| batch.name.to_string()).collect();
    Ok(Finding { payouts, purged })
}
