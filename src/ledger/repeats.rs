//! Finds payouts that another batch pays, or paid, to the same member with the same points.

use super::error::LedgerError;
use super::read;
use super::record::BatchId;
use crate::domain::standing::State;
use rusqlite::{Connection, params};

/// A payout of a plan that another batch may pay, or paid, as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The row of this file.
    pub row: u64,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub other_row: u64,
    /// Its state there.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<i64>,
    /// When the other batch was planned first, in Unix milliseconds.
    pub planned_at: i64,
}

/// Whether `o` and `p` pay one member: by the same name, or by the same phone, be it the name or beside a card.
pub(super) const SAME_MEMBER: &str =
    "(o.member = p.member OR o.member = p.phone OR o.phone = coalesce(p.phone, p.member))";

/// Compares the payouts of a batch after `after` with all other batches at the same gateway: how many repeat one of
/// them, and the first few.
pub(super) fn find(
    connection: &Connection,
    batch: BatchId,
    after: i64,
    states: &[State],
    credited_since: i64,
    few: usize,
) -> Result<(u64, Vec<Repeat>), LedgerError> {
    let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.word())).collect();
    let from = format!(
        "FROM payouts p
         CROSS JOIN payouts o ON {SAME_MEMBER} AND o.points = p.points AND o.batch_id <> p.batch_id
         JOIN batches b ON b.batch_id = o.batch_id
         WHERE p.batch_id = ?1 AND p.payout_id > ?3 AND o.state IN ({}) AND coalesce(o.credited_at, ?2) >= ?2
           AND b.gateway_host = (SELECT gateway_host FROM batches WHERE batch_id = ?1)",
        words.join(", ")
    );
    let count_sql = format!("SELECT count(DISTINCT p.payout_id) {from}");
    let count = read::one(connection, &count_sql, params![batch.0, credited_since, after])?;
    let list_sql =
        format!("SELECT p.row, b.name, o.row, o.state, o.credited_at, b.planned_at {from} ORDER BY p.row LIMIT ?4");
    let few = i64::try_from(few).unwrap_or(i64::MAX);
    let list = read::rows(connection, &list_sql, params![batch.0, credited_since, after, few], |row| {
        let reading = || LedgerError::sqlite("comparing with other batches");
        let word: String = row.get(3).map_err(reading())?;
        Ok(Repeat {
            row: row.get(0).map_err(reading())?,
            batch: row.get(1).map_err(reading())?,
            other_row: row.get(2).map_err(reading())?,
            state: read::state_of(&word)?,
            credited_at: row.get(4).map_err(reading())?,
            planned_at: row.get(5).map_err(reading())?,
        })
    })?;
    Ok((count.unwrap_or(0), list))
}
