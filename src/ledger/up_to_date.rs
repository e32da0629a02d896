//! Tells whether a plan that waits would still be the same: planned anew now, it would go where it was to go, and nothing
//! that it pays would be paid by another batch. Looked at whenever it is shown, and again as it is approved; when a run
//! begins, `start` does.

use super::error::LedgerError;
use super::record::{Batch, UnixMs};
use super::settings::REPEAT;
use super::store::{Store, Waiting};
use crate::domain::proposal::Proposals;
use std::path::Path;

/// The proposals of a batch, the plan that waits marked where it is out of date. `proposed_at`: when that was proposed.
pub(super) fn judged(
    store: &impl Store,
    batch: &Batch,
    proposals: Proposals,
    proposed_at: UnixMs,
    purge_key: Option<&Path>,
) -> Result<Proposals, LedgerError> {
    let Some(plan) = proposals.waiting_plan() else { return Ok(proposals) };
    // Bound elsewhere meanwhile, the batch was sealed anew.
    let goes_elsewhere = plan.version == batch.plan_version && plan.seal != batch.plan_sha256;
    if goes_elsewhere || is_paid_elsewhere(store, batch, &proposals, proposed_at, purge_key)? {
        return Ok(proposals.outdated());
    }
    Ok(proposals)
}

/// Whether another batch has what waits: not finished, or credited since it was proposed and so much of it that a person
/// would have to say why.
fn is_paid_elsewhere(
    store: &impl Store,
    batch: &Batch,
    proposals: &Proposals,
    proposed_at: UnixMs,
    purge_key: Option<&Path>,
) -> Result<bool, LedgerError> {
    if !store.has_other_batches(batch.id)? {
        return Ok(false);
    }
    let version = proposals.approved_plan().map_or(1, |plan| plan.version + 1);
    let waiting = Waiting { batch: batch.id, version };
    if store.open_elsewhere(waiting, 1)?.count > 0 {
        return Ok(true);
    }
    if batch.settings.value(REPEAT).is_some_and(|why| !why.is_empty()) {
        return Ok(false);
    }
    let credited = store.credited_elsewhere(waiting, purge_key, proposed_at, 1)?;
    Ok(credited.is_half_of(store.rows_from(waiting)?))
}
