//! Looks at all batches, or at one, beside a live run.

use super::clock::unix_ms;
use super::context::Context;
use super::failure::Failure;
use crate::domain::payout_status::State;
use crate::domain::proposal::Proposals;
use crate::domain::team::Policy;
use crate::engine::Mode;
use crate::ledger::{Batch, BatchDetails, Lease, Ledger, Skipped, Totals, UnixMs};
use crate::report::{DoubtList, IN_DOUBT_MAX, SKIPPED_MAX};

/// How one batch stands.
pub struct Stand {
    /// The batch.
    pub batch: Batch,
    /// Its payouts.
    pub totals: Totals,
    /// A run of it goes on.
    pub running: bool,
}

/// How one batch stands, in detail.
pub struct Look {
    /// How it stands.
    pub stand: Stand,
    /// When that was.
    pub now: UnixMs,
    /// What is in doubt.
    pub doubts: DoubtList,
    /// Progress and reasons.
    pub details: BatchDetails,
    /// Rows that were left out.
    pub skipped: Vec<Skipped>,
    /// Every version of its plan, and every decision that can pay again.
    pub proposals: Proposals,
    /// How many persons a plan needs.
    pub policy: Policy,
}

/// Looks at every batch.
pub fn all(context: Context<'_>) -> Result<Vec<Stand>, Failure> {
    let ledger = context.open_to_read()?;
    let lock_is_held = Lease::is_taken(context.settings.ledger_path());
    ledger.batches()?.into_iter().map(|batch| stand(&ledger, batch, lock_is_held)).collect()
}

/// Looks at one batch.
pub fn look(context: Context<'_>, batch: &str) -> Result<Look, Failure> {
    let ledger = context.open_to_read()?;
    let stand = stand(&ledger, ledger.batch(batch)?, Lease::is_taken(context.settings.ledger_path()))?;
    let id = stand.batch.id;
    let policy = context.settings.run_settings(Mode::Pay, 0)?.policy;
    let signed_valid = context.settings.signed_valid()?;
    let now = unix_ms();
    let in_doubt = ledger.in_doubt(id, IN_DOUBT_MAX)?;
    Ok(Look {
        now,
        doubts: DoubtList::new(
            &in_doubt,
            stand.totals.of(State::InDoubt).rows,
            &policy,
            (signed_valid, stand.running),
            now,
        ),
        details: ledger.batch_details(id, now, stand.running)?,
        skipped: ledger.skipped(&stand.batch, SKIPPED_MAX)?,
        proposals: ledger.proposals(&stand.batch)?,
        policy: ledger.team()?.policy(),
        stand,
    })
}

fn stand(ledger: &Ledger, batch: Batch, lock_is_held: bool) -> Result<Stand, Failure> {
    // The lock says that some run lives, the history whether it is this batch's.
    let running = lock_is_held && ledger.has_open_run(batch.id)?;
    Ok(Stand { totals: ledger.totals(batch.id)?, batch, running })
}
