//! Removes names and phones of a finished batch: keyed hashes take the place of what told its members apart, and
//! everything else that says who they are is gone. What it came to stays: rows, points, states, numbers, history.
//!
//! Architecture invariant: nothing that a purge leaves can be sent, planned or retried: `PURGED:…` names no member.

use super::audit;
use super::purge_seal::{self, Purge};
use super::read;
use super::row::EVENT_COLUMNS;
use crate::crash;
use crate::domain::approval::Actor;
use crate::domain::payout_status::State;
use crate::ledger::chain::StoredEvent;
use crate::ledger::error::LedgerError;
use crate::ledger::ledger_chain::{self, LedgerEvent};
use crate::ledger::purge_key::PurgeKey;
use crate::ledger::read_store::ReadStore;
use crate::ledger::record::{Batch, BatchId, Totals, UnixMs};
use crate::ledger::store::Store;
use crate::ledger::views::{Personal, Purgeable};
use crate::ledger::words::actor_word;
use rusqlite::{Connection, Transaction, params};
use std::collections::HashMap;

const PURGING: &str = "purging a batch";
/// Rows that are read before they are written over.
const PAGE: usize = 512;
/// The guards that a purge has to lift, and puts back as they were in the same transaction.
const GUARDS: [&str; 3] = ["payouts_keep_what_they_send", "events_are_never_changed", "skipped_rows_are_never_changed"];
/// States that nothing leads out of but a person's decision that a purge forbids.
const OPEN: [State; 3] = [State::Planned, State::InDoubt, State::Held];

fn purging() -> impl FnOnce(rusqlite::Error) -> LedgerError {
    LedgerError::sqlite(PURGING)
}

/// Every batch, oldest first, those that were purged before included.
pub(super) fn purgeable(connection: &Connection) -> Result<Vec<Purgeable>, LedgerError> {
    // A check that found nothing new keeps nobody's data longer: only what changed a payout counts.
    let sql = "SELECT batch_id, max(at) FROM events WHERE state IS NOT NULL GROUP BY batch_id";
    let settled = read::rows(connection, sql, [], |row| {
        Ok((row.get::<_, i64>(0).map_err(purging())?, row.get::<_, UnixMs>(1).map_err(purging())?))
    })?;
    let settled: HashMap<i64, UnixMs> = settled.into_iter().collect();
    let mut found = Vec::new();
    for batch in connection.batches()? {
        let totals = connection.totals(batch.id)?;
        let settled_at = settled.get(&batch.id.0).copied().unwrap_or(batch.planned_at);
        found.push(Purgeable { open: open_rows(&totals), settled_at: settled_at.max(batch.planned_at), batch });
    }
    Ok(found)
}

fn open_rows(totals: &Totals) -> u64 {
    OPEN.into_iter().map(|state| totals.of(state).rows).sum()
}

