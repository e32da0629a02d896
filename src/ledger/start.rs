//! Judges whether a run of a batch may begin: at its own gateway, under the settings that its plan was sealed with and
//! within the operator's limits of now, and, while nothing of it was sent yet, with nothing that another batch pays or paid.

use super::database::Database;
use super::error::LedgerError;
use super::guard::Guard;
use super::record::{Batch, BatchEvent, BatchId};
use super::run_ledger::RunLedger;
use super::settings::{REPEAT, Settings};
use super::store::{Store, Waiting};
use super::under::{Purpose, Under};
use super::words::actor_word;
use super::writer::{Group, Write};
use super::{Ledger, binding};
use crate::domain::approval::Actor;
use crate::domain::payout_status::State;
use crate::domain::text::counted;
use std::path::Path;

/// Rows of other batches that a refusal names.
const REPEATS_NAMED: usize = 20;

impl Ledger {
    /// Hands the ledger to a run of one batch, if it is as the last one left it, after it was judged whether that
    /// may begin.
    ///
    /// # Errors
    /// [`LedgerError::Unsound`]; [`LedgerError::Bound`], [`LedgerError::SettingChanged`], [`LedgerError::OverLimit`] or
    /// [`LedgerError::Repeated`] where it may not; or when the second connection or the writer's thread cannot be had.
    pub fn into_run(mut self, batch: BatchId, under: &Under) -> Result<RunLedger, LedgerError> {
        self.file.check_to_run(batch)?;
        check(&mut self.file, self.purge_key.as_deref(), &self.actor, batch, under)?;
        let Under { purpose, repeats: rule, signed_valid, .. } = under.clone();
        let guard = Guard { may_send: purpose == Purpose::Pay, rule, signed_valid, purge_key: self.purge_key };
        RunLedger::begin(self.file, self.is_rehearsal, batch, &self.actor, purpose, guard)
    }
}

/// Refuses what may not begin. A reason for repeating another batch is kept where it was needed.
pub(super) fn check(
    database: &mut impl Database,
    purge_key: Option<&Path>,
    actor: &Actor,
    batch: BatchId,
    under: &Under,
) -> Result<(), LedgerError> {
    if under.purpose == Purpose::Record {
        return Ok(());
    }
    let store = database.store();
    let batch = store.batch(batch)?;
    binding::check(store, Some(&batch), &under.binding)?;
    let totals = store.totals(batch.id)?;
    let (planned, in_doubt) = (totals.of(State::Planned).rows, totals.of(State::InDoubt).rows);
    if under.purpose == Purpose::Ask || planned + in_doubt == 0 {
        return Ok(());
    }
    if let Some(changed) = batch.settings.changed(&under.settings) {
        return Err(LedgerError::SettingChanged { batch: batch.name.to_string(), changed: Box::new(changed) });
    }
    check_limits(store, &batch, &under.settings)?;
    if planned > 0 { check_repeats(database, purge_key, actor, &batch, under) } else { Ok(()) }
}

/// The operator's own limits, as they are now: one that was raised since the plan was sealed holds nothing back, one that
/// was lowered does where the plan is above it.
fn check_limits(store: &impl Store, batch: &Batch, now: &Settings) -> Result<(), LedgerError> {
    let lowered = |limit| {
        let then = batch.settings.limit(limit).unwrap_or(u64::MAX);
        now.limit(limit).filter(|now| *now < then)
    };
    let over = |limit, allowed, at_most, found| {
        let batch = batch.name.to_string();
        if found > at_most { Err(LedgerError::OverLimit { batch, limit, allowed, found }) } else { Ok(()) }
    };
    for (limit, what, found) in
        [("limits.rows_per_batch", "row", batch.rows), ("limits.points_per_batch", "point", batch.points)]
    {
        lowered(limit).map_or(Ok(()), |at_most| over(limit, counted(at_most, what), at_most, found))?;
    }
    let limit = "limits.points_per_payout";
    let Some(at_most) = lowered(limit) else { return Ok(()) };
    let allowed = format!("{} in one payout", counted(at_most, "point"));
    over(limit, allowed, at_most, store.largest_open(batch.id)?)
}

/// The guard between batches, by the clock of now: a plan may have waited, or been made under a wrong clock.
fn check_repeats(
    database: &mut impl Database,
    purge_key: Option<&Path>,
    actor: &Actor,
    batch: &Batch,
    under: &Under,
) -> Result<(), LedgerError> {
    let store = database.store();
    if !store.has_other_batches(batch.id)? || store.is_intended(batch.id)? {
        return Ok(());
    }
    let waiting = Waiting { batch: batch.id, version: 0 };
    let open = store.open_elsewhere(waiting, REPEATS_NAMED)?;
    if open.count > 0 {
        return Err(LedgerError::Repeated(Box::new(open)));
    }
    let is_meant = batch.settings.value(REPEAT).is_some_and(|why| !why.is_empty())
        || !store.batch_events(batch.id, &["repeat_accepted"])?.is_empty();
    if is_meant {
        return Ok(());
    }
    let since = under.repeats.since(under.now);
    let is_repeated = match store.credited_elsewhere(waiting, purge_key, since, REPEATS_NAMED) {
        Ok(found) if found.is_half_of(batch.rows) => Err(LedgerError::Repeated(Box::new(found))),
        Ok(_) => return Ok(()),
        // Without its key nobody can say whom a purged batch paid: only a person's word goes over that.
        Err(error) => Err(error),
    };
    let why = match (is_repeated, &under.repeats.why) {
        (Err(LedgerError::Repeated(_) | LedgerError::PurgeKey { .. }), Some(why)) => why,
        (other, _) => return other,
    };
    let actor = actor_word(actor, false);
    database.commit(|store| {
        let mut group = Group::begin(store, batch.id, &actor)?;
        group.write(&Write::Batch { at: under.now, event: BatchEvent::RepeatAccepted(why.clone()) })?;
        group.finish()
    })
}
