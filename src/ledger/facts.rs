//! What a batch was planned as: everything about it that a person is shown, in the note of the event that planned it,
//! and so in the chain of its history. Whoever changes a batch's row writes such an event anew.

use super::audit::Audit;
use super::error::LedgerError;
use super::ledger_chain::{self, LedgerEvent};
use super::record::{BatchEvent, BatchId, Newest, PayoutId, UnixMs};
use super::sqlite::read;
use super::writer::{Group, Write};
use crate::domain::sha256::{Hasher, Sha256, hex};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::{Map, Value, json};

const READING: &str = "reading what a batch was planned as";

/// The columns of `batches` that are facts: all but its row and the end of its chain.
const COLUMNS: [&str; 17] = [
    "name",
    "gateway_host",
    "merchant_id",
    "terminal_id",
    "invoice_prefix",
    "rows",
    "points",
    "skipped_rows",
    "plan_sha256",
    "file_name",
    "settings",
    "planned_at",
    "planned_by",
    "consent",
    "columns",
    "plan_version",
    "sealed",
];
/// The digest of the rows that were skipped, which are a table of their own.
const SKIPPED: &str = "skipped_sha256";

/// Where the rows begin that the plan added: they are confirmed apart from those before.
const FIRST_NEW: &str = "first_new_payout";

/// Writes what the batch's row says into its history, and the event into the ledger's.
pub(super) fn record(
    transaction: &Transaction<'_>,
    batch: BatchId,
    at: UnixMs,
    first_new: Option<PayoutId>,
) -> Result<(), LedgerError> {
    let mut facts = of(transaction, batch)?;
    if let Some(first_new) = first_new {
        facts.insert(FIRST_NEW.to_owned(), json!(first_new.0));
    }
    let mut group = Group::begin(transaction, batch)?;
    group.write(&Write::Batch { at, event: BatchEvent::Planned(Value::Object(facts.clone()).to_string()) })?;
    let event = group.head();
    group.finish()?;
    let name = facts.get("name").and_then(Value::as_str).unwrap_or_default();
    ledger_chain::append(transaction, at, &LedgerEvent::BatchPlanned { batch, name, event })
}

/// The newest rows of a batch, and whether the first of them were confirmed by order status.
pub(super) fn newest(connection: &Connection, batch: BatchId) -> Result<Newest, LedgerError> {
    let reading = || LedgerError::sqlite(READING);
    let sql = "SELECT event_id, kind, note FROM events WHERE batch_id = ?1 AND payout_id IS NULL
               AND kind IN ('batch_planned', 'canary_confirmed') ORDER BY event_id";
    let mut newest = Newest { first: None, confirmed: false };
    read::rows(connection, sql, [batch.0], |row| {
        let kind: String = row.get(1).map_err(reading())?;
        let note: Option<String> = row.get(2).map_err(reading())?;
        if kind == "canary_confirmed" {
            newest.confirmed = true;
            return Ok(());
        }
        let facts = note.and_then(|note| serde_json::from_str::<Map<String, Value>>(&note).ok()).unwrap_or_default();
        if let Some(first) = facts.get(FIRST_NEW).and_then(Value::as_i64) {
            newest = Newest { first: Some(PayoutId(first)), confirmed: false };
        }
        Ok(())
    })?;
    Ok(newest)
}

/// Makes the batch again what it was planned as before the version of its plan that nobody approved: what the newest of
/// the versions that are left says, or nothing.
pub(super) fn restore(
    transaction: &Transaction<'_>,
    batch: BatchId,
    left: &[u32],
    at: UnixMs,
) -> Result<(), LedgerError> {
    let sql = "SELECT note FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned'
               ORDER BY event_id DESC";
    let notes = read::rows(transaction, sql, [batch.0], |row| {
        row.get::<_, Option<String>>(0).map_err(LedgerError::sqlite(READING))
    })?;
    let facts = notes.into_iter().flatten().filter_map(|note| serde_json::from_str::<Map<String, Value>>(&note).ok());
    let is_left = |facts: &Map<String, Value>| {
        let version = facts.get("plan_version").and_then(Value::as_u64);
        version.is_some_and(|version| left.iter().any(|left| u64::from(*left) == version))
    };
    let before = facts.into_iter().find(is_left);
    let value = |column: &str| before.as_ref().and_then(|facts| facts.get(column)).cloned();
    let number = |column| value(column).and_then(|value| value.as_i64()).unwrap_or(0);
    let seal = value("plan_sha256").and_then(|value| value.as_str().and_then(Sha256::parse)).unwrap_or(Sha256::NONE);
    transaction
        .execute(
            "UPDATE batches SET rows = ?2, points = ?3, skipped_rows = ?4, plan_sha256 = ?5, plan_version = ?6
             WHERE batch_id = ?1",
            params![batch.0, number("rows"), number("points"), number("skipped_rows"), seal, number("plan_version")],
        )
        .map_err(LedgerError::sqlite(READING))?;
    for column in ["file_name", "settings", "consent", "columns", "sealed"] {
        if let Some(Value::String(text)) = value(column) {
            let sql = format!("UPDATE batches SET {column} = ?2 WHERE batch_id = ?1");
            transaction.execute(&sql, params![batch.0, text]).map_err(LedgerError::sqlite(READING))?;
        }
    }
    record(transaction, batch, at, None)
}

