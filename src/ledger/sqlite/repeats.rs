//! Finds payouts that another batch pays, or paid, to the same member with the same points; where that batch was purged,
//! by the hashes of its members.

use super::read::{self, get};
use crate::domain::payout_status::State;
use crate::ledger::error::LedgerError;
use crate::ledger::purge_key::{self, PurgeKey};
use crate::ledger::read_store::ReadStore;
use crate::ledger::record::{BatchId, PayoutId, UnixMs};
use crate::ledger::repeats::{Repeat, Repeated};
use crate::ledger::store::Waiting;
use rusqlite::{Connection, Row, params};
use std::path::Path;

/// States from which another batch may still pay.
const OPEN: [State; 3] = [State::Planned, State::InDoubt, State::Held];

/// What other batches have not finished.
pub(in crate::ledger) fn open_elsewhere(
    connection: &Connection,
    waiting: Waiting,
    few: usize,
) -> Result<Repeated, LedgerError> {
    let (count, list) = repeats(connection, waiting, &OPEN, UnixMs::MIN, few)?;
    Ok(Repeated { is_open: true, count, list })
}

/// What other batches credited since a time, in the order of the rows.
pub(in crate::ledger) fn credited_elsewhere(
    connection: &Connection,
    purge_key: Option<&Path>,
    waiting: Waiting,
    since: UnixMs,
    few: usize,
) -> Result<Repeated, LedgerError> {
    let (mut count, mut list) = repeats(connection, waiting, &[State::Credited], since, few)?;
    let (more, purged) = repeats_of_purged(connection, purge_key, waiting, since, few)?;
    count += more;
    list.extend(purged);
    list.sort_by_key(|repeat| repeat.row);
    list.truncate(few);
    Ok(Repeated { is_open: false, count, list })
}

/// Another batch of the merchant that has the member and points of one payout, whatever its state: unfinished ones first,
/// then what was credited since a time, purged batches included.
pub(in crate::ledger) fn of_payout(
    connection: &Connection,
    purge_key: Option<&Path>,
    payout: PayoutId,
    since: UnixMs,
) -> Result<Option<Repeat>, LedgerError> {
    let sql = format!(
        "SELECT p.row, {OTHER} {OTHERS}
         WHERE p.payout_id = ?1 AND {SAME_MERCHANT}
           AND (o.state IN ({}) OR o.state = 'credited' AND o.credited_at >= ?2)
         ORDER BY o.state = 'credited', o.credited_at DESC LIMIT 1",
        words(&OPEN)
    );
    let found = read::rows(connection, &sql, params![payout.0, since], |row| repeat(row, get(row, 0)?, 1))?.pop();
    if found.is_some() {
        return Ok(found);
    }
    let sql = "SELECT batch_id, row, member, phone, points FROM payouts WHERE payout_id = ?1";
    let of = read::rows(connection, sql, [payout.0], |row| {
        Ok((
            BatchId(get(row, 0)?),
            Paid { row: get(row, 1)?, member: get(row, 2)?, phone: get(row, 3)?, points: get(row, 4)? },
        ))
    })?;
    let Some((batch, paid)) = of.into_iter().next() else { return Ok(None) };
    match key_of_purged(connection, purge_key, batch, since)? {
        None => Ok(None),
        Some(key) => purged_like(connection, &key, batch, since, &paid),
    }
}

/// Waiting payouts whose member and points another batch has in one of `states` (credited ones only since a time): how
/// many, and the first few. Not in purged batches.
fn repeats(
    connection: &Connection,
    waiting: Waiting,
    states: &[State],
    since: UnixMs,
    few: usize,
) -> Result<(u64, Vec<Repeat>), LedgerError> {
    let from = from(states);
    let new = params![waiting.batch.0, since, waiting.version];
    let count = read::one(connection, &format!("SELECT count(DISTINCT p.payout_id) {from}"), new)?;
    let list_sql = format!("SELECT p.row, {OTHER} {from} ORDER BY p.row LIMIT ?4");
    let few = i64::try_from(few).unwrap_or(i64::MAX);
    let new = params![waiting.batch.0, since, waiting.version, few];
    let list = read::rows(connection, &list_sql, new, |row| repeat(row, get(row, 0)?, 1))?;
    Ok((count.unwrap_or(0), list))
}

/// The same among what purged batches credited, by hash: how many that repeat no other batch as well, and the first few.
/// The key is asked for only where there are such credits.
fn repeats_of_purged(
    connection: &Connection,
    purge_key: Option<&Path>,
    waiting: Waiting,
    since: UnixMs,
    few: usize,
) -> Result<(u64, Vec<Repeat>), LedgerError> {
    let Waiting { batch, version } = waiting;
    let sql = "SELECT payout_id, row, member, phone, points FROM payouts
               WHERE batch_id = ?1 AND plan >= ?2 AND state = 'planned' ORDER BY payout_id";
    let is_any = "SELECT 1 FROM payouts WHERE batch_id = ?1 AND plan >= ?2 AND state = 'planned' LIMIT 1";
    if read::one::<i64>(connection, is_any, (batch.0, version))?.is_none() {
        return Ok((0, Vec::new()));
    }
    let Some(key) = key_of_purged(connection, purge_key, batch, since)? else { return Ok((0, Vec::new())) };
    let other = format!("SELECT 1 {} AND p.payout_id = ?4 LIMIT 1", from(&[State::Credited]));
    let (mut count, mut list) = (0, Vec::new());
    read::each(connection, sql, (batch.0, version), |row| {
        let payout: i64 = get(row, 0)?;
        let paid = Paid { row: get(row, 1)?, member: get(row, 2)?, phone: get(row, 3)?, points: get(row, 4)? };
        let Some(found) = purged_like(connection, &key, batch, since, &paid)? else { return Ok(()) };
        let new = params![batch.0, since, version, payout];
        if read::one::<i64>(connection, &other, new)?.is_none() {
            count += 1;
            list.extend(Some(found).filter(|_| list.len() < few));
        }
        Ok::<_, LedgerError>(())
    })?;
    Ok((count, list))
}

