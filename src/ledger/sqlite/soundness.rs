//! Looks at a ledger before a process writes to a batch of it for the first time: everything that can be held against
//! something else in a fraction of a second, whatever the size of the batch. Here a torn copy shows, and an edit of what
//! the whole batch rests on; each row is held against its seal when its permit is minted. `topup verify` looks at all.

use super::audit::check_chain;
use super::ledger_audit;
use super::open;
use super::read;
use super::row::EVENT_COLUMNS;
use super::schema;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;
use crate::ledger::audit::Audit;
use crate::ledger::chain::{self, StoredEvent};
use crate::ledger::error::LedgerError;
use crate::ledger::facts;
use crate::ledger::record::{Batch, BatchId};
use crate::ledger::store::Store;
use rusqlite::Connection;

/// A file up to this size is gone through, page by page and event by event: some 25,000 payouts, in 0.2 s.
const CHECKED_BYTES_MAX: u64 = 16 << 20;
/// The states that have an index of their own, and so are counted at once.
const COUNTED: [State; 5] = [State::Planned, State::InDoubt, State::Declined, State::Ineligible, State::Held];

/// Refuses a ledger whose batch cannot be what it says.
pub(in crate::ledger) fn check(connection: &Connection, batch: BatchId) -> Result<(), LedgerError> {
    let mut audit = Audit::default();
    let is_small = is_small(connection)?;
    if is_small {
        check_pages(connection, &mut audit)?;
    }
    schema::check(connection, &mut audit)?;
    ledger_audit::check(connection, &mut audit)?;
    check_batch(connection, batch, &mut audit)?;
    let batch = connection.batch(batch)?;
    check_counts(connection, &batch, &mut audit)?;
    // A payout that somebody put back together with its history is otherwise found by `topup verify` alone.
    if is_small && audit.findings.is_empty() {
        check_chain(connection, &batch, None, &mut audit)?;
    }
    refuse(&audit)
}

/// Before a plan is written: a batch is not planned anew over facts that were edited.
pub(in crate::ledger) fn check_before_plan(connection: &Connection, batch: Option<BatchId>) -> Result<(), LedgerError> {
    let mut audit = Audit::default();
    schema::check(connection, &mut audit)?;
    ledger_audit::check(connection, &mut audit)?;
    if let Some(batch) = batch {
        check_batch(connection, batch, &mut audit)?;
    }
    refuse(&audit)
}

fn refuse(audit: &Audit) -> Result<(), LedgerError> {
    match (audit.findings.first(), audit.finding_count.saturating_sub(1)) {
        (None, _) => Ok(()),
        (Some(finding), 0) => Err(LedgerError::Unsound { finding: finding.clone() }),
        (Some(finding), more) => Err(LedgerError::Unsound { finding: format!("{finding}; and {more} more") }),
    }
}

/// What the batch says of itself, and that its history ends where it says.
fn check_batch(connection: &Connection, batch: BatchId, audit: &mut Audit) -> Result<(), LedgerError> {
    let is_purged = connection.batch(batch)?.purged_at.is_some();
    facts::check(connection, batch, is_purged, audit)?;
    let reading = || LedgerError::sqlite("looking at the end of the history");
    let sql = "SELECT chain_head, chain_event FROM batches WHERE batch_id = ?1";
    let (head, event): (Sha256, Option<i64>) =
        connection.query_row(sql, [batch.0], |row| Ok((row.get(0)?, row.get(1)?))).map_err(reading())?;
    let sql = format!(
        "SELECT {EVENT_COLUMNS}, r.sha256 FROM events e LEFT JOIN redacted_events r ON r.event_id = e.event_id
         WHERE e.event_id = ?1 AND e.batch_id = ?2"
    );
    let found = read::rows(connection, &sql, (event, batch.0), |row| {
        let redacted = row.get::<_, Option<Sha256>>(14).map_err(reading())?.filter(|_| is_purged);
        let event = StoredEvent::read(row, 0)?;
        Ok(redacted.unwrap_or_else(|| event.hash()))
    })?;
    if found.first().unwrap_or(&chain::START) != &head {
        audit.find("the history of the batch does not end where the batch says that it ends".to_owned());
    }
    // Of all batches: an event behind the last one that any of them knows belongs to a moment that they do not.
    let sql = "SELECT (SELECT max(chain_event) FROM batches) IS (SELECT max(event_id) FROM events)";
    if read::one::<bool>(connection, sql, [])? != Some(true) {
        audit.find("the ledger's newest event is not the newest one that a batch knows of".to_owned());
    }
    Ok(())
}

fn check_counts(connection: &Connection, batch: &Batch, audit: &mut Audit) -> Result<(), LedgerError> {
    let totals = connection.totals(batch.id)?;
    let points: u64 = State::ALL.into_iter().map(|state| totals.of(state).points).sum();
    if (totals.rows(), points) != (batch.rows, batch.points) {
        audit.find(format!(
            "the totals come to {} payouts and {points} points, and the plan to {} and {}",
            totals.rows(),
            batch.rows,
            batch.points
        ));
    }
    for state in COUNTED {
        let word = state.word();
        // The state is spelt out, not bound: only then does SQLite use the partial index of that state.
        let sql = format!("SELECT count(*) FROM payouts WHERE batch_id = ?1 AND state = '{word}'");
        let counted = read::one::<u64>(connection, &sql, [batch.id.0])?.unwrap_or(0);
        let told = totals.of(state).rows;
        if counted != told {
            audit.find(format!("{word}: the totals say {told} payouts, and there are {counted}"));
        }
    }
    Ok(())
}

/// Whether all of the file can be gone through in no time.
fn is_small(connection: &Connection) -> Result<bool, LedgerError> {
    let pragma = |name: &str| Ok::<_, LedgerError>(read::one::<u64>(connection, name, [])?.unwrap_or(0));
    let bytes = pragma("PRAGMA page_count")? * pragma("PRAGMA page_size")?;
    Ok(open::is_file(connection) && bytes <= CHECKED_BYTES_MAX)
}

/// Each page: one of another moment than its neighbours does not fit to them.
fn check_pages(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    let lines = read::rows(connection, "PRAGMA quick_check(1)", [], |row| {
        row.get::<_, String>(0).map_err(LedgerError::sqlite("checking the ledger's file"))
    })?;
    lines.into_iter().filter(|line| line != "ok").for_each(|line| audit.find(format!("the file is damaged: {line}")));
    Ok(())
}