/// What the batch's row and the rows that it skipped say now.
fn of(connection: &Connection, batch: BatchId) -> Result<Map<String, Value>, LedgerError> {
    let reading = || LedgerError::sqlite(READING);
    let sql = format!("SELECT {} FROM batches WHERE batch_id = ?1", COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&sql).map_err(reading())?;
    let mut rows = statement.query([batch.0]).map_err(reading())?;
    let row = rows.next().map_err(reading())?.ok_or_else(|| LedgerError::Broken(format!("no batch {}", batch.0)))?;
    let mut facts = Map::new();
    for (index, column) in COLUMNS.iter().enumerate() {
        let value = match row.get_ref(index).map_err(reading())? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => json!(number),
            ValueRef::Real(number) => json!(number),
            ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
            ValueRef::Blob(blob) => json!(hex(blob)),
        };
        facts.insert((*column).to_owned(), value);
    }
    facts.insert(SKIPPED.to_owned(), json!(skipped_sha256(connection, batch)?.to_string()));
    Ok(facts)
}

/// The merchants and prefixes that a batch was planned under, in the order of its history.
pub(super) fn bindings(connection: &Connection, batch: BatchId) -> Result<Vec<(String, String)>, LedgerError> {
    let sql = "SELECT note FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned'
               ORDER BY event_id";
    let notes = read::rows(connection, sql, [batch.0], |row| {
        row.get::<_, Option<String>>(0).map_err(LedgerError::sqlite(READING))
    })?;
    let of = |note: Option<String>| {
        let facts = serde_json::from_str::<Map<String, Value>>(&note?).ok()?;
        let text = |fact| facts.get(fact).and_then(Value::as_str).map(str::to_owned);
        Some((text("merchant_id")?, text("invoice_prefix")?))
    };
    Ok(notes.into_iter().filter_map(of).collect())
}

/// SHA-256 over the rows that the batch skipped, of all its plans.
pub(super) fn skipped_sha256(connection: &Connection, batch: BatchId) -> Result<Sha256, LedgerError> {
    let mut context = Hasher::new();
    let sql = "SELECT plan, row, cells, reasons FROM skipped_rows WHERE batch_id = ?1 ORDER BY plan, row";
    read::rows(connection, sql, [batch.0], |row| {
        let read = || Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get_ref(2)?, row.get_ref(3)?));
        let (plan, sheet_row, cells, reasons) = read().map_err(LedgerError::sqlite(READING))?;
        context.update(&plan.to_be_bytes());
        context.update(&sheet_row.to_be_bytes());
        for text in [cells, reasons] {
            let text = text.as_str_or_null().map_err(|_| LedgerError::Broken("a stored text is none".to_owned()))?;
            context.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
            context.update(text.unwrap_or_default().as_bytes());
        }
        Ok(())
    })?;
    Ok(context.finish())
}

/// Holds what a batch says of itself against the event that planned it last.
pub(super) fn check(
    connection: &Connection,
    batch: BatchId,
    is_purged: bool,
    audit: &mut Audit,
) -> Result<(), LedgerError> {
    let sql = "SELECT note FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind = 'batch_planned'
               ORDER BY event_id DESC LIMIT 1";
    let note: Option<Option<String>> =
        connection.query_row(sql, [batch.0], |row| row.get(0)).optional().map_err(LedgerError::sqlite(READING))?;
    let planned = note.flatten().and_then(|note| serde_json::from_str::<Map<String, Value>>(&note).ok());
    let Some(planned) = planned else {
        audit.find("no event of the history says as what the batch was planned".to_owned());
        return Ok(());
    };
    let facts = of(connection, batch)?;
    for (fact, now) in &facts {
        // A purge removes the cells of skipped rows, and seals what is left of them.
        let may_differ = is_purged && fact == SKIPPED;
        if planned.get(fact) != Some(now) && !may_differ {
            let then = planned.get(fact).map_or_else(|| "nothing".to_owned(), Value::to_string);
            audit.find(format!("{fact}: the batch says {now}, and it was planned with {then}"));
        }
    }
    Ok(())
}
