//! Judges whether a run of a batch may begin: at its own gateway, under the settings that its plan was sealed with and
//! within the operator's limits of now, and, while nothing of it was sent yet, with nothing that another batch pays or paid.

use super::Ledger;
use super::binding;
use super::error::LedgerError;
use super::record::{Batch, BatchEvent, BatchId};
use super::repeats::{self, Guard, Waiting};
use super::run_ledger::RunLedger;
use super::sqlite::open;
use super::sqlite::read;
use super::sqlite::soundness;
use super::under::{Purpose, Settings, Under};
use super::writer::{Group, Write};
use crate::domain::payout_status::State;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Rows of other batches that a refusal names.
const REPEATS_NAMED: usize = 20;
/// The sealed setting that holds why a plan repeats another batch.
pub(super) const REPEAT: &str = "--repeat";

impl Ledger {
    /// Hands the ledger to a run of one batch, if it is as the last one left it, after it was judged whether that
    /// may begin.
    ///
    /// # Errors
    /// [`LedgerError::Unsound`]; [`LedgerError::Bound`], [`LedgerError::SettingChanged`], [`LedgerError::OverLimit`] or
    /// [`LedgerError::Repeated`] where it may not; or when the second connection or the writer's thread cannot be had.
    pub fn into_run(mut self, batch: BatchId, under: &Under) -> Result<RunLedger, LedgerError> {
        open::set_cache(&self.connection, open::CACHE_KIB)?;
        soundness::check(&self.connection, batch)?;
        check(&mut self.connection, self.purge_key.as_deref(), batch, under)?;
        let Under { purpose, repeats: rule, signed_valid, .. } = under.clone();
        let guard = Guard { may_send: purpose == Purpose::Pay, rule, signed_valid, purge_key: self.purge_key };
        match self.path {
            None if self.is_rehearsal => Ok(RunLedger::rehearsing(self.connection, batch, purpose, guard)),
            None => RunLedger::inline(self.connection, batch, purpose, guard),
            Some(path) => {
                RunLedger::threaded(self.connection, open::open_beside(&path)?, batch, purpose, guard, self.held)
            }
        }
    }
}

/// Refuses what may not begin. A reason for repeating another batch is kept where it was needed.
pub(super) fn check(
    connection: &mut Connection,
    purge_key: Option<&Path>,
    batch: BatchId,
    under: &Under,
) -> Result<(), LedgerError> {
    if under.purpose == Purpose::Record {
        return Ok(());
    }
    let batch = read::batch_of(connection, batch)?;
    binding::check(connection, Some(&batch), &under.binding)?;
    let totals = read::totals(connection, batch.id)?;
    let (planned, in_doubt) = (totals.of(State::Planned).rows, totals.of(State::InDoubt).rows);
    if under.purpose == Purpose::Ask || planned + in_doubt == 0 {
        return Ok(());
    }
    if let Some(changed) = batch.settings.changed(&under.settings) {
        return Err(LedgerError::SettingChanged { batch: batch.name.to_string(), changed: Box::new(changed) });
    }
    check_limits(connection, &batch, &under.settings)?;
    if planned > 0 { check_repeats(connection, purge_key, &batch, under) } else { Ok(()) }
}

/// The operator's own limits, as they are now: one that was raised since the plan was sealed holds nothing back, one that
/// was lowered does where the plan is above it.
fn check_limits(connection: &Connection, batch: &Batch, now: &Settings) -> Result<(), LedgerError> {
    let lowered = |limit| {
        let then = batch.settings.limit(limit).unwrap_or(u64::MAX);
        now.limit(limit).filter(|now| *now < then)
    };
    let over = |limit, what, at_most, found| {
        let batch = batch.name.to_string();
        if found > at_most { Err(LedgerError::OverLimit { batch, limit, what, at_most, found }) } else { Ok(()) }
    };
    for (limit, what, found) in
        [("limits.rows_per_batch", "rows", batch.rows), ("limits.points_per_batch", "points", batch.points)]
    {
        lowered(limit).map_or(Ok(()), |at_most| over(limit, what, at_most, found))?;
    }
    let limit = "limits.points_per_payout";
    let Some(at_most) = lowered(limit) else { return Ok(()) };
    let sql = "SELECT max(points) FROM payouts WHERE batch_id = ?1 AND state IN ('planned', 'in_doubt')";
    let largest = read::one::<Option<u64>>(connection, sql, [batch.id.0])?.flatten().unwrap_or(0);
    over(limit, "points in one payout", at_most, largest)
}

/// The guard between batches, by the clock of now: a plan may have waited, or been made under a wrong clock.
fn check_repeats(
    connection: &mut Connection,
    purge_key: Option<&Path>,
    batch: &Batch,
    under: &Under,
) -> Result<(), LedgerError> {
    let other = "SELECT 1 FROM batches WHERE batch_id <> ?1 LIMIT 1";
    if read::one::<i64>(connection, other, [batch.id.0])?.is_none() || binding::is_intended(connection, batch.id)? {
        return Ok(());
    }
    let waiting = Waiting { batch: batch.id, after: 0 };
    let open = repeats::open_elsewhere(connection, waiting, REPEATS_NAMED)?;
    if open.count > 0 {
        return Err(LedgerError::Repeated(Box::new(open)));
    }
    let is_meant = batch.settings.value(REPEAT).is_some_and(|why| !why.is_empty())
        || read::has_batch_event(connection, batch.id, "repeat_accepted")?;
    if is_meant {
        return Ok(());
    }
    let since = under.repeats.since(under.now);
    let is_repeated = match repeats::credited_elsewhere(connection, purge_key, waiting, since, REPEATS_NAMED) {
        Ok(found) if found.is_half_of(batch.rows) => Err(LedgerError::Repeated(Box::new(found))),
        Ok(_) => return Ok(()),
        // Without its key nobody can say whom a purged batch paid: only a person's word goes over that.
        Err(error) => Err(error),
    };
    let why = match (is_repeated, &under.repeats.why) {
        (Err(LedgerError::Repeated(_) | LedgerError::PurgeKey { .. }), Some(why)) => why,
        (other, _) => return other,
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(LedgerError::sqlite("keeping why a batch repeats another"))?;
    let mut group = Group::begin(&transaction, batch.id)?;
    group.write(&Write::Batch { at: under.now, event: BatchEvent::RepeatAccepted(why.clone()) })?;
    group.finish()?;
    transaction.commit().map_err(LedgerError::sqlite("keeping why a batch repeats another"))
}
