//! Keeps the columns of a batch's file, so that results give the user's own columns back in their order.

use super::read;
use crate::ledger::error::LedgerError;
use crate::ledger::outcome::FileColumn;
use crate::ledger::record::BatchId;
use rusqlite::{Connection, params};

/// The columns that a batch keeps.
pub(in crate::ledger) fn stored(connection: &Connection, batch: BatchId) -> Result<Vec<FileColumn>, LedgerError> {
    let json: Option<String> = read::one(connection, "SELECT columns FROM batches WHERE batch_id = ?1", [batch.0])?;
    let broken = |_| LedgerError::Broken("the stored columns of a file are none".to_owned());
    let stored: Vec<(String, Option<String>)> = serde_json::from_str(&json.unwrap_or_default()).map_err(broken)?;
    Ok(stored.into_iter().map(|(header, meaning)| FileColumn { header, meaning }).collect())
}

/// Adds the columns of a file behind those that earlier files of the batch had.
pub(in crate::ledger) fn keep(
    connection: &Connection,
    batch: BatchId,
    columns: &[(&str, Option<&str>)],
) -> Result<(), LedgerError> {
    let mut kept = stored(connection, batch)?;
    for (nth, (header, meaning)) in columns.iter().enumerate() {
        let is_same = |other: &str, named: Option<&str>| match (named, meaning) {
            (Some(named), Some(meaning)) => named == *meaning,
            (None, None) => other == *header,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let wanted = columns[..=nth].iter().filter(|(other, named)| is_same(other, *named)).count();
        let there = kept.iter().filter(|column| is_same(&column.header, column.meaning.as_deref())).count();
        // Two columns of one header are two columns.
        if there < wanted {
            kept.push(FileColumn { header: (*header).to_owned(), meaning: meaning.map(str::to_owned) });
        }
    }
    let kept: Vec<_> = kept.iter().map(|column| (&column.header, &column.meaning)).collect();
    connection
        .execute(
            "UPDATE batches SET columns = ?2 WHERE batch_id = ?1",
            params![batch.0, serde_json::json!(kept).to_string()],
        )
        .map(drop)
        .map_err(LedgerError::sqlite("writing the columns of the file"))
}
