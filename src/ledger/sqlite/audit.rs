//! Holds a batch against its own history: everything that must follow from the events, recomputed.
//!
//! What a person is shown of a batch is covered: its facts by the event that planned it, its rows by their seals, states,
//! numbers, times and totals by the events that led to them, and the batch itself by the ledger's own history.
//!
//! Architecture invariant: nothing here changes the ledger. It goes through tables in the order of their keys, so that
//! its memory does not grow with the batch.

use super::read::{self, get};
use super::row::{self, EVENT_COLUMNS, SEALED_COLUMNS, TOP_UP_COLUMNS};
use super::{ledger_audit, purge_seal, schema};
use crate::domain::invoice_no::{InvoiceNo, InvoicePrefix};
use crate::domain::payout_status::State;
use crate::domain::row_key::RowKey;
use crate::domain::sha256::Sha256;
use crate::ledger::audit::{Audit, History};
use crate::ledger::chain::{self, StoredEvent};
use crate::ledger::error::LedgerError;
use crate::ledger::record::{Batch, UnixMs};
use crate::ledger::row_seal::Sealed;
use crate::ledger::store::Store;
use crate::ledger::words::event_of;
use crate::ledger::{facts, proposals};
use rusqlite::{Connection, Row, Rows};

const AUDITING: &str = "auditing the ledger";

/// Audits one batch; `head` is the end of a chain that an earlier summary printed, or its beginning.
pub(in crate::ledger) fn audit(
    connection: &Connection,
    batch: &Batch,
    head: Option<&str>,
) -> Result<Audit, LedgerError> {
    let mut audit = Audit::default();
    check_file(connection, &mut audit)?;
    schema::check(connection, &mut audit)?;
    ledger_audit::check(connection, &mut audit)?;
    facts::check(connection, batch.id, batch.purged_at.is_some(), &mut audit)?;
    let words = proposals::findings(connection, batch.id, batch.name.as_str())?;
    words.into_iter().for_each(|finding| audit.find(finding));
    check_chain(connection, batch, head, &mut audit)?;
    let recovered = check_payouts(connection, batch, &mut audit)?;
    check_totals(connection, batch, recovered, &mut audit)?;
    check_purge(connection, batch, &mut audit)?;
    Ok(audit)
}

