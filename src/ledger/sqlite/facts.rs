//! Reads and writes what a batch says of itself: the columns of its row, by name.

use super::read;
use crate::domain::sha256::{Hasher, Sha256, hex};
use crate::ledger::error::LedgerError;
use crate::ledger::facts::SKIPPED;
use crate::ledger::record::BatchId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
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
/// What the batch's row and the rows that it skipped say now.
pub(super) fn of(connection: &Connection, batch: BatchId) -> Result<Map<String, Value>, LedgerError> {
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

/// Makes the batch's row what these facts say, where they say something; without any, that of a batch of nothing.
pub(super) fn put(
    connection: &Connection,
    batch: BatchId,
    facts: Option<&Map<String, Value>>,
) -> Result<(), LedgerError> {
    const WRITING: &str = "writing what a batch was planned as";
    let value = |column: &str| facts.and_then(|facts| facts.get(column)).cloned();
    let number = |column| value(column).and_then(|value| value.as_i64()).unwrap_or(0);
    let seal = value("plan_sha256").and_then(|value| value.as_str().and_then(Sha256::parse)).unwrap_or(Sha256::NONE);
    connection
        .execute(
            "UPDATE batches SET rows = ?2, points = ?3, skipped_rows = ?4, plan_sha256 = ?5, plan_version = ?6
             WHERE batch_id = ?1",
            params![batch.0, number("rows"), number("points"), number("skipped_rows"), seal, number("plan_version")],
        )
        .map_err(LedgerError::sqlite(WRITING))?;
    for column in ["file_name", "settings", "consent", "columns", "sealed"] {
        if let Some(Value::String(text)) = value(column) {
            let sql = format!("UPDATE batches SET {column} = ?2 WHERE batch_id = ?1");
            connection.execute(&sql, params![batch.0, text]).map_err(LedgerError::sqlite(WRITING))?;
        }
    }
    Ok(())
}

/// SHA-256 over the rows that the batch skipped, of all its plans.
pub(in crate::ledger) fn skipped_sha256(connection: &Connection, batch: BatchId) -> Result<Sha256, LedgerError> {
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
