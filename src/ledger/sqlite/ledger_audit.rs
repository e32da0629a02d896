//! Holds the ledger's own history against itself, and against the batches that are there.

use super::read;
use super::row::EVENT_COLUMNS;
use crate::domain::sha256::Sha256;
use crate::ledger::audit::Audit;
use crate::ledger::chain::StoredLedgerEvent;
use crate::ledger::chain::{self, StoredEvent};
use crate::ledger::error::LedgerError;
use crate::ledger::ledger_chain::{bound_note, planned_note, purged_note};
use crate::ledger::team;
use rusqlite::Connection;

const READING: &str = "reading the ledger's own history";

/// The ledger's own events, oldest first: of these kinds, or all.
pub(in crate::ledger) fn ledger_events(
    connection: &Connection,
    kinds: Option<&[&str]>,
) -> Result<Vec<StoredLedgerEvent>, LedgerError> {
    let which = kinds.map(|kinds| format!("WHERE kind IN ({})", read::quoted(kinds))).unwrap_or_default();
    let sql = format!(
        "SELECT at, kind, batch_id, note, why, previous, ledger_event_id, actor FROM ledger_events {which}
         ORDER BY ledger_event_id"
    );
    read::rows(connection, &sql, [], |row| {
        let read = || {
            Ok(StoredLedgerEvent {
                at: row.get(0)?,
                kind: row.get(1)?,
                batch_id: row.get(2)?,
                note: row.get(3)?,
                why: row.get(4)?,
                previous: row.get(5)?,
                id: row.get(6)?,
                actor: row.get(7)?,
            })
        };
        read().map_err(LedgerError::sqlite(READING))
    })
}

/// Holds the ledger's own history against itself, and against the batches that are there.
pub(in crate::ledger) fn check(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    // A person's word about a plan names the last of these events before it: their numbers say who might then do what.
    let sql = "SELECT min(ledger_event_id) = 1 AND max(ledger_event_id) = count(*) FROM ledger_events";
    if read::one::<Option<bool>>(connection, sql, [])?.flatten() == Some(false) {
        audit.find("the events of the ledger's own history are not numbered one after the other".to_owned());
    }
    let events = ledger_events(connection, None)?;
    let mut expected = chain::START;
    for (nth, event) in (1..).zip(&events) {
        if event.previous != expected {
            audit.find(format!(
                "the ledger's own history is broken before its event {nth} ({}): one was edited, removed or reordered",
                event.kind
            ));
        }
        expected = event.hash();
    }
    check_head(connection, expected, &events, audit)?;
    team::findings(&team::changes(connection)?).into_iter().for_each(|finding| audit.find(finding));
    check_batches(connection, &events, audit)
}

/// The ledger's one row says what the last event of each kind says.
fn check_head(
    connection: &Connection,
    expected: Sha256,
    events: &[StoredLedgerEvent],
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    let sql = "SELECT chain_head, gateway_host, merchant_id, invoice_prefix FROM ledger";
    let rows = read::rows(connection, sql, [], |row| {
        let read = || {
            let text = |index| row.get::<_, Option<String>>(index);
            Ok((row.get::<_, Sha256>(0)?, [text(1)?, text(2)?, text(3)?]))
        };
        read().map_err(LedgerError::sqlite(READING))
    })?;
    let [(head, bound)] = rows.as_slice() else {
        audit.find(format!("the ledger needs one row that says to what it is bound, has {}", rows.len()));
        return Ok(());
    };
    if *head != expected {
        audit.find("the ledger's own history does not end where the ledger says that it ends".to_owned());
    }
    let [host, merchant, prefix] = bound.each_ref().map(|text| text.as_deref().unwrap_or_default());
    let told = events.iter().rfind(|event| event.kind == "bound").map(|event| event.note.as_str());
    let found = bound[1].is_some().then(|| bound_note(host, merchant, prefix));
    if told != found.as_deref() {
        audit.find("the ledger is not bound to what its own history says".to_owned());
    }
    Ok(())
}

/// Each batch that was planned is there under its name, planned last by the event that the ledger's history names, and
/// purged exactly if it says so.
fn check_batches(connection: &Connection, events: &[StoredLedgerEvent], audit: &mut Audit) -> Result<(), LedgerError> {
    let last =
        |kind: &str, batch: i64| events.iter().rfind(|event| event.kind == kind && event.batch_id == Some(batch));
    let sql = "SELECT batch_id, name, (SELECT sha256 FROM purges p WHERE p.batch_id = b.batch_id) FROM batches b";
    let batches = read::rows(connection, sql, [], |row| {
        let read = || Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<Sha256>>(2)?));
        read().map_err(LedgerError::sqlite(READING))
    })?;
    for (id, name, purge) in &batches {
        let planned = planned_by(connection, *id)?.map(|event| planned_note(name, &event));
        if planned.is_none() || last("batch_planned", *id).map(|event| &event.note) != planned.as_ref() {
            audit.find(format!("batch {name} is not planned as the ledger's own history says"));
        }
        let purged = purge.map(|seal| purged_note(name, &seal));
        if last("batch_purged", *id).map(|event| &event.note) != purged.as_ref() {
            audit.find(format!("batch {name} is not purged as the ledger's own history says"));
        }
    }
    for event in events.iter().filter(|event| event.kind == "batch_planned") {
        if !batches.iter().any(|(id, ..)| Some(*id) == event.batch_id) {
            audit.find(format!("a batch is gone: the ledger's own history says {}", event.note));
        }
    }
    Ok(())
}

/// The hash of the event by which a batch was planned last.
fn planned_by(connection: &Connection, batch: i64) -> Result<Option<Sha256>, LedgerError> {
    let sql = format!(
        "SELECT {} FROM events e WHERE e.batch_id = ?1 AND e.payout_id IS NULL AND e.kind = 'batch_planned'
         ORDER BY e.event_id DESC LIMIT 1",
        EVENT_COLUMNS
    );
    let event = read::rows(connection, &sql, [batch], |row| StoredEvent::read(row, 0))?.pop();
    Ok(event.map(|event| event.hash()))
}