fn check_file(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerError> {
    for line in read::rows(connection, "PRAGMA integrity_check", [], |row| get::<String>(row, 0))? {
        if line != "ok" {
            audit.find(format!("the file is damaged: {line}"));
        }
    }
    let broken = read::rows(connection, "PRAGMA foreign_key_check", [], |row| get::<String>(row, 0))?;
    if !broken.is_empty() {
        audit.find(format!("{} rows refer to rows that are not there", broken.len()));
    }
    Ok(())
}

/// Each event carries the SHA-256 of the one before; the batch carries that of the last.
pub(super) fn check_chain(
    connection: &Connection,
    batch: &Batch,
    head: Option<&str>,
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    // A purge took notes out of events, and kept the hash that each had with its note.
    let sql = format!(
        "SELECT {EVENT_COLUMNS}, r.sha256 FROM events e LEFT JOIN redacted_events r ON r.event_id = e.event_id
         WHERE e.batch_id = ?1 ORDER BY e.event_id"
    );
    let mut statement = connection.prepare(&sql).map_err(LedgerError::sqlite(AUDITING))?;
    let mut rows = statement.query([batch.id.0]).map_err(LedgerError::sqlite(AUDITING))?;
    let (mut expected, mut head_seen) = (chain::START, false);
    let (mut before, mut last) = ("the beginning".to_owned(), None);
    while let Some(row) = next(&mut rows)? {
        let event = StoredEvent::read(row, 0)?;
        let redacted = get::<Option<Sha256>>(row, 14)?;
        if redacted.is_some() && batch.purged_at.is_none() {
            audit.find(format!("event {} is marked as purged, and its batch was not", event.event_id));
        }
        let redacted = redacted.filter(|_| batch.purged_at.is_some());
        let StoredEvent { event_id, kind, .. } = &event;
        if event.previous != expected {
            audit.find(format!(
                "the history is broken between {before} and event {event_id} ({kind}): one of them was edited, or \
                 events between them were removed or reordered"
            ));
        }
        audit.events += 1;
        expected = redacted.unwrap_or_else(|| event.hash());
        before = format!("event {event_id} ({kind})");
        last = Some(*event_id);
        head_seen |= head.is_some_and(|head| expected.to_string().starts_with(head));
    }
    let told =
        read::one::<Option<i64>>(connection, "SELECT chain_event FROM batches WHERE batch_id = ?1", [batch.id.0])?;
    if expected != batch.chain_head || told.flatten() != last {
        audit.find(format!("the history ends at {before}, which is not where the batch says that it ends"));
    }
    if let Some(head) = head.filter(|_| !head_seen) {
        audit.find(format!("no event of the history is {head}: events that were there are gone"));
    }
    Ok(())
}

/// Each payout's seal, state, number, attempt and time follow from its row and its history. Gives how many were credited
/// that no send of this ledger explains.
fn check_payouts(connection: &Connection, batch: &Batch, audit: &mut Audit) -> Result<u64, LedgerError> {
    let sql = format!(
        "SELECT p.payout_id, p.row, p.row_key, p.state, p.attempt, p.invoice_no, p.credited_at, p.sha256,
                {TOP_UP_COLUMNS}, {SEALED_COLUMNS}
         FROM payouts p WHERE p.batch_id = ?1 ORDER BY p.payout_id"
    );
    let mut statement = connection.prepare(&sql).map_err(LedgerError::sqlite(AUDITING))?;
    let mut rows = statement.query([batch.id.0]).map_err(LedgerError::sqlite(AUDITING))?;
    let former = Former::of(connection, batch)?;
    let (mut recovered, mut numbers) = (0, 0);
    while let Some(row) = next(&mut rows)? {
        audit.payouts += 1;
        let (id, sheet_row): (i64, u64) = (get(row, 0)?, get(row, 1)?);
        let (key, attempt) = (RowKey::from_stored(get(row, 2)?), get::<u32>(row, 4)?);
        if let Err(error) = row::top_up(row, 8) {
            audit.find(format!("row {sheet_row}: {error}"));
        }
        // Of a purged batch the rows' own seals are sealed with the rest.
        if batch.purged_at.is_none() && Sealed::read(row, 14)?.sha256(batch.name.as_str()) != get::<Sha256>(row, 7)? {
            audit.find(format!("row {sheet_row} is not what it was planned with"));
        }
        match history(connection, id) {
            Err(error) => audit.find(format!("row {sheet_row}: its history contradicts itself: {error}")),
            Ok(history) => {
                recovered += u64::from(history.recovered);
                let stands = (&*get::<String>(row, 3)?, get::<u32>(row, 4)?);
                history.check(sheet_row, stands, get(row, 6)?, audit);
            }
        }
        numbers += u64::from(attempt) + former.count(connection, batch, id, &key)?;
        let (payout, number) = ((id, sheet_row), get::<String>(row, 5)?);
        match batch.purged_at {
            None => check_numbers(connection, batch, payout, &key, (attempt, &number), audit)?,
            Some(_) => check_purged_number(connection, payout, (attempt, &number), audit)?,
        }
    }
    if audit.payouts != batch.rows {
        audit.find(format!("the plan has {} payouts, and the ledger holds {}", batch.rows, audit.payouts));
    }
    let sql = "SELECT count(*) FROM invoices i CROSS JOIN payouts p ON p.payout_id = i.payout_id WHERE p.batch_id = ?1";
    let found = read::one::<u64>(connection, sql, [batch.id.0])?.unwrap_or(0);
    // The numbers of a former merchant or prefix cannot be derived of a purged batch: its purge sealed all of them.
    if found != numbers && (former.is_none() || batch.purged_at.is_none()) {
        audit.find(format!("the payouts have {numbers} numbers by their attempts, and the ledger holds {found}"));
    }
    Ok(recovered)
}

/// The merchants and prefixes under which a batch was planned before a corrected configuration took it over: its payouts
/// have a number of each, and nothing was ever sent under it.
struct Former(Vec<(String, InvoicePrefix)>);

impl Former {
    fn of(connection: &Connection, batch: &Batch) -> Result<Self, LedgerError> {
        let mut former = Vec::new();
        for (merchant, prefix) in facts::bindings(connection, batch.id)? {
            let Some(prefix) = InvoicePrefix::parse(&prefix) else { continue };
            let own = (&batch.binding.merchant_id, &batch.binding.invoice_prefix);
            if (&merchant, &prefix) != own && !former.contains(&(merchant.clone(), prefix.clone())) {
                former.push((merchant, prefix));
            }
        }
        Ok(Self(former))
    }

    fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers of those a payout has.
    fn count(&self, connection: &Connection, batch: &Batch, payout: i64, key: &RowKey) -> Result<u64, LedgerError> {
        let sql = "SELECT 1 FROM invoices WHERE invoice_no = ?1 AND payout_id = ?2 AND attempt = 1";
        let mut count = 0;
        for (merchant, prefix) in &self.0 {
            let number = InvoiceNo::derive(prefix, merchant, &batch.name, key, 1);
            count +=
                u64::from(read::one::<i64>(connection, sql, rusqlite::params![number.as_str(), payout])?.is_some());
        }
        Ok(count)
    }
}

/// The numbers of all attempts are there, and are those that the rows lead to.
fn check_numbers(
    connection: &Connection,
    batch: &Batch,
    (payout, sheet_row): (i64, u64),
    key: &RowKey,
    (attempt, current): (u32, &str),
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    let sql = "SELECT 1 FROM invoices WHERE invoice_no = ?1 AND payout_id = ?2 AND attempt = ?3";
    for n in 1..=attempt {
        let number = InvoiceNo::derive(&batch.binding.invoice_prefix, &batch.binding.merchant_id, &batch.name, key, n);
        if read::one::<i64>(connection, sql, rusqlite::params![number.as_str(), payout, n])?.is_none() {
            audit.find(format!("row {sheet_row}: its number of attempt {n}, {number}, is not in the ledger"));
        }
        if n == attempt && number.as_str() != current {
            audit.find(format!("row {sheet_row}: it carries number {current}, and the row leads to {number}"));
        }
    }
    Ok(())
}

/// What is left of a purged batch is what its purge left, and nothing that it removed came back.
fn check_purge(connection: &Connection, batch: &Batch, audit: &mut Audit) -> Result<(), LedgerError> {
    if purge_seal::holds(connection, batch)? == Some(false) {
        audit.find("what is left of the batch is not what was sealed when it was purged".to_owned());
    }
    Ok(())
}

/// The numbers of a purged batch cannot be derived any more: its purge sealed all of them, and the current one is named
/// by its row.
fn check_purged_number(
    connection: &Connection,
    (payout, sheet_row): (i64, u64),
    (attempt, current): (u32, &str),
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    let sql = "SELECT 1 FROM invoices WHERE invoice_no = ?1 AND payout_id = ?2 AND attempt = ?3";
    if read::one::<i64>(connection, sql, rusqlite::params![current, payout, attempt])?.is_none() {
        audit.find(format!(
            "row {sheet_row}: it carries number {current}, which is not its number of attempt {attempt}"
        ));
    }
    Ok(())
}

fn check_totals(connection: &Connection, batch: &Batch, recovered: u64, audit: &mut Audit) -> Result<(), LedgerError> {
    let kept = connection.totals(batch.id)?;
    let sql = "SELECT state, count(*), sum(points) FROM payouts WHERE batch_id = ?1 GROUP BY state";
    let counted = read::rows(connection, sql, [batch.id.0], |row| {
        Ok((get::<String>(row, 0)?, get::<u64>(row, 1)?, get::<u64>(row, 2)?))
    })?;
    for state in State::ALL {
        let found = counted.iter().find(|(word, ..)| word == state.word());
        let (rows, points) = found.map_or((0, 0), |(_, rows, points)| (*rows, *points));
        let total = kept.of(state);
        if (total.rows, total.points) != (rows, points) {
            audit.find(format!(
                "{}: the totals say {} payouts and {} points, and the payouts come to {rows} and {points}",
                state.word(),
                total.rows,
                total.points
            ));
        }
        let expected = if state == State::Credited { recovered } else { 0 };
        if total.recovered != expected {
            audit.find(format!(
                "{}: the totals say {} recovered payouts, and the history has {expected}",
                state.word(),
                total.recovered
            ));
        }
    }
    let points: u64 = counted.iter().map(|(_, _, points)| points).sum();
    if points != batch.points {
        audit.find(format!("the plan has {} points, and its payouts come to {points}", batch.points));
    }
    Ok(())
}

fn history(connection: &Connection, payout: i64) -> Result<History, LedgerError> {
    let sql = "SELECT kind, detail, note, state, at FROM events WHERE payout_id = ?1 ORDER BY event_id";
    let events = read::rows(connection, sql, [payout], |row| {
        let event = event_of(&get::<String>(row, 0)?, get::<Option<String>>(row, 1)?.as_deref(), get(row, 2)?)?;
        Ok((event, get::<Option<String>>(row, 3)?, get::<UnixMs>(row, 4)?))
    })?;
    History::of(events)
}

fn next<'r>(rows: &'r mut Rows<'_>) -> Result<Option<&'r Row<'r>>, LedgerError> {
    rows.next().map_err(LedgerError::sqlite(AUDITING))
}