/// Whom a payout pays, and how much.
struct Paid {
    row: u64,
    member: String,
    phone: Option<String>,
    points: u64,
}

/// The key of purged batches, where one of them credited something since a time.
fn key_of_purged(
    connection: &Connection,
    purge_key: Option<&Path>,
    batch: BatchId,
    since: UnixMs,
) -> Result<Option<PurgeKey>, LedgerError> {
    if read::one::<i64>(connection, PURGED_CREDITS, [batch.0, since])?.is_none() {
        return Ok(None);
    }
    let key = purge_key::read(&connection.purge_checks()?, purge_key)?;
    key.map(Some).ok_or_else(|| LedgerError::Broken("there are purged batches and no key".to_owned()))
}

fn purged_like(
    connection: &Connection,
    key: &PurgeKey,
    batch: BatchId,
    since: UnixMs,
    paid: &Paid,
) -> Result<Option<Repeat>, LedgerError> {
    let hashes = (key.member(&paid.member), key.member(paid.phone.as_deref().unwrap_or(&paid.member)));
    let like = params![batch.0, since, hashes.0, hashes.1, paid.points];
    Ok(read::rows(connection, PURGED_LIKE, like, |row| repeat(row, paid.row, 0))?.pop())
}

/// What `repeat` reads of the payout `o` and its batch `b`.
const OTHER: &str = "b.name, o.row, o.state, o.credited_at, b.planned_at";

/// Payouts `p` and their like `o` in other batches `b`.
const OTHERS: &str = "FROM payouts p
     CROSS JOIN payouts o ON (o.member = p.member OR o.member = p.phone OR o.phone = coalesce(p.phone, p.member))
                         AND o.points = p.points AND o.batch_id <> p.batch_id
     JOIN batches b ON b.batch_id = o.batch_id";

/// Whatever name or address the gateway has: a member is paid by a merchant.
const SAME_MERCHANT: &str = "b.merchant_id = (SELECT merchant_id FROM batches own WHERE own.batch_id = p.batch_id)";

fn words(states: &[State]) -> String {
    read::quoted(&states.iter().map(|state| state.word()).collect::<Vec<_>>())
}

/// Waiting payouts `p` and their like `o` in other batches `b` of the merchant.
fn from(states: &[State]) -> String {
    format!(
        "{OTHERS}
         WHERE p.batch_id = ?1 AND p.plan >= ?3 AND p.state = 'planned' AND o.state IN ({})
           AND coalesce(o.credited_at, ?2) >= ?2 AND {SAME_MERCHANT}",
        words(states)
    )
}

/// Whether a purged batch of the merchant has credits since `?2`. Only where one was credited after the purge (a
/// verification found it) are its payouts looked at.
const PURGED_CREDITS: &str = "SELECT 1 FROM purges g
     JOIN batches b ON b.batch_id = g.batch_id
     JOIN totals t ON t.batch_id = g.batch_id AND t.state = 'credited'
     WHERE b.merchant_id = (SELECT merchant_id FROM batches WHERE batch_id = ?1)
       AND (g.last_credited_at >= ?2 OR t.rows > g.credited_rows AND EXISTS (
            SELECT 1 FROM payouts o WHERE o.batch_id = g.batch_id AND o.state = 'credited' AND o.credited_at >= ?2))
     LIMIT 1";

/// What a purged batch credited to the member of these hashes, by its name (`?3`) or its phone (`?4`).
const PURGED_LIKE: &str = "SELECT b.name, o.row, o.state, o.credited_at, b.planned_at FROM payouts o
     CROSS JOIN batches b ON b.batch_id = o.batch_id
     WHERE (o.member = ?3 OR o.member = ?4 OR o.phone = ?4) AND o.points = ?5 AND o.batch_id <> ?1
       AND o.state = 'credited' AND o.credited_at >= ?2
       AND b.merchant_id = (SELECT merchant_id FROM batches WHERE batch_id = ?1) LIMIT 1";

/// Five columns from `first` on, as [`OTHER`] names them.
fn repeat(row: &Row<'_>, sheet_row: u64, first: usize) -> Result<Repeat, LedgerError> {
    Ok(Repeat {
        row: sheet_row,
        batch: get(row, first)?,
        other_row: get(row, first + 1)?,
        state: read::state_of(&get::<String>(row, first + 2)?)?,
        credited_at: get(row, first + 3)?,
        planned_at: get(row, first + 4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    #[test]
    fn a_payout_is_looked_for_in_purged_batches_by_index() {
        let ledger = Ledger::in_memory().unwrap();
        let mut plan = ledger.store().prepare(&format!("EXPLAIN QUERY PLAN {PURGED_LIKE}")).unwrap();
        let lines = plan.query_map(params![1, 1, "a", "b", 1], |row| row.get::<_, String>(3)).unwrap();
        let lines: Vec<String> = lines.map(Result::unwrap).collect();
        assert!(lines.iter().all(|line| !line.starts_with("SCAN")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("payouts_by_member")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("payouts_by_phone")), "{lines:#?}");
    }
}