pub(super) fn personal(connection: &Connection, batch: BatchId) -> Result<Personal, LedgerError> {
    let payouts = "SELECT count(name), count(receipt), count(extra) FROM payouts WHERE batch_id = ?1";
    let notes = "SELECT count(note) FROM events WHERE batch_id = ?1 AND payout_id IS NOT NULL";
    let (names, receipts, extras) = connection
        .query_row(payouts, [batch.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(purging())?;
    let notes = read::one(connection, notes, [batch.0])?.unwrap_or(0);
    Ok(Personal { names, receipts, extras, notes })
}

/// From here on nothing that is removed stays in the pages that it stood in. Before a transaction: it is none.
pub(super) fn delete_securely(connection: &Connection) -> Result<(), LedgerError> {
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(purging())
}

/// Purges a batch that was looked at: all of it in one transaction, or nothing.
pub(super) fn purge(
    transaction: Transaction<'_>,
    batch: &Batch,
    key: &PurgeKey,
    (at, actor): (UnixMs, &Actor),
    why: &str,
) -> Result<(), LedgerError> {
    check_as_looked_at(&transaction, batch)?;
    let guards = lift_guards(&transaction)?;
    redact_events(&transaction, batch.id)?;
    hash_payouts(&transaction, batch.id, key)?;
    empty_skipped_rows(&transaction, batch.id)?;
    for guard in guards {
        transaction.execute_batch(&guard).map_err(purging())?;
    }
    keep_purge(&transaction, batch, key, (at, actor), why)?;
    // In pairs with the audit before: what is committed is a batch that holds together.
    let purged = transaction.batch(batch.id)?;
    let audit = audit::audit(&transaction, &purged, None)?;
    if let Some(finding) = audit.findings.first() {
        let name = &batch.name;
        return Err(LedgerError::Broken(format!("batch {name} was not purged, since it would differ then: {finding}")));
    }
    crash::point("before-commit");
    transaction.commit().map_err(LedgerError::sqlite("committing a purge"))?;
    crash::point("after-commit");
    Ok(())
}

/// What was judged is what is purged: the lock keeps other commands off, this everybody else.
fn check_as_looked_at(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), LedgerError> {
    let now = transaction.batch(batch.id)?;
    let open = open_rows(&transaction.totals(batch.id)?);
    if now.purged_at.is_some() || now.chain_head != batch.chain_head || open > 0 {
        let name = &batch.name;
        return Err(LedgerError::Broken(format!("batch {name} is not as it was when its purge was decided")));
    }
    Ok(())
}

/// Takes the guards away, and gives what makes them again: exactly what the schema says of them.
fn lift_guards(transaction: &Transaction<'_>) -> Result<Vec<String>, LedgerError> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?1";
    let mut made_again = Vec::new();
    for guard in GUARDS {
        let made = read::one::<String>(transaction, sql, [guard])?;
        made_again.push(made.ok_or_else(|| LedgerError::Broken(format!("the trigger {guard} is gone")))?);
        transaction.execute_batch(&format!("DROP TRIGGER {guard}")).map_err(purging())?;
    }
    Ok(made_again)
}

/// Takes the notes out of the payouts' events, and keeps the hash that each event had with its note.
fn redact_events(transaction: &Transaction<'_>, batch: BatchId) -> Result<(), LedgerError> {
    let page = format!(
        "SELECT {EVENT_COLUMNS} FROM events e
         WHERE e.event_id > ?2 AND +e.batch_id = ?1 AND e.payout_id IS NOT NULL AND e.note IS NOT NULL
         ORDER BY e.event_id LIMIT {PAGE}"
    );
    let mut after = 0;
    loop {
        let events = read::rows(transaction, &page, [batch.0, after], |row| StoredEvent::read(row, 0))?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.event_id;
        for event in &events {
            transaction
                .prepare_cached("INSERT INTO redacted_events (event_id, sha256) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.execute(params![event.event_id, event.hash()]))
                .and_then(|_| transaction.prepare_cached("UPDATE events SET note = NULL WHERE event_id = ?1"))
                .and_then(|mut statement| statement.execute([event.event_id]))
                .map_err(purging())?;
        }
    }
}

/// Puts hashes in the place of what tells members and rows apart, and nothing in the place of the rest.
fn hash_payouts(transaction: &Transaction<'_>, batch: BatchId, key: &PurgeKey) -> Result<(), LedgerError> {
    let page = format!(
        "SELECT payout_id, row_key, member, phone FROM payouts
         WHERE payout_id > ?2 AND +batch_id = ?1 ORDER BY payout_id LIMIT {PAGE}"
    );
    let update = "UPDATE payouts SET row_key = ?2, member = ?3, spelt = NULL, phone = ?4, name = NULL, extra = NULL, receipt = NULL
                  WHERE payout_id = ?1";
    let mut after = 0;
    loop {
        let payouts = read::rows(transaction, &page, [batch.0, after], |row| {
            let text = |index| row.get::<_, String>(index).map_err(purging());
            let phone: Option<String> = row.get(3).map_err(purging())?;
            Ok((row.get::<_, i64>(0).map_err(purging())?, text(1)?, text(2)?, phone))
        })?;
        let Some((last, ..)) = payouts.last() else { return Ok(()) };
        after = *last;
        for (payout, row_key, member, phone) in &payouts {
            let phone = phone.as_deref().map(|phone| key.member(phone));
            transaction
                .prepare_cached(update)
                .and_then(|mut statement| {
                    statement.execute(params![payout, key.row_key(row_key), key.member(member), phone])
                })
                .map_err(purging())?;
        }
    }
}

/// That rows were skipped stays, and which; what stood in them goes, and the reasons, which repeat it.
fn empty_skipped_rows(transaction: &Transaction<'_>, batch: BatchId) -> Result<(), LedgerError> {
    transaction
        .execute("UPDATE skipped_rows SET cells = NULL, reasons = '[]' WHERE batch_id = ?1", [batch.0])
        .map(drop)
        .map_err(purging())
}

fn keep_purge(
    transaction: &Transaction<'_>,
    of: &Batch,
    key: &PurgeKey,
    (at, actor): (UnixMs, &Actor),
    why: &str,
) -> Result<(), LedgerError> {
    let batch = of.id;
    let credited_rows = transaction.totals(batch)?.of(State::Credited).rows;
    let last = "SELECT max(credited_at) FROM payouts WHERE batch_id = ?1";
    let last_credited_at = read::one::<Option<i64>>(transaction, last, [batch.0])?.flatten();
    let purge = Purge { at, why: why.to_owned(), credited_rows, last_credited_at, key_check: key.check() };
    let sha256 = purge_seal::seal(transaction, batch, &purge)?;
    transaction
        .execute(
            "INSERT INTO purges (batch_id, at, why, credited_rows, last_credited_at, key_check, sha256)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![batch.0, at, why, credited_rows, last_credited_at, purge.key_check, sha256],
        )
        .map_err(purging())?;
    let name = of.name.as_str();
    ledger_chain::append(
        &**transaction,
        at,
        &actor_word(actor, false),
        &LedgerEvent::BatchPurged { batch, name, seal: sha256 },
    )
}

/// Writes the file anew without the bytes that purges left in its free space, and empties its write-ahead log.
pub(super) fn wipe(connection: &Connection) -> Result<(), LedgerError> {
    const WIPING: &str = "writing the ledger's file anew";
    delete_securely(connection)?;
    connection.execute_batch("VACUUM").map_err(LedgerError::sqlite(WIPING))?;
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(LedgerError::sqlite(WIPING))?;
    if busy == 0 { Ok(()) } else { Err(LedgerError::ReadersInTheWay) }
}
