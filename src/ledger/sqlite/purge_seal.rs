//! Seals what is left of a purged batch: one SHA-256 over all of it, since neither the plan's own seal nor the numbers
//! can be derived any more from rows that are hashes.

use super::row::EVENT_COLUMNS;
use crate::domain::sha256::{Hasher, Sha256};
use crate::ledger::error::LedgerError;
use crate::ledger::record::{Batch, BatchId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

const SEALING: &str = "sealing what is left of a purged batch";

/// What is sealed with the rows: when and why they were purged, and under which key.
#[derive(Debug)]
pub(in crate::ledger) struct Purge {
    pub(in crate::ledger) at: i64,
    pub(in crate::ledger) why: String,
    pub(in crate::ledger) credited_rows: u64,
    pub(in crate::ledger) last_credited_at: Option<i64>,
    pub(in crate::ledger) key_check: [u8; 32],
}

/// The seal that the rows of a purged batch lead to. What may change after a purge is not in it: a verification adds
/// events, and may find that a declined payout was credited after all.
pub(in crate::ledger) fn seal(connection: &Connection, batch: BatchId, purge: &Purge) -> Result<Sha256, LedgerError> {
    let mut context = Hasher::new();
    take(&mut context, ValueRef::Text(b"topup-purge-1"));
    take(&mut context, ValueRef::Integer(purge.at));
    take(&mut context, ValueRef::Text(purge.why.as_bytes()));
    take(&mut context, ValueRef::Integer(i64::try_from(purge.credited_rows).unwrap_or(i64::MAX)));
    take(&mut context, purge.last_credited_at.map_or(ValueRef::Null, ValueRef::Integer));
    take(&mut context, ValueRef::Blob(&purge.key_check));
    let redacted = format!(
        "SELECT r.sha256, {EVENT_COLUMNS} FROM redacted_events r CROSS JOIN events e ON e.event_id = r.event_id
         WHERE e.batch_id = ?1 ORDER BY r.event_id"
    );
    for sql in [
        "SELECT name, gateway_host, merchant_id, terminal_id, invoice_prefix, rows, points, skipped_rows, plan_sha256,
                file_name
         FROM batches WHERE batch_id = ?1",
        // In the order of the tables themselves: any index would cost a sort.
        "SELECT payout_id, plan, row, row_key, member, spelt, phone, points, send_sms, receipt, name, extra, sha256,
                attempt, invoice_no
         FROM payouts WHERE +batch_id = ?1 ORDER BY payout_id",
        "SELECT i.invoice_no, i.payout_id, i.attempt
         FROM invoices i CROSS JOIN payouts p ON p.payout_id = i.payout_id
         WHERE +p.batch_id = ?1 ORDER BY i.invoice_no",
        "SELECT plan, row, cells, reasons FROM skipped_rows WHERE batch_id = ?1 ORDER BY plan, row",
        &redacted,
    ] {
        take_rows(&mut context, connection, sql, batch)?;
    }
    Ok(context.finish())
}

/// Whether what is left of a batch is what its purge left; `None`: it was not purged.
pub(in crate::ledger) fn holds(connection: &Connection, batch: &Batch) -> Result<Option<bool>, LedgerError> {
    let sql = "SELECT at, why, credited_rows, last_credited_at, key_check, sha256 FROM purges WHERE batch_id = ?1";
    let stored = connection
        .query_row(sql, [batch.id.0], |row| {
            let (at, why, credited_rows) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (last_credited_at, key_check) = (row.get(3)?, row.get(4)?);
            Ok((Purge { at, why, credited_rows, last_credited_at, key_check }, row.get::<_, Sha256>(5)?))
        })
        .optional()
        .map_err(LedgerError::sqlite(SEALING))?;
    let Some((purge, sealed)) = stored else { return Ok(None) };
    Ok(Some(seal(connection, batch.id, &purge)? == sealed))
}

fn take_rows(context: &mut Hasher, connection: &Connection, sql: &str, batch: BatchId) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(sql).map_err(LedgerError::sqlite(SEALING))?;
    let columns = statement.column_count();
    let mut rows = statement.query([batch.0]).map_err(LedgerError::sqlite(SEALING))?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(LedgerError::sqlite(SEALING))? {
        count += 1;
        for column in 0..columns {
            take(context, row.get_ref(column).map_err(LedgerError::sqlite(SEALING))?);
        }
    }
    take(context, ValueRef::Integer(count));
    Ok(())
}

/// The type and a length in front keep neighbouring values apart.
fn take(context: &mut Hasher, value: ValueRef<'_>) {
    let (tag, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => return take(context, ValueRef::Text(number.to_string().as_bytes())),
        ValueRef::Real(number) => return take(context, ValueRef::Blob(&number.to_be_bytes())),
        ValueRef::Text(text) => (1, text),
        ValueRef::Blob(blob) => (2, blob),
    };
    context.update(&[tag]);
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}
